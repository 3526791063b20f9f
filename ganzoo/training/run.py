"""Runs: started in a new folder or resumed, in one process or several."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from tqdm import tqdm

from ganzoo._files import is_leftover
from ganzoo.data import Loader, Source, prepare
from ganzoo.errors import ConfigError, GanzooError, PluginError, RunError, command_line, is_out_of_memory
from ganzoo.inference.translate import EXAMPLES
from ganzoo.models.config import CONFIG, ModelConfig, read_config, write_config
from ganzoo.models.create import architecture_of, pick_device
from ganzoo.models.weights import MODEL, is_whole
from ganzoo.registry import installed
from ganzoo.registry.zoo import import_target
from ganzoo.training import checkpoint, rng_state
from ganzoo.training.batch_sizes import check_batch_sizes
from ganzoo.training.changes import DATA, change_of_data, continue_with, describe_data, open_again
from ganzoo.training.evaluation import Evaluation
from ganzoo.training.events import Events, Stop
from ganzoo.training.failures import lost_peer, out_of_memory_message
from ganzoo.training.logs import Reporter
from ganzoo.training.loop import train as run_phases
from ganzoo.training.outcome import Outcome
from ganzoo.training.plan import TENSORBOARD, Plan, plan
from ganzoo.training.run_folder import locked_run
from ganzoo.training.settings import Settings, read_settings
from ganzoo.training.state import State, make_state
from ganzoo.training.validate import check_stages

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
        architecture: as ``ganzoo list`` shows it; may be left out with ``start``, a model to fine-tune.
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
    """Start a run in a new folder."""
    if out.exists() and (not out.is_dir() or not all(is_leftover(path.name) for path in out.iterdir())):
        again = command_line("train", "--resume", out)
        raise RunError(f"{out} exists and is not empty: resume it with `{again}`, or name another folder")
    return _run(planned, out, progress=progress)


def resume(
    out: str | os.PathLike[str], *, images: int | None = None, config: Mapping[str, Any] | None = None,
    override: Sequence[str] = (), text: bool = False, progress: bool = True, **settings: Any,
) -> Outcome:  # fmt: skip
    """Resume a run from its last checkpoint, bit for bit as if it had not stopped.

    With another world size, or an overridden hyper-parameter or setting, it continues from the same weights, and no
    longer bit for bit.

    Args:
        out: the run's folder.
        images: a new budget; None keeps the old one.
        config: hyper-parameters to change.
        override: names of the hyper-parameters and settings that may change; other changes are refused.
        text: the hyper-parameters are words of a command line.
        progress: show progress bars.
        **settings: see `Settings`; those of what a run reports (``preview_every``, ``keep``) need no override, nor does
            ``data`` where it is the new place of the same samples.

    Raises:
        RunError: the folder is no run, or a change is not overridden.
        GanzooError: the data or the architecture is missing, or has changed.
    """
    out = Path(out)
    if not (out / CONFIG).exists():
        gone = f"there is no folder {out}: name that of the run to resume"
        raise RunError(f"{out} is no run: it has no {CONFIG}" if out.is_dir() else gone)
    written = read_config(out)
    if images is not None:
        settings["images"] = images
    if "data" in settings:
        settings["data"] = str(settings["data"])
    zoo = installed()
    architecture = architecture_of(zoo, written, out)
    resumed = continue_with(written, architecture.record.config, config or {}, settings, override, text=text)
    source = open_again(
        out, written, resumed.settings, moved=not {*DATA}.isdisjoint(settings), override="data" in override, zoo=zoo
    )
    planned = plan(
        f"{architecture.dist}:{written.architecture}",
        resumed.config,
        resumed.settings,
        zoo=zoo,
        resumed=written if checkpoint.list_checkpoints(out) else None,
        source=source,
    )
    other = change_of_data(out, written, source, planned.gan)
    at = int(found[-1].name) if (found := checkpoint.list_checkpoints(out)) else 0
    changes = [
        {"images": at, "name": c.name, "before": c.before, "after": c.after} for c in (*resumed.changes, other) if c
    ]
    planned = replace(planned, changes=[*(written.training.get("changes") or ()), *changes])
    return _run(
        planned, out, progress=progress, resumed=written, override=bool(resumed.changes),
        note=describe_data(written, source),
    )  # fmt: skip


def _run(
    planned: Plan, out: Path, *, progress: bool, resumed: ModelConfig | None = None, override: bool = False,
    note: str | None = None,
) -> Outcome:  # fmt: skip
    settings = planned.settings
    # On a machine without an accelerator, accelerate starts several processes only with cpu=True.
    cpu = settings.device == "cpu" or pick_device("auto").type == "cpu"
    tracker = _tracker(settings.tracker, out)
    accelerator = Accelerator(cpu=cpu, log_with=tracker, project_dir=str(out) if tracker else None)
    rank, world = accelerator.process_index, accelerator.num_processes
    if world > 1:
        check_batch_sizes(planned.gan, settings, planned.source.native(), world)
    store = prepare(
        planned.source, planned.gan.sample_specs, planned.gan.reading,
        progress=progress and rank == 0, encoded={"auto": None, "decoded": False, "encoded": True}[settings.cache],
        skip_unreadable=settings.skip_unreadable,
    )  # fmt: skip
    if isinstance(planned.source, Source) and len(store) < planned.source.count:  # some were skipped
        check_stages(planned.gan, settings, planned.source.name, len(store), planned.architecture.record.name)
        planned = replace(planned, source=replace(planned.source, count=len(store)))
    if progress and rank == 0:
        if note:
            tqdm.write(f"{out}: {note}", sys.stderr)
        tqdm.write(f"{planned.source.describe()}; {store.describe()}", sys.stderr)
    with locked_run(out, accelerator):
        gan = planned.gan.to(accelerator.device).to(memory_format=torch.channels_last)
        state = make_state(gan, settings, accelerator)
        rng_state.seed(settings.seed * 1_000 + rank)
        if resumed:
            _restore_last(out, state, accelerator, override=override)
        finished = resumed is not None and _is_finished(out, resumed, state.images)
        if state.images >= settings.images and (
            finished or resumed is None or resumed.training.get("images") != settings.images
        ):
            raise RunError(
                f"{out} has already seen {state.images} of {settings.images} images: set a larger budget with --images"
            )
        measured_again = not finished and bool(settings.patience or state.images >= settings.images)
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
            measured_again=measured_again,
        )
        loader = Loader(
            store, seed=settings.seed, device=accelerator.device, rank=rank, world=world, balance=settings.balance
        )
        augmented = state.augmentation.attached(gan) if state.augmentation else nullcontext()
        with Stop() as stop, augmented:
            evaluation = Evaluation(out, state, settings, accelerator, reporter, planned.model_config)
            events = Events(out, state, settings, accelerator, reporter, stop, evaluation)
            if not events.begin(again=resumed is not None and not finished):
                _train(out, planned, state, loader, accelerator, events)
            events.finish()
    return Outcome(
        out, state.images, stop.signal, rank, bool(gan.translations), evaluation.best_metric(), events.stopped_early,
        measures=bool(settings.metrics), best_images=evaluation.best_images(),
    )  # fmt: skip


def _is_finished(out: Path, written: ModelConfig, images: int) -> bool:
    """Whether all that follows a run's last step was done: its config.json is completed last."""
    return written.trained is not None and written.trained.images == images and is_whole(out / MODEL)


