const ROUTES = ["first", "second", "third", "fourth"];

// "z" means the number z, or all of z.0, z.1, ...
const means = (wanted, id) => wanted === id || (wanted !== "" && id.startsWith(`${wanted}.`));

export default received(function ({ data, parentElement: root, setStateValue }) {
  const svg = root.querySelector("svg");
  if (root.drawn !== data.id) {
    root.drawn = data.id;
    svg.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
    svg.setAttribute("aria-label", data.label);
    svg.innerHTML = `<defs>${arrow("ahead", "var(--way)")}${arrow("out", "var(--forward)")}${arrow("home", "var(--backward)")}${ROUTES.map((id) => arrow(id, `var(--${id})`)).join("")}</defs>`;
    for (const edge of data.edges) svg.append(drawEdge(edge, data.nodes));
    for (const edge of data.edges) if (edge.along !== null) svg.append(drawAlong(edge, svg));
    for (const node of data.nodes) svg.append(drawNode(node));
    if (data.key.length) svg.append(drawKey(data));
  }
  // A click or Enter goes to the step that computes this number, or tells Python what was chosen.
  const pick = (event) => {
    const hit = event.target.closest("[data-id], [data-edge]");
    if (!hit) return;
    if (hit.dataset.step) clock.go?.(Number(hit.dataset.step));
    if (data.selectable) setStateValue("selected", hit.dataset.id ?? hit.dataset.edge);
  };
  svg.onclick = pick;
  svg.onkeydown = (event) => {
    if (event.key === "Enter") pick(event);
  };
  clock.drawings.set(root, () => svg);
  follow(root, (step) => {
    const frame = data.frames[Math.min(step, data.frames.length - 1)];
    for (const group of svg.querySelectorAll("[data-id]")) {
      const id = group.dataset.id;
      group.classList.toggle("focus", means(frame.focus, id));
      group.classList.toggle("reused", frame.reuses.some((kept) => means(kept, id)));
      group.classList.toggle("arrives", means(frame.arrives, id));
      group.classList.toggle("wrong", data.wrong.includes(id));
      group.classList.toggle("hidden", Number(group.dataset.step ?? 0) > step);
    }
    svg.classList.toggle("back", frame.backward);
    for (const group of svg.querySelectorAll(".edge")) {
      const here = frame.edges.includes(group.dataset.edge);
      group.classList.toggle("out", here && !frame.backward);
      group.classList.toggle("home", here && frame.backward);
      const end = here ? (frame.backward ? "home" : "out") : "ahead";
      const path = group.querySelector(".line");
      if (!path) continue; // a label alone
      path.setAttribute("marker-end", frame.backward && here ? "" : `url(#${end})`);
      path.setAttribute("marker-start", frame.backward && here ? `url(#${group.dataset.stroke || "home"})` : "");
    }
    for (const card of svg.querySelectorAll(".node")) {
      const ids = [...card.querySelectorAll("[data-id]")].map((g) => g.dataset.id);
      card.classList.toggle("active", ids.some((id) => means(frame.focus, id)));
    }
  });
  return () => leave(root);
});

function arrow(id, colour) {
  return `<marker id="${id}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" style="fill:${colour}" fill="#888"/></marker>`;
}

