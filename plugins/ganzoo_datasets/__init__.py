"""Short names for image data sets of the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.registry import Dataset, hookimpl


@hookimpl
def ganzoo_datasets() -> Iterable[Dataset]:
    """Provide MNIST, Fashion-MNIST and CIFAR-10."""
    yield Dataset(
        name="mnist",
        repo="ylecun/mnist",
        summary="handwritten digits, 60,000 grey images of 28x28, 10 classes",
        license="cc-by-sa-3.0",
    )
    yield Dataset(
        name="fashion-mnist",
        repo="zalando-datasets/fashion_mnist",
        summary="clothes, 60,000 grey images of 28x28, 10 classes",
        license="mit",
    )
    yield Dataset(
        name="cifar10",
        repo="uoft-cs/cifar10",
        image_column="img",
        summary="ten kinds of objects, 50,000 RGB images of 32x32, 10 classes",
    )
