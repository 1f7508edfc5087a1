"""Compile all machine code ahead, in a process of its own.

Compiling holds the GIL: in the server it would stall everybody's page.

    python -m engine.warm
"""

from engine.training.process import begin


def kernels() -> None:
    """Every kernel once, on the kinds of numbers that the lessons use."""
    import numpy as np

    from engine.boosting import samme
    from engine.clusters import collapse, images, quantise
    from engine.training import resnet, two_layer

    quantise.warm()
    large = np.zeros((1, collapse.LARGE, 3), np.uint8)
    images.quantise(collapse.collapse(large), images.Params(k=1, steps=1)).recovered(0)
    samme.run([[0.0], [1.0], [2.0]], [1, 2, 1], samme.Params(rounds=1))
    for dtype in ("float32", "float64"):
        for evaluation in ("batch", "running"):
            spec = resnet.Spec(width=1, seed=0, steps=1, dtype=dtype, evaluation=evaluation)
            resnet.Training(spec).advance(1)
        list(two_layer.train(two_layer.Spec(hidden=2, epochs=1, dtype=dtype)))


if __name__ == "__main__":
    begin()
    kernels()