def _train(out: Path, planned: Plan, state: State, loader: Loader, accelerator: Accelerator, events: Events) -> None:
    """Train until the budget is spent or a stop is asked for; explain what runs out of memory or loses a process."""
    try:
        run_phases(state, loader, accelerator, planned.settings, after_step=events.after_step)
    except (RuntimeError, MemoryError) as error:
        if accelerator.num_processes > 1 and (lost := lost_peer(error)):
            raise RunError(
                f"another process of this run has ended ({lost}): see its messages; continue with "
                f"`{command_line('train', '--resume', out)}`"
            ) from error
        if not is_out_of_memory(error):
            raise
    else:
        return
    # Outside of the handler, which would keep the memory of the failed step.
    raise RunError(out_of_memory_message(out, planned.settings, state, loader, accelerator))


def _tracker(name: str | None, out: Path) -> Any:
    """Return what accelerate logs with: its own TensorBoard by name, or a plugin's tracker."""
    if name in (None, TENSORBOARD):
        return name
    owned = installed().trackers[str(name)]
    kind = import_target("tracker", owned)
    try:
        return kind(str(out))
    except Exception as error:  # a plugin may raise anything
        raise PluginError(f"tracker '{name}' of {owned.dist} cannot be created: {error}") from error


def _restore_last(out: Path, state: State, accelerator: Accelerator, *, override: bool) -> None:
    """Restore the last undamaged checkpoint; a run without any starts again."""
    found = checkpoint.list_checkpoints(out)
    if not found:
        if (out / MODEL).exists():
            raise RunError(f"{out} has a model but no checkpoint to resume from: put its checkpoints back")
        return
    damaged: list[tuple[Path, GanzooError]] = []
    for path in reversed(found):
        error: GanzooError | None = None
        try:
            checkpoint.restore(path, state, accelerator, override=override)
        except GanzooError as caught:
            error = caught
        # All processes skip what one cannot read, so that they continue from the same checkpoint.
        if float(accelerator.reduce(torch.tensor(float(error is not None), device=accelerator.device), "sum")):
            damaged.append((path, error or RunError(f"checkpoint {path} cannot be restored by another process")))
            continue
        break
    else:  # the run itself may be at fault, so nothing is renamed
        why_not = damaged[0][1]
        if override:
            raise RunError(f"{why_not}: leave out, of what is overridden, what changes the networks") from why_not
        raise why_not
    accelerator.wait_for_everyone()  # all have read what is renamed next
    whole = found[-1 - len(damaged)].name if damaged else ""
    for path, why in damaged:
        _log.warning("%s; resuming from %s instead, and renaming it to %s-damaged", why, whole, path.name)
        if accelerator.is_main_process:
            checkpoint.rename_damaged(path)
