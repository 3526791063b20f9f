"""Feature extractors: found by the text of a protocol, made, and their output checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError, NameClashError, PluginError
from ganzoo.metrics.interfaces import SEEN
from ganzoo.registry import Extractor, Zoo
from ganzoo.registry.zoo import Registered, import_target


@contextmanager
def plugin_errors(what: str) -> Iterator[None]:
    """Turn whatever a plugin raises into a one-line error that begins with ``what``."""
    try:
        yield
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True, eq=False)
class FeatureExtractor:
    """A feature extractor, ready for use: its name and arguments, as a protocol writes them, and the network."""

    text: str
    module: nn.Module

    @property
    def weights(self) -> str | None:
        """The SHA-256 of its weights: empty without weights, None if the extractor does not declare it."""
        return getattr(self.module, "weights", None)

    def extract(self, images: Tensor) -> dict[str, Tensor]:
        """Return the features, and the logits if there are any, of images (N, C, H, W) uint8."""
        with plugin_errors(f"extractor '{self.text}' fails"):
            found = self.module(images.clone())  # a plugin may change them in place
        if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
            raise PluginError(f"extractor '{self.text}' must return a dict of tensors")
        return {key: found[key] for key in SEEN if key in found}


def open_extractor(zoo: Zoo, text: str, device: torch.device) -> FeatureExtractor:
    """Return the extractor that a protocol names, on a device."""
    owned, words = find_extractor(zoo, text)
    kind, name = import_target("extractor", owned), owned.record.name
    with plugin_errors(f"extractor '{name}' cannot be made{' with ' if words else ''}{', '.join(words)}"):
        module: Any = kind(*words)
    if not isinstance(module, nn.Module):
        raise PluginError(f"{owned.record.target} of {owned.dist} makes no torch.nn.Module")
    if (written := getattr(module, "written", None)) is not None:  # one text for all ways to write one extractor
        text = f"{name if name in zoo.extractors.names() else f'{owned.dist}:{name}'}{written}"
    return FeatureExtractor(text, module.eval().requires_grad_(False).to(device))


def find_extractor(zoo: Zoo, text: str) -> tuple[Registered[Extractor], list[str]]:
    """Return the extractor that a protocol names, and its arguments."""
    head, *more = text.split(",")
    parts = head.split(":")
    # ``a:b`` is the extractor a with the argument b, or the extractor b of package a.
    readings = [size for size in (1, 2) if len(parts) >= size and ":".join(parts[:size]) in zoo.extractors]
    if len(readings) > 1:
        owner = zoo.extractors[parts[0]].dist
        raise NameClashError(f"'{text}' may be {parts[1]} of {parts[0]}, or {parts[0]} of {owner}: say {owner}:{text}")
    size = readings[0] if readings else 1
    return zoo.extractors[":".join(parts[:size])], [*parts[size:], *more]
