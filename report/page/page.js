"use strict";
// One linear model: logit = w·x + b; below 0 it says the first digit (y = -1), above 0 the second (y = +1).
// Sums are float64, of the weights as saved and of pixels as the models saw them: float32(byte / 255).
// An image under attack is right if its radius is greater than the size of the attack: a logit of 0 is a mistake.
const SIDE = 28, PIXELS = SIDE * SIDE, PAPER = 280, BOX = 20;
const VALUE = Float64Array.from({ length: 256 }, (_, byte) => Math.fround(byte / 255));
const LARGEST_EPSILON = 0.5, EPSILON_STEP = 0.001;
const $ = (id) => document.getElementById(id);
const state = { image: 0, model: "", attack: "all", eps: 0.1, k: 1, clip: false, order: "all", digit: 1, tour: 1 };
let data, drawn = null, digitChosen = false, pixel = 14 * SIDE + 14, shown = {};

// ---- The data ----
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")); // checks the sum
  const buffer = await new Response(stream).arrayBuffer();
  let at = 4 + new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(buffer.slice(4, at)));
  const take = (length) => buffer.slice(at, (at += length));
  for (const model of header.models) {
    const values = new Float64Array(take(8 * (PIXELS + 1)));
    Object.assign(model, { weights: values.slice(0, PIXELS), bias: values[PIXELS], radii: {} });
    model.norm = model.weights.reduce((sum, weight) => sum + Math.abs(weight), 0);
    model.byWeight = [...model.weights.keys()].sort((i, j) => Math.abs(model.weights[j]) - Math.abs(model.weights[i]));
  }
  header.pixels = new Uint8Array(take(PIXELS * header.images));
  header.labels = Int8Array.from(new Uint8Array(take(header.images)), (label) => 2 * label - 1);
  return header;
}
const image = (index) => data.pixels.subarray(PIXELS * index, PIXELS * (index + 1));
const current = () => (state.image === "drawn" ? drawn : image(state.image));
const label = () => (state.image === "drawn" ? 2 * state.digit - 1 : data.labels[state.image]);
const chosen = () => data.models.find((model) => model.name === state.model);
const kind = () => (state.attack === "pixels" ? "pixels" : state.clip ? "clipped" : "unclipped");
const amount = () => (state.attack === "pixels" ? state.k : state.eps);

// ---- The attacks ----
function logit(model, x) {
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
    let left = y * logit(model, x), count = 0;
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
      count++;
    }
    return count;
  },
};

