"""EM for a mixture of Bernoullis: golden numbers, theorems, other routes, slips, bad input."""

import dataclasses
import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.certificate import autograd
from engine.data import DataError
from engine.device import TORCH_ON_CPU
from engine.digits import digits
from engine.mixtures import bernoulli
from engine.mixtures.bernoulli_certificate import certificate
from engine.mixtures.bernoulli_steps import chances, distinct, expected
from engine.mixtures.em import summits
from engine.params import ParamError
from engine.predict import judge

GOLDEN = json.loads((Path(__file__).parents[2] / "golden.json").read_text())
CASE = GOLDEN["s001.1"]
SLIPS = bernoulli.SLIPS


def golden(steps=10):
    params = bernoulli.Params(steps=steps)
    return bernoulli.run(CASE["X"], params, CASE["pi"], CASE["P"])


def preset(name):
    case = bernoulli.PRESETS[name]
    return bernoulli.run(**case.data, params=case.params)


def near(got, want, tolerance=1e-12):
    want = np.broadcast_to(want, np.shape(got))
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


def plain(X, pi, P, steps, floor=0.0):
    """EM as one writes it first: products of chances, no logarithms, no batch."""
    X, pi, P = np.array(X, float), np.array(pi, float), np.array(P, float)
    for _ in range(steps):
        one = pi * np.prod(np.where(X[:, None] == 1, P, 1 - P), axis=-1)
        q = one / one.sum(axis=1, keepdims=True)
        N = q.sum(axis=0)
        P, pi = np.clip(q.T @ X / N[:, None], floor, 1 - floor), N / len(X)
    one = pi * np.prod(np.where(X[:, None] == 1, P, 1 - P), axis=-1)
    return pi, P, np.log(one.sum(axis=1)).sum()


# Golden cases


def test_the_numbers_of_the_exercise():
    trace = golden()
    near(trace.log_likelihood, CASE["loglik_traj"])
    assert trace.log_likelihood[0] == pytest.approx(CASE["loglik"], abs=1e-12)
    near(trace.responsibility[0], CASE["eta"])
    near(trace.responsibility[0].sum(axis=0), CASE["Nk"])
    near(trace.means[1], CASE["p_new"])
    near(trace.weights[1], CASE["pi_new"])
    near(trace.log_likelihood[1], CASE["loglik_after"])


def test_the_gradient_at_the_old_means():
    near(bernoulli.gradient(golden(), 0), CASE["dQ_dp"], 1e-11)


def test_the_exercise_is_a_preset():
    case = bernoulli.PRESETS["exercise"].data
    assert case == {"X": CASE["X"], "weights": CASE["pi"], "means": CASE["P"]}


def test_eq_6_as_printed_is_one_over_n():
    shown = bernoulli.slipped(golden(), SLIPS["eq6"])
    assert (shown.responsibility == GOLDEN["wrong.s001.1.eq6"]["eta"]).all()
    near(shown.responsibility.sum(axis=-1), 0.4)
    near(shown.means[1:], np.mean(CASE["X"], axis=0))


def test_a_summed_gradient_of_zero_is_no_maximum():
    # A mean of component 1 whose gradient is (-1.036, 1.036, 0): eq. 12 calls it stationary.
    q, X = np.array(CASE["eta"])[:, 0], np.array(CASE["X"])
    S, N = q @ X, q.sum()
    p = np.array(CASE["p_new"][0])

    def slope(d, p):
        return S[d] / p - (N - S[d]) / (1 - p)

    for d, wanted in ((0, -1.036), (1, 1.036)):
        low, high = 1e-9, 1 - 1e-9
        for _ in range(80):
            mid = (low + high) / 2
            low, high = (mid, high) if slope(d, mid) > wanted else (low, mid)
        p[d] = low
    found = np.array([slope(d, p[d]) for d in range(3)])
    near(found, [-1.036, 1.036, 0], 1e-9)
    near(found.sum(), 0, 1e-9)
    assert abs(p - np.array(CASE["p_new"][0])).max() > 0.05


# Theorems over the run


@st.composite
def cases(draw):
    n, D = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    bits = st.lists(st.integers(0, 1), min_size=D, max_size=D)
    X = draw(st.lists(bits, min_size=n, max_size=n))
    params = bernoulli.Params(
        components=draw(st.integers(1, 4)),
        steps=draw(st.integers(1, 15)),
        seed=draw(st.integers(0, 999)),
        floor=draw(st.sampled_from([0.0, 0.01, 0.2])),
    )
    return X, params


