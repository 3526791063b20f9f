"""A folder as people have it: every kind of picture, files that are none, links, names of any script."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from ganzoo.testing.subject import DIGITS
from installs import ganzoo

pytestmark = pytest.mark.slow
DAMAGED = 3


def picture(i: int) -> Image.Image:
    """Return a digit in a colour, in one of several sizes."""
    digit = np.load(DIGITS)["images"][i].squeeze().astype(np.uint16)
    colour = np.array([255, 40 + 7 * i % 200, 120], np.uint16)
    image = Image.fromarray((digit[..., None] * colour // 255).astype(np.uint8))
    return image.resize((60 + i % 7 * 9, 50 + i % 5 * 11))


def turned(image: Image.Image, name: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image.rotate(90, expand=True).save(f"{name}.jpg", exif=exif)


def see_through(image: Image.Image, name: str) -> None:
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.save(f"{name}.png")


def of_12_bits(image: Image.Image, name: str) -> None:
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 16).save(f"{name}.png")


WAYS = [
    lambda image, name: image.convert("P").save(f"{name}.png"),
    lambda image, name: image.convert("CMYK").save(f"{name}.jpg"),
    turned,
    see_through,
    of_12_bits,
    lambda image, name: image.save(f"{name}.gif", save_all=True, append_images=[image.rotate(90)]),
    lambda image, name: image.save(f"{name}.webp"),
    lambda image, name: image.convert("L").save(f"{name}.bmp"),
    lambda image, name: image.save(f"{name}.tif"),
    lambda image, name: image.save(f"{name}.avif" if features.check("avif") else f"{name}.png"),
    lambda image, name: Path(f"{name}.png").write_bytes(b"\x89PNG damaged"),
    lambda image, name: image.save(f"{name}.png"),
]


@pytest.fixture
def photos(tmp_path):
    """Return 36 pictures of 2 classes in 12 kinds of files, links to 3 of them, and what is no picture."""
    root, elsewhere = tmp_path / "photos", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for i in range(36):
        folder = root / ("кот" if i % 5 % 2 else "dog ä")
        folder.mkdir(parents=True, exist_ok=True)
        WAYS[i % 12](picture(i), str(folder / f"ünïcode {i}"))
    for path in sorted(root.rglob("*.webp")):
        path.rename(elsewhere / path.name)
        path.symlink_to(elsewhere / path.name)
    (root / "dog ä" / "loop").symlink_to(root)
    (root / "notes.txt").write_text("x")
    picture(0).save(root / "stray.png")
    return root


def test_mixed_pictures_are_trained_on_sampled_moved_and_published(photos, tmp_path):
    words = ["--images", "64", "--batch-size", "16", "-o", "base_channels=8"]
    refused = ganzoo("train", "dcgan", "--data", str(photos), *words, "--out", str(tmp_path / "no"))
    assert refused.returncode == 1
    assert f"{DAMAGED} of 36" in refused.stderr
    assert not (tmp_path / "no").exists()
    for size, fit in (("64", "crop"), ("96x64", "pad")):
        run = tmp_path / size
        more = ["-o", f"image_size={size}", "--fit", fit, "--skip-unreadable", "--out", str(run)]
        done = ganzoo("train", "dcgan", "--data", str(photos), *words, *more)
        assert done.returncode == 0, done.stderr
        for told in (
            "33 images", "1 .txt", "stray.png", "loop", "2 classes: dog ä, кот", "12 bits", "CMYK", "transparency",
            "several frames", f"{DAMAGED} unreadable", "centre-cropped" if fit == "crop" else "padded",
        ):  # fmt: skip
            assert told in done.stderr, told
        config = json.loads((run / "config.json").read_text())
        assert config["data"]["images"] == 33
    done = ganzoo("sample", str(run), "-n", "4", "-o", str(tmp_path / "made"))
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "made" / "0.png") as made:
        assert made.size == (64, 96)
    moved = photos.rename(tmp_path / "moved")
    assert "--data" in ganzoo("train", "--resume", str(run), "--images", "96").stderr
    done = ganzoo("train", "--resume", str(run), "--images", "96", "--data", str(moved))
    assert done.returncode == 0, done.stderr
    done = ganzoo("publish", str(run), "me/mixed", "--dry-run", "--out", str(tmp_path / "published"))
    assert done.returncode == 0, done.stderr
    assert "96x64 RGB" in (tmp_path / "published" / "README.md").read_text(encoding="utf-8")
