"""Runs: begun in a new folder or gone on with, one process or several."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from ganzoo._files import locked
from ganzoo.data import Loader, prepare
from ganzoo.errors import ConfigError, GanzooError, PluginError, RunError, is_out_of_memory
from ganzoo.inference.translate import EXAMPLES
from ganzoo.models.config import CONFIG, read_config, write_config
from ganzoo.models.create import architecture_of, pick_device
from ganzoo.models.weights import MODEL
from ganzoo.registry import installed
from ganzoo.registry.zoo import import_target
from ganzoo.training import checkpoint, rng_state
from ganzoo.training.changes import continue_with
from ganzoo.training.evaluation import Evaluation
from ganzoo.training.events import Events, Stop
from ganzoo.training.failures import lost_peer, too_little_memory
from ganzoo.training.logs import Reporter
from ganzoo.training.loop import train as run_phases
from ganzoo.training.outcome import Outcome
from ganzoo.training.plan import TENSORBOARD, Plan, plan, resolve_precision
from ganzoo.training.settings import Settings, read_settings
from ganzoo.training.state import State, make_state
from ganzoo.training.updates import UpdateConfig
from ganzoo.training.validate import check_batch_split

_log = logging.getLogger(__name__)


def train(
    architecture: str | None = None,
    *,
    data: str,
    images: int,
    out: str | os.PathLike[str],
    config: Mapping[str, Any] | None = None,
    progress: bool = True,
    **settings: Any,
) -> Outcome:
    """Train an architecture into a new run folder.

    Args:
        architecture: as ``ganzoo list`` shows it; may be left out with ``start``, a model to go on from.
        data: a data set's short name, ``"hf:owner/name"``, a folder or an array file.
        images: how many real images to sample.
        out: the run's folder, which must not exist or be empty.
        config: hyper-parameters that differ from the defaults.
        progress: show progress bars.
        **settings: see `Settings`.

    Raises:
        GanzooError: whatever is wrong, in one line, before anything is trained or written.
    """
    known = {f.name for f in fields(Settings)}
    for name in settings:
        if name not in known:
            raise ConfigError(f"train has no setting '{name}'; it has: {', '.join(sorted(known))}")
    if settings.get("start") is not None:
        settings["start"] = str(settings["start"])
    made = read_settings({"data": str(data), "images": images, **settings})
    return start(plan(architecture, config or {}, made), Path(out), progress=progress)


def start(planned: Plan, out: Path, *, progress: bool = True) -> Outcome:
    """Begin a run in a new folder."""
    if out.exists() and (not out.is_dir() or any(p.name != ".lock" for p in out.iterdir())):
        raise RunError(
            f"{out} exists and is not empty: go on with `ganzoo train --resume {out}`, or name another folder"
        )
    return _run(planned, out, progress=progress, resume=False)


def resume(
    out: str | os.PathLike[str], *, images: int | None = None, config: Mapping[str, Any] | None = None,
    override: Sequence[str] = (), text: bool = False, progress: bool = True, **settings: Any,
) -> Outcome:  # fmt: skip
    """Go on with a run from its last checkpoint, with the same bits as if it had not stopped.

    With another number of processes, or with a hyper-parameter or setting that is overridden, it goes on from the same
    weights, with other bits.

    Args:
        out: the run's folder.
        images: a new budget; None keeps the old one.
        config: hyper-parameters that are to be otherwise from here on.
        override: names of those, and of settings, that may differ; without its name here a change is refused.
        text: the hyper-parameters are words of a command line.
        progress: show progress bars.
        **settings: see `Settings`; what a run tells and how often (``preview_every``, ``keep``) needs no override.

    Raises:
        RunError: the folder is no run, or something would change that is not overridden.
        GanzooError: the data or the architecture is no longer there, or has changed.
    """
    out = Path(out)
    if not (out / CONFIG).exists():
        gone = f"there is no folder {out}: name that of the run to go on with"
        raise RunError(f"{out} is no run: it has no {CONFIG}" if out.is_dir() else gone)
    written = read_config(out)
    if images is not None:
        settings["images"] = images
    zoo = installed()
    architecture = architecture_of(zoo, written, out)
    going = continue_with(written, architecture.record.config, config or {}, settings, override, text=text)
    planned = plan(
        f"{architecture.dist}:{written.architecture}",
        going.config,
        going.settings,
        zoo=zoo,
        resumed=written if checkpoint.found(out) else None,
    )
    if planned.source.key != written.data.get("key"):
        raise RunError(f"the images of {going.settings.data} are not those that {out} was trained on: put them back")
    at = int(found[-1].name) if (found := checkpoint.found(out)) else 0
    told = [{"images": at, "name": c.name, "before": c.before, "after": c.after} for c in going.changes]
    planned = replace(planned, changes=[*(written.training.get("changes") or ()), *told])
    return _run(planned, out, progress=progress, resume=True, anew=bool(going.changes))


def _run(planned: Plan, out: Path, *, progress: bool, resume: bool, anew: bool = False) -> Outcome:
    settings = planned.settings
    # Without an accelerator accelerate starts its processes only when it is told that the CPU is meant.
    cpu = settings.device == "cpu" or pick_device("auto").type == "cpu"
    tracker = _tracker(settings.tracker, out)
    accelerator = Accelerator(cpu=cpu, log_with=tracker, project_dir=str(out) if tracker else None)
    rank, world = accelerator.process_index, accelerator.num_processes
    check_batch_split(planned.gan, settings, world)
    store = prepare(planned.source, planned.image_size, planned.channels, progress=progress and rank == 0)
    with _locked(out, accelerator):
        gan = planned.gan.to(accelerator.device).to(memory_format=torch.channels_last)
        state = make_state(gan, settings, accelerator)
        rng_state.seed(settings.seed * 1_000 + rank)
        if resume:
            _go_back(out, state, accelerator, anew=anew)
        if state.images >= settings.images:
            raise RunError(f"{out} has had {state.images} of {settings.images} images: give it more with --images")
        if accelerator.is_main_process:
            write_config(out, planned.model_config())
        if settings.tracker:
            accelerator.init_trackers(".")
        reporter = Reporter(
            out,
            state,
            accelerator,
            images=settings.images,
            title=planned.architecture.record.name,
            examples=Loader(store, seed=0).batch(0, EXAMPLES) if gan.translations else None,
            progress=progress,
        )
        loader = Loader(
            store, seed=settings.seed, device=accelerator.device, rank=rank, world=world, balance=settings.balance
        )
        augmented = state.augmentation.attached(gan) if state.augmentation else nullcontext()
        with Stop() as stop, augmented:
            evaluation = Evaluation(out, state, settings, accelerator, reporter, planned.model_config)
            events = Events(out, state, settings, accelerator, reporter, stop, evaluation)
            if not events.begin():
                _play(out, planned, state, loader, accelerator, events)
            events.finish()
    return Outcome(
        out, state.images, stop.signal, rank, bool(gan.translations), evaluation.best_metric(), events.stopped_early,
        measures=bool(settings.metrics), best_images=evaluation.best_images(),
    )  # fmt: skip


def _play(out: Path, planned: Plan, state: State, loader: Loader, accelerator: Accelerator, events: Events) -> None:
    """Play until the budget is spent or a stop is wished for.

    Raises:
        RunError: the memory does not hold a step, or another process has ended.
    """
    settings = planned.settings
    precision = resolve_precision(settings.precision, accelerator.device)
    try:
        run_phases(
            state,
            loader,
            accelerator,
            images=settings.images,
            batch_size=settings.batch_size,
            precision=precision,
            after_step=events.after_step,
            update=UpdateConfig.of(settings),
        )
    except (RuntimeError, MemoryError) as error:
        if accelerator.num_processes > 1 and (lost := lost_peer(error)):
            raise RunError(
                f"another process of this run has ended ({lost}): see what it said; go on with --resume {out}"
            ) from error
        if not is_out_of_memory(error):
            raise
    else:
        return
    # Out of the handler, so that what the failed step held is free.
    raise RunError(too_little_memory(out, settings, precision, state, loader, accelerator))


def _tracker(name: str | None, out: Path) -> Any:
    """Return what accelerate logs with: its own TensorBoard by name, or a plugin's tracker."""
    if name in (None, TENSORBOARD):
        return name
    owned = installed().trackers[str(name)]
    kind = import_target("tracker", owned)
    try:
        return kind(str(out))
    except Exception as error:  # a plugin may raise anything
        raise PluginError(f"tracker '{name}' of {owned.dist} cannot be made: {error}") from error


