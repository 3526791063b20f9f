"""The contract of metrics in its names of ganzoo 0.1, which plug-ins still use."""

import sys
from importlib import import_module

import pytest
import torch

import ganzoo
from ganzoo.metrics import evaluate
from ganzoo.metrics.interfaces import KeepsReal
from ganzoo.metrics.reference import FOLDER
from ganzoo_metrics.features import Precision
from ganzoo_metrics.frechet import FrechetDistance

FEATURES = {"features": torch.arange(12.0).reshape(6, 2)}


class Own:
    """A metric of a third party: the distance of the means."""

    needs = frozenset({"features"})
    compares = True
    keeps = "means"

    def __init__(self):
        self.means = {}

    def update(self, batch, *, real):
        self.means[real] = batch["features"].mean(0)

    def compute(self):
        return float((self.means[True] - self.means[False]).norm())


def old_metric():
    class OldNames(Own):
        taken = 0

        def kept(self):
            return {"mean": self.means[True]}

        def take(self, kept):
            OldNames.taken += 1
            self.means[True] = kept["mean"]

    return OldNames


def test_a_metric_with_the_old_names_is_cached(mnist, tmp_path, monkeypatch):
    kind = old_metric()
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    monkeypatch.setattr("ganzoo_metrics.frechet.FrechetDistance", kind)
    gan = ganzoo.create("vanilla", hidden=16)

    def measure():
        (score,) = evaluate(gan, ["fd[pixels:4]@64/train"], data=str(mnist), batch_size=2_000, progress=False)
        return score.value

    with pytest.warns(DeprecationWarning, match=r"OldNames\.(kept|take)"):
        first = measure()
    assert len(list((tmp_path / FOLDER).glob("*.safetensors"))) == 1
    assert kind.taken == 0
    assert measure() == first  # without another warning
    assert kind.taken == 1
    assert isinstance(kind(), KeepsReal)


@pytest.mark.parametrize("kind", [FrechetDistance, Precision])
def test_the_old_names_may_be_called(kind):
    first, second = kind(), kind()
    first.update(FEATURES, real=True)
    with pytest.warns(DeprecationWarning, match="real_state"):
        state = first.kept()
    with pytest.warns(DeprecationWarning, match="load_real_state"):
        second.take(state)
    assert all(torch.equal(second.real_state()[key], value) for key, value in state.items())


def test_a_subclass_may_override_the_old_names():
    with pytest.warns(DeprecationWarning, match="real_state"):

        class Mine(Precision):
            def kept(self):
                return {**super().kept(), "more": torch.ones(1)}

    mine = Mine()
    mine.update(FEATURES, real=True)
    with pytest.warns(DeprecationWarning, match="real_state"):
        assert set(mine.real_state()) == {"features", "more"}


@pytest.mark.parametrize(
    ("old", "new"), [("contract", "interfaces"), ("shelf", "extractor_weights"), ("nearest", "neighbours")]
)
def test_module_paths_of_the_first_edition_are_the_same_modules(old, new):
    assert import_module(f"ganzoo.metrics.{old}") is sys.modules[f"ganzoo.metrics.{new}"]
    assert getattr(ganzoo.metrics, old) is sys.modules[f"ganzoo.metrics.{new}"]
