"""Multiclass AdaBoost: golden numbers, theorems over the rounds, other routes, slips, bad input."""

import dataclasses
import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.boosting import samme
from engine.boosting.samme import BoostingStop, Params
from engine.data import DataError
from engine.params import ParamError
from engine.predict import judge

FIELDS = ("weights", "scores", "loss", "error", "alpha", "ratio", "slope")


def preset(name):
    case = samme.PRESETS[name]
    return samme.run(**case.data, params=case.params)


def near(got, want, tolerance=1e-12):
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


@pytest.fixture
def exercise(golden):
    return golden["s004.3"]


# Golden case


def test_the_exercise(exercise):
    trace = samme.from_votes(exercise["weak"], exercise["y"], exercise["K"])
    for t, want in enumerate(exercise["rounds"]):
        near(trace.weights[t], want["D"])
        near(trace.error[t], want["eps"])
        near(trace.alpha[t], want["alpha"])
        near(trace.loss[t], want["Z"])
    near(trace.scores[-1], exercise["g"])
    near(trace.loss[-1], exercise["final_loss"])
    near(trace.error, [1 / 3, 1 / 6, 1 / 30, 5 / 87])
    assert trace.training_error[-1] == 0
    assert trace.stop is BoostingStop.COUNTED


def test_the_preset_is_the_exercise(exercise):
    data = samme.PRESETS["exercise"].data
    assert (data["votes"], data["y"]) == (exercise["weak"], exercise["y"])
    counted = samme.from_votes(exercise["weak"], exercise["y"], exercise["K"])
    for name in FIELDS:
        near(getattr(preset("exercise"), name), getattr(counted, name), 0)


def test_the_printed_slope(golden, exercise):
    wrong = golden["wrong.s004.3"]
    trace = samme.from_votes(exercise["weak"], exercise["y"], exercise["K"])
    near(trace.slope, wrong["correct"])
    near(samme.slipped(trace, samme.SLIPS["indicator"]).slope, wrong["dL_dalpha0"])


def test_a_wrong_point_with_a_loss_below_one():
    """Votes (.40, .35, .25) of the say and true class 2: exp(-0.025), from the derivation."""
    g, K = np.array([0.40, 0.35, 0.25]), 3
    near(math.exp((g.sum() - K * g[1]) / (K - 1)), 0.9753, 1e-4)
    trace = preset("target")
    own = np.take_along_axis(trace.scores, trace.y[None, :, None], 2)[..., 0]
    power = (trace.scores.sum(2) - 3 * own) / 2
    wrong = trace.scores.argmax(2) != trace.y
    assert (wrong & (power < 0)).any()


# Theorems over the rounds

cases = st.tuples(
    st.integers(2, 5), st.integers(2, 25), st.integers(1, 3), st.integers(0, 10_000)
).map(lambda v: draw(*v))


def draw(K, N, D, seed):
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(N, D)) * 2) / 2  # many ties
    return X, rng.integers(0, K, N)


def boosted(case, **knobs):
    X, y = case
    return samme.run(X, y, Params(**knobs))


@settings(max_examples=60, deadline=None)
@given(cases, st.integers(1, 3))
def test_every_round_beats_guessing_and_then_is_a_guess(case, depth):
    trace = boosted(case, rounds=12, depth=depth)
    K = len(trace.labels)
    if K == 1:
        return
    assert (trace.error < (K - 1) / K).all()
    assert (trace.alpha > 0).all()
    near(trace.weights.sum(axis=1), 1)
    assert np.isfinite(np.concatenate([getattr(trace, f).ravel() for f in FIELDS])).all()
    inner = trace.error > 0
    wrong = trace.votes != trace.y
    after = (trace.weights[1:] * wrong).sum(axis=1)
    near(after[inner], np.full(inner.sum(), (K - 1) / K), 1e-9)
    e = trace.error[inner]
    near(trace.ratio[inner], K * (e / (K - 1)) ** ((K - 1) / K) * (1 - e) ** (1 / K), 1e-9)
    assert (np.diff(trace.loss) < 0).all()


