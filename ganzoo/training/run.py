"""Puts a run together: names to records, records to objects, and the events between steps."""

from __future__ import annotations

import importlib.util
import os
import platform
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import msgspec
import torch
from accelerate import Accelerator

import ganzoo
from ganzoo.data import Loader, Source, open_source, prepare
from ganzoo.errors import ConfigError, DataError, MissingExtraError, RunError
from ganzoo.gan import GAN
from ganzoo.models import build
from ganzoo.registry import Architecture, Zoo, installed
from ganzoo.registry.config import config_to_dict, make_config
from ganzoo.registry.zoo import Owned
from ganzoo.training import checkpoint
from ganzoo.training.ema import EMA
from ganzoo.training.loop import State
from ganzoo.training.loop import train as play
from ganzoo.training.report import Reporter, save_preview
from ganzoo.weights import CONFIG, ModelConfig, read_config, save_weights, write_config

VERSIONS = ("torch", "timm", "accelerate", "safetensors", "numpy")


@dataclass(frozen=True)
class Settings:
    """The engine's settings.

    Args:
        data: what `ganzoo.data.open_source` takes.
        images: the budget: real images drawn, over all processes.
        split: of the data.
        batch_size: images per update, over all processes.
        seed: of the weights, the latents and the order of the data.
        precision: ``"bf16"``, ``"fp32"``, or ``"auto"`` for bf16 where the hardware computes in it.
        device: ``"auto"`` or ``"cpu"``.
        report_every: images between two lines of ``stats.jsonl``.
        preview_every: images between two grids of samples.
        checkpoint_every: images between two checkpoints.
        keep: checkpoints that are kept.
        tracker: ``"tensorboard"``, or None.
    """

    data: str
    images: int
    split: str = "train"
    batch_size: int = 64
    seed: int = 0
    precision: str = "auto"
    device: str = "auto"
    report_every: int = 5_000
    preview_every: int = 50_000
    checkpoint_every: int = 100_000
    keep: int = 2
    tracker: str | None = None

    def __post_init__(self) -> None:
        for name in ("images", "batch_size", "report_every", "preview_every", "checkpoint_every", "keep"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.precision not in ("auto", "bf16", "fp32"):
            raise ConfigError(f"precision must be auto, bf16 or fp32, not '{self.precision}'")
        if self.device not in ("auto", "cpu"):
            raise ConfigError(f"device must be auto or cpu, not '{self.device}'")
        if self.tracker not in (None, "tensorboard"):
            raise ConfigError(f"tracker must be tensorboard, not '{self.tracker}'")
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"seed must be in 0 ... 2**31 - 1, not {self.seed}")


