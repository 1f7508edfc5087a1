"""The race: loss, error, learning rate and reach by epoch, one line a setting, and the table."""

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np

from engine.slips import Slip
from engine.training import two_layer
from engine.training.two_layer import Race
from pages.charts.climb import Figure, axis
from pages.charts.theme import (
    COLOURS,
    NAMED,
    QUIET,
    at_step,
    end_names,
    level,
    packed,
    rows,
    step_param,
    title,
)
from pages.ui.table import Cell, Column, Table

NAMES = {
    "loss": "Test loss by {}, train dashed",
    "error": "Test error by {}, train dashed",
    "rate": "Learning rate by {}",
    "reach": "Reach Σ η by {}, limit dashed",
}
AXES = {"loss": "loss", "error": "error", "rate": "η", "reach": "Σ η"}
GUESS = {"loss": 10 * np.log(2), "error": 0.9}
DEEPEST = 1e-6  # of the highest, what a logarithmic axis shows


def race(trace: Race, shown: str, chosen: int, start: int) -> Figure:
    """One line a setting, its name at the end, a dot at this epoch; the chosen one is thicker."""
    last = len(trace) - 1
    x = alt.X(
        "e:Q",
        title="epoch",
        axis=axis(format="d", values=_ticks(last)),
        scale=alt.Scale(domain=[0, last], nice=False, rangeMax=NAMED),
    )
    main, beside = _lines(trace, shown)
    scale = _scale(shown, main, beside)
    y = alt.Y("m:Q", title=AXES[shown], axis=axis(format="~g"), scale=scale)
    layers: list[alt.Chart] = [_now(trace, x)]
    if shown in GUESS:
        layers.append(level(GUESS[shown], y))
    for place in range(len(trace.values)):
        bold = 5 if place == chosen else 3
        drawn = [(beside, 2, [6, 4]), (main, bold, [1, 0])]
        for values, width, dash in drawn:
            if values is not None and np.isfinite(_shown(values[:, place], scale)).any():
                layers.append(_line(trace, values[:, place], place, width, dash, scale, x, y))
    names = _names(trace, main, scale, x)
    spots = [_spot(trace, main, shown, place, x, y, scale) for place in range(len(trace.values))]
    known = trace.count or shown not in GUESS
    told = NAMES[shown].format(trace.params.vary[-1]) if known else "Not trained yet"
    chart = alt.layer(*layers, *names, *spots).add_params(step_param(last, start))
    return chart.properties(height="container", title=title(told))


def _ticks(last: int) -> list[int]:
    every = max(1, round(last / 6 / 10) * 10 if last >= 30 else round(last / 6))
    return list(range(0, last + 1, every))


def _lines(trace: Race, shown: str) -> tuple[np.ndarray, np.ndarray | None]:
    """What is drawn solid and what dashed, (T, S)."""
    if shown in GUESS:
        return getattr(trace, f"test_{shown}"), getattr(trace, f"train_{shown}")
    rate, spent, total = two_layer.reaches(trace)
    return (rate, None) if shown == "rate" else (spent, total)


def _scale(shown: str, main: np.ndarray, beside: np.ndarray | None) -> alt.Scale:
    """Linear for errors; otherwise logarithmic, over what is there."""
    if shown == "error":
        return alt.Scale(domain=[0, 1], nice=False, clamp=True)
    both = main if beside is None else np.concatenate([main, beside])
    there = both[np.isfinite(both) & (both > 0)]
    high = float(there.max(initial=1e-3) if there.size else 10.0)
    low = float(there.min() if there.size else 0.1)
    return alt.Scale(
        type="log", domain=[max(low, high * DEEPEST) / 1.3, high * 1.6], nice=False, clamp=True
    )


def _shown(values: np.ndarray, scale: alt.Scale) -> np.ndarray:
    """What the axis can show: a logarithm knows no 0."""
    low = scale.domain[0]  # type: ignore[reportIndexIssue]
    return np.where(np.isfinite(values) & ((values > 0) | (low == 0)), values, np.nan)


def _line(
    trace: Race,
    values: np.ndarray,
    place: int,
    width: float,
    dash: Sequence[int],
    scale: alt.Scale,
    x: alt.X,
    y: alt.Y,
) -> alt.Chart:
    heights = _shown(values, scale)
    there = np.isfinite(heights)
    data = rows(e=trace.epoch[there], m=[float(f"{v:.5g}") for v in heights[there]])
    colour = COLOURS[place]
    line = alt.Chart(data).mark_line(
        color=colour, strokeWidth=width, strokeDash=list(dash), clip=True
    )
    return line.encode(x=x, y=y)


def _now(trace: Race, x: alt.X) -> alt.Chart:
    spot = alt.Chart(rows(k=[0])).transform_calculate(e="step")
    return spot.mark_rule(color=QUIET, strokeWidth=2).encode(x=x)


