"""Backpropagation at any depth: golden cases, three judges, theorems, slips, bad input."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.gradients import mlp
from engine.gradients.mlp_cases import drawn_layers
from engine.gradients.mlp_lesson import steps, when
from engine.params import ParamError
from engine.predict import judge

SLIPS = mlp.SLIPS


def network(
    sizes: tuple[int, ...], hidden: str = "sigmoid", scale: float = 1.0, seed: int = 0
) -> Any:
    return mlp.Network(*drawn_layers(sizes, scale, seed), hidden=hidden)


def data(n: int, wide: int, many: int = 1, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    return draw.normal(size=(n, wide)), (draw.random((n, many)) < 0.5).astype(float)


def drawn(sizes: tuple[int, ...], n: int = 4, **how: Any) -> mlp.Backprop:
    return mlp.run(network(sizes, **how), *data(n, sizes[0], sizes[-1]))


@pytest.fixture(scope="module", params=["s000.1.L3", "s000.1.L4"])
def exercise(request: pytest.FixtureRequest, golden: dict[str, Any]) -> tuple[Any, mlp.Backprop]:
    case = golden[request.param]
    return case, mlp.run(mlp.Network(case["W"], case["b"]), case["X"], case["y"])


@pytest.fixture(scope="module")
def course(golden: dict[str, Any]) -> mlp.Backprop:
    case = golden["s002.2"]
    first, second = np.array(case["W1"]), np.array(case["W2"])
    net = mlp.Network([first[1:], second[1:]], [first[0], second[0]], hidden="tanh")
    return mlp.run(net, case["X"], case["Y"])


def with_bias(trace: mlp.Backprop, layer: int) -> np.ndarray:
    """Gradient of one layer as the exercise writes it: the bias in the first row."""
    return np.vstack([trace.dbiases[layer], trace.dweights[layer]])


# The hand-worked cases.


def test_the_exercise(exercise: tuple[Any, mlp.Backprop]) -> None:
    case, trace = exercise
    assert trace.loss == pytest.approx(case["loss"], rel=1e-14)
    np.testing.assert_allclose(trace.activations[-1][:, 0], case["f"], rtol=1e-14)
    for got, want in zip(trace.dweights, case["dW"], strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-15)
    for got, want in zip(trace.dbiases, case["db"], strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-15)


def test_the_two_layer_net(course: mlp.Backprop, golden: dict[str, Any]) -> None:
    case = golden["s002.2"]
    assert course.loss == pytest.approx(case["loss"], rel=1e-14)
    np.testing.assert_allclose(course.activations[-1], case["A3"], rtol=1e-14)
    np.testing.assert_allclose(course.deltas[1], case["delta3"], atol=1e-15)
    np.testing.assert_allclose(course.deltas[0], case["delta2"], atol=1e-15)
    np.testing.assert_allclose(with_bias(course, 0), case["dW1"], atol=1e-15)
    np.testing.assert_allclose(with_bias(course, 1), case["dW2"], atol=1e-15)
    assert course.params.rate == 0.1
    assert mlp.after(course) == pytest.approx(case["loss_after_step_0p1"], rel=1e-13)


def test_the_presets_hold_the_exercises(golden: dict[str, Any]) -> None:
    for name, case in (("exercise", "s000.1.L3"), ("course", "s002.2")):
        preset = mlp.PRESETS[name]
        trace = mlp.run(**preset.data, params=preset.params)
        assert trace.loss == pytest.approx(golden[case]["loss"], rel=1e-14)


# The slips, as they were printed.


def test_the_sum_closed_too_early_is_the_printed_number(golden: dict[str, Any]) -> None:
    case, wrong = golden["s000.1.L3"], golden["wrong.s000.1.L3"]
    trace = mlp.run(mlp.Network(case["W"], case["b"]), case["X"], case["y"])
    shown = mlp.slipped(trace, SLIPS["sum-too-early"])
    np.testing.assert_allclose(shown.dweights[0], wrong["dW1"], atol=1e-16)
    np.testing.assert_allclose(shown.dbiases[0], wrong["db1"], atol=1e-16)


@pytest.mark.parametrize(("case", "error"), [("s000.1.L3", 0.86), ("s000.1.L4", 0.94)])
def test_how_far_off_it_is(golden: dict[str, Any], case: str, error: float) -> None:
    c = golden[case]
    trace = mlp.run(mlp.Network(c["W"], c["b"]), c["X"], c["y"])
    shown = mlp.slipped(trace, SLIPS["sum-too-early"]).dweights[0]
    off = np.abs(shown - trace.dweights[0]).max() / np.abs(trace.dweights[0]).max()
    assert off == pytest.approx(error, abs=0.005)


@given(depth=st.integers(1, 5), width=st.integers(1, 4), seed=st.integers(0, 99))
def test_with_one_example_it_is_right(depth: int, width: int, seed: int) -> None:
    trace = drawn((2, *[width] * (depth - 1), 1), n=1, seed=seed)
    assert not any(mask.any() for mask in mlp.wrong_cells(trace, SLIPS["sum-too-early"]).values())
    assert mlp.certify(trace, SLIPS["sum-too-early"]).holds


def test_the_flipped_sign_makes_the_loss_rise(course: mlp.Backprop, golden: dict[str, Any]) -> None:
    wrong = golden["wrong.s002.2"]
    shown = mlp.slipped(course, SLIPS["flipped-sign"])
    np.testing.assert_allclose(with_bias(shown, 0), wrong["dW1_sign"], atol=1e-15)
    np.testing.assert_allclose(with_bias(shown, 1), wrong["dW2"], atol=1e-15)
    assert mlp.after(shown) == pytest.approx(4.10600, abs=5e-6)  # derivations, 002-2
    assert mlp.after(course) < course.loss < mlp.after(shown)


def test_the_moved_parenthesis_is_silent_at_n_equal_to_d_plus_1(
    course: mlp.Backprop, golden: dict[str, Any]
) -> None:
    shown = mlp.slipped(course, SLIPS["parenthesis"])
    printed = np.array(golden["wrong.s002.2"]["dW1_parentheses"])  # with the flipped sign in it
    np.testing.assert_allclose(with_bias(shown, 0), -printed, atol=1e-15)
    right = with_bias(course, 0)
    off = np.abs(printed + right).max() / np.abs(right).max()
    assert off == pytest.approx(0.055, abs=5e-4)
    assert np.isfinite(with_bias(shown, 0)).all()
    other = mlp.slipped(drawn((2, 3, 2), n=4), SLIPS["parenthesis"])
    assert np.isnan(with_bias(other, 0)).all()
    assert np.isfinite(other.dweights[1]).all()


def test_a_missing_column_of_ones_leaves_the_later_biases_without_a_row(
    course: mlp.Backprop,
) -> None:
    wrong = mlp.wrong_cells(course, SLIPS["bias-column"])
    assert {name for name, mask in wrong.items() if mask.any()} == {"db2"}
    assert wrong["db2"].all()


def test_one_layer_too_many_is_the_gradient_of_a_deeper_net() -> None:
    """Where all hidden layers do the same, passing one twice is a net with one more of them."""
    trace = drawn((3, 3, 3, 1), n=5)
    shown = mlp.slipped(trace, SLIPS["layer-too-many"])
    W, slope = trace.network.weights, trace.slope
    by_hand = (trace.deltas[1] @ W[1].T * slope(2)) @ W[1].T * slope(1)
    np.testing.assert_allclose(shown.dweights[0], trace.X.T @ by_hand, rtol=1e-13)
    np.testing.assert_array_equal(shown.dweights[1], trace.dweights[1])
    narrow = mlp.slipped(drawn((3, 4, 2, 1)), SLIPS["layer-too-many"])
    assert np.isnan(narrow.dweights[0]).all()


def test_a_kept_denominator_turns_nan_where_the_output_rounds() -> None:
    net = mlp.Network([[[40.0]]], [[0.0]])
    trace = mlp.run(net, [[1.0]], [0.0])  # derivations, 000-1: z = 40, y = 0
    assert trace.deltas[0][0, 0] == 1.0
    assert trace.loss == pytest.approx(40, abs=1e-12)
    assert np.isnan(mlp.slipped(trace, SLIPS["unfused"]).dweights[0]).all()
    assert mlp.certify(trace).holds
    assert not mlp.certify(trace, SLIPS["unfused"]).holds


@pytest.mark.parametrize("slip", ["layer-too-many", "bias-column", "parenthesis"])
def test_without_a_hidden_layer_these_hide(slip: str) -> None:
    trace = drawn((3, 2), n=4)
    assert mlp.certify(trace, SLIPS[slip]).holds
    assert not mlp.certify(drawn((3, 2, 2), n=5), SLIPS[slip]).holds


@pytest.mark.parametrize("name", mlp.PRESETS)
def test_the_certificate_is_red_where_cells_light_up(name: str) -> None:
    case = mlp.PRESETS[name]
    trace = mlp.run(**case.data, params=case.params)
    certificate = mlp.certify(trace)
    assert certificate.holds, str(certificate)
    assert certificate.count == sum(value.size for value in mlp.names(trace).values())
    for slip in SLIPS.values():
        lit = sum(int(mask.sum()) for mask in mlp.wrong_cells(trace, slip).values())
        judged = mlp.certify(trace, slip)
        assert judged.wrong == lit, slip.name
        assert judged.holds == (lit == 0)


# Against autograd and complex steps.

sizes_drawn = st.lists(st.integers(1, 5), min_size=2, max_size=6).map(tuple)


@settings(max_examples=60)
@given(
    sizes=sizes_drawn,
    hidden=st.sampled_from(["sigmoid", "tanh"]),
    n=st.integers(1, 6),
    scale=st.floats(0, 30),
    seed=st.integers(0, 999),
)
def test_every_network_is_certified(
    sizes: tuple[int, ...], hidden: str, n: int, scale: float, seed: int
) -> None:
    trace = drawn(sizes, n=n, hidden=hidden, scale=scale, seed=seed)
    certificate = mlp.certify(trace)
    assert certificate.holds, str(certificate)
    judges = {check.against for check in certificate.checks}
    assert judges == {"torch autograd", "complex steps"}


def test_deep_and_wide_and_huge_weights_stay_certified() -> None:
    for trace in (
        drawn((20, *[20] * 7, 3), n=8),
        drawn((4, 4, 4), n=3, scale=1e5),
        drawn((1, 1), n=1, scale=0),
    ):
        assert mlp.certify(trace).holds


def test_a_wrong_pass_does_not_pass(course: mlp.Backprop) -> None:
    import dataclasses

    for k in range(2):
        nudged = [dW.copy() for dW in course.dweights]
        nudged[k][0, 0] += 1e-9
        assert not mlp.certificate(
            course, dataclasses.replace(course, dweights=tuple(nudged))
        ).holds


# Theorems.


def test_soft_targets_and_the_mean_loss() -> None:
    """Two copies of the data give twice the gradient; a soft target mixes two hard ones."""
    net, (X, y) = network((3, 4, 2)), data(5, 3, 2)
    once, twice = mlp.run(net, X, y), mlp.run(net, np.vstack([X, X]), np.vstack([y, y]))
    for a, b in zip(once.dweights, twice.dweights, strict=True):
        np.testing.assert_allclose(2 * a, b, rtol=1e-12)
    low, high = (mlp.run(net, X, np.full_like(y, v)) for v in (0.0, 1.0))
    soft = mlp.run(net, X, np.full_like(y, 0.3))
    for a, b, mixed in zip(low.dweights, high.dweights, soft.dweights, strict=True):
        np.testing.assert_allclose(0.7 * a + 0.3 * b, mixed, atol=1e-13)


@given(seed=st.integers(0, 200), hidden=st.sampled_from(["sigmoid", "tanh"]))
def test_a_small_step_down_lowers_the_loss_as_much_as_it_says(seed: int, hidden: str) -> None:
    params = mlp.Params(hidden=hidden, seed=seed, rate=1e-4, layers=3, width=3, examples=4)
    trace = mlp.run([], [], [], params)
    size = sum(float((g**2).sum()) for g in (*trace.dweights, *trace.dbiases))
    fall = trace.loss - mlp.after(trace)
    assert fall == pytest.approx(1e-4 * size, rel=0.02, abs=1e-12)


def test_a_sigmoid_passes_a_quarter_at_most() -> None:
    trace = drawn((6, *[6] * 6, 1), n=8)
    for k, W in enumerate(trace.network.weights[1:], 1):
        back = np.linalg.norm(trace.deltas[k] @ W.T, axis=1)
        assert (np.linalg.norm(trace.deltas[k - 1], axis=1) <= back / 4 + 1e-15).all()


def test_equal_columns_stay_equal() -> None:
    W = np.repeat([[0.3], [-0.2]], 3, axis=1)
    net = mlp.Network([W, np.ones((3, 1))], [np.zeros(3), np.zeros(1)], hidden="tanh")
    trace = mlp.run(net, *data(5, 2))
    assert np.ptp(trace.dweights[0], axis=1).max() == 0.0  # derivations, 002-2: exactly


# Paths.


def all_products(trace: mlp.Backprop, layer: int, row: int, col: int) -> list[float]:
    """(9) by walking every path, in plain Python."""
    depth, sizes, out = len(trace.network), trace.network.sizes, []
    for n in range(len(trace.X)):
        for above in itertools.product(*(range(size) for size in sizes[layer + 2 :])):
            way, value = (col, *above), float(trace.activations[layer][n, row])
            for k, (here, there) in enumerate(itertools.pairwise(way), layer + 1):
                a = float(trace.activations[k][n, here])
                value *= (1 - a * a) if trace.network.hidden == "tanh" else a * (1 - a)
                value *= float(trace.network.weights[k][here, there])
            out.append(value * float(trace.activations[depth][n, way[-1]] - trace.y[n, way[-1]]))
    return out


@settings(max_examples=40)
@given(
    sizes=sizes_drawn,
    n=st.integers(1, 3),
    hidden=st.sampled_from(["sigmoid", "tanh"]),
    pick=st.data(),
)
def test_all_paths_add_up_to_the_matrix_product(
    sizes: tuple[int, ...], n: int, hidden: str, pick: Any
) -> None:
    net, (X, y) = network(sizes, hidden), data(n, sizes[0], sizes[-1])
    layer = pick.draw(st.integers(0, len(net) - 1))
    row, col = (pick.draw(st.integers(0, size - 1)) for size in net.weights[layer].shape)
    why = mlp.explain(net, X, y, layer, row, col, most=100_000)
    trace = mlp.run(net, X, y)
    walked = all_products(trace, layer, row, col)
    assert why.count == len(walked) == len(why.terms)
    assert why.left_out == 0
    np.testing.assert_allclose(sorted(t.value for t in why.terms), sorted(walked), atol=1e-13)
    assert why.value == trace.dweights[layer][row, col]
    assert math.fsum(t.value for t in why.terms) == pytest.approx(why.value, abs=1e-12)
    assert why.rest == pytest.approx(0, abs=1e-12)


@settings(max_examples=30)
@given(most=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_terms_shown_are_the_largest(most: int, seed: int) -> None:
    trace = drawn((3, 4, 3, 4, 2), n=5, seed=seed)
    why = mlp.explained(trace, 0, 1, 2, most)
    walked = sorted((abs(v) for v in all_products(trace, 0, 1, 2)), reverse=True)
    np.testing.assert_allclose([abs(t.value) for t in why.terms], walked[:most], rtol=1e-12)
    assert why.left_out == len(walked) - most
    rest = why.value - math.fsum(t.value for t in why.terms)
    assert why.rest == pytest.approx(rest, abs=1e-13)


def test_a_term_is_the_product_of_the_numbers_in_it(exercise: tuple[Any, mlp.Backprop]) -> None:
    _, trace = exercise
    for term in mlp.explained(trace, 0, 2, 1).terms:
        assert math.prod(term.numbers.values()) == pytest.approx(term.value, rel=1e-13)
        assert set(term.line.slots()) == set(term.numbers)
        assert len(term.path) == len(trace.network)


def test_the_paths_are_counted_as_the_derivation_counts_them() -> None:
    """L = 6, H = 20, one output: 160,000 paths against 2,400 products for the whole net, 000-1."""
    trace = drawn((20, 20, 20, 20, 20, 20, 1), n=1)
    why = mlp.explained(trace, 0, 0, 0, most=3)
    assert why.count == 20**4
    assert why.products == 4 * 20 * 20 + 20
    assert len(why.terms) == 3


def test_half_a_billion_paths_are_never_walked() -> None:
    trace = drawn((20, *[20] * 7, 1), n=8)
    why = mlp.explained(trace, 0, 0, 0, most=8)
    assert why.count == 8 * 20**6
    assert len(why.terms) == 8
    sizes = [abs(t.value) for t in why.terms]
    assert sizes == sorted(sizes, reverse=True)


def test_a_very_wide_net_is_explained_by_its_examples() -> None:
    trace = drawn((5, 300, 300, 1), n=400)
    why = mlp.explained(trace, 0, 1, 2)
    assert not why.by_path
    assert len(why.terms) == 400
    assert math.fsum(t.value for t in why.terms) == pytest.approx(why.value, rel=1e-10)


# Steps, working, questions, the one picked.


@pytest.mark.parametrize("depth", range(1, 9))
def test_out_and_back_layer_by_layer(depth: int) -> None:
    walk = steps(depth)
    trace = drawn((2, *[2] * depth))
    assert len(walk) == len(trace) == len(mlp.working(trace))
    assert [s.layer for s in walk if s.kind == "forward"] == list(range(1, depth + 1))
    assert [s.layer for s in walk if s.kind == "delta"] == list(range(depth, 0, -1))
    for k in range(1, depth + 1):
        assert when(depth, "gradient", k) == when(depth, "delta", k) + 1


@pytest.mark.parametrize("name", mlp.PRESETS)
def test_the_working_says_the_numbers_of_the_trace(name: str) -> None:
    case = mlp.PRESETS[name]
    trace = mlp.run(**case.data, params=case.params)
    weight = mlp.picked(trace, 1, 0, 0)
    named = mlp.names(trace)
    for slip in (None, *SLIPS.values()):
        shown = mlp.slipped(trace, slip) if slip else trace
        for line in itertools.chain(*mlp.working(shown, slip, weight)):
            assert set(line.slots()) <= set(line.numbers)
            assert line.tex()
            head, *at = line.name.split(".")
            if slip is None and head in ("dW", "db", "delta"):
                value = named[f"{head}{at[0]}"][tuple(map(int, at[1:]))]
                assert line.value == value


def test_the_weight_one_means(course: mlp.Backprop) -> None:
    size = np.abs(course.dweights[0])
    assert mlp.picked(course, 1, 0, 0) == (0, *np.unravel_index(size.argmax(), size.shape))
    assert mlp.picked(course, 2, 1, 2) == (1, 0, 1)
    assert mlp.picked(course, 1, 2, 0) == (0, 1, int(size[1].argmax()))
    assert mlp.picked(course, 9, 99, 99) == (1, 1, 1)


def test_a_mistake_is_named(exercise: tuple[Any, mlp.Backprop]) -> None:
    _, trace = exercise
    asked = {q.name: q for q in mlp.questions(trace, (0, 0, 1), 1)}
    gradient = asked["dW.1.0.1"]
    assert gradient.value == trace.dweights[0][0, 1]
    alone = trace.activations[0][1, 0] * trace.deltas[0][1, 1]
    assert "last example alone" in judge(gradient, float(alone)).sentence
    assert judge(gradient, gradient.value).right
    assert "wrong sign" in judge(gradient, -gradient.value).sentence


def test_a_longer_batch_begins_like_a_shorter_one() -> None:
    few, many = (mlp.run([], [], [], mlp.Params(examples=n)) for n in (3, 9))
    np.testing.assert_array_equal(few.X, many.X[:3])
    for a, b in zip(few.network.weights, many.network.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    other = mlp.run([], [], [], mlp.Params(seed=1))
    assert not np.array_equal(other.network.weights[0], few.network.weights[0])


def test_the_digits_are_pictures_of_784_pixels() -> None:
    case = mlp.PRESETS["digits"]
    trace = mlp.run(**case.data, params=case.params)
    assert trace.network.sizes == (784, 12, 10)
    assert (trace.X.min(), trace.X.max()) == (0.0, 1.0)
    assert (trace.y.sum(1) == 1).all()


def test_the_same_lines_run_on_torch() -> None:
    net, (X, y) = network((4, 6, 5, 3), "tanh"), data(7, 4, 3)
    here, there = mlp.run(net, X, y), mlp.run(net, X, y, device="torch-cpu")
    assert there.device == "torch-cpu"
    assert there.loss == pytest.approx(here.loss, rel=1e-13)
    for name, value in mlp.names(here).items():
        np.testing.assert_allclose(mlp.names(there)[name], value, atol=1e-13, err_msg=name)


def test_nothing_computed_can_be_changed() -> None:
    trace = drawn((2, 3, 1))
    arrays = [*trace.activations, *trace.deltas, *trace.dweights, *trace.dbiases, trace.dX, trace.X]
    assert not any(a.flags.writeable for a in arrays)
    shown = mlp.slipped(trace, SLIPS["flipped-sign"])
    assert not any(a.flags.writeable for a in (*shown.deltas, *shown.dweights, *shown.dbiases))


# Bad input.

GOOD = ([[[0.1, 0.2], [0.3, 0.4]]], [[0.0, 0.0]])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: mlp.Network([], []), "at least one layer"),
        (lambda: mlp.Network([[[1.0]]], []), "as many biases as weights"),
        (lambda: mlp.Network([[[1.0]], [[1.0], [2.0]]], [[0.0], [0.0]]), "W_2 must have 1 rows"),
        (lambda: mlp.Network([[[1.0, 2.0]]], [[0.0]]), "b_1 must hold 2"),
        (lambda: mlp.Network([[[math.nan]]], [[0.0]]), "W_1 must be numbers"),
        (lambda: mlp.Network([[[1e9]]], [[0.0]]), "W_1 must be numbers in"),
        (lambda: mlp.Network([[["a"]]], [[0.0]]), "W_1 must be numbers only"),
        (lambda: mlp.Network([[1.0]], [[0.0]]), "W_1 must have 2 dimensions"),
        (lambda: mlp.Network(*GOOD, hidden="relu"), "hidden must be sigmoid or tanh"),
        (
            lambda: mlp.run(mlp.Network(*GOOD), [[1.0, 2.0, 3.0]], [[0.0, 1.0]]),
            "X must have 2 columns",
        ),
        (lambda: mlp.run(mlp.Network(*GOOD), [[1.0, 2.0]], [[0.0]]), "y must be 1 × 2"),
        (lambda: mlp.run(mlp.Network(*GOOD), [[1.0, 2.0]], [[0.0, 1.5]]), "y must be numbers in"),
        (lambda: mlp.run(mlp.Network(*GOOD), [], [[0.0, 1.0]]), "X must have 2 dimensions"),
        (lambda: mlp.run(mlp.Network(*GOOD), [[math.inf, 1.0]], [[0.0, 1.0]]), "X must be numbers"),
        (lambda: mlp.run([[[1.0]]], [[1.0]], [[1.0]], mlp.Params()), "network must have rows"),
        (lambda: mlp.run([[[1.0, 2.0], [1.0]]], [[1.0]], [[1.0]], mlp.Params()), "in layer 1"),
        (lambda: mlp.run([], [[1.0]] * 65, [], mlp.Params()), "X must have at most 64 rows"),
        (lambda: mlp.explained(drawn((2, 1)), 1, 0, 0), r"layer must lie in \[0, 0\]"),
        (lambda: mlp.explained(drawn((2, 1)), 0, 2, 0), r"row must lie in \[0, 1\]"),
        (lambda: mlp.explained(drawn((2, 1)), 0, 0, -1), r"col must lie in \[0, 0\]"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(make: Any, says: str) -> None:
    with pytest.raises(DataError, match=says) as error:
        make()
    assert str(error.value).count(".") >= 1
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("layers", 9), ("width", 0), ("examples", 65), ("scale", -1), ("rate", math.nan)],
)
def test_a_knob_out_of_bounds_is_named(name: str, value: float) -> None:
    with pytest.raises(ParamError, match=rf"mlp\.Params\.{name}"):
        mlp.Params(**{name: value})