@settings(max_examples=40, deadline=None)
@given(cases)
def test_the_mean_loss_bounds_the_share_at_risk_and_two_classes_the_error(case):
    trace = boosted(case, rounds=10)
    mean = trace.loss / len(trace.y) + 1e-9
    assert (trace.at_risk <= mean).all()
    if len(trace.labels) == 2:
        assert (trace.training_error <= trace.at_risk + 1e-9).all()


@settings(max_examples=12, deadline=None)
@given(cases, st.integers(1, 3))
def test_the_certificate_holds_whatever_is_drawn(case, depth):
    certificate = samme.certify(boosted(case, rounds=8, depth=depth))
    assert certificate.holds, str(certificate)


@settings(max_examples=20, deadline=None)
@given(cases, st.integers(0, 100))
def test_the_order_of_the_points_does_not_matter(case, seed):
    X, y = case
    order = np.random.default_rng(seed).permutation(len(y))
    there, here = (boosted(pair, rounds=6) for pair in ((X, y), (X[order], y[order])))
    near(there.error, here.error, 1e-9)
    near(there.weights[:, order], here.weights, 1e-9)


@settings(max_examples=20, deadline=None)
@given(cases)
def test_a_point_given_twice_counts_twice(case):
    """Doubling every point changes no error and no alpha."""
    X, y = case
    one = samme.run(X, y, Params(rounds=6))
    two = samme.run(np.repeat(X, 2, axis=0), np.repeat(y, 2), Params(rounds=6))
    near(one.alpha, two.alpha, 1e-9)


# Other routes


def brute(X, y, w, K):
    """The least weighted error of all stumps, by trying every cut and every pair of classes."""
    best = min(w[y != k].sum() for k in range(K))
    for d in range(X.shape[1]):
        for cut in np.unique(X[:, d]):
            low = X[:, d] <= cut
            for a, b in itertools.product(range(K), repeat=2):
                best = min(best, w[np.where(low, a, b) != y].sum())
    return best


@settings(max_examples=30, deadline=None)
@given(cases)
def test_the_stump_is_the_best_of_all(case):
    trace = boosted(case, rounds=5)
    for t, error in enumerate(trace.error):
        near(error, brute(trace.X, trace.y, trace.weights[t], len(trace.labels)))
    if trace.refused is not None:
        w = trace.weights[-1]
        near(trace.refused, brute(trace.X, trace.y, w, len(trace.labels)))


def test_ties_go_to_the_first_feature_and_the_lowest_threshold():
    X = np.array([[0.0, 0], [1, 1], [2, 2], [3, 3]])
    trace = samme.run(X, [0, 1, 0, 1], Params(rounds=1))
    assert (trace.feature[0, 0], trace.threshold[0, 0]) == (0, 0.5)


def test_a_deeper_tree_ends_its_branches_in_the_best_stumps():
    trace = preset("depth")
    X, y = trace.X, trace.y
    for t in range(len(trace.alpha)):
        d, cut = trace.feature[t, 0], trace.threshold[t, 0]
        sides, w = X[:, d] <= cut, trace.weights[t]
        parts = [brute(X[s], y[s], w[s], 2) for s in (sides, ~sides)]
        near(trace.error[t], sum(parts))
        gini = {
            (f, c): sum(
                w[s].sum() - sum(w[s & (y == k)].sum() ** 2 for k in range(2)) / w[s].sum()
                for s in (X[:, f] <= c, X[:, f] > c)
            )
            for f in (0, 1)
            for c in np.unique(X[:, f])[:-1]
        }
        value = max(c for c in np.unique(X[:, d]) if c <= cut)
        near(gini[d, value], min(gini.values()))


