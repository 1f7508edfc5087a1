export default received(function ({ data, parentElement: root, setStateValue }) {
  const svg = root.querySelector("svg");
  if (root.drawn !== data.id) {
    root.drawn = data.id;
    root.plan = plan(data);
    draw(svg, data, root.plan);
  }
  const { plan: where } = root;
  svg.onpointermove = (event) => hover(svg, where, nearest(svg, where, event));
  svg.onpointerleave = () => hover(svg, where, null);
  svg.onclick = (event) => {
    const hit = nearest(svg, where, event);
    if (hit) setStateValue("pick", { opening: data.opening, layer: hit.gap + 1, row: hit.row + 1, col: hit.column + 1 });
  };
  clock.drawings.set(root, () => svg);
  follow(root, (step) => paint(svg, data, where, Math.min(step, data.phases.length - 1)));
  return () => leave(root);
});

// Where everything stands, in units of the type size: twice as wide as high, as the stage is.
const [WIDE, HIGH, TOP, ROOM] = [42, 20, 2.2, 13];
const CROWD = 400; // more lines than that are drawn finer

function plan(data) {
  const f = 10;
  const many = data.columns.length;
  const most = Math.max(...data.columns.map((c) => (c.picture ? 1 : c.values.length)));
  const side = Math.max(3.4, WIDE / (2.4 * many));
  const pitch = (WIDE - 2 * side) / (many - 1);
  const r = Math.min((0.45 * ROOM) / most, 0.3 * pitch, 2.1);
  const units = data.columns.map((column, k) => {
    const x = (side + k * pitch) * f;
    if (column.picture) return [{ x, y: (TOP + ROOM / 2) * f, r: Math.min(3.6, 0.36 * pitch) * f }];
    const gap = Math.min(ROOM / column.values.length, 5.2);
    return column.values.map((_, i) => ({ x, y: (TOP + ROOM / 2 + (i - (column.values.length - 1) / 2) * gap) * f, r: r * f }));
  });
  const links = data.gaps.flatMap((gap, k) =>
    gap.weights.flatMap((row, i) => row.map((weight, j) => link(units[k][i], units[k + 1][j], { gap: k, row: i, column: j, weight, gradient: gap.gradients[i][j] }))),
  );
  const reach = (of) => Math.max(...links.map((l) => (typeof of(l) === "number" ? Math.abs(of(l)) : 0)), 1e-300);
  return { f, r: r * f, wide: WIDE * f, high: HIGH * f, units, links, text: r > 1.3, fine: links.length > CROWD, heaviest: reach((l) => l.weight), steepest: reach((l) => l.gradient) };
}

function link(a, b, more) {
  const long = Math.hypot(b.x - a.x, b.y - a.y);
  const [dx, dy] = [(b.x - a.x) / long, (b.y - a.y) / long];
  return { x1: a.x + dx * a.r, y1: a.y + dy * a.r, x2: b.x - dx * b.r, y2: b.y - dy * b.r, ...more };
}

const ends = ({ x1, y1, x2, y2 }) => ({ x1, y1, x2, y2 });

