"""Feature extractors: found by the text of a protocol, made, and their output checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError, NameClashError, PluginError
from ganzoo.metrics.interfaces import SEEN
from ganzoo.registry import Zoo
from ganzoo.registry.records import Extractor
from ganzoo.registry.zoo import Registered, import_target


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
        """Return the features, and the logits if there are any, of images (N, C, S, S) uint8.

        Raises:
            PluginError: it fails, or returns something else.
        """
        try:
            found = self.module(images.clone())  # a plugin may change them in place
        except GanzooError:
            raise
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            raise PluginError(f"extractor '{self.text}' fails: {type(error).__name__}: {error}") from error
        if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
            raise PluginError(f"extractor '{self.text}' must return a dict of tensors")
        return {key: found[key] for key in SEEN if key in found}


def open_extractor(zoo: Zoo, text: str, device: torch.device) -> FeatureExtractor:
    """Return the extractor that a protocol names, on a device.

    Raises:
        UnknownNameError: no such extractor is installed.
        PluginError: it cannot be made.
        GanzooError: of the extractor, for instance that its weights are missing.
    """
    owned, words = find_extractor(zoo, text)
    module = _make(owned, words)
    # One text for all ways to write the same extractor.
    after: Any = getattr(module, "written", None)
    name = owned.record.name if owned.record.name in zoo.extractors.names() else f"{owned.dist}:{owned.record.name}"
    return FeatureExtractor(text if after is None else f"{name}{after}", module.eval().requires_grad_(False).to(device))


def _make(owned: Registered[Extractor], words: list[str]) -> nn.Module:
    kind = import_target("extractor", owned)
    try:
        made = kind(*words)
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        with_words = f" with {', '.join(words)}" if words else ""
        raise PluginError(f"extractor '{owned.record.name}' cannot be made{with_words}: {error}") from error
    if not isinstance(made, nn.Module):
        raise PluginError(f"{owned.record.target} of {owned.dist} makes no torch.nn.Module")
    return made


def find_extractor(zoo: Zoo, text: str) -> tuple[Registered[Extractor], list[str]]:
    """Return the extractor that a protocol names, and its arguments.

    Raises:
        UnknownNameError: no such extractor is installed.
        NameClashError: the text has two meanings.
    """
    head, *more = text.split(",")
    parts = head.split(":")
    # ``a:b`` is the extractor a with the argument b, or the extractor b of package a.
    readings = [size for size in (1, 2) if len(parts) >= size and ":".join(parts[:size]) in zoo.extractors]
    if len(readings) > 1:
        owner = zoo.extractors[parts[0]].dist
        raise NameClashError(f"'{text}' may be {parts[1]} of {parts[0]}, or {parts[0]} of {owner}: say {owner}:{text}")
    size = readings[0] if readings else 1
    return zoo.extractors[":".join(parts[:size])], [*parts[size:], *more]