@pytest.mark.parametrize("name", ["target", "outliers", "digits"])
def test_scikit_learn_has_the_same_errors_alphas_and_scores(name):
    """Its own trees as given votes: equal to the ratio (K - 1) / K."""
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.tree import DecisionTreeClassifier

    ours = preset(name)
    peer = AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=1, random_state=0), n_estimators=20, random_state=0
    ).fit(ours.X, ours.y)
    K = len(ours.labels)
    votes = np.array([tree.predict(ours.X) for tree in peer.estimators_]).astype(int)
    trace = samme.from_votes(votes, ours.y, K)
    near(trace.error, peer.estimator_errors_[: len(votes)], 1e-12)
    near(trace.alpha_samme, peer.estimator_weights_[: len(votes)], 1e-12)
    near(trace.alpha, (K - 1) / K * peer.estimator_weights_[: len(votes)], 1e-12)
    decided = peer.decision_function(ours.X)
    near((K * trace.scores[-1] / trace.alpha.sum() - 1) / (K - 1), decided, 1e-12)
    np.testing.assert_array_equal(trace.scores[-1].argmax(1), peer.predict(ours.X))
    assert ours.error[0] <= trace.error[0] + 1e-12  # the exact stump is at least as good


def test_other_points_are_voted_on_by_the_same_trees():
    trace = preset("depth")
    found = samme.scores_at(trace, trace.X)
    near(found, trace.scores)
    np.testing.assert_array_equal(samme.predict(trace, trace.X), trace.labels[trace.y])


@pytest.mark.parametrize("name", ["target", "depth"])
def test_the_regions_say_what_the_vote_says(name):
    trace = preset(name)
    areas = samme.regions(trace, len(trace.alpha))
    assert areas is not None
    assert areas.exact
    rng = np.random.default_rng(0)
    points = rng.uniform(-3, 3, (200, 2))
    want = samme.scores_at(trace, points)[1:].argmax(2)
    i = np.searchsorted(areas.x, points[:, 0]) - 1
    j = np.searchsorted(areas.y, points[:, 1]) - 1
    np.testing.assert_array_equal(areas.winner[1:, i, j], want)
    assert (areas.winner[0] == -1).all()


def test_the_cuts_of_a_tree_stop_where_their_branch_does():
    trace = preset("depth")
    mine = [cut for cut in samme.cuts(trace, 12) if cut.round == 1]
    root = mine[0]
    assert (root.feature, root.threshold) == (trace.feature[0, 0], trace.threshold[0, 0])
    assert all(c.high == root.threshold or c.low == root.threshold
               for c in mine[1:] if c.feature != root.feature)  # fmt: skip
    assert len(mine) == (trace.feature[0] >= 0).sum()


def test_fifty_digits_for_one_round():
    """(7) and (8) with fractions of the golden case: epsilon = 1/6, K = 3."""
    import mpmath

    trace = preset("exercise")
    with mpmath.workdps(50):
        e = mpmath.mpf(Fraction(1, 6).numerator) / 6
        near(trace.alpha[1], float(mpmath.mpf(2) / 3 * mpmath.log((1 - e) / e * 2)), 1e-15)
        ratio = 3 * (e / 2) ** (mpmath.mpf(2) / 3) * mpmath.cbrt(1 - e)
        near(trace.ratio[1], float(ratio), 1e-15)


# Slips


@pytest.mark.parametrize("name", ["target", "exercise", "outliers", "digits"])
@pytest.mark.parametrize("slip", samme.SLIPS)
def test_a_slip_is_caught_for_more_than_two_classes(name, slip):
    trace = preset(name)
    assert not samme.certify(trace, samme.SLIPS[slip]).holds
    masks = samme.wrong_cells(trace, samme.SLIPS[slip])
    lit = {field for field, mask in masks.items() if mask.any()}
    assert lit == {"slope"} if slip == "indicator" else {"alpha", "weights", "loss"} <= lit


