const [WIDE, HIGH] = [1000, 570];
const COLUMNS = [[30, 476], [532, 978]];
const ROWS = { curve: [40, 240], slope: [294, 412], axis: 490 };
const REST = 450; // milliseconds after the last key until Python hears of it

export default received(function ({ data, parentElement: root, setStateValue }) {
  const svg = root.querySelector("svg");
  const me = (root.line ??= { timer: 0, pending: null });
  me.tell = (point, place) => {
    me.pending = null;
    setStateValue("drop", { opening: data.opening, point, place, at: Date.now() });
  };
  if (root.drawn !== data.id) {
    root.drawn = data.id;
    svg.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
    svg.setAttribute("aria-label", data.label);
    const focus = (me.sides?.[0].dots ?? []).indexOf(root.getRootNode().activeElement);
    svg.replaceChildren();
    me.sides = data.sides.map((side, s) => drawSide(svg, data, side, s, me));
    me.sides[0].dots[focus]?.focus();
  }
  clock.drawings.set(root, () => svg);
  follow(root, (step) => data.sides.forEach((side, s) => paint(me.sides[s], side, step)));
  return () => leave(root);
});

const straight = (from, to, low, high) => (value) => low + ((value - from) / (to - from || 1)) * (high - low);
const path = (rows, X, Y) => `M${rows.map(([x, y]) => `${X(x).toFixed(1)} ${Y(y).toFixed(1)}`).join("L")}`;
const extent = (rows) => [Math.min(...rows.map((r) => r[1])), Math.max(...rows.map((r) => r[1]))];

function drawSide(svg, data, side, s, me) {
  const [left, right] = COLUMNS[s];
  const group = make("g", { class: side.kind }, svg);
  const X = straight(data.low, data.high, left, right);
  const [low, high] = extent([...side.curve, ...side.true_curve]);
  const Y = straight(low, high, ROWS.curve[1] - 22, ROWS.curve[0] + 6);
  const [least, most] = extent([...side.slope_curve, ...side.true_slopes, [0, 0]]);
  const Z = straight(least, most, ROWS.slope[1], ROWS.slope[0]);
  const clip = make("clipPath", { id: `side${s}` }, group);
  make("rect", { x: left, y: ROWS.curve[0], width: right - left, height: ROWS.curve[1] - ROWS.curve[0] }, clip);

  const it = { X, Y, Z, left, right, group, low: data.low, high: data.high };
  make("line", { class: "zero", x1: left, x2: right, y1: Z(0), y2: Z(0) }, group);
  make("text", { class: "nought", x: left - 6, y: Z(0) + 8 }, group).textContent = "0";
  it.guide = make("line", { class: "guide", y1: ROWS.curve[0], y2: ROWS.axis }, group);
  const curve = (rows, scale, kind) => rows.length && make("path", { class: `curve ${kind}`, d: path(rows, X, scale) }, group);
  curve(side.true_curve, Y, "true");
  curve(side.true_slopes, Z, "true");
  const clipped = make("g", { "clip-path": `url(#side${s})` }, group);
  it.wedge = make("path", { class: "wedge" }, clipped);
  curve(side.curve, Y, side.true_curve.length ? "printed" : "");
  curve(side.slope_curve, Z, side.true_slopes.length ? "printed" : "");
  it.supports = [0, 1].map(() => make("line", { class: "support" }, clipped));
  it.range = make("rect", { class: "range", width: 18, rx: 9 }, group);
  it.inside = make("circle", { class: "inside", r: 5, cy: Z(0) }, group);
  it.now = make("circle", { class: "now", r: 9 }, group);
  make("text", { class: "head", x: left, y: 26 }, group).textContent = side.name;
  it.value = make("text", { class: "says", x: right, y: 26 }, group);
  make("text", { class: "head", x: left, y: 278 }, group).textContent = "slope";
  it.slope = make("text", { class: "says", x: right, y: 278 }, group);

  make("line", { class: "axis", x1: left, x2: right, y1: ROWS.axis, y2: ROWS.axis }, group);
  for (const tick of data.ticks) {
    make("line", { class: "axis", x1: X(tick), x2: X(tick), y1: ROWS.axis, y2: ROWS.axis + 8 }, group);
    make("text", { class: "tick", x: X(tick), y: ROWS.axis + 31 }, group).textContent = number(tick);
  }
  drawCentre(group, side, X, left, right);
  it.dots = drawPoints(svg, group, data, it, s, me);
  return it;
}

// A triangle under the best place, or a bar under all of them.
function drawCentre(group, side, X, left, right) {
  const veiled = side.blank.includes("centre");
  const y = ROWS.axis + 42;
  const words = veiled ? "?" : side.centre.length ? [...new Set(side.centre.map((v) => number(v)))].join(" to ") : "none";
  const [a, b] = side.centre.length && !veiled ? side.centre.map(X) : [(left + right) / 2, (left + right) / 2];
  if (side.centre.length && !veiled) make("path", { class: `centre ${side.wrong_centre ? "wrong" : ""}`, d: `M${a} ${y}L${b} ${y}L${b + 7} ${y + 11}L${a - 7} ${y + 11}Z` }, group);
  const half = 6.7 * (side.centre_name.length + words.length + 1);
  const at = Math.max(left + half, Math.min(right - half, (a + b) / 2));
  make("text", { class: `named ${side.wrong_centre ? "wrong" : ""}`, x: at, y: HIGH - 5 }, group).textContent = `${side.centre_name} ${words}`;
}