// What the chosen attack adds to each pixel.
function perturbation(model, x, y) {
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

// ---- Showing ----
const number = (value, digits) => value.toFixed(digits).replace("-", "−");
const signed = (value, digits) => (value >= 0 ? "+" : "") + number(value, digits);
const says = (score) => data.digits[score > 0 ? 1 : 0];
const percent = (count) => `${number((100 * count) / data.images, 2)} %`;
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
  const largest = Math.max(...data.models.flatMap((model) => [...radii(model)].filter(Number.isFinite)));
  return Math.max(10, 10 * Math.ceil(largest / 10));
}
function falls(radius) {
  if (!(radius > 0) || radius === Infinity) return radius > 0 ? "never" : "0";
  return state.attack === "pixels" ? String(radius) : number(radius, 4);
}
function describe(model, x, y, delta, right) {
  const before = logit(model, x), after = delta.reduce((sum, change, i) => sum + change * model.weights[i], before);
  const what = state.attack === "pixels" ? `${state.k} pixel${state.k === 1 ? "" : "s"} moved` : `every pixel moved by up to ${number(state.eps, 3)}`;
  const answer = right === y > 0 ? data.digits[1] : data.digits[0];
  const verdict = $("verdict");
  verdict.replaceChildren("With ", what, ", ", model.label, " says ", Object.assign(document.createElement("b"), {
    textContent: `${answer}: ${right ? "right ✓" : "wrong ✗"}`, className: right ? "right" : "wrong" }), `. Its score ŷ goes from ${signed(before, 2)} to ${signed(after, 2)}.`);
  const at = (score) => 50 + 50 * Math.max(-0.98, Math.min(0.98, score / model.largest));
  $("bar-clean").style.left = `${at(before)}%`;
  $("bar-attacked").style.left = `${at(after)}%`;
  $("bar-path").style.left = `${Math.min(at(before), at(after))}%`;
  $("bar-path").style.width = `${Math.abs(at(before) - at(after))}%`;
  shown.speech = `${verdict.textContent} ${percent(survivors(model, amount()))} of the test images are right.`;
}
function pixelText(model, x, delta) {
  const value = VALUE[x[pixel]], weight = model.weights[pixel], change = delta[pixel];
  put("pixel", `Row ${Math.floor(pixel / SIDE) + 1}, column ${(pixel % SIDE) + 1}: weight ${signed(weight, 4)}. The pixel is ${number(value, 2)} and gives ` +
    `${signed(weight * value, 4)} to the score; the attack moves it by ${signed(change, 3)}, which adds ${signed(weight * change, 4)}.`);
}
function render() {
  const model = chosen(), x = current(), y = label(), delta = perturbation(model, x, y), pixels = state.attack === "pixels";
  const sign = pixels ? "k" : "ε";
  for (const each of data.models) {
    const radius = RADIUS[kind()](each, x, y), count = survivors(each, amount()), cells = each.row.cells;
    each.right = radius > amount();
    put(cells[1].firstChild, each.right ? "✓ right" : "✗ wrong");
    cells[1].firstChild.className = each.right ? "right" : "wrong";
    put(cells[2], falls(radius));
    put(cells[3].firstChild, percent(count));
    put(cells[3].lastChild, String(count));
    each.row.className = each === model ? "chosen" : "";
    each.radio.checked = each === model;
  }
  // Grey goes from the least to the largest value that the attack can reach, so that nothing is hidden.
  const beyond = kind() === "unclipped" ? state.eps : 0;
  picture("clean", (i) => grey(VALUE[x[i]]));
  picture("change", (i) => grey(0.5 + 0.5 * Math.sign(delta[i]) * Math.sqrt(Math.abs(delta[i]))));
  picture("attacked", (i) => grey((VALUE[x[i]] + delta[i] + beyond) / (1 + 2 * beyond)));
  $("attacked").className = model.right ? "right" : "wrong";
  const meant = data.digits[y > 0 ? 1 : 0], name = state.image === "drawn" ? "Your drawing" : `Image ${state.image}`;
  put("clean-text", `${name}, a ${meant}`);
  put("change-text", pixels ? `The attack: ${sign} = ${state.k}; dark adds ink, light takes it` : `The attack: ±${number(state.eps, 3)}; dark adds ink, light takes it`);
  put("attacked-text", beyond ? `Attacked; white is ${number(-beyond, 2)}, black ${number(1 + beyond, 2)}` : "Attacked; white is 0, black 1");
  for (const id of ["clean", "change", "attacked"]) $(id).setAttribute("aria-label", $(`${id}-text`).textContent);
  describe(model, x, y, delta, model.right);
  pixelText(model, x, delta);

  const key = kind() + document.body.clientWidth;
  if (shown.chart !== key) drawChart(sign);
  shown.chart = key;
  for (const each of data.models) {
    const height = shown.y(survivors(each, amount()) / data.images);
    each.dot.setAttribute("transform", `translate(${shown.x(amount())} ${height})`);
    each.path.classList.toggle("chosen", each === model);
  }
  shown.marker.setAttribute("transform", `translate(${shown.x(amount())} 0)`);
  if (shown.model !== model) drawWeights(model);
  shown.model = model;

  const [slider, field] = [$("slider"), $("number")], largest = largestAmount();
  for (const input of [slider, field]) {
    Object.assign(input, { min: 0, max: largest, step: pixels ? 1 : input === slider ? EPSILON_STEP : "any" });
    if (document.activeElement !== input || input === slider || +input.value !== amount()) input.value = amount();
  }
  slider.setAttribute("aria-valuetext", `${sign} ${amount()}`);
  slider.setAttribute("aria-label", pixels ? "pixels moved, k" : "size of the attack, epsilon");
  put("amount-text", `${sign} =`);
  for (const id of ["falls-unit", "chart-unit"]) put(id, sign);
  if (document.activeElement !== $("image")) $("image").value = state.image === "drawn" ? "" : state.image;
  $("order").value = state.order;
  $("clip").checked = state.clip || pixels;
  $("clip").disabled = pixels; // a pixel that moves as far as it likes stays in [0, 1]
  for (const radio of document.getElementsByName("attack")) radio.checked = radio.value === state.attack;
  for (const radio of document.getElementsByName("digit")) radio.checked = +radio.value === state.digit;
  put("drawn", drawn ? `It is a “${data.digits[+(logit(model, drawn) > 0)]}” to ${model.label}, without an attack.` : "The paper is empty.");
  const steps = [...document.querySelectorAll("#tour li")];
  steps.forEach((step, i) => { if (step.hidden !== (i + 1 !== state.tour)) step.hidden = i + 1 !== state.tour; });
  put("step", `${state.tour} of ${steps.length}`);
  $("back").disabled = state.tour === 1;
  $("next").disabled = state.tour === steps.length;
  later();
}
function svg(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

function drawChart(sign) {
  const width = $("chart").clientWidth, height = $("chart").clientHeight, right = width - 14, bottom = height - 30, largest = largestAmount();
  shown.x = (value) => 42 + ((right - 42) * value) / largest;
  shown.y = (share) => bottom - (bottom - 10) * share;
  shown.value = (x) => (largest * (x - 42)) / (right - 42);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Accuracy of all models against ${sign}; the table has the numbers` });
  for (const share of [0, 0.5, 1]) {
    root.append(svg("line", { x1: 42, x2: right, y1: shown.y(share), y2: shown.y(share), class: share ? "grid" : "axis" }));
    root.append(svg("text", { x: 36, y: shown.y(share) + 4, "text-anchor": "end" }, `${100 * share} %`));
  }
  for (const value of [0, 1, 2, 3, 4, 5].map((tick) => (largest * tick) / 5))
    root.append(svg("text", { x: shown.x(value), y: height - 10, "text-anchor": "middle" }, value ? String(+value.toFixed(1)) : `${sign} = 0`));
  shown.marker = root.appendChild(svg("line", { x1: 0, x2: 0, y1: 10, y2: bottom, class: "marker" }));
  for (const model of data.models) {
    const points = [];
    for (let x = 42; x <= right; x++) points.push(`${x} ${shown.y(survivors(model, shown.value(x)) / data.images).toFixed(1)}`);
    model.path = root.appendChild(svg("path", { d: `M${points.join("L")}`, class: `line model${model.dashed ? " dashed" : ""}`, style: `--c: ${model.colour}` }));
  }
  for (const model of data.models) model.dot = root.appendChild(svg("circle", { r: 5, class: "dot model", style: `--c: ${model.colour}` }));
  $("chart").replaceChildren(root);
}

function drawWeights(model) {
  const largest = Math.max(...model.weights.map(Math.abs)) || 1;
  const ends = [[31, 95, 168], [214, 108, 12]];
  picture("weights", (i) => {
    const part = Math.abs(model.weights[i]) / largest, end = ends[+(model.weights[i] > 0)];
    return end.map((channel) => Math.round(255 + part * (channel - 255)));
  });
  put("norm", number(model.norm, 2));
  put("used", String(model.weights.filter((weight) => weight !== 0).length));
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
  const { image, model, attack, eps, k, clip, order, digit, tour } = state;
  const parts = { image, model, attack, eps, k, ...(clip && { clip: 1 }), ...(order !== "all" && { order }) };
  if (image === "drawn") Object.assign(parts, { digit, ink: encode(drawn) });
  return `#${new URLSearchParams({ ...parts, tour })}`;
}

// What the address says; a value that makes no sense leaves the state as it is.
function read(text) {
  const parts = new URLSearchParams(text), within = (name, low, high) => {
    const value = Number(parts.get(name) || NaN);
    if (value >= low && value <= high) state[name] = value;
  };
  const steps = document.querySelectorAll("#tour li").length;
  if (parts.get("ink")) show(decode(parts.get("ink")));
  if (parts.get("image") === "drawn" && drawn) state.image = "drawn";
  else if (Number.isInteger(Number(parts.get("image")))) within("image", 0, data.images - 1);
  if (data.models.some((model) => model.name === parts.get("model"))) state.model = parts.get("model");
  if (["all", "pixels"].includes(parts.get("attack"))) state.attack = parts.get("attack");
  if (["all", "mistakes", "nearest"].includes(parts.get("order") ?? "all")) state.order = parts.get("order") ?? "all";
  state.clip = parts.get("clip") === "1";
  within("eps", 0, LARGEST_EPSILON);
  for (const [name, low, high] of [["k", 0, PIXELS], ["digit", 0, 1], ["tour", 1, steps]])
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
  const scale = Math.max(right - left + 1, bottom - top + 1) / BOX, small = new Float64Array(BOX * BOX);
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
  paper().clearRect(0, 0, PAPER, PAPER);
  x.forEach((value, i) => {
    paper().fillStyle = `rgb(0 0 0 / ${value / 255})`;
    paper().fillRect((i % SIDE) * 10, Math.floor(i / SIDE) * 10, 10, 10);
  });
}

function stroke(from, to) {
  const context = paper(), erase = $("eraser").getAttribute("aria-pressed") === "true";
  Object.assign(context, { lineWidth: erase ? 40 : 24, lineCap: "round", globalCompositeOperation: erase ? "destination-out" : "source-over" });
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  context.globalCompositeOperation = "source-over";
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
  const model = chosen(), all = [...radii(model).keys()], distance = (i) => Math.abs(radii(model)[i] - amount());
  if (state.order === "mistakes") return all.filter((i) => !(radii(model)[i] > amount()));
  return state.order === "nearest" ? all.sort((i, j) => distance(i) - distance(j) || i - j) : all;
}

function step(by) {
  const images = list(), at = images.indexOf(state.image);
  const next = images.findIndex((i) => i > state.image); // where it would be, if it is not in the list
  const to = at >= 0 ? at + by : Math.max(next, 0) - (by < 0);
  if (!images.length) put("verdict", `${chosen().label} makes no mistake under this attack.`);
  else set({ image: images[(to + images.length) % images.length] });
}

function tour(by) {
  const to = state.tour + by, item = document.querySelectorAll("#tour li")[to - 1];
  state.tour = to;
  state.order = "all";
  read(item.dataset.state);
  render();
  if (item.dataset.show) $(item.dataset.show).scrollIntoView({ block: "nearest" });
}

function set(values) {
  Object.assign(state, values);
  render();
}

function setAmount(value) {
  const size = Math.max(0, Math.min(largestAmount(), value));
  set(state.attack === "pixels" ? { k: Math.round(size) } : { eps: size });
}

function listen() {
  const on = (id, type, act) => $(id).addEventListener(type, act);
  on("slider", "input", (event) => setAmount(+event.target.value));
  on("number", "input", (event) => event.target.value !== "" && setAmount(+event.target.value));
  on("number", "change", render);
  on("image", "change", (event) => set({ image: Math.max(0, Math.min(data.images - 1, Math.round(+event.target.value) || 0)) }));
  on("order", "change", (event) => {
    state.order = event.target.value;
    set({ image: state.order === "all" ? state.image : (list()[0] ?? state.image) });
  });
  on("clip", "change", (event) => set({ clip: event.target.checked }));
  on("previous", "click", () => step(-1));
  on("following", "click", () => step(1));
  on("back", "click", () => tour(-1));
  on("next", "click", () => tour(1));
  for (const radio of document.getElementsByName("attack")) radio.addEventListener("change", () => set({ attack: radio.value }));
  for (const radio of document.getElementsByName("digit")) radio.addEventListener("change", () => {
    digitChosen = true;
    set({ digit: +radio.value });
  });
  const drag = (event) => event.buttons && setAmount(+shown.value(event.clientX - $("chart").getBoundingClientRect().left).toFixed(3));
  on("chart", "pointerdown", drag);
  on("chart", "pointermove", drag);

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
    stroke((pen = place(event, PAPER)), pen);
    drawnAnew();
  });
  on("paper", "pointermove", (event) => {
    if (!event.buttons) return;
    stroke(pen, (pen = place(event, PAPER)));
    drawnAnew();
  });
  on("paper", "keydown", (event) => {
    if (event.key !== " " && !move[event.key]) return;
    event.preventDefault();
    const from = pen;
    if (event.key === " ") down = !down;
    else pen = pen.map((value, axis) => Math.max(10, Math.min(PAPER - 10, value + 10 * move[event.key][axis])));
    if (down) stroke(from, pen), drawnAnew();
    put("status", `Pen ${down ? "down" : "up"} at column ${pen[0] / 10}, row ${pen[1] / 10}`);
  });
  for (const [id, other] of [["pen", "eraser"], ["eraser", "pen"]]) on(id, "click", () => {
    $(id).setAttribute("aria-pressed", true);
    $(other).setAttribute("aria-pressed", false);
  });
  on("clear", "click", () => {
    paper().clearRect(0, 0, PAPER, PAPER);
    digitChosen = false;
    drawnAnew();
  });
  addEventListener("hashchange", () => { read(location.hash.slice(1)); render(); });
  addEventListener("resize", render);
}

