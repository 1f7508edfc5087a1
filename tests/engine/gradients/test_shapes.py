"""Shapes: the exercise, theorems, the torch layer as second route, slips, bad input."""

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.data import DataError
from engine.gradients import shapes
from engine.gradients.shapes import Conv, Flatten, Linear, Pool
from engine.gradients.shapes_certificate import certificate
from engine.gradients.shapes_layers import LARGEST, Side
from engine.gradients.shapes_text import layers_of, shape_of, spell
from engine.params import ParamError
from engine.predict import judge
from engine.trace import Trace

EXERCISE = [Conv(20, 5), Pool(2), Conv(50, 5), Pool(2)]
sides = st.integers(1, 20)
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
convs = st.builds(
    Conv, st.integers(1, 4), pairs, pairs, st.tuples(st.integers(0, 3), st.integers(0, 3)), pairs
)
pools = st.builds(
    lambda kernel, stride, ceil, share: Pool(
        kernel, stride, ceil, tuple(int(share * (k // 2)) for k in kernel)
    ),
    pairs,
    pairs,
    st.booleans(),
    st.sampled_from([0, 1]),
)
volumes = st.tuples(sides, sides, st.integers(1, 4))


def trace_of(name: str) -> shapes.Shapes:
    case = shapes.PRESETS[name]
    return shapes.run(**case.data, params=case.params)


def found(trace: shapes.Shapes) -> list[tuple[int, ...]]:
    return [row.shape for row in trace.rows]


def module(layer: Any, before: tuple[int, ...]) -> torch.nn.Module:
    """The torch layer, written down here once more."""
    if isinstance(layer, Conv):
        return torch.nn.Conv2d(
            before[2], layer.channels, layer.kernel, layer.stride, layer.padding, layer.dilation
        )
    if isinstance(layer, Pool):
        return torch.nn.MaxPool2d(layer.kernel, layer.stride, layer.padding, ceil_mode=layer.ceil)
    return torch.nn.Linear(math.prod(before), layer.out)


# The exercise.


def test_part_g() -> None:
    trace = shapes.run((28, 28, 1), [Conv(20, 5), Pool(2)])
    assert found(trace) == [(28, 28, 1), (24, 24, 20), (12, 12, 20)]
    assert [row.weights for row in trace.rows] == [0, 20 * 25, 0]
    assert [row.biases for row in trace.rows] == [0, 20, 0]


def test_part_h() -> None:
    row = shapes.run((12, 12, 20), [Conv(50, 5), Pool(2)]).rows
    assert [r.shape for r in row[1:]] == [(8, 8, 50), (4, 4, 50)]
    assert (row[1].weights, row[1].biases) == (50 * 20 * 5 * 5, 50)
    assert row[1].weights + row[1].biases == 25_050
    assert all(r.discarded == (0, 0) for r in row)


def test_part_h_backwards_has_two_answers_and_one_that_is_exact() -> None:
    answers = shapes.solve((12, 12, 20), (4, 4, 50), pool=2)
    assert [(a.kernel, a.stride, a.exact) for a in answers] == [(5, 1, True), (4, 1, False)]
    assert [a.between for a in answers] == [(8, 8), (9, 9)]
    assert [a.pool_cut for a in answers] == [(0, 0), (1, 1)]
    assert [(a.filters, a.depth, a.weights) for a in answers] == [
        (50, 20, 25_000),
        (50, 20, 16_000),
    ]


def test_the_net_of_the_third_exercise() -> None:
    """001-3: 8x8, then 4x4, 2x2 and a vector."""
    chain = [Conv(64, 3, 2, 1), Pool(2), Conv(64, 3, 1, 1), Pool(2), Linear(10)]
    trace = shapes.run((8, 8, 1), chain)
    assert [shape[:2] for shape in found(trace)[:5]] == [(8, 8), (4, 4), (2, 2), (2, 2), (1, 1)]
    assert trace.rows[-1].weights == 64 * 10


@pytest.mark.parametrize(
    ("name", "parameters"), [("lenet", 61_706), ("alexnet", 61_100_840), ("exercise", 25_570)]
)
def test_known_nets_have_as_many_parameters_as_is_known(name: str, parameters: int) -> None:
    trace = trace_of(name)
    assert trace.parameters == parameters
    assert trace.parameters_so_far[-1] == parameters
    assert trace.parameters_so_far[0] == 0


def test_vgg_by_text() -> None:
    blocks = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
    words = [f"conv 3x3 {c} pad 1; " * n + "pool 2" for c, n in blocks]
    text = "; ".join([*words, "linear 4096", "linear 4096", "linear 1000"])
    trace = shapes.run("224x224x3", text)
    assert trace.rows[18].shape == (7, 7, 512)
    assert trace.parameters == 138_357_544


# Each layer against torch.


@settings(max_examples=150)
@given(volume=volumes, layer=st.one_of(convs, pools))
def test_a_layer_does_what_the_torch_layer_does(volume: tuple, layer: Any) -> None:
    x = torch.zeros(1, volume[2], *volume[:2])
    torch_layer = module(layer, volume)
    try:
        y = torch_layer(x)
    except RuntimeError:
        with pytest.raises(DataError, match=r"^layers must fit: .*\.$"):
            shapes.run(volume, [layer])
        return
    trace = shapes.run(volume, [layer])
    row = trace.rows[1]
    assert (row.shape[2], *row.shape[:2]) == tuple(y.shape[1:])
    counted = sum(p.numel() for p in torch_layer.parameters())
    assert row.weights + row.biases == counted == trace.parameters
    assert shapes.certify(trace).holds


@settings(max_examples=60)
@given(volume=volumes, layer=st.one_of(convs, pools))
def test_what_is_discarded_has_no_influence(volume: tuple, layer: Any) -> None:
    """Torch's gradient is 0 in the discarded rows and columns, and not in those before them."""
    rows, columns = layer.sides(*volume[:2])
    assume(rows.room >= 0 and columns.room >= 0)
    row = shapes.run(volume, [layer]).rows[1]
    assert row.discarded == (rows.rest, columns.rest)
    for side in (rows, columns):
        x = torch.ones(1, 1, side.padded + side.over, requires_grad=True)
        w = torch.ones(1, 1, side.kernel)
        torch.nn.functional.conv1d(
            x, w, stride=side.stride, dilation=side.dilation
        ).sum().backward()
        last = int(x.grad[0, 0].nonzero().max())
        if side.rest:
            assert last == side.padded - side.rest - 1
        else:
            assert last == side.padded + side.over - 1


@given(out=st.integers(1, 500), volume=volumes)
def test_a_linear_layer_sees_everything(out: int, volume: tuple) -> None:
    numbers = math.prod(volume)
    for chain in ([Linear(out)], [Flatten(), Linear(out)]):
        row = shapes.run(volume, chain).rows[-1]
        assert row.shape == (out,)
        assert (row.weights, row.biases) == (out * numbers, out)
    assert shapes.run(volume, [Flatten()]).rows[1].shape == (numbers,)


def test_a_vector_may_go_in() -> None:
    trace = shapes.run(784, [Linear(100), Linear(10)])
    assert found(trace) == [(784,), (100,), (10,)]
    assert trace.parameters == 784 * 100 + 100 + 1000 + 10
    assert shapes.certify(trace).holds


# Theorems.


@given(
    st.integers(1, 60), st.integers(1, 9), st.integers(1, 6), st.integers(0, 4), st.integers(1, 4)
)
def test_the_places_of_a_window_can_be_counted(n: int, k: int, s: int, p: int, d: int) -> None:
    side = Side(n, k, s, p, d)
    places = [i for i in range(0, n + 2 * p, s) if i + d * (k - 1) < n + 2 * p]
    assume(side.room >= 0)
    assert side.out == len(places)
    assert side.rest == n + 2 * p - 1 - (places[-1] + d * (k - 1))
    assert 0 <= side.rest < s
    assert side.over == 0


@given(st.integers(1, 60), st.integers(0, 4), st.integers(1, 4))
def test_a_padding_of_half_the_span_keeps_the_size(n: int, half: int, d: int) -> None:
    side = Side(n, 2 * half + 1, 1, d * half, d)
    assert side.out == n


@settings(max_examples=60)
@given(
    volume=st.tuples(st.integers(1, 14), st.integers(1, 14), st.integers(1, 3)),
    goal=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5)),
    pool=st.integers(1, 3),
    padding=st.integers(0, 2),
)
def test_solve_finds_all_and_only_what_reaches_the_target(
    volume: tuple, goal: tuple, pool: int, padding: int
) -> None:
    reaching = set()
    for p in range(padding + 1):
        most = min(volume[:2]) + 2 * p
        for kernel, stride in itertools.product(range(p + 1, most + 1), range(1, most + 1)):
            if stride > kernel:
                continue
            x = torch.zeros(1, 1, *volume[:2])
            y = torch.nn.functional.conv2d(x, torch.zeros(1, 1, kernel, kernel), None, stride, p)
            if min(y.shape[2:]) < pool:
                continue
            if tuple(torch.nn.functional.max_pool2d(y, pool).shape[2:]) == goal[:2]:
                reaching.add((kernel, stride, p))
    answers = shapes.solve(volume, goal, pool, padding)
    assert {(a.kernel, a.stride, a.padding) for a in answers} == reaching
    assert len(answers) == len(reaching)
    assert all(a.filters == goal[2] and a.depth == volume[2] for a in answers)
    exact = [a.exact for a in answers]
    assert exact == sorted(exact, reverse=True)


def test_solve_is_bounded_and_quick_where_there_are_millions() -> None:
    assert len(shapes.solve((LARGEST, LARGEST, 1), (1, 1, 1))) == 500
    assert shapes.solve((LARGEST, LARGEST, 1), (2, 3, 1)) == ()
    assert shapes.solve((4, 4, 3), (40, 40, 1)) == ()


# Two routes: typed and built.


@given(
    st.lists(st.one_of(convs, pools, st.builds(Linear, st.integers(1, 99))), min_size=1, max_size=6)
)
def test_a_chain_is_read_as_it_is_spelled(chain: list) -> None:
    text = "; ".join(spell(layer) for layer in chain)
    assert layers_of(text) == tuple(chain)


def test_a_chain_may_be_typed_in_more_than_one_way() -> None:
    wanted = (Conv(20, 5, 2, (1, 0)), Pool(3, 2, True), Flatten(), Linear(10))
    for text in (
        "conv 5x5 20 stride 2 pad 1x0; pool 3 stride 2 ceil; flatten; linear 10",
        "Conv 5 20 s=2 p=1×0 -> POOL 3x3, stride 2, ceil -> flatten -> linear 10",
        "conv 5×5, 20, stride 2, padding 1x0\npool 3 ceil s 2\n\nflatten\nlinear(10);",
    ):
        assert layers_of(text) == wanted
    typed = shapes.run(
        "30 x 30, 3", "conv 5x5 20 stride 2 pad 1x0; pool 3 stride 2 ceil; linear 10"
    )
    built = shapes.run((30, 30, 3), [*wanted[:2], wanted[3]])
    assert typed.digest() == built.digest()
    assert shape_of("input_shape", "28x28") == (28, 28, 1)


def test_a_trace_is_a_trace() -> None:
    trace = trace_of("exercise")
    assert isinstance(trace, Trace)
    assert len(trace) == len(trace.rows) == 5
    assert trace.at(3).channels == 50
    assert not trace.height.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        trace.height[0] = 1


# The certificate.


@pytest.mark.parametrize("field", ["height", "width", "channels", "weights", "biases", "discarded"])
def test_a_wrong_number_is_noticed(field: str) -> None:
    trace = trace_of("floor")
    for place in range(1, len(trace)):
        other = getattr(trace, field).copy()
        other[place] += 1
        told = certificate(trace, dataclasses.replace(trace, **{field: other}))
        assert not told.holds, (field, place)
        assert told.wrong == np.size(other[place])


def test_a_wrong_answer_and_a_missing_one_are_noticed() -> None:
    trace = trace_of("exercise")
    right = trace.answers[3]
    false = dataclasses.replace(right[0], kernel=6)
    for answers in ((false, right[1]), right[:1], (*right, right[0])):
        given_ = (*trace.answers[:3], answers, *trace.answers[4:])
        assert not certificate(trace, dataclasses.replace(trace, answers=given_)).holds


def test_sizes_that_fill_no_memory_are_certified_by_their_shapes() -> None:
    trace = shapes.run((LARGEST, LARGEST, 3), "conv 11x11 16 stride 7; pool 1000 stride 999 ceil")
    assert shapes.certify(trace).holds
    wide = shapes.run((9000, 9000, 3), [Linear(1000)], (3, 3, 5))
    assert wide.parameters == 1000 * 243_000_000 + 1000
    assert shapes.certify(wide).holds


def test_certifying_moves_no_random_generator() -> None:
    before = torch.get_rng_state()
    shapes.certify(trace_of("lenet"))
    assert torch.equal(torch.get_rng_state(), before)


# Slips.


def wrong_steps(trace: shapes.Shapes, slip: str, field: str) -> list[int]:
    return np.flatnonzero(shapes.wrong_cells(trace, shapes.SLIPS[slip])[field]).tolist()


def test_two_and_a_half_filters_make_three_channels() -> None:
    trace = trace_of("exercise")
    slip = shapes.SLIPS["filters"]
    shown = shapes.slipped(trace, slip)
    assert found(shown) == [(28, 28, 1), (24, 24, 20), (12, 12, 20), (8, 8, 3), (4, 4, 3)]
    assert shown.rows[3].weights == 3 * 20 * 25
    assert torch.nn.Conv2d(20, 3, 5)(torch.zeros(1, 20, 12, 12)).shape[1:] == (3, 8, 8)
    told = shapes.certify(trace, slip)
    assert not told.holds
    assert wrong_steps(trace, "filters", "channels") == [3, 4]
    assert wrong_steps(trace, "filters", "weights") == [3]
    assert wrong_steps(trace, "filters", "height") == []
    assert [a.filters for a in shown.answers[3]] == [3, 3]


@given(volume=volumes, filters=st.integers(1, 60))
def test_the_filters_slip_hides_just_where_one_channel_comes_in_or_goes_out(
    volume: tuple, filters: int
) -> None:
    trace = shapes.run(volume, [Conv(filters, 1)])
    slip = shapes.SLIPS["filters"]
    hides = volume[2] == 1 or filters == 1
    assert (shapes.slipped(trace, slip).digest() == trace.digest()) == hides
    assert any(mask.any() for mask in shapes.wrong_cells(trace, slip).values()) != hides


def test_rounding_up_pools_nine_to_five() -> None:
    trace = trace_of("floor")
    slip = shapes.SLIPS["rounded-up"]
    assert found(shapes.slipped(trace, slip))[3:] == [(9, 9, 50), (5, 5, 50)]
    assert not shapes.certify(trace, slip).holds
    assert wrong_steps(trace, "rounded-up", "height") == [4]
    assert shapes.certify(trace_of("exercise"), slip).holds


@given(volume=volumes, layer=convs)
def test_rounding_up_hides_just_where_windows_tile(volume: tuple, layer: Conv) -> None:
    rows, columns = layer.sides(*volume[:2])
    assume(rows.room >= 0 and columns.room >= 0)
    trace = shapes.run(volume, [layer])
    slip = shapes.SLIPS["rounded-up"]
    tiles = trace.rows[1].discarded == (0, 0)
    assert (found(shapes.slipped(trace, slip)) == found(trace)) == tiles
    assert shapes.certify(trace, slip).holds == tiles


def test_an_unknown_slip_is_refused() -> None:
    with pytest.raises(KeyError):
        shapes.slipped(
            trace_of("exercise"), dataclasses.replace(shapes.SLIPS["filters"], name="other")
        )


# Working and questions.


@pytest.mark.parametrize("name", shapes.PRESETS)
def test_each_line_is_what_its_numbers_give(name: str) -> None:
    trace = trace_of(name)
    for i, group in enumerate(shapes.working(trace)):
        for line in group:
            n = line.numbers
            kind = line.name.rstrip("0123456789")
            if kind in ("height", "width"):
                move = n["n"] + 2 * n["p"] - n["d"] * (n["k"] - 1) - 1
                up = line.tag == 4
                places = math.ceil(move / n["s"]) if up else math.floor(move / n["s"])
                assert line.value == places + 1 - line.formula.endswith(" - 1")
                assert line.value == getattr(trace, kind)[i]
            elif kind in ("rest", "rest_width"):
                move = n["n"] + 2 * n["p"] - n["d"] * (n["k"] - 1) - 1
                assert line.value == move % n["s"]
            elif kind == "weights" and "f" in n:
                assert line.value == n["f"] * n["c"] * n["a"] * n["b"] == trace.weights[i]
            elif kind == "parameters":
                assert line.value == trace.weights[i] + trace.biases[i]
            elif line.name == "total":
                assert line.value == trace.parameters
    names = [line.name for group in shapes.working(trace) for line in group]
    assert len(set(names)) == len(names)


def test_a_rectangular_window_has_a_line_for_each_side() -> None:
    groups = shapes.working(trace_of("oblong"))
    assert [line.name for line in groups[1][:4]] == ["height1", "rest1", "width1", "rest_width1"]
    assert groups[1][0].value == 7
    assert groups[1][2].value == 8
    assert groups[1][3].value == 2
    square = shapes.working(trace_of("exercise"))[1]
    assert [line.name for line in square] == [
        "height1", "rest1", "channels1", "weights1", "parameters1",
    ]  # fmt: skip


@pytest.mark.parametrize("name", shapes.PRESETS)
def test_a_question_asks_for_a_number_of_the_trace(name: str) -> None:
    trace = trace_of(name)
    lines = {line.name: line.value for group in shapes.working(trace) for line in group}
    asked = shapes.questions(trace)
    assert len({q.symbol for q in asked}) == len(asked) > 2
    for question in asked:
        assert question.value == lines[question.name]
        assert judge(question, question.value).right
        for value in question.mistakes.values():
            assert judge(question, value).right == (value == question.value)


def test_the_likely_mistakes_are_named() -> None:
    asked = {q.name: q for q in shapes.questions(trace_of("exercise"))}
    assert "+ 1" in judge(asked["height1"], 23).sentence
    assert "depth" in judge(asked["weights3"], 50 * 25).sentence
    assert "biases" in judge(asked["parameters3"], 25_000).sentence
    assert "makes only one" in judge(asked["weights3"], 3 * 20 * 25).sentence


# Bad input.


@pytest.mark.parametrize(
    ("chain", "says"),
    [
        ("", "at least one layer"),
        (" ; ;", "at least one layer"),
        ("conv", "spelled like conv 5x5 20; layer 1"),
        ("conv 5x5", "spelled like conv 5x5 20"),
        ("conv 5x5 20x3", "spelled like conv 5x5 20"),
        ("conv 5x5x5 20", "spelled like"),
        ("pool 2; dropout 0.5", "“dropout” at layer 2"),
        ("<script>alert(1)</script>", "something else at layer 1"),
        ("conv 0 20", "as kernel"),
        ("conv 5 0", "as channels"),
        ("conv 5 20 stride 0", "as stride"),
        ("conv 5 20 dilation 0", "as dilation"),
        ("conv 5 20 stride", "a number after stride"),
        ("conv 5 20 stride nan", "a number after stride"),
        ("conv 5 20 ceil", "“ceil”"),
        ("linear 10 stride 2", "“stride”"),
        ("linear -3", "spelled like linear 10"),
        ("pool 2 pad 2", "half its kernel"),
        ("conv 9999999 1", "as kernel"),
        ("conv 99999999 1", "spelled like"),
        ("; ".join(["pool 1"] * 25), "at most 24"),
        ("conv 29x1 3", "spans 29 rows and finds 28"),
        ("conv 1x29 3", "spans 29 columns and finds 28"),
        ("conv 15x15 3 dilation 3", "spans 43 rows"),
        ("pool 2; pool 2; pool 8", "layer 3, pool 8x8, spans 8 rows and finds 7"),
        ("linear 10; conv 1 3", "behind a vector, as layer 2 has"),
        ("flatten; pool 2", "behind a vector"),
        ("conv 1x1 100000; conv 1x1 100000; conv 28x28 100000", "10^12 numbers; layer 3"),
        ([], "at least one layer"),
        ([1], "Conv, Pool, Flatten and Linear"),
        (None, "Conv, Pool, Flatten and Linear"),
    ],
)
def test_an_impossible_chain_gets_one_sentence(chain: Any, says: str) -> None:
    with pytest.raises(DataError) as told:
        shapes.run((28, 28, 1), chain)
    sentence = str(told.value)
    assert sentence.startswith("layers must ")
    assert sentence.endswith(".")
    assert len(sentence) < 160
    assert says in sentence


@pytest.mark.parametrize(
    "given_",
    ["", "x", "28x28x1x1", "28x28xa", "-3, 5", "5, 1.5", "0x28x1", "1000000", "9" * 5000, "nan",
     (), (1, 2, 3, 4), (0, 1, 1), (28, 28, -1), (2.5, 2, 1), (math.nan, 1, 1), (math.inf, 1, 1),
     (True, None, 1), "28\x00", None, (10**400, 1, 1)],
)  # fmt: skip
def test_an_impossible_shape_gets_one_sentence(given_: Any) -> None:
    with pytest.raises(DataError, match=r"^input_shape must .*\.$"):
        shapes.run(given_, EXERCISE)
    if given_ is not None:
        with pytest.raises(DataError, match=r"^target must .*\.$"):
            shapes.run((28, 28, 1), EXERCISE, given_)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Conv(0, 3),
        lambda: Conv(4, 2.5),
        lambda: Conv(4, math.nan),
        lambda: Conv(4, (3, 3, 3)),
        lambda: Conv("four", 3),
        lambda: Conv(4, 3, padding=-1),
        lambda: Conv(4, 3, padding=False),
        lambda: Conv(True, 3),
        lambda: Conv(10**30, 3),
        lambda: Pool(0),
        lambda: Pool(2, padding=2),
        lambda: Linear(math.inf),
    ],
)
def test_an_impossible_layer_gets_one_sentence(build: Any) -> None:
    with pytest.raises(DataError, match=r"^layers must .*\.$"):
        build()


def test_params_and_solve_have_bounds() -> None:
    for bad in ({"pool": 0}, {"pool": 101}, {"padding": -1}, {"padding": 2.5}):
        with pytest.raises(ParamError, match=r"^shapes\.Params\."):
            shapes.Params(**bad)
    for pool, padding in ((0, 0), (1, -1), (True, 0), (2000, 0)):
        with pytest.raises(ParamError, match="must be a whole number"):
            shapes.solve((4, 4, 1), (2, 2, 1), pool, padding)
    with pytest.raises(DataError, match=r"^target must"):
        shapes.solve((4, 4, 1), 7)