function drawPoints(svg, group, data, it, s, me) {
  const seen = new Map();
  const most = Math.max(...data.points.map((p) => data.points.filter((q) => q === p).length));
  const rise = Math.min(24, 56 / most);
  const tip = make("text", { class: "tip hidden", y: ROWS.axis - 34 }, group);
  return data.points.map((place, i) => {
    const stack = seen.get(place) ?? 0;
    seen.set(place, stack + 1);
    const dot = make("circle", { class: "point", r: Math.min(11, 5 + rise / 3), cx: it.X(place), cy: ROWS.axis - 16 - rise * stack }, group);
    const said = (value) => `point ${i + 1} at ${number(value)}`;
    let now = place;
    const put = (value) => {
      now = Number((Math.round(value / data.snap) * data.snap).toPrecision(12));
      dot.setAttribute("cx", Math.max(it.left, Math.min(it.right, it.X(now))));
      dot.setAttribute("aria-valuenow", now);
      dot.setAttribute("aria-valuetext", said(now));
      tip.textContent = number(now);
      tip.setAttribute("x", Math.max(it.left + 20, Math.min(it.right - 20, it.X(now))));
      tip.classList.remove("hidden");
    };
    make("title", {}, dot).textContent = `${said(place)}: drag it`;
    dot.onpointerdown = (event) => {
      event.preventDefault(); // the arrow keys stay with the steps
      dot.setPointerCapture(event.pointerId);
      dot.classList.add("held");
      dot.onpointermove = (move) => {
        const x = new DOMPoint(move.clientX, move.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
        put(Math.max(it.low, Math.min(it.high, it.low + ((x - it.left) / (it.right - it.left)) * (it.high - it.low))));
      };
      dot.onpointerup = dot.onpointercancel = () => {
        dot.onpointermove = dot.onpointerup = dot.onpointercancel = null;
        dot.classList.remove("held");
        tip.classList.add("hidden");
        if (now !== place) me.tell(i, now);
      };
    };
    if (s > 0) return dot; // by keyboard each point is met once
    for (const [name, value] of Object.entries({ tabindex: 0, role: "slider", "aria-label": `point ${i + 1}`, "aria-valuemin": data.low, "aria-valuemax": data.high, "aria-valuenow": place, "aria-valuetext": said(place) })) dot.setAttribute(name, value);
    if (me.pending?.point === i) put(me.pending.place);
    dot.onkeydown = (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (!by) return;
      event.preventDefault();
      put(Math.max(it.low, Math.min(it.high, now + by * data.snap)));
      me.pending = { point: i, place: now };
      clearTimeout(me.timer);
      me.timer = setTimeout(() => me.tell(i, now), REST);
    };
    return dot;
  });
}

function paint(it, side, step) {
  const [mu, value, [low, high]] = [at(side.mu, step), at(side.value, step), at(side.slopes, step)];
  const [wrongValue, wrongSlope] = [at(side.wrong_value, step), at(side.wrong_slope, step)].map(Boolean);
  const known = [mu, value, low, high].every((v) => typeof v === "number");
  const here = known && mu >= it.low && mu <= it.high;
  const parts = [it.guide, it.range, it.now, it.wedge, it.inside, ...it.supports];
  for (const part of parts) part.classList.toggle("hidden", !here);
  it.value.textContent = number(value);
  it.value.classList.toggle("wrong", wrongValue);
  const zero = Boolean(at(side.zero, step));
  const words = low === high ? number(low) : `${number(low)} to ${number(high)}`;
  it.slope.textContent = side.blank.includes("slope") ? "?" : `${words}${zero && low !== high ? ", 0 inside" : ""}`;
  it.slope.classList.toggle("wrong", wrongSlope);
  if (!here) return;
  const [x, y] = [it.X(mu), it.Y(value)];
  it.guide.setAttribute("x1", x);
  it.guide.setAttribute("x2", x);
  it.now.setAttribute("cx", x);
  it.now.setAttribute("cy", y);
  const reach = (slope, to) => it.Y(value + slope * (to - mu));
  [low, high].forEach((slope, i) => {
    for (const [name, number] of Object.entries({ x1: it.left, x2: it.right, y1: reach(slope, it.low), y2: reach(slope, it.high) })) it.supports[i].setAttribute(name, number);
    it.supports[i].classList.toggle("wrong", wrongSlope);
  });
  it.wedge.setAttribute("d", `M${x} ${y}L${it.left} ${reach(low, it.low)}L${it.left} ${reach(high, it.low)}ZM${x} ${y}L${it.right} ${reach(low, it.high)}L${it.right} ${reach(high, it.high)}Z`);
  const [top, bottom] = [it.Z(high), it.Z(low)];
  for (const [name, number] of Object.entries({ x: x - 9, y: top - 9, height: bottom - top + 18 })) it.range.setAttribute(name, number);
  it.range.classList.toggle("wrong", wrongSlope);
  it.range.classList.toggle("zero", zero && !wrongSlope);
  it.inside.setAttribute("cx", x);
  it.inside.classList.toggle("hidden", !zero);
}