@settings(max_examples=150, deadline=None)
@given(cases())
def test_the_bound_lies_between_two_likelihoods(case):
    trace = bernoulli.run(*case)
    slack = 1e-12 * np.maximum(1, abs(trace.log_likelihood[1:]))
    assert (trace.log_likelihood[:-1] <= trace.bound[1:] + slack).all()
    assert (trace.bound[1:] <= trace.log_likelihood[1:] + slack).all()
    assert trace.bound[0] == trace.log_likelihood[0]


@settings(max_examples=100, deadline=None)
@given(cases())
def test_shares_and_weights_add_up_and_the_mean_of_the_data_is_kept(case):
    trace = bernoulli.run(*case)
    near(trace.responsibility.sum(axis=-1), 1)
    near(trace.weights.sum(axis=-1), 1)
    floor = trace.params.floor
    assert ((trace.means >= floor) & (trace.means <= 1 - floor)).all()
    if floor == 0:
        mixed = np.einsum("tk,tkd->td", trace.weights[1:], trace.means[1:])
        near(mixed, np.broadcast_to(trace.X.mean(axis=0), mixed.shape))


@settings(max_examples=60, deadline=None)
@given(cases(), st.randoms())
def test_renaming_components_renames_the_result(case, random):
    X, params = case
    trace = bernoulli.run(X, params)
    order = list(range(params.components))
    random.shuffle(order)
    again = bernoulli.run(X, params, trace.weights[0, order], trace.means[0][order])
    near(again.means, trace.means[:, order], 1e-9)
    near(again.responsibility, trace.responsibility[:, :, order], 1e-9)
    near(again.log_likelihood, trace.log_likelihood, 1e-10)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_turning_every_bit_over_turns_the_means_over(case):
    X, params = case
    trace = bernoulli.run(X, params)
    turned = bernoulli.run(1 - np.array(X), params, trace.weights[0], 1 - trace.means[0])
    near(turned.means, 1 - trace.means, 1e-9)
    near(turned.log_likelihood, trace.log_likelihood, 1e-9)


@settings(max_examples=60, deadline=None)
@given(cases(), st.integers(2, 4))
def test_weights_equal_repeated_points(case, times):
    X, params = case
    once, often = bernoulli.run(X, params), bernoulli.run(X * times, params)
    near(often.means, once.means, 1e-9)
    near(often.weights, once.weights, 1e-9)
    near(often.log_likelihood, times * once.log_likelihood, 1e-9)
    near(often.responsibility, np.tile(once.responsibility, (1, times, 1)), 1e-9)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_the_certificate_holds_whatever_is_asked(case):
    trace = bernoulli.run(*case)
    judged = bernoulli.certify(trace)
    assert judged.holds, str(judged)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_alike_components_never_part(case):
    X, params = case
    K, D = params.components, len(X[0])
    trace = bernoulli.run(X, params, None, np.full((K, D), 0.4))
    near(trace.responsibility, 1 / K)
    near(trace.means, trace.means[:, :1])
    near(trace.means[1:, 0], np.mean(X, axis=0).clip(params.floor, 1 - params.floor))


def test_a_mean_of_zero_stays_zero_and_a_floor_sets_it_free():
    stuck, free = preset("edge"), preset("floor")
    assert (stuck.means[:, 0, 1] == 0).all()
    impossible = stuck.X[:, 1] == 1
    assert (stuck.responsibility[:, impossible, 0] == 0).all()
    assert free.means[-1, 0, 1] > 0.7
    assert free.log_likelihood[-1] > stuck.log_likelihood[-1] + 10
    assert free.means.min() == 0.02


def test_a_mean_of_one_stays_one():
    trace = bernoulli.run(
        [[1, 0], [1, 1], [0, 1], [0, 0], [1, 1]],
        bernoulli.Params(steps=50), None, [[1.0, 0.4], [0.5, 0.6]],
    )  # fmt: skip
    assert (trace.means[:, 0, 0] == 1).all()
    assert (trace.responsibility[:, [2, 3], 0] == 0).all()
    near(trace.means[-1], plain(trace.X, [0.5, 0.5], [[1.0, 0.4], [0.5, 0.6]], 50)[1], 1e-9)


