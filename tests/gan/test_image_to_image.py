"""What translators share: the images they are given, the pool, the way that is asked for."""

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.gan.image_to_image import ImagePool
from helpers import make

TRANSLATORS = [name for name in ganzoo.list_architectures() if make(name).translations]


def numbered(first, n):
    """Images of one value each."""
    return torch.arange(first, first + n, dtype=torch.float32).view(n, 1, 1, 1).expand(n, 1, 2, 2).clone()


def values(images):
    return images[:, 0, 0, 0].tolist()


def test_a_pool_that_is_not_full_returns_what_it_is_given():
    pool = ImagePool((1, 2, 2), size=10)
    assert torch.equal(pool.swap(numbered(0, 4)), numbered(0, 4))
    assert torch.equal(pool.swap(numbered(4, 4)), numbered(4, 4))
    assert values(pool.images[:8]) == list(range(8))
    assert pool.filled == 8
    assert torch.equal(pool.swap(numbered(8, 4)), numbered(8, 4))  # the last that meets room
    assert pool.filled == 10


def test_a_full_pool_swaps_half_of_them_and_loses_none():
    """Shrivastava 2017, section 2.3: half of a batch is current, half from the history, which it replaces."""
    torch.manual_seed(0)
    pool = ImagePool((1, 2, 2), size=50)
    for start in range(0, 50, 10):
        pool.swap(numbered(start, 10))
    held, swapped = set(range(50)), 0
    for start in range(50, 2050, 10):
        given = numbered(start, 10)
        shown = pool.swap(given)
        places = (shown != given).flatten(1).any(1)
        swapped += int(places.sum())
        assert set(values(shown[places])) <= held
        held = (held - set(values(shown[places]))) | set(values(given[places]))
        assert set(values(pool.images)) == held
        assert torch.equal(shown[~places], given[~places])
    assert 0.42 < swapped / 2000 < 0.58


def test_a_batch_larger_than_the_pool_and_no_pool():
    pool = ImagePool((1, 2, 2), size=4)
    for start in (0, 10, 20):
        shown = pool.swap(numbered(start, 7))
        assert len(shown) == 7
        assert values(shown)[4:] == values(numbered(start, 7))[4:]
    images = numbered(0, 3)
    assert ImagePool((1, 2, 2), size=0).swap(images) is images


def test_a_pool_is_part_of_what_a_checkpoint_holds():
    pool, other = ImagePool((1, 2, 2), size=4), ImagePool((1, 2, 2), size=4)
    pool.swap(numbered(5, 4))
    other.load_state_dict(pool.state_dict())
    torch.manual_seed(3)
    shown = pool.swap(numbered(50, 4))
    torch.manual_seed(3)
    assert torch.equal(other.swap(numbered(50, 4)), shown)


# --- GAN.translate ---


@pytest.mark.parametrize("name", TRANSLATORS)
def test_each_image_is_made_of_its_own(name):
    gan = make(name)
    images = torch.rand(5, 1, 28, 28) * 2 - 1
    for _, target in gan.translations:
        made = gan.translate(images, to=target)
        assert made.shape == images.shape
        assert made.abs().max() <= 1
        torch.testing.assert_close(gan.translate(images, to=target, batch_size=2), made, atol=1e-5, rtol=0)
        torch.testing.assert_close(gan.translate(images[3:4], to=target), made[3:4], atol=1e-5, rtol=0)
    torch.testing.assert_close(gan.translate(images), gan.translate(images, to=gan.translations[0][1]))


def test_the_way_is_the_one_that_is_asked_for():
    gan = make("cyclegan")
    images = torch.rand(2, 1, 28, 28) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(gan.translate(images), gan.eval().a_to_b(images))
        torch.testing.assert_close(gan.translate(images, to="A"), gan.b_to_a(images))
    assert make("pix2pix", direction="BtoA").translations == (("B", "A"),)


@pytest.mark.parametrize(
    ("images", "conditions", "text"),
    [
        (torch.zeros(1, 1, 32, 32), {}, r"must have the shape \(N, 1, 28, 28\), not \(1, 1, 32, 32\)"),
        (torch.zeros(1, 3, 28, 28), {}, r"must have the shape \(N, 1, 28, 28\)"),
        (torch.zeros(28, 28), {}, r"must have the shape"),
        (torch.zeros(0, 1, 28, 28), {}, "at least one image"),
        (torch.full((1, 1, 28, 28), 2.0), {}, r"floating point numbers in \[-1, 1\]"),
        (torch.full((1, 1, 28, 28), float("nan")), {}, r"floating point numbers in \[-1, 1\]"),
        (torch.zeros(1, 1, 28, 28, dtype=torch.uint8), {}, r"floating point numbers in \[-1, 1\]"),
        (torch.zeros(1, 1, 28, 28), {"to": "C"}, "does not translate to 'C'; it does to: B, A"),
        (torch.zeros(1, 1, 28, 28), {"style": 1}, "takes no 'style'"),
    ],
)
def test_bad_images_and_ways_are_refused(images, conditions, text):
    with pytest.raises(ConfigError, match=text):
        make("cyclegan").translate(images, **conditions)


def test_a_model_that_draws_from_seeds_translates_nothing():
    with pytest.raises(ConfigError, match="use sample"):
        make("dcgan").translate(torch.zeros(1, 1, 28, 28))


def test_as_many_images_as_seeds():
    with pytest.raises(ConfigError, match=r"3 seeds need as many images, .* \(3, 1, 28, 28\), not \(2, 1, 28, 28\)"):
        make("pix2pix").sample(3, images=torch.zeros(2, 1, 28, 28))


@pytest.mark.parametrize("shape", [(1, 6), (6, 2), (1, 2, 3, 3)], ids=str)
def test_a_pool_holds_samples_of_any_rank(shape):
    pool = ImagePool(shape, size=4)
    torch.manual_seed(0)
    for start in range(0, 40, 4):
        given = torch.arange(start, start + 4.0).view(4, *[1] * len(shape)).expand(4, *shape)
        swapped = pool.swap(given)
        assert swapped.shape == given.shape
        assert all(len(sample.unique()) == 1 for sample in (*swapped, *pool.images))
    assert not torch.equal(swapped, given)
