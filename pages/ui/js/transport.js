const ICON = {
  first: "M5 5h2v14H5zM20 5v14L9 12z",
  back: "M16 5v14L6 12z",
  play: "M7 4v16l13-8z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  next: "M8 5v14l10-7z",
  last: "M17 5h2v14h-2zM4 5v14l11-7z",
};
const SPEEDS = [0.5, 1, 2, 4];

export default received(function ({ data, parentElement: root, setStateValue }) {
  const button = (name) => root.querySelector(`[data-go=${name}]`);
  const slider = root.querySelector("input");
  const last = data.captions.length - 1;
  const me = (root.transport ??= { timer: 0, rest: 0, speed: 1, told: data.start, longest: "" });
  // New data may come while a step rests or the play runs: what happens later must be of those.
  Object.assign(me, { rested, tick });

  if (clock.opening !== data.opening) {
    // Another lesson, preset or link: stop playing and stand where it opens.
    clearInterval(me.timer);
    me.timer = 0;
    me.longest = "";
    clock.opening = data.opening;
    clock.step = me.told = data.start;
  }

  function show() {
    const step = clock.step;
    slider.max = last;
    slider.value = step;
    slider.style.setProperty("--done", `${last ? (100 * step) / last : 0}%`);
    slider.setAttribute("aria-valuetext", `step ${step} of ${last}: ${data.captions[step]}`);
    root.querySelector(".count").textContent = `step ${step} of ${last}`;
    root.querySelector(".says").textContent = data.captions[step];
    for (const name of ["first", "back"]) button(name).setAttribute("aria-disabled", step === 0);
    for (const name of ["next", "last"]) button(name).setAttribute("aria-disabled", step === last);
    icon("play", me.timer ? "pause" : "play");
    button("play").setAttribute("aria-label", me.timer ? "Pause" : "Play");
    root.querySelector(".speed").textContent = `×${me.speed}`;
  }

  function icon(name, shape) {
    button(name).innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICON[shape]}"/></svg>`;
  }

  // Every figure: our own through the clock, Vega's through the input of its bound parameter.
  function paint() {
    for (const [host, draw] of clock.figures) host.isConnected || host.host?.isConnected ? draw(clock.step) : leave(host);
    drive();
    show();
  }

  // A chart that is being replaced may drop an input that equals what it has queued: say it again
  // once all has settled.
  function drive(again = false) {
    if (!again) {
      clearTimeout(clock.settled);
      clock.settled = setTimeout(() => drive(true), 250);
    }
    for (const input of document.querySelectorAll('.vega-bind input[name="step"], input[name="step"][type="range"]')) {
      const wanted = String(Math.min(clock.step, Number(input.max)));
      if (!again && input.value === wanted) continue;
      input.value = wanted;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  function go(step) {
    clock.step = Math.max(0, Math.min(last, Math.round(step)));
    paint();
    clearTimeout(me.rest);
    me.rest = setTimeout(() => me.rested(), 450);
  }

  // Once the step rests: the address bar holds it, and Python is told.
  function rested() {
    if (me.timer) return;
    address();
    if (me.told === clock.step) return;
    me.told = clock.step;
    setStateValue("at", { opening: data.opening, step: clock.step });
  }

  function address() {
    const query = `${data.query}&step=${clock.step}`;
    if (location.search !== `?${query}`) history.replaceState(history.state, "", `${location.pathname}?${query}${location.hash}`);
  }

  function stop() {
    clearInterval(me.timer);
    me.timer = 0;
  }

  function play() {
    if (me.timer) {
      stop();
      go(clock.step);
      return;
    }
    if (clock.step >= last - 1) clock.step = -1; // nearly at the end: from the start
    me.timer = setInterval(() => me.tick(), 900 / me.speed);
    tick();
  }

  function tick() {
    go(clock.step + 1);
    if (clock.step === last) {
      stop();
      go(last);
    }
  }

  const act = {
    first: () => go(0),
    back: () => go(clock.step - 1),
    play,
    next: () => go(clock.step + 1),
    last: () => go(last),
  };
  for (const name of Object.keys(act)) {
    icon(name, name);
    button(name).onclick = () => {
      if (name !== "play") stop();
      act[name]();
    };
  }
  slider.oninput = () => {
    stop();
    go(Number(slider.value));
  };
  root.querySelector(".speed").onclick = () => {
    me.speed = SPEEDS[(SPEEDS.indexOf(me.speed) + 1) % SPEEDS.length];
    if (me.timer) {
      stop();
      play();
    }
    show();
  };

  const KEYS = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play" };
  if (clock.onkey) document.removeEventListener("keydown", clock.onkey, true);
  clock.onkey = (event) => {
    const name = KEYS[event.key];
    if (!name || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.composedPath()[0];
    if (target !== slider && takesKeys(target, event.key, clock.pointed)) return;
    event.preventDefault();
    event.stopPropagation();
    if (name !== "play") stop();
    act[name]();
  };
  document.addEventListener("keydown", clock.onkey, true); // before a group of buttons takes them
  // Who has just clicked a preset wants the arrows to step; who walks by keyboard wants them to
  // move within the group that has the focus.
  if (!clock.onpoint) {
    clock.pointed = true;
    clock.onpoint = () => (clock.pointed = true);
    document.addEventListener("pointerdown", clock.onpoint, true);
    document.addEventListener("keydown", (event) => event.key === "Tab" && (clock.pointed = false), true);
  }
  clock.go = (step) => {
    stop();
    go(step);
  };

  // A chart that Streamlit embeds later starts at its own step: bring it along.
  clock.watch?.disconnect();
  clock.watch = new MutationObserver(() => {
    if (clock.pending) return;
    clock.pending = true;
    queueMicrotask(() => {
      clock.pending = false;
      drive();
    });
  });
  clock.watch.observe(document.body, { childList: true, subtree: true });

  // Room for the longest caption, with a slip on or off: nothing below moves when a line turns into two.
  me.longest = data.captions.reduce((a, b) => (b.length > a.length ? b : a), me.longest);
  root.querySelector(".longest").innerHTML = `<b class="count">step ${last} of ${last}</b> ${text(me.longest)}`;

  clock.step = Math.min(clock.step, last);
  paint();
  address();
  return () => {
    stop();
    clearTimeout(me.rest);
    clock.watch?.disconnect();
    document.removeEventListener("keydown", clock.onkey, true);
    clock.onkey = clock.go = null;
  };
});

// Does what has the focus use this key itself?
function takesKeys(target, key, pointed) {
  if (!(target instanceof Element)) return false;
  const typed = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]";
  if (target.closest(`${typed}, [role=slider], [role=listbox], [role=menu], canvas`)) return true;
  if (key === " ") return !(pointed && target.closest("[role=radiogroup], [role=radio]")) && Boolean(target.closest("button, a, summary, input, [role=button], [role=radio], [role=tab]"));
  return !pointed && Boolean(target.closest("[role=radiogroup], [role=tablist], [role=grid], [type=radio]"));
}
