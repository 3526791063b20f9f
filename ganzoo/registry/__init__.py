"""The catalogue of installed plugins and their records. Imports no torch, numpy, timm or huggingface_hub."""

from ganzoo.registry.hookspecs import hookimpl
from ganzoo.registry.records import (
    AdversarialLoss,
    Architecture,
    Command,
    Config,
    Dataset,
    Extractor,
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
