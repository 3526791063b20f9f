"""Images for training: found by name or path, decoded once, served as batches."""

from ganzoo.data.loader import Loader
from ganzoo.data.source import Source
from ganzoo.data.sources import open_source
from ganzoo.data.store import Store, prepare

__all__ = ["Loader", "Source", "Store", "open_source", "prepare"]
