"""What the lesson on shapes says: known mistakes, questions, cases.

The tags are those of ``engine.gradients.shapes``.
"""

import math
from typing import TYPE_CHECKING

from engine.gradients.shapes_layers import Conv, Linear, Pool
from engine.predict import Question
from engine.preset import Preset
from engine.slips import Slip, Slips

if TYPE_CHECKING:
    from engine.gradients.shapes import Params, Shapes

MOST_SIZES = 4

SLIPS = Slips(
    Slip(
        "filters",
        "001-2 (h), the number of filters",
        "2.5 ≈ 3 filters",
        "50/20 = 2.5 ≈ 3 filters were counted; but each reaches through all 20 channels and makes "
        "one.",
        "It hides where one channel comes in or one goes out.",
    ),
    Slip(
        "rounded-up",
        "001-2 (h), reading the floor",
        "Rounded up",
        "A place where the window no longer fits is counted; floor drops it.",
        "It hides where every window tiles exactly.",
        "floor",
    ),
)


def questions(trace: "Shapes") -> tuple[Question, ...]:
    """What to predict: some sizes, the weights and parameters of the last convolution, those of
    the first linear layer, and all of them together."""
    sizes, counted = [], []
    windows = [i for i, layer in enumerate(trace.layers, 1) if isinstance(layer, (Conv, Pool))]
    for i in windows[:MOST_SIZES]:
        sizes.append(_size(trace, i))
    convs = [i for i in windows if isinstance(trace.layers[i - 1], Conv)]
    linears = [i for i, layer in enumerate(trace.layers, 1) if isinstance(layer, Linear)]
    for i in convs[-1:]:
        counted += _filters(trace, i)
    for i in linears[:1]:
        counted.append(_linear(trace, i))
    return (*sizes, *counted, _total(trace))


