"""EM for probabilistic PCA: golden numbers, theorems, other routes, slips, bad input."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from latex2mathml.converter import convert

from engine.data import DataError
from engine.device import TORCH_ON_CPU
from engine.mixtures import em, ppca
from engine.params import ParamError
from engine.predict import judge
from engine.working import SLOT

FILE = json.loads((Path(__file__).parents[2] / "golden.json").read_text())
GOLDEN, WRONG = FILE["s003.3"], FILE["wrong.s003.3"]
X, U0, NOISE = GOLDEN["X"], GOLDEN["u0"], GOLDEN["sigma2_0"]


def preset(name):
    case = ppca.PRESETS[name]
    return ppca.run(**case.data, params=case.params)


def near(got, want, tolerance=1e-12):
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


def golden(**knobs):
    return ppca.run(X, ppca.Params(**{"noise": NOISE, "steps": 30} | knobs), U0)


# Golden cases


def test_the_exercise():
    trace = golden(steps=300)
    near(trace.mean_z[0], GOLDEN["m"])
    near(trace.mean_z2[0], GOLDEN["s"])
    near(trace.direction[:4], GOLDEN["u_traj"])
    near(trace.noise[:4], GOLDEN["s2_traj"])
    near(trace.direction[1], GOLDEN["u1"])
    near(trace.log_likelihood[[0, 1, -1]], [GOLDEN[k] for k in ("loglik0", "loglik1", "loglik_ML")])
    near(trace.eigenvalues, GOLDEN["eig"])
    near(trace.direction[-1], GOLDEN["uML"], 1e-11)
    near(trace.noise[-1], GOLDEN["sigma2_ML"], 1e-11)
    assert trace.stop is ppca.PpcaStop.SETTLED


def test_with_the_noise_held_the_first_step_gains_more_here():
    trace = golden(learn_noise=False)
    near(trace.noise, NOISE)
    near(trace.direction[1], GOLDEN["u1"])
    near(trace.log_likelihood[1], GOLDEN["loglik1_fixed"])
    assert GOLDEN["loglik1_fixed"] > GOLDEN["loglik1"]


def test_the_closed_form():
    top = ppca.closed_form(X)
    near(top.direction, GOLDEN["uML"])
    near(top.noise, GOLDEN["sigma2_ML"])
    near(top.log_likelihood, GOLDEN["loglik_ML"])
    held = ppca.closed_form(X, 0.8)
    near(held.direction @ held.direction, GOLDEN["eig"][0] - 0.8)
    near(ppca.closed_form(X, 5.0).direction, 0)


def test_the_direction_is_power_iteration_and_the_ratio_is_that_of_the_eigenvalues():
    trace = golden(steps=59)
    power = ppca.power_iteration(trace.X, trace.direction[0], 59)
    size = np.linalg.norm(trace.direction, axis=1, keepdims=True)
    near(trace.direction / size, power, 1e-14)
    q = np.linalg.svd(np.array(X))[2]
    slope = np.abs((trace.direction @ q[1]) / (trace.direction @ q[0]))
    near(slope[1:9] / slope[:8], GOLDEN["eig"][1] / GOLDEN["eig"][0], 1e-9)
    near(slope[8] / slope[7], 0.2220782, 1e-7)
    turned = ppca.angles(trace, trace.direction)
    near(np.tan(np.radians(turned[10] / 2)) / np.tan(np.radians(turned[9] / 2)), 0.2220782, 1e-6)


def test_the_projection_of_the_first_point_is_not_its_mean():
    trace = golden()
    near(trace.direction[0] @ trace.X[0], 2.25)
    near(trace.mean_z[0, 0], 0.978260869565, 1e-11)


def test_a_noise_beyond_the_largest_eigenvalue_leaves_nothing():
    trace = golden(noise=5.0, learn_noise=False, steps=400)
    near(trace.direction[-1], 0, 1e-6)
    assert trace.stop is ppca.PpcaStop.DROWNED
    near(trace.log_likelihood[-1], ppca.closed_form(X, 5.0).log_likelihood, 1e-9)


# Theorems over the run

number = st.floats(-20, 20).map(lambda v: round(v, 3))


@st.composite
def clouds(draw, least=1):
    shape = draw(st.integers(least, 9)), draw(st.integers(1, 4))
    points = draw(arrays(float, shape, elements=number))
    points[0, 0] += 1 if abs(points).max() < 0.1 else 0
    return points


knobs = st.builds(
    ppca.Params,
    noise=st.floats(0.05, 20),
    learn_noise=st.booleans(),
    steps=st.integers(1, 30),
    seed=st.integers(0, 99),
)


@settings(max_examples=120, deadline=None)
@given(clouds(), knobs)
def test_the_bound_lies_between_two_likelihoods_and_under_the_summit(points, p):
    trace = ppca.run(points, p)
    size = 1e-11 * np.maximum(1, abs(trace.log_likelihood))
    assert (trace.log_likelihood[:-1] <= trace.bound[1:] + size[1:]).all()
    assert (trace.bound[1:] <= trace.log_likelihood[1:] + size[1:]).all()
    assert trace.bound[0] == trace.log_likelihood[0]
    top = ppca.closed_form(points, None if p.learn_noise else float(trace.noise[0]))
    assert (trace.log_likelihood <= top.log_likelihood + size).all()


@settings(max_examples=60, deadline=None)
@given(clouds(), knobs)
def test_the_certificate_holds_whatever_is_asked(points, p):
    certificate = ppca.certify(ppca.run(points, p))
    assert certificate.holds, [(c.name, c.deviation) for c in certificate.checks if not c.holds]


@settings(max_examples=80, deadline=None)
@given(clouds(least=2), knobs, st.floats(0.1, 100))
def test_turning_scaling_and_mirroring_the_cloud_does_the_same_to_u(points, p, scale):
    rng = np.random.default_rng(3)
    start = rng.normal(size=points.shape[1])
    turn = np.linalg.qr(rng.normal(size=(points.shape[1],) * 2))[0]
    trace = ppca.run(points, p, start)
    size = np.sqrt((points**2).mean()) + np.linalg.norm(start)
    turned = ppca.run(points @ turn, p, start @ turn)
    near(turned.direction[:4] / size, trace.direction[:4] @ turn / size, 1e-9)
    near(turned.noise[:4] / size**2, trace.noise[:4] / size**2, 1e-9)
    sides = rng.choice([-1, 1], len(points))[:, None]
    mirrored = ppca.run(points * sides, p, start)
    near(mirrored.direction[:4] / size, trace.direction[:4] / size, 1e-9)
    bigger = dataclasses.replace(p, noise=min(p.noise * scale**2, 1e6))
    grown = ppca.run(points * scale, bigger, start * scale)
    if bigger.noise < 1e6:
        near(grown.direction[:4] / scale / size, trace.direction[:4] / size, 1e-9)
        near(grown.mean_z[:4], trace.mean_z[:4], 1e-8 * max(1, abs(trace.mean_z[:4]).max()))


@settings(max_examples=80, deadline=None)
@given(clouds(), st.floats(0.05, 5), st.integers(0, 99))
def test_where_u_points_does_not_depend_on_the_noise(points, noise, seed):
    one = ppca.run(points, ppca.Params(noise=noise, learn_noise=False, steps=6, seed=seed))
    two = ppca.run(points, ppca.Params(noise=1.0, steps=6, seed=seed))
    a, b = one.direction, two.direction
    towards = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    near(towards, 1, 1e-9)


def test_a_start_at_right_angles_stays_and_one_beside_it_leaves_late():
    saddle, beside = preset("saddle"), preset("near-saddle")
    assert (saddle.direction[:, 0] == 0).all()
    assert saddle.stop is ppca.PpcaStop.SADDLE
    long = ppca.run(saddle.X, dataclasses.replace(saddle.params, steps=200), [0, 1])
    near(long.direction[-1], [0, math.sqrt(saddle.eigenvalues[1] - 0.25)], 1e-12)
    assert ppca.certify(long).holds
    flat = beside.log_likelihood[8:14]
    assert np.ptp(flat) < 0.01 < 40 < beside.log_likelihood[-1] - flat[0]
    near(ppca.angles(beside, beside.direction)[0], 90 - math.degrees(1e-6), 1e-9)
    assert ppca.angles(beside, beside.direction)[-1] < 0.01


def test_two_equal_longest_axes_are_one_goal():
    points = [[2, 0, 0], [0, 2, 0], [0, 0, 1]]
    for start in ([1, 0, 0], [0, 1, 0], [1, 1, 0]):
        trace = ppca.run(points, ppca.Params(noise=0.1, steps=5), start)
        near(ppca.angles(trace, trace.direction), 0)
        assert trace.stop is ppca.PpcaStop.STEPS
        assert ppca.certify(trace).holds


def test_zero_stays_zero():
    trace = preset("zero")
    assert not trace.direction.any()
    assert not trace.mean_z.any()
    near(trace.mean_z2, 1)
    near(trace.noise[1:], (trace.X**2).mean())
    assert trace.stop is ppca.PpcaStop.ZERO


def test_rounding_leads_away_from_a_saddle_that_is_not_exact():
    points = preset("turning").X
    q2 = np.linalg.svd(points)[2][1]
    p = ppca.Params(noise=0.2, learn_noise=False, steps=90)
    trace = ppca.run(points, p, q2)
    assert ppca.angles(trace, trace.direction)[0] > 90 - 1e-10
    assert ppca.angles(trace, trace.direction)[-1] < 1
    assert trace.stop is ppca.PpcaStop.ESCAPED
    assert ppca.certify(trace).holds


# Other routes


def plain(points, u, noise, steps, learn=True):
    """EM over the data, as one writes it first."""
    N, J = points.shape
    for _ in range(steps):
        c = noise + u @ u
        m = points @ u / c
        s = noise / c + m**2
        u = points.T @ m / s.sum()
        if learn:
            noise = ((points**2).sum() - 2 * m @ (points @ u) + s.sum() * (u @ u)) / (N * J)
    return u, noise


@pytest.mark.parametrize("learn", [True, False])
@pytest.mark.parametrize("name", ["turning", "exercise", "three", "off-centre"])
def test_a_plain_loop_over_the_data_agrees(name, learn):
    case = ppca.PRESETS[name]
    p = dataclasses.replace(case.params, learn_noise=learn)
    trace = ppca.run(**case.data, params=p)
    u, noise = plain(trace.X, trace.direction[0], p.noise, p.steps, learn)
    near(trace.direction[-1], u, 1e-12)
    near(trace.noise[-1], noise, 1e-12)


def test_the_likelihood_is_scipys():
    from scipy.stats import multivariate_normal

    trace = golden()
    for t in (0, 1, 7, 30):
        C = np.outer(trace.direction[t], trace.direction[t]) + trace.noise[t] * np.eye(3)
        near(trace.log_likelihood[t], multivariate_normal([0, 0, 0], C).logpdf(X).sum(), 1e-11)


@pytest.mark.parametrize("name", ["turning", "three", "off-centre"])
def test_every_m_step_is_a_stationary_point_of_the_bound(name):
    import torch

    trace = preset(name)
    points = torch.tensor(trace.X)
    for t in range(len(trace) - 1):
        m, s = torch.tensor(trace.mean_z[t]), torch.tensor(trace.mean_z2[t])
        u = torch.tensor(trace.direction[t + 1], requires_grad=True)
        log_noise = torch.tensor(np.log(trace.noise[t + 1]), requires_grad=True)
        gap = ((points**2).sum(1) - 2 * m * (points @ u) + s * (u @ u)) / log_noise.exp()
        density = -0.5 * (gap + points.shape[1] * (log_noise + math.log(2 * math.pi)))
        prior = -0.5 * (s + math.log(2 * math.pi))
        v = torch.tensor(trace.mean_z2[t] - trace.mean_z[t] ** 2)
        bound = (density + prior + 0.5 * (1 + math.log(2 * math.pi) + v.log())).sum()
        bound.backward()
        near(u.grad, 0, 1e-11 * len(points))
        near(log_noise.grad, 0, 1e-11 * len(points))
        near(bound.item(), trace.bound[t + 1], 1e-10)


def test_the_summit_is_a_stationary_point_of_the_likelihood():
    import torch

    top = ppca.closed_form(X)
    u = torch.tensor(top.direction, requires_grad=True)
    noise = torch.tensor(top.noise, dtype=torch.float64, requires_grad=True)
    C = torch.outer(u, u) + noise * torch.eye(3, dtype=torch.float64)
    normal = torch.distributions.MultivariateNormal(torch.zeros(3, dtype=torch.float64), C)
    likelihood = normal.log_prob(torch.tensor(X)).sum()
    likelihood.backward()
    near(likelihood.item(), top.log_likelihood, 1e-12)
    near(u.grad, 0, 1e-12)
    near(noise.grad, 0, 1e-12)


def test_scikit_learn_has_the_same_axis_once_the_data_are_mirrored():
    from sklearn.decomposition import PCA

    points = np.array(X)
    both = np.concatenate([points, -points])  # mean 0, so centring changes nothing
    pca = PCA(1, svd_solver="full").fit(both)
    top = ppca.closed_form(points)
    near(abs(pca.components_[0] @ top.direction) / np.linalg.norm(top.direction), 1, 1e-12)
    scale = (len(both) - 1) / len(both)  # it divides by N - 1
    near(pca.explained_variance_[0] * scale, top.eigenvalues[0], 1e-12)
    near(pca.noise_variance_ * scale, top.noise, 1e-12)


def test_the_slice_touches_here_and_peaks_at_the_next_direction():
    trace = preset("three")
    cut = ppca.slice_at(trace, 37)
    assert (cut.bound <= cut.log_likelihood + 1e-9).all()
    assert (np.diff(cut.degrees, axis=1) >= 0).all()
    for t in range(len(trace) - 1):
        here, there = cut.degrees[t] == 0, cut.degrees[t] == cut.top[t]
        near(cut.bound[t, here], trace.log_likelihood[t], 1e-9)
        near(cut.log_likelihood[t, here], trace.log_likelihood[t], 1e-9)
        near(cut.bound[t, there], cut.bound[t].max(), 1e-9)
        a, b = (v / np.linalg.norm(v) for v in trace.direction[t : t + 2])
        near(np.degrees(2 * np.arcsin(np.linalg.norm(a - b) / 2)), cut.top[t], 1e-12)


def test_the_plane_of_view_keeps_lengths_in_it():
    for name in ("exercise", "three"):
        plane = ppca.seen(preset(name).X)
        near(plane @ plane.T, np.eye(2))
    wide = np.random.default_rng(0).normal(size=(9, 6))
    near(ppca.seen(wide) @ ppca.seen(wide).T, np.eye(2))
    near(ppca.seen(preset("turning").X), np.eye(2), 0)


# Many starts


@pytest.mark.parametrize("learn", [True, False])
@pytest.mark.parametrize("device", ["cpu", TORCH_ON_CPU])
def test_each_start_of_a_batch_is_one_run(device, learn):
    case = ppca.PRESETS["three"]
    p = dataclasses.replace(case.params, learn_noise=learn, seed=5)
    found = ppca.restarts(case.data["X"], p, 40, device=device)
    assert found.starts.shape == found.limits.shape == (40, 3)
    assert found.device == device
    for i in range(0, 40, 7):
        one = ppca.run(case.data["X"], p, found.starts[i])
        near(found.limits[i], one.direction[-1], 1e-9)
        near(found.noise[i], one.noise[-1], 1e-9)
        near(found.log_likelihood[i], one.log_likelihood[-1], 1e-9)
    near(found.best.log_likelihood[-1], found.log_likelihood.max(), 1e-9)
    assert (found.died == -1).all()
    near(ppca.run(case.data["X"], p).direction[0], found.starts[0], 0)


def test_torch_agrees_with_numpy():
    case = ppca.PRESETS["exercise"]
    one = ppca.restarts(case.data["X"], case.params, 200, device="cpu")
    two = ppca.restarts(case.data["X"], case.params, 200, device=TORCH_ON_CPU)
    near(one.limits, two.limits, 1e-10)
    near(one.log_likelihood, two.log_likelihood, 1e-10)


def test_a_singular_start_is_left_and_the_others_go_on(monkeypatch):
    from engine.mixtures import ppca_restarts

    def drawn(points, count, seed):
        starts = np.random.default_rng(seed).normal(size=(count, points.shape[1]))
        starts[3] = np.nan
        return starts

    monkeypatch.setattr(ppca_restarts, "drawn", drawn)
    found = ppca.restarts(X, ppca.Params(noise=NOISE, steps=60), 6)
    assert found.died.tolist() == [-1, -1, -1, 0, -1, -1]
    assert em.best_of(found.log_likelihood) != 3
    near(found.best.log_likelihood[-1], GOLDEN["loglik_ML"], 1e-9)
    alive = np.delete(found.log_likelihood, 3)
    near(alive, GOLDEN["loglik_ML"], 1e-6)


def test_all_starts_of_a_race_end_at_the_summit():
    race = ppca.race(X, ppca.Params(noise=NOISE, steps=200), 25)
    near(race.summit, GOLDEN["loglik_ML"])
    assert race.below.shape == (201, 25)
    near(race.below[-1], 0, 1e-9)
    assert (np.diff(race.below, axis=0) <= 1e-10).all()
    line = ppca.race([[1, 2], [2, 4]], ppca.Params(), 3)
    assert np.isfinite(line.below).all()


# The certificate


@pytest.mark.parametrize("name", ppca.PRESETS)
def test_every_preset_is_certified(name):
    certificate = ppca.certify(preset(name))
    assert certificate.holds, str(certificate)
    assert certificate.count > 300
    judges = " ".join(check.against for check in certificate.checks)
    assert "quadrature" in judges
    assert ("power iteration" in judges) == (name != "zero")


def off(trace, field, index, by=1e-6):
    values = getattr(trace, field).copy()
    values[index] += by
    return dataclasses.replace(trace, **{field: values})


@pytest.mark.parametrize(
    ("field", "index", "symbol"),
    [
        ("mean_z", (4, 2), "m_i"),
        ("mean_z2", (5, 1), r"\hat u"),
        ("log_likelihood", 3, r"\log L"),
        ("direction", (5, 0), r"\hat u"),
        ("direction", (5, 1), r"u^t / \|u^t\|"),
        ("direction", (12, 2), r"u^{t+1} / \|u^{t+1}\|"),
        ("noise", 5, r"\hat\sigma^2"),
    ],
)
def test_the_certificate_sees_one_wrong_number(field, index, symbol):
    certificate = ppca.certify(off(golden(), field, index))
    assert symbol in {check.name for check in certificate.checks if not check.holds}


def test_quadrature_sees_a_wrong_second_moment_at_its_places():
    trace = golden()
    wrong = dataclasses.replace(trace, mean_z2=trace.mean_z2 + 1e-9)
    bad = {(c.name, c.against[:10]) for c in ppca.certify(wrong).checks if not c.holds}
    assert ("s_i", "quadrature") in bad


def test_the_certificate_sees_a_likelihood_that_falls_and_a_bound_that_leaves():
    trace = golden(steps=200)  # nothing moves at the end
    falling = {
        c.name for c in ppca.certify(off(trace, "log_likelihood", -1, -1e-6)).checks if not c.holds
    }
    assert r"\log L^{t+1} - \log L^t" in falling
    above = {
        c.name for c in ppca.certify(off(trace, "log_likelihood", -1, 1e-6)).checks if not c.holds
    }
    assert r"\log L_{ML} - \log L^t" in above
    low = {c.name for c in ppca.certify(off(trace, "bound", -1, -1e-6)).checks if not c.holds}
    assert low == {r"F - \log L^t"}
    high = {c.name for c in ppca.certify(off(trace, "bound", -1, 1e-6)).checks if not c.holds}
    assert high == {r"\log L^{t+1} - F"}


def test_a_settled_run_is_held_against_the_closed_form():
    trace = golden(steps=300)
    wrong = off(trace, "direction", -1, 1e-5)
    bad = {
        c.name for c in ppca.certify(wrong).checks if c.against == "the closed form" and not c.holds
    }
    assert bad == {r"\|u\|^2", "S u"}


# Slips


def test_the_normaliser_makes_the_noise_J_times_too_large():
    shown = ppca.slipped(golden(), ppca.SLIPS["normaliser"])
    near(shown.noise[1], WRONG["sigma2"])
    near(shown.noise[1], 3 * GOLDEN["sigma2_1"])
    near(shown.direction[1], GOLDEN["u1"])


def test_z_as_the_projection():
    shown = ppca.slipped(golden(), ppca.SLIPS["unshrunk"])
    near(shown.mean_z[0, 0], 2.25)
    near(shown.mean_z[0], np.array(X) @ U0)


def test_the_variance_left_out():
    shown = ppca.slipped(golden(), ppca.SLIPS["no-variance"])
    near(shown.mean_z[0], GOLDEN["m"])
    near(shown.mean_z2[0], np.square(GOLDEN["m"]))


@pytest.mark.parametrize("slip", ppca.SLIPS)
def test_each_slip_turns_the_certificate_red(slip):
    trace, slip = golden(), ppca.SLIPS[slip]
    certificate = ppca.certify(trace, slip)
    assert not certificate.holds
    shown, masks = ppca.slipped(trace, slip), ppca.wrong_cells(trace, slip)
    for field in ("direction", "noise", "mean_z", "mean_z2"):
        gap = abs(getattr(shown, field) - getattr(trace, field))
        wanted = gap > 1e-9 * np.maximum(1, abs(getattr(trace, field)))
        np.testing.assert_array_equal(masks[field], wanted)
    assert not masks["direction"][0].any()
    assert masks["noise"][1:].any()
    # Where u points is right in every one of them.
    turning = [c for c in certificate.checks if c.against == "power iteration"]
    assert [c.holds for c in turning] == [True]


@pytest.mark.parametrize("slip", ["normaliser"])
def test_the_normaliser_hides_with_one_column_and_with_a_fixed_noise(slip):
    slip = ppca.SLIPS[slip]
    for trace in (
        ppca.run([[1.0], [2], [-3]], ppca.Params(steps=5)),
        golden(learn_noise=False),
        preset("drowned"),
    ):
        assert ppca.certify(trace, slip).holds
        assert not any(mask.any() for mask in ppca.wrong_cells(trace, slip).values())


def test_the_projection_hides_while_the_divisor_is_one():
    trace = golden()
    scale = math.sqrt(GOLDEN["eig"][0])  # then the largest eigenvalue is 1
    q = np.array(GOLDEN["uML"]) / np.linalg.norm(GOLDEN["uML"])
    p = ppca.Params(noise=0.3, learn_noise=False, steps=8)
    trace = ppca.run(np.array(X) / scale, p, math.sqrt(0.7) * q)
    assert ppca.certify(trace, ppca.SLIPS["unshrunk"]).holds
    assert not any(m.any() for m in ppca.wrong_cells(trace, ppca.SLIPS["unshrunk"]).values())


def test_the_left_out_variance_hides_as_the_noise_goes():
    def gap(noise):
        p = ppca.Params(noise=noise, learn_noise=False, steps=3, floor=1e-9)
        trace = ppca.run(X, p, U0)
        shown = ppca.slipped(trace, ppca.SLIPS["no-variance"])
        return abs(shown.direction - trace.direction).max()

    assert gap(1e-6) < 1e-5 < 0.05 < gap(0.5)


def test_an_unknown_slip_is_refused():
    with pytest.raises(KeyError):
        ppca.slipped(golden(), dataclasses.replace(ppca.SLIPS["unshrunk"], name="none"))


# What a page shows


@pytest.mark.parametrize("slip", [None, *ppca.SLIPS])
@pytest.mark.parametrize("name", ppca.PRESETS)
def test_every_line_computes_to_its_value_and_is_mathml(name, slip):
    slip = ppca.SLIPS[slip] if slip else None
    trace = preset(name)
    shown = ppca.slipped(trace, slip) if slip else trace
    lines = {line.name: line for line in ppca.working(shown, 1, slip)}
    assert ("noise" in lines) == trace.params.learn_noise
    mean, square, u, likelihood = (
        lines[n] for n in ("mean_z", "mean_z2", "direction", "log_likelihood")
    )
    near(mean.value, shown.mean_z[:, 1], 0)
    near(square.value, shown.mean_z2[:, 1], 0)
    near(u.value[:-1], shown.direction[1:, 0], 0)
    some = u.numbers["first"] != 0
    near((u.numbers["first"] / u.numbers["second"])[some], u.value[some], 1e-10)
    n = likelihood.numbers
    near(-n["N"] / 2 * (n["const"] + n["logs"] + n["apart"]), likelihood.value, 1e-9)
    if slip is None:
        n = mean.numbers
        near(n["p"] / (n["noise"] + n["length"]), mean.value)
        n = square.numbers
        near(n["noise"] / (n["noise"] + n["length"]) + n["m"] ** 2, square.value)
    if "noise" in lines:
        n, J = lines["noise"].numbers, trace.X.shape[1]
        share = 1 if slip and slip.name == "normaliser" else J
        got = (n["total"] - n["pull"]) / (n["N"] * share)
        near(got[:-1], shown.noise[1:], 1e-9)
    assert (lines["gap"].value < (1e-9 if name == "near-saddle" else 1e-12)).all()
    for line in lines.values():
        assert np.shape(line.value) == (len(trace),)
        assert set(SLOT.findall(line.substituted)) <= set(line.numbers)
        text = convert(line.tex(len(trace) - 1))
        assert "@" not in text
        assert "\\" not in text


def test_what_follows_the_last_state_is_the_next_m_step():
    long = golden(steps=9)
    for slip in (None, *ppca.SLIPS.values()):
        short = golden(steps=8)
        a, b = (ppca.slipped(t, slip) if slip else t for t in (long, short))
        near(ppca.following(b, slip).direction[-1], a.direction[-1], 1e-11)
        near(ppca.following(b, slip).noise[-1], a.noise[-1], 1e-11)


def test_questions_know_the_answer_and_the_likely_mistakes():
    m, s, u, noise = ppca.questions(golden(), 0, chosen=0)
    assert judge(m, GOLDEN["m"][0]).right
    assert judge(s, GOLDEN["s"][0]).right
    assert judge(u, GOLDEN["u1"][0]).right
    assert judge(noise, GOLDEN["sigma2_1"]).right
    assert "projection" in judge(m, 2.25).sentence
    assert "nearest" in judge(m, 2.25 / 1.5).sentence
    assert "variance" in judge(s, GOLDEN["m"][0] ** 2).sentence
    assert "Σ s" in judge(u, sum(a * x[0] for a, x in zip(GOLDEN["m"], X, strict=True))).sentence
    assert "J times" in judge(noise, WRONG["sigma2"]).sentence
    assert m.conceals == ("mean_z2",)
    assert len(ppca.questions(golden(learn_noise=False), 0)) == 3


@pytest.mark.parametrize("name", ppca.PRESETS)
def test_no_question_has_a_mistake_that_is_no_number(name):
    trace = preset(name)
    for step in (0, len(trace) - 1):
        for question in ppca.questions(trace, step, chosen=2):
            assert judge(question, question.value).right
            assert question.step == step
            assert not any(math.isnan(v) for v in question.mistakes.values())


# Edges and bad input

RNG = np.random.default_rng(0)
EDGES = {
    "a line": [[1, 2], [2, 4], [-1, -2]],
    "one point": [[3, 4]],
    "equal points": [[1, 1]] * 5,
    "a constant column": [[1, 0], [1, 2], [1, -3]],
    "a column of zeros": [[0, 1], [0, 2]],
    "one column": [[1], [2], [-3]],
    "a round cloud": [[1, 0], [0, 1], [-1, 0], [0, -1]],
    "more columns than points": RNG.normal(size=(3, 10)),
    "1e8": RNG.normal(size=(20, 3)) * 1e8,
    "a line at 1e9": [[1e9, 1e9], [-1e9, -1e9]],
    "1e-8": RNG.normal(size=(20, 3)) * 1e-8,
    "1e-49": [[1e-49, 0]],
}


@pytest.mark.parametrize("points", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"learn_noise": False, "noise": 1e-6},
        {"noise": 1e6, "steps": 200},
        {"floor": 1e-9, "steps": 200},
    ],
    ids=str,
)
def test_the_edges_stay_finite_and_certified(points, knobs):
    trace = ppca.run(points, ppca.Params(**knobs))
    for name in ("direction", "noise", "mean_z", "mean_z2", "log_likelihood", "bound"):
        assert np.isfinite(getattr(trace, name)).all(), name
    certificate = ppca.certify(trace)
    assert certificate.holds, [(c.name, c.deviation) for c in certificate.checks if not c.holds]
    assert (trace.noise[1:] >= trace.params.floor * (trace.X**2).mean() * (1 - 1e-9)).all()
    assert np.isfinite(ppca.slice_at(trace, 5).bound).all()
    for slip in ppca.SLIPS.values():
        ppca.certify(trace, slip)


def test_why_it_stopped():
    Stop = ppca.PpcaStop

    def stop(points, direction=None, **knobs):
        return ppca.run(points, ppca.Params(**knobs), direction).stop

    assert stop(X) is Stop.STEPS
    assert stop(X, steps=300) is Stop.SETTLED
    assert stop([[1, 2], [2, 4]]) is Stop.FLOOR
    assert stop(X, [0, 0, 0]) is Stop.ZERO
    assert stop(X, noise=5.0, learn_noise=False) is Stop.DROWNED
    assert stop([[2, 0], [0, 1]], [0, 1], learn_noise=False, noise=0.1) is Stop.SADDLE
    for start in ([0, 1], [1, 0]):  # a round cloud has no longest axis to miss
        assert stop([[1, 0], [0, 1]], start, noise=0.1) is Stop.STEPS
    assert all(s.value.endswith(".") and len(s.value) < 150 for s in Stop)


@pytest.mark.parametrize(
    ("points", "direction", "message"),
    [
        ([], None, "X is empty; it needs at least one point."),
        ([[]], None, "X is empty; it needs at least one number."),
        ([[1, 2], [3]], None, "X must have equally long rows, got 1 and 2 numbers."),
        ([1, 2], None, "X must have 2 dimensions, got 1."),
        (
            [[1, math.nan]],
            None,
            "X must be numbers in [-1,000,000,000, 1,000,000,000], got nan at place 1, 2.",
        ),
        (
            [[1e308]],
            None,
            "X must be numbers in [-1,000,000,000, 1,000,000,000], got 1e+308 at place 1, 1.",
        ),
        ([["a"]], None, "X must be numbers only."),
        ([[0, 0]], None, "X must hold a number other than 0, or there is no direction to find."),
        (np.ones((2, 65)), None, "X may have at most 64 columns, got 65."),
        (np.ones((50_001, 2)), None, "X may hold at most 100,000 numbers, got 100,002."),
        (
            np.ones((90_000, 1)),
            None,
            "X may hold at most 83,333 points when 29 steps are kept, got 90,000.",
        ),
        (
            [[1, 2]],
            [1],
            "direction must have as many numbers as X has columns, got 1 for 2.",
        ),
        ([[1, 2]], ["a", 1], "direction must be numbers only."),
        (
            [[1, 2]],
            [math.inf, 1],
            "direction must be numbers in [-1,000,000,000, 1,000,000,000], got inf at place 1.",
        ),
    ],
)
def test_bad_data_is_named_in_one_sentence(points, direction, message):
    with pytest.raises(DataError) as error:
        ppca.run(points, ppca.Params(steps=29), direction)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"noise": 0.0}, "ppca.Params.noise must lie in [1e-06, 1e+06], got 0."),
        ({"noise": math.nan}, "ppca.Params.noise must lie in [1e-06, 1e+06], got nan."),
        ({"steps": 0}, "ppca.Params.steps must lie in [1, 1000], got 0."),
        ({"learn_noise": 1}, "ppca.Params.learn_noise must be True or False, got 1."),
        ({"floor": 0.5}, "ppca.Params.floor must lie in [1e-09, 0.1], got 0.5."),
    ],
)
def test_a_knob_out_of_bounds_is_named(knobs, message):
    with pytest.raises(ParamError) as error:
        ppca.Params(**knobs)
    assert str(error.value) == message


def test_the_caller_keeps_the_data_and_the_trace_is_frozen():
    points = np.array(X)
    trace = ppca.run(points, ppca.Params())
    points[0, 0] = 7
    assert trace.X[0, 0] == 2
    with pytest.raises(ValueError, match="read-only"):
        trace.direction[0, 0] = 0.1


def test_an_empty_direction_is_drawn_by_the_seed():
    p = ppca.Params(seed=4)
    near(ppca.run(X, p, []).direction, ppca.run(X, p).direction, 0)
    assert ppca.run(X, p).given == ()
    assert ppca.run(X, p, U0).given == tuple(U0)
    assert (
        abs(ppca.run(X, ppca.Params(seed=5)).direction[0] - ppca.run(X, p).direction[0]).max() > 0.1
    )
    near(ppca.run_from(X, U0, p).direction, ppca.run(X, p, U0).direction, 0)


def test_importing_the_module_imports_neither_torch_nor_scipy():
    code = (
        "import sys; from engine.mixtures import ppca; "
        "ppca.restarts([[1, 2], [3, 1]], ppca.Params(), 4, device='cpu');"
        "assert not {'torch', 'scipy', 'mpmath', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
