"""What is kept of real images: it stands for them, for the same ones only, and is no part of a value."""

import pytest

import ganzoo
from ganzoo._files import cache_dir
from ganzoo.metrics import evaluate
from ganzoo.metrics.reference import FOLDER
from ganzoo_metrics.frechet import FrechetDistance
from ganzoo_metrics.pixels import Pixels

PROTOCOLS = ["fd[pixels:4]@200/train", "precision[pixels:4]@200/train", "coverage[pixels:4]@200/train"]


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def gan():
    return ganzoo.create("cgan", base_channels=8, discriminator_channels=8)


@pytest.fixture
def seen(monkeypatch):
    """How many images the extractor is shown."""
    counts = []
    forward = Pixels.forward
    monkeypatch.setattr(Pixels, "forward", lambda self, images: (counts.append(len(images)), forward(self, images))[1])
    return counts


def measure(gan, data, protocols=PROTOCOLS, **options):
    return [score.value for score in evaluate(gan, protocols, data=str(data), progress=False, **options)]


def kept():
    return sorted((cache_dir() / FOLDER).glob("*"))


def test_the_same_images_are_looked_at_once(gan, mnist, seen):
    first = measure(gan, mnist)
    assert len(kept()) == 2, "both measures of neighbours share the features"
    del seen[:]
    assert measure(gan, mnist) == first
    assert sum(seen) == 200 + len(PROTOCOLS), "the generated ones, and one for each metric before"


def test_a_file_that_was_changed_is_made_anew(gan, mnist, seen):
    first = measure(gan, mnist)
    for path in kept():
        content = bytearray(path.read_bytes())
        content[-3] ^= 0x40  # in the last tensor
        path.write_bytes(content)
    del seen[:]
    assert measure(gan, mnist) == first
    assert sum(seen) > 200 + len(PROTOCOLS), "the real ones as well"


def test_another_measure_finds_what_is_kept_under_its_name(gan, mnist, seen):
    measure(gan, mnist)
    del seen[:]
    assert measure(gan, mnist, ["spread[pixels:4]@100/train", "density[pixels:4]@100/train"])
    assert sum(seen) == 100 + 2


@pytest.mark.parametrize("other", ["fd[pixels:8]@200/train", "fd[pixels:4]@200/train:500", "fd[pixels:4]@200/test"])
def test_other_images_or_features_are_looked_at_anew(gan, mnist, other, seen, tmp_path):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(mnist, data)
    shutil.copy(data / "train-00000-of-00001.parquet", data / "test-00000-of-00001.parquet")
    measure(gan, data, PROTOCOLS[:1])
    del seen[:]
    measure(gan, data, [other])
    assert sum(seen) > 500


def test_changed_data_is_looked_at_anew(gan, folder, tmp_path, seen):
    import shutil

    data = tmp_path / "mine"
    shutil.copytree(folder, data)
    before = measure(gan, data, PROTOCOLS[:1])
    next((data / "3").iterdir()).unlink()
    del seen[:]
    assert measure(gan, data, PROTOCOLS[:1]) != before
    assert sum(seen) == 200 + 1 + 99


@pytest.mark.parametrize("part", [Pixels, FrechetDistance])
def test_a_raised_version_is_looked_at_anew(gan, mnist, seen, monkeypatch, part):
    measure(gan, mnist, PROTOCOLS[:1])
    monkeypatch.setattr(part, "version", 2, raising=False)
    del seen[:]
    measure(gan, mnist, PROTOCOLS[:1])
    assert sum(seen) == 200 + 1 + 1_000
    assert len(kept()) == 2


def test_without_a_version_it_is_1(gan, mnist, seen, monkeypatch):
    assert not hasattr(Pixels, "version")
    measure(gan, mnist, PROTOCOLS[:1])
    monkeypatch.setattr(Pixels, "version", 1, raising=False)
    monkeypatch.setattr(FrechetDistance, "version", 1, raising=False)
    del seen[:]
    measure(gan, mnist, PROTOCOLS[:1])
    assert sum(seen) == 200 + 1


def test_weights_are_part_of_the_key(gan, mnist, seen, monkeypatch):
    measure(gan, mnist, PROTOCOLS[:1])
    made = Pixels.__init__

    def other(self, *words):
        made(self, *words)
        self.weights = "other"

    monkeypatch.setattr(Pixels, "__init__", other)
    del seen[:]
    measure(gan, mnist, PROTOCOLS[:1])
    assert sum(seen) == 200 + 1 + 1_000


def test_a_metric_of_another_module_shares_nothing(gan, mnist, seen, monkeypatch):
    measure(gan, mnist, PROTOCOLS[:1])
    monkeypatch.setattr(FrechetDistance, "__module__", "elsewhere")
    del seen[:]
    measure(gan, mnist, PROTOCOLS[:1])
    assert sum(seen) == 200 + 1 + 1_000


def test_an_extractor_that_names_no_weights_is_kept_for_nobody(gan, mnist, monkeypatch):
    made = Pixels.__init__

    def unnamed(self, *words):
        made(self, *words)
        del self.weights

    monkeypatch.setattr(Pixels, "__init__", unnamed)
    measure(gan, mnist)
    assert kept() == []


@pytest.mark.parametrize("damage", [b"", b"no safetensors"])
def test_a_damaged_file_is_made_anew(gan, mnist, damage):
    first = measure(gan, mnist, PROTOCOLS[:1])
    (path,) = kept()
    path.write_bytes(damage)
    assert measure(gan, mnist, PROTOCOLS[:1]) == first
    assert path.stat().st_size > 100


def test_a_cache_that_cannot_be_written_costs_no_value(gan, mnist, caplog):
    (cache_dir() / FOLDER).write_text("in the way")
    assert measure(gan, mnist, PROTOCOLS[:1])
    assert "is not cached" in caplog.text
