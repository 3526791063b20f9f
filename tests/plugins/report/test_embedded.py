import base64
import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import DataError
from ganzoo_report.embedded import ENOUGH, even, fitting, picture_size, picture_uri, read_frames


@pytest.fixture
def previews(run, tmp_path):
    """40 previews of a run that has three."""
    first = min((run / "samples").glob("*.png")).read_bytes()
    paths = [tmp_path / f"{1000 * i:09d}.png" for i in range(40)]
    for path in paths:
        path.write_bytes(first)
    return paths


def test_all_are_shown_as_they_are(run):
    paths = sorted((run / "samples").glob("*.png"))
    frames = read_frames(paths)
    assert [frame.images for frame in frames.shown] == [64, 128, 192]
    assert [base64.b64decode(frame.uri.partition(",")[2]) for frame in frames.shown] == [p.read_bytes() for p in paths]
    assert (frames.found, frames.damaged, frames.smaller) == (3, [], False)


def test_too_many_are_chosen_evenly(previews):
    size = previews[0].stat().st_size
    frames = read_frames(previews, budget=30 * size)
    images = [frame.images for frame in frames.shown]
    assert len(images) == 30
    assert (images[0], images[-1]) == (0, 39_000)
    assert {b - a for a, b in itertools.pairwise(images)} == {1000, 2000}
    assert not frames.smaller


def test_too_large_ones_are_made_smaller_before_too_few_are_left(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (1300, 1300, 3), dtype=np.uint8)
    for i in range(3):
        Image.fromarray(noise).save(tmp_path / f"{i}.png", compress_level=1)
    frames = read_frames(sorted(tmp_path.glob("*.png")), budget=2**21)
    assert frames.smaller
    assert 1 <= len(frames.shown) < ENOUGH
    assert sum(len(frame.content) for frame in frames.shown) <= 2**21
    picture = Image.open(io.BytesIO(frames.shown[0].content))
    assert (picture.format, picture.size, frames.shown[0].size) == ("WEBP", (1024, 1024), (1024, 1024))


def test_damaged_ones_are_left_out_by_name(previews):
    previews[1].write_bytes(previews[1].read_bytes()[:300])
    previews[2].write_bytes(b"<script>alert(1)</script>")
    previews[3].unlink()
    frames = read_frames(previews)
    assert frames.damaged == [path.name for path in previews[1:4]]
    assert len(frames.shown) == 37


@pytest.mark.slow
def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path):
    file = io.BytesIO()
    Image.new("1", (60_000, 60_000)).save(file, "PNG")
    (tmp_path / "1.png").write_bytes(file.getvalue())
    with pytest.raises(DataError, match=r"too large|no PNG"):
        picture_size(tmp_path / "1.png")


def test_none_is_none():
    assert read_frames([]).shown == []


def test_even_and_fitting():
    assert even(10, 4) == [0, 3, 6, 9]
    assert even(3, 5) == [0, 1, 2]
    assert even(5, 1) == [4]
    assert fitting([10] * 10, 45) == 4
    assert fitting([10] * 10, 100) == 10
    assert fitting([10], 5) == 0


def test_images_become_one_picture_row_by_row():
    images = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(6, 1, 2, 2)
    uri, size = picture_uri(images, 3)
    assert size == (6, 4)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    assert pixels[::2, ::2].tolist() == [[0, 1, 2], [3, 4, 5]]