def _size(trace: "Shapes", i: int) -> Question:
    layer, before = trace.layers[i - 1], trace.rows[i - 1].shape
    assert isinstance(layer, (Conv, Pool))
    side = layer.sides(before[0], before[1])[0]
    once = (side.room - side.padding) // side.stride + 1
    flat = (side.size - side.span) // side.stride + 1
    tight = (side.padded - side.kernel) // side.stride + 1
    mistakes = {
        "You left out the + 1: the first place counts too.": side.out - 1,
        "You rounded up; a window that does not fit is dropped.": -(-side.room // side.stride) + 1,
        "You counted the padding once; it stands at both ends.": once,
        "You left out the padding.": flat,
        "You left out the dilation: the kernel spans more cells than it has taps.": tight,
        "You left out the stride.": side.room + 1,
        "That is the input divided by the stride.": side.size // side.stride,
    }
    return Question(
        f"height{i}", f"H_{{{i}}}", float(side.out), _floats(mistakes), i, _later(trace, i), True
    )


def _filters(trace: "Shapes", i: int) -> list[Question]:
    from engine.gradients.shapes import divided

    layer, row, depth = trace.layers[i - 1], trace.rows[i], trace.rows[i - 1].shape[2]
    assert isinstance(layer, Conv)
    window, C = math.prod(layer.kernel), layer.channels
    weights = {
        f"You left out the depth: a filter reaches through all {depth} channels.": C * window,
        "That is one filter; there is one for each channel that goes out.": depth * window,
        "You divided the channels: a filter makes only one.": divided(C, depth) * depth * window,
        "That counts the biases too.": row.weights + row.biases,
    }
    parameters = {
        "You left out the biases.": row.weights,
        "There is one bias for each filter, not for each weight.": 2 * row.weights,
        "You left out the depth of the filters.": C * window + C,
        "You took one bias for all filters.": row.weights + 1,
    }
    asked = ((r"\text{weights}", "weights", weights), ("P", "parameters", parameters))
    values = {"weights": row.weights, "parameters": row.weights + row.biases}
    return [
        Question(
            f"{name}{i}", f"{symbol}_{{{i}}}", float(values[name]), _floats(mistakes), i,
            (f"parameters{i}", "total") if name == "weights" else ("total",), True,
        )
        for symbol, name, mistakes in asked
    ]  # fmt: skip


def _linear(trace: "Shapes", i: int) -> Question:
    row, numbers = trace.rows[i], math.prod(trace.rows[i - 1].shape)
    mistakes = {
        "You left out the biases.": row.weights,
        "Every number that goes out sees all that come in: multiply.": numbers + row.biases,
        "The biases are as many as the numbers that go out.": row.weights + numbers,
    }
    value = float(row.weights + row.biases)
    return Question(f"parameters{i}", f"P_{{{i}}}", value, _floats(mistakes), i, ("total",), True)


def _total(trace: "Shapes") -> Question:
    last = len(trace.rows) - 1
    mistakes = {
        "You left out the biases.": sum(row.weights for row in trace.rows),
        "That is the last layer alone.": trace.rows[-1].weights + trace.rows[-1].biases,
    }
    return Question(
        "total", r"P_{\text{all}}", float(trace.parameters), _floats(mistakes), last, (), True
    )


def _floats(mistakes: dict[str, int]) -> dict[str, float]:
    return {sentence: float(value) for sentence, value in mistakes.items()}


def _later(trace: "Shapes", i: int) -> tuple[str, ...]:
    """What a size would be read off from: its own width, and all that is made of it."""
    kinds = ("height", "width", "rest", "rest_width", "over", "over_width")
    kinds += ("channels", "numbers", "weights", "parameters")
    names = [f"{kind}{j}" for j in range(i + 1, len(trace.rows)) for kind in kinds]
    return (f"width{i}", *names, "total")


def presets(params: "type[Params]") -> dict[str, Preset]:
    """The lesson's cases; ``params`` is its Params, which lives in the file that imports this."""

    def case(layers: str, given: str, target: str) -> dict[str, str]:
        return {"layers": layers, "input_shape": given, "target": target}

    return {
        "exercise": Preset(
            "The exercise",
            params(),
            "50 filters, each through all 20 channels, make the 50 channels of 4×4.",
            case("conv 5x5 20; pool 2; conv 5x5 50; pool 2", "28x28x1", "4x4x50"),
            3,
        ),
        "floor": Preset(
            "Floor helps",
            params(),
            "A 4×4 kernel leaves 9×9; the pooling drops a row and a column and gets to 4×4 too.",
            case("conv 5x5 20; pool 2; conv 4x4 50; pool 2", "28x28x1", "4x4x50"),
            4,
        ),
        "lenet": Preset(
            "LeNet-5",
            params(),
            "Most of its parameters sit in the first linear layer.",
            case(
                "conv 5x5 6; pool 2; conv 5x5 16; pool 2; "
                "flatten; linear 120; linear 84; linear 10",
                "32x32x1",
                "5x5x16",
            ),
            6,
        ),
        "alexnet": Preset(
            "AlexNet",
            params(pool=1, padding=2),
            "Stride 4 does not tile 224 + 4: one row and one column are cut off, all padding.",
            case(
                "conv 11x11 64 stride 4 pad 2; pool 3 stride 2; conv 5x5 192 pad 2; "
                "pool 3 stride 2; conv 3x3 384 pad 1; conv 3x3 256 pad 1; conv 3x3 256 pad 1; "
                "pool 3 stride 2; flatten; linear 4096; linear 4096; linear 1000",
                "224x224x3",
                "55x55x64",
            ),
            1,
        ),
        "dilated": Preset(
            "Dilated",
            params(pool=1, padding=4),
            "Nine taps with holes between them span 5×5, then 9×9: the size stays.",
            case(
                "conv 3x3 8 pad 1; conv 3x3 8 pad 2 dilation 2; conv 3x3 8 pad 4 dilation 4",
                "16x16x3",
                "16x16x8",
            ),
            2,
        ),
        "oblong": Preset(
            "Oblong",
            params(pool=1),
            "Height and width go their own ways; a ceil pooling hangs over the border.",
            case(
                "conv 3x7 4 stride 2x3; conv 2x3 8 stride 1x2 pad 1x0; pool 3x2 stride 2 ceil",
                "15x30x2",
                "4x4x8",
            ),
            1,
        ),
    }
