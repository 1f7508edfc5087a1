const [WIDE, HIGH] = [1000, 506];
const FACE = { base: 126, side: 86, deep: 48, long: 96 };
const GRID = { top: 216, high: 246, left: 24, wide: 350, out: 636 };
const TEAR = 2; // cells of room where cells are left out

export default received(function ({ data, parentElement: root }) {
  const svg = root.querySelector("svg");
  const me = (root.volumes ??= { places: {} });
  if (me.id !== data.id) {
    me.id = data.id;
    me.places = {}; // another chain: every window back at its first place
  }
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  svg.setAttribute("aria-label", data.label);
  clock.drawings.set(root, () => svg);
  const stops = () => [...svg.querySelectorAll("[tabindex]")];

  function draw(step) {
    const k = Math.min(step, data.layers.length - 1);
    // Who walks by keyboard keeps the focus while the figure is drawn anew.
    const focused = stops().indexOf(root.getRootNode().activeElement);
    svg.innerHTML = `<defs>
      <pattern id="cut" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="cut-ground" width="9" height="9"/><line class="cut-line" x1="0" y1="0" x2="0" y2="9"/></pattern>
      <pattern id="skip" width="8" height="8" patternUnits="userSpaceOnUse"><circle class="skip-dot" cx="4" cy="4" r="1.7"/></pattern></defs>`;
    drawChain(svg, data.chain, k);
    drawLayer(svg, data.layers[k], (me.places[k] ??= first(data.layers[k])), () => draw(step));
    stops()[focused]?.focus();
  }
  follow(root, draw);
  return () => leave(root);
});

// Where the window stands at first: where it hangs over, if it does.
function first({ rows, columns }) {
  return [rows, columns].map((t) => (t?.over ? t.out - 1 : 0));
}

function write(parent, x, y, words, kind = "") {
  make("text", { x, y, class: kind }, parent).textContent = words;
}

// -- the volumes ---------------------------------------------------------------------------------

function drawChain(svg, chain, now) {
  const slot = WIDE / chain.length;
  const boxes = chain.filter((v) => v.sizes.length === 3).map((v) => v.sizes);
  const most = (all) => Math.max(1, ...all);
  const scale = {
    side: FACE.side / most(boxes.flatMap(([h, w]) => [h, w])),
    deep: FACE.deep / most(boxes.map((b) => b[2])),
    long: FACE.long / most(chain.filter((v) => v.sizes.length === 1).map((v) => v.sizes[0])),
  };
  const fit = (slot - 36) / most(boxes.map((b) => b[1] * scale.side + 0.75 * b[2] * scale.deep));
  for (const way of ["side", "deep"]) scale[way] *= Math.min(1, fit);
  chain.forEach((volume, i) => {
    const x = slot * (i + 0.5);
    const state = `${i === now ? "focus" : ""} ${i > now ? "ahead" : ""} ${volume.wrong && i <= now ? "wrong" : ""}`;
    const group = make("g", { class: `volume ${state}`, role: "button", tabindex: 0, "aria-label": `step ${i}: ${i > now ? "?" : volume.label}` }, svg);
    make("path", { class: "reach", d: `M${x - slot / 2} 0h${slot}v${FACE.base + 34}h${-slot}z` }, group);
    const half = solid(group, volume.sizes, x, scale);
    const roomy = 12.5 * volume.label.length <= slot;
    if (i <= now && (roomy || i === now)) {
      const edge = 6.4 * volume.label.length;
      write(group, Math.max(edge, Math.min(WIDE - edge, x)), FACE.base + 28, volume.label);
    }
    group.onclick = () => clock.go?.(i);
    group.onkeydown = (event) => {
      if (event.key === "Enter") clock.go?.(i); // and nothing is returned: false would hold Tab back
    };
    if (i + 1 < chain.length) {
      const [from, to] = [x + half + 5, x + slot / 2 + Math.max(8, slot / 2 - half - 8)];
      const end = Math.min(to, x + slot - 6);
      if (end - from > 12) make("path", { class: `arrow ${i >= now ? "ahead" : ""}`, d: `M${from} ${FACE.base - 16}H${from + Math.min(26, end - from)}m-7 -6l7 6l-7 6` }, svg);
    }
  });
}