def test_without_its_logarithm_alpha_misses_by_just_that():
    trace = preset("exercise")
    shown = samme.slipped(trace, samme.SLIPS["no-log"])
    near(trace.alpha[0] - shown.alpha[0], 2 / 3 * math.log(2))
    assert shown.alpha[0] > 0
    assert samme.slipped(preset("target"), samme.SLIPS["no-log"]).alpha[0] < 0


def test_two_classes_need_no_logarithm():
    trace = preset("crossed")
    assert samme.certify(trace, samme.SLIPS["no-log"]).holds
    near(trace.alpha, 0.5 * np.log((1 - trace.error) / trace.error))
    near(trace.ratio, 2 * np.sqrt(trace.error * (1 - trace.error)))
    assert not samme.slipped(trace, samme.SLIPS["indicator"]).slope.any()


def test_the_wrong_indicator_hides_at_an_error_of_one_half():
    trace = samme.from_votes([[0, 0, 1, 2]], [0, 0, 2, 1], 3)
    near(trace.error, [0.5])
    assert samme.certify(trace, samme.SLIPS["indicator"]).holds


def test_a_slip_that_is_none():
    with pytest.raises(KeyError):
        samme.slipped(preset("exercise"), dataclasses.replace(samme.SLIPS["no-log"], name="x"))


# Stops


def test_one_that_never_errs_decides_alone():
    votes = [[0, 0, 1, 2, 2, 1], [0, 1, 1, 1, 0, 2], [0, 0, 1, 1, 2, 2], [1, 0, 1, 1, 2, 0]]
    trace = samme.from_votes(votes, [0, 0, 1, 1, 2, 2], 3)
    assert trace.stop is BoostingStop.PERFECT
    assert len(trace.alpha) == 3
    near(trace.alpha[2], trace.alpha[:2].sum() + 1)
    assert trace.training_error[-1] == 0
    assert samme.certify(trace).holds


@pytest.mark.parametrize(
    ("X", "y", "stop", "rounds"),
    [
        ([[1.0], [2], [3]], [4, 4, 4], BoostingStop.ONE, 0),
        ([[5.0, 5]] * 4, [1, 1, 2, 2], BoostingStop.GUESS, 0),
        ([[5.0, 5]] * 4, [1, 1, 1, 2], BoostingStop.GUESS, 1),
        ([[1.0], [1], [2], [2]], [1, 2, 1, 2], BoostingStop.GUESS, 0),
        ([[1.0, 7], [2, 7]], [1, 2], BoostingStop.PERFECT, 1),
        ([[1.0]], [3], BoostingStop.ONE, 0),
    ],
)
def test_an_end_is_finite_and_explained(X, y, stop, rounds):
    trace = samme.run(X, y, Params(rounds=9))
    assert trace.stop is stop
    assert len(trace.alpha) == rounds
    assert len(trace) == rounds + 1
    assert all(np.isfinite(getattr(trace, name)).all() for name in FIELDS)
    assert samme.certify(trace).holds
    assert str(trace.stop).endswith(".")
    assert [q.value for q in samme.questions(trace, 0)]
    assert (trace.refused is not None) == (stop is BoostingStop.GUESS)


def test_a_constant_column_changes_nothing():
    trace = preset("stripes")
    wider = samme.run(np.insert(trace.X, 1, 7.0, axis=1), trace.labels[trace.y], trace.params)
    for name in FIELDS:
        near(getattr(wider, name), getattr(trace, name), 0)


@pytest.mark.parametrize("a", [1.0, np.nextafter(1.0, 2)])  # halfway rounds down, and up
def test_neighbouring_floats_are_parted(a):
    b = np.nextafter(a, 2)
    trace = samme.run([[a], [b]], [0, 1], Params(rounds=3))
    assert trace.stop is BoostingStop.PERFECT
    np.testing.assert_array_equal(samme.predict(trace, [[a], [b]]), [0, 1])


# Words


def test_at_gives_the_round_that_led_to_a_step():
    trace = preset("exercise")
    assert trace.at(0).error is None
    assert trace.at(2).error == trace.error[1]
    assert trace.at(-1).loss == trace.loss[-1]
    with pytest.raises(IndexError):
        trace.at(5)