def test_no_rounding_wears_a_mean_of_one_away():
    X = np.random.default_rng(5).integers(0, 2, (400, 6))
    P = np.random.default_rng(6).uniform(0.2, 0.8, (3, 6))
    P[0, 2] = P[1, 4] = 1
    trace = bernoulli.run(X, bernoulli.Params(components=3, steps=60), None, P)
    assert (trace.means[:, 0, 2] == 1).all()
    assert (trace.means[:, 1, 4] == 1).all()
    assert (trace.responsibility[:, X[:, 2] == 0, 0] == 0).all()
    assert bernoulli.certify(trace).holds


def test_a_count_rounded_otherwise_than_the_ones_still_gives_a_mean_of_one():
    X = np.random.default_rng(7).integers(0, 2, (50, 3)).astype(float)
    data = distinct(X)
    column = int(np.flatnonzero(data.order == 1)[0])
    q = data.rows[None, :, column : column + 1] * 0.3  # rows with a 0 there have no share
    counted = data.counted.copy()
    counted[:, -1] *= 1 + 1e-14
    found = expected(dataclasses.replace(data, counted=counted), q)
    means = chances(data, found, np.full((1, 1, 3), 0.5), 0.0)
    assert data.outside(means)[0, 0, 1] == 1


# Two routes


@settings(max_examples=80, deadline=None)
@given(cases())
def test_it_is_the_plain_loop(case):
    X, params = case
    trace = bernoulli.run(X, params)
    pi, P, likelihood = plain(X, trace.weights[0], trace.means[0], params.steps, params.floor)
    near(trace.weights[-1], pi, 1e-9)
    near(trace.means[-1], P, 1e-9)
    near(trace.log_likelihood[-1], likelihood, 1e-9)


def test_responsibilities_by_all_assignments():
    trace, n, K = golden(), 5, 2
    for t in (0, 4, 10):
        pi, P = trace.weights[t], trace.means[t]
        joint = {}
        for labels in product(range(K), repeat=n):
            chances = [
                pi[k] * np.prod([p if b else 1 - p for b, p in zip(x, P[k], strict=True)])
                for k, x in zip(labels, CASE["X"], strict=True)
            ]
            joint[labels] = np.prod(chances)
        total = sum(joint.values())
        near(trace.log_likelihood[t], np.log(total), 1e-12)
        for i, k in product(range(n), range(K)):
            share = sum(p for labels, p in joint.items() if labels[i] == k) / total
            near(trace.responsibility[t, i, k], share, 1e-13)


def test_every_m_step_is_a_stationary_point_of_the_bound():
    trace = golden()
    for t in range(10):
        q = trace.responsibility[t]

        def Q(s, u, q=q):
            import torch

            bits = torch.tensor(trace.X)[:, None] * torch.nn.functional.logsigmoid(s)
            bits = bits + (1 - torch.tensor(trace.X))[:, None] * torch.nn.functional.logsigmoid(-s)
            return (torch.tensor(q) * (torch.log_softmax(u, 0) + bits.sum(-1))).sum()

        P, pi = trace.means[t + 1], trace.weights[t + 1]
        slopes = autograd(Q, s=np.log(P / (1 - P)), u=np.log(pi))
        near(slopes["s"], 0, 1e-10)
        near(slopes["u"], 0, 1e-10)


def test_the_gradient_against_autograd():
    trace = golden()

    def Q(P):
        import torch

        X = torch.tensor(trace.X)[:, None]
        bits = (X * P.log() + (1 - X) * (1 - P).log()).sum(-1)
        return (torch.tensor(trace.responsibility[3]) * bits).sum()

    near(bernoulli.gradient(trace, 3), autograd(Q, P=trace.means[3])["P"], 1e-10)


def test_the_limit_is_a_stationary_point_of_the_likelihood():
    trace = bernoulli.run(CASE["X"], bernoulli.Params(steps=1000), CASE["pi"], CASE["P"])

    def log_likelihood(s, u):
        import torch

        X = torch.tensor(trace.X)[:, None]
        bits = X * torch.nn.functional.logsigmoid(s) + (1 - X) * torch.nn.functional.logsigmoid(-s)
        return torch.logsumexp(torch.log_softmax(u, 0) + bits.sum(-1), 1).sum()

    P = trace.means[-1].clip(1e-12, 1 - 1e-12)
    slopes = autograd(log_likelihood, s=np.log(P / (1 - P)), u=np.log(trace.weights[-1]))
    near(slopes["s"], 0, 1e-6)
    near(slopes["u"], 0, 1e-6)