function build() {
  for (const model of data.models) {
    const row = (model.row = $("models").insertRow()), choice = document.createElement("label");
    model.radio = Object.assign(document.createElement("input"), { type: "radio", name: "model", value: model.name });
    model.radio.addEventListener("change", () => set({ model: model.name }));
    const swatch = Object.assign(document.createElement("span"), { className: `swatch model${model.dashed ? " dashed" : ""}` });
    swatch.style.setProperty("--c", model.colour);
    choice.append(model.radio, swatch, model.label);
    row.insertCell().append(choice);
    row.insertCell().append(document.createElement("span"));
    row.insertCell();
    row.insertCell().append(...["share", "number"].map((className) => Object.assign(document.createElement("span"), { className })));
    model.largest = Math.max(...Array.from(data.labels, (_, i) => Math.abs(logit(model, image(i)))));
  }
  put("count", data.images.toLocaleString("en"));
  $("image").max = data.images - 1;
}

unpack($("data").textContent).then((result) => {
  data = result;
  state.model = data.models[0].name;
  $("page").hidden = false;
  build();
  read(document.querySelector("#tour li").dataset.state); // the tour begins before the reader does
  if (location.hash) read(location.hash.slice(1));
  listen();
  render();
  document.body.dataset.state = "ready";
}).catch((error) => {
  $("page").hidden = true;
  $("fault").hidden = false;
  if (!window.DecompressionStream)
    $("fault").textContent = "This page needs a newer browser: Chrome 80, Firefox 113, Safari 16.4, or later.";
  document.body.dataset.state = "damaged";
  document.body.title = String(error);
});
