"""EM for two coins: golden numbers, theorems over the run, other routes, slips, bad input."""

import dataclasses
import json
import math
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from latex2mathml.converter import convert

from engine.data import DataError
from engine.mixtures import coins
from engine.mixtures.coins_sets import log_binomial
from engine.params import ParamError
from engine.predict import judge
from engine.working import SLOT

GOLDEN = json.loads((Path(__file__).parents[2] / "golden.json").read_text())
CLASSIC = GOLDEN["s000.2.DoBatzoglou"]
LIKE = GOLDEN["s000.2.seedlike"]


def preset(name):
    case = coins.PRESETS[name]
    return coins.run(**case.data, params=case.params)


def near(got, want, tolerance=1e-12):
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


# Golden cases


def test_do_and_batzoglou():
    trace = coins.run(CLASSIC["x"], CLASSIC["n"], coins.Params(start=CLASSIC["start"], steps=400))
    near(trace.responsibility[0, :, 0], CLASSIC["q1"])
    near(trace.theta[1], CLASSIC["theta1"])
    near(trace.theta[10], CLASSIC["theta10"])
    near(trace.theta[-1], CLASSIC["limit"])
    near(trace.log_likelihood[[0, 1, 10, -1]], CLASSIC["loglik"])
    assert trace.stop is coins.CoinsStop.SETTLED


def test_expected_counts_of_the_first_step():
    counts = coins.soft_counts(preset("classic"))[0]
    near(counts[:, 0], [21.297481896347, 11.702518103653], 1e-11)
    near(counts[:, 1] - counts[:, 0], [8.572246614530, 8.427753385470], 1e-11)


def test_from_the_starting_point_of_the_exercise():
    near(preset("low-start").theta[10], [0.796767016049, 0.519576974960])


def test_the_printed_numbers_fit_three_and_two_sets_of_25():
    near(preset("print-1").theta[10], LIKE["theta10"])
    near(preset("print-2").theta[-1], LIKE["theta1000"])
    assert coins.PRESETS["print-1"].data["heads"] == LIKE["x"]
    assert coins.PRESETS["print-2"].data["heads"] == LIKE["x2"]


