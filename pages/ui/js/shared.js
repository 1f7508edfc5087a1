// A component draws what component.py has packed: how many numbers, the numbers, the rest as JSON.
function received(draw) {
  return ({ data: bytes, ...more }) => {
    const { buffer } = bytes.slice(); // its own, so that the numbers lie straight
    const [count] = new Float64Array(buffer, 0, 1);
    const numbers = new Float64Array(buffer, 8, count);
    const array = (_, value) => (value?.$ ? numbers.subarray(value.$[0], value.$[0] + value.$[1]) : value);
    const rest = new TextDecoder().decode(new Uint8Array(buffer, 8 * (count + 1)));
    return draw({ data: JSON.parse(rest, count ? array : undefined), ...more });
  };
}

// The page's one clock. The transport moves it; every figure on the page follows it in the
// browser, so that looking at another step never talks to the server.
const clock = (window.workings ??= { step: 0, opening: "", figures: new Map(), drawings: new Map() });

function follow(host, draw) {
  clock.figures.set(host, draw);
  draw(clock.step);
}

function leave(host) {
  clock.figures.delete(host);
  clock.drawings.delete(host);
}

// A value that may be one number or one per step.
function at(value, step) {
  return Array.isArray(value) || ArrayBuffer.isView(value) ? value[Math.min(step, value.length - 1)] : value;
}

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

// Four significant digits, as engine.working.number writes them.
function number(value, digits = 4) {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || Number.isNaN(value)) return "NaN";
  const size = Math.abs(value);
  if (size === Infinity) return value > 0 ? "∞" : "−∞";
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    const power = [...String(Number(exponent))].map((c) => SUPERSCRIPT[c]).join("");
    return `${minus(Number(mantissa))}·10${power}`;
  }
  if (size >= 10 ** digits) return minus(Math.round(value));
  return minus(Number(value.toPrecision(digits)));
}

function minus(value) {
  return String(value).replace("-", "−");
}

// Plain text for HTML.
function text(value) {
  return String(value).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

const SVG = "http://www.w3.org/2000/svg";

function make(tag, attributes, parent) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent?.append(element);
  return element;
}

// "W_2" as italic W with a lowered 2.
function label(name, element) {
  const [letter, low] = name.split("_");
  make("tspan", { "font-style": "italic" }, element).textContent = letter;
  if (low) make("tspan", { dy: "0.28em", "font-size": "0.7em" }, element).textContent = low;
}
