"""The name of `ganzoo.metrics.extractor_weights` in ganzoo 0.1."""

import sys

from ganzoo.metrics import extractor_weights

sys.modules[__name__] = extractor_weights