function draw(svg, data, at) {
  const { f, wide, high, units, links } = at;
  svg.setAttribute("viewBox", `0 0 ${wide.toFixed(1)} ${high.toFixed(1)}`);
  svg.setAttribute("aria-label", data.label);
  svg.replaceChildren();
  make("title", { class: "says" }, svg);
  at.lines = links.map((l) => make("line", { class: "link", ...ends(l) }, svg));
  const over = make("g", {}, svg);
  at.ways = data.ways.map((way) => ({ ...way, lines: stretches(way, data, at).map((l) => make("line", { class: "way", ...ends(l) }, over)) }));
  const chosen = links.find((l) => same(l, data));
  at.picked = chosen ? [make("line", { class: "casing", ...ends(chosen), "stroke-width": 0.5 * f }, over), make("line", { class: "picked", ...ends(chosen), "stroke-width": 0.24 * f }, over)] : [];
  at.hover = make("line", { class: "hover hidden", "stroke-width": 0.2 * f }, over);
  at.nodes = data.columns.map((column, k) => {
    label(column.name, make("text", { class: "name", x: units[k][0].x, y: 1.25 * f, "font-size": 1.15 * f }, svg));
    if (column.picture) return [picture(svg, column, units[k][0], f)];
    return column.values.map((_, i) => unit(svg, units[k][i], at, column.errors.length > 0));
  });
  const base = high - 1.7 * f;
  const longest = Math.max(...data.gaps.map((g) => (typeof g.norm === "number" ? g.norm : 0)), 1e-300);
  at.norms = data.gaps.map((gap, k) => {
    const x = (units[k][0].x + units[k + 1][0].x) / 2;
    const tall = typeof gap.norm === "number" ? (2.1 * f * gap.norm) / longest : 0;
    const group = make("g", {}, svg);
    make("rect", { class: "bar", x: x - 0.9 * f, y: base - tall, width: 1.8 * f, height: Math.max(tall, 0.06 * f) }, group);
    make("text", { class: "number", x, y: base + 1.25 * f, "font-size": 1.15 * f }, group).textContent = number(gap.norm, 2);
    return group;
  });
  make("text", { class: "key", x: 0.2 * f, y: base + 1.25 * f, "font-size": 1.15 * f, style: "text-anchor:start" }, svg).textContent = "‖∂W‖";
}

// The picked weight's paths, stretch by stretch.
function stretches(way, data, at) {
  const [gap] = data.picked;
  return way.units.slice(1).map((above, s) => {
    const [a, b] = [at.units[gap + 1 + s][way.units[s]], at.units[gap + 2 + s][above]];
    return { ...link(a, b, {}), ends: [a, b] };
  });
}

function same(l, data) {
  const [gap, row, column] = data.picked;
  return l.gap === gap && l.column === column && (l.row === row || data.columns[gap].picture > 0);
}

function unit(svg, { x, y, r }, at, both) {
  const group = make("g", { class: "unit" }, svg);
  const body = make("circle", { class: "body", cx: x, cy: y, r, "stroke-width": Math.max(0.06 * at.f, 1) }, group);
  const fill = make("circle", { class: "fill", cx: x, cy: y, r: r * 0.94 }, group);
  const ring = make("circle", { class: "ring", cx: x, cy: y, r: r * 1.12 }, group);
  const value = make("text", { class: "value", x, y: y + (both ? -0.1 : 0.22) * r }, group);
  const error = make("text", { class: "error", x, y: y + 0.62 * r }, group);
  return { group, body, fill, ring, value, error, r };
}

function picture(svg, column, { x, y, r }, f) {
  const group = make("g", { class: "unit" }, svg);
  const side = column.picture;
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const paper = canvas.getContext("2d");
  const pixels = paper.createImageData(side, side);
  column.values.forEach((v, i) => pixels.data.set([255 * (1 - v), 255 * (1 - v), 255 * (1 - v), 255], 4 * i));
  paper.putImageData(pixels, 0, 0);
  make("image", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, href: canvas.toDataURL() }, group);
  make("rect", { class: "frame", x: x - r, y: y - r, width: 2 * r, height: 2 * r, "stroke-width": 1.5 }, group);
  make("text", { class: "count", x, y: y + r + 1.3 * f, "font-size": f }, group).textContent = `${side} × ${side}`;
  return { group };
}

