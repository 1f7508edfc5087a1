export default received(function ({ data, parentElement: root }) {
  const box = root.querySelector(".working");
  if (root.drawn !== data.id) {
    root.drawn = data.id;
    box.innerHTML = data.lines.map(line).join("");
  }
  follow(root, (step) => {
    const shown = data.steps ? data.steps[Math.min(step, data.steps.length - 1)] : null;
    data.lines.forEach((item, i) => {
      const part = box.children[i];
      part.hidden = shown !== null && !shown.includes(i);
      if (part.hidden) return;
      for (const slot of part.querySelectorAll("mn[data-slot]")) {
        const value = at(item.numbers[slot.dataset.slot], step);
        const bare = slot.dataset.bare === "1" || !(value < 0);
        slot.textContent = bare ? number(value) : `(${number(value)})`;
      }
      const value = at(item.value, step);
      const out = part.querySelector(".value");
      out.textContent = item.blank ? "?" : number(value);
      out.title = item.blank ? "" : String(value);
      part.classList.toggle("blank", item.blank);
      part.classList.toggle("wrong", Boolean(at(item.wrong, step)));
      for (const formula of part.querySelectorAll(".part")) fit(formula);
    });
  });
  // Once the font is there, and whenever the column gets another width.
  const refit = () => requestAnimationFrame(() => {
    for (const formula of box.querySelectorAll(".line:not([hidden]) .part")) fit(formula);
  });
  document.fonts.ready.then(refit);
  root.sized?.disconnect();
  root.sized = new ResizeObserver(() => {
    if (box.clientWidth !== root.wide) refit();
    root.wide = box.clientWidth;
  });
  root.sized.observe(box);
  return () => {
    root.sized.disconnect();
    leave(root);
  };
});

// A formula wider than its column is set smaller, and stays so: nothing jumps while one scrubs.
function fit(formula) {
  const room = formula.clientWidth / formula.scrollWidth;
  if (room && room < 1) {
    formula.scale = Math.max(0.6, (formula.scale ?? 1) * room * 0.985);
    formula.style.fontSize = `${formula.scale}em`;
  }
  // What even then does not fit can be scrolled, by keyboard too.
  if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
  else formula.removeAttribute("tabindex");
}

function line(item) {
  const put = item.substituted ? `<span class="part put"><i>=</i>${item.substituted}</span>` : "";
  const tag = item.tag === null ? "" : `<span class="tag">(${item.tag})</span>`;
  return `<div class="line ${item.printed ? "printed" : ""}">${tag}<span class="part symbol">${item.symbol}</span>
    <span class="part"><i>=</i>${item.formula}</span>${put}
    <span class="part"><i>=</i><output class="value"></output></span></div>`;
}
