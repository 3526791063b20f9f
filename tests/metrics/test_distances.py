"""The distances against what their papers define."""

import numpy as np
import pytest
import torch

from ganzoo_metrics.distances import FrechetDistance, KernelDistance
from ganzoo_metrics.pixels import Pixels


def value(measure, real, drawn, batch=100):
    for features, kind in ((real, True), (drawn, False)):
        for part in features.split(batch):
            measure.update({"features": part}, real=kind)
    return measure.compute()


def sets(n=1_500, d=6):
    generator = torch.Generator().manual_seed(0)
    mix = torch.randn(d, d, generator=generator)
    real = torch.randn(n, d, generator=generator)
    return real, torch.randn(n, d, generator=generator) @ mix + 0.5


def square_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(values) @ vectors.T


def test_the_frechet_distance_is_its_definition():
    real, drawn = (part.double().numpy() for part in sets())
    a, b = np.cov(real.T), np.cov(drawn.T)
    root = square_root(square_root(a) @ b @ square_root(a))  # has the trace of (a b)^(1/2), and is symmetric
    expected = np.sum((real.mean(0) - drawn.mean(0)) ** 2) + np.trace(a + b - 2 * root)
    assert value(FrechetDistance(), *sets()) == pytest.approx(expected, rel=1e-9)


def test_two_normal_distributions_have_the_distance_of_the_closed_form():
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(200_000, 3, generator=generator)
    drawn = 2 * torch.randn(200_000, 3, generator=generator) + 1
    assert value(FrechetDistance(), real, drawn, batch=50_000) == pytest.approx(3 * 1 + 3 * (2 - 1) ** 2, rel=0.02)


def test_a_set_has_no_distance_to_itself():
    real, _ = sets()
    assert value(FrechetDistance(), real, real) == pytest.approx(0, abs=1e-9)
    assert abs(value(KernelDistance(), real, real)) < 0.01 * value(KernelDistance(), *sets())  # the subsets differ


def test_the_kernel_distance_is_its_definition():
    real, drawn = (part.double() for part in sets())
    d = real.shape[1]

    def mean(a, b, *, same):
        kernel = (a @ b.T / d + 1) ** 3
        n = len(a)
        return (kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1)) if same else kernel.mean()

    expected = mean(real, real, same=True) + mean(drawn, drawn, same=True) - 2 * mean(real, drawn, same=False)
    assert value(KernelDistance(), *sets()) == pytest.approx(float(expected), rel=0.1)


def test_the_subsets_are_the_same_each_time_and_the_generators_stay_as_they_were():
    before = torch.random.get_rng_state()
    assert value(KernelDistance(), *sets()) == value(KernelDistance(), *sets())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("kind", "least"), [(FrechetDistance, 2), (KernelDistance, 1_000)])
def test_too_few_images_are_refused(kind, least):
    real, _ = sets(n=least - 1)
    with pytest.raises(ValueError, match=f"at least {least:,} drawn"):
        value(kind(), real, real)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_averages(channels):
    images = torch.randint(0, 256, (5, channels, 32, 32), dtype=torch.uint8)
    features = Pixels("8")(images)["features"]
    assert features.shape == (5, channels * 64)
    assert features[3, 0].item() == pytest.approx(images[3, 0, :4, :4].float().mean().item() / 255)