function paint(svg, data, at, step) {
  const { f, r } = at;
  const [phase, place] = data.phases[step];
  const home = data.gaps.map((gap) => step >= gap.home);
  at.links.forEach((l, i) => {
    const line = at.lines[i];
    const gap = data.gaps[l.gap];
    const back = home[l.gap];
    const off = back && gap.wrong.some(([row, column]) => row === l.row && column === l.column);
    const value = back ? l.gradient : l.weight;
    const known = typeof value === "number";
    const share = known ? Math.abs(value) / (back ? at.steepest : at.heaviest) : 0.5;
    const lit = phase === "forward" && place === l.gap + 1;
    line.setAttribute("class", `link${back ? " home" : lit ? " out" : ""}${off ? " wrong" : ""}`);
    line.setAttribute("stroke-width", ((back ? 0.07 : 0.08) + (back ? (at.fine ? 0.36 : 0.5) : 0.22) * share) * f);
    line.setAttribute("stroke-opacity", at.fine ? 0.06 + 0.94 * share : back || lit ? 0.35 + 0.65 * Math.sqrt(share) : 0.25 + 0.5 * share);
    line.setAttribute("stroke-dasharray", !known ? `${0.1 * f} ${0.4 * f}` : value < 0 ? `${0.55 * f} ${0.4 * f}` : "");
  });
  const on = new Set();
  const walked = step >= data.gaps[data.picked[0]].home;
  for (const way of at.ways) {
    way.lines.forEach((line) => {
      line.classList.toggle("hidden", !walked);
      line.setAttribute("stroke-width", (0.12 + 0.5 * way.share) * f);
    });
    if (walked) way.units.forEach((u, s) => on.add(`${data.picked[0] + 1 + s}.${u}`));
  }
  const worst = Math.max(...data.columns.flatMap((c) => c.errors.map((e) => (typeof e === "number" ? Math.abs(e) : 0))), 1e-300);
  data.columns.forEach((column, k) => {
    if (column.picture) return;
    at.nodes[k].forEach((node, i) => {
      const [value, error] = [column.values[i], column.errors[i]];
      const [out, back] = [step >= column.out, column.errors.length > 0 && step >= column.home];
      const veil = column.blank.includes(i);
      node.group.classList.toggle("now", (phase === "forward" || phase === "delta") && place === k);
      node.group.classList.toggle("on", on.has(`${k}.${i}`));
      node.group.classList.toggle("wrong", back && column.wrong.includes(i));
      const strength = out ? Math.min(1, Math.abs(value)) : 0;
      node.fill.setAttribute("fill-opacity", (at.text ? 0.28 : 0.9) * strength);
      node.body.setAttribute("stroke-width", node.group.classList.contains("now") || on.has(`${k}.${i}`) ? 0.16 * f : 0.06 * f);
      node.body.setAttribute("stroke-dasharray", out && value < 0 ? `${0.3 * f} ${0.2 * f}` : "");
      const size = back && !veil && typeof error === "number" ? Math.abs(error) / worst : 0;
      node.ring.setAttribute("stroke-width", 0.26 * r * Math.sqrt(size));
      node.ring.setAttribute("r", r * (1.03 + 0.13 * Math.sqrt(size)));
      node.ring.setAttribute("stroke-dasharray", error < 0 ? `${0.25 * r} ${0.16 * r}` : "");
      if (!at.text) return;
      say(node.value, out ? (brief(value)) : "", node);
      say(node.error, back ? (veil ? "?" : brief(error)) : "", node);
    });
  });
  at.norms.forEach((group, k) => group.classList.toggle("hidden", !home[k]));
}

// Three digits, or two where three are long.
function brief(value) {
  const words = number(value, 3);
  return words.length > 6 ? number(value, 2) : words;
}

function say(element, words, { r }) {
  element.textContent = words;
  element.setAttribute("font-size", Math.min(0.62 * r, (3.1 * r) / Math.max(words.length, 4)));
}

// The line closest to the pointer, if it is close.
function nearest(svg, at, event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  let [best, least] = [null, 0.9 * at.f];
  for (const l of at.links) {
    const [dx, dy] = [l.x2 - l.x1, l.y2 - l.y1];
    const along = Math.max(0, Math.min(1, ((point.x - l.x1) * dx + (point.y - l.y1) * dy) / (dx * dx + dy * dy)));
    const away = Math.hypot(point.x - l.x1 - along * dx, point.y - l.y1 - along * dy);
    if (away < least) [best, least] = [l, away];
  }
  return best;
}

function hover(svg, at, hit) {
  at.hover.classList.toggle("hidden", !hit);
  if (!hit) return;
  for (const [name, value] of Object.entries(ends(hit))) at.hover.setAttribute(name, value);
  svg.querySelector(".says").textContent = `weight ${hit.row + 1} → ${hit.column + 1} of layer ${hit.gap + 1}: ${hit.weight}`;
}
