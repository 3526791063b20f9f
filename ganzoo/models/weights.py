"""A model's weights on disk: safetensors, written whole, read strictly, never unpickled."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganzoo._files import CHECKSUM, replacing, sha256
from ganzoo.errors import WeightsError
from ganzoo.gan import GAN
from ganzoo.models.config import LARGEST_HEADER
from ganzoo.registry.records import WeightsFile

MODEL = "model.safetensors"
_BLANK = b"0" * 64
_IN_HEADER = re.compile(rb'"%s":"([0-9a-f]{64})"' % CHECKSUM.encode())
_FITTING = {torch.float32: (torch.float32, torch.float16, torch.bfloat16, torch.float64)}
"""What is loaded into a tensor of this type without loss of meaning."""
PICKLES = (
    ".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pt2", ".pth", ".pyt", ".tar", ".th",
)  # fmt: skip
"""Endings of files that may run code when they are opened, or that cannot be distinguished from such files."""
TRAINING = "training.safetensors"
"""The networks that only training needs: a discriminator, a critic."""


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None, *, checksum: bool = False
) -> None:
    """Write tensors as safetensors, whole or not at all; with a checksum `load_tensors` finds any later change."""
    # Plain layout: a file does not depend on the memory format that was fast for training.
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    blank = {CHECKSUM: _BLANK.decode()} if checksum else {}
    with replacing(path) as partial:
        try:
            save_file(plain, partial, {"format": "pt", **blank, **(metadata or {})})
            _sort_metadata(partial)
            if checksum:
                _write_checksum(partial)
        except SafetensorError as error:
            raise WeightsError(f"{path} cannot be written: {error}") from error


def _sort_metadata(path: Path) -> None:
    """Sort the header's metadata, whose order the library does not fix, so that the same weights give the same file."""
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(text) <= size:  # else the library wrote it shorter
            file.seek(8)
            file.write(text.ljust(size))


def _write_checksum(path: Path) -> None:
    found = _checksum(path)
    assert found is not None  # noqa: S101 - it was just written, blank
    with path.open("r+b") as file:
        file.seek(found.position)
        file.write(found.computed)


class _Checksum(NamedTuple):
    position: int
    written: bytes
    computed: bytes


def _checksum(path: Path) -> _Checksum | None:
    """Return the checksum in a file's header, and that of the file, its own place blank; None without one."""
    with path.open("rb") as file:
        size = file.read(8)
        header = file.read(int.from_bytes(size, "little")) if int.from_bytes(size, "little") < LARGEST_HEADER else b""
        if not (found := _IN_HEADER.search(header)):
            return None
        digest = hashlib.sha256(size + header[: found.start(1)] + _BLANK + header[found.end(1) :])
        computed = hashlib.file_digest(file, lambda: digest).hexdigest().encode()
    return _Checksum(len(size) + found.start(1), found[1], computed)


def is_whole(path: Path) -> bool:
    """Whether a file of tensors can be loaded, and is what was written where it has a checksum."""
    try:
        load_tensors(path)
    except WeightsError:
        return False
    return True


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file onto the CPU.

    Raises:
        WeightsError: it is missing or damaged, or does not match its checksum.
    """
    try:
        if (found := _checksum(path)) and found.written != found.computed:
            raise ValueError(f"it does not match its {CHECKSUM}")
        return load_file(path)
    except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, OverflowError) as error:
        why = "there is no such file" if not path.exists() else f"it is damaged or not a safetensors file ({error})"
        raise WeightsError(f"{path} cannot be loaded: {why}") from error


def verify(path: Path, expected: str, remedy: str) -> None:
    """Check a file's SHA-256."""
    if not path.is_file():
        raise WeightsError(f"{path} is missing: {remedy}")
    found = sha256(path)
    if found != expected:
        raise WeightsError(f"{path} has sha256 {found} where {expected} is expected: {remedy}")


def file_record(path: Path) -> WeightsFile:
    """Return a file's name, hash and size."""
    return WeightsFile(file=path.name, sha256=sha256(path), bytes=path.stat().st_size)


def inference_state(gan: GAN) -> dict[str, Tensor]:
    """Return the inference tensors: those of the networks that `GAN.generate` uses."""
    keep = tuple(f"{name}." for name in gan.inference)
    return {name: tensor for name, tensor in gan.state_dict().items() if name.startswith(keep)}


def training_state(gan: GAN) -> dict[str, Tensor]:
    """Return the tensors of the networks that only training uses, such as a discriminator.

    Children without parameters are left out: running means, and buffers of past images, which are private.
    """
    inference = inference_state(gan)
    networks = tuple(f"{name}." for name, child in gan.named_children() if any(True for _ in child.parameters()))
    own = {name for name, _ in gan.named_parameters(recurse=False)}
    return {
        name: tensor
        for name, tensor in gan.state_dict().items()
        if name not in inference and (name in own or name.startswith(networks))
    }


def save_weights(folder: Path, gan: GAN, images: int) -> None:
    """Write ``model.safetensors``: the inference tensors, after ``images`` of training."""
    save_tensors(folder / MODEL, inference_state(gan), {"images": str(images)}, checksum=True)


def load_weights(gan: GAN, path: Path) -> None:
    """Load ``path`` into the inference networks, and drop the others; the GAN is then in eval mode."""
    found = load_tensors(path)
    check_fit(found, inference_state(gan), path, gan)
    check_finite(found, path)
    for name in [name for name, _ in gan.named_children() if name not in gan.inference]:
        delattr(gan, name)  # an untrained discriminator beside a trained generator would only mislead
    gan.load_state_dict(found, strict=False)  # every inference tensor was compared; the other networks were deleted
    gan.eval()


def check_finite(found: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights with NaN or infinity."""
    for name, tensor in found.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise WeightsError(f"{path}: {name} holds NaN or infinity: the training that it came from had diverged")


def check_fit(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path, gan: GAN) -> None:
    """Compare the tensors that were found in a file with those that a GAN wants."""
    wrong = [f"{name} is missing" for name in wanted if name not in found]
    wrong += [f"{name} is left over" for name in found if name not in wanted]
    both = [(name, found[name], want) for name, want in wanted.items() if name in found]
    wrong += [f"{name} is {tuple(a.shape)}, not {tuple(b.shape)}" for name, a, b in both if a.shape != b.shape]
    wrong += [
        f"{name} is {a.dtype}, not {b.dtype}" for name, a, b in both if a.dtype not in _FITTING.get(b.dtype, (b.dtype,))
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise WeightsError(f"{path} does not fit {type(gan).__name__}: {'; '.join(wrong[:3])}{more}")
