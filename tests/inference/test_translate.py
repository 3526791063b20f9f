"""Many images translated to files, and pictures with the input beside the output."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.data import Loader, open_data, prepare, read_batches
from ganzoo.data.sources.folder import from_files
from ganzoo.errors import ConfigError, DataError, GanzooError
from ganzoo.inference.translate import EXAMPLES, side_by_side, translate_source
from ganzoo.media.image import to_uint8
from helpers import Painter, image_specs, make


@pytest.fixture(scope="module")
def gan():
    return make("pix2pix")


@pytest.fixture(scope="module")
def both_ways():
    return make("cyclegan")


def expected_of(gan, source, n, key="image", **options):
    (batch,) = read_batches(source, image_specs(28, 1), count=n, batch_size=1000)
    return to_uint8(gan.translate(batch[key], **options))[..., 0]


def close(a, b):
    return np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int)).max() <= 1


def test_a_folder_has_a_png_for_each_file_of_its_name(gan, folder, tmp_path):
    source = open_data(folder)
    assert translate_source(gan, source, tmp_path / "made", batch_size=16) == 100
    expected = expected_of(gan, source, 100)
    paths = sorted(folder.rglob("*.png"))
    assert len(list((tmp_path / "made").rglob("*.png"))) == 100
    for path, image in zip(paths, expected, strict=True):
        assert close(Image.open(tmp_path / "made" / path.relative_to(folder)), image)


def test_one_file_to_a_png_is_the_image_itself(gan, folder, tmp_path):
    source = from_files(sorted(folder.rglob("*.png"))[:1])
    translate_source(gan, source, tmp_path / "one.png")
    assert close(Image.open(tmp_path / "one.png"), expected_of(gan, source, 1)[0])
    translate_source(gan, source, tmp_path / "beside.png", beside=True)
    with Image.open(tmp_path / "beside.png") as picture:
        assert picture.size == (56, 28)


def test_an_array_holds_them_in_order(gan, mnist, tmp_path):
    source = open_data(str(mnist))
    assert translate_source(gan, source, tmp_path / "x.npz", count=300, batch_size=64) == 300
    with np.load(tmp_path / "x.npz") as file:
        assert file["images"].shape == (300, 28, 28, 1)
        assert close(file["images"][..., 0], expected_of(gan, source, 300))


def test_of_pairs_the_model_starts_from_its_own_side_and_shows_the_target(gan, both_ways, mnist, tmp_path):
    source = open_data(f"edges:{mnist}")
    translate_source(gan, source, tmp_path / "g.png", count=4, beside=True, columns=1)
    (batch,) = read_batches(source, image_specs(28, 1), count=4, batch_size=4)
    rows = torch.cat([batch["A"], gan.translate(batch["A"]), batch["B"]], 3)
    assert close(Image.open(tmp_path / "g.png"), np.concatenate(to_uint8(rows)[..., 0]))
    translate_source(both_ways, source, tmp_path / "back.npz", count=4, to="A")
    with np.load(tmp_path / "back.npz") as file:
        assert close(file["images"][..., 0], expected_of(both_ways, source, 4, "B", to="A"))


def test_the_input_is_beside_the_output(gan, both_ways, mnist):
    store = prepare(open_data(f"edges:{mnist}"), image_specs(28, 1), progress=False)
    batch = Loader(store, seed=0).batch(0, EXAMPLES)
    picture = np.asarray(side_by_side(gan, batch))
    assert picture.shape == (4 * 28, 12 * 28)
    cells = picture.reshape(4, 28, 12, 28).swapaxes(1, 2).reshape(16, 3, 28, 28)
    for place, images in enumerate((batch["A"], gan.translate(batch["A"]), batch["B"])):
        assert close(cells[:, place], to_uint8(images)[..., 0])
    two = {key: batch[key] for key in ("A", "B")}  # no pairs: no target to show
    picture = np.asarray(side_by_side(both_ways, two))
    assert picture.shape == (8 * 28, 8 * 28)
    cells = picture.reshape(8, 28, 8, 28).swapaxes(1, 2).reshape(16, 4, 28, 28)
    assert close(cells[:, 2], to_uint8(batch["B"])[..., 0])
    assert close(cells[:, 3], to_uint8(both_ways.translate(batch["B"], to="A"))[..., 0])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"out": "x.jpg"}, "not as '.jpg'"),
        ({"out": "no/where"}, "there is no folder"),
        ({"out": "full"}, "not an empty folder"),
        ({"out": "x.png", "to": "C"}, "does not translate to 'C'"),
        ({"out": "x.npz", "colour": "red"}, "takes no 'colour'"),
        ({"out": "made", "colour": "red"}, "takes no 'colour'"),
    ],
)
def test_bad_wishes_are_refused_and_nothing_is_left(gan, mnist, tmp_path, options, text):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    out = tmp_path / options.pop("out")
    with pytest.raises(GanzooError, match=text):
        translate_source(gan, open_data(str(mnist)), out, count=4, **options)
    assert os.listdir(tmp_path) == ["full"]


def test_a_damaged_input_leaves_nothing_half_done(gan, folder, tmp_path):
    paths = sorted(folder.rglob("*.png"))[:3]
    (tmp_path / "bad.png").write_bytes(b"no picture")
    source = from_files([*paths, tmp_path / "bad.png"])
    for out in ("made", "x.npz", "x.png"):
        with pytest.raises(DataError, match=r"bad\.png .*readable"):
            translate_source(gan, source, tmp_path / out, batch_size=2)
    assert os.listdir(tmp_path) == ["bad.png"]


def test_an_output_that_is_an_input_is_refused(gan, folder, tmp_path):
    mine = tmp_path / "mine.png"
    mine.write_bytes(min(folder.rglob("*.png")).read_bytes())
    before = mine.read_bytes()
    with pytest.raises(ConfigError, match=r"mine\.png .*input"):
        translate_source(gan, from_files([mine]), mine)
    assert mine.read_bytes() == before


def test_an_output_that_holds_the_inputs_is_refused(gan, tmp_path):
    array, pair = tmp_path / "all.npz", tmp_path / "pair.png"
    np.savez(array, images=np.zeros((5, 28, 28), np.uint8))
    Image.new("L", (56, 28)).save(pair)
    for source, out in ((open_data(str(array)), array), (open_data(f"pairs:{pair}"), pair)):
        before = out.read_bytes()
        with pytest.raises(ConfigError, match="is an input"):
            translate_source(gan, source, out, count=1)
        assert out.read_bytes() == before


def test_of_two_sets_that_do_not_match_all_of_one_is_translated(both_ways, mnist, tmp_path):
    source = open_data(f"A={mnist}:3,B={mnist}:8")
    for to, key, side in (("B", "A", source.a), ("A", "B", source.b)):
        assert translate_source(both_ways, source, tmp_path / f"{to}.npz", to=to) == side.count, key


def test_files_pictures_and_arrays_in_code(gan, folder):
    path = min(folder.rglob("*.png"))
    expected = expected_of(gan, from_files([path]), 1)
    with Image.open(path) as picture:
        for given in (path, str(path), [path], picture, np.asarray(picture), [np.asarray(picture)]):
            assert close(to_uint8(ganzoo.translate(gan, given))[..., 0], expected)
    assert ganzoo.translate(gan, torch.zeros(2, 1, 28, 28)).shape == (2, 1, 28, 28)
    with pytest.raises(ConfigError, match=r"images .*not int"):
        ganzoo.translate(gan, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((28, 28), np.float32), np.zeros((28, 28)), np.zeros((28, 28, 3), np.int16), np.zeros(5, np.uint8),
        np.zeros((0, 5, 3), np.uint8), np.zeros((1, 28, 28, 3), np.uint8),
    ],
)  # fmt: skip
def test_an_array_of_another_kind_is_refused(gan, array):
    with pytest.raises(ConfigError, match=r"uint8 \(H, W\) or \(H, W, C\), not "):
        ganzoo.translate(gan, array)


def test_a_picture_in_code_is_what_its_file_is(gan, folder, tmp_path):
    """Upright, and if it is damaged, refused alike."""
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = min(folder.rglob("*.png"))
    with Image.open(whole) as picture:
        picture.save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as turned:
        assert torch.equal(ganzoo.translate(gan, turned), ganzoo.translate(gan, tmp_path / "turned.png"))
        assert not torch.equal(ganzoo.translate(gan, turned), ganzoo.translate(gan, whole))
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:-60])
    with Image.open(tmp_path / "cut.png") as cut, pytest.raises(DataError, match=r"image 0 .*readable"):
        ganzoo.translate(gan, cut)


def test_a_missing_image_is_another_error_than_a_damaged_one(gan, tmp_path):
    with pytest.raises(DataError, match="is a folder: name the images in it"):
        ganzoo.translate(gan, tmp_path)
    with pytest.raises(DataError, match="There is no file"):
        ganzoo.translate(gan, tmp_path / "x.png")


def test_translate_takes_no_number(gan):
    with pytest.raises(ConfigError, match=r"no n\b"):
        gan.translate(torch.zeros(2, 1, 28, 28), n=3)


def test_a_model_that_samples_from_seeds_is_refused(mnist, tmp_path):
    with pytest.raises(ConfigError, match="use sample"):
        translate_source(make("dcgan"), open_data(str(mnist)), tmp_path / "x.png")


# --- conditions and seeds ---


def painted(images, **options):
    """Return what a painter makes of all images at once."""
    return to_uint8(Painter().translate(images, batch_size=1000, **options))


def first_images(source, n):
    (batch,) = read_batches(source, image_specs(28, 1), count=n, batch_size=1000)
    return batch["image"]


def test_each_input_has_its_own_label_and_seed_across_batches(mnist, tmp_path):
    source = open_data(str(mnist))
    labels = [("cat", "dog", 2)[i % 3] for i in range(120)]
    options = {"labels": labels, "shift": [i / 200 for i in range(120)]}
    translate_source(Painter(), source, tmp_path / "x.npz", count=120, seed=9, batch_size=16, **options)
    with np.load(tmp_path / "x.npz") as file:
        expected = painted(
            first_images(source, 120), seed=9, labels=[i % 3 for i in range(120)], shift=options["shift"]
        )
        assert close(file["images"], expected)
    with pytest.raises(ConfigError, match=r"120 values of labels .*not 3"):
        translate_source(Painter(), source, tmp_path / "y.npz", count=120, labels=["cat", "dog", "owl"])
    with pytest.raises(ConfigError, match=r"no class 'dgo'\. Did you mean 'dog'"):
        translate_source(Painter(), source, tmp_path / "y.npz", count=2, labels="dgo")
    assert os.listdir(tmp_path) == ["x.npz"]


def test_a_seed_is_that_of_an_input_wherever_it_comes(mnist):
    images = first_images(open_data(str(mnist)), 6)
    gan = Painter()
    assert not torch.equal(gan.translate(images), gan.translate(images, seed=1))
    assert torch.equal(gan.translate(images, seed=5)[2:], gan.translate(images[2:], seeds=[7, 8, 9, 10]))
    assert torch.equal(gan.translate(images), gan.translate(images, seeds=range(6)))


def test_an_input_may_be_translated_several_times(folder, tmp_path):
    paths = sorted(folder.rglob("*.png"))[:5]
    source = from_files(paths)
    labels = ["cat", "dog", "owl"] * 5
    for out in ("x.npz", "made"):
        translate_source(Painter(), source, tmp_path / out, repeat=3, batch_size=4, labels=labels, seed=2)
    images = first_images(source, 5).repeat_interleave(3, 0)
    expected = painted(images, seeds=[2 + i // 3 for i in range(15)], labels=[0, 1, 2] * 5)
    with np.load(tmp_path / "x.npz") as file:
        assert close(file["images"], expected)
    made = sorted((tmp_path / "made").iterdir())
    assert [path.name for path in made] == [f"{path.stem}-{i}.png" for path in paths for i in (1, 2, 3)]
    assert close(Image.open(made[4]), expected[4, ..., 0])


def test_beside_its_input_are_all_its_translations_and_the_target(mnist, tmp_path):
    source = open_data(f"edges:{mnist}")
    translate_source(
        Painter(), source, tmp_path / "g.png", count=2, repeat=3, beside=True, columns=1, labels=[0, 1, 2] * 2
    )
    (batch,) = read_batches(source, image_specs(28, 1), count=2, batch_size=2)
    made = painted(batch["A"].repeat_interleave(3, 0), seeds=[0, 0, 0, 1, 1, 1], labels=[0, 1, 2] * 2)[..., 0]
    a, b = to_uint8(batch["A"])[..., 0], to_uint8(batch["B"])[..., 0]
    rows = [np.concatenate([a[i], *made[3 * i : 3 * i + 3], b[i]], 1) for i in range(2)]
    assert close(Image.open(tmp_path / "g.png"), np.concatenate(rows))
