"""The engine makes the same parameters as a plain loop that was written for the model."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

from ganzoo.data import Loader
from ganzoo.registry import installed
from helpers import make, make_state, make_store, narrow, run_steps

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ARCHITECTURES = [owned.record.name for owned in installed().architectures if owned.dist == "ganzoo"]


@pytest.fixture(scope="module")
def plain():
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("plain")
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("plain", "engine"):
            del sys.modules[name]


class Same:
    """The engine's batches."""

    def __init__(self, store, place, size):
        self.loader, self.place, self.size = Loader(store, seed=0), place, size

    def next(self, resolution=None):
        self.place += self.size
        return self.loader.batch(self.place - self.size, self.size, resolution)


def assert_the_same(plain, name, digits, precision, *, steps, seen):
    ours, theirs = (make(name, ema=100.0) for _ in range(2))  # short, so that the averages move
    store, state = make_store(digits, gan=ours), make_state(ours)
    state.images = seen
    torch.manual_seed(5)
    run_steps(state, store, steps, batch_size=plain.BATCH, precision=precision)
    torch.manual_seed(5)
    data = Same(store, seen, plain.BATCH)
    step = plain.make_plain(name, theirs, data, bf16=precision == "bf16", images=10**6, seen=seen)
    for _ in range(steps):
        averaged = step()
    assert narrow(name)
    assert state.images == data.place
    for (key, a), b in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6, msg=lambda m, key=key: f"{key}: {m}")
    averages = [p for network in ours.ema for p in getattr(state.ema.averaged, network).parameters()]
    for a, b in zip(averages, averaged, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_engine_computes_what_a_plain_loop_does(name, precision, digits, plain):
    # So late that learning rates fall and that progan has grown; lazy phases are played at the first step.
    assert_the_same(plain, name, digits, precision, steps=3, seen=600_000)


@pytest.mark.skipif("progan" not in ARCHITECTURES, reason="not installed")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_plain_loop_grows_as_the_engine_does(precision, digits, plain):
    # The second stage, with the last step before it and the first one after it.
    assert_the_same(plain, "progan", digits, precision, steps=12, seen=256)


def test_every_architecture_has_a_plain_loop_and_is_measured_against_it(plain):
    assert set(ARCHITECTURES) <= set(plain.LOOPS)
    assert set(plain.LOOPS) == set(importlib.import_module("engine").STEPS)
