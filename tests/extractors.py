"""What the tests of the extractors share."""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from safetensors.torch import save, save_file

from ganzoo.metrics.extractor_weights import folder
from ganzoo.metrics.extractors import find_extractor
from ganzoo.registry import installed
from ganzoo.registry.zoo import import_target


def made(text: str):
    """The extractor that a protocol names in its brackets."""
    owned, words = find_extractor(installed(), text)
    return import_target("extractor", owned)(*words)


def grey(digits, count: int = 3) -> torch.Tensor:
    """Digits (count, 1, 28, 28) uint8."""
    return torch.from_numpy(digits[0][:count])[:, None]


def colourful(digits, count: int = 3) -> torch.Tensor:
    """Three digits upon each other (count, 3, 28, 28) uint8: three different channels."""
    return torch.from_numpy(digits[0][: 3 * count]).view(count, 3, 28, 28)


def wide(digits, count: int = 3) -> torch.Tensor:
    """Six digits side by side in colour (count, 3, 96, 64) uint8: a rectangle."""
    return colourful(digits, count).repeat(1, 1, 4, 3)[..., :96, :64]


def random_model(name: str, **options) -> torch.nn.Module:
    """A network of timm with random weights, the same ones each time, and running statistics that do something."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = timm.create_model(name, **options).eval()
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.bias.data.normal_(0, 0.1)
    return model


def tensors_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone().contiguous() for name, tensor in model.state_dict().items()}


def bytes_of(model: torch.nn.Module) -> bytes:
    """The weights as a safetensors file."""
    return save(tensors_of(model))


def keep(model: torch.nn.Module, name: str) -> Path:
    """Put the weights where ganzoo looks for those that were fetched by hand."""
    folder().mkdir(parents=True, exist_ok=True)
    path = folder() / f"{name}.safetensors"
    save_file(tensors_of(model), path)
    return path
