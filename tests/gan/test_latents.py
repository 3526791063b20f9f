"""Latents: normal values by seed, truncation, interpolation; conditions: one for all images, or one for each."""

import math

import numpy as np
import pytest
import torch

from ganzoo.errors import ConfigError
from ganzoo.gan import condition_values, seeded_normal, truncate
from ganzoo.gan.latents import class_numbers, slerp, with_class_numbers
from helpers import Bare, BareConfig, make


@pytest.mark.parametrize("given", [2, 2.0, [2, 2], (2.0, 2.0), np.float32(2), np.array([2, 2]), torch.tensor(2)])
def test_a_number_is_for_all_and_a_list_for_each(given):
    values = condition_values("x", given, 2)
    assert (values.tolist(), values.dtype) == ([2.0, 2.0], torch.float64)
    classes = condition_values("x", given, 2, below=3)
    assert (classes.tolist(), classes.dtype) == ([2, 2], torch.int64)


def test_a_number_keeps_its_digits():
    assert condition_values("x", 0.1, 1).item() == 0.1
    assert condition_values("x", [0.1, 0.2], 2).tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    "given", ["wide", None, [None], {}, True, [1, [2, 3]], 2**70, float("nan"), [1, float("inf")], 1j]
)
def test_what_is_no_finite_number_is_refused(given):
    with pytest.raises(ConfigError, match=r"^x must be a (finite )?number, or a list with one for each image, not "):
        condition_values("x", given, 2)


@pytest.mark.parametrize("given", [[], [1, 2, 3], torch.zeros(3, 1)])
def test_another_number_of_values_is_refused(given):
    with pytest.raises(ConfigError, match=rf"2 values of x .*not {len(given)}$"):
        condition_values("x", given, 2)


@pytest.mark.parametrize(("given", "shown"), [(1.7, "1.7"), (-0.5, "-0.5"), ([0, 3], "3"), (-1, "-1")])
def test_a_class_is_a_whole_number_below_their_number(given, shown):
    with pytest.raises(ConfigError, match=rf"^x .*0 \.\.\. 2, not {shown}$"):
        condition_values("x", given, 2, below=3)


def test_each_image_may_have_its_own_truncation():
    normal = torch.randn(3, 50)
    each = truncate(normal, [0.5, 1.0, 2.0])
    for row, limit in enumerate((0.5, 1.0, 2.0)):
        torch.testing.assert_close(each[row], truncate(normal, limit)[row])
        assert each[row].abs().max() <= limit
    with pytest.raises(ConfigError, match=r"truncation .*not 0"):
        truncate(normal, [1, 0, 1])


def test_seeded_latents_are_standard_normal():
    values = seeded_normal(range(400), 50).flatten().double().numpy()
    assert values.mean() == pytest.approx(0, abs=5 / len(values) ** 0.5)
    assert values.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(values[:-50], values[50:])[0, 1]) < 0.03  # neighbouring seeds are no relatives


