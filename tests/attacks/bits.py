"""Flipped bits in the files of a run, and mutations of weights, configs and data: refused in a line, or harmless."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

import ganzoo
from attacks.outcomes import Attack
from ganzoo.data import open_data, prepare
from ganzoo.errors import GanzooError
from ganzoo.gan.sample_spec import DEFAULT_READING
from ganzoo.models.config import read_config
from ganzoo.training.checkpoint import list_checkpoints
from ganzoo.training.logs import read_stats

CONFIG = {"hidden": 8, "latent_dim": 4}
_ODD_VALUES = (None, -1, 0, 10**30, 1e308, "", "x" * 10**5, "../..", [], {}, True, [[[]]], "\x1b[31m", "\ud800")


def outcome_of(call: Callable[[], Any]) -> tuple[str | None, Any]:
    """Return (what is wrong with how a call ended, its result); an error of ganzoo in one line is right."""
    try:
        return None, call()
    except GanzooError as error:
        text = str(error)
        return (None if text and "\n" not in text else f"not one line: {text[:200]!r}"), None
    except Exception as error:  # noqa: BLE001 - what an attack looks for
        return f"{type(error).__name__}: {str(error)[:200]}", None


def small_run(data: Path, folder: Path) -> Path:
    """Train a small run with a best model."""
    return ganzoo.train(
        "vanilla", data=str(data), images=64, out=folder / "run", config=CONFIG, batch_size=32, checkpoint_every=32,
        metrics=("fd[pixels:4]@64/train",), device="cpu", progress=False,
    ).run  # fmt: skip


def flip_bits(data: Path, folder: Path, each: int = 20) -> Attack:
    """Flip a bit of each file of a run, and load, resume and read it: refused, or as if nothing had happened."""
    attack, chance = Attack("flipped bit in a file of a run"), random.Random(0)
    run = small_run(data, folder)
    expected = ganzoo.load(run).sample(2, seed=0)
    plain = json.dumps(read_stats(run))
    for file in sorted(path for path in run.rglob("*") if path.suffix in {".json", ".jsonl", ".safetensors"}):
        whole = file.read_bytes()
        for _ in range(each):
            damaged, place = bytearray(whole), chance.randrange(len(whole))
            damaged[place] ^= 1 << chance.randrange(8)
            file.write_bytes(damaged)
            attack.holds(f"{file.relative_to(run)}, byte {place}", _read_damaged(run, file, folder, expected))
        file.write_bytes(whole)
    assert json.dumps(read_stats(run)) == plain
    return attack


def _read_damaged(run: Path, file: Path, folder: Path, expected: torch.Tensor) -> str | None:
    """Return what is wrong with how a run with a damaged file behaves."""
    model = run / "best" if file.parent.name == "best" else run
    if file.suffix == ".jsonl":
        return outcome_of(lambda: read_stats(run))[0]
    if file.parent.parent.name != "checkpoints":
        problem, gan = outcome_of(lambda: ganzoo.load(model))
        changed = gan is not None and file.name != "training.safetensors" and not _same(gan, expected)
        return "loaded, and generates other images" if changed else problem
    copy = folder / "copy"
    shutil.copytree(run, copy)
    try:
        problem, _ = outcome_of(lambda: ganzoo.resume(copy, images=96, progress=False))
        if problem is None and (copy / "model.safetensors").exists():
            problem = outcome_of(lambda: ganzoo.load(copy))[0]
        return problem or (None if list_checkpoints(copy) else "no checkpoint is left")
    finally:
        shutil.rmtree(copy)


def _same(gan: ganzoo.gan.GAN, expected: torch.Tensor) -> bool:
    return torch.equal(gan.sample(len(expected), seed=0), expected)


def mutate(data: Path, folder: Path, count: int = 1_000) -> Attack:
    """Read mutated weights, configs and data files: each is refused in a line, or read."""
    attack, chance = Attack("mutated weights, config or data file"), random.Random(1)
    run = small_run(data, folder)
    model = folder / "model"
    shutil.copytree(run / "best", model)
    written = {
        key: value for key, value in json.loads((model / "config.json").read_text()).items() if key != "checksum"
    }
    written.pop("weights", None)  # whose hash would find each mutation
    (model / "config.json").write_text(json.dumps(written))
    samples, weights = dict(_samples()), (model / "model.safetensors").read_bytes()
    for i in range(count):
        kind = ("weights", "config", chance.choice(sorted(samples)))[i % 3]
        if kind == "weights":
            (model / "model.safetensors").write_bytes(_mutated(weights, chance))
            problem = outcome_of(lambda: ganzoo.load(model).sample(1))[0]
            (model / "model.safetensors").write_bytes(weights)
        elif kind == "config":
            (model / "config.json").write_text(json.dumps(_changed(written, chance)))
            problem = outcome_of(lambda: read_config(model) and ganzoo.load(model).sample(1))[0]
            (model / "config.json").write_text(json.dumps(written))
        else:
            path = folder / "data" / kind
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_mutated(samples[kind], chance))
            problem = outcome_of(lambda path=path: _prepare(path))[0]
            shutil.rmtree(path.parent)
        attack.holds(f"{kind} {i}", problem)
    return attack


def _prepare(path: Path) -> None:
    """Read what a file holds, an image by the folder that it is in."""
    source = open_data(str(path if path.suffix in {".npy", ".npz", ".zip"} else path.parent), split="train")
    specs = {"image": ganzoo.gan.SampleSpec((3, 16, 16))}
    prepare(source, specs, DEFAULT_READING, progress=False)


def _samples() -> Iterator[tuple[str, bytes]]:
    """Yield whole files of each kind."""
    pixels = (np.arange(16 * 16 * 3) % 251).astype(np.uint8).reshape(16, 16, 3)
    for suffix in ("png", "jpg", "webp", "gif", "tiff", "bmp"):
        with io.BytesIO() as file:
            Image.fromarray(pixels).save(file, {"jpg": "jpeg"}.get(suffix, suffix))
            yield f"image.{suffix}", file.getvalue()
    with io.BytesIO() as file:
        np.save(file, np.stack([pixels] * 4))
        yield "images.npy", file.getvalue()
    with io.BytesIO() as file:
        np.savez_compressed(file, images=np.stack([pixels] * 4), labels=np.arange(4))
        yield "images.npz", file.getvalue()
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "png")
        table = pa.table({"image": [{"bytes": file.getvalue(), "path": None}] * 4, "label": [0, 1, 0, 1]})
    with io.BytesIO() as file:
        pq.write_table(table, file)
        yield "train-00000-of-00001.parquet", file.getvalue()


def _mutated(content: bytes, chance: random.Random) -> bytes:
    """Cut, lengthen or overwrite some of a file."""
    made, place = bytearray(content), chance.randrange(len(content))
    kind = chance.randrange(4)
    if kind == 0:
        return bytes(made[:place])
    if kind == 1:
        return bytes(made[:place]) + chance.randbytes(chance.randrange(1, 64)) + bytes(made[place:])
    if kind == 2:
        for _ in range(chance.randrange(1, 20)):
            made[chance.randrange(len(made))] = chance.randrange(256)
        return bytes(made)
    made[place : place + 8] = chance.choice((b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7))
    return bytes(made)


def _changed(content: Any, chance: random.Random) -> Any:
    """Return JSON with one value or key changed, somewhere."""
    if isinstance(content, dict) and content and chance.random() < 0.9:
        key = chance.choice(sorted(content))
        rest = {name: value for name, value in content.items() if name != key}
        return rest if chance.random() < 0.1 else {**rest, key: _changed(content[key], chance)}
    return chance.choice(_ODD_VALUES)