def _names(trace: Race, main: np.ndarray, scale: alt.Scale, x: alt.X) -> list[alt.Chart]:
    """The value of each setting at the end of its line."""
    shown, ends = _shown(main, scale), []
    for place in range(len(trace.values)):
        there = np.isfinite(shown[:, place]).nonzero()[0]
        if len(there):
            name = trace.names[place].partition(" = ")[2]
            ends.append((float(shown[there[-1], place]), int(there[-1]), name, COLOURS[place]))
    return end_names(ends, scale, x)


def _spot(
    trace: Race, main: np.ndarray, shown: str, place: int, x: alt.X, y: alt.Y, scale: alt.Scale
) -> alt.Chart:
    """Where a line is at this epoch; numbers on hover."""
    data = rows(
        heights=packed(_shown(main[:, [place]], scale)),
        rights=packed(1 - trace.test_error[:, [place]]),
        rates=packed(trace.lr[:, [place]]),
        name=[trace.names[place]],
    )
    base = alt.Chart(data).transform_calculate(
        e="step", m=at_step("heights"), r=at_step("rights"), n=at_step("rates")
    )
    tooltip = [
        alt.Tooltip("name:N", title="setting"),
        alt.Tooltip("e:Q", title="epoch", format="d"),
        alt.Tooltip("m:Q", title=AXES[shown], format=".6~g"),
        alt.Tooltip("r:Q", title="right", format=".4~%"),
        alt.Tooltip("n:Q", title="η", format=".4~g"),
    ]
    dot = base.transform_filter("isFinite(datum.m)").mark_point(
        filled=True, size=150, color=COLOURS[place], opacity=1, clip=True
    )
    return dot.encode(x=x, y=y, tooltip=tooltip)


# -- the table and the words ---------------------------------------------------------------------


def table(trace: Race, chosen: int, blank: str) -> Table:
    """Each setting in one row; the chosen one is put in below."""
    tested, (_, _, total) = two_layer.TESTED[trace.params.data], two_layer.reaches(trace)
    body = []
    for place, name in enumerate(trace.names):
        later = np.isnan(trace.test_loss[:, place])
        hidden = place == chosen
        right = np.round(tested * (1 - trace.test_error[:, place]))
        reach = float(total[-1, place])
        body.append(
            [
                Cell(name.partition(" = ")[2]),
                Cell(right, ahead=later),
                Cell(trace.saturated[:, place], ahead=later),
                Cell(
                    reach if np.isfinite(reach) else "∞",
                    blank=hidden and blank in ("total", "half-life"),
                ),
            ]
        )
    columns = [
        Column(trace.names[0].partition(" = ")[0]),
        Column(r"\text{right}", None, 0),
        Column(r"\text{saturated}", None, 3),
        Column(r"\text{reach}"),
    ]
    return Table(f"Each setting at this epoch; right of {tested:,}", columns, body)


def wrong_lines(slip: Slip | None, trace: Race, chosen: int) -> Mapping[str, bool]:
    """Which lines of the working a slip makes wrong."""
    if slip is None or slip.name != "other-unit" or not two_layer.specs(trace)[chosen].decay:
        return {}
    return dict.fromkeys(("rate", "spent", "total", "half-life"), True)


def empty(trace: Race, chosen: int) -> str:
    """Why there are no pictures."""
    if np.isfinite(trace.test_loss[-1, chosen]):
        return "None of the test pictures is taken for another digit."
    return "The pictures come when this setting is trained to its end."


def origin(trace: Race) -> str:
    """Where the numbers come from, said beside the button that trains."""
    several = f"{len(trace.values)} setting{'s'[: len(trace.values) != 1]}"
    if trace.origin == two_layer.TRAINED:
        return f"**Trained here** on the processor, {several}."
    if trace.origin == two_layer.RECORDED and trace.begun.all():
        return f"**Recorded** beforehand, {several}. Train it here and watch."
    if trace.count:
        return f"**Recorded** beforehand in part, {several}. Train it here to have all."
    return f"Not trained yet: {several}, {trace.params.epochs} epochs."


def last(trace: Race) -> dict[str, list]:
    """The numbers at the end, for the notebook."""
    done = np.isfinite(trace.test_loss[-1]).all()
    return {"trace.test_loss[-1]": trace.test_loss[-1].tolist()} if done else {}


def captions(trace: Race) -> list[str]:
    """What each epoch has brought, in the order of the table."""
    out = []
    for epoch, row in enumerate(trace.test_error):
        there = [f"{100 * (1 - e):.1f} %" if np.isfinite(e) else "–" for e in row]
        told = f"right: {', '.join(there)}" if np.isfinite(row).any() else "not trained yet"
        out.append(f"epoch {epoch}: {told}")
    return out