// One box, or one column of units; half its width.
function solid(group, sizes, x, scale) {
  const path = (kind, d) => make("path", { class: kind, d }, group);
  if (!sizes.length) {
    write(group, x, FACE.base - 26, "?", "mark");
    return 24;
  }
  if (sizes.length === 1) {
    const h = Math.max(3, sizes[0] * scale.long);
    path("front", `M${x - 6} ${FACE.base}v${-h}h12v${h}z`);
    return 8;
  }
  const [h, w] = [sizes[0], sizes[1]].map((n) => Math.max(3, n * scale.side));
  const e = Math.max(2, sizes[2] * scale.deep);
  const [dx, dy] = [0.75 * e, 0.5 * e];
  const left = x - (w + dx) / 2;
  path("side", `M${left + w} ${FACE.base}v${-h}l${dx} ${-dy}v${h}z`);
  path("top", `M${left} ${FACE.base - h}h${w}l${dx} ${-dy}h${-w}z`);
  path("front", `M${left} ${FACE.base}v${-h}h${w}v${h}z`);
  return (w + dx) / 2;
}

// -- one layer -----------------------------------------------------------------------------------

function drawLayer(svg, layer, place, again) {
  write(svg, GRID.left, GRID.top - 24, layer.before, "left");
  write(svg, GRID.out, GRID.top - 24, layer.after, `left ${layer.wrong ? "wrong" : "strong"}`);
  layer.says.forEach((words, i) => write(svg, 500, GRID.top - 24 + 27 * i, words, i ? "quiet" : layer.miscounted ? "wrong" : "strong"));
  if (layer.kind === "linear") return drawLinear(svg, layer);
  const [rows, columns] = [layer.rows, layer.columns];
  if (!rows || !columns) return undefined;
  const cell = Math.min(34, GRID.high / Math.max(shown(rows), out(rows)), GRID.wide / Math.max(shown(columns), out(columns)));
  drawInput(svg, layer, place, cell);
  if (layer.kind === "window") {
    drawKernel(svg, layer, cell);
    if (layer.hidden) unknown(svg);
    else drawOutput(svg, layer, place, cell, again);
  }
  if (layer.kind === "flatten") drawFlat(svg, layer);
  drawKey(svg, layer);
  return undefined;
}

const padded = (t) => t.size + 2 * t.padding;
const shown = (t) => (t.head ? t.head + TEAR + t.tail : padded(t) + t.over);
const out = (t) => (t.out_head ? t.out_head + TEAR + t.out_tail : t.out);
const span = (t) => t.dilation * (t.kernel - 1) + 1;

// Where a cell of the padded input begins, in cells of the figure; null where it is left out.
function cellAt(t, i) {
  if (!t.head || i <= t.head) return i;
  const all = padded(t) + t.over;
  return i >= all - t.tail ? t.head + TEAR + i - (all - t.tail) : null;
}

function outAt(t, i) {
  if (!t.out_head || i < t.out_head) return i;
  return i >= t.out - t.out_tail ? t.out_head + TEAR + i - (t.out - t.out_tail) : null;
}

function drawInput(svg, layer, place, cell) {
  const [r, c] = [layer.rows, layer.columns];
  const g = make("g", { transform: `translate(${GRID.left} ${GRID.top})` }, svg);
  const x = (i) => cell * cellAt(c, i);
  const y = (i) => cell * cellAt(r, i);
  const rect = (kind, x1, y1, x2, y2) => make("rect", { class: kind, x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1) }, g);
  const [width, height] = [cell * shown(c), cell * shown(r)];
  const [right, bottom] = [x(padded(c)), y(padded(r))];
  for (let s = Math.min(2, layer.depth[0] - 1); s > 0; s--) rect("sheet", 6 * s + x(c.padding), -6 * s + y(r.padding), 6 * s + x(c.padding + c.size), -6 * s + y(r.padding + r.size));
  if (r.padding || c.padding || r.over || c.over) rect("ring", 0, 0, width, height);
  rect("cells", x(c.padding), y(r.padding), x(c.padding + c.size), y(r.padding + r.size));
  lines(g, cell, width, height);
  for (const i of r.skipped) rect("skip", 0, y(i), right, y(i) + cell);
  for (const i of c.skipped) rect("skip", x(i), 0, x(i) + cell, bottom);
  if (layer.kind === "window") {
    const [low, far] = [y(padded(r) - r.rest), x(padded(c) - c.rest)];
    if (r.rest) for (const kind of ["cut", "cut-edge"]) rect(kind, 0, low, right, bottom);
    if (c.rest) for (const kind of ["cut", "cut-edge"]) rect(kind, far, 0, right, low);
    if (!layer.hidden) drawWindows(g, layer, place, cell, rect);
  }
  tears(g, cell, r, c, width, height);
}

