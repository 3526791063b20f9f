"""Networks trace as one graph with `torch.compile`, and compute the same."""

import copy
from typing import Self

import pytest
import torch
from torch import Tensor, nn

import ganzoo
from device_helpers import begin, run, small
from ganzoo.training.settings import Settings

pytestmark = pytest.mark.slow

SETTINGS = Settings("digits", 10**6, batch_size=4, precision="fp32")


class Calls:
    """Records, while it is entered, the last call of each part of a GAN that no other part calls."""

    def __init__(self, gan: nn.Module) -> None:
        self.gan = gan
        self.arguments: dict[str, tuple] = {}
        self._depth = 0

    def __enter__(self) -> Self:
        self._hooks = []
        for name, module in self.gan.named_modules():
            if module is not self.gan:
                self._hooks.append(module.register_forward_pre_hook(self._before(name)))
                self._hooks.append(module.register_forward_hook(self._after))
        return self

    def __exit__(self, *error: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _before(self, name):
        def hook(module, arguments):
            if self._depth == 0:
                self.arguments[name] = arguments
            self._depth += 1

        return hook

    def _after(self, module, arguments, output):
        self._depth -= 1


def detached(values: tuple) -> tuple:
    return tuple(value.detach().clone() if isinstance(value, Tensor) else value for value in values)


def assert_compiles(network: nn.Module, arguments: tuple) -> None:
    """Compare outputs, gradients and buffers of a network with those of its graph."""
    graph = copy.deepcopy(network)
    torch._dynamo.reset()
    results = []
    for call in (network, torch.compile(graph, fullgraph=True, backend="eager")):
        torch.manual_seed(0)
        outputs = call(*detached(arguments))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        sum(output.square().mean() for output in outputs if output.numel()).backward()
        results.append(outputs)
    torch.testing.assert_close(*results, rtol=0, atol=0)
    assert any(parameter.grad is not None for parameter in network.parameters())
    for mine, its in zip(network.parameters(), graph.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, its.grad, rtol=0, atol=0)
    for mine, its in zip(network.buffers(), graph.buffers(), strict=True):
        torch.testing.assert_close(mine, its, rtol=0, atol=0)


@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_generators_and_discriminators(name):
    subject = small(name)
    state = begin(subject, SETTINGS)
    gan = state.gan
    with Calls(gan) as training:
        run(subject, state, SETTINGS)
    with Calls(gan.eval()) as generating, torch.no_grad():
        gan.generate(**gan.inputs(2, seeds=range(2)))
    networks = {part.split(".")[0] for part in training.arguments}
    assert networks >= {*gan.inference, *gan.discriminators}
    gan.requires_grad_(True).zero_grad()
    for part, arguments in training.arguments.items():
        assert_compiles(gan.get_submodule(part).train(), arguments)
    gan.zero_grad()
    for part, arguments in generating.arguments.items():
        assert_compiles(gan.get_submodule(part).eval(), arguments)


class Branching(nn.Linear):
    def forward(self, values):
        values = super().forward(values)
        return values if values.sum() > 0 else -values


def test_what_is_no_single_graph_fails():
    with pytest.raises(torch._dynamo.exc.Unsupported):
        assert_compiles(Branching(2, 2), (torch.ones(1, 2),))
