"""Metrics of generated images, and feature extractors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ganzoo.registry import Extractor, Metric, hookimpl

Better = Literal["lower", "higher"]


def _metric(name: str, better: Better, target: str, summary: str, extractor: str | None = None) -> Metric:
    return Metric(name=name, target=f"ganzoo_metrics.{target}", summary=summary, better=better, extractor=extractor)


@hookimpl
def ganzoo_metrics() -> Iterable[Metric]:
    """Provide distances, shares of neighbours, statistics of a classifier, and distances of pairs."""
    fd, kd = "frechet:FrechetDistance", "features:KernelDistance"
    yield _metric("fd", "lower", fd, "Fréchet distance of two normal distributions fitted to the features")
    yield _metric("fid", "lower", fd, "Fréchet Inception distance: fd in the features of Inception", "inception")
    yield _metric("intra-fd", "lower", "frechet:IntraFrechetDistance", "mean over the classes of fd within each")
    yield _metric("kd", "lower", kd, "squared maximum mean discrepancy of the features, with a cubic kernel")
    yield _metric("kid", "lower", kd, "kernel Inception distance: kd in the features of Inception", "inception")
    yield _metric(
        "is", "higher", "reading:InceptionScore", "Inception score: images that are clear, and of all classes"
    )
    yield _metric("precision", "higher", "features:Precision", "share of generated images that lie among the real ones")
    yield _metric("recall", "higher", "features:Recall", "share of real images that lie among the generated ones")
    yield _metric(
        "density", "higher", "features:Density", "how many real images' neighbourhoods a generated one lies in"
    )
    yield _metric("coverage", "higher", "features:Coverage", "share of real images with a generated one in reach")
    yield _metric("authenticity", "higher", "features:Authenticity", "share of generated images that copy no real one")
    yield _metric("duplicates", "lower", "features:Duplicates", "share of generated images that another one repeats")
    yield _metric("spread", "higher", "frechet:Spread", "how far the features scatter; 1 as real ones, 0 one image")
    yield _metric(
        "class-entropy", "higher", "reading:ClassEntropy", "evenness of the classes of the generated images, 0 to 1"
    )
    yield _metric("mode-coverage", "higher", "reading:ModeCoverage", "share of the classes that are generated at all")
    yield _metric(
        "confidence", "higher", "reading:Confidence", "share of images with a class of probability above 0.95"
    )
    yield _metric("label-accuracy", "higher", "reading:LabelAccuracy", "share of images classified as their label")
    yield _metric("psnr", "higher", "paired:PSNR", "peak signal-to-noise ratio of translations of pairs, in dB")
    yield _metric("ssim", "higher", "paired:SSIM", "structural similarity of translations of pairs, up to 1")


@hookimpl
def ganzoo_extractors() -> Iterable[Extractor]:
    """Provide pixels, two small classifiers, the network of FID, those of timm and CLIP, and a user's own."""
    yield Extractor(
        name="pixels",
        target="ganzoo_metrics.pixels:Pixels",
        summary="the image itself, averaged down to 16x16 (pixels:8 for 8x8)",
    )
    for data, kind in (("mnist", "MNISTClassifier"), ("cifar10", "CIFAR10Classifier")):
        yield Extractor(
            name=f"{data}-classifier",
            target=f"ganzoo_metrics.classifiers:{kind}",
            summary=f"a small classifier of {data} that ships with ganzoo",
        )
    yield Extractor(
        name="inception",
        target="ganzoo_metrics.inception:Inception",
        summary="the network of FID, Inception of 2015 (inception,antialias: another resize)",
    )
    yield Extractor(
        name="timm",
        target="ganzoo_metrics.backbones:Backbone",
        summary="any network of timm: timm:vit_large_patch14_dinov2.lvd142m,224 for FD-DINOv2",
    )
    yield Extractor(
        name="clip",
        target="ganzoo_metrics.clip:Clip",
        summary="CLIP's embedding of an image, ViT-B/32 of OpenAI (clip:MODEL for another one)",
    )
    yield Extractor(
        name="onnx",
        target="ganzoo_metrics.own_network:OwnNetwork",
        summary="a network of your own: onnx:FILE.onnx",
    )
