"""The readable ResNet and its loop, as one writes them with torch: what the fast run must equal."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from engine.training import resnet_draws as draws
from engine.training.resnet import Point, Spec


class Block(nn.Module):
    """ReLU(x + f(x)), f = conv, norm, ReLU, conv, norm."""

    def __init__(self, width: int, skip: bool = True, norm: bool = True) -> None:
        super().__init__()
        self.skip = skip
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width) if norm else nn.Identity()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width) if norm else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        f = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(x + f if self.skip else f)


class ResNet(nn.Module):
    """8 × 8 pictures (N, 1, 8, 8) to ten logits."""

    def __init__(self, width: int, skip: bool = True, norm: bool = True) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width) if norm else nn.Identity()
        self.block = Block(width, skip, norm)
        self.linear = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.norm(self.stem(x))), 2)
        return self.linear(self.block(x).mean(dim=(2, 3)))


def initial(spec: Spec) -> ResNet:
    """A network with the spec's starting weights."""
    network = ResNet(spec.width, spec.skip, spec.norm).to(getattr(torch, spec.dtype))
    there = dict(network.named_parameters())
    for name, value in draws.weights(spec).items():
        if name in there:  # without norms there are none of theirs
            there[name].data.copy_(torch.from_numpy(value))
    return network


def digits(spec: Spec) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """X (898, 1, 8, 8), y, X_test (899, 1, 8, 8), y_test."""
    X, y, X_test, y_test = (torch.from_numpy(array) for array in draws.pictures(spec))
    return X.reshape(-1, 1, 8, 8), y, X_test.reshape(-1, 1, 8, 8), y_test


def judged(logits: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Cross-entropy and error."""
    wrong = (logits.argmax(dim=1) != y).double().mean()
    return float(F.cross_entropy(logits, y)), float(wrong)


def plain(spec: Spec, network: ResNet | None = None) -> Iterator[Point]:
    """The starter protocol, one step after another, of ``initial(spec)`` or a network given."""
    network, (X, y, X_test, y_test) = network or initial(spec), digits(spec)
    optimiser = torch.optim.SGD(network.parameters(), lr=spec.lr)
    for step in range(1, spec.steps + 1):
        rows = torch.from_numpy(draws.batch(spec, step - 1))
        logits = network(X[rows])
        loss = F.cross_entropy(logits, y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % spec.log_every == 0 or step == spec.steps:
            train_loss, train_error = judged(logits.detach(), y[rows])
            network.train(spec.evaluation == "batch")  # the starter code never calls eval()
            with torch.no_grad():
                test_loss, test_error = judged(network(X_test), y_test)
            network.train()
            yield Point(step, train_loss, test_loss, train_error, test_error)


def bias_gradient(spec: Spec) -> tuple[float, float]:
    """With a bias in every convolution: the largest gradient by a bias, and by a weight."""
    network, (X, y, _, _) = initial(spec), digits(spec)
    convolutions = [network.stem, network.block.conv1, network.block.conv2]
    for convolution in convolutions:
        convolution.bias = nn.Parameter(torch.full((spec.width,), 0.5, dtype=X.dtype))
    rows = torch.from_numpy(draws.batch(spec, 0))
    F.cross_entropy(network(X[rows]), y[rows]).backward()
    of_bias = max(_largest(c.bias) for c in convolutions)
    return of_bias, max(_largest(c.weight) for c in convolutions)


def _largest(parameter: torch.Tensor | None) -> float:
    assert parameter is not None
    assert parameter.grad is not None
    return float(parameter.grad.abs().max())
