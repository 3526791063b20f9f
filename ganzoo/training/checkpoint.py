"""Checkpoints: a folder of safetensors and one JSON file, written atomically."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim import Optimizer

from ganzoo._files import PARTIAL, check_checksum, sha256, sync, with_checksum, write_json
from ganzoo.errors import GanzooError, RunError, WeightsError
from ganzoo.models.weights import load_tensors, save_tensors
from ganzoo.training import rng_state
from ganzoo.training.state import State

FOLDER, RANKS, AUGMENTATION = "checkpoints", "processes.safetensors", "augmentation.safetensors"
_STATE = "state.json"
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    """The content of ``state.json``: what is no tensor, and the SHA-256 of each file of tensors."""

    step: _Count
    images: _Count
    processes: Annotated[int, msgspec.Meta(ge=1)]
    counts: dict[str, _Count]
    optimizers: dict[str, dict[str, Any]]
    sha256: dict[str, str]


def save(run: Path, state: State, accelerator: Accelerator, keep: int) -> Path:
    """Write ``run/checkpoints/IMAGES``, then remove all but the last ``keep``; called by every process."""
    final = run / FOLDER / f"{state.images:09d}"
    each = rng_state.gather(state.buffers(), accelerator)
    if accelerator.is_main_process and final not in list_checkpoints(run):
        partial: Path | None = None
        try:
            final.parent.mkdir(exist_ok=True)
            partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=final.parent))
            _write(partial, state, each)
            sync(partial)
            partial.chmod(0o755)  # mkdtemp makes private folders
            shutil.rmtree(final, ignore_errors=True)  # without a state.json it is not a checkpoint
            partial.rename(final)
            sync(final.parent)
        except (OSError, GanzooError) as error:
            kept = f"{before[-1].name} is kept" if (before := list_checkpoints(run)) else "there is no earlier one"
            raise RunError(f"checkpoint {final} cannot be written: {error}; {kept}: fix that, then --resume") from error
        finally:
            if partial:
                shutil.rmtree(partial, ignore_errors=True)
        remove_old(run, keep)
    accelerator.wait_for_everyone()
    return final


def remove_old(run: Path, keep: int) -> None:
    """Remove all checkpoints but the last ``keep``."""
    for old in list_checkpoints(run)[:-keep]:
        _remove(old)


def _remove(path: Path) -> None:
    """Remove a checkpoint atomically: it is renamed first."""
    try:
        path = path.rename(path.with_name(f"{PARTIAL}{path.name}"))
    except OSError:
        return  # it stays complete
    shutil.rmtree(path, ignore_errors=True)


def list_checkpoints(run: Path) -> list[Path]:
    """Return the checkpoints of a run, the oldest first."""
    return sorted(p for p in (run / FOLDER).glob("[0-9]*") if p.name.isdecimal() and (p / _STATE).exists())


def rename_damaged(path: Path) -> None:
    """Add ``-damaged`` to the name of a checkpoint, so that it is ignored and not lost."""
    path.rename(path.with_name(f"{path.name}-damaged"))


def restore(path: Path, state: State, accelerator: Accelerator, *, override: bool = False) -> None:
    """Restore everything from a checkpoint; with the world size that wrote it, the run continues bit for bit.

    With ``override`` the optimizers restore their moments, and keep their present learning rates and betas.

    Raises:
        RunError: it does not fit the run.
        WeightsError: a file is missing or damaged.
    """
    try:
        content = _read(path)
        state.gan.load_state_dict(load_tensors(path / "gan.safetensors"), strict=True)
        state.ema.load_state_dict(load_tensors(path / "ema.safetensors"))
        if state.augmentation and AUGMENTATION in content.sha256:  # a resumed run may add one
            state.augmentation.load_state_dict(load_tensors(path / AUGMENTATION), strict=True)
        for name, optimizer in state.optimizers.items():
            kept = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
            _restore_optimizer(
                optimizer, load_tensors(path / f"optimizer-{name}.safetensors"), content.optimizers[name]
            )
            for group, own_values in zip(optimizer.param_groups, kept, strict=True):
                group.update({**own_values, "initial_lr": own_values["lr"]} if override else {})
        sums = load_tensors(path / "sums.safetensors")
        state.sums.totals = {name: tensor.to(accelerator.device) for name, tensor in sums.items()}
        state.sums.counts = {name: content.counts[name] for name in sums}
        state.step, state.images = content.step, content.images
        if content.processes == accelerator.num_processes:
            rng_state.restore(load_tensors(path / RANKS), state.buffers(), accelerator.process_index)
    except (OSError, LookupError, TypeError, ValueError, RuntimeError, AttributeError, GanzooError) as error:
        why = " ".join(str(error).split())
        raise RunError(f"checkpoint {path} cannot be restored ({type(error).__name__}: {why[:200]})") from error


def _read(path: Path) -> _Content:
    """Return the content of a checkpoint's ``state.json`` once it and all other files are known to be whole."""
    content = msgspec.convert(check_checksum(json.loads((path / _STATE).read_text(encoding="utf-8"))), _Content)
    if content.images != int(path.name):
        raise WeightsError(f"it is of {content.images} images")
    files = {file.name for file in path.glob("*.safetensors")}
    for name in sorted(files | content.sha256.keys()):
        if name not in files or sha256(path / name) != content.sha256.get(name):
            raise WeightsError(f"{name} is {'damaged' if name in files else 'missing'}")
    return content


def _write(folder: Path, state: State, each: dict[str, Tensor]) -> None:
    save_tensors(folder / "gan.safetensors", state.gan.state_dict())
    save_tensors(folder / "ema.safetensors", state.ema.state_dict())
    save_tensors(folder / "sums.safetensors", state.sums.totals)
    save_tensors(folder / RANKS, each)
    if state.augmentation:
        save_tensors(folder / AUGMENTATION, state.augmentation.state_dict())
    optimizers = {}
    for name, optimizer in state.optimizers.items():
        tensors, optimizers[name] = optimizer_state(optimizer)
        save_tensors(folder / f"optimizer-{name}.safetensors", tensors)
    content = _Content(
        step=state.step,
        images=state.images,
        processes=rng_state.world_size(each),
        counts=state.sums.counts,
        optimizers=optimizers,
        sha256={file.name: sha256(file) for file in sorted(folder.glob("*.safetensors"))},
    )
    write_json(folder / _STATE, with_checksum(msgspec.to_builtins(content)))


def optimizer_state(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split an optimizer's state into tensors, by ``parameter.name``, and the rest, which JSON can hold."""
    state = optimizer.state_dict()
    tensors: dict[str, Tensor] = {}
    scalars: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{name}"] = value
            else:
                scalars.setdefault(str(index), {})[name] = value
    return tensors, {"scalars": scalars, "groups": state["param_groups"]}


def _restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor], rest: dict[str, Any]) -> None:
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in rest["scalars"].items()}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": rest["groups"]})
    # Moments in the memory format of their parameters, as they were: a fused update goes through both in one order.
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