def test_the_digits_agree_with_the_plain_loop():
    images, _ = digits()
    X = (images[:300].reshape(-1, 64) >= 8).astype(float)
    trace = bernoulli.run([], bernoulli.Params(components=10, steps=5, seed=6))
    np.testing.assert_array_equal(trace.X, X)
    assert trace.drawn == ("X", "weights", "means")
    _, P, likelihood = plain(X, trace.weights[0], trace.means[0], 5)
    near(trace.means[-1], P, 1e-9)
    near(trace.log_likelihood[-1], likelihood, 1e-8)


# Restarts


@pytest.mark.parametrize("device", ["cpu", TORCH_ON_CPU])
def test_batched_restarts_are_single_runs(device):
    params = bernoulli.Params(components=3, steps=12, seed=40)
    X = bernoulli.PRESETS["signs"].data["X"] + [[1] * 9] * 2
    found = bernoulli.restarts(X, params, 9, device=device)
    assert found.device == device
    assert found.seeds.tolist() == list(range(40, 49))
    for j, seed in enumerate(found.seeds.tolist()):
        one = bernoulli.run(X, dataclasses.replace(params, seed=seed))
        near(found.means[j], one.means[-1], 1e-9)
        near(found.weights[j], one.weights[-1], 1e-9)
        near(found.ascent[:, j], one.log_likelihood, 1e-9)
    assert found.best.log_likelihood[-1] == pytest.approx(found.log_likelihood.max(), abs=1e-9)
    assert (found.died == -1).all()
    assert found.summit[found.log_likelihood.argmax()] == 0


def test_chunks_do_not_show(monkeypatch):
    params = bernoulli.Params(components=10, steps=4)
    whole = bernoulli.restarts([], params, 7, device="cpu")
    monkeypatch.setattr("engine.mixtures.bernoulli_starts.CACHE", 6_000)
    pieces = bernoulli.restarts([], params, 7, device="cpu")
    near(pieces.means, whole.means, 1e-11)
    near(pieces.ascent, whole.ascent, 1e-8)


@pytest.mark.parametrize("floor", [0.0, 0.05])
def test_torch_equals_numpy_on_the_digits(floor):
    params = bernoulli.Params(components=10, steps=4, floor=floor)
    here = bernoulli.restarts([], params, 6, device="cpu")
    there = bernoulli.restarts([], params, 6, device=TORCH_ON_CPU)
    near(there.means, here.means, 1e-10)
    near(there.log_likelihood / here.log_likelihood, 1, 1e-12)


def test_summits_are_counted_from_the_highest():
    assert summits(np.array([-3.0, -1.0, -3.0 - 1e-9, -np.inf, -2.0])).tolist() == [2, 0, 2, -1, 1]
    params = bernoulli.Params(components=3, steps=200)
    found = bernoulli.race(
        bernoulli.run(bernoulli.PRESETS["signs"].data["X"], params)
    )  # the three signs have a few local optima, and half the starts find the best
    assert 2 <= found.summit.max() + 1 <= 8
    assert (found.summit == 0).sum() > 5
    assert found.seeds.tolist() == list(range(30))


def test_the_seeds_of_the_last_starts_are_seeds_too():
    found = bernoulli.restarts(CASE["X"], bernoulli.Params(seed=1_000_000, steps=2), 3)
    assert found.seeds.tolist() == [1_000_000, 0, 1]


# Slips


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("name", ["digits", "signs", "edge"])
def test_each_slip_turns_the_certificate_red_and_marks_what_changed(slip, name):
    trace, slip = preset(name), SLIPS[slip]
    assert not bernoulli.certify(trace, slip).holds
    shown, masks = bernoulli.slipped(trace, slip), bernoulli.wrong_cells(trace, slip)
    for field in ("weights", "means", "responsibility"):
        gap = abs(getattr(shown, field) - getattr(trace, field))
        np.testing.assert_array_equal(masks[field], gap > 1e-9)
        assert masks[field].any()
    assert not masks["means"][0].any()


@pytest.mark.parametrize(("slip", "name"), [("eq6-middle", "alike"), ("eq12", "alike")])
def test_each_slip_hides_where_it_says(slip, name):
    trace, slip = preset(name), SLIPS[slip]
    assert bernoulli.certify(trace, slip).holds
    assert not any(mask.any() for mask in bernoulli.wrong_cells(trace, slip).values())


