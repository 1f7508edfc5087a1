const STEP = 0.02; // of the width, for one press of an arrow key

export default received(function ({ data, parentElement: root, setStateValue }) {
  const me = (root.split ??= { at: 0.5, panels: [], turn: 0 });
  const [high, wide] = data.size;
  me.data = data;
  if (root.drawn !== data.id) {
    root.drawn = data.id;
    const turn = ++me.turn;
    for (const panel of me.panels) clock.drawings.delete(panel.palette);
    me.panels = build(root.querySelector(".panels"), data, me);
    data.panels.forEach(async (given, i) => {
      const planes = await unpacked(given.planes, wide * high);
      if (turn !== me.turn) return;
      Object.assign(me.panels[i], { planes, palettes: bytes(given.palettes), painted: null });
      show();
    });
  }
  root.querySelector(".note").textContent = data.note;

  const show = () => me.panels.forEach((panel, i) => paint(panel, me.data.panels[i], me.data, clock.step, i === 0));
  for (const panel of me.panels) {
    panel.svg.onclick = (event) => {
      if (event.target.closest(".handle")) return;
      const box = panel.svg.getBoundingClientRect();
      const [row, col] = [((event.clientY - box.top) / box.height) * data.whole[0], ((event.clientX - box.left) / box.width) * data.whole[1]].map((v) => Math.floor(v) + 1);
      if (row >= 1 && col >= 1 && row <= data.whole[0] && col <= data.whole[1]) setStateValue("pick", { opening: data.opening, row, col, at: Date.now() });
    };
  }
  me.panels.forEach((panel) => clock.drawings.set(panel.palette, () => panel.palette));
  clock.drawings.set(root, () => baked(me.panels[0]));
  me.panels.slice(1).forEach((panel) => clock.drawings.set(panel.frame, () => baked(panel)));
  follow(root, show);
  return () => {
    leave(root);
    for (const panel of me.panels) for (const host of [panel.palette, panel.frame]) clock.drawings.delete(host);
  };
});

function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

// Each plane but the first holds what changed: put them together again.
async function unpacked(text, size) {
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  for (let i = size; i < planes.length; i++) planes[i] ^= planes[i - size];
  return planes;
}

function build(host, data, me) {
  const [high, wide] = data.size;
  const many = data.panels.length;
  host.style.gridTemplateColumns = `repeat(${many}, minmax(0, 1fr))`;
  host.replaceChildren();
  return data.panels.map((given) => {
    const box = add("div", "", host);
    const panel = { wide, high, shown: -1, said: many > 1 ? add("p", "head", box) : null };
    panel.frame = add("div", Math.max(wide, high) < 128 ? "frame coarse" : "frame", box);
    panel.frame.style.aspectRatio = `${wide} / ${high}`;
    panel.frame.style.width = `min(100%, calc(max(11rem, var(--figure, 50vh) - ${many > 1 ? "12rem" : "var(--below, 2.4rem)"}) * ${wide / high}))`;
    panel.canvas = Object.assign(add("canvas", "", panel.frame), { width: wide, height: high });
    if (many === 1) panel.original = Object.assign(add("img", "", panel.frame), { src: data.original, alt: "" });
    panel.svg = make("svg", { viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none", role: "group", "aria-label": data.label }, panel.frame);
    panel.spots = ["spot dark", "spot"].map((kind) => make("circle", { class: kind, r: 0.016 * Math.max(wide, high) }, panel.svg));
    if (many === 1) divide(panel, me, given.name);
    panel.palette = make("svg", { class: "palette", role: "img" }, box);
    panel.palette.style.width = panel.frame.style.width;
    const k = given.shares[0].length;
    panel.swatches = Array.from({ length: k }, () => ({ rect: make("rect", { y: 0, height: "100%" }, panel.palette), text: make("text", { y: "50%", dy: "0.35em" }, panel.palette) }));
    panel.mark = make("rect", { class: "mark", y: 0, height: "100%" }, panel.palette);
    panel.dead = add("p", "dead", box);
    return panel;
  });
}

function add(tag, kind, parent) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  parent.append(element);
  return element;
}

// The line between original and recovered: by pointer, or by arrow keys once it has the focus.
function divide(panel, me, name) {
  const { wide, high, svg } = panel;
  const lines = ["divider dark", "divider"].map((kind) => make("line", { class: kind, y1: 0, y2: high }, svg));
  const handle = make("g", { class: "handle", role: "slider", tabindex: 0, "aria-label": "original left of here", "aria-valuemin": 0, "aria-valuemax": 100 }, svg);
  const r = 0.034 * Math.max(wide, high);
  make("rect", { class: "reach", x: -r, width: 2 * r, height: high }, handle);
  make("circle", { cy: high / 2, r }, handle);
  make("path", { d: `M${-0.25 * r} ${high / 2 - 0.4 * r}L${-0.65 * r} ${high / 2}L${-0.25 * r} ${high / 2 + 0.4 * r}M${0.25 * r} ${high / 2 - 0.4 * r}L${0.65 * r} ${high / 2}L${0.25 * r} ${high / 2 + 0.4 * r}` }, handle);
  const tags = [["original", ""], [name, " right"]].map(([words, side]) => Object.assign(add("span", `tag${side}`, panel.frame), { textContent: words }));
  const put = (share) => {
    me.at = Math.max(0, Math.min(1, share));
    const x = me.at * wide;
    for (const line of lines) for (const end of ["x1", "x2"]) line.setAttribute(end, x);
    handle.setAttribute("transform", `translate(${x} 0)`);
    handle.setAttribute("aria-valuenow", Math.round(100 * me.at));
    handle.setAttribute("aria-valuetext", `original on the left ${Math.round(100 * me.at)} percent`);
    panel.original.style.clipPath = `inset(0 ${100 - 100 * me.at}% 0 0)`;
    tags[0].classList.toggle("hidden", me.at < 0.3);
    tags[1].classList.toggle("hidden", me.at > 0.7);
  };
  handle.onpointerdown = (event) => {
    event.preventDefault(); // the arrow keys stay with the steps
    handle.setPointerCapture(event.pointerId);
    handle.classList.add("held");
    handle.onpointermove = (move) => {
      const box = svg.getBoundingClientRect();
      put((move.clientX - box.left) / box.width);
    };
    handle.onpointerup = handle.onpointercancel = () => {
      handle.onpointermove = handle.onpointerup = handle.onpointercancel = null;
      handle.classList.remove("held");
    };
  };
  handle.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 }[event.key];
    const to = { Home: 0, End: 1 }[event.key];
    if (by === undefined && to === undefined) return;
    event.preventDefault();
    put(to ?? me.at + by * STEP);
  };
  put(me.at);
}

