"""Measuring the images that a model generates: metrics, feature extractors, and the protocols of values."""

import sys

from ganzoo.metrics import extractor_weights, interfaces, neighbours
from ganzoo.metrics.evaluate import check, evaluate
from ganzoo.metrics.interfaces import Features, Measure
from ganzoo.metrics.neighbours import Neighbours, nearest_neighbours
from ganzoo.metrics.pictures import Pictures, open_pictures
from ganzoo.metrics.protocol import Protocol

__all__ = [
    "Features", "Measure", "Neighbours", "Pictures", "Protocol", "check", "evaluate", "nearest_neighbours",
    "open_pictures",
]  # fmt: skip

# Import paths of the first edition.
for _old, _new in {"contract": interfaces, "nearest": neighbours, "shelf": extractor_weights}.items():
    sys.modules[f"{__name__}.{_old}"] = globals()[_old] = _new
