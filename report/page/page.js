// A linear model: logit = w·x + b; below 0 it says the first digit (y = -1), above 0 the second (y = +1).
// Sums are float64, of the weights as saved and of pixels as the models saw them: float32(byte / 255).
// An image under attack is right if its radius is greater than the size of the attack: a logit of 0 is a mistake.
const SIDE = 28, PIXELS = SIDE * SIDE, PAPER = 280, BOX = 20;
const VALUE = Float64Array.from({ length: 256 }, (_, byte) => Math.fround(byte / 255));
const LARGEST_EPSILON = 0.5, EPSILON_STEP = 0.001, SLICE = 6; // milliseconds of work between two frames
const $ = (id) => document.getElementById(id);
const state = { image: 0, model: "", attack: "all", eps: 0.1, k: 1, clip: false, order: "all", digit: 1, tour: 1, draw: false };
const undo = []; // what the paper was before each stroke
let data, drawn = null, digitChosen = false, pixel = 14 * SIDE + 14, shown = {};

// ---- The data ----
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")); // checks the sum
  const buffer = await new Response(stream).arrayBuffer();
  let at = 4 + new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(buffer.slice(4, at)));
  const take = (length) => buffer.slice(at, (at += length));
  const floats = (length) => new Float32Array(take(4 * length));
  for (const model of header.models) {
    if (model.sizes) { // a network: the lengths of kernel and bias of each layer
      model.layers = layersOf(model.sizes.map(([kernel, bias]) => ({ kernel: floats(kernel), bias: floats(bias) })), SIDE, 1);
      continue;
    }
    const values = new Float64Array(take(8 * (PIXELS + 1)));
    Object.assign(model, { weights: values.slice(0, PIXELS), bias: values[PIXELS], radii: {} });
    model.norm = model.weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
    model.byWeight = [...model.weights.keys()].sort((i, j) => Math.abs(model.weights[j]) - Math.abs(model.weights[i]));
  }
  header.pixels = new Uint8Array(take(PIXELS * header.images));
  header.labels = Int8Array.from(new Uint8Array(take(header.images)), (label) => 2 * label - 1);
  header.linear = header.models.filter((model) => model.weights);
  header.networks = header.models.filter((model) => model.layers);
  return header;
}
const image = (index) => data.pixels.subarray(PIXELS * index, PIXELS * (index + 1));
const current = () => (state.image === "drawn" ? drawn : image(state.image));
const label = () => (state.image === "drawn" ? 2 * state.digit - 1 : data.labels[state.image]);
const chosen = () => data.models.find((model) => model.name === state.model);
const kind = () => (state.attack === "pixels" ? "pixels" : state.clip ? "clipped" : "unclipped");
const amount = () => (state.attack === "pixels" ? state.k : state.eps);
const values = (x) => Float64Array.from(x, (byte) => VALUE[byte]);

// ---- The attacks ----
function logit(model, x) {
  if (model.layers) return forward(model.layers, values(x)).at(-1)[0];
  let sum = 0;
  for (let i = 0; i < PIXELS; i++) sum += model.weights[i] * VALUE[x[i]];
  return sum + model.bias;
}

// How far pixel i can move against the label, as a byte: down to 0 where y w > 0, up to 255 elsewhere.
const room = (model, x, y, i) => (y * model.weights[i] > 0 ? x[i] : 255 - x[i]);
// The size of the attack at which an image falls; not above 0 if it is wrong without any.
const RADIUS = {
  unclipped: (model, x, y) => (y * logit(model, x)) / model.norm,
  // The margin falls by Σ |w| min(ε, room): piecewise linear in ε, with a kink at each of the 256 rooms.
  clipped(model, x, y) {
    const margin = y * logit(model, x), steps = new Float64Array(256);
    if (margin <= 0) return RADIUS.unclipped(model, x, y);
    for (let i = 0; i < PIXELS; i++) steps[room(model, x, y, i)] += Math.abs(model.weights[i]);
    let slope = model.norm - steps[0], left = margin;
    for (let byte = 1; byte < 256; byte++) {
      const cost = slope * (VALUE[byte] - VALUE[byte - 1]);
      if (slope > 0 && cost >= left) return VALUE[byte - 1] + left / slope;
      left -= cost;
      slope -= steps[byte];
    }
    return Infinity;
  },
  // The fewest pixels: the largest |w| room first, until their sum reaches the margin.
  pixels(model, x, y) {
    let left = y * logit(model, x);
    const used = new Set();
    while (left > 0) {
      let best = 0, which = -1;
      for (const i of model.byWeight) {
        const size = Math.abs(model.weights[i]);
        if (size <= best) break; // no room is greater than 1
        const gain = size * VALUE[room(model, x, y, i)];
        if (gain > best && !used.has(i)) [best, which] = [gain, i];
      }
      if (which < 0) return Infinity;
      used.add(which);
      left -= best;
    }
    return used.size;
  },
};

