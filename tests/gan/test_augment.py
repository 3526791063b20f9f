"""Augmentations on real digits: what they do, each image its own, and that they may be differentiated twice."""

import functools

import pytest
import torch

from ganzoo.errors import ConfigError
from ganzoo.gan import augment

STRONG = {name: functools.partial(ada, strength=1.0) for name, ada in augment.ADAPTIVE.items()}
EVERYTHING = {**augment.POLICIES, **STRONG}
BUT_MIRROR = [name for name in EVERYTHING if name != "mirror"]  # of which every image has two forms


@pytest.fixture
def images(digits):
    return torch.from_numpy(digits[0][:64])[:, None].float() / 127.5 - 1


@pytest.fixture
def colored(images):
    return torch.cat([images, images.flip(2), -images], 1)


@pytest.mark.parametrize("name", BUT_MIRROR)
def test_each_changes_the_images_and_neither_their_shape_nor_what_was_given(name, images, colored):
    torch.manual_seed(0)
    for given in (images, colored):
        before = given.clone()
        made = EVERYTHING[name](given)
        assert made.shape == given.shape
        assert torch.equal(given, before)
        changed = (made - given).flatten(1).abs().amax(1) > 1e-3
        assert changed.float().mean() > 0.8


@pytest.mark.parametrize("name", BUT_MIRROR)
def test_equal_images_are_changed_in_ways_of_their_own(name, images):
    torch.manual_seed(0)
    made = EVERYTHING[name](images[:1].repeat(64, 1, 1, 1)).flatten(1)
    assert len(torch.unique(made, dim=0)) > 32


@pytest.mark.parametrize("name", EVERYTHING)
def test_it_is_differentiated_twice(name):
    """Gradient penalties need it, and it is what torch's own sampling cannot."""
    images = torch.rand(2, 3, 6, 6, dtype=torch.float64, requires_grad=True)

    def squares(given):
        torch.manual_seed(0)
        return EVERYTHING[name](given).square().sum((1, 2, 3))

    assert torch.autograd.gradcheck(squares, images)
    assert torch.autograd.gradgradcheck(squares, images)


def test_a_translation_is_a_shift_by_whole_pixels_with_zeros_behind_it(images):
    torch.manual_seed(0)
    made = augment.translation(images)
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4))
    shifts = set()
    for i in range(len(images)):
        found = [
            (x, y) for x in range(9) for y in range(9) if torch.equal(made[i], padded[i, :, x : x + 28, y : y + 28])
        ]
        assert found
        shifts.update(found)
    assert len(shifts) > 30  # of 81; an eighth of 28 pixels is 3.5, so up to 4 each way


def test_a_cutout_is_a_square_of_zeros(images):
    torch.manual_seed(0)
    made = augment.cutout(images + 2)  # nothing else is zero
    cut = (made == 0)[:, 0]
    assert cut.any(2).sum(1).max() == cut.any(1).sum(1).max() == 14
    assert torch.equal(cut, cut.any(2)[:, :, None] & cut.any(1)[:, None, :])
    assert torch.equal(made[:, 0][~cut], (images + 2)[:, 0][~cut])


def test_colour_keeps_what_is_between_the_pixels_of_a_grey_image_in_proportion(images):
    torch.manual_seed(0)
    made = augment.color(images)
    for a, b in zip(images.flatten(1), made.flatten(1), strict=True):
        slope = (b.max() - b.min()) / (a.max() - a.min())
        assert 0.5 <= slope <= 1.5
        torch.testing.assert_close(b, (a - a.mean()) * slope + b.mean(), atol=1e-5, rtol=0)


def test_about_half_of_the_images_are_mirrored_and_the_others_left(images):
    torch.manual_seed(0)
    before = images.clone()
    made = augment.mirror(images)
    assert torch.equal(images, before)
    flipped = [torch.equal(made[i], images[i].flip(2)) for i in range(64)]
    left = [torch.equal(made[i], images[i]) for i in range(64)]
    assert all(a or b for a, b in zip(flipped, left, strict=True))
    assert 20 < sum(flipped) < 44


def slopes(name):
    """Return how images of two ramps, to the right and down, rise in their middle afterwards: (N, 2, 2)."""
    torch.manual_seed(0)
    ramp = torch.linspace(-1, 1, 32)
    images = torch.stack([ramp.expand(32, 32), ramp[:, None].expand(32, 32)]).repeat(512, 1, 1, 1)
    made = EVERYTHING[name](images)
    return torch.stack([made[..., 16, 17] - made[..., 16, 15], made[..., 17, 16] - made[..., 15, 16]], 2)


