"""What is under test: one architecture, with hyper-parameters that keep it small, and real images."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor

from ganzoo.data import Loader, PairStore, Store, open_data, prepare
from ganzoo.errors import ConfigError, PluginError
from ganzoo.gan import GAN, Batch, Phase, Progress
from ganzoo.models.create import build
from ganzoo.registry import Architecture, Zoo, installed
from ganzoo.registry.hyperparameters import make_config
from ganzoo.registry.records import field_names
from ganzoo.registry.zoo import Registered, import_target
from ganzoo.training.ema import EMA
from ganzoo.training.loop import train
from ganzoo.training.state import State

DIGITS = Path(__file__).with_name("digits.npz")
"""1,000 handwritten digits of MNIST, 28x28, with their labels: what a check trains on unless it is given others."""

BATCH = 16


class CheckError(AssertionError):
    """What an architecture does wrong, and what to change."""


def expect(condition: object, message: str) -> None:
    """Raise a `CheckError` unless the condition holds."""
    if not condition:
        raise CheckError(message)


@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """An architecture under test.

    Args:
        owned: its record, and whose it is.
        options: hyper-parameters that keep it small, so that the checks are quick.
        data: the images that it is trained on; what `ganzoo.train` takes.
        zoo: where it was found.
    """

    owned: Registered[Architecture]
    options: Mapping[str, Any]
    data: str
    zoo: Zoo

    @classmethod
    def find(cls, name: str, options: Mapping[str, Any] | None = None, data: str | None = None) -> Subject:
        """Return the installed architecture called ``name``.

        Raises:
            UnknownNameError: there is none.
            ConfigError: it does not take these hyper-parameters.
        """
        zoo = installed()
        owned = zoo.architectures[name]
        make_config(owned.record.config, options or {}, owner=name)
        return cls(owned, dict(options or {}), data or _default_data(owned), zoo)

    @property
    def name(self) -> str:
        """The architecture's name."""
        return self.owned.record.name

    def config(self, **more: Any) -> Any:
        """Return its config with the options, the shape of the data, and ``more``.

        Raises:
            ConfigError: they do not go together.
        """
        known = set(field_names(self.owned.record.config))
        source = open_data(self.data, zoo=self.zoo)
        size, channels = source.native()
        given: dict[str, Any] = {"image_size": size, "channels": channels}
        if source.classes:
            given["classes"] = len(source.classes)
        fitting: dict[str, Any] = {}
        for key, value in given.items():
            if key in known and value is not None:
                try:
                    make_config(self.owned.record.config, {key: value}, owner=self.name)
                except ConfigError:  # it takes no such images: its own default, to which they are resized
                    continue
                fitting[key] = value
        return make_config(self.owned.record.config, {**fitting, **self.options, **more}, owner=self.name)

    def build(self, seed: int = 0, **more: Any) -> GAN:
        """Return an untrained GAN, the same one for the same seed."""
        torch.manual_seed(seed)
        return build(self.owned, self.config(**more)).to(memory_format=torch.channels_last)

    @functools.cached_property
    def store(self) -> Store | PairStore:
        """The decoded images, in the shape that the architecture takes."""
        config = self.config()
        source = open_data(self.data, zoo=self.zoo)
        size, channels = source.native()
        size, channels = getattr(config, "image_size", size), getattr(config, "channels", channels)
        expect(size is not None, "the images differ in size, and the config has no image_size: give the check others")
        return prepare(source, int(size or 0), channels, progress=False)

    def batch(self, gan: GAN, turn: Turn) -> Batch:
        """Return what a phase finds in its batch: what the GAN says that it needs, and what earlier phases leave."""
        full = Loader(self.store, seed=0).batch(0, BATCH, turn.resolution)
        for key in gan.needs:
            expect(key in full, f"needs has '{key}', which the images do not give: they give {', '.join(full)}")
        batch = {key: value for key, value in full.items() if key in gan.needs}
        gan.before_step(turn.progress)
        for phase in turn.before:
            for _ in phase.loss(batch, turn.progress):
                pass
        return batch

    def state(self, gan: GAN) -> State:
        """Return what training changes, before its first step."""
        return State(gan, EMA(gan), gan.optimizers())

    def draw(self, gan: GAN, n: int) -> tuple[Tensor, Tensor]:
        """Return ``n`` images of the GAN and as many real ones; one that translates makes them of real ones."""
        batch = Loader(self.store, seed=1).batch(0, n)
        if gan.translations:
            source, target = gan.translations[0]
            return gan.translate(batch[source], to=target), batch[target]
        return gan.sample(n), batch["image"]

    def steps(self, state: State, steps: int, *, precision: str = "fp32", batch_size: int = BATCH) -> State:
        """Let the engine make steps on real images."""
        last, budget = state.step + steps, 10**6
        train(
            state, Loader(self.store, seed=0), Accelerator(cpu=True), images=budget, batch_size=batch_size,
            precision=precision, after_step=lambda: state.step >= last,
        )  # fmt: skip
        return state


class Turn(NamedTuple):
    """A phase in its stage, in the middle of which it is looked at.

    Args:
        phase: what is played.
        before: the phases of the stage that come before it.
        progress: in the middle of the stage, when a fade-in is under way.
        resolution: that the stage wants its images in.
    """

    phase: Phase
    before: tuple[Phase, ...]
    progress: Progress
    resolution: int | None


def _default_data(owned: Registered[Architecture]) -> str:
    """Return the digits, or pairs that are made of them for an architecture that needs two sets."""
    try:
        needs = getattr(import_target("architecture", owned), "needs", ())
    except PluginError:  # the checks will say so
        needs = ()
    both = isinstance(needs, set | frozenset) and "A" in needs
    return f"edges:{DIGITS}" if both else str(DIGITS)


def turns(gan: GAN) -> list[Turn]:
    """Return every phase of every stage."""
    found, begun = [], 0
    for index, stage in enumerate(gan.stages()):
        images = begun + (stage.images or 0) // 2
        begun += stage.images or 0
        progress = Progress(0, images, index, images / max(2 * begun, 1))
        for place, phase in enumerate(stage.phases):
            found.append(Turn(phase, tuple(stage.phases[:place]), progress, stage.resolution))
    return found
