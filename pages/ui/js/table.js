export default received(function ({ data, parentElement: root, setStateValue }) {
  const table = root.querySelector("table");
  if (root.drawn !== data.id) {
    root.drawn = data.id;
    table.classList.toggle("many", data.columns.length > 8);
    table.innerHTML = `<caption>${text(data.caption)}</caption><thead><tr>${data.columns.map((c) => `<th scope="col" aria-label="${text(c.says)}">${c.head}</th>`).join("")}</tr></thead>
      <tbody>${data.rows.map(() => row(data.columns)).join("")}</tbody>
      <tfoot>${data.foot.map(() => row(data.columns)).join("")}</tfoot>`;
  }
  const body = [...table.tBodies[0].rows];
  table.classList.toggle("choice", data.chosen !== null);
  body.forEach((tr, i) => {
    tr.classList.toggle("chosen", i === data.chosen);
    tr.tabIndex = i === data.chosen ? 0 : -1; // one stop for Tab; the arrows go on from there
    const pick = () => data.chosen !== null && setStateValue("pick", { opening: data.opening, row: i });
    tr.onclick = pick;
    tr.onkeydown = (event) => {
      if (event.key === "Enter") pick();
      const next = data.chosen !== null && body[i + ({ ArrowUp: -1, ArrowDown: 1 }[event.key] ?? NaN)];
      if (!next) return;
      event.preventDefault();
      next.focus();
    };
  });
  follow(root, (step) => {
    body.forEach((tr, i) => fill(tr, data.rows[i], data.columns, step, data.lit));
    [...(table.tFoot?.rows ?? [])].forEach((tr, i) => fill(tr, data.foot[i], data.columns, step));
    body.forEach((tr, i) => tr.classList.toggle("lit", data.lit !== null && at(data.lit, step) === i));
    const lit = table.querySelector("tr.lit");
    if (lit) reveal(lit, table.parentElement);
  });
  return () => leave(root);
});

// Scroll a long table, and nothing else, to the row that is lit.
function reveal(tr, box) {
  const [row, room] = [tr.getBoundingClientRect(), box.getBoundingClientRect()];
  const head = tr.closest("table").tHead.offsetHeight;
  const floor = room.bottom - (tr.closest("table").tFoot?.offsetHeight ?? 0);
  if (row.top < room.top + head) box.scrollTop -= room.top + head - row.top;
  else if (row.bottom > floor) box.scrollTop += row.bottom - floor;
}

function row(columns) {
  return `<tr>${columns.map((c) => `<td class="${c.bar ? "bar" : ""}" style="--bar:${c.bar?.startsWith("#") ? c.bar : `var(--${c.bar ?? "line"})`}"></td>`).join("")}</tr>`;
}

function fill(tr, cells, columns, step) {
  columns.forEach((column, j) => {
    const td = tr.cells[j];
    const cell = cells[j];
    if (cell === null || cell === undefined) return;
    const value = at(cell.value ?? cell, step);
    td.textContent = cell.blank ? "?" : typeof value !== "number" ? value : column.decimals === null || cell.share === false || !Number.isFinite(value) ? number(value) : minus(value.toFixed(column.decimals));
    td.title = cell.blank || typeof value !== "number" ? "" : String(value);
    const ahead = Boolean(at(cell.ahead, step));
    td.classList.toggle("ahead", ahead);
    td.ariaHidden = ahead ? "true" : null;
    if (ahead) td.title = "";
    const share = column.bar && !cell.blank && !ahead && cell.share !== false ? Math.max(0, Math.min(1, value)) : 0;
    td.style.setProperty("--share", `${100 * share}%`);
    td.classList.toggle("wrong", !ahead && Boolean(at(cell.wrong, step)));
  });
}
