"""The architecture under test, with hyper-parameters that keep it small, and real images to train on."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor

from ganzoo.data import Loader, PairSource, PairStore, Source, Store, open_data, prepare
from ganzoo.errors import ConfigError, PluginError
from ganzoo.gan import GAN, Batch, Phase, Progress
from ganzoo.media import get_medium
from ganzoo.models.create import build
from ganzoo.nn.renamed import renamed_attributes
from ganzoo.registry import Architecture, Zoo, installed
from ganzoo.registry.hyperparameters import make_config
from ganzoo.registry.records import field_names
from ganzoo.registry.zoo import Registered, import_target
from ganzoo.training.ema import EMA
from ganzoo.training.loop import train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State

DIGITS = Path(__file__).with_name("digits.npz")
"""1,000 handwritten digits of MNIST, 28x28, with their labels: the default training data of the checks."""

BATCH = 16


class CheckError(AssertionError):
    """A failed check: what is wrong with the architecture, and what to change."""


def expect(condition: object, message: str) -> None:
    """Raise a `CheckError` unless the condition holds."""
    if not condition:
        raise CheckError(message)


@renamed_attributes(owned="registered", draw="samples")
@dataclasses.dataclass(frozen=True, eq=False)
class Subject:
    """An architecture under test.

    Args:
        registered: its record, and the distribution that provides it.
        options: hyper-parameters that keep it small.
        data: the images that it is trained on; any ``data`` of `ganzoo.train`.
        zoo: the zoo that it is registered in.
    """

    registered: Registered[Architecture]
    options: Mapping[str, Any]
    data: str
    zoo: Zoo

    @classmethod
    def find(cls, name: str, options: Mapping[str, Any] | None = None, data: str | None = None) -> Subject:
        """Return the installed architecture called ``name``.

        Raises:
            UnknownNameError: there is none.
            ConfigError: it does not accept these hyper-parameters.
        """
        zoo = installed()
        registered = zoo.architectures[name]
        make_config(registered.record.config, options or {}, owner=name)
        return cls(registered, dict(options or {}), data or _default_data(registered), zoo)

    @property
    def record(self) -> Architecture:
        """The architecture's record."""
        return self.registered.record

    @property
    def name(self) -> str:
        """The architecture's name."""
        return self.record.name

    @property
    def full_name(self) -> str:
        """The name with its distribution, which is unambiguous."""
        return f"{self.registered.dist}:{self.name}"

    @functools.cached_property
    def source(self) -> Source | PairSource:
        """The images before they are decoded."""
        return open_data(self.data, zoo=self.zoo)

    def config(self, **more: Any) -> Any:
        """Return its config with the options, the shape of the data, and ``more``."""
        kind = self.record.config
        derived = get_medium(self.source.medium).hyperparameters(self.source.native())
        if self.source.classes:
            derived["classes"] = len(self.source.classes)
        from_data = {}
        for key, value in derived.items():
            if value is not None and key in field_names(kind):
                with contextlib.suppress(ConfigError):  # its default stays, and the images are resized to it
                    make_config(kind, {key: value}, owner=self.name)
                    from_data[key] = value
        return make_config(kind, {**from_data, **self.options, **more}, owner=self.name)

    def build(self, seed: int = 0, **more: Any) -> GAN:
        """Return an untrained GAN, the same one for the same seed."""
        torch.manual_seed(seed)
        return build(self.registered, self.config(**more)).to(memory_format=torch.channels_last)

    @functools.cached_property
    def store(self) -> Store | PairStore:
        """The decoded images, in the shape that the architecture takes."""
        with torch.random.fork_rng(devices=[]):  # whoever asks first keeps its own random numbers
            specs = self.build().sample_specs
        return prepare(self.source, specs, progress=False)

    def batch(self, gan: GAN, at: PhaseAt, size: int = BATCH) -> Batch:
        """Return the batch that a phase is given: the keys in `GAN.needs`, after the earlier phases of its stage."""
        full = Loader(self.store, seed=0).batch(0, size, at.resolution)
        for key in gan.needs:
            expect(key in full, f"needs has '{key}', which the images do not give: they give {', '.join(full)}")
        batch = {key: value for key, value in full.items() if key in gan.needs}
        gan.before_step(at.progress)
        for phase in at.before:
            for _ in phase.loss(batch, at.progress):
                pass
        return batch

    def state(self, gan: GAN) -> State:
        """Return the training state before the first step."""
        return State(gan, EMA(gan), gan.optimizers())

    def samples(self, gan: GAN, n: int) -> tuple[Tensor, Tensor]:
        """Return ``n`` generated images and as many real ones; an image-to-image GAN translates real ones."""
        batch = Loader(self.store, seed=1).batch(0, n)
        if gan.translations:
            source, target = gan.translations[0]
            return gan.translate(batch[source], to=target), batch[target]
        return gan.sample(n), batch[next(iter(gan.sample_specs))]

    def steps(
        self, state: State, steps: int, *, precision: Literal["fp32", "bf16"] = "fp32", batch_size: int = BATCH,
        rank: int = 0, world: int = 1,
    ) -> State:  # fmt: skip
        """Train for some steps on real images, as one process of a launch where it is one."""
        last, loader = state.step + steps, Loader(self.store, seed=0, rank=rank, world=world)
        settings = Settings("", 10**6, batch_size=batch_size, precision=precision)
        train(state, loader, Accelerator(cpu=True), settings, after_step=lambda: state.step >= last)
        return state


def listed(names: Iterable[str]) -> str:
    """Return the first names in order, and how many more there are."""
    names = sorted(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


class PhaseAt(NamedTuple):
    """A phase, and the point of training in the middle of its stage at which it is checked."""

    phase: Phase
    before: tuple[Phase, ...]  # those of the stage that come before it
    progress: Progress  # when a fade-in is under way
    resolution: int | tuple[int, int] | None  # of the real images of the stage


def phases(gan: GAN) -> list[PhaseAt]:
    """Return every phase of every stage."""
    found, begun = [], 0
    for index, stage in enumerate(gan.stages()):
        images = begun + (stage.images or 0) // 2
        begun += stage.images or 0
        progress = Progress(0, images, index, images / max(2 * begun, 1))
        for place, phase in enumerate(stage.phases):
            found.append(PhaseAt(phase, tuple(stage.phases[:place]), progress, stage.resolution))
    return found


Turn, turns = PhaseAt, phases  # their names in the first edition


def _default_data(registered: Registered[Architecture]) -> str:
    """Return the digits, or pairs made from them for an architecture that needs two sets."""
    try:
        needs = getattr(import_target("architecture", registered), "needs", ())
    except PluginError:  # a check reports it
        needs = ()
    paired = isinstance(needs, set | frozenset) and "A" in needs
    return f"edges:{DIGITS}" if paired else str(DIGITS)
