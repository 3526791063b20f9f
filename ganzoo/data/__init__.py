"""Images for training: found by name or path, decoded once, served as batches."""

from ganzoo.data.loader import Loader
from ganzoo.data.pairs import PairSource, open_data
from ganzoo.data.reading import read_batches
from ganzoo.data.source import Source
from ganzoo.data.sources import open_source
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