@pytest.mark.parametrize(
    ("name", "share"),
    [("color", 0), ("translation", 0), ("cutout", 0), ("mirror", 0.5), ("ada", 0.5), ("ada:no-mirror", 0),
     ("ada:upright", 0)],
)  # fmt: skip
def test_an_augmentation_mirrors_only_where_its_name_says_so(name, share):
    flipped = torch.linalg.det(slopes(name)) < 0  # an inversion of both ramps leaves it
    # A shift seldom brings what is mirrored beyond an edge to the middle.
    assert flipped.float().mean().item() == pytest.approx(share, abs=0.08 if share else 0.01)


@pytest.mark.parametrize(("name", "turns"), [("ada", True), ("ada:no-mirror", True), ("ada:upright", False)])
def test_an_upright_ada_turns_nothing(name, turns):
    askew = slopes(name)[:, [0, 1], [1, 0]].abs().amax(1) > 1e-3
    assert askew.any() == turns


@pytest.mark.parametrize("name", STRONG)
def test_ada_of_no_strength_changes_nothing(name, images, colored):
    for given in (images, colored):
        torch.testing.assert_close(augment.ADAPTIVE[name](given, torch.zeros(())), given, atol=1e-5, rtol=0)


def test_ada_changes_about_as_many_as_its_strength_says(images):
    torch.manual_seed(0)
    plain = torch.zeros(4000, 1, 8, 8)
    brightened = augment.ada(plain, 0.3).flatten(1)[:, 0] != 0  # of black images only the brightness is seen
    assert 0.27 < brightened.float().mean() < 0.33


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[-1, 0, 0], [0, 1, 0], [0, 0, 1]], lambda x: x.flip(3)),
        ([[0, -1, 0], [1, 0, 0], [0, 0, 1]], lambda x: x.rot90(1, (2, 3))),
        ([[1, 0, 2 / 28], [0, 1, 0], [0, 0, 1]], lambda x: torch.cat([x[..., 1:], x[..., -1:]], 3)),  # mirrored edge
        ([[1, 0, 4], [0, 1, -8], [0, 0, 1]], lambda x: x),  # two and four sizes away: mirrored back
        ([[1, 0, 1 / 28], [0, 1, 0], [0, 0, 1]], lambda x: (x + torch.cat([x[..., 1:], x[..., -1:]], 3)) / 2),
    ],
)
def test_images_are_sampled_where_a_matrix_says(matrix, expected, images):
    matrices = torch.tensor(matrix, dtype=torch.float32).expand(len(images), 3, 3)
    torch.testing.assert_close(augment._warped(images, matrices), expected(images), atol=2e-5, rtol=0)


def test_hue_and_saturation_leave_the_luma(colored):
    torch.manual_seed(0)
    given = colored.repeat(4, 1, 1, 1)
    made = augment._colored(given, torch.ones(()))
    luma, new = given.mean(1), made.mean(1)
    for a, b in zip(luma.flatten(1), new.flatten(1), strict=True):  # brightness, contrast and inversion are linear
        line = torch.stack([a, torch.ones_like(a)], 1)
        solved = torch.linalg.lstsq(line, b[:, None]).solution
        torch.testing.assert_close((line @ solved)[:, 0], b, atol=1e-4, rtol=0)


def test_instance_noise_has_the_deviation_that_is_asked_for(images):
    torch.manual_seed(0)
    assert (augment.instance_noise(images, 0.2) - images).std().item() == pytest.approx(0.2, rel=0.02)


def test_a_policy_is_read_in_the_order_of_application_and_a_wrong_word_is_named(images):
    assert augment.read_policy("cutout, color") == ["color", "cutout"]
    with pytest.raises(ConfigError, match=r"'colour'.*'color'"):
        augment.diff_augment(images, "colour,cutout")
    torch.manual_seed(0)
    made = augment.diff_augment(images, "cutout,color")
    torch.manual_seed(0)
    assert torch.equal(made, augment.cutout(augment.color(images)))


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("shape", [(4, 1, 16), (4, 16, 2), (4, 3, 2, 8, 8)], ids=str)
def test_what_takes_images_refuses_samples_of_another_rank(name, shape):
    with pytest.raises(ConfigError) as raised:
        EVERYTHING[name](torch.zeros(shape))
    assert str(shape) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_noise_is_added_to_samples_of_any_rank():
    for shape in [(4, 1, 16), (4, 16, 2), (4, 3, 2, 8, 8)]:
        assert augment.instance_noise(torch.zeros(shape), 0.1).std().item() == pytest.approx(0.1, rel=0.5)
