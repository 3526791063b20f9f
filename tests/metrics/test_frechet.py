"""The metrics of means and covariances against their definitions, the libraries and closed forms."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.image.fid import FrechetInceptionDistance

from ganzoo_metrics import frechet
from ganzoo_metrics.frechet import FrechetDistance, Given, IntraFrechetDistance, Spread


def value(measure, real, generated, batch=100):
    for rows, kind in ((real, True), (generated, False)):
        for start in range(0, len(rows["features"]), batch):
            measure.update({key: part[start : start + batch] for key, part in rows.items()}, real=kind)
    return measure.compute()


def sets(n=1_500, d=6, classes=3):
    generator = torch.Generator().manual_seed(0)
    mix = torch.randn(d, d, generator=generator)
    label = torch.arange(n) % classes
    real = torch.randn(n, d, generator=generator) + label[:, None]
    return {"features": real, "label": label}, {
        "features": torch.randn(n, d, generator=generator) @ mix + 0.5 * label[:, None],
        "label": label,
    }


def square_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(values) @ vectors.T


def test_the_frechet_distance_is_its_definition():
    real, generated = (part["features"].double().numpy() for part in sets())
    a, b = np.cov(real.T), np.cov(generated.T)
    root = square_root(square_root(a) @ b @ square_root(a))  # has the trace of (a b)^(1/2), and is symmetric
    expected = np.sum((real.mean(0) - generated.mean(0)) ** 2) + np.trace(a + b - 2 * root)
    assert value(FrechetDistance(), *sets()) == pytest.approx(expected, rel=1e-9)


def test_it_is_what_both_libraries_give():
    real, generated = sets()
    ours = value(FrechetDistance(), real, generated)
    theirs = FrechetInceptionDistance(feature=Given(6)).set_dtype(torch.float64)
    theirs.update(real["features"].double(), real=True)
    theirs.update(generated["features"].double(), real=False)
    assert ours == pytest.approx(float(theirs.compute()), rel=1e-12)
    statistics = [fid_features_to_statistics(part["features"].double()) for part in (generated, real)]
    found = fid_statistics_to_metric(*statistics, verbose=False)
    assert ours == pytest.approx(found["frechet_inception_distance"], rel=1e-9)


def normal(mean, root, n=2_000):
    """Rows whose mean and covariance are exactly these."""
    rows = torch.randn(n, len(mean), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows = rows - rows.mean(0)
    whitened = rows @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(rows.T))).T
    return {"features": whitened @ root.T + mean}


def test_normal_distributions_have_the_distance_of_the_closed_form():
    """Covariances that commute: |m - m'|^2 + the sum of the squared differences of the deviations."""
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64))
    one, other = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 2.0, 0.5]).double()
    real, generated = normal(torch.zeros(3), turn * one), normal(torch.tensor([1.0, 0.0, -1.0]), turn * other)
    assert value(FrechetDistance(), real, generated) == pytest.approx(2 + 1 + 0 + 6.25, rel=1e-6)


def test_a_set_has_no_distance_to_itself():
    real, _ = sets()
    assert value(FrechetDistance(), real, real) == pytest.approx(0, abs=1e-9)
    assert value(IntraFrechetDistance(), real, real) == pytest.approx(0, abs=1e-9)
    assert value(Spread(), real, real) == 1


def test_within_the_classes_it_is_the_mean_of_theirs():
    real, generated = sets()
    each = [
        value(FrechetDistance(), *({"features": part["features"][part["label"] == k]} for part in (real, generated)))
        for k in range(3)
    ]
    assert value(IntraFrechetDistance(), real, generated) == pytest.approx(sum(each) / 3, rel=1e-9)


def test_a_model_that_mixes_the_classes_up_is_far_off_within_them_alone():
    real, _ = sets()
    mixed = {**real, "label": (real["label"] + 1) % 3}
    assert value(FrechetDistance(), real, mixed) == pytest.approx(0, abs=1e-9)
    assert value(IntraFrechetDistance(), real, mixed) > 1


@pytest.mark.parametrize("factor", [0.0, 0.25, 2.0])
def test_spread_is_the_ratio_of_the_deviations(factor):
    real, _ = sets()
    generated = {"features": real["features"] * factor + 3}
    assert value(Spread(), real, generated) == pytest.approx(factor, abs=1e-4)


@pytest.mark.parametrize("kind", [FrechetDistance, IntraFrechetDistance, Spread])
def test_what_is_kept_of_real_images_stands_for_them(kind):
    real, generated = sets()
    first = kind()
    expected = value(first, real, generated)
    second = kind()
    second.update(generated, real=False)
    second.load_real_state(first.real_state())
    assert second.compute() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", [FrechetDistance, IntraFrechetDistance, Spread])
def test_memory_does_not_grow_with_the_images(kind):
    measure, (real, generated) = kind(), sets()
    sizes = []
    for _ in range(3):
        value(measure, real, generated)
        sizes.append(sum(tensor.nbytes for metric in measure.sums.values() for tensor in metric.metric_state.values()))
    assert len(set(sizes)) == 1


@pytest.mark.parametrize("kind", [FrechetDistance, Spread])
def test_too_few_images_are_refused(kind):
    one = {"features": torch.zeros(1, 6)}
    with pytest.raises(ValueError, match="at least 2 generated"):
        value(kind(), one, one)


def test_a_class_that_is_never_drawn_is_named():
    real, generated = sets()
    with pytest.raises(ValueError, match="2 real images of class 2"):
        value(IntraFrechetDistance(), real, {**generated, "label": generated["label"] % 2})


def test_too_many_classes_are_refused_before_the_memory_is_full(monkeypatch):
    monkeypatch.setattr(frechet, "MEMORY", 2 * 8 * 6**2 * 2)
    with pytest.raises(ValueError, match="classes"):
        value(IntraFrechetDistance(), *sets())
