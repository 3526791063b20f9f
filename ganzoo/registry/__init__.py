"""The catalogue of installed plugins and their records. Imports no torch, numpy, timm or huggingface_hub."""

import sys

from ganzoo.registry import records, zoo
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.records import *  # noqa: F403 - all that it exports, listed there
from ganzoo.registry.zoo import Zoo, installed

__all__: list[str] = []
__all__ += records.__all__
__all__ += ["Zoo", "hookimpl", "installed"]

# Import paths of the first edition.
sys.modules |= {f"{__name__}.specs": records, f"{__name__}.listing": zoo}
