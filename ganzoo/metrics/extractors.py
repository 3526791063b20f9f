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
from ganzoo.registry import Zoo
from ganzoo.registry.records import Extractor
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
    """A feature extractor, ready for use.

    Args:
        text: its name and arguments, as a protocol writes them.
        module: the network.
    """

    text: str
    module: nn.Module

    @property
    def weights(self) -> str | None:
        """The SHA-256 of its weights: empty without weights, None if the extractor does not declare it."""
        return getattr(self.module, "weights", None)

    def extract(self, images: Tensor) -> dict[str, Tensor]:
        """Return the features, and the logits if there are any, of images (N, C, S, S) uint8."""
        with plugin_errors(f"extractor '{self.text}' fails"):
            found = self.module(images.clone())  # a plugin may change them in place
        if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
            raise PluginError(f"extractor '{self.text}' must return a dict of tensors")
        return {key: found[key] for key in SEEN if key in found}


def open_extractor(zoo: Zoo, text: str, device: torch.device) -> FeatureExtractor:
    """Return the extractor that a protocol names, on a device."""
    owned, words = find_extractor(zoo, text)
    module = _make(owned, words)
    # One text for all ways to write the same extractor.
    after: Any = getattr(module, "written", None)
    name = owned.record.name if owned.record.name in zoo.extractors.names() else f"{owned.dist}:{owned.record.name}"
    return FeatureExtractor(text if after is None else f"{name}{after}", module.eval().requires_grad_(False).to(device))


def _make(owned: Registered[Extractor], words: list[str]) -> nn.Module:
    kind = import_target("extractor", owned)
    arguments = f" with {', '.join(words)}" if words else ""
    with plugin_errors(f"extractor '{owned.record.name}' cannot be made{arguments}"):
        made = kind(*words)
    if not isinstance(made, nn.Module):
        raise PluginError(f"{owned.record.target} of {owned.dist} makes no torch.nn.Module")
    return made


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
