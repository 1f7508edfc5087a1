"""Two coins: the table, the maps, the odd cases."""

import math
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from visiting import certified, module_of, preset, put, sent, specs, visit

from engine.mixtures import coins
from pages.catalog import lesson
from pages.charts.climb import states

COINS = lesson("coins")


def typed(heads: str, tosses: str = "10", **numbers: Any) -> AppTest:
    """The page after a person has typed these."""
    app = visit(COINS)
    app.text_input(key="coins.heads").set_value(heads)
    app.text_input(key="coins.tosses").set_value(tosses)
    for name, value in numbers.items():
        app.number_input(key=f"coins.{name.replace('_', '.')}").set_value(value)
    return app.run()


def table(app: AppTest) -> dict[str, Any]:
    return sent(app)["coins-table"]


def column(app: AppTest, j: int) -> np.ndarray:
    """One column of shares, (sets, steps)."""
    return np.array([row[j]["value"] for row in table(app)["rows"]])


def test_the_classic_case_is_the_published_one(golden: dict[str, Any]) -> None:
    case = golden["s000.2.DoBatzoglou"]
    app = preset(COINS, "classic")
    np.testing.assert_allclose(column(app, 3)[:, 0], case["q1"], rtol=1e-13)
    following = table(app)["foot"][-1]
    for c in (0, 1):
        assert following[3 + c]["value"][0] == pytest.approx(case["theta1"][c], rel=1e-13)
        assert following[3 + c]["value"][9] == pytest.approx(case["theta10"][c], rel=1e-13)


@pytest.mark.parametrize("name", coins.PRESETS)
def test_the_table_is_the_trace(name: str) -> None:
    app = preset(COINS, name)
    case = coins.PRESETS[name]
    trace = coins.run(**case.data, params=case.params)
    n = states(trace)
    rows = table(app)["rows"]
    assert [row[0]["value"] for row in rows] == list(range(1, len(trace.heads) + 1))
    assert [row[1]["value"] for row in rows] == trace.heads.tolist()
    assert [row[2]["value"] for row in rows] == trace.tosses.tolist()
    shares = np.stack([column(app, 3), column(app, 4)], axis=-1)
    np.testing.assert_array_equal(shares, np.swapaxes(trace.responsibility[:n], 0, 1))
    np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=1e-14)
    heads, tosses, following = (
        np.array([row[c]["value"] for c in (3, 4)]) for row in table(app)["foot"]
    )
    np.testing.assert_allclose(heads.sum(axis=0), trace.heads.sum(), rtol=1e-12)
    np.testing.assert_allclose(tosses.sum(axis=0), trace.tosses.sum(), rtol=1e-12)
    np.testing.assert_allclose(following[:, : n - 1], trace.theta[1:n].T, rtol=1e-12)


@pytest.mark.parametrize("slip", coins.SLIPS)
def test_a_slip_lights_just_the_shares_it_changes(slip: str) -> None:
    for name, case in coins.PRESETS.items():
        app = preset(COINS, name, slip=slip)
        right = coins.run(**case.data, params=case.params).responsibility
        for c in (0, 1):
            shown, lit = [], []
            for row in table(app)["rows"]:
                shown.append(row[3 + c]["value"])
                lit.append(row[3 + c]["wrong"])
            shown = np.array(shown, float)
            wanted = ~(abs(shown - right[: shown.shape[1], :, c].T) <= 1e-9)
            np.testing.assert_array_equal(np.array(lit), wanted)


ODD = {
    "all heads": ("10, 10, 10", "10"),
    "no heads": ("0, 0, 0", "10"),
    "one set": ("7", "10"),
    "one toss": ("1", "1"),
    "all heads and none": ("10, 0", "10"),
    "unequal lengths": ("1, 900, 3", "2, 1000, 3"),
    "a million tosses": ("999999, 1", "1000000"),
    "two hundred and one sets": (", ".join(["3"] * 201), "10"),
}