@dataclass(frozen=True)
class Plan:
    """A run that has been checked and not begun.

    Args:
        architecture: from the zoo.
        config: its hyper-parameters, the image's shape taken from the data.
        settings: of the engine.
        source: the data.
        gan: untrained.
    """

    architecture: Owned[Architecture]
    config: Any
    settings: Settings
    source: Source
    gan: GAN

    def parameters(self) -> dict[str, int]:
        """Return the number of parameters of each network."""
        return {name: sum(p.numel() for p in net.parameters()) for name, net in self.gan.named_children()}

    def model_config(self) -> ModelConfig:
        """Return what ``config.json`` says."""
        return ModelConfig(
            architecture=self.architecture.record.name,
            plugin=self.architecture.dist,
            plugin_version=self.architecture.version,
            config=config_to_dict(self.config),
            ganzoo=ganzoo.__version__,
            data={
                "name": self.source.name,
                "split": self.settings.split,
                "images": self.source.count,
                "classes": list(self.source.classes or ()),
                "key": self.source.key,
            },
            training=asdict(self.settings),
            versions={"python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONS}},
        )


def plan(
    name: str, options: Mapping[str, Any], settings: Settings, *, text: bool = False, zoo: Zoo | None = None
) -> Plan:
    """Check everything that can be checked before an image is decoded.

    Args:
        name: the architecture.
        options: hyper-parameters that differ from the defaults.
        settings: of the engine.
        text: the options are words of a command line.
        zoo: where names are looked up.

    Raises:
        GanzooError: whatever is wrong, in one line.
    """
    zoo = zoo or installed()
    architecture = zoo.architectures[name]
    kind = architecture.record.config
    make_config(kind, options, text=text, owner=name)
    source = open_source(settings.data, split=settings.split, zoo=zoo)
    if source.count < settings.batch_size:
        raise DataError(f"{source.name} has {source.count} images, too few for batches of {settings.batch_size}")
    known = {f.name for f in fields(kind)}
    size, channels = source.native()
    derived: dict[str, Any] = {"image_size": size, "channels": channels}
    if source.classes is not None and len(source.classes) > 1:
        derived["classes"] = len(source.classes)
    derived = {k: v for k, v in derived.items() if k in known and v is not None and k not in options}
    for key, value in list(derived.items()):
        try:
            make_config(kind, {key: value}, owner=name)
        except ConfigError as error:
            if key != "image_size":
                raise DataError(f"{source.name}: {error}") from error
            del derived[key]  # the images are resized to the architecture's default
    config = make_config(kind, {**derived, **options}, text=text, owner=name)
    torch.manual_seed(settings.seed)
    gan = build(architecture, config)
    has = {"image", "label"} if source.classes is not None else {"image"}
    if missing := sorted(gan.needs - has):
        raise DataError(
            f"{name} needs {' and '.join(missing)}s, and {source.name} has none: use a labelled data set, or a folder "
            "with one sub-folder per class"
        )
    if settings.tracker == "tensorboard" and importlib.util.find_spec("tensorboard") is None:
        raise MissingExtraError("the TensorBoard tracker", "track")
    return Plan(architecture, config, settings, source, gan)


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return ``"bf16"`` or ``"fp32"``: for ``"auto"``, bf16 where the hardware computes in it."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability()[0] >= 8
    elif device.type == "cpu":
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
    else:
        fast = False
    return "bf16" if fast else "fp32"


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        run: its folder.
        images: drawn so far.
        signal: that stopped it, or None when the budget is spent.
    """

    run: Path
    images: int
    signal: int | None


def train(
    architecture: str,
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
        architecture: as ``ganzoo list`` shows it.
        data: a data set's short name, ``"hf:owner/name"``, a folder or an array file.
        images: how many real images to draw.
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
    made = Settings(data=str(data), images=images, **settings)
    return start(plan(architecture, config or {}, made), Path(out), progress=progress)


def start(planned: Plan, out: Path, *, progress: bool = True) -> Outcome:
    """Begin a run in a new folder."""
    if out.exists() and (not out.is_dir() or any(p.name != ".lock" for p in out.iterdir())):
        raise RunError(f"{out} exists and is not empty: go on with `ganzoo train --resume {out}`, or name another folder")
    return _run(planned, out, progress=progress, resume=False)


def resume(out: str | os.PathLike[str], *, images: int | None = None, progress: bool = True) -> Outcome:
    """Go on with a run from its last checkpoint, with the same bits as if it had not stopped.

    Args:
        out: the run's folder.
        images: a new budget; None keeps the old one.
        progress: show progress bars.

    Raises:
        RunError: the folder is no run.
        GanzooError: the data or the architecture is no longer there, or has changed.
    """
    out = Path(out)
    if not (out / CONFIG).exists():
        raise RunError(f"{out} is no run: it has no {CONFIG}")
    written = read_config(out)
    try:
        settings = msgspec.convert(written.training, Settings)
    except msgspec.ValidationError as error:
        raise RunError(f"{out / CONFIG} has no settings of a run to go on with: {error}") from error
    if images is not None:
        settings = replace(settings, images=images)
    planned = plan(written.architecture, written.config, settings)
    if planned.source.key != written.data.get("key"):
        raise RunError(f"the images of {settings.data} are not those that {out} was trained on: put them back")
    return _run(planned, out, progress=progress, resume=True)


def _run(planned: Plan, out: Path, *, progress: bool, resume: bool) -> Outcome:
    settings = planned.settings
    accelerator = Accelerator(
        cpu=settings.device == "cpu", log_with=settings.tracker, project_dir=str(out) if settings.tracker else None
    )
    rank, world = accelerator.process_index, accelerator.num_processes
    if settings.batch_size % world:
        raise ConfigError(f"batch_size {settings.batch_size} cannot be shared by {world} processes")
    shape = planned.config
    store = prepare(planned.source, shape.image_size, shape.channels, progress=progress and rank == 0)
    with _locked(out, accelerator):
        if accelerator.is_main_process:
            write_config(out, planned.model_config())
        if settings.tracker:
            accelerator.init_trackers(".")
        gan = planned.gan.to(accelerator.device, memory_format=torch.channels_last)
        state = State(gan, EMA(gan), gan.optimizers())
        torch.manual_seed(settings.seed * 1_000 + rank)
        if resume and (last := checkpoint.found(out)):
            checkpoint.restore(last[-1], state, accelerator)
        if state.images >= settings.images:
            raise RunError(f"{out} has had its {state.images} images: give it more with --images")
        reporter = Reporter(
            out, state, accelerator, images=settings.images, title=planned.architecture.record.name, progress=progress
        )
        loader = Loader(store, seed=settings.seed, device=accelerator.device, rank=rank, world=world)
        with _Stop() as stop:
            events = Events(out, state, settings, accelerator, reporter, stop)
            play(
                state,
                loader,
                accelerator,
                images=settings.images,
                batch_size=settings.batch_size,
                precision=resolve_precision(settings.precision, accelerator.device),
                after_step=events.after_step,
            )
            events.finish()
    return Outcome(out, state.images, stop.signal)


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
    lock = filelock.FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise RunError(f"another process is training in {out}: stop it, or name another folder") from error
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


@dataclass
class _Stop:
    """The first SIGINT or SIGTERM asks for a stop after the step; the second one acts as it always does."""

    signal: int | None = None
    _old: dict[int, Any] = field(default_factory=dict)

    def __enter__(self) -> _Stop:
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _handle(self, number: int, frame: Any) -> None:
        self.signal = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old = {}

    def __exit__(self, *error: object) -> None:
        self._restore()


class Events:
    """What happens between steps: reports, previews, checkpoints, a wish to stop.

    Args:
        run: the run's folder.
        state: what is trained.
        settings: the intervals.
        accelerator: the other processes.
        reporter: writes the reports.
        stop: set by a signal.
    """

    def __init__(
        self, run: Path, state: State, settings: Settings, accelerator: Accelerator, reporter: Reporter, stop: _Stop
    ) -> None:
        self.run = run
        self.state = state
        self.settings = settings
        self.accelerator = accelerator
        self.reporter = reporter
        self.stop = stop
        self._before = state.images
        self._saved = state.images

    def after_step(self) -> bool:
        """Do what is due after a step; return whether to stop."""
        before, now = self._before, self.state.images
        self._before = now
        self.reporter.step(now - before)
        if before // self.settings.report_every != now // self.settings.report_every:
            self.reporter.report()
        if before // self.settings.preview_every != now // self.settings.preview_every:
            self.reporter.preview(self.state.ema.model())
        if before // self.settings.checkpoint_every != now // self.settings.checkpoint_every:
            self._checkpoint()
        return self._wants_stop()

    def _wants_stop(self) -> bool:
        if self.accelerator.num_processes == 1:
            return self.stop.signal is not None
        if self.state.step % 16:  # asking the others takes a message
            return False
        wish = torch.tensor(float(self.stop.signal or 0), device=self.accelerator.device)
        agreed = int(self.accelerator.reduce(wish, "sum").item())
        if agreed and self.stop.signal is None:
            self.stop.signal = signal.SIGTERM
        return agreed > 0

    def _checkpoint(self) -> None:
        checkpoint.save(self.run, self.state, self.accelerator, self.settings.keep)
        self._saved = self.state.images
        if self.accelerator.is_main_process:
            model = self.state.ema.model()
            save_weights(self.run, model, self.state.images)
            save_preview(model, self.run / "samples.png")

    def finish(self) -> None:
        """Leave the run whole: a last checkpoint and model, and for a run that is done a last report."""
        if self.state.sums.totals and self.stop.signal is None:  # a stopped run reports where it would have
            self.reporter.report()
        if self._saved != self.state.images:
            self._checkpoint()
        self.reporter.close()
