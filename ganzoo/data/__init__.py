"""Images for training: found by name or path, decoded once, served as batches."""

from ganzoo.data.loader import Loader
from ganzoo.data.pairs import PairSource, open_data
from ganzoo.data.reading import read_batches
from ganzoo.data.sources.base import Source
from ganzoo.data.spec import open_source
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