function drawNode(node) {
  const { x, y, width: w, height: h } = node;
  const group = make("g", { class: `node ${node.given ? "given" : ""}`, transform: `translate(${x - w / 2} ${y - h / 2})` });
  make("rect", { class: "card", width: w, height: h, rx: node.given ? 4 : 14 }, group);
  const heads = node.heads.length ? node.heads : [node.label];
  const wide = w / heads.length;
  heads.forEach((head, i) => label(head, make("text", { class: "name", x: wide * (i + 0.5), y: 31 }, group)));
  node.values.forEach((value, i) => {
    const [left, top] = [wide * (i % heads.length), 42 + node.row * Math.floor(i / heads.length)];
    const g = make("g", { class: `value ${value.kind}`, "data-id": value.id, "data-step": value.step, role: "button", tabindex: 0, "aria-label": `${value.says || value.id} = ${value.blank ? "?" : number(value.value)}` }, group);
    make("title", {}, g).textContent = `${value.says || value.id} = ${value.blank ? "?" : value.value}`;
    make("rect", { x: left + 4, y: top, width: wide - 8, height: node.row - 2, rx: 6 }, g);
    const shown = value.blank ? "?" : number(value.value, heads.length > 1 ? 3 : 4);
    const room = heads.length > 1 ? (wide - 4) / 13 : 9.5;
    const size = shown.length > Math.floor(room) ? { style: `font-size:${Math.round((24 * room) / shown.length)}px` } : {};
    make("text", { x: left + wide / 2, y: top + node.row / 2 + 7, ...size }, g).textContent = shown;
  });
  return group;
}

function drawEdge(edge, nodes) {
  const [a, b] = [edge.from, edge.to].map((id) => nodes.find((n) => n.id === id));
  const down = a.y !== b.y;
  const side = a.y > b.y ? -1 : 1; // an edge may lead up as well
  let [x1, y1] = down ? [a.x, a.y + (side * a.height) / 2] : [a.x + a.width / 2, a.y];
  let [x2, y2] = down ? [b.x, b.y - (side * b.height) / 2] : [b.x - b.width / 2, b.y];
  if (edge.shift) {
    const [long, wide, high] = [Math.hypot(x2 - x1, y2 - y1), x2 - x1, y2 - y1];
    [x1, x2] = [x1, x2].map((x) => x - (edge.shift * high) / long);
    [y1, y2] = [y1, y2].map((y) => y + (edge.shift * wide) / long);
  }
  // A shortcut for the mouse: the keyboard has the adjoint that the edge brings back.
  const picked = edge.step === null ? {} : { "data-step": edge.step };
  const group = make("g", { class: `edge ${edge.stroke ? `route ${edge.stroke}` : ""}`, "data-edge": edge.id, "data-stroke": edge.stroke, ...picked });
  const over = { x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 2 * edge.bend };
  const d = edge.bend ? `M${x1} ${y1}Q${over.x} ${over.y} ${x2} ${y2}` : `M${x1} ${y1}L${x2} ${y2}`;
  make("path", { class: "reach", d }, group);
  make("path", { class: "line", d }, group);
  const spot = down ? { x: (x1 + x2) / 2 + 14 * side, y: (y1 + y2) / 2 + (x1 === x2 ? 6 : -10), "text-anchor": side < 0 ? "end" : "start" } : { x: (x1 + x2) / 2, y: y1 - 12 - edge.bend, "text-anchor": "middle" };
  label(edge.label, make("text", { class: "local", ...spot }, group));
  if (edge.ahead && edge.along === null) label(edge.ahead, make("text", { class: "ahead", ...spot }, group));
  return group;
}

// What the way out does, on the edge itself and above all other edges.
function drawAlong(edge, svg) {
  const line = svg.querySelector(`[data-edge="${edge.id}"] .line`);
  const { x, y } = line.getPointAtLength(edge.along * line.getTotalLength());
  const group = make("g", { class: "edge", "data-edge": edge.id });
  label(edge.ahead, make("text", { class: "along", x, y: y + 8 }, group));
  return group;
}

// What the colours of the rows mean, in one line below the figure.
function drawKey({ key, height }) {
  const group = make("g", { class: "key", transform: `translate(4 ${height - 16})` });
  let x = 0;
  for (const { kind, name } of key) {
    const entry = make("g", { class: kind, transform: `translate(${x} 0)` }, group);
    make("rect", { y: -14, width: 20, height: 20, rx: 5 }, entry);
    make("text", { x: 28, y: 3 }, entry).textContent = name;
    x += 66 + 9.6 * name.length;
  }
  return group;
}