@pytest.mark.parametrize(("heads", "tosses"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("mixing", ["fixed", "free"])
def test_an_odd_case_is_finite_explained_and_certified(
    heads: str, tosses: str, mixing: str
) -> None:
    app = typed(heads, tosses)
    app.segmented_control(key="coins.mixing").set_value(mixing).run()
    assert not app.exception
    assert not app.error
    assert certified(app)
    trace = app.session_state["coins.good"]
    assert np.isfinite(trace.theta).all()
    assert np.isfinite(trace.log_likelihood).all()
    captions = sent(app)["coins-transport"]["captions"]
    assert captions[-1].endswith(str(trace.stop))
    assert str(trace.stop).endswith(".")
    everything = str(sent(app)) + str(specs(app))
    assert "NaN" not in everything
    assert "∞" not in everything


@pytest.mark.parametrize("heads", ["5, 9, 8, 4, 7", "10, 10", "0, 0, 0", "7"])
def test_equal_coins_stay_equal_and_the_page_says_why(heads: str) -> None:
    app = typed(heads, start_0=0.55, start_1=0.55)
    assert not app.exception
    assert certified(app)
    share = sum(map(int, heads.split(","))) / (10 * len(heads.split(",")))
    theta = app.session_state["coins.good"].theta
    np.testing.assert_allclose(theta[1:], share, rtol=1e-12)
    assert (column(app, 3) == 0.5).all()
    assert sent(app)["coins-transport"]["captions"][-1].split(" · ")[-1].startswith("Both coins")


@pytest.mark.parametrize(("low", "high"), [(1e-6, 0.999999), (0.999999, 1e-6), (1e-6, 1e-6)])
def test_starts_at_the_edge_of_the_square(low: float, high: float) -> None:
    app = typed("5, 9, 8, 4, 7", start_0=low, start_1=high)
    assert not app.exception
    assert not app.error
    assert certified(app)


def test_a_long_run_moves_the_transport_as_far_as_something_moves() -> None:
    app = typed("5, 9, 8, 4, 7", steps=1000)
    captions = sent(app)["coins-transport"]["captions"]
    settled = app.session_state["coins.good"].settled
    assert settled < len(captions) < 1001
    assert captions[-1].endswith(str(coins.CoinsStop.SETTLED))


def test_the_other_map_changes_the_ground_and_nothing_else() -> None:
    app = visit(COINS)
    before, drawn = specs(app), table(app)
    app.segmented_control(key="coins.map").set_value("basins").run()
    assert not app.exception
    assert specs(app)[0] != before[0]
    assert specs(app)[1:] == before[1:]
    assert table(app) == drawn


def test_the_chosen_set_is_put_into_the_working() -> None:
    app = put(visit(COINS), COINS, set=3)
    assert table(app)["chosen"] == 3
    share = sent(app)["coins-working"]["lines"][0]
    assert "<mn>4</mn>" in share["symbol"]
    assert share["value"] == column(app, 3)[3].tolist()
    assert (share["numbers"]["x"], share["numbers"]["y"]) == (4, 6)


def test_a_chosen_set_that_is_gone_becomes_the_last() -> None:
    app = put(visit(COINS), COINS, set=4)
    app.text_input(key="coins.heads").set_value("5, 9").run()
    assert not app.exception
    assert table(app)["chosen"] == 1


def test_a_free_mixing_weight_has_its_own_line() -> None:
    fixed, free = preset(COINS, "classic"), preset(COINS, "free")
    lines = [len(sent(app)["coins-working"]["lines"]) for app in (fixed, free)]
    assert lines == [4, 5]
    trace = free.session_state["coins.good"]
    weight = next(x for x in sent(free)["coins-working"]["lines"] if x["tag"] == 8)
    n = len(trace) - 1
    np.testing.assert_allclose(weight["value"][:n], trace.mixing[1:, 0], rtol=1e-12)


def test_the_likelihood_in_the_working_is_the_sum_of_its_parts() -> None:
    for name in coins.PRESETS:
        line = next(x for x in sent(preset(COINS, name))["coins-working"]["lines"] if x["tag"] == 2)
        parts = np.add(line["numbers"]["one"], line["numbers"]["others"])
        np.testing.assert_allclose(parts, line["value"], rtol=1e-12)


def test_the_captions_say_how_far_the_likelihood_rose() -> None:
    app = visit(COINS)
    trace = app.session_state["coins.good"]
    for t, caption in enumerate(sent(app)["coins-transport"]["captions"][1:], 1):
        a, b = trace.theta[t]
        assert f"θ_A = {a:.4f}, θ_B = {b:.4f}" in caption
        gain = trace.log_likelihood[t] - trace.log_likelihood[t - 1]
        assert ("less than 0.001" in caption) == (1e-6 < gain < 1e-3)
        if gain > 1e-3:
            said = float(caption.split("up ")[1].split(" ·")[0])
            assert math.isclose(said, gain, rel_tol=0.06)
    assert module_of(COINS) is coins