// What the chosen attack adds to each pixel.
function perturbation(model, x, y) {
  if (model.layers) {
    const { search, x: from } = knowledge(model);
    return from.map((value, i) => (search && state.attack === "all" ? search.image[i] - value : 0));
  }
  const delta = new Float64Array(PIXELS);
  const rooms = delta.map((_, i) => VALUE[room(model, x, y, i)]);
  const gain = rooms.map((value, i) => Math.abs(model.weights[i]) * value);
  const most = { unclipped: (i) => state.eps, clipped: (i) => Math.min(state.eps, rooms[i]), pixels: (i) => rooms[i] }[kind()];
  let moved = model.byWeight;
  if (state.attack === "pixels")
    moved = [...gain.keys()].sort((i, j) => gain[j] - gain[i]).slice(0, state.k).filter((i) => gain[i] > 0);
  for (const i of moved) delta[i] = -y * Math.sign(model.weights[i]) * most(i) || 0;
  return delta;
}
function radii(model) {
  const radius = RADIUS[kind()];
  return (model.radii[kind()] ??= Float64Array.from(data.labels, (y, i) => radius(model, image(i), y)));
}

// How many test images are right under an attack of this size: those with a greater radius.
function survivors(model, size) {
  let count = 0;
  for (const radius of radii(model)) count += radius > size;
  return count;
}

// ---- The networks ----
// What is known of a network for this image and attack: it is proved to be right up to ε = `proved`, intervals do not prove it from
// `open` on, an attack is found from `found` on, and none was up to `held`; `bound` and `search` are those of one ε.
function knowledge(model) {
  const x = current(), y = label(), key = `${kind()} ${y} ${state.image === "drawn" ? encode(x) : state.image}`;
  if (model.known?.key === key) return model.known;
  const from = values(x), margin = y * forward(model.layers, from).at(-1)[0], least = margin > 0 ? Infinity : 0;
  return (model.known = { key, x: from, y, clip: kind() === "clipped", margin, proved: 0, open: least, held: 0, found: least });
}

function* prove(model, known, epsilon) {
  const margin = intervalBound(model.layers, known.x, known.y, epsilon, known.clip);
  if (margin > 0) known.proved = Math.max(known.proved, epsilon);
  else known.open = Math.min(known.open, epsilon);
  yield;
  return { epsilon, margin };
}

function* attack(model, known, epsilon) {
  const search = yield* pgd(model.layers, known.x, known.y, epsilon, known.clip);
  if (search.margin > 0) known.held = Math.max(known.held, epsilon);
  else if (epsilon < known.found) [known.found, known.breaks] = [epsilon, search];
  return { ...(search.margin > 0 && known.found < epsilon ? known.breaks : search), epsilon };
}

// The most urgent first: what is proved and found at the chosen ε; then, by bisection, where both end.
function* follow(changed) {
  const epsilon = state.eps, isChosen = ([model]) => model === chosen();
  const every = data.networks.map((model) => [model, knowledge(model)]).sort((one, other) => isChosen(other) - isChosen(one));
  for (const [model, known] of every)
    if (isChosen([model]) || (epsilon > known.proved && epsilon < known.open)) known.bound = yield* prove(model, known, epsilon);
  renderNetworks();
  for (const [model, known] of every)
    if (isChosen([model]) || (epsilon > known.proved && epsilon < known.found)) known.search = yield* attack(model, known, epsilon);
  renderNetworks();
  for (const [act, high, near] of [[prove, "open", 0.001], [attack, "found", 0.01]]) for (const [model, known] of every) {
    const low = () => (act === prove ? known.proved : Math.max(known.proved, known.held));
    while (!changed() && low() < LARGEST_EPSILON && known[high] - low() > near)
      yield* act(model, known, Math.min(LARGEST_EPSILON, (low() + known[high]) / 2));
    renderNetworks();
  }
}

// In slices, so that a drag stays smooth; what was begun for one ε is ended before the next, unless the image changes.
function work() {
  if (shown.busy || !data.networks.length || state.attack === "pixels") return;
  const known = () => data.networks.map(knowledge), images = () => known().map(({ key }) => key).join();
  const situation = () => `${images()} ${state.eps} ${state.model}`;
  const [before, seen] = [images(), situation()], job = follow(() => situation() !== seen);
  const slice = () => {
    const end = performance.now() + SLICE;
    let done = false;
    while (!done && performance.now() < end) done = job.next().done;
    $("models").ariaBusy = shown.busy = !done && images() === before;
    if (shown.busy) setTimeout(slice);
    else if (situation() !== seen) work();
  };
  if (known().every((each) => each.seen === seen)) return;
  for (const each of known()) each.seen = seen;
  $("models").ariaBusy = shown.busy = true;
  setTimeout(slice);
}

