"""From a GAN to pictures: grids, strips between seeds, and many images to disk."""

from __future__ import annotations

import io
import math
import os
import shutil
import tempfile
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ganzoo.errors import ConfigError, GanzooError
from ganzoo.files import replacing, to_final
from ganzoo.gan import GAN
from ganzoo.pretrained import load

_CHUNK = 256  # images between two writes


def sample(model: str | os.PathLike[str] | GAN, n: int = 1, *, seed: int = 0, **options: Any) -> Tensor:
    """Draw ``n`` images of a model: `load` and `GAN.sample` in one call; see there for the options and errors.

    Returns:
        Images (n, C, H, W), float32 in [-1, 1].
    """
    gan = model if isinstance(model, GAN) else load(model)
    return gan.sample(n, seed=seed, **options)


def quantise(images: Tensor) -> Tensor:
    """Return images in [-1, 1] as uint8 in 0 ... 255, rounded to the nearest: what a file holds of them."""
    return (images.detach().float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Return images (N, C, H, W) in [-1, 1] as (N, H, W, C) in 0 ... 255, rounded to the nearest."""
    return quantise(images).permute(0, 2, 3, 1).cpu().numpy()


def to_pil(image: NDArray[np.uint8]) -> Image.Image:
    """Return one image (H, W, C) as a PIL image, grey for one channel."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def grid(images: Tensor, columns: int | None = None) -> Image.Image:
    """Return images (N, C, H, W) in [-1, 1] as one picture, row by row, as square as can be without ``columns``.

    Raises:
        ConfigError: there are no images, or less than one column.
    """
    if len(images) == 0 or (columns is not None and columns < 1):
        raise ConfigError("a grid needs at least one image and one column")
    pixels = to_uint8(images)
    n, height, width, channels = pixels.shape
    columns = min(columns or math.ceil(math.sqrt(n)), n)
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * columns, height, width, channels), np.uint8)
    sheet[:n] = pixels
    sheet = sheet.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return to_pil(sheet.reshape(rows * height, columns * width, channels))


def interpolate(
    model: str | os.PathLike[str] | GAN, first: int, last: int, steps: int = 16, **conditions: Any
) -> Tensor:
    """Draw the way from the image of one seed to that of another.

    What is drawn from a normal distribution is interpolated on the sphere (White 2016, section 2.1); the rest, for
    instance labels, stays as it is for the first seed unless ``conditions`` say otherwise.

    Args:
        model: a GAN, or what `load` takes.
        first: seed of the first image.
        last: seed of the last image.
        steps: number of images, both ends included.
        **conditions: as for `GAN.sample`, for all images.

    Returns:
        Images (steps, C, H, W) in [-1, 1], on the CPU.

    Raises:
        ConfigError: fewer than two steps, or a condition that the model does not know.
    """
    if steps < 2:
        raise ConfigError(f"an interpolation needs at least 2 steps, not {steps}")
    gan = model if isinstance(model, GAN) else load(model)
    gan.sample(1, seed=first, **conditions)  # refuses what the model does not know
    ends = gan.inputs(2, seeds=[first, last], **conditions)
    share = torch.linspace(0, 1, steps)
    inputs = {
        name: slerp(value[0], value[1], share)
        if value.is_floating_point()
        else value[:1].expand(steps, *value.shape[1:])
        for name, value in ends.items()
    }
    return gan.draw(inputs)


def slerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Return the points at ``share`` (K,) of the arc from ``a`` to ``b``, stacked (K, *a.shape)."""
    cosine = torch.dot(a.flatten(), b.flatten()) / (a.norm() * b.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    share = share.view(-1, *[1] * a.dim())
    if angle.sin().abs() < 1e-6:
        return torch.lerp(a, b, share)
    return (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)


def draw_chunks(
    gan: GAN, n: int, seed: int, repeat: int, batch_size: int, conditions: Mapping[str, Any]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield (number of the first image, images), a chunk at a time; image i is that of ``seed + i // repeat``."""
    chunk = max(_CHUNK, batch_size)
    for start in range(0, n, chunk):
        size = min(chunk, n - start)
        # A list holds a value for each image; anything else holds for all of them.
        now: dict[str, Any] = {k: v[start : start + size] if isinstance(v, list) else v for k, v in conditions.items()}
        seeds = [seed + i // repeat for i in range(start, start + size)]
        yield start, to_uint8(gan.sample(size, seeds=seeds, batch_size=batch_size, **now))


def save_images(
    gan: GAN, out: Path, n: int, *, seed: int = 0, repeat: int = 1, batch_size: int = 64, columns: int | None = None,
    **conditions: Any,
) -> None:  # fmt: skip
    """Draw ``n`` images and write them, with a progress bar and flat memory.

    Args:
        gan: the model.
        out: ``.png`` for one grid, ``.npz`` for an array ``images`` (N, H, W, C) uint8, else a new folder of PNGs that
            are named by their seeds (by their places, where a seed has several).
        n: how many.
        seed: image i is that of ``seed + i // repeat``.
        repeat: images of each seed, that other conditions tell apart.
        batch_size: images per forward pass.
        columns: of the grid.
        **conditions: as for `GAN.sample`; a list has one value per image.

    Raises:
        GanzooError: ``out`` cannot be written, or is a folder that is not empty.
        ConfigError: a bad number, seed or condition, or a suffix that is not known.
    """
    if n < 1:
        raise ConfigError(f"the number of images must be at least 1, not {n}")
    for name, value in conditions.items():
        if isinstance(value, list) and len(value) != n:
            raise ConfigError(f"{n} images need {n} {name} or one for all, not {len(value)}")
    if out.suffix not in (".png", ".npz", ""):
        raise ConfigError(f"{out}: samples are written as .png (a grid), .npz or into a folder, not as '{out.suffix}'")
    if not out.absolute().parent.is_dir():
        raise GanzooError(f"{out} cannot be written: there is no folder {out.absolute().parent}")
    if out.suffix == ".png" and n > 10_000:
        raise ConfigError(f"a grid of {n} images is too large to look at: name a folder or a .npz file instead")
    bar = tqdm(total=n, desc=f"sampling to {out}", unit="img", disable=True if n <= _CHUNK else None)
    chunks = draw_chunks(gan, n, seed, repeat, batch_size, conditions)
    with bar:
        if out.suffix == ".png":
            images = torch.cat([_tick(bar, torch.from_numpy(pixels)) for _, pixels in chunks])
            with replacing(out) as partial:
                grid(images.permute(0, 3, 1, 2).float() / 127.5 - 1, columns).save(partial)
        elif out.suffix == ".npz":
            _write_npz(out, n, chunks, bar)
        else:
            _write_folder(out, n, seed if repeat == 1 else 0, chunks, bar)


def _tick(bar: tqdm[Any], pixels: Any) -> Any:
    bar.update(len(pixels))
    return pixels


def _write_npz(out: Path, n: int, chunks: Iterator[tuple[int, NDArray[np.uint8]]], bar: tqdm[Any]) -> None:
    with replacing(out) as partial, zipfile.ZipFile(partial, "w", allowZip64=True) as archive:  # noqa: SIM117
        with archive.open("images.npy", "w", force_zip64=True) as file:
            for start, pixels in chunks:
                if start == 0:
                    header = io.BytesIO()
                    np.lib.format.write_array_header_2_0(
                        header, {"descr": "|u1", "fortran_order": False, "shape": (n, *pixels.shape[1:])}
                    )
                    file.write(header.getvalue())
                file.write(np.ascontiguousarray(pixels).tobytes())
                bar.update(len(pixels))


def _write_folder(
    out: Path, n: int, seed: int, chunks: Iterator[tuple[int, NDArray[np.uint8]]], bar: tqdm[Any]
) -> None:
    """Write PNGs in threads (zlib frees the interpreter) into a folder that takes its name when it is whole."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GanzooError(f"{out} exists and is not an empty folder: name another, or remove it")
    digits = len(str(seed + n - 1))
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.absolute().parent))

    def write(start: int, pixels: NDArray[np.uint8]) -> int:
        for i, image in enumerate(pixels):
            to_pil(image).save(partial / f"{seed + start + i:0{digits}d}.png", compress_level=1)
        return len(pixels)

    try:
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            pending: deque[Future[int]] = deque()
            for start, pixels in chunks:
                pending.append(pool.submit(write, start, pixels))
                while len(pending) > 8:  # flat memory, however slow the disk
                    bar.update(pending.popleft().result())
            while pending:
                bar.update(pending.popleft().result())
        to_final(partial, out)
    except OSError as error:
        raise GanzooError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def save_strip(images: Tensor, out: Path, *, milliseconds: int = 80) -> None:
    """Write images (N, C, H, W) side by side as ``.png``, or there and back as an endless ``.gif``.

    Raises:
        ConfigError: another suffix.
        GanzooError: it cannot be written.
    """
    if out.suffix == ".png":
        with replacing(out) as partial:
            grid(images, len(images)).save(partial)
    elif out.suffix == ".gif":
        frames = [to_pil(image) for image in to_uint8(images)]
        frames += frames[-2:0:-1]
        with replacing(out) as partial:
            frames[0].save(partial, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    else:
        raise ConfigError(f"{out}: an interpolation is written as .png or .gif, not as '{out.suffix}'")


def digest(gan: GAN) -> str:
    """Return a fingerprint of what the model draws: seeds 0 to 3, each averaged down to 4x4 grey, in hexadecimal.

    Two digests of one model agree to within a rounding step per byte on every machine; see `same_digest`.
    """
    small = torch.nn.functional.adaptive_avg_pool2d(gan.sample(4, seed=0).mean(1, keepdim=True), 4)
    return to_uint8(small).tobytes().hex()


def same_digest(a: str, b: str, tolerance: int = 2) -> bool:
    """Whether two digests differ by no more than ``tolerance`` of 255 in any byte."""
    left, right = bytes.fromhex(a), bytes.fromhex(b)
    return len(left) == len(right) and all(abs(x - y) <= tolerance for x, y in zip(left, right, strict=True))
