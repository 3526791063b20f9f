"""Two sets of images: how they are named, what matches, and which images meet in a batch."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data import Loader, PairSource, PairStore, Source, open_data, prepare
from ganzoo.data.degradations import DEGRADATIONS, get_degradation
from ganzoo.errors import DataError
from helpers import image_specs


def folder_of(path, values, size=(16, 16)):
    """A folder of images of one grey each, called by their place."""
    path.mkdir(parents=True)
    for i, value in enumerate(values):
        Image.new("L", size, int(value)).save(path / f"{i:03d}.png")
    return path


@pytest.fixture
def two(tmp_path):
    """A of 20 images with the values 0 ... 19, B of 30 with the values 100 ... 129."""
    return folder_of(tmp_path / "x", range(20)), folder_of(tmp_path / "y", range(100, 130))


def values(images):
    return (images[:, 0, 0, 0] * 127.5 + 127.5).round().int().tolist()


def loaded(spec, **settings):
    source = open_data(spec)
    return Loader(prepare(source, image_specs(16, 1), progress=False), seed=settings.pop("seed", 0), **settings)


def test_two_folders_are_two_sets_that_do_not_match(two):
    source = open_data("A={},B={}".format(*two))
    assert isinstance(source, PairSource)
    assert (source.matched, source.count, source.keys, source.native()) == (False, 20, {"A", "B"}, (1, 16, 16))
    batch = loaded("A={},B={}".format(*two)).batch(0, 20)
    assert set(batch) == {"A", "B"}
    assert sorted(values(batch["A"])) == list(range(20))
    assert len(set(values(batch["B"]))) == 20
    assert min(values(batch["B"])) >= 100


def test_sets_that_do_not_match_go_through_epochs_of_their_own(two):
    loader = loaded("A={},B={}".format(*two))
    of_a = [values(loader.batch(place, 10)["A"]) for place in range(0, 60, 10)]
    of_b = [values(loader.batch(place, 10)["B"]) for place in range(0, 60, 10)]
    for epoch in range(3):
        assert sorted(of_a[2 * epoch] + of_a[2 * epoch + 1]) == list(range(20))
    for epoch in range(2):
        assert sorted(value for part in of_b[3 * epoch : 3 * epoch + 3] for value in part) == list(range(100, 130))
    # who meets whom changes from epoch to epoch
    partners = [dict(zip(a, b, strict=True)).get(0) for a, b in zip(of_a, of_b, strict=True)]
    assert len({p for p in partners if p is not None}) > 1


def test_folders_that_match_meet_in_pairs(two, tmp_path):
    shutil.rmtree(two[1])
    folder_of(tmp_path / "y", range(100, 120))
    spec = "pairs:A={},B={}".format(*two)
    assert open_data(spec).matched
    for place in (0, 15, 40):
        batch = loaded(spec).batch(place, 10)
        assert [b - a for a, b in zip(values(batch["A"]), values(batch["B"]), strict=True)] == [100] * 10
        assert batch["pair"].tolist() == values(batch["A"])


def test_pairs_need_as_many_of_each(two):
    with pytest.raises(DataError, match=r"020, 021, 022 and others is on one side only: add its partner"):
        open_data("pairs:A={},B={}".format(*two))
    for path in two[0].iterdir():
        path.rename(path.with_name(f"a{path.name}"))
    with pytest.raises(DataError, match=r"A has 20 images and B 30.*leave out 'pairs:'"):
        open_data("pairs:A={},B={}".format(*two))


def test_pairs_go_by_the_names_of_their_files(tmp_path, caplog):
    a, b = tmp_path / "a", tmp_path / "b"
    for folder, suffix in ((a, "png"), (b, "bmp")):
        folder.mkdir()
        for i in (1, 2, 10, 30):
            Image.new("L", (16, 16), i + (100 if folder == b else 0)).save(folder / f"{i}.{suffix}")
    batch = loaded(f"pairs:A={a},B={b}").batch(0, 4)
    assert [y - x for x, y in zip(values(batch["A"]), values(batch["B"]), strict=True)] == [100] * 4
    assert "called as" not in caplog.text
    for path in b.iterdir():
        path.rename(path.with_name(f"img_{int(path.stem):03d}.bmp"))
    batch = loaded(f"pairs:A={a},B={b}").batch(0, 4)  # 2 before 10, as in the other
    assert [y - x for x, y in zip(values(batch["A"]), values(batch["B"]), strict=True)] == [100] * 4
    assert "they are paired in the order of their names, 1 with img_001 first" in caplog.text


def test_pairs_by_name_need_names_that_are_there_once(tmp_path):
    a, b = folder_of(tmp_path / "a", range(4)), folder_of(tmp_path / "b", range(4))
    (b / "003.png").rename(b / "001.bmp")
    with pytest.raises(DataError, match=r"B has more than one file called 001"):
        open_data(f"pairs:A={a},B={b}")


def test_pairs_by_name_share_the_stores_of_their_folders(tmp_path):
    """Files come in natural order both as a set and in pairs: 1, 2, 10."""
    a, b = tmp_path / "a", tmp_path / "b"
    for folder, add, name in ((a, 0, "{}"), (b, 100, "img_{:03d}")):
        folder.mkdir()
        for i in (1, 2, 10):
            Image.new("L", (16, 16), i + add).save(folder / f"{name.format(i)}.png")
    for folder, key in zip(
        (a, b), (source.key for source in open_data(f"pairs:A={a},B={b}").sides.values()), strict=True
    ):
        assert prepare(open_data(folder), image_specs(16, 1), progress=False).samples.diff(dim=0).min() > 0
        assert open_data(folder).key == key
    batch = loaded(f"pairs:A={a},B={b}").batch(0, 3)
    assert [y - x for x, y in zip(values(batch["A"]), values(batch["B"]), strict=True)] == [100] * 3


def test_pairs_in_sub_folders_go_by_their_names_too(tmp_path):
    for side, add in (("a", 0), ("b", 100)):
        folder_of(tmp_path / side / "paris", [1 + add, 2 + add])
        folder_of(tmp_path / side / "rome", [3 + add, 4 + add])
    spec = f"pairs:A={tmp_path}/a,B={tmp_path}/b"
    batch = loaded(spec).batch(0, 4)
    assert [y - x for x, y in zip(values(batch["A"]), values(batch["B"]), strict=True)] == [100] * 4
    (tmp_path / "b/rome/001.png").rename(tmp_path / "b/rome/007.png")
    with pytest.raises(DataError, match=r"rome/001, rome/007 is on one side only"):
        open_data(spec)


def test_the_halves_of_images_of_all_kinds_are_what_whole_images_are(tmp_path):
    """16 bits, a palette, grey with alpha: each half is converted as a single image is."""
    wide = np.concatenate([np.full((16, 16), 0x4000), np.full((16, 16), 0xC000)], 1).astype(np.uint16)
    for kind, picture in {
        "I;16": Image.fromarray(wide),
        "P": Image.fromarray((wide >> 8).astype(np.uint8)).convert("P"),
        "LA": Image.fromarray((wide >> 8).astype(np.uint8)).convert("LA"),
        "1": Image.fromarray((wide >> 8).astype(np.uint8)).convert("1", dither=Image.Dither.NONE),
    }.items():
        folder = tmp_path / kind.replace(";", "")
        folder.mkdir()
        picture.save(folder / ("x.tif" if kind == "I;16" else "x.png"))
        source = open_data(f"pairs:{folder}")
        batch = Loader(prepare(source, image_specs(16, 1), progress=False), seed=0).batch(0, 1)
        a, b = (0, 255) if kind == "1" else (0x40, 0xC0)
        assert abs(values(batch["A"])[0] - a) <= 1, kind
        assert abs(values(batch["B"])[0] - b) <= 1, kind


def test_a_data_sets_name_is_never_a_folder(tmp_path, monkeypatch):
    for name in ("mnist/trainA", "mnist/trainB", "mnist:3"):
        folder_of(tmp_path / name, range(3))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "ganzoo.data.opening.from_hub", lambda dataset, split: Source(dataset.name, "k", 1, list, ("3",))
    )
    assert open_data("mnist").name == "mnist"
    assert not open_data("mnist").local
    with pytest.raises(DataError, match="no image of the class '3'"):
        open_data("mnist:3")
    assert open_data("./mnist").local


def test_images_side_by_side_are_cut_in_two(tmp_path):
    folder = tmp_path / "both"
    folder.mkdir()
    for i in range(12):
        both = np.full((16, 32, 3), i, np.uint8)
        both[:, 16:] = 100 + i
        Image.fromarray(both).save(folder / f"{i}.png")
    source = open_data(f"pairs:{folder}")
    assert (source.matched, source.count, source.native()) == (True, 12, (3, 16, 16))
    store = prepare(source, image_specs(16, 3), progress=False)
    batch = Loader(store, seed=3).batch(0, 12)
    assert sorted(values(batch["A"])) == list(range(12))
    assert [b - a for a, b in zip(values(batch["A"]), values(batch["B"]), strict=True)] == [100] * 12
    Image.new("L", (31, 16)).save(folder / "odd.png")
    with pytest.raises(DataError, match=r"odd.png is 31x16, which is not two images side by side"):
        prepare(open_data(f"pairs:{folder}"), image_specs(16, 3), progress=False)
    Image.new("L", (16, 16)).save(folder / "odd.png")
    with pytest.raises(DataError, match=r"odd.png is 16x16, which is not two images side by side"):
        prepare(open_data(f"pairs:{folder}"), image_specs(16, 3), progress=False)


@pytest.mark.parametrize(("size", "warning"), [((32, 16), ""), ((40, 30), "images of 40x30 are read as two of 20x30")])
def test_halves_that_are_not_square_give_a_warning(tmp_path, caplog, size, warning):
    open_data(f"pairs:{folder_of(tmp_path / 'x', range(3), size)}")
    assert (warning in caplog.text) if warning else not caplog.text


def test_what_is_grey_already_is_refused(mnist):
    with pytest.raises(DataError, match="these images are grey already"):
        prepare(open_data(f"grey:{mnist}"), image_specs(28, 1), progress=False)


@pytest.mark.parametrize("name", [name for name in DEGRADATIONS if name != "grey"])
def test_pairs_made_of_one_set(name, mnist):
    source = open_data(f"{name}:{mnist}")
    assert (source.keys, source.count, source.native()) == ({"A", "B", "pair"}, 1000, (1, 28, 28))
    store = prepare(source, image_specs(28, 1), progress=False)
    batch = Loader(store, seed=0).batch(990, 20)  # across the end of an epoch
    torch.testing.assert_close(batch["A"], get_degradation(name)(batch["B"]))
    alone = Loader(prepare(open_data(str(mnist)), image_specs(28, 1), progress=False), seed=0).batch(990, 20)
    assert torch.equal(batch["B"], alone["image"])


def test_two_classes_of_one_set(mnist):
    source = open_data(f"A={mnist}:3,B={mnist}:8")
    store = prepare(source, image_specs(28, 1), progress=False)
    whole = prepare(open_data(str(mnist)), image_specs(28, 1), progress=False)
    for side, label in ((store.a, 3), (store.b, 8)):
        assert torch.equal(side.samples, whole.samples[whole.labels == label])
        assert side.labels is None


def test_one_class_is_a_set(mnist, folder):
    three = open_data(f"{mnist}:3")
    assert isinstance(three, Source)
    assert three.classes is None
    assert 50 < three.count < 200
    assert open_data(f"{folder}:3").count == len(list((folder / "3").iterdir()))
    assert three.key != open_data(f"{mnist}:4").key != open_data(str(mnist)).key


def test_an_unlabelled_set_has_no_class(tmp_path):
    folder = folder_of(tmp_path / "plain", range(3))
    with pytest.raises(DataError, match=r"no class 'x'\. It has no labels"):
        open_data(f"{folder}:x")


def test_the_folders_of_the_cyclegan_data_sets(tmp_path):
    for name in ("trainA", "trainB", "testA"):
        folder_of(tmp_path / "h2z" / name, range(5))
    source = open_data(tmp_path / "h2z")
    assert (source.matched, source.count) == (False, 5)
    assert source.location == f"{tmp_path}/h2z"
    assert source.public == "own images (h2z)"
    (tmp_path / "half" / "trainA").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no split 'train': there is no folder .*half/trainB"):
        open_data(tmp_path / "half")
    with pytest.raises(DataError, match=r"no split 'test': there is no folder .*testB"):
        open_data(tmp_path / "h2z", split="test")


def test_a_resumed_run_finds_it_from_any_folder(two, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for spec in ("A=x,B=y", "grey:x"):
        source = open_data(spec)
        location = source.location
        monkeypatch.chdir("/")
        again = open_data(location)
        assert (again.key, again.count) == (source.key, source.count)
        monkeypatch.chdir(tmp_path)


def test_the_key_changes_with_the_content_and_with_what_is_made_of_it(two):
    keys = {open_data(f"{kind}:{two[0]}").key for kind in DEGRADATIONS}
    keys |= {open_data("A={},B={}".format(*two)).key, open_data("A={1},B={0}".format(*two)).key}
    before = len(keys)
    assert before == len(DEGRADATIONS) + 2
    Image.new("L", (16, 16), 77).save(two[1] / "000.png")
    assert open_data("A={},B={}".format(*two)).key not in keys


@pytest.mark.parametrize("world", [2, 4])
def test_the_shares_of_all_ranks_are_the_batch_of_one_process(two, world):
    spec = "A={},B={}".format(*two)
    whole = loaded(spec).batch(33, 8)
    shares = [loaded(spec, rank=rank, world=world).batch(33, 8) for rank in range(world)]
    for key in ("A", "B"):
        assert torch.equal(torch.cat([share[key] for share in shares]), whole[key])


def test_a_resolution_is_for_both(mnist):
    store = prepare(open_data(f"edges:{mnist}"), image_specs(28, 1), progress=False)
    batch = Loader(store, seed=0).batch(0, 4, resolution=14)
    assert batch["A"].shape == batch["B"].shape == (4, 1, 14, 14)


def test_a_size_that_a_degradation_cannot_take_is_refused_before_training(mnist):
    with pytest.raises(DataError, match="multiple of 4, not 30"):
        prepare(open_data(f"lowres4:{mnist}"), image_specs(30, 1), progress=False)


def test_taking_by_number(mnist):
    store = prepare(open_data(f"edges:{mnist}"), image_specs(28, 1), progress=False)
    assert isinstance(store, PairStore)
    index = torch.tensor([5, 900])
    assert torch.equal(store.take("A", index), get_degradation("edges")(store.take("B", index)))


def test_the_public_name_hides_where_own_images_lie(two):
    assert open_data("A={},B={}".format(*two)).public == "A=own images (x),B=own images (y)"
    assert open_data(f"grey:{two[0]}").public == "grey:own images (x)"
