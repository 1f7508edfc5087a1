const MANY = 60; // more wrong entries than that are framed as one

export default received(function ({ data, parentElement: root, setStateValue }) {
  const svg = root.querySelector("svg");
  if (root.drawn !== data.id) {
    root.drawn = data.id;
    svg.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
    svg.setAttribute("aria-label", data.label);
    svg.replaceChildren(...data.tiles.map((tile) => drawTile(tile, data.size)));
  }
  svg.onclick = (event) => {
    const image = event.target.closest("g.pick");
    if (!image) return;
    const tile = data.tiles[[...svg.children].indexOf(image)];
    const box = image.querySelector("image").getBoundingClientRect();
    const [row, column] = [((event.clientY - box.top) / box.height) * tile.rows, ((event.clientX - box.left) / box.width) * tile.columns].map(Math.floor);
    if (row < 0 || column < 0 || row >= tile.rows || column >= tile.columns) return;
    const pick = tile.column === null ? { row: row + 1, col: column + 1 } : { row: row * tile.columns + column + 1, col: tile.column + 1 };
    setStateValue("pick", { opening: data.opening, layer: tile.layer + 1, ...pick });
  };
  clock.drawings.set(root, () => svg);
  root.querySelector(".legend").hidden = !data.legend;
  follow(root, (step) => [...svg.children].forEach((group, i) => {
    group.classList.toggle("hidden", step < data.tiles[i].step);
    group.paint?.(step);
  }));
  return () => leave(root);
});

function drawTile(tile, size) {
  const { x, y, wide, high, rows, columns } = tile;
  const group = make("g", { class: tile.layer === null ? "" : "pick" });
  const name = make("text", { class: "name", x: x + wide / 2, y: y - 0.45 * size, "font-size": size }, group);
  label(tile.name, name);
  make("title", {}, group).textContent = tile.says;
  const picture = make("image", { x, y, width: wide, height: high, preserveAspectRatio: "none" }, group);
  make("rect", { class: tile.framed ? "marked" : "frame", x, y, width: wide, height: high, "stroke-width": tile.framed ? 4 : 1.5 }, group);
  const [w, h] = [wide / columns, high / rows];
  const numbers = !tile.numbers ? [] : Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return { x: x + (column + 0.5) * w, y: y + (row + 0.5) * h, blank: tile.blank.some(([a, b]) => a === row && b === column), text: make("text", { class: "number", x: x + (column + 0.5) * w }, group) };
  });
  const box = ([row, column]) => ({ x: x + column * w, y: y + row * h, width: w, height: h });
  const marks = make("g", {}, group);
  if (tile.marked) make("rect", { class: "marked", ...box(tile.marked), "stroke-width": Math.max(2.5, 0.12 * size) }, group);
  const note = tile.note.length ? make("text", { class: "note", x: x + wide / 2, y: y + high + size, "font-size": size }, group) : null;
  const paint = (values, wrong) => {
    picture.setAttribute("href", image(tile, values));
    numbers.forEach(({ y, blank, text }, i) => {
      const words = blank ? "?" : number(values[i], 3);
      const font = Math.min(size, 0.6 * h, (1.7 * w) / Math.max(words.length, 4));
      for (const [key, value] of Object.entries({ y: y + 0.35 * font, "font-size": font, "stroke-width": 0.22 * font })) text.setAttribute(key, value);
      text.textContent = words;
      // On ink the number is white where the cell is dark, in either theme.
      if (tile.ink) Object.assign(text.style, { stroke: "none", fill: blank || values[i] < 0.55 * tile.reach ? "#111820" : "#ffffff" });
    });
    marks.replaceChildren();
    if (wrong.length > MANY) make("rect", { class: "wrong", x, y, width: wide, height: high, "stroke-width": 5 }, marks);
    else for (const place of wrong) make("rect", { class: "wrong", ...box(place), "stroke-width": 3, "stroke-dasharray": "7 4" }, marks);
  };
  if (!tile.stepped) paint(tile.values, tile.wrong);
  if (tile.stepped || note) {
    group.paint = (step) => {
      if (tile.stepped) paint(ofStep(tile, step), at(tile.wrong, step) ?? []);
      if (note) note.textContent = at(tile.note, step);
    };
  }
  return group;
}

// The values of one step; they lie one after the other.
function ofStep({ values, rows, columns }, step) {
  const start = Math.min(step * rows * columns, values.length - rows * columns);
  return values.subarray(start, start + rows * columns);
}

// Orange above 0, blue below, the paper's own colour at 0; ink is black on white.
function image(tile, values) {
  const canvas = Object.assign(document.createElement("canvas"), { width: tile.columns, height: tile.rows });
  const paper = canvas.getContext("2d");
  const pixels = paper.createImageData(tile.columns, tile.rows);
  values.forEach((value, i) => {
    const known = Number.isFinite(value);
    const share = known ? Math.min(1, Math.abs(value) / tile.reach) ** (tile.ink ? 1 : 0.6) : 1;
    const colour = tile.ink ? [0, 0, 0] : !known ? [194, 24, 122] : value > 0 ? [213, 94, 0] : [43, 127, 212];
    pixels.data.set(tile.ink ? [255 * (1 - share), 255 * (1 - share), 255 * (1 - share), 255] : [...colour, 255 * share], 4 * i);
  });
  paper.putImageData(pixels, 0, 0);
  return canvas.toDataURL();
}