function drawWindows(g, { rows: r, columns: c }, [i, j], cell, rect) {
  const box = (a, b) => {
    const [y0, x0] = [cellAt(r, a * r.stride), cellAt(c, b * c.stride)];
    return y0 === null || x0 === null ? null : [x0 * cell, y0 * cell, (x0 + span(c)) * cell, (y0 + span(r)) * cell];
  };
  const now = box(i, j);
  if (now && Math.max(r.kernel, c.kernel) <= 48) {
    for (let a = 0; a < r.kernel; a++) {
      for (let b = 0; b < c.kernel; b++) {
        const [y, x] = [cellAt(r, i * r.stride + a * r.dilation), cellAt(c, j * c.stride + b * c.dilation)];
        if (y !== null && x !== null) rect("tap", x * cell, y * cell, (x + 1) * cell, (y + 1) * cell);
      }
    }
  }
  const visible = (t, n) => n < t.out && outAt(t, n) !== null;
  if (visible(r, i + 1)) frame(box(i + 1, j), "next");
  if (visible(c, j + 1)) frame(box(i, j + 1), "next");
  frame(now, "now");
  function frame(corners, kind) {
    if (corners) rect(kind, ...corners);
  }
}

function lines(g, cell, width, height) {
  if (cell < 3.5) return;
  let d = "";
  for (let x = cell; x < width - 0.5; x += cell) d += `M${x.toFixed(2)} 0V${height}`;
  for (let y = cell; y < height - 0.5; y += cell) d += `M0 ${y.toFixed(2)}H${width}`;
  make("path", { class: "lines", d }, g);
}

// A gap where cells are left out.
function tears(g, cell, r, c, width, height, head = "head") {
  const gap = (x, y, w, h) => make("rect", { x, y, width: w, height: h, style: "fill:var(--st-background-color)" }, g);
  const dots = (d) => make("path", { class: "tear", d }, g);
  const deep = TEAR * cell;
  const [over, air] = [14, 2];
  if (r[head]) gap(-air, r[head] * cell, width + over, deep);
  if (c[head]) gap(c[head] * cell, -over, deep, height + over + air);
  if (r[head]) dots(`M${width / 2 - 18} ${(r[head] + TEAR / 2) * cell}h36`);
  if (c[head]) dots(`M${(c[head] + TEAR / 2) * cell} ${height / 2 - 18}v36`);
}

// The kernel by itself: taps and holes, and the depth it reaches through.
function drawKernel(svg, layer, cell) {
  const [r, c] = [layer.rows, layer.columns];
  const size = Math.min(18, Math.max(cell, 10), 96 / Math.max(span(r), span(c)));
  const [w, h] = [size * span(c), size * span(r)];
  const sheets = Math.min(2, layer.depth[0] - 1) * (layer.says[0].startsWith("max") ? 0 : 1);
  const top = GRID.top + 27 * layer.says.length - 8;
  const g = make("g", { transform: `translate(${500 - w / 2} ${top})` }, svg);
  for (let s = sheets; s > 0; s--) make("rect", { class: "sheet", x: 5 * s, y: -5 * s, width: w, height: h }, g);
  make("rect", { class: "cells", width: w, height: h }, g);
  if (Math.max(r.kernel, c.kernel) <= 48) {
    for (let a = 0; a < r.kernel; a++) {
      for (let b = 0; b < c.kernel; b++) make("rect", { class: "tap", x: b * c.dilation * size, y: a * r.dilation * size, width: size, height: size }, g);
    }
  } else make("rect", { class: "tap", width: w, height: h }, g);
}

