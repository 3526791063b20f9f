"""Measuring what a model draws: metrics, the features they see, and the protocols that make values compare."""

from ganzoo.metrics.contract import Features, Measure
from ganzoo.metrics.evaluate import check, evaluate
from ganzoo.metrics.neighbours import Neighbours, nearest_neighbours
from ganzoo.metrics.protocol import Protocol

__all__ = ["Features", "Measure", "Neighbours", "Protocol", "check", "evaluate", "nearest_neighbours"]