def test_eq_12_hides_with_one_column_and_eq_6_with_as_many_components_as_rows():
    one = bernoulli.run([[1], [0], [1], [1]], bernoulli.Params(steps=5))
    assert bernoulli.certify(one, SLIPS["eq12"]).holds
    even = bernoulli.run(CASE["X"], bernoulli.Params(components=5), None, np.full((5, 3), 0.3))
    assert bernoulli.certify(even, SLIPS["eq6"]).holds
    assert not bernoulli.certify(one, SLIPS["eq6"]).holds


def test_eq_12_meets_the_summed_condition_only():
    trace = preset("exercise")
    rows = [*CASE["X"], [1, 0, 1], [1, 0, 0]]  # so that no two columns have equally many ones
    skewed = bernoulli.run(rows, trace.params, CASE["pi"], CASE["P"])
    shown = bernoulli.slipped(skewed, SLIPS["eq12"])
    assert (shown.means[1:] == shown.means[1:, :, :1]).all()
    for t in range(5):
        slope = bernoulli.gradient(shown, t, shown.means[t + 1])
        near(slope.sum(axis=-1), 0, 1e-10)
        assert abs(slope).max() > 0.1
    names = {c.name for c in bernoulli.certify(skewed, SLIPS["eq12"]).checks if not c.holds}
    assert r"\hat p^{(k)}_d" in names


def test_the_joint_for_the_evidence_gives_even_shares():
    shown = bernoulli.slipped(preset("digits"), SLIPS["eq6-middle"])
    assert (shown.responsibility == 0.1).all()
    near(shown.means[1:], shown.means[1:, :1])


def test_an_unknown_slip_is_refused():
    with pytest.raises(KeyError):
        bernoulli.slipped(golden(), dataclasses.replace(SLIPS["eq6"], name="none"))


# The certificate


def off(trace, field, index, by=1e-6):
    values = getattr(trace, field).copy()
    values[index] += by
    return dataclasses.replace(trace, **{field: values})


@pytest.mark.parametrize(
    ("name", "field", "index", "symbol"),
    [
        ("exercise", "responsibility", (4, 2, 0), r"\eta_{ik}"),
        ("digits", "responsibility", (0, 2, 0), r"\eta_{ik}"),
        ("exercise", "log_likelihood", 3, r"\log P(D)"),
        ("signs", "log_likelihood", 3, r"\log P(D)"),
        ("exercise", "means", (5, 0, 1), r"\hat p^{(k)}_d"),
        ("floor", "means", (1, 0, 1), r"\hat p^{(k)}_d"),
        ("exercise", "means", (5, 0, 1), r"\sum_k \hat\pi_k\,\hat p^{(k)}_d"),
        ("signs", "weights", (5, 0), r"\hat\pi_k"),
        ("signs", "weights", (5, 0), r"\sum_k \pi_k"),
    ],
)
def test_the_certificate_sees_one_wrong_number(name, field, index, symbol):
    judged = certificate(off(preset(name), field, index))
    assert symbol in {check.name for check in judged.checks if not check.holds}


def test_the_certificate_sees_a_bound_that_leaves():
    trace = preset("signs")  # nothing moves at its end

    def broken(by):
        judged = certificate(off(trace, "bound", -1, by))
        return {check.name for check in judged.checks if not check.holds}

    assert broken(-1e-6) == {r"F - \log P^t"}
    assert broken(1e-6) == {r"\log P^{t+1} - F"}


def test_a_large_run_is_certified_by_a_sample_and_says_so():
    judged = bernoulli.certify(preset("digits"))
    assert judged.holds
    assert "places" in str(judged)
    assert "at 7 steps" in str(judged)


# The slice, the words


def test_the_bound_touches_here_and_peaks_at_the_next_step():
    trace = preset("signs")
    cut = bernoulli.slice_at(trace, points=81)
    for t in range(6):
        here, there = (np.flatnonzero(cut.place[t] == s)[0] for s in (0, 1))
        assert cut.log_likelihood[t, here] == 0
        near(cut.bound[t, here], 0, 1e-9)
        near(cut.log_likelihood[t, there], 1, 1e-9)
        assert (cut.bound[t] <= cut.log_likelihood[t] + 1e-9).all()
        assert cut.bound[t].max() <= cut.bound[t, there] + 1e-9
        gain = trace.log_likelihood[t + 1] - trace.log_likelihood[t]
        near(cut.gain[t], gain, 1e-9)
        want = (trace.bound[t + 1] - trace.log_likelihood[t]) / gain
        near(cut.bound[t, there], want, 1e-8)