function drawOutput(svg, layer, place, cell, again) {
  const [r, c] = [layer.rows, layer.columns];
  const g = make("g", { transform: `translate(${GRID.out} ${GRID.top})` }, svg);
  const [width, height] = [cell * out(c), cell * out(r)];
  for (let s = Math.min(2, layer.depth[1] - 1); s > 0; s--) make("rect", { class: "sheet", x: 6 * s, y: -6 * s, width, height }, g);
  make("rect", { class: "cells", width, height }, g);
  lines(g, cell, width, height);
  const lit = { x: outAt(c, place[1]) * cell, y: outAt(r, place[0]) * cell };
  make("rect", { class: "tap", ...lit, width: Math.max(cell, 2), height: Math.max(cell, 2) }, g);
  make("rect", { class: "now", ...lit, width: Math.max(cell, 2), height: Math.max(cell, 2) }, g);
  tears(g, cell, r, c, width, height, "out_head");
  const says = `output row ${place[0] + 1}, column ${place[1] + 1}`;
  const hit = make("rect", { class: "pointed", width, height, tabindex: 0, role: "slider", "aria-label": "Place of the window", "aria-valuemin": 1, "aria-valuemax": r.out * c.out, "aria-valuenow": place[0] * c.out + place[1] + 1, "aria-valuetext": says }, g);
  const go = (i, j) => {
    if (i === place[0] && j === place[1]) return;
    [place[0], place[1]] = [i, j];
    again();
  };
  hit.onpointerdown = (event) => event.preventDefault(); // the arrow keys stay with the steps
  hit.onpointermove = hit.onclick = (event) => {
    const box = hit.getBoundingClientRect();
    const i = pointed(r, ((event.clientY - box.top) / box.height) * out(r));
    const j = pointed(c, ((event.clientX - box.left) / box.width) * out(c));
    if (i !== null && j !== null) go(i, j);
  };
  hit.onkeydown = (event) => {
    const [down, along] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!down && !along) return;
    event.preventDefault();
    go(moved(r, place[0], down), moved(c, place[1], along));
  };
}

// The output that a point of the figure belongs to; null in a gap.
function pointed(t, x) {
  const cell = Math.max(0, Math.floor(x));
  if (!t.out_head) return Math.min(cell, t.out - 1);
  if (cell < t.out_head) return cell;
  const behind = cell - t.out_head - TEAR;
  return behind < 0 ? null : Math.min(t.out - t.out_tail + behind, t.out - 1);
}

// One place on, over the gap where there is one.
function moved(t, from, by) {
  let to = from + by;
  if (outAt(t, to) === null) to = by > 0 ? t.out - t.out_tail : t.out_head - 1;
  return to < 0 || to >= t.out ? from : to;
}

function unknown(svg) {
  make("rect", { class: "unknown", x: GRID.out, y: GRID.top, width: 150, height: 150, rx: 10 }, svg);
  write(svg, GRID.out + 75, GRID.top + 92, "?", "mark");
}

function units(svg, x, count, lit) {
  const many = count > 12;
  const size = GRID.high / (many ? 13 : Math.max(count, 6));
  const spots = [];
  for (let i = 0; i < (many ? 13 : count); i++) {
    const y = GRID.top + size * (i + 0.5);
    if (many && i === 6) make("path", { class: "tear", d: `M${x} ${y - 9}v20` }, svg);
    else {
      make("circle", { class: `unit ${lit(i) ? "lit" : ""}`, cx: x, cy: y, r: Math.min(13, 0.42 * size) }, svg);
      spots.push(y);
    }
  }
  return spots;
}

function drawLinear(svg, layer) {
  const [first, last] = [GRID.left + 60, GRID.out + 60];
  const goal = GRID.top + (GRID.high / (layer.depth[1] > 12 ? 13 : Math.max(layer.depth[1], 6))) * 0.5;
  const fan = make("g", {}, svg);
  const from = units(svg, first, layer.depth[0], () => true);
  units(svg, last, layer.depth[1], (i) => i === 0);
  for (const y of from) make("line", { class: "fan", x1: first + 14, y1: y, x2: last - 14, y2: goal }, fan);
}

function drawFlat(svg, layer) {
  units(svg, GRID.out + 60, layer.depth[1], () => false);
  make("path", { class: "arrow", d: `M430 ${GRID.top + 110}h130m-12 -9l12 9l-12 9` }, svg);
}

function drawKey(svg, layer) {
  if (layer.kind !== "window") return;
  const [r, c] = [layer.rows, layer.columns];
  const entries = [["tap", "read now"], ["next", "next"]];
  if (r.padding || c.padding) entries.push(["ring", "padding"]);
  if (r.skipped.length || c.skipped.length) entries.push(["skip", "stepped over"]);
  if (r.over || c.over) entries.push(["ring", "over the border"]);
  if (r.rest || c.rest) entries.push(["cut", "cut off by floor"]);
  let x = GRID.left;
  for (const [kind, name] of layer.hidden ? entries.slice(2) : entries) {
    make("rect", { class: kind, x, y: HIGH - 22, width: 20, height: 18 }, svg);
    write(svg, x + 28, HIGH - 6, name, "left quiet");
    x += 62 + 11.2 * name.length;
  }
}
