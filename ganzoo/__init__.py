"""ganzoo: a zoo of GANs. Every architecture is a plugin, one engine trains them all, weights are safe to load.

The public names are imported on first use, so that ``import ganzoo`` and the command line start at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ganzoo._version import __version__

if TYPE_CHECKING:
    from ganzoo.errors import GanzooError
    from ganzoo.gan import GAN
    from ganzoo.inference.sample import interpolate, sample
    from ganzoo.inference.translate import translate
    from ganzoo.media.image import grid
    from ganzoo.models.create import create
    from ganzoo.models.load import load
    from ganzoo.publishing.publish import publish
    from ganzoo.registry.zoo import list_architectures, list_models
    from ganzoo.training.run import resume, train

_HOMES = {
    "GAN": "ganzoo.gan",
    "GanzooError": "ganzoo.errors",
    "create": "ganzoo.models.create",
    "grid": "ganzoo.media.image",
    "interpolate": "ganzoo.inference.sample",
    "list_architectures": "ganzoo.registry.zoo",
    "list_models": "ganzoo.registry.zoo",
    "load": "ganzoo.models.load",
    "publish": "ganzoo.publishing.publish",
    "resume": "ganzoo.training.run",
    "sample": "ganzoo.inference.sample",
    "train": "ganzoo.training.run",
    "translate": "ganzoo.inference.translate",
}

__all__ = [
    "GAN",
    "GanzooError",
    "__version__",
    "create",
    "grid",
    "interpolate",
    "list_architectures",
    "list_models",
    "load",
    "publish",
    "resume",
    "sample",
    "train",
    "translate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganzoo' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