@pytest.mark.parametrize("name", bernoulli.PRESETS)
def test_the_working_says_what_the_trace_holds(name):
    trace, (i, k, d) = preset(name), (1, 1, 2)
    lines = {line.name: line for line in bernoulli.working(trace, None, i, k, d)}
    near(lines["responsibility"].value, trace.responsibility[:, i, k])
    near(lines["N"].value, trace.responsibility[:, :, k].sum(axis=1))
    near(lines["mean"].value[:-1], trace.means[1:, k, d])
    near(lines["weight"].value[:-1], trace.weights[1:, k])
    weight = lines["weight"].numbers
    near(weight["N"] / weight["n"], lines["weight"].value)
    near(lines["log_likelihood"].value, trace.log_likelihood)
    parts = lines["log_likelihood"].numbers
    near(parts["one"] + parts["others"], trace.log_likelihood, 1e-9)
    if not trace.params.floor:
        near(lines["mean"].numbers["ones"] / lines["mean"].numbers["N"], lines["mean"].value, 1e-9)


def test_the_substituted_share_computes_to_its_value():
    few = bernoulli.working(golden(), None, 3, 1, 0)[0]
    for t in (0, 7):
        at = {name: v[t] for name, v in few.numbers.items()}
        both = [at[f"w{j}"] * np.prod([at[f"f{j}x{d}"] for d in range(3)]) for j in (0, 1)]
        near(both[1] / sum(both), few.value[t])
    trace = preset("signs")
    many = bernoulli.working(trace, None, 3, 1, 0)[0]
    near(np.exp(many.numbers["joint"] - many.numbers["all"]), many.value)


def test_the_slip_of_eq_12_shows_its_zero_sum_and_its_gradient():
    trace = preset("signs")
    shown = bernoulli.slipped(trace, SLIPS["eq12"])
    lines = {x.name: x for x in bernoulli.working(shown, SLIPS["eq12"], 0, 1, 2)}
    assert (lines["summed"].value[:10] == 0).all()
    want = [bernoulli.gradient(shown, t, shown.means[t + 1])[1, 2] for t in range(10)]
    near(lines["gradient"].value[:10], want, 1e-9)
    assert abs(lines["gradient"].value[:10]).min() > 0.1
    near(
        lines["mean"].numbers["ones"] / (9 * lines["mean"].numbers["N"]), lines["mean"].value, 1e-12
    )


@pytest.mark.parametrize("name", bernoulli.PRESETS)
def test_what_is_predicted_is_what_comes(name):
    trace, t = preset(name), 2
    share, mean, weight = bernoulli.questions(trace, t, (1, 0, 1))
    near(share.value, trace.responsibility[t, 1, 0])
    near(mean.value, trace.means[t + 1, 0, 1])
    near(weight.value, trace.weights[t + 1, 0])


def test_the_likely_mistakes_are_named():
    share, mean, weight = bernoulli.questions(golden(), 0, (0, 0, 0))
    near(next(iter(share.mistakes.values())), 0.6 * 0.09, 1e-12)
    assert "1/n" in judge(share, 0.2).sentence
    assert "divide by the sum" in judge(share, 0.054).sentence
    assert "mean of the data" in judge(mean, 0.6).sentence
    assert "divide by n" in judge(weight, 2.530527).sentence


def test_what_is_picked_where_nothing_is_told():
    trace = preset("digits")
    row, component, column = bernoulli.picked(trace)
    assert row == 0
    assert component == trace.responsibility[-1, 0].argmax()
    assert column == abs(trace.X.mean(axis=0) - 0.5).argmin()
    assert bernoulli.picked(trace, 7, 3, 9) == (6, 2, 8)
    assert bernoulli.picked(trace, 999, 99, 999) == (299, 9, 63)
    assert bernoulli.questions(trace, 3)[0].symbol == rf"\eta_{{1,{component + 1}}}"


# Bad input, odd input


