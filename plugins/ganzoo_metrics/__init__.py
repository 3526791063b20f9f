"""Metrics and features that every kind of image has."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.registry import Extractor, Metric, hookimpl


@hookimpl
def ganzoo_metrics() -> Iterable[Metric]:
    """Provide the Fréchet and the kernel distance."""
    yield Metric(
        name="fd",
        target="ganzoo_metrics.distances:FrechetDistance",
        summary="Fréchet distance of two normal distributions fitted to the features; FID in those of Inception",
        better="lower",
    )
    yield Metric(
        name="kd",
        target="ganzoo_metrics.distances:KernelDistance",
        summary="squared maximum mean discrepancy with a cubic kernel; KID in the features of Inception",
        better="lower",
    )


@hookimpl
def ganzoo_extractors() -> Iterable[Extractor]:
    """Provide the pixels themselves."""
    yield Extractor(
        name="pixels",
        target="ganzoo_metrics.pixels:Pixels",
        summary="the image itself, averaged down to 16x16 (pixels:8 for 8x8)",
    )
