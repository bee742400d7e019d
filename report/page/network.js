"use strict";
// Networks of convolutions with stride 2; a Dense layer is one whose window is all of its input. ReLU between two layers.
// A layer: kernel (side, side, channels, units) and bias as saved, float32; inputs and outputs: [rows, channels] of squares.
// The bound is that of beyond/networks/bounds.py, `interval`, in float64, with all that rounding in float32 may change.
const UNIT = 2 ** -24, TINY = 2 ** -126, FLOOR = 2 ** -100, SPARE = 4;
const SEARCH_STEPS = 10; // of PGD, from each start

function layersOf(arrays, rows, channels) {
  return arrays.map(({ kernel, bias }) => {
    const units = bias.length, wide = kernel.length / units / channels, side = Math.min(Math.sqrt(wide), rows);
    const layer = { kernel, bias, side, inputs: [rows, channels], outputs: [(rows - side) / 2 + 1 | 0, units] };
    [rows, channels] = layer.outputs;
    return layer;
  });
}

// Calls act(unit from, unit to, place of the first weight) for each input of each window; `units` weights follow.
function windows({ side, inputs: [rows, channels], outputs: [places, units] }, act) {
  for (let row = 0; row < places; row++) for (let column = 0; column < places; column++)
    for (let i = 0; i < side; i++) for (let j = 0; j < side * channels; j++)
      act(((2 * row + i) * rows + 2 * column) * channels + j, (row * places + column) * units, (i * side * channels + j) * units);
}

// What each layer gives, before ReLU; the last one is the logit.
function forward(layers, x) {
  const every = [];
  for (const layer of layers) {
    const { kernel, bias } = layer, units = bias.length, given = every.at(-1) ?? x, first = !every.length;
    const sums = Float64Array.from({ length: layer.outputs[0] ** 2 * units }, (_, i) => bias[i % units]);
    windows(layer, (from, to, at) => {
      const value = given[from];
      if (first ? value !== 0 : value > 0) for (let unit = 0; unit < units; unit++) sums[to + unit] += value * kernel[at + unit];
    });
    every.push(sums);
  }
  return every;
}

// The slope of the logit along each input, from what forward gave.
function slopes(layers, every) {
  let slope = Float64Array.of(1);
  for (let number = layers.length - 1; number >= 0; number--) {
    const layer = layers[number], { kernel, inputs: [rows, channels] } = layer, units = layer.bias.length, given = every[number - 1];
    const sums = new Float64Array(rows * rows * channels);
    windows(layer, (from, to, at) => {
      if (given && !(given[from] > 0)) return;
      let sum = 0;
      for (let unit = 0; unit < units; unit++) sum += slope[to + unit] * kernel[at + unit];
      sums[from] += sum;
    });
    slope = sums;
  }
  return slope;
}

// Proved: y·logit is at least this for every image within ε of x, and within [0, 1] if clip.
function intervalBound(layers, x, y, epsilon, clip) {
  const reach = epsilon + 2 * UNIT * (1 + epsilon); // x ± ε may be rounded to float32
  let low = Float64Array.from(x, (value) => (clip ? Math.max(0, value - reach) : value - reach));
  let high = Float64Array.from(x, (value) => (clip ? Math.min(1, value + reach) : value + reach));
  for (const layer of layers) {
    const { kernel, bias } = layer, units = bias.length, length = layer.outputs[0] ** 2 * units;
    const centre = low.map((value, i) => (value + high[i]) / 2), radius = low.map((value, i) => (high[i] - value) / 2);
    const [middle, spread, size] = [0, 0, 0].map(() => new Float64Array(length));
    windows(layer, (from, to, at) => {
      const value = centre[from], wide = radius[from], all = Math.abs(value) + wide + FLOOR;
      if (value === 0 && wide === 0) return;
      for (let unit = 0; unit < units; unit++) {
        const weight = kernel[at + unit], absolute = Math.abs(weight);
        middle[to + unit] += value * weight;
        spread[to + unit] += wide * absolute;
        size[to + unit] += all * absolute;
      }
    });
    const terms = kernel.length / units + 1, gamma = ((terms + SPARE) * UNIT) / (1 - (terms + SPARE) * UNIT);
    for (let i = 0; i < length; i++) {
      const offset = bias[i % units];
      middle[i] += offset;
      spread[i] += gamma * (size[i] + Math.abs(offset)) + terms * TINY;
    }
    if (layer === layers.at(-1)) return y * middle[0] - spread[0];
    low = middle.map((value, i) => Math.max(0, value - spread[i]));
    high = middle.map((value, i) => Math.max(0, value + spread[i]));
  }
}

// Found: the image within ε of x at which PGD gets y·logit lowest, as float32; from x and, if that breaks nothing, from a corner.
// It yields after each step, so that whoever runs it can do something else between two of them.
function* pgd(layers, x, y, epsilon, clip) {
  const within = (value, i) => {
    const [low, high] = clip ? [Math.max(0, x[i] - epsilon), Math.min(1, x[i] + epsilon)] : [x[i] - epsilon, x[i] + epsilon];
    return Math.max(low, Math.min(high, value));
  };
  let best = { margin: Infinity }, seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) < 1073741824 ? -epsilon : epsilon;
  for (const start of [() => 0, random]) {
    let image = Float32Array.from(x, (value, i) => within(value + start(), i));
    for (let step = 0; step <= SEARCH_STEPS; step++) {
      const every = forward(layers, image), margin = y * every.at(-1)[0];
      if (margin < best.margin) best = { margin, image };
      const slope = slopes(layers, every), size = 2 * epsilon * (1 - step / SEARCH_STEPS);
      image = image.map((value, i) => within(value - y * size * Math.sign(slope[i]), i));
      yield;
    }
    if (best.margin <= 0) break;
  }
  return best;
}
