"""Samples for training: found by name or path, read once into a cache, served as batches."""

from ganzoo.data.loader import Loader
from ganzoo.data.opening import open_data, open_source
from ganzoo.data.pairs import PairSource
from ganzoo.data.reading import read_batches
from ganzoo.data.sources.source import Source
from ganzoo.data.store import PairStore, Store, prepare

__all__ = [
    "Loader",
    "PairSource",
    "PairStore",
    "Source",
    "Store",
    "open_data",
    "open_source",
    "prepare",
    "read_batches",
]