// Accuracy of a network on the test images between two sides: a bound only falls with ε, and an attack only gains. Both were
// measured with clipped pixels; without clipping (low is NaN) only the upper one holds.
function bracket({ epsilon, certified, attacked }, low, high) {
  const least = certified[epsilon.findIndex((each) => each >= low)] ?? 0, most = attacked[epsilon.findLastIndex((each) => each <= high)];
  const [from, to] = [least, most].map((count) => (100 * count) / data.images), scale = Number.isNaN(low) ? 100 : to - from < 1 ? 10 : 1;
  if (least === most) return percent(most);
  return `${Number.isNaN(low) ? "≤" : `${Math.floor(scale * from) / scale}–`}${Math.ceil(scale * to) / scale} %`;
}

// ---- Showing ----
const number = (value, digits) => value.toFixed(digits).replace("-", "−");
const signed = (value, digits) => (value >= 0 ? "+" : "") + number(value, digits);
const percent = (count) => `${number((100 * count) / data.images, 2)} %`;
const digit = (y) => data.digits[y > 0 ? 1 : 0];
function put(id, text) {
  const node = typeof id === "string" ? $(id) : id;
  if (node.textContent !== text) node.textContent = text;
}
function picture(id, colour) {
  const context = $(id).getContext("2d"), pixels = context.createImageData(SIDE, SIDE);
  for (let i = 0; i < PIXELS; i++) pixels.data.set([...colour(i), 255], 4 * i);
  context.putImageData(pixels, 0, 0);
}
const grey = (ink) => Array(3).fill(255 - Math.round(255 * ink));
function largestAmount() {
  if (state.attack === "all") return LARGEST_EPSILON;
  return (shown.pixels ??= Math.max(10, 10 * Math.ceil(Math.max(...data.linear.flatMap((model) => [...radii(model)].filter(Number.isFinite))) / 10)));
}
const falls = (radius) => (!(radius > 0) ? "0" : radius === Infinity ? "never" : number(radius, state.attack === "pixels" ? 0 : 4));

// A row of the table: its cells, and up to which size its bar is green, and grey.
function renderRow(model, word, size, share, count, to, open) {
  const cells = model.row.cells, bar = model.row.querySelector(".reach").style, part = (value) => Math.max(0, Math.min(100, (100 * value) / largestAmount()));
  put(cells[1].firstChild, word);
  cells[1].firstChild.className = model.right === null ? "" : model.right ? "right" : "wrong";
  put(cells[2], size);
  put(cells[3].firstChild, share);
  put(cells[3].lastChild, count);
  bar.setProperty("--to", `${part(to).toFixed(2)}%`);
  bar.setProperty("--open-to", `${part(open).toFixed(2)}%`);
  model.row.className = model === chosen() ? "chosen" : "";
  model.radio.checked = model === chosen();
}
function renderNetworks() {
  for (const model of data.networks) {
    const { proved, found, margin, clip } = knowledge(model), pixels = state.attack === "pixels";
    model.right = margin <= 0 || (!pixels && state.eps >= found) ? false : !pixels && state.eps <= proved ? true : null;
    const word = margin <= 0 ? "✗ wrong" : pixels ? "not tried" : model.right === null ? "? open" : model.right ? "✓ proved" : "✗ found";
    const [low, high] = [Math.floor(100 * proved) / 100, Math.ceil(100 * found) / 100];
    const size = margin <= 0 ? "0" : pixels ? "–" : found === Infinity ? `> ${low}` : `${low}–${high}`;
    const share = pixels ? "–" : bracket(model.sides, clip || !state.eps ? state.eps : NaN, state.eps);
    renderRow(model, word, size, share, "", pixels ? 0 : proved, pixels ? Infinity : found);
  }
  if (chosen().layers) renderChosen();
}