def _go_back(out: Path, state: State, accelerator: Accelerator, *, anew: bool) -> None:
    """Restore the last checkpoint that is whole; a run that was stopped before its first one starts again.

    With ``anew`` the optimizers keep the learning rates and the like that they were made with.
    """
    found = checkpoint.found(out)
    if not found:
        if (out / MODEL).exists():
            raise RunError(f"{out} has a model but no checkpoint to go on from: put its checkpoints back")
        return
    damaged: list[tuple[Path, GanzooError]] = []
    for path in reversed(found):
        error: GanzooError | None = None
        try:
            checkpoint.restore(path, state, accelerator, anew=anew)
        except GanzooError as found_out:
            error = found_out
        # What one process cannot read the others leave, too: all go on from one place.
        if float(accelerator.reduce(torch.tensor(float(error is not None), device=accelerator.device), "sum")):
            damaged.append((path, error or RunError(f"checkpoint {path} cannot be restored by another process")))
            continue
        break
    else:  # none fits: it may be the run that is at fault, so nothing is set aside
        why_not = damaged[0][1]
        if anew:
            raise RunError(f"{why_not}: leave out, of what is overridden, what changes the networks") from why_not
        raise why_not
    accelerator.wait_for_everyone()  # all have read what is renamed now
    whole = found[-1 - len(damaged)].name if damaged else ""
    for path, why in damaged:
        _log.warning("%s; going on from %s, and it is set aside as %s-damaged", why, whole, path.name)
        if accelerator.is_main_process:
            checkpoint.set_aside(path)


@contextmanager
def _locked(out: Path, accelerator: Accelerator) -> Iterator[None]:
    """Hold the run's folder, so that no second run writes into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{out} cannot be made: {error.strerror or error}") from error
    if not accelerator.is_main_process:
        yield
        return
    with locked(out, RunError(f"another process is training in {out}: stop it, or name another folder")):
        yield
