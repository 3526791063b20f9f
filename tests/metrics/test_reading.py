"""The metrics of what a classifier reads, on logits whose value is known, and against the library."""

import math

import pytest
import torch
from torch_fidelity.metric_isc import isc_features_to_metric

from ganzoo_metrics.reading import ClassEntropy, Confidence, InceptionScore, LabelAccuracy, ModeCoverage


def value(kind, logits, labels=None, batch=64):
    measure = kind()
    for start in range(0, len(logits), batch):
        part = {"logits": logits[start : start + batch]}
        measure.update(part | ({} if labels is None else {"label": labels[start : start + batch]}), real=False)
    return measure.compute()


def sure(classes, of=4, logit=20.0):
    """Logits that say these classes and no doubt."""
    return torch.nn.functional.one_hot(torch.as_tensor(classes), of).float() * logit


def test_the_inception_score_is_the_librarys():
    logits = torch.randn(1_000, 10, generator=torch.Generator().manual_seed(0)) * 3
    assert value(InceptionScore, logits) == isc_features_to_metric(logits)["inception_score_mean"]


def test_the_inception_score_of_clear_and_even_classes_is_their_number():
    assert value(InceptionScore, sure(torch.arange(4_000) % 4)) == pytest.approx(4, rel=0.02)
    assert value(InceptionScore, sure([2] * 400)) == pytest.approx(1, rel=1e-6)
    with pytest.raises(ValueError, match="at least 10"):
        value(InceptionScore, sure([0] * 9))


@pytest.mark.parametrize(
    ("classes", "entropy", "coverage"),
    [
        ([0, 1, 2, 3], 1, 1),
        ([0, 0, 1, 1], 0.5, 0.5),
        ([3, 3, 3, 3], 0, 0.25),
        ([0] * 97 + [1, 2, 3], None, 0.25),  # a hundredth is less than a tenth of an even share
        ([0] * 91 + [1, 2, 3] * 3, None, 1),
    ],
)
def test_entropy_and_coverage_of_known_shares(classes, entropy, coverage):
    logits = sure(classes)
    assert value(ModeCoverage, logits) == pytest.approx(coverage)
    shares = [classes.count(k) / len(classes) for k in range(4)]
    expected = -sum(s * math.log(s) for s in shares if s) / math.log(4)
    assert value(ClassEntropy, logits) == pytest.approx(expected)
    assert entropy is None or expected == pytest.approx(entropy)


def test_confidence_counts_what_is_beyond_doubt():
    logits = torch.cat([sure([0, 1, 2]), torch.zeros(1, 4)])
    assert value(Confidence, logits) == 0.75


def test_label_accuracy_counts_what_was_asked_for():
    assert value(LabelAccuracy, sure([0, 1, 2, 3] * 50), torch.tensor([0, 1, 2, 0] * 50)) == 0.75


def test_a_classifier_of_one_class_has_no_entropy():
    with pytest.raises(ValueError, match="one class"):
        value(ClassEntropy, torch.zeros(5, 1))
