"""The catalogue of installed plugins and their records. Imports no torch, numpy, timm or huggingface_hub."""

import sys

from ganzoo.registry import records, zoo
from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.records import (
    AdversarialLoss,
    Architecture,
    Command,
    Config,
    Dataset,
    Extractor,
    MediumRecord,
    Meta,
    Metric,
    Repeat,
    Score,
    Tracker,
    Trained,
    Weights,
    WeightsFile,
)
from ganzoo.registry.zoo import Zoo, installed

__all__ = [
    "AdversarialLoss",
    "Architecture",
    "Command",
    "Config",
    "Dataset",
    "Extractor",
    "MediumRecord",
    "Meta",
    "Metric",
    "Repeat",
    "Score",
    "Tracker",
    "Trained",
    "Weights",
    "WeightsFile",
    "Zoo",
    "hookimpl",
    "installed",
]

# Import paths of the first edition.
sys.modules |= {f"{__name__}.specs": records, f"{__name__}.listing": zoo}
