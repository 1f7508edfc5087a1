"""Every figure, number and word follows the step."""

import math
import re

import pytest
from playwright.sync_api import Page, expect
from screen import Screen

from engine.gradients import chain
from engine.mixtures import coins

pytestmark = pytest.mark.browser
CLASSIC = coins.PRESETS["classic"]


def vega(page: Page) -> list[int]:
    """Where the parameter of each chart stands."""
    values = page.locator("input[name=step]").evaluate_all("all => all.map(one => one.value)")
    return [int(value) for value in values]


def test_every_number_of_the_graph_appears_when_it_is_computed(screen: Screen) -> None:
    names = chain.STEPS[1:]
    screen.open("chain").press("Home")
    for i, step in enumerate(chain.STEPS):
        focus = screen.css("svg .value.focus").evaluate_all("all => all.map(g => g.dataset.id)")
        assert focus == ([] if step.name == "given" else [step.name])
        kept = screen.css("svg .value.reused").evaluate_all("all => all.map(g => g.dataset.id)")
        assert sorted(kept) == sorted(step.reuses)
        shown = screen.css("svg .value:not(.hidden)").evaluate_all(
            "all => all.map(g => g.dataset.id)"
        )
        made, ahead = ({s.name for s in part} for part in (names[:i], names[i:]))
        assert made <= set(shown)
        assert not ahead & set(shown)
        lit = screen.css(".edge.home, .edge.out").count()
        assert lit == 0 if step.name == "given" else lit >= 1
        assert screen.css(".edge.home").count() == (1 if step.backward else 0)
        screen.press("ArrowRight")


def test_the_working_of_the_chain_follows(screen: Screen) -> None:
    screen.open("chain").press("Home")
    trace = chain.run(chain.PRESETS["exercise"].params)
    for step in chain.STEPS:
        lines = screen.css(".working .line:not([hidden])")
        value = trace.f if step.name == "given" else trace.values()[step.name]
        shown = lines.first.locator(".value").inner_text().replace("−", "-")
        assert math.isclose(float(shown), value, rel_tol=6e-4), step.name
        assert lines.first.locator(".tag").inner_text() == f"({step.tag})"
        assert lines.count() == (3 if step.name in ("dx1", "dx2") else 1)
        screen.press("ArrowRight")


def test_every_chart_follows(screen: Screen) -> None:
    screen.open("coins").press("Home")
    charts = screen.css(".st-key-stage svg.marks")
    assert charts.count() == 3
    seen: list[list[str]] = []
    for step in range(6):
        assert vega(screen.page) == [step] * 3
        screen.page.wait_for_timeout(60)
        seen.append(charts.evaluate_all("all => all.map(svg => svg.outerHTML)"))
        screen.press("ArrowRight")
    for drawn in zip(*seen, strict=True):
        assert len(set(drawn)) == len(drawn)


def test_the_path_stands_where_the_trace_says(screen: Screen) -> None:
    trace = coins.run(**CLASSIC.data, params=CLASSIC.params)
    screen.open("coins").press("Home")
    map_ = screen.css("[class*=st-key-tall] svg.marks")
    for step in (0, 1, 5):
        screen.stand(step)
        screen.page.wait_for_timeout(80)
        width, height = map_.locator("image").first.evaluate(
            "i => [Number(i.getAttribute('width')), Number(i.getAttribute('height'))]"
        )
        spots = map_.locator("path[transform]").evaluate_all(
            "all => all.map(p => p.getAttribute('transform').match(/-?[\\d.]+/g).map(Number))"
        )
        a, b = trace.theta[step]
        assert any(abs(x - a * width) < 1 and abs(y - (1 - b) * height) < 1 for x, y, *_ in spots)


def test_the_table_and_the_working_of_the_coins_follow(screen: Screen) -> None:
    trace = coins.run(**CLASSIC.data, params=CLASSIC.params)
    screen.open("coins").press("Home")
    for step in range(len(trace)):
        cells = screen.css(".scroll tbody tr").evaluate_all(
            "rows => rows.map(row => [row.cells[3].innerText, row.cells[4].innerText])"
        )
        wanted = [[f"{a:.4f}", f"{b:.4f}"] for a, b in trace.responsibility[step]]
        assert cells == wanted
        first = screen.css(".working .line:not([hidden]) .value").first.inner_text()
        assert math.isclose(float(first), trace.responsibility[step, 0, 0], rel_tol=6e-4)
        a, b = trace.theta[step]
        if step:
            assert f"θA = {a:.4f}, θB = {b:.4f}" in screen.says.replace("_", "")
        screen.press("ArrowRight")


def test_a_chart_embedded_later_comes_along(screen: Screen) -> None:
    screen.open("coins")
    screen.stand(6).rest()
    screen.pill("basins").click()
    screen.page.wait_for_timeout(800)
    screen.settle()
    screen.page.wait_for_timeout(200)
    assert screen.step == 6
    assert vega(screen.page) == [6] * 3
    screen.press("ArrowRight")
    assert vega(screen.page) == [7] * 3


def test_a_slip_lights_the_wrong_numbers(screen: Screen) -> None:
    screen.open("chain").press("End")
    assert screen.css("svg .value.wrong").count() == 0
    screen.pill("w₃ counted twice").click()
    screen.css("svg .value.wrong").first.wait_for()
    lit = screen.css("svg .value.wrong").evaluate_all("all => all.map(g => g.dataset.id)")
    assert lit == ["dw1"]
    dashed = screen.css("svg .value.wrong rect").first.evaluate(
        "r => getComputedStyle(r).strokeDasharray"
    )
    assert dashed not in ("none", "")
    expect(screen.css(".st-key-certificate")).to_contain_text("Not certified")
    screen.css("svg .value[data-id=dw1]").click()
    expect(screen.css(".working .line:not([hidden])").first).to_have_class(re.compile(r"\bwrong\b"))
    screen.pill("w₃ counted twice").click()
    expect(screen.css("svg .value.wrong")).to_have_count(0)
    expect(screen.css(".st-key-certificate")).to_contain_text("Certified")


def test_a_slip_lights_the_wrong_cells_of_the_table(screen: Screen) -> None:
    trace = coins.run(**CLASSIC.data, params=CLASSIC.params)
    wrong = coins.wrong_cells(trace, coins.SLIPS["hard"])["responsibility"]
    screen.open("coins")
    screen.pill("Hard clusters").click()
    screen.css(".scroll td.wrong").first.wait_for()
    screen.settle()
    for step in (0, 2, 9):
        screen.stand(step)
        lit = screen.css(".scroll tbody tr").evaluate_all(
            "rows => rows.map(r => [3, 4].map(j => r.cells[j].classList.contains('wrong')))"
        )
        assert lit == wrong[step].tolist()
    assert (
        screen.css(".scroll td.wrong").first.evaluate("td => getComputedStyle(td).outlineStyle")
        == "solid"
    )
