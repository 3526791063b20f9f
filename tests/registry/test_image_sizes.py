"""Sizes of images: what is read as one, which an architecture can make, and the nearest that it can."""

from __future__ import annotations

import pytest

from ganzoo.registry.image_sizes import Sizes, doublings, height_width, read_size, size_of, size_text

DOUBLING = Sizes(doubling=True)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64", 64),
        (" 64 ", 64),
        ("320x448", (320, 448)),
        ("320X448", (320, 448)),
        ("64x64", 64),
        ("96 x 64", (96, 64)),
        ("[320, 448]", (320, 448)),
        ("[64,64]", 64),
        ("0x0", 0),
    ],
)
def test_text_is_read_as_a_size(text, size):
    assert read_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "64x",
        "x64",
        "-4x4",
        "1e9x3",
        "3.5x4",
        "64x64x3",
        "[64]",
        "[64, 64, 3]",
        "64,64",
        "\uff16\uff14",
        "9" * 5000,
        "1_0",
    ],
)
def test_other_text_stays_text(text):
    assert read_size(text) == text


@pytest.mark.parametrize(("size", "sides", "text"), [(64, (64, 64), "64x64"), ((96, 64), (96, 64), "96x64")])
def test_a_size_is_a_number_for_a_square_and_a_pair_otherwise(size, sides, text):
    assert height_width(size) == sides
    assert size_of(*sides) == size
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("sides", "count"),
    [
        ((8, 8), 1),
        ((28, 28), 2),
        ((128, 128), 5),
        ((1024, 1024), 8),
        ((96, 64), 4),
        ((320, 448), 6),
        ((1024, 256), 6),
        ((28, 32), 2),
        ((1024, 128), 0),  # 32 to 4 at the smallest
        ((100, 100), 0),
        ((4, 4), 0),
        ((0, 0), 0),
        ((-8, -8), 0),
        ((33, 64), 0),
    ],
)
def test_doublings_of_a_map_of_four_to_sixteen(sides, count):
    assert doublings(*sides) == count
    assert doublings(*reversed(sides)) == count
    if count:
        assert all(side % 2**count == 0 and 4 <= side >> count <= 16 for side in sides)


@pytest.mark.parametrize(
    ("sizes", "wanted", "nearest"),
    [
        (DOUBLING, 100, [96, 104]),
        (DOUBLING, 33, [32, 36]),
        (DOUBLING, 2048, [1024]),
        (DOUBLING, 0, [8]),
        (DOUBLING, (321, 449), [(320, 448), (352, 480)]),
        (DOUBLING, (2000, 100), [(256, 96), (1024, 256)]),
        (DOUBLING, (3, 2000), [(8, 32), (256, 1024)]),
        (Sizes(doubling=True, least=64, most=256), 20, [64]),
        (Sizes(multiple_of=4), 101, [100, 104]),
        (Sizes(multiple_of=4), (322, 448), [(320, 448), (324, 448)]),
        (Sizes(multiple_of=4, least=10), 3, [12]),
        (Sizes(multiple_of=32, most=1000), 5000, [992]),
        (Sizes(least=16), (5, 9999), [(16, 1024)]),
        (Sizes(), -(10**300), [8]),
    ],
)
def test_the_nearest_sizes_are_one_within_and_one_around(sizes, wanted, nearest):
    assert wanted not in sizes
    assert sizes.nearest(wanted) == nearest
    assert all(size in sizes for size in nearest)


@pytest.mark.parametrize("side", range(8, 1100, 7))
@pytest.mark.parametrize("sizes", [DOUBLING, Sizes(multiple_of=12, least=30, most=1000), Sizes()], ids=repr)
def test_there_is_always_a_nearest_square_for_a_square(sizes, side):
    nearest = sizes.nearest(side)
    assert 1 <= len(nearest) <= 2
    assert all(isinstance(size, int) and size in sizes for size in nearest)
    assert (side in nearest) == (side in sizes)


@pytest.mark.parametrize(
    ("sizes", "taken", "refused"),
    [
        (Sizes(), [8, 9, 1024, (8, 1024)], [7, 1025, (8, 1025), (7, 8)]),
        (Sizes(multiple_of=4, least=16, most=64), [16, (64, 20)], [12, 68, 18, (16, 18)]),
        (DOUBLING, [8, 28, 1024, (96, 64)], [7, 2048, 100, (1024, 128)]),
        (Sizes(doubling=True, multiple_of=32), [64, (320, 448)], [48, (96, 80)]),
    ],
)
def test_what_is_among_the_sizes(sizes, taken, refused):
    assert all(size in sizes for size in taken)
    assert not any(size in sizes for size in refused)


def test_a_refusal_names_the_size_and_the_nearest():
    assert DOUBLING.refusal(100) == "cannot make images of 100x100; the nearest it can are 96x96 and 104x104"
    assert Sizes().refusal((2000, 9)) == "cannot make images of 2000x9; the nearest it can is 1024x9"
