"""The engine makes the same parameters as a plain loop that was written for the model."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.data import Loader
from helpers import make, make_state, make_store, narrow, run_steps

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def plain():
    spec = importlib.util.spec_from_file_location("plain", BENCHMARKS / "plain.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["plain"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["plain"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "name", [n for n in ("vanilla", "dcgan", "wgan-gp", "cgan") if n in ganzoo.list_architectures()]
)
def test_the_engine_computes_what_a_plain_loop_does(name, precision, digits, plain):
    store = make_store(digits)
    options = {"dropout": 0.0} if name == "vanilla" else {}
    ours, theirs = make(name, **options), make(name, **options)
    torch.manual_seed(5)
    state = run_steps(make_state(ours), store, 3, batch_size=plain.BATCH, precision=precision)
    torch.manual_seed(5)
    loader, place = Loader(store, seed=0), 0

    class Same:
        def next(self):
            nonlocal place
            batch = loader.batch(place, plain.BATCH)
            place += plain.BATCH
            return batch["image"], batch["label"]

    step = plain.make_plain(name, theirs, Same(), bf16=precision == "bf16")
    for _ in range(3):
        step()
    assert narrow(name)
    assert state.images == place
    for (key, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6, msg=lambda m, key=key: f"{key}: {m}")