function paint(panel, given, data, step, first) {
  const last = given.shares.length - 1;
  const now = Math.min(step, last);
  if (panel.said) panel.said.textContent = at(given.says, now);
  const [row, col] = [((data.picked[0] + 0.5) / data.whole[0]) * panel.high, ((data.picked[1] + 0.5) / data.whole[1]) * panel.wide];
  for (const spot of panel.spots) {
    spot.setAttribute("cx", col);
    spot.setAttribute("cy", row);
  }
  if (!panel.planes) return;
  const k = given.shares[0].length;
  const colours = panel.palettes.subarray(3 * k * now, 3 * k * (now + 1));
  if (panel.painted !== now) {
    panel.painted = now;
    const paper = panel.canvas.getContext("2d");
    const image = paper.createImageData(panel.wide, panel.high);
    const pixels = new Uint32Array(image.data.buffer);
    const inks = Uint32Array.from({ length: k }, (_, i) => (255 << 24) | (colours[3 * i + 2] << 16) | (colours[3 * i + 1] << 8) | colours[3 * i]);
    const plane = panel.planes.subarray(pixels.length * now, pixels.length * (now + 1));
    for (let i = 0; i < pixels.length; i++) pixels[i] = inks[plane[i]];
    paper.putImageData(image, 0, 0);
  }
  let x = 0;
  const dead = [];
  const entry = first ? at(data.entry, now) : -1;
  panel.mark.classList.toggle("hidden", !(entry >= 0));
  panel.swatches.forEach(({ rect, text }, i) => {
    const share = given.shares[now][i];
    const [r, g, b] = colours.subarray(3 * i, 3 * i + 3);
    rect.setAttribute("fill", `rgb(${r} ${g} ${b})`);
    rect.setAttribute("x", `${100 * x}%`);
    rect.setAttribute("width", `${100 * share}%`);
    text.setAttribute("x", `${100 * (x + share / 2)}%`);
    text.setAttribute("fill", 0.3 * r + 0.59 * g + 0.11 * b > 140 ? "#10161d" : "#ffffff");
    text.textContent = share > 0.012 * String(i + 1).length + 0.018 ? i + 1 : "";
    if (share === 0) dead.push(i + 1);
    if (i === entry) {
      panel.mark.setAttribute("x", `${100 * x}%`);
      panel.mark.setAttribute("width", `${100 * share}%`);
    }
    x += share;
  });
  panel.palette.setAttribute("aria-label", `palette: ${k} entries, each as wide as what it paints${dead.length ? `; dead: ${dead.join(", ")}` : ""}`);
  const named = dead.length > 12 ? `${dead.slice(0, 12).join(", ")} and ${dead.length - 12} more` : dead.join(", ");
  panel.dead.innerHTML = dead.length ? `<b>Dead:</b> ${named} ${dead.length > 1 ? "paint" : "paints"} no pixel` : "";
}

// For the handout: what stands behind the lines, put under them until the figure has been copied.
function baked(panel) {
  const image = (href, more = {}) => make("image", { href, x: 0, y: 0, width: panel.wide, height: panel.high, preserveAspectRatio: "none", ...more });
  const parts = [image(panel.canvas.toDataURL())];
  if (panel.original) {
    const share = 1 - Number.parseFloat(panel.original.style.clipPath.split(" ")[1]) / 100;
    const cut = make("svg", { x: 0, y: 0, width: share * panel.wide, height: panel.high });
    cut.append(image(panel.original.src));
    parts.push(cut);
  }
  panel.svg.prepend(...parts);
  setTimeout(() => parts.forEach((part) => part.remove()), 0);
  return panel.svg;
}
