export default received(function ({ data, parentElement: root, setTriggerValue }) {
  const say = (words) => (root.querySelector("p").textContent = words);
  const act = {
    async link() {
      try {
        await navigator.clipboard.writeText(location.href);
        say("Copied.");
      } catch {
        say(location.href);
      }
    },
    handout() {
      setTriggerValue("make", Date.now());
      say("Making the handout…");
    },
    svg() {
      save(new Blob([drawing().source], { type: "image/svg+xml" }), `${data.name}.svg`);
    },
    async png() {
      const { source, width, height } = drawing();
      const image = new Image();
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = 2 * width;
      canvas.height = 2 * height;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(blob, `${data.name}.png`), "image/png");
    },
  };
  for (const button of root.querySelectorAll("button")) button.onclick = act[button.dataset.do];

  if (data.document && data.nonce !== clock.made) {
    clock.made = data.nonce;
    const page = data.document
      .replace("<!--figure-->", () => drawing().source)
      .replace("<!--link-->", () => text(location.href));
    save(new Blob([page], { type: "text/html" }), `${data.name}.html`);
    say("Saved.");
  }
});

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// All figures of the stage in one SVG, where they stand on the page, dark on white.
function drawing() {
  const stage = document.querySelector(".st-key-stage").getBoundingClientRect();
  const figures = [
    ...document.querySelectorAll(".st-key-stage svg.marks"),
    ...[...clock.drawings.values()].map((get) => get()).filter((svg) => svg.isConnected),
  ];
  const parts = figures.map((svg) => {
    const box = svg.getBoundingClientRect();
    const copy = svg.cloneNode(true);
    paint(svg, copy);
    for (const hidden of copy.querySelectorAll(".hidden")) hidden.remove();
    for (const [name, value] of [["x", box.x - stage.x], ["y", box.y - stage.y], ["width", box.width], ["height", box.height]]) copy.setAttribute(name, value.toFixed(1));
    if (!copy.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    copy.removeAttribute("class");
    return new XMLSerializer().serializeToString(copy);
  });
  const [width, height] = [Math.round(stage.width), Math.round(stage.height)];
  const source = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>`;
  return { source, width, height };
}

const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "font-family", "font-size", "font-style", "font-weight", "text-anchor", "visibility"];

// Styles come from the page's theme: write them into the copy, light text turned dark.
function paint(from, to) {
  const [originals, copies] = [[from, ...from.querySelectorAll("*")], [to, ...to.querySelectorAll("*")]];
  const dark = luminance(getComputedStyle(document.body).color) > 0.5;
  originals.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) {
      let value = style.getPropertyValue(name);
      if (dark && (name === "fill" || name === "stroke")) value = flipped(element, name, value);
      copies[i].style.setProperty(name, value);
    }
    if (copies[i].hasAttribute("tabindex")) copies[i].removeAttribute("tabindex");
  });
}

function flipped(element, name, value) {
  const light = luminance(value);
  if (light === null) return value;
  if (element.tagName === "text" || element.tagName === "tspan") return light > 0.55 ? "#16202c" : value;
  if (light < 0.12) return "#ffffff";
  return value;
}

function luminance(colour) {
  const parts = colour.match(/[\d.]+/g);
  if (!parts || !colour.startsWith("rgb")) return null;
  const [r, g, b] = parts.map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}
