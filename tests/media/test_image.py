"""Pictures as they come: modes, transparency, depth, orientation, frames, size, and what is told of each."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, features

from ganzoo.errors import ConfigError, DataError
from ganzoo.gan.sample_spec import DEFAULT_READING, Reading
from ganzoo.media import get_medium
from ganzoo.media.base import Item, SurveyNeededError
from ganzoo.media.image import open_image
from ganzoo.media.limits import MAX_PIXELS
from hostile_files import tiff_of_a_tile

MEDIUM = get_medium("image")
PAD, STRETCH = Reading(fit="pad"), Reading(fit="stretch")


def encoded(image, suffix="PNG", **options):
    """Return an encoded picture as an item."""
    buffer = io.BytesIO()
    image.save(buffer, suffix, **options)
    return Item(buffer.getvalue(), None, "the picture")


def read(image, *shape, reading=DEFAULT_READING, **options):
    """Return a picture (H, W, C) or (H, W) as it is stored, and the notes."""
    item = image if isinstance(image, Item) else encoded(image, **options)
    stored, notes = MEDIUM.read(item, shape or (3, 20, 20), reading)
    assert stored.dtype == np.uint8
    return stored.transpose(1, 2, 0).squeeze(), notes


@pytest.mark.parametrize(("background", "colour"), [("white", 255), ("black", 0), ("#808080", 128)])
def test_transparency_is_laid_on_the_background(background, colour):
    image = Image.new("RGBA", (20, 20), (200, 100, 50, 51))  # a fifth
    stored, notes = read(image, reading=Reading(background=background))
    expected = [round(0.2 * value + 0.8 * colour) for value in (200, 100, 50)]
    assert np.abs(stored[0, 0].astype(int) - expected).max() <= 1
    assert notes == (f"with transparency, laid on {background}",)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_four_channels_keep_transparency_and_say_nothing(mode):
    image = Image.new("RGBA", (20, 20), (90, 90, 90, 0))
    image.paste((90, 90, 90, 255), (0, 0, 10, 20))
    stored, notes = read(image.convert(mode), 4, 20, 20)
    assert stored[:, :10, 3].min() > 250
    assert stored[:, 10:, 3].max() < 5
    assert notes == ()


def test_an_opaque_picture_with_an_alpha_channel_is_not_said_to_be_transparent():
    assert read(Image.new("RGBA", (20, 20), (1, 2, 3, 255)))[1] == ()


def test_a_palette_is_looked_up_with_its_transparency():
    image = Image.new("P", (20, 20), 3)
    image.putpalette([c for i in range(256) for c in (i, 2 * i % 256, 255 - i)])
    assert read(image)[0][0, 0].tolist() == [3, 6, 252]
    stored, notes = read(image, transparency=bytes(range(256)))  # 3 of 255 opaque
    assert np.abs(stored[0, 0].astype(int) - [252, 252, 255]).max() <= 1
    assert notes


@pytest.mark.parametrize(("top", "bits"), [(200, 8), (1000, 10), (4095, 12), (4096, 14), (65535, 16)])
def test_sixteen_bits_are_scaled_by_the_range_of_the_whole_set(top, bits):
    items = [encoded(Image.fromarray(np.full((20, 20), value, np.uint16))) for value in (0, top // 2, top)]
    with pytest.raises(SurveyNeededError):
        read(items[0], 1, 20, 20)
    survey = MEDIUM.survey([*items, Item(b"no image", None, "damaged")])
    assert survey == {"bits": bits}
    full = 2**bits - 1
    for item, value in zip(items, (0, top // 2, top), strict=True):
        stored, notes = read(item, 1, 20, 20, reading=Reading(survey=survey))
        assert stored[0, 0] == value * 255 // full
        assert notes == (f"of {bits} bits in 16, scaled to 8",)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_of_no_known_range_are_refused(kind):
    with pytest.raises(DataError, match="32 bits"):
        read(Image.fromarray(np.full((20, 20), 1, kind)), suffix="TIFF")


def test_a_rotated_photograph_is_turned_upright():
    upright = Image.fromarray(np.zeros((20, 20), np.uint8))
    upright.paste(255, (0, 0, 20, 10))  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter to the right
    found, _ = read(upright.rotate(90), 1, 20, 20, suffix="JPEG", exif=exif, quality=100)
    assert found[:8].min() > 240
    assert found[12:].max() < 15


def test_frames_and_inks_are_told():
    frames = [Image.new("L", (20, 20), value) for value in (10, 200)]
    stored, notes = read(frames[0], 1, 20, 20, suffix="GIF", save_all=True, append_images=frames[1:])
    assert stored.max() < 30
    assert len(notes) == 1
    assert "CMYK" in read(Image.new("CMYK", (20, 20), (0, 255, 0, 0)), suffix="JPEG")[1][0]


@pytest.mark.parametrize(
    ("reading", "left", "middle", "note"),
    [(Reading(), 0, 0, "centre-cropped"), (PAD, 255, 0, "padded"), (STRETCH, 0, 0, "stretched")],
    ids=["crop", "pad", "stretch"],
)
def test_a_picture_of_other_proportions_is_cropped_padded_or_stretched(reading, left, middle, note):
    stored, notes = read(Image.new("L", (40, 80)), 1, 20, 20, reading=reading)
    assert (stored[10, 0], stored[10, 10]) == (left, middle)
    assert notes == (note,)


def test_a_marked_middle_shows_what_each_fit_keeps():
    image = Image.new("L", (40, 80), 0)
    image.paste(255, (0, 30, 40, 50))  # a quarter of the height
    shares = {}
    for fit in ("crop", "pad", "stretch"):
        stored, _ = read(image, 1, 40, 40, reading=Reading(fit=fit, background="black"))
        shares[fit] = (stored > 127).mean()
    assert shares["crop"] == pytest.approx(0.5, abs=0.03)
    assert shares["stretch"] == pytest.approx(0.25, abs=0.03)
    assert shares["pad"] == pytest.approx(0.125, abs=0.03)


def test_padding_of_four_channels_is_transparent():
    stored, _ = read(Image.new("RGBA", (40, 80), (9, 9, 9, 255)), 4, 20, 20, reading=PAD)
    assert stored[10, 0].tolist() == [0, 0, 0, 0]
    assert stored[10, 10].tolist() == [9, 9, 9, 255]


def test_a_rectangle_and_an_enlargement():
    stored, notes = read(Image.new("RGB", (10, 10)), 3, 12, 30)
    assert stored.shape == (12, 30, 3)
    assert notes == ("enlarged", "centre-cropped")


def too_many(width, height):
    """A picture that says it has so many pixels, and has none."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return Item(b"\x89PNG\r\n\x1a\n" + chunk + bytes(4) + b"IDAT" + bytes(4), None, "large.png")


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [(2**13, 2**13 + 2**11 + 1, "10241x8192, of"), (13_000, 13_000, "an image of"), (60_000, 60_000, "an image of")],
)
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(width, height, said):
    """Pillow warns of the second, and refuses the third."""
    with pytest.raises(
        DataError, match=rf"^large\.png is {said} more than the {MAX_PIXELS:,} pixels .*GANZOO_MAX_PIXELS"
    ):
        open_image(too_many(width, height))