def cdf(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


@pytest.mark.parametrize("limit", [0.3, 1.0, 2.0])
def test_truncated_latents_follow_the_normal_distribution_cut_at_the_limit(limit):
    normal = seeded_normal(range(400), 50).flatten()
    values = truncate(normal, limit)
    assert values.abs().max() <= np.float32(limit)
    assert (values[normal.argsort()].diff() >= 0).all()  # quantiles are matched: the order stays
    ordered = values.double().sort().values.tolist()
    low, high = cdf(-limit), cdf(limit)
    n = len(ordered)
    gap = max(abs((cdf(v) - low) / (high - low) - (i + 0.5) / n) for i, v in enumerate(ordered))
    assert gap < 1.95 / n**0.5  # Kolmogorov-Smirnov, p = 0.001


def test_no_truncation_changes_nothing_and_a_wide_one_hardly_anything():
    normal = seeded_normal([1, 2], 100)
    assert truncate(normal, None) is normal
    torch.testing.assert_close(truncate(normal, 8.0), normal, atol=1e-5, rtol=1e-5)


def test_slerp_keeps_the_length_between_ends_of_one_length():
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    points = slerp(a, b, torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(points, torch.tensor([[2.0, 0.0], [2**0.5, 2**0.5], [0.0, 2.0]]))
    assert torch.equal(slerp(a, a, torch.tensor([0.3]))[0], a)
    zero = torch.zeros(2)
    assert torch.equal(slerp(zero, a, torch.tensor([0.5, 1.0])), torch.tensor([[1.0, 0.0], [2.0, 0.0]]))
    assert torch.equal(slerp(zero, zero, torch.tensor([0.5]))[0], zero)


# --- classes by name ---

ANIMALS = ("cat", "dog", "owl")


def test_a_class_is_called_by_its_name_or_its_number(caplog):
    assert class_numbers(["owl", "0", "cat", "12"], ANIMALS) == {"owl": 2, "0": 0, "cat": 0, "12": 12}
    assert class_numbers(["7"], ()) == {"7": 7}
    assert class_numbers(["7", "3"], [str(i) for i in range(10)]) == {"7": 7, "3": 3}
    assert class_numbers(["twin"], ("one", "twin", "twin")) == {"twin": 1}
    assert not caplog.messages


def test_a_name_that_is_another_classs_number_wins_and_is_told_once(caplog):
    assert class_numbers(["7", "5", "x", "0"], ("5", "x", "y", "7")) == {"7": 3, "5": 0, "x": 1, "0": 0}
    (told,) = caplog.messages
    assert "7 (class 3)" in told
    assert "5 (class 0)" in told


@pytest.mark.parametrize("word", ["dgo", "DOG", "dog "])
def test_an_unknown_class_is_met_with_the_nearest_and_the_list(word):
    with pytest.raises(ConfigError, match=r"^labels: .*Did you mean 'dog'\? There are: cat, dog, owl$"):
        class_numbers([word], ANIMALS)


def test_of_many_classes_the_first_are_listed_and_all_are_one_line():
    with pytest.raises(ConfigError) as caught:
        class_numbers(["zzz"], [f"class\n{i}" for i in range(1000)])
    text = str(caught.value)
    assert text.count("\n") == 0
    assert text.endswith("and 980 more")
    assert len(text) < 500


def test_without_names_a_word_is_refused():
    with pytest.raises(ConfigError, match="no names: give numbers, not 'dog'"):
        class_numbers(["dog"], ())


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ("dog", 1), (["dog", "cat"], [1, 0]), (("owl", 0), [2, 0]), (np.array(["dog", "owl"]), [1, 2]),
        ([2, 1], [2, 1]), (2, 2), (None, None), (["2", np.int64(1)], [2, 1]),
    ],
)  # fmt: skip
def test_labels_become_numbers_whatever_holds_them(given, numbers):
    gan = make("cgan", classes=3)
    gan.class_names = ANIMALS
    made = with_class_numbers(gan, {"labels": given, "truncation": 1})
    assert made["truncation"] == 1
    assert made["labels"] == numbers
    assert with_class_numbers(gan, {"truncation": 1}) == {"truncation": 1}


def test_a_conditional_gan_is_sampled_by_name():
    gan = make("cgan", classes=3).eval()
    gan.class_names = ANIMALS
    expected = gan.sample(3, seed=4, labels=[1, 0, 2])
    assert torch.equal(gan.sample(3, seed=4, labels=["dog", "cat", "owl"]), expected)
    assert torch.equal(gan.sample(3, seed=4, labels=["dog", 0, "2"]), expected)
    assert torch.equal(gan.sample(2, labels="owl"), gan.sample(2, labels=2))
    with pytest.raises(ConfigError, match="no class 'ow'"):
        gan.sample(2, labels=["owl", "ow"])
    gan.class_names = ()
    with pytest.raises(ConfigError, match="labels must be a number"):
        gan.sample(1, labels="owl")


def test_an_authors_own_labels_are_named_without_code_of_theirs():
    class Own(Bare):
        def inputs(self, n, *, seeds, labels=0):
            assert not isinstance(labels, str)
            return {"latent": seeded_normal([seed + 100 * labels for seed in seeds], 8)}

    gan = Own(BareConfig()).eval()
    gan.class_names = ANIMALS
    assert torch.equal(gan.sample(1, labels="owl"), gan.sample(1, labels=2))


def test_labels_of_a_model_without_are_refused_before_they_are_read():
    gan = make("dcgan")
    gan.class_names = ANIMALS
    with pytest.raises(ConfigError, match="takes no 'labels'"):
        gan.sample(1, labels="x")