@pytest.mark.parametrize("name", samme.PRESETS)
def test_the_lines_of_a_step_hold_its_numbers(name):
    trace = preset(name)
    lines = samme.working(trace)
    assert len(lines) == len(trace)
    i = samme.picked(trace, 0)
    for t in range(1, len(trace)):
        found = {line.name: line.value for line in lines[t]}
        assert found["error"] == trace.error[t - 1]
        assert found["alpha"] == trace.alpha[t - 1]
        assert found["weight"] == trace.weights[t, i]
        near(found["own_loss"], trace.weights[t, i] * trace.loss[t], 1e-9)
        assert all("@" not in line.tex() for line in lines[t])


def test_questions_name_the_mistake():
    trace = preset("exercise")
    asked = {q.name: q for q in samme.questions(trace, 1)}
    e = Fraction(1, 3)
    assert judge(asked["error"], float(e)).right
    assert judge(asked["alpha"], 2 / 3 * math.log(4)).right
    assert "SAMME" in judge(asked["alpha"], math.log(4)).sentence
    assert "log(K − 1)" in judge(asked["alpha"], 2 / 3 * math.log(2)).sentence
    later = {q.name: q for q in samme.questions(trace, 2)}
    assert judge(later["error"], 1 / 6).right
    assert "counted" in judge(later["error"], 1 / 3).sentence


# Bad input


@pytest.mark.parametrize(
    ("X", "y", "votes", "says"),
    [
        ([[1.0], [math.nan]], [0, 1], None, "X must be numbers"),
        ([[1.0], [math.inf]], [0, 1], None, "X must be numbers"),
        ([[1.0], [2]], [0], None, "X must have a class"),
        ([[1.0], [2]], [0, 0.5], None, "y must be whole"),
        ([[1.0], [2]], [0, -1], None, "y must be whole"),
        ([[1.0], [2]], [], None, "y is empty"),
        ([], [1, 2], None, "X must have 2 dimensions"),
        ([1.0, 2], [0, 1], None, "X must have 2 dimensions"),
        (np.zeros((70, 1)), np.arange(70), None, "y may have at most 60"),
        (np.zeros((2, 1001)), [0, 1], None, "X may have at most 1,000 columns"),
        (np.zeros((90_000, 1)), np.arange(90_000) % 50, None, "X may have at most"),
        ([[1.0]], [0], [[0]], "votes and X cannot both"),
        ([], [0, 1], [[0]], "votes must have a class in y"),
        ([], [0, 1], [[0, 1.5]], "votes must be whole"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(X, y, votes, says):
    with pytest.raises(DataError, match=says) as said:
        samme.run(X, y, votes=votes)
    assert str(said.value).endswith(".")


@pytest.mark.parametrize(
    ("votes", "y", "classes", "says"),
    [
        ([[0, 3]], [0, 1], 3, "votes must be whole"),
        ([[0, 1]], [0, 3], 3, "y must be whole"),
        ([[0, 1]], [0, 1], 0, "classes must lie"),
        ([[0, 1]], [0, 1], 2.5, "classes must be"),
        ([[0, 1, 1]], [0, 1], 2, "votes must have a class"),
    ],
)
def test_votes_that_cannot_be_counted(votes, y, classes, says):
    with pytest.raises((DataError, ParamError), match=says):
        samme.from_votes(votes, y, classes)


@pytest.mark.parametrize("bad", [{"rounds": 0}, {"rounds": 501}, {"depth": 4}, {"digits": 10}])
def test_a_knob_out_of_its_bounds(bad):
    with pytest.raises(ParamError):
        Params(**bad)


def test_what_is_given_stays_as_it_is():
    X, y = np.array([[3.0], [1], [2]]), np.array([0, 1, 0])
    before = X.copy(), y.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trace = samme.run(X, y)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert not trace.weights.flags.writeable