// The pictures, the verdict, score and loss of the chosen model.
function renderChosen() {
  const model = chosen(), x = current(), y = label(), delta = perturbation(model, x, y), pixels = state.attack === "pixels";
  // Grey goes from the least to the largest value that the attack can reach, so that nothing is hidden.
  const beyond = kind() === "unclipped" ? state.eps : 0;
  picture("clean", (i) => grey(VALUE[x[i]]));
  picture("change", (i) => grey(0.5 + 0.5 * Math.sign(delta[i]) * Math.sqrt(Math.abs(delta[i]))));
  picture("attacked", (i) => grey((VALUE[x[i]] + delta[i] + beyond) / (1 + 2 * beyond)));
  $("attacked").className = model.right === false ? "wrong" : "";
  put("clean-text", `${state.image === "drawn" ? "Your drawing" : `Image ${state.image}`}, ${digit(y) === 8 ? "an" : "a"} ${digit(y)}`);
  put("change-text", `${pixels ? `k = ${state.k}` : `±${number(state.eps, 3)}`}; dark adds ink`);
  put("attacked-text", `Attacked, ${beyond ? `${number(-beyond, 2)} to ${number(1 + beyond, 2)}` : "0 to 1"}`);
  for (const id of ["clean", "change", "attacked"]) $(id).setAttribute("aria-label", $(`${id}-text`).textContent);
  const key = model.layers ? model.name + knowledge(model).key : model.name;
  if (shown.weights !== key) drawWeights(model);
  shown.weights = key;
  describe(model, x, y, delta);
  pixelText(model, x, delta);
}
function describe(model, x, y, delta) {
  const { right, known } = model, before = model.layers ? y * known.margin : logit(model, x), place = (id, from, to) =>
    Object.assign($(id).style, { left: `${Math.min(from, to)}%`, width: `${Math.abs(from - to)}%` });
  let after = before, rest = "; attacks by few pixels are not tried on networks here.", bound = NaN;
  if (!model.layers) {
    after = delta.reduce((sum, change, i) => sum + change * model.weights[i], before);
    rest = `. Its score ŷ goes from ${signed(before, 2)} to ${signed(after, 2)}.`;
  } else if (state.attack === "all") {
    if (known.search) after = y * known.search.margin;
    bound = known.bound?.margin ?? NaN;
    rest = `. Found: yŷ = ${number(y * after, 2)}. Proved: ${bound > 0 ? `no attack gets it below ${number(Math.floor(100 * bound) / 100, 2)}` : "nothing"}.`;
  }
  const word = right === null ? " not fooled" : right ? " right ✓" : " wrong ✗", says = digit(right === false ? -y : y);
  $("verdict").replaceChildren(`Attacked, ${model.label} says `, Object.assign(document.createElement("b"), {
    textContent: `${says}:${word}`, className: right === null ? "" : right ? "right" : "wrong" }), rest);
  const at = (score) => 50 + 50 * Math.max(-0.98, Math.min(0.98, score / model.largest));
  $("bar-clean").style.left = `${at(before)}%`;
  $("bar-attacked").style.left = `${at(after)}%`;
  place("bar-path", at(before), at(after));
  shown.speech = $("verdict").textContent + (model.layers ? "" : ` ${percent(survivors(model, amount()))} of the test images are right.`);

  // The loss, as bars on the axis of y ŷ.
  const margin = y * before, least = y * after, reach = model.layers ? "found: takes" : kind() === "unclipped" ? "ε‖w‖₁" : "the attack takes";
  const rows = [["margin", "yŷ", margin, 0, margin], ["reach", reach, margin - least, least, margin], model.layers
    ? ["hinge", "proved: at most", Math.ceil(100 * (margin - bound)) / 100, bound, margin] : ["hinge", "loss", Math.max(0, 1 - least), Math.min(1, least), 1]];
  for (const [id, text, value, from, to] of rows) {
    put(`loss-${id}-text`, text);
    put(`loss-${id}`, Number.isNaN(value) ? "–" : number(value, 2));
    place(`loss-${id}-bar`, at(from || 0), at(Number.isNaN(from) ? 0 : to));
    $(`loss-${id}-bar`).parentNode.style.setProperty("--one", model.layers ? "50%" : `${at(1)}%`);
  }
  put("loss-text", model.layers ? "A network has no ‖w‖₁: an attack that is found takes this much from yŷ, and no attack takes more than is proved. The line: yŷ = 0."
    : `loss = max(0, 1 − yŷ + ${kind() === "unclipped" ? "ε‖w‖₁" : "what the attack takes"}). The lines: yŷ = 0, where the answer turns, and yŷ = 1, from where on there is no loss.`);
}
function pixelText(model, x, delta) {
  const value = VALUE[x[pixel]], weight = (model.weights ?? model.slopes)[pixel], change = delta[pixel], word = model.layers ? "slope" : "weight";
  const sums = model.layers ? [".", "."] : [` and gives ${signed(weight * value, 4)} to the score;`, `, which adds ${signed(weight * change, 4)}.`];
  put("pixel", `Row ${Math.floor(pixel / SIDE) + 1}, column ${(pixel % SIDE) + 1}: ${word} ${signed(weight, 4)}. The pixel is ${number(value, 2)}${sums[0]} ` +
    `${model.layers ? "The" : "the"} attack moves it by ${signed(change, 3)}${sums[1]}`);
}
function render() {
  const x = current(), y = label(), pixels = state.attack === "pixels", sign = pixels ? "k" : "ε", largest = largestAmount();
  const key = [kind(), $("chart").clientWidth, $("chart").clientHeight].join(); // read before anything changes: no second layout
  for (const each of data.linear) {
    const radius = RADIUS[kind()](each, x, y), count = survivors(each, amount());
    each.right = radius > amount();
    renderRow(each, each.right ? "✓ right" : "✗ wrong", falls(radius), percent(count), String(count), radius, radius);
  }
  renderNetworks();
  if (!chosen().layers) renderChosen();
  if (shown.chart !== key) drawChart(sign);
  shown.chart = key;
  for (const each of data.linear) each.dot.setAttribute("transform", `translate(${shown.x(amount())} ${shown.y(survivors(each, amount()) / data.images)})`);
  for (const each of data.models) each.path?.classList.toggle("chosen", each === chosen());
  for (const id of ["slider", "line"]) $(id).style.setProperty("--at", `${(100 * Math.min(amount(), largest)) / largest}%`);
  const [slider, field] = [$("slider"), $("number")];
  Object.assign(slider, { min: 0, max: largest, step: pixels ? 1 : EPSILON_STEP, value: amount() });
  if (document.activeElement !== field || parsed(field.value) !== amount()) field.value = amount();
  slider.setAttribute("aria-valuetext", `${sign} ${amount()}`);
  slider.setAttribute("aria-label", pixels ? "pixels moved, k" : "size of the attack, epsilon");
  put("amount-text", `${sign} =`);
  for (const id of ["falls-unit", "row-unit"]) put(id, sign);
  $("image").value = state.image === "drawn" ? "" : state.image;
  $("order").value = state.order;
  $("order").disabled = "layers" in chosen(); // the whole test set is not run through a network here
  $("clip").checked = state.clip || pixels;
  $("clip").disabled = pixels; // a pixel that moves as far as it likes stays in [0, 1]
  for (const radio of document.getElementsByName("attack")) radio.checked = radio.value === state.attack;
  for (const radio of document.getElementsByName("digit")) radio.checked = +radio.value === state.digit;
  $("one").classList.toggle("drawing", state.draw);
  $("draw").setAttribute("aria-pressed", state.draw);
  $("undo").disabled = !undo.length;
  put("drawn", drawn ? `Without an attack it is ${data.digits[+(logit(chosen(), drawn) > 0)]} to ${chosen().label}.` : "The paper is empty.");
  const steps = tourSteps(), stale = isStale(steps[state.tour - 1]);
  steps.forEach((step, i) => {
    if (step.hidden !== (i + 1 !== state.tour)) step.hidden = i + 1 !== state.tour;
    step.classList.toggle("stale", stale);
  });
  $("again").hidden = !stale;
  put("step", `${state.tour} of ${steps.length}`);
  $("back").disabled = state.tour === 1;
  $("next").disabled = state.tour === steps.length;
  later();
  work();
}
function svg(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

// Its horizontal axis is that of the slider and of the rows.
function drawChart(sign) {
  const width = $("chart").clientWidth, height = $("chart").clientHeight, bottom = height - 24, largest = largestAmount();
  shown.x = (value) => (width * value) / largest;
  shown.y = (share) => bottom - (bottom - 10) * share;
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Accuracy of all models against ${sign}; the table has the numbers` });
  const line = (points) => `M${points.map(([x, share]) => `${shown.x(x).toFixed(1)} ${shown.y(share).toFixed(1)}`).join("L")}`;
  for (const share of [0, 0.5, 1]) root.append(svg("line", { x1: 0, x2: width, y1: shown.y(share), y2: shown.y(share), class: share ? "grid" : "axis" }),
    svg("text", { x: 2, y: shown.y(share) + 14 }, share ? `${100 * share} %` : ""));
  for (const tick of [0, 1, 2, 3, 4, 5]) root.append(svg("text", { x: shown.x((largest * tick) / 5), y: height - 8,
    "text-anchor": ["start", , , , , "end"][tick] ?? "middle" }, tick ? String(+((largest * tick) / 5).toFixed(1)) : `${sign} = 0`));
  for (const model of data.networks) if (kind() === "clipped") {
    const { epsilon, certified, attacked } = model.sides; // steps: from each measured ε to the next
    const steps = (counts) => epsilon.slice(1).flatMap((each, i) => [[epsilon[i], counts[i] / data.images], [each, counts[i] / data.images]]);
    model.path = root.appendChild(svg("path", { d: `${line([...steps(attacked), ...steps(certified.slice(1)).reverse()])}Z`, class: "band model", style: `--c: ${model.colour}` }));
  }
  for (const model of data.linear) {
    const points = Array.from({ length: width + 1 }, (_, x) => [(x * largest) / width, survivors(model, (x * largest) / width) / data.images]);
    model.path = root.appendChild(svg("path", { d: line(points), class: `line model${model.dashed ? " dashed" : ""}`, style: `--c: ${model.colour}` }));
  }
  for (const model of data.linear) model.dot = root.appendChild(svg("circle", { r: 5, class: "dot model", style: `--c: ${model.colour}` }));
  $("chart").replaceChildren(root);
}

function drawWeights(model) {
  const known = model.layers && knowledge(model), each = model.weights ?? slopes(model.layers, forward(model.layers, known.x));
  model.slopes = each;
  const largest = each.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) || 1, ends = [[31, 95, 168], [214, 108, 12]];
  picture("weights", (i) => {
    const part = Math.abs(each[i]) / largest, end = ends[+(each[i] > 0)];
    return end.map((channel) => Math.round(255 + part * (channel - 255)));
  });
  let left = 0.99 * model.norm, matter = 0;
  for (const i of model.byWeight ?? []) if (left > 0) left -= Math.abs(each[i]), matter++;
  put("weights-text", model.layers ? "the slope of its score along each pixel, at this image; elsewhere it is another."
    : `the chosen model's weights, ‖w‖₁ = ${number(model.norm, 2)}; ${matter} of the 784 pixels have 99 % of it.`);
}

// ---- The address ----
// A drawing of 16 grey levels: two pixels in a byte, in the letters that an address may have.
function encode(x) {
  const bytes = Array.from({ length: PIXELS / 2 }, (_, i) => (x[2 * i] / 17) * 16 + x[2 * i + 1] / 17);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(text) {
  const bytes = /^[\w-]{523}$/.test(text) ? atob(text.replaceAll("-", "+").replaceAll("_", "/")) : "";
  return Uint8Array.from({ length: PIXELS }, (_, i) => 17 * ((bytes.charCodeAt(i >> 1) >> (i % 2 ? 0 : 4)) & 15));
}

function address() {
  const { image, model, attack, eps, k, clip, order, digit, tour, draw } = state;
  const parts = { image, model, attack, eps, k, ...(clip && { clip: 1 }), ...(order !== "all" && { order }), ...(draw && { draw: 1 }) };
  if (image === "drawn") Object.assign(parts, { digit, ink: encode(drawn) });
  return `#${new URLSearchParams({ ...parts, tour })}`;
}

// What the address says; a value that makes no sense leaves the state as it is.
function read(text) {
  const parts = new URLSearchParams(text), within = (name, low, high) => {
    const value = Number(parts.get(name) || NaN);
    if (value >= low && value <= high) state[name] = value;
  };
  if (parts.get("ink")) show(decode(parts.get("ink")));
  if (parts.get("image") === "drawn" && drawn) state.image = "drawn";
  else if (Number.isInteger(Number(parts.get("image")))) within("image", 0, data.images - 1);
  if (data.models.some((model) => model.name === parts.get("model"))) state.model = parts.get("model");
  if (["all", "pixels"].includes(parts.get("attack"))) state.attack = parts.get("attack");
  if (["all", "mistakes", "nearest"].includes(parts.get("order") ?? "all")) state.order = parts.get("order") ?? "all";
  state.clip = parts.get("clip") === "1";
  state.draw = parts.get("draw") === "1" || state.image === "drawn";
  within("eps", 0, LARGEST_EPSILON);
  for (const [name, low, high] of [["k", 0, PIXELS], ["digit", 0, 1], ["tour", 1, tourSteps().length]])
    if (Number.isInteger(Number(parts.get(name)))) within(name, low, high);
}

// Not while something is dragged: browsers limit how often an address may change, and speech would not stop.
function later() {
  clearTimeout(shown.timer);
  shown.timer = setTimeout(() => {
    try { history.replaceState(null, "", address()); } catch { /* a sandboxed frame has no address */ }
    put("status", shown.speech);
  }, 250);
}

// ---- Drawing ----
const paper = () => $("paper").getContext("2d", { willReadFrequently: true });
// A drawing in MNIST's form: the ink scaled into 20 x 20, its centre of mass in the middle of 28 x 28.
function normalised() {
  const bytes = paper().getImageData(0, 0, PAPER, PAPER).data, ink = (x, y) => bytes[4 * (y * PAPER + x) + 3];
  let [left, right, top, bottom] = [PAPER, -1, PAPER, -1];
  for (let y = 0; y < PAPER; y++) for (let x = 0; x < PAPER; x++) if (ink(x, y) > 127) {
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < 0) return null;
  const scale = Math.max(right - left + 1, bottom - top + 1, PAPER / SIDE / 2 * BOX) / BOX, small = new Float64Array(BOX * BOX);
  let mass = 0, middle = [0, 0];
  for (let i = 0; i < BOX * BOX; i++) { // the mean ink of the square that becomes this pixel
    const column = i % BOX, row = (i - column) / BOX, from = [left + column * scale, top + row * scale].map(Math.floor);
    let count = 0;
    for (let y = from[1]; y < from[1] + Math.max(1, scale); y++) for (let x = from[0]; x < from[0] + Math.max(1, scale); x++, count++)
      if (x <= right && y <= bottom) small[i] += ink(x, y);
    small[i] /= count;
    mass += small[i];
    middle = [middle[0] + small[i] * (column + 0.5), middle[1] + small[i] * (row + 0.5)];
  }
  const shift = middle.map((sum) => Math.round(SIDE / 2 - sum / mass)), result = new Uint8Array(PIXELS);
  for (let i = 0; i < BOX * BOX; i++) {
    const column = (i % BOX) + shift[0], row = Math.floor(i / BOX) + shift[1];
    if (column >= 0 && column < SIDE && row >= 0 && row < SIDE) result[row * SIDE + column] = 17 * Math.round(small[i] / 17);
  }
  return result;
}

// A drawing that comes with the address is put on the paper, too.
function show(x) {
  drawn = x.some((value) => value > 0) ? x : null;
  undo.length = 0;
  paper().clearRect(0, 0, PAPER, PAPER);
  x.forEach((value, i) => {
    paper().fillStyle = `rgb(0 0 0 / ${value / 255})`;
    paper().fillRect((i % SIDE) * 10, Math.floor(i / SIDE) * 10, 10, 10);
  });
}

// A line, or a dot where it begins and ends at one place, which a canvas would not draw.
function stroke(from, to) {
  const context = paper(), erase = $("eraser").getAttribute("aria-pressed") === "true", width = erase ? 40 : 24;
  Object.assign(context, { lineWidth: width, lineCap: "round", globalCompositeOperation: erase ? "destination-out" : "source-over", fillStyle: "#000" });
  context.beginPath();
  if (from.join() === to.join()) {
    context.arc(...to, width / 2, 0, 2 * Math.PI);
    context.fill();
  } else {
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  }
  context.globalCompositeOperation = "source-over";
}
function remember() {
  undo.push(paper().getImageData(0, 0, PAPER, PAPER));
  undo.splice(0, undo.length - 30);
}

function drawnAnew() {
  drawn = normalised();
  if (!drawn && state.image === "drawn") state.image = 0;
  if (drawn) {
    state.image = "drawn"; // what most models take it for, until the reader says what it is meant to be
    if (!digitChosen) state.digit = +(2 * data.models.filter((model) => logit(model, drawn) > 0).length > data.models.length);
  }
  render();
}

// ---- What the reader does ----
function list() {
  const model = chosen(), all = [...data.labels.keys()];
  if (model.layers || state.order === "all") return all;
  if (state.order === "mistakes") return all.filter((i) => !(radii(model)[i] > amount()));
  const distance = (i) => Math.abs(radii(model)[i] - amount());
  return all.sort((i, j) => distance(i) - distance(j) || i - j);
}

function step(by) {
  const images = list(), at = images.indexOf(state.image);
  const next = images.findIndex((i) => i > state.image); // where it would be, if it is not in the list
  const to = at >= 0 ? at + by : Math.max(next, 0) - (by < 0);
  if (!images.length) put("verdict", `${chosen().label} makes no mistake under this attack.`);
  else set({ image: images[(to + images.length) % images.length], draw: false });
}

const tourSteps = () => [...document.querySelectorAll("#tour li")];
// Whether something else is shown than what a step of the tour speaks of; the last one speaks of nothing.
function isStale(item) {
  const { draw, ...parts } = Object.fromEntries(new URLSearchParams(item.dataset.state));
  return !draw && Object.entries({ clip: "0", ...parts }).some(([key, value]) => String(key === "clip" ? +state.clip : state[key]) !== value);
}
function tour(by) {
  state.tour += by;
  state.order = "all";
  read(tourSteps()[state.tour - 1].dataset.state);
  render();
}

function set(values) {
  Object.assign(state, values);
  render();
}

// A number as people write it: 0.1, 0,1 or 8/255; NaN if it is none.
function parsed(text) {
  const parts = text.replace(",", ".").split("/");
  return parts.length > 2 || parts.some((part) => !part.trim()) ? NaN : Number(parts[0]) / Number(parts[1] ?? 1);
}

function setAmount(value) {
  if (Number.isNaN(value)) return;
  const size = Math.max(0, Math.min(largestAmount(), value));
  set(state.attack === "pixels" ? { k: Math.round(size) } : { eps: size });
}

function listen() {
  const on = (id, type, act) => $(id).addEventListener(type, act);
  on("slider", "input", (event) => setAmount(+event.target.value));
  on("number", "input", (event) => setAmount(parsed(event.target.value)));
  on("number", "change", (event) => { event.target.value = amount(); });
  on("image", "change", (event) => {
    const wanted = parsed(event.target.value), image = Math.max(0, Math.min(data.images - 1, Math.round(wanted) || 0));
    set({ image, draw: false });
    if (wanted !== image) put("clean-text", `Image ${image}: they go from 0 to ${data.images - 1}`);
  });
  on("order", "change", (event) => {
    state.order = event.target.value;
    set({ image: state.order === "all" ? state.image : (list()[0] ?? state.image) });
  });
  on("clip", "change", (event) => set({ clip: event.target.checked }));
  on("previous", "click", () => step(-1));
  on("following", "click", () => step(1));
  on("back", "click", () => tour(-1));
  on("next", "click", () => tour(1));
  on("again", "click", () => tour(0));
  on("draw", "click", () => set({ draw: !state.draw, image: state.draw && state.image === "drawn" ? 0 : !state.draw && drawn ? "drawn" : state.image }));
  for (const radio of document.getElementsByName("attack")) radio.addEventListener("change", () => set({ attack: radio.value }));
  for (const radio of document.getElementsByName("digit")) radio.addEventListener("change", () => {
    digitChosen = true;
    set({ digit: +radio.value });
  });
  for (const type of ["pointerdown", "pointermove"]) on("chart", type, (event) => {
    if (!event.buttons) return;
    $("chart").setPointerCapture(event.pointerId);
    const { left, width } = $("chart").getBoundingClientRect();
    setAmount(+((largestAmount() * (event.clientX - left)) / width).toFixed(3));
  });
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const place = (event, size) => ["X", "Y"].map((axis) => Math.max(0, Math.min(size - 1e-6, (event[`offset${axis}`] * size) / event.target.clientWidth)));
  const look = (column, row) => {
    pixel = Math.min(SIDE - 1, Math.max(0, row)) * SIDE + Math.min(SIDE - 1, Math.max(0, column));
    pixelText(chosen(), current(), perturbation(chosen(), current(), label()));
  };
  for (const id of ["weights", "clean", "change", "attacked"]) on(id, "pointermove", (event) => look(...place(event, SIDE).map(Math.floor)));
  on("weights", "keydown", (event) => {
    if (!move[event.key]) return;
    event.preventDefault();
    look((pixel % SIDE) + move[event.key][0], Math.floor(pixel / SIDE) + move[event.key][1]);
  });
  let pen = [PAPER / 2, PAPER / 2], down = false;
  on("paper", "pointerdown", (event) => {
    event.target.setPointerCapture(event.pointerId);
    remember();
    stroke((pen = place(event, PAPER)), pen);
    drawnAnew();
  });
  on("paper", "pointermove", (event) => {
    if (!event.buttons) return;
    stroke(pen, (pen = place(event, PAPER)));
    drawnAnew();
  });
  on("paper", "keydown", (event) => {
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) return takeBack();
    if (event.key !== " " && !move[event.key]) return;
    event.preventDefault();
    const from = pen;
    if (event.key === " ") down = !down;
    else pen = pen.map((value, axis) => Math.max(10, Math.min(PAPER - 10, value + 10 * move[event.key][axis])));
    if (down && event.key === " ") remember();
    if (down) stroke(from, pen), drawnAnew();
    Object.assign($("tip").style, { left: `${(100 * pen[0]) / PAPER}%`, top: `${(100 * pen[1]) / PAPER}%` });
    put("status", `Pen ${down ? "down" : "up"} at column ${pen[0] / 10}, row ${pen[1] / 10}`);
  });
  on("eraser", "click", (event) => event.target.setAttribute("aria-pressed", event.target.getAttribute("aria-pressed") !== "true"));
  function takeBack() {
    if (!undo.length) return;
    paper().putImageData(undo.pop(), 0, 0);
    drawnAnew();
  }
  on("undo", "click", takeBack);
  on("clear", "click", () => {
    remember();
    paper().clearRect(0, 0, PAPER, PAPER);
    digitChosen = false;
    drawnAnew();
  });
  on("save", "click", () => {
    const large = Object.assign(document.createElement("canvas"), { width: 10 * SIDE, height: 10 * SIDE }), context = large.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage($("attacked"), 0, 0, large.width, large.height);
    const name = [state.image, state.model, state.attack === "pixels" ? `k${state.k}` : state.eps].join("-");
    Object.assign(document.createElement("a"), { href: large.toDataURL(), download: `${name}.png` }).click();
  });
  on("pairs", "change", (event) => {
    const pair = event.target.value, file = `../${pair === "0 1" ? "results" : `results-${pair.replace(" ", "-")}`}/explore.html`;
    $("pairs-text").hidden = true;
    if (pair === event.target.dataset.pair) return;
    // A page that is there answers from a hidden frame; one that is not says nothing.
    const frame = Object.assign(document.createElement("iframe"), { src: `${file}#there`, hidden: true });
    const missing = setTimeout(() => {
      frame.remove();
      $("pairs-text").hidden = false;
      for (const each of $("pairs-text").querySelectorAll("span")) put(each, each.className ? file : pair);
    }, 1500);
    addEventListener("message", (event) => {
      if (event.source !== frame.contentWindow || event.data !== pair) return;
      clearTimeout(missing);
      location.href = file;
    });
    document.body.append(frame);
  });
  addEventListener("hashchange", () => { read(location.hash.slice(1)); render(); });
  addEventListener("resize", render);
}

function build() {
  data.models.forEach((model, number) => {
    model.row = $("models").rows[number];
    model.radio = model.row.querySelector("input");
    model.radio.addEventListener("change", () => set({ model: model.name }));
    const some = model.layers ? 16 : data.images; // what the score's axis is scaled by
    model.largest = Math.max(...Array.from({ length: some }, (_, i) => Math.abs(logit(model, image(i)))));
  });
  $("pairs").value = $("pairs").dataset.pair;
}

if (location.hash === "#there") parent.postMessage($("pairs").dataset.pair, "*"); // another pair's menu asks
else unpack($("data").textContent).then((result) => {
  data = result;
  state.model = data.models[0].name;
  $("page").hidden = false;
  build();
  read(tourSteps()[0].dataset.state); // the tour begins before the reader does
  if (location.hash) read(location.hash.slice(1));
  listen();
  render();
  document.body.dataset.state = "ready";
}).catch((error) => {
  $("page").hidden = true;
  $("fault").hidden = false;
  if (!window.DecompressionStream || ![].findLastIndex)
    $("fault").textContent = "This page needs a newer browser: Chrome 97, Firefox 113, Safari 16.4, or later.";
  document.body.dataset.state = "damaged";
  document.body.title = String(error);
});
