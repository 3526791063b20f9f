"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganzoo.nn.renamed import renamed_attributes
from ganzoo.training.evaluation import BestMetric


@renamed_attributes(standing="best_metric", spent="stopped_early", kept="best_images")
@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        run: its folder.
        images: real images seen so far.
        signal: that stopped it, or None.
        rank: of this process.
        translates: the model is image-to-image.
        best_metric: best and last value of its first metric, where it was measured.
        stopped_early: its metric did not improve any more, see ``patience``.
        measures: it has metrics.
        best_images: after how many images the model in ``best`` was saved, if there is one.
    """

    run: Path
    images: int
    signal: int | None
    rank: int = 0
    translates: bool = False
    best_metric: BestMetric | None = None
    stopped_early: bool = False
    measures: bool = False
    best_images: int | None = None
