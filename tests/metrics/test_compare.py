"""Models side by side: ranked where they were measured alike, and nowhere else."""

import numpy as np
import pytest

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.metrics.compare import Entry, check_comparable, compare, measured, picture, remedy
from ganzoo.registry import Score, installed

TEST = "fd[pixels]@10k/test"


@pytest.fixture(scope="module")
def gan():
    return ganzoo.create("vanilla", hidden=16)


def score(value, protocol=TEST, data="mnist", **more):
    return Score(name=protocol.partition("[")[0].partition("@")[0], value=value, protocol=protocol, data=data, **more)


def entries(gan, **scores):
    return [Entry(name, gan, tuple(values)) for name, values in scores.items()]


def test_the_best_comes_first_by_the_first_value_that_all_have(gan):
    found = compare(entries(gan, a=[score(3.0)], b=[score(1.0)], c=[score(2.0)]), installed())
    assert found.names == ("b", "c", "a")
    assert [*found.best.values()] == ["b"]


def test_higher_is_better_where_the_metric_says_so(gan):
    recall = "recall[pixels]@10k/test"
    found = compare(entries(gan, a=[score(0.3, recall)], b=[score(0.4, recall)]), installed())
    assert found.names == ("b", "a")


def test_equal_values_have_no_best(gan):
    for other in (3.0, 3.0 * (1 + 1e-9)):  # measured again, with the sums in another order
        found = compare(entries(gan, a=[score(3.0)], b=[score(other)]), installed())
        assert [*found.best.values()] == [None]


def test_values_without_recorded_data_are_not_ranked(gan):
    found = compare(entries(gan, a=[score(3.0, data=None)], b=[score(2.0, data=None)]), installed())
    assert found.alike == ()
    assert found.unlike == ("fd",)
    entropy = "class-entropy[mnist-classifier]@10k"  # of no real images
    found = compare(entries(gan, a=[score(0.9, entropy, data=None)], b=[score(0.8, entropy, data=None)]), installed())
    assert found.names == ("a", "b")


@pytest.mark.parametrize(
    "other",
    [
        score(1.0, "fd[pixels]@5k/test"),
        score(1.0, "fd[pixels:8]@10k/test"),
        score(1.0, "fd[pixels]@10k/train"),
        score(1.0, "fd[pixels]@10k/test#7"),
        score(1.0, data="cifar10"),
        score(1.0, weights="a" * 64),
    ],
)
def test_values_of_unlike_protocols_are_not_ranked(gan, other):
    found = compare(entries(gan, a=[score(3.0)], b=[other]), installed())
    assert found.alike == ()
    assert found.names == ("a", "b"), "as they were named"
    assert found.unlike == ("fd",)
    assert remedy(found, installed()).startswith("ganzoo compare a b -m 'fd[pixels]@10k/test' --data mnist")


def test_images_of_another_size_are_not_ranked(gan):
    other = ganzoo.create("vanilla", hidden=16, image_size=32)
    pair = [Entry("a", gan, (score(3.0),)), Entry("b", other, (score(1.0),))]
    assert compare(pair, installed()).alike == ()
    with pytest.raises(ConfigError, match="1x32x32"):
        check_comparable(pair)


def test_what_only_some_have_stands_apart(gan):
    recall = score(0.5, "recall[pixels]@10k/test")
    found = compare(entries(gan, a=[score(3.0), recall], b=[score(1.0)]), installed())
    assert [kind.protocol for kind in found.alike] == [TEST]


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "a"]])
def test_it_takes_two_that_differ(gan, names):
    with pytest.raises(ConfigError, match="two models or more"):
        check_comparable([Entry(name, gan, ()) for name in names])


def test_a_protocol_that_cannot_be_run_is_not_suggested(gan):
    found = compare(entries(gan, a=[score(3.0, "by hand")], b=[score(1.0, "gone[x]@1")]), installed())
    assert remedy(found, installed()) == "ganzoo compare a b -m 'fd[pixels]@10k/test' --data DATA"


def test_measured_alike_they_are_ranked(gan, mnist):
    pair = [measured(one, ["fd[pixels]@64/train"], str(mnist), progress=False) for one in entries(gan, a=[], b=[])]
    assert len(compare(pair, installed()).alike) == 1


def test_the_picture_has_a_row_for_each_and_a_column_for_each_seed(gan):
    other = ganzoo.create("dcgan", base_channels=8, image_size=32, channels=3)
    sheet = picture([Entry("grey", gan, ()), Entry("colour", other, ())], columns=3, seed=5)
    pixels = np.asarray(sheet)
    assert pixels.shape == (2 * (64 + 14 + 2), 3 * 66, 3)
    generated = np.asarray(ganzoo.grid(other.sample(1, seed=6)))  # the second column, enlarged twice
    top = 80 + 14
    assert np.array_equal(pixels[top : top + 64 : 2, 66 : 66 + 64 : 2], generated)


def test_a_model_that_translates_has_no_row(gan):
    other = ganzoo.create("pix2pix", image_size=16, base_channels=8, discriminator_channels=8)
    with pytest.raises(ConfigError, match="b translates"):
        picture([Entry("a", gan, ()), Entry("b", other, ())])
