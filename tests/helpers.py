"""Small models and stores that several tests train."""

from __future__ import annotations

import dataclasses
import json

import torch
from accelerate import Accelerator
from torch import nn

import ganzoo
from ganzoo.data import Loader, PairStore, Store
from ganzoo.gan import AdversarialGAN, OptimizerSpec, SampleSpec, Translator, condition_values, seeded_normal
from ganzoo.nn.convnets import ConvDiscriminator, ConvGenerator
from ganzoo.registry import installed
from ganzoo.registry.records import field_names
from ganzoo.training.ema import EMA
from ganzoo.training.loop import train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State

NARROW: dict[str, int] = {
    **dict.fromkeys(("base_channels", "discriminator_channels", "critic_channels", "latent_dim"), 8),
    **dict.fromkeys(("max_channels", "style_dim"), 16),
    "hidden": 32,
    "mapping_layers": 2,
    "blocks": 1,
    "hold": 320,
    "fade": 320,
}


def image_specs(size: int, channels: int) -> dict[str, SampleSpec]:
    """Return what a GAN of square images says of its batches."""
    return {"image": SampleSpec((channels, size, size))}


def narrow(name: str) -> dict[str, int]:
    """Return hyper-parameters that make an architecture small, of those that it has."""
    known = field_names(installed().architectures[name].record.config)
    return {key: value for key, value in NARROW.items() if key in known}


def make(name: str, seed: int = 0, **config):
    """Return a small untrained model."""
    torch.manual_seed(seed)
    shape = {"image_size": 28, "channels": 1}
    return ganzoo.create(name, **{**narrow(name), **shape, **config}).to(memory_format=torch.channels_last)


def make_state(gan) -> State:
    return State(gan, EMA(gan), gan.optimizers())


def make_store(digits, n: int = 512, gan=None) -> Store | PairStore:
    """Return some digits, or for a model that needs two sets pairs that are made of them."""
    images, labels = digits
    pixels = torch.from_numpy(images[:n])[:, None]
    if gan is not None and "A" in gan.needs:
        return PairStore("digits", None, Store("digits", pixels, None, None), matched=True, degradation="edges")
    return Store("digits", pixels, torch.from_numpy(labels[:n]), tuple(map(str, range(10))))


def data_for(name: str, data) -> str:
    """Return ``data``, or for an architecture that needs two sets pairs that are made of it."""
    return f"edges:{data}" if installed().architectures[name].record.translates else str(data)


def run_steps(
    state: State, store: Store | PairStore, steps: int, *, batch_size: int = 16, precision: str = "fp32"
) -> State:
    """Let the engine make ``steps`` steps."""
    last = state.step + steps
    loader = Loader(store, seed=0)
    settings = Settings("digits", 10**6, batch_size=batch_size, precision=precision)
    train(state, loader, Accelerator(cpu=True), settings, after_step=lambda: state.step >= last)
    return state


def files_of(hub, repo: str = "alice/digits", revision: str = "main") -> dict[str, bytes]:
    """Return what a repository of the loopback Hub holds."""
    there = hub.hub.repos[repo].at(revision).files
    return {path: blob.content for path, blob in there.items() if path[0] != "."}


def open_config(folder) -> dict:
    """Return the content of a config.json that a test will change: without its checksum."""
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if key != "checksum"}


def config_of(hub, repo: str = "alice/digits") -> dict:
    """Return the config.json of a published model."""
    return json.loads(files_of(hub, repo)["config.json"])


@dataclasses.dataclass(frozen=True)
class BareConfig:
    """Hyper-parameters with nothing that the data could fill in."""

    width: int = 4


class Bare(AdversarialGAN):
    """For 28x28 grey images and no others."""

    def __init__(self, config: BareConfig) -> None:
        shape = {"image_size": 28, "channels": 1, "base_channels": config.width}
        super().__init__(
            config, generator=ConvGenerator(8, **shape), discriminator=ConvDiscriminator(**shape), latent_dim=8,
            optimizer=OptimizerSpec("adam", 1e-3),
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class PainterConfig:
    """Hyper-parameters of a translator with labels."""

    image_size: int = 28
    channels: int = 1
    classes: int = 3


class Painter(Translator):
    """Brightens an image by its label, by ``shift`` and by a little noise of its seed; untrained."""

    class_names = ("cat", "dog", "owl")

    def __init__(self, config: PainterConfig | None = None) -> None:
        super().__init__()
        self.config = config or PainterConfig()
        self.generator = nn.Conv2d(1, 1, 1)

    def inputs(self, n, *, seeds, images=None, labels=0, shift=0.0):
        """Return images, labels, shifts and noise, a row for each."""
        return {
            **super().inputs(n, seeds=seeds, images=images),
            "label": condition_values("labels", labels, n, below=self.config.classes),
            "shift": condition_values("shift", shift, n).float(),
            "noise": seeded_normal(seeds, 1)[:, 0].tanh() / 10,
        }

    def generate(self, **inputs):
        """Return images (N, 1, H, W)."""
        level = inputs["label"] * 0.2 + inputs["shift"] + inputs["noise"]
        return (inputs["images"] / 4 + level[:, None, None, None]).clamp(-1, 1)