def test_linear_convergence_at_the_rate_of_the_em_map():
    import torch

    x = torch.tensor(CLASSIC["x"], dtype=torch.float64)

    def step(theta):
        p = theta[:, None] ** x * (1 - theta[:, None]) ** (10 - x)
        Q = p / p.sum(dim=0)
        return Q @ x / (10 * Q.sum(dim=1))

    limit = torch.tensor(CLASSIC["limit"], dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(step, limit).numpy()
    rates, left = np.linalg.eig(jacobian.T)
    slow = int(rates.argmax())
    gap = coins.run(CLASSIC["x"], 10, coins.Params(steps=20)).theta - CLASSIC["limit"]
    along = gap @ left[:, slow]  # of the gap, what shrinks most slowly
    near(along[14:19] / along[13:18], rates[slow], 1e-5)
    assert 0.40 < rates[slow] < 0.42


def test_the_quoted_rate_is_that_of_theta_A_at_step_20():
    theta = coins.run(CLASSIC["x"], 10, coins.Params(steps=21)).theta[:, 0]
    near((theta[21] - CLASSIC["limit"][0]) / (theta[20] - CLASSIC["limit"][0]), 0.3553, 5e-5)


def test_equal_coins_land_on_the_overall_share_and_stay():
    trace = preset("diagonal")
    assert (trace.responsibility == 0.5).all()
    near(trace.theta[1:], 0.66)
    assert trace.stop is coins.CoinsStop.EQUAL


# Theorems over the run


@st.composite
def tosses_and_heads(draw, equal=False):
    sets = draw(st.integers(1, 9))
    n = draw(st.lists(st.integers(1, 40), min_size=sets, max_size=sets))
    n = [n[0]] * sets if equal else n
    return [draw(st.integers(0, k)) for k in n], n


chance = st.floats(0.001, 0.999)
params = st.builds(
    coins.Params,
    start=st.tuples(chance, chance),
    steps=st.integers(1, 40),
    mixing=st.sampled_from(["fixed", "free"]),
)


@settings(max_examples=150, deadline=None)
@given(tosses_and_heads(), params)
def test_the_bound_lies_between_two_likelihoods(data, p):
    trace = coins.run(*data, p)
    size = 1e-12 * np.maximum(1, abs(trace.log_likelihood[1:]))
    assert (trace.log_likelihood[:-1] <= trace.bound[1:] + size).all()
    assert (trace.bound[1:] <= trace.log_likelihood[1:] + size).all()
    assert trace.bound[0] == trace.log_likelihood[0]


@settings(max_examples=150, deadline=None)
@given(tosses_and_heads(), params)
def test_the_overall_share_of_heads_is_conserved(data, p):
    x, n = map(np.array, data)
    trace = coins.run(x, n, p)
    for t in range(p.steps):
        tosses = (n[:, None] * trace.responsibility[t]).sum(axis=0)
        mean = sum(w * theta for w, theta in zip(tosses / n.sum(), trace.theta[t + 1], strict=True))
        assert mean == pytest.approx(float(Fraction(int(x.sum()), int(n.sum()))), abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(tosses_and_heads(equal=True), params)
def test_equally_long_sets_keep_the_order_of_the_coins(data, p):
    theta = coins.run(*data, p).theta
    sign = np.sign(theta[0, 0] - theta[0, 1])
    assert (sign * (theta[:, 0] - theta[:, 1]) >= -1e-12).all()


def test_sets_of_unequal_length_may_change_the_order():
    # One long set of share 0.6 is surely A's, many short ones of share 0.9 are shared.
    trace = coins.run([600] + [9] * 200, [1000] + [10] * 200, coins.Params(start=(0.51, 0.5)))
    assert trace.theta[1, 0] < trace.theta[1, 1]


@settings(max_examples=60, deadline=None)
@given(tosses_and_heads(), params)
def test_swapping_the_coins_mirrors_the_run(data, p):
    a, b = p.start
    trace = coins.run(*data, p)
    mirrored = coins.run(*data, dataclasses.replace(p, start=(b, a)))
    near(mirrored.theta, trace.theta[:, ::-1], 1e-9)
    near(mirrored.responsibility, trace.responsibility[:, :, ::-1], 1e-9)


@settings(max_examples=60, deadline=None)
@given(tosses_and_heads(), params)
def test_the_certificate_holds_whatever_is_asked(data, p):
    certificate = coins.certify(coins.run(*data, p))
    assert certificate.holds, str(certificate)


# Other routes


@pytest.mark.parametrize("mixing", ["fixed", "free"])
def test_responsibilities_and_likelihood_by_exact_enumeration(mixing):
    x, n = [2, 5, 1], [3, 6, 4]
    trace = coins.run(x, n, coins.Params(start=(0.7, 0.3), steps=6, mixing=mixing))
    for t in (0, 3, 6):
        theta = [Fraction(v) for v in trace.theta[t]]
        weight = [Fraction(v) for v in trace.mixing[t]]
        joint = {}
        for labels in product((0, 1), repeat=3):
            factors = (
                weight[c] * math.comb(k, h) * theta[c] ** h * (1 - theta[c]) ** (k - h)
                for c, h, k in zip(labels, x, n, strict=True)
            )
            joint[labels] = math.prod(factors)
        total = sum(joint.values())
        near(trace.log_likelihood[t], math.log(total), 1e-13)
        for i in range(3):
            share = sum(p for labels, p in joint.items() if labels[i] == 0) / total
            near(trace.responsibility[t, i, 0], float(share), 1e-14)


def test_likelihood_against_scipy():
    from scipy.special import logsumexp
    from scipy.stats import binom

    trace = preset("unequal")
    for t in range(len(trace)):
        each = binom.logpmf(trace.heads[:, None], trace.tosses[:, None], trace.theta[t])
        want = logsumexp(each + np.log(trace.mixing[t]), axis=1).sum()
        near(trace.log_likelihood[t], want, 1e-11)


def test_log_binomial_is_the_logarithm_of_a_whole_number():
    pairs = [(0, 1), (3, 7), (500, 1000), (1000, 1000)]
    want = [math.log(math.comb(n, x)) for x, n in pairs]
    got = log_binomial(*np.array(pairs, float).T)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["classic", "unequal", "free"])
def test_every_m_step_is_a_stationary_point_of_the_bound(name):
    import torch

    trace = preset(name)
    x, n = torch.tensor(trace.heads[:, None]), torch.tensor(trace.tosses[:, None])
    for t in range(len(trace) - 1):
        Q = torch.tensor(trace.responsibility[t])
        theta = torch.tensor(trace.theta[t + 1], requires_grad=True)
        odds = torch.tensor(np.log(trace.mixing[t + 1, 0] / trace.mixing[t + 1, 1]))
        odds.requires_grad_()
        log_mixing = torch.nn.functional.logsigmoid(torch.stack([odds, -odds]))
        each = x * theta.log() + (n - x) * (1 - theta).log() + log_mixing
        bound = (Q * (each - Q.log())).sum()
        bound.backward()
        near(theta.grad, 0, 1e-10 * float(n.sum()))
        if trace.params.mixing == "free":
            near(odds.grad, 0, 1e-12 * len(x))
        near(
            bound.item() + log_binomial(trace.heads, trace.tosses).sum(), trace.bound[t + 1], 1e-11
        )


def test_the_limit_is_a_stationary_point_of_the_likelihood():
    import torch

    trace = coins.run(CLASSIC["x"], 10, coins.Params(steps=200))
    x = torch.tensor(trace.heads[:, None])
    theta = torch.tensor(trace.theta[-1], requires_grad=True)
    torch.logsumexp(x * theta.log() + (10 - x) * (1 - theta).log(), dim=1).sum().backward()
    near(theta.grad, 0, 1e-9)


def test_the_order_of_the_sets_does_not_matter():
    case = coins.PRESETS["unequal"]
    x, n = np.array(case.data["heads"]), np.array(case.data["tosses"])
    there, back = coins.run(x, n, case.params), coins.run(x[::-1], n[::-1], case.params)
    near(there.theta, back.theta)
    near(there.responsibility, back.responsibility[:, ::-1])


# The certificate


@pytest.mark.parametrize("name", coins.PRESETS)
def test_every_preset_is_certified(name):
    certificate = coins.certify(preset(name))
    assert certificate.holds, str(certificate)
    assert certificate.count > 150


def off(trace, field, index, by=1e-6):
    values = getattr(trace, field).copy()
    values[index] += by
    return dataclasses.replace(trace, **{field: values})


@pytest.mark.parametrize(
    ("name", "field", "index", "symbol"),
    [
        ("classic", "responsibility", (4, 2, 0), "Q_i(c)"),
        ("free", "responsibility", (-1, 1, 0), "Q_i(c)"),
        ("classic", "log_likelihood", 3, r"\log L"),
        ("free", "log_likelihood", -1, r"\log L"),
        ("classic", "theta", (5, 0), r"\hat\theta_c"),
        ("classic", "theta", (5, 1), r"w_A\hat\theta_A + w_B\hat\theta_B"),
        ("free", "mixing", (5, 0), r"\hat\pi_c"),
    ],
)
def test_the_certificate_sees_one_wrong_number(name, field, index, symbol):
    certificate = coins.certify(off(preset(name), field, index))
    assert symbol in {check.name for check in certificate.checks if not check.holds}


def test_the_certificate_sees_a_likelihood_that_falls_and_a_bound_that_leaves():
    trace = coins.run(CLASSIC["x"], 10, coins.Params(steps=60))  # nothing moves at the end
    falling = {
        c.name
        for c in coins.certify(off(trace, "log_likelihood", -1, -1e-6)).checks
        if c.wrong.any()
    }
    assert r"\log L^{t+1} - \log L^t" in falling
    low = {c.name for c in coins.certify(off(trace, "bound", -1, -1e-6)).checks if c.wrong.any()}
    assert low == {r"F - \log L^t"}
    high = {c.name for c in coins.certify(off(trace, "bound", -1, 1e-6)).checks if c.wrong.any()}
    assert high == {r"\log L^{t+1} - F"}


def test_the_certificate_stays_bounded():
    x = np.arange(2497) % 11
    certificate = coins.certify(coins.run(x, 10, coins.Params(steps=1000)))
    assert certificate.holds
    assert "places" in str(certificate)  # it says that it did not look everywhere
    assert certificate.count < 10_000


# Slips


@pytest.mark.parametrize(
    ("slip", "name"), [("hard", "classic"), ("same-n", "unequal"), ("no-weight", "free")]
)
def test_each_slip_turns_the_certificate_red(slip, name):
    trace, slip = preset(name), coins.SLIPS[slip]
    assert not coins.certify(trace, slip).holds
    shown, masks = coins.slipped(trace, slip), coins.wrong_cells(trace, slip)
    for field in ("theta", "mixing", "responsibility"):
        gap = abs(getattr(shown, field) - getattr(trace, field))
        np.testing.assert_array_equal(masks[field], gap > 1e-9)
    assert masks["theta"].shape == trace.theta.shape
    assert masks["theta"][1:].any(axis=1).all() or slip.name == "no-weight"
    assert not masks["theta"][0].any()
    assert masks["responsibility"].any()


@pytest.mark.parametrize(
    ("slip", "name"),
    [("same-n", "classic"), ("same-n", "free"), ("no-weight", "classic"), ("no-weight", "unequal")],
)
def test_each_slip_hides_where_it_says(slip, name):
    trace, slip = preset(name), coins.SLIPS[slip]
    assert coins.certify(trace, slip).holds
    assert not any(mask.any() for mask in coins.wrong_cells(trace, slip).values())


def test_hard_clusters_hide_when_the_coins_are_far_apart():
    trace = coins.run([198, 3, 196, 1], 200, coins.Params(start=(0.9, 0.1)))
    assert coins.certify(trace, coins.SLIPS["hard"]).holds
    assert not coins.wrong_cells(trace, coins.SLIPS["hard"])["theta"].any()


def test_hard_clusters_give_the_printed_fractions_exactly():
    first = coins.slipped(preset("print-1"), coins.SLIPS["hard"])
    second = coins.slipped(preset("print-2"), coins.SLIPS["hard"])
    near(first.theta[-1], [60 / 75, 17 / 50], 1e-15)
    near(second.theta[-1], [64 / 75, 18 / 50], 1e-15)


def test_a_tie_goes_to_coin_a_in_hard_clusters():
    shown = coins.slipped(preset("diagonal"), coins.SLIPS["hard"])
    near(shown.responsibility[0], np.tile([1.0, 0.0], (5, 1)), 0)


def test_same_n_is_the_wrong_quotient():
    trace = preset("unequal")
    shown = coins.slipped(trace, coins.SLIPS["same-n"])
    x, n, Q = trace.heads, trace.tosses, trace.responsibility[0]
    near(shown.theta[1], [sum(Q[:, c] * x) / (np.mean(n) * sum(Q[:, c])) for c in (0, 1)])


def test_no_weight_compares_the_coins_alone():
    trace = preset("free")
    shown = coins.slipped(trace, coins.SLIPS["no-weight"])
    x, t = trace.heads, 7
    a, b = (p**x * (1 - p) ** (10 - x) for p in shown.theta[t])
    near(shown.responsibility[t, :, 0], a / (a + b))


def test_a_chance_above_one_is_shown_and_red():
    trace = coins.run([9, 1, 1], [10, 2, 3], coins.Params(start=(0.9, 0.3)))
    shown = coins.slipped(trace, coins.SLIPS["same-n"])
    assert shown.theta.max() > 1
    assert not coins.certify(trace, coins.SLIPS["same-n"]).holds


def test_an_unknown_slip_is_refused():
    with pytest.raises(KeyError):
        coins.slipped(preset("classic"), dataclasses.replace(coins.SLIPS["hard"], name="none"))


# What a page shows


@pytest.mark.parametrize("name", coins.PRESETS)
def test_working_says_what_the_trace_holds(name):
    trace, chosen = preset(name), 1
    lines = coins.working(trace, chosen)
    symbols = [line.symbol for line in lines]
    free = trace.params.mixing == "free"
    assert symbols == [
        "Q_{2}(A)",
        r"\hat\theta_A",
        r"\hat\theta_B",
        *([r"\hat\pi_A"] if free else []),
        r"\log L",
    ]
    q, a, b, likelihood = lines[0], lines[1], lines[2], lines[-1]
    near(q.value, trace.responsibility[:, chosen, 0])
    near(np.stack([a.value, b.value], axis=1)[:-1], trace.theta[1:])
    near(a.numbers["heads"] / a.numbers["tosses"], a.value)
    near(b.numbers["heads"] / b.numbers["tosses"], b.value)
    near(likelihood.numbers["one"] + likelihood.numbers["others"], trace.log_likelihood, 1e-11)
    if free:
        near(lines[3].value[:-1], trace.mixing[1:, 0])
        near(lines[3].numbers["weight"] / lines[3].numbers["sets"], lines[3].value)


def test_the_substituted_share_computes_to_its_value():
    trace = preset("free")
    line = coins.working(trace, 4)[0]
    for t in (0, 5, 60):
        at = {k: v if np.ndim(v) == 0 else v[t] for k, v in line.numbers.items()}
        a = at["piA"] * at["A"] ** at["x"] * at["notA"] ** at["y"]
        b = at["piB"] * at["B"] ** at["x"] * at["notB"] ** at["y"]
        near(a / (a + b), line.value[t])


@pytest.mark.parametrize("name", coins.PRESETS)
def test_every_line_is_complete_mathml_at_every_step(name):
    trace = preset(name)
    for line in coins.working(trace):
        assert np.shape(line.value) == (len(trace),)
        assert set(SLOT.findall(line.substituted)) <= set(line.numbers)
        assert rf"\tag{{{line.tag}}}" in coins.__doc__
        for step in (0, len(trace) - 1):
            text = convert(line.tex(step))
            assert "@" not in text
            assert "\\" not in text


def test_the_derivation_is_numbered_and_convertible():
    blocks = coins.__doc__.split("$$")[1::2]
    tags = [int(b.split(r"\tag{")[1].split("}")[0]) for b in blocks]
    assert tags == list(range(1, len(tags) + 1))
    inline = coins.__doc__.replace("$$", "").split("$")
    assert len(inline) % 2 == 1
    for block in blocks:
        assert "\\" not in convert(block.split(r"\tag")[0])


def test_questions_know_the_answer_and_the_likely_mistakes():
    trace = preset("classic")
    q, a, b = coins.questions(trace, 0, chosen=1)
    assert judge(q, CLASSIC["q1"][1]).right
    assert judge(a, CLASSIC["theta1"][0]).right
    assert judge(b, CLASSIC["theta1"][1]).right
    unnormalised = 0.6**9 * 0.4
    assert "divide by the sum of both" in judge(q, unnormalised).sentence
    assert "swapped" in judge(q, 1 - CLASSIC["q1"][1]).sentence
    assert "heads only" in judge(q, 0.6**9 / (0.6**9 + 0.5**9)).sentence
    assert "all tosses" in judge(a, 21.297481896347 / 50).sentence
    assert "likelier coin" in judge(a, 24 / 30).sentence
    assert "likelier coin" in judge(b, 9 / 20).sentence
    assert "other coin" in judge(a, CLASSIC["theta1"][1]).sentence


def test_with_free_mixing_the_weight_belongs_to_the_answer():
    trace = preset("free")
    question = coins.questions(trace, 5, chosen=1)[0]
    (a, b), (wa, wb) = trace.theta[5] ** 8 * (1 - trace.theta[5]) ** 2, trace.mixing[5]
    assert judge(question, float(wa * a / (wa * a + wb * b))).right
    sentences = {s: v for s, v in question.mistakes.items() if "weight" in s}
    near(list(sentences.values()), [a / (a + b)])
    near(question.mistakes["You forgot to divide by the sum of both."], wa * a)


@pytest.mark.parametrize("name", coins.PRESETS)
def test_no_mistake_is_taken_for_the_answer_and_all_are_numbers(name):
    trace = preset(name)
    for step in range(len(trace)):
        for question in coins.questions(trace, step, chosen=2):
            assert judge(question, question.value).right
            assert question.step == step
            assert not any(math.isnan(v) for v in question.mistakes.values())


@pytest.mark.parametrize("name", ["classic", "unequal", "free"])
def test_the_bound_touches_the_likelihood_and_peaks_at_the_next_theta(name):
    trace = preset(name)
    cut = coins.slice_at(trace, 41)
    assert cut.theta_A.shape == cut.bound.shape == cut.log_likelihood.shape == (len(trace), 41)
    assert ((cut.theta_A > 0) & (cut.theta_A < 1) & np.isfinite(cut.bound)).all()
    assert (np.diff(cut.theta_A, axis=1) >= 0).all()
    assert (cut.bound <= cut.log_likelihood + 1e-10).all()
    for t in range(len(trace)):
        here = cut.theta_A[t] == trace.theta[t, 0]
        assert here.any()
        near(cut.bound[t, here], trace.log_likelihood[t], 1e-10)
        near(cut.log_likelihood[t, here], trace.log_likelihood[t], 1e-10)
        if t + 1 < len(trace):
            there = cut.theta_A[t] == trace.theta[t + 1, 0]
            near(cut.bound[t, there], cut.bound[t].max(), 1e-10)
            assert cut.top[t] == trace.theta[t + 1, 0]


def test_the_slice_holds_equation_3():
    trace = preset("unequal")
    cut = coins.slice_at(trace, 9)
    x, n, t = trace.heads, trace.tosses, 2
    Q, (_, b) = trace.responsibility[t], trace.theta[t]
    for k, a in enumerate(cut.theta_A[t]):
        p = np.stack([a**x * (1 - a) ** (n - x), b**x * (1 - b) ** (n - x)], axis=1) / 2
        ways = [math.comb(int(n), int(x)) for x, n in zip(x, n, strict=True)]
        want = (Q * np.log(p * np.array(ways, float)[:, None] / Q)).sum()
        near(cut.bound[t, k], want, 1e-9)
        near(cut.log_likelihood[t, k], np.log(p.sum(axis=1) * ways).sum(), 1e-9)


# Edges and bad input

EDGES = [
    ([0, 0, 0], 10),
    ([10, 10], 10),
    ([3], 10),
    ([1, 0, 1, 1], 1),
    ([1_000_000, 0, 500_000], 1_000_000),
    ([500_300, 499_700, 500_000], 1_000_000),
    ([1, 2, 3], [1, 1_000_000, 3]),
]


@pytest.mark.parametrize("data", EDGES)
@pytest.mark.parametrize("start", [(0.6, 0.5), (0.5, 0.5), (1e-12, 0.5), (1 - 1e-12, 1e-9)])
@pytest.mark.parametrize("mixing", ["fixed", "free"])
def test_the_edges_stay_finite_and_certified(data, start, mixing):
    trace = coins.run(*data, coins.Params(start=start, steps=30, mixing=mixing))
    for name in ("theta", "mixing", "responsibility", "log_likelihood", "bound"):
        assert np.isfinite(getattr(trace, name)).all(), name
        assert len(getattr(trace, name)) == 31
    assert ((trace.theta >= 0) & (trace.theta <= 1)).all()
    assert coins.certify(trace).holds
    assert np.isfinite(coins.slice_at(trace, 5).bound).all()
    for slip in coins.SLIPS.values():
        coins.certify(trace, slip)


@pytest.mark.parametrize(
    ("data", "start", "end"),
    [
        (([50, 50, 0], 50), (0.9, 0.1), 1.0),  # 1 - theta_A is 1e-48
        (([0, 0, 0, 0, 339], 339), (0.1, 0.9), 0.0),  # theta_A is below the smallest float
    ],
)
def test_a_chance_rounded_away_leaves_bound_and_slice_finite(data, start, end):
    trace = coins.run(*data, coins.Params(start=start, steps=3))
    assert trace.theta[1, 0] == end
    assert trace.responsibility[0, -1, 0] > 0
    assert np.isfinite(trace.bound).all()
    cut = coins.slice_at(trace, 9)
    assert np.isfinite(cut.bound).all()
    assert (cut.bound <= cut.log_likelihood + 1e-9).all()
    assert coins.certify(trace).holds


def test_why_it_stopped():
    Stop = coins.CoinsStop

    def stop(heads, tosses, **knobs):
        return coins.run(heads, tosses, coins.Params(**knobs)).stop

    assert stop([5, 9, 8, 4, 7], 10) is Stop.STEPS
    assert stop([5, 9, 8, 4, 7], 10, steps=60) is Stop.SETTLED
    assert stop([3], 10) is Stop.ONE
    assert stop([1, 2, 10], [3, 6, 30]) is Stop.SAME
    assert stop([5, 9], 10, start=(0.2, 0.2)) is Stop.EQUAL
    assert stop([500_000, 500_001], 1_000_000, start=(0.9, 0.5)) is Stop.EMPTY
    assert all(s.value.endswith(".") and len(s.value) < 150 for s in Stop)


def test_a_coin_without_tosses_keeps_its_value():
    trace = coins.run([500_000, 500_001], 1_000_000, coins.Params(start=(0.9, 0.5)))
    assert (trace.theta[:, 0] == 0.9).all()
    near(trace.theta[1:, 1], 0.5000005)


def test_all_heads_put_both_coins_on_one():
    near(coins.run([10, 10], 10).theta[1:], 1)
    near(coins.run([0, 0], 10).theta[1:], 0)


def test_settled_is_the_first_step_after_which_nothing_moves():
    trace = coins.run(CLASSIC["x"], 10, coins.Params(steps=60))
    moves = [abs(b - a).max() for a, b in pairwise(trace.theta)]
    assert 0 < trace.settled < 60
    assert moves[trace.settled - 1] > 1e-12 >= max(moves[trace.settled :])
    assert preset("classic").settled == 10


@pytest.mark.parametrize(
    ("heads", "tosses", "message"),
    [
        ([5, 11], 10, "heads must be at most tosses, got 11 of 10 at place 2."),
        ([5, 4], [10, 3], "heads must be at most tosses, got 4 of 3 at place 2."),
        ([5], 0, "tosses must be whole numbers in [1, 1,000,000], got 0 at place 1."),
        ([5, 5], [10, -1], "tosses must be whole numbers in [1, 1,000,000], got -1 at place 2."),
        ([5, 2.5], 10, "heads must be whole numbers in [0, 1,000,000], got 2.5 at place 2."),
        ([5, -1], 10, "heads must be whole numbers in [0, 1,000,000], got -1 at place 2."),
        ([5, math.nan], 10, "heads must be whole numbers in [0, 1,000,000], got nan at place 2."),
        ([5], math.inf, "tosses must be whole numbers in [1, 1,000,000], got inf at place 1."),
        ([5], 10.5, "tosses must be whole numbers in [1, 1,000,000], got 10.5 at place 1."),
        ([], 10, "heads is empty; it needs at least one number."),
        ([5, 6], [10, 10, 10], "heads and tosses must be equally long, got 2 and 3."),
        ([[5, 6]], 10, "heads must have 1 dimension, got 2."),
        (["a"], 10, "heads must be numbers only."),
        ([0] * 100_001, 10, "heads may hold at most 100,000 numbers, got 100,001."),
        (
            [0] * 99_999,
            10,
            "heads may hold at most 83,333 sets when 29 steps are kept, got 99,999.",
        ),
    ],
)
def test_bad_data_is_named_in_one_sentence(heads, tosses, message):
    with pytest.raises(DataError) as error:
        coins.run(heads, tosses, coins.Params(steps=29))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"start": (0.0, 0.5)}, "coins.Params.start must lie in (0, 1), got 0."),
        ({"start": (0.5, 1.2)}, "coins.Params.start must lie in (0, 1), got 1.2."),
        ({"steps": 0}, "coins.Params.steps must lie in [1, 1000], got 0."),
        ({"mixing": "half"}, "coins.Params.mixing must be one of fixed, free, got 'half'."),
    ],
)
def test_a_knob_out_of_bounds_is_named(knobs, message):
    with pytest.raises(ParamError) as error:
        coins.Params(**knobs)
    assert str(error.value) == message


def test_the_caller_keeps_the_data_and_the_trace_is_frozen():
    heads = np.array([5.0, 9.0, 8.0])
    trace = coins.run(heads, 10)
    heads[0] = 7
    assert trace.heads[0] == 5
    with pytest.raises(ValueError, match="read-only"):
        trace.theta[0, 0] = 0.1


def test_importing_the_module_imports_neither_torch_nor_scipy():
    code = (
        "import sys; from engine.mixtures import coins; coins.basins([1, 2], 3, grid=4);"
        "assert not {'torch', 'scipy', 'mpmath'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