@pytest.mark.parametrize("made", [np.zeros((20, 30), np.uint8), Image.new("L", (30, 20))])
def test_the_limit_of_pixels_is_a_setting_and_holds_for_arrays_too(monkeypatch, made):
    monkeypatch.setenv("GANZOO_MAX_PIXELS", "600")
    assert open_image(Item(made, None, "here")).size == (30, 20)
    monkeypatch.setenv("GANZOO_MAX_PIXELS", "599")
    for item in (Item(made, None, "here"), encoded(Image.new("L", (30, 20)))):
        with pytest.raises(DataError, match="20x30, of more than the 599 pixels"):
            open_image(item)


@pytest.mark.parametrize("wrong", ["0", "-1", "many", "1e6", "178956971"])
def test_a_limit_of_pixels_that_is_none_is_refused(monkeypatch, wrong):
    monkeypatch.setenv("GANZOO_MAX_PIXELS", wrong)
    with pytest.raises(ConfigError, match=rf"GANZOO_MAX_PIXELS .*1 \.\.\. 178,956,970, not '{wrong}'"):
        open_image(encoded(Image.new("L", (2, 2))))


def test_a_file_of_far_more_bytes_than_pixels_is_refused_before_it_is_read(monkeypatch, tmp_path):
    path = tmp_path / "long.png"
    Image.new("L", (20, 20)).save(path)
    size = path.stat().st_size
    os.truncate(path, 4 * 400)
    monkeypatch.setenv("GANZOO_MAX_PIXELS", "400")
    assert open_image(Item(path, None, "long.png")).size == (20, 20)
    os.truncate(path, 4 * 400 + 1)
    for image in (path, path.read_bytes()):
        with pytest.raises(DataError, match=r"^long\.png has 1,601 bytes, more than the 1,600 that are read"):
            open_image(Item(image, None, "long.png"))
    assert size < 4 * 400


def test_a_tile_that_is_larger_than_its_image_counts(monkeypatch, tmp_path):
    item = Item(tiff_of_a_tile(tmp_path / "a.tiff", 256), None, "a.tiff")
    assert open_image(item).size == (16, 16)
    monkeypatch.setenv("GANZOO_MAX_PIXELS", str(256 * 256 - 1))
    with pytest.raises(DataError, match=r"^a\.tiff: a tile is 256x256, of more than the 65,535 pixels"):
        open_image(item)


@pytest.mark.parametrize("suffix", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_is_read(suffix):
    if suffix == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    stored, notes = read(Image.new("RGB", (20, 20), (200, 100, 50)), suffix=suffix)
    assert np.abs(stored.astype(int) - [200, 100, 50]).max() < 8
    assert notes == ()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_cache_of_encoded_pictures_loses_nothing(channels):
    stored = np.random.default_rng(0).integers(0, 256, (channels, 24, 40), dtype=np.uint8)
    data = MEDIUM.encode(stored)
    np.testing.assert_array_equal(MEDIUM.decode(data, stored.shape), stored)


def test_networks_see_what_is_stored():
    stored = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    samples = MEDIUM.to_model(stored)
    assert (samples.min(), samples.max()) == (-1, 1)
    assert torch.equal(MEDIUM.to_storage(samples), stored)


def test_hyperparameters_of_the_data():
    assert MEDIUM.hyperparameters((3, 64, 64)) == {"channels": 3, "image_size": 64}
    assert MEDIUM.hyperparameters((1, 64, 96)) == {"channels": 1, "image_size": (64, 96)}
    assert MEDIUM.hyperparameters((3, None, 64)) == {"channels": 3, "image_size": None}