BAD = {
    "text": ("a", "X must be numbers only."),
    "one row too flat": ([1, 0, 1], "X must have 2 dimensions, got 1."),
    "an empty matrix": (np.zeros((0, 3)), "X is empty; it needs at least one number."),
    "ragged": ([[1, 0], [1]], "X must have rows of one length, got 1 and 2 numbers."),
    "a fraction": (
        [[1, 0.5]],
        "X must be whole numbers in [0, 1], got 0.5 at place 1, 2.",
    ),
    "two": ([[2, 0]], "X must be whole numbers in [0, 1], got 2 at place 1, 1."),
    "nan": ([[1, float("nan")]], "X must be whole numbers in [0, 1], got nan at place 1, 2."),
    "huge": ([[1e308, 0]], "X must be whole numbers in [0, 1], got 1e+308 at place 1, 1."),
}


@pytest.mark.parametrize(("X", "sentence"), BAD.values(), ids=BAD)
def test_bad_rows_get_one_sentence(X, sentence):
    for call in (bernoulli.run, lambda X: bernoulli.restarts(X, bernoulli.Params(), 2)):
        with pytest.raises(DataError) as caught:
            call(X)
        assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("weights", "means", "words"),
    [
        ([0.5, 0.4], None, "weights must add up to 1, got 0.9."),
        ([1.0], None, "weights must be 2 numbers, one a component, got 1."),
        ([1.5, -0.5], None, "weights must be numbers in [0, 1], got 1.5 at place 1."),
        (None, [[0.5, 0.5]], "means must be 2 rows of 2 numbers, got 1 of 2."),
        (None, [[0.5], [0.1, 0.2]], "means must have rows of 2 numbers, as X has columns."),
        (None, [[0.5, 2], [0.1, 0.2]], "means must be numbers in [0, 1], got 2 at place 1, 2."),
        (None, [[0, 0.5], [0, 0.5]], "means must leave every row of X possible"),
    ],
)
def test_a_bad_start_gets_one_sentence(weights, means, words):
    with pytest.raises(DataError, match=r"^[^.]+(\.\d[^.]*)*\.$") as caught:
        bernoulli.run([[1, 0], [0, 1]], bernoulli.Params(), weights, means)
    assert str(caught.value).startswith(words)


def test_too_much_to_keep_is_said_and_the_last_can_be_kept():
    X = np.random.default_rng(0).integers(0, 2, (30_000, 4))
    params = bernoulli.Params(components=4, steps=60)
    with pytest.raises(DataError, match='keep="last" keeps one'):
        bernoulli.run(X, params)
    trace = bernoulli.run(X, params, keep="last")
    assert trace.responsibility.shape == (1, 30_000, 4)
    assert len(trace) == 61
    small = bernoulli.run(X[:500], params, keep="last")
    whole = bernoulli.run(X[:500], params)
    near(small.responsibility[0], whole.responsibility[-1], 0)
    near(small.log_likelihood, whole.log_likelihood, 0)
    assert bernoulli.certify(small).holds
    with pytest.raises(ParamError):
        bernoulli.run(X, params, keep="some")


def test_knobs_out_of_bounds_get_one_sentence():
    for wrong in ({"components": 0}, {"steps": 0}, {"floor": 0.5}, {"digits": 2000}, {"seed": -1}):
        with pytest.raises(ParamError, match=r"^bernoulli\.Params\."):
            bernoulli.Params(**wrong)
    with pytest.raises(ParamError):
        bernoulli.restarts(CASE["X"], bernoulli.Params(), 0)


@pytest.mark.parametrize(
    "X",
    [[[0]], [[1]], [[0, 0, 0]] * 4, [[1, 1]] * 3, [[1, 0, 1]], [[1, 0], [1, 1], [1, 0]]],
    ids=str,
)
@pytest.mark.parametrize("K", [1, 2, 7])
def test_odd_rows_are_finite_and_certified(X, K):
    trace = bernoulli.run(X, bernoulli.Params(components=K, steps=6))
    for field in ("weights", "means", "responsibility", "log_likelihood", "bound"):
        assert np.isfinite(getattr(trace, field)).all()
    assert bernoulli.certify(trace).holds
    assert str(trace.stop).endswith(".")
    np.testing.assert_allclose(np.sum(trace.weights[-1] @ trace.means[-1]), np.mean(X, 0).sum())


def test_the_callers_arrays_stay_as_they_are():
    X, pi, P = (np.array(CASE[name]) for name in ("X", "pi", "P"))
    kept = [a.copy() for a in (X, pi, P)]
    bernoulli.run(X, bernoulli.Params(), pi, P)
    for now, before in zip((X, pi, P), kept, strict=True):
        np.testing.assert_array_equal(now, before)
