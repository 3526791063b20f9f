"""The metrics of neighbours against the library, their definitions, and cases whose value is known."""

import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from ganzoo.metrics.neighbours import nearest_rows
from ganzoo_metrics.features import Authenticity, Coverage, Density, Duplicates, KernelDistance, Precision, Recall

ALL = (Authenticity, Coverage, Density, Duplicates, KernelDistance, Precision, Recall)


def value(kind, real, generated, batch=300):
    measure = kind()
    for rows, side in ((real, True), (generated, False)):
        for part in torch.split(rows, batch):
            measure.update({"features": part}, real=side)
    return measure.compute()


def normal(n=1_200, d=8, seed=0, mean=0.0, scale=1.0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) * scale + mean


@pytest.mark.slow
def test_the_kernel_distance_is_the_librarys():
    real, generated = normal(), normal(seed=1, mean=0.2)
    found = kid_features_to_metric(generated.double(), real.double(), kid_subset_size=1_000, verbose=False)
    assert value(KernelDistance, real, generated) == found["kernel_inception_distance_mean"]


def test_the_kernel_distance_is_its_definition():
    real, generated = normal().double(), normal(seed=1, mean=0.5).double()

    def mean(a, b, *, same):
        kernel = (a @ b.T / a.shape[1] + 1) ** 3
        n = len(a)
        return (kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1)) if same else kernel.mean()

    expected = (
        mean(real, real, same=True) + mean(generated, generated, same=True) - 2 * mean(real, generated, same=False)
    )
    assert value(KernelDistance, real, generated) == pytest.approx(float(expected), rel=0.1)


@pytest.mark.parametrize(("kind", "key"), [(Precision, "precision"), (Recall, "recall")])
@pytest.mark.parametrize("whole", [True, False])
def test_precision_and_recall_are_the_librarys(kind, key, whole):
    real, generated = normal(), normal(n=700, seed=1, mean=0.5, scale=0.7)
    found = prc_features_to_metric(
        generated, real, prc_neighborhood=3, prc_batch_size=10_000, save_cpu_ram=not whole, verbose=False
    )
    assert value(kind, real, generated) == pytest.approx(found[key], abs=0.002)


def test_density_and_coverage_are_their_definitions():
    real, generated = normal(n=300), normal(n=200, seed=1, mean=0.3)
    distances = torch.cdist(generated.double(), real.double())
    radii = torch.cdist(real.double(), real.double()).sort(1).values[:, 5]
    inside = distances < radii
    assert value(Density, real, generated) == pytest.approx(inside.sum().item() / (5 * 200), rel=1e-9)
    assert value(Coverage, real, generated) == pytest.approx(float(inside.any(0).double().mean()), rel=1e-9)


def test_a_model_that_draws_one_good_image_is_precise_and_covers_nothing():
    real = normal()
    generated = real[:1] + 0.001 * normal(seed=1)
    assert value(Precision, real, generated) == 1
    assert value(Recall, real, generated) < 0.01
    assert value(Coverage, real, generated) < 0.05
    assert value(Duplicates, real, generated) == 1


def test_a_perfect_model_scores_as_real_images_do():
    real, generated = normal(4_000), normal(4_000, seed=1)
    assert value(Density, real, generated) == pytest.approx(1, abs=0.1)
    assert value(Coverage, real, generated) > 0.9
    assert value(Authenticity, real, generated) == pytest.approx(0.5, abs=0.1)
    assert value(Duplicates, real, generated) == pytest.approx(0.01, abs=0.006)


@pytest.mark.parametrize("copied", [0, 300, 1_200])
def test_authenticity_counts_what_is_no_copy(copied):
    real, far = normal(), normal(seed=1, mean=100.0)
    generated = torch.cat([real[:copied] + 1e-4, far[copied:]])
    assert value(Authenticity, real, generated) == pytest.approx(1 - copied / 1_200, abs=1e-9)


def test_duplicates_are_found_among_as_many_real_images():
    real, generated = normal(2_400), normal(seed=1)
    generated[:120] = generated[120:240] + 1e-4
    assert value(Duplicates, real, generated) == pytest.approx(240 / 1_200, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL)
def test_what_is_kept_of_real_images_stands_for_them(kind):
    real, generated = normal(), normal(seed=1)
    first, second = kind(), kind()
    first.update({"features": real}, real=True)
    first.update({"features": generated}, real=False)
    second.update({"features": generated}, real=False)
    second.load_real_state(first.real_state())
    assert second.compute() == first.compute()


@pytest.mark.parametrize("kind", ALL)
def test_too_few_images_are_refused(kind):
    few = normal(n=kind.least - 1)
    with pytest.raises(ValueError, match=f"{kind.least:,} generated"):
        value(kind, few, few)
    enough = normal(n=kind.least)
    assert value(kind, enough, enough) is not None


def test_neighbours_that_are_very_near_are_distinguished():
    rows = normal(n=50, mean=1_000.0)
    found, at = nearest_rows(rows + 1e-2, rows, 1)
    assert torch.equal(at[:, 0], torch.arange(50))
    assert found[:, 0].numpy() == pytest.approx(8**0.5 * 1e-2, rel=0.01)


@pytest.mark.parametrize("part", [1, 7, 50])
def test_the_parts_are_no_part_of_the_neighbours(part, monkeypatch):
    rows, others = normal(n=50), normal(n=60, seed=1)
    whole = nearest_rows(rows, others, 4)
    monkeypatch.setattr("ganzoo.metrics.neighbours.PART", part)
    assert torch.equal(nearest_rows(rows, others, 4)[1], whole[1])
