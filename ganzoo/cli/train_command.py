"""``ganzoo train``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.options import Count, FilePath, complete_architecture, complete_model, table
from ganzoo.cli.train_options import SECTIONS, Sectioned, setting_option, settings_options
from ganzoo.errors import command_line, one_line
from ganzoo.registry.hyperparameters import config_to_dict, parse_options
from ganzoo.training.settings import read_settings

if TYPE_CHECKING:
    from ganzoo.training.outcome import Outcome
    from ganzoo.training.plan import Plan

NEW = ("architecture", "out", "start", "dry_run", "list_skipped")  # what only a new run takes
SIGNAL_EXIT = 128  # a process that a signal ended exits with 128 + its number


@click.command("train", cls=Sectioned, sections=SECTIONS)
@click.argument("architecture", required=False, shell_complete=complete_architecture)
@click.option(
    "--data",
    help="A data set (mnist, hf:owner/name) or one class of it (cifar10:horse), a folder of images or parquet files, a "
    ".zip, .npz or .npy file. Two sets: A=DATA,B=DATA; pairs: pairs:DATA, two images side by side, "
    "pairs:A=DATA,B=DATA, or made of one set: grey:, lowres4:, mask: or edges:DATA.",
)
@setting_option("split")
@click.option("--images", type=Count(), help="Real images to sample in all: 300k, 2M.  [default: 1M]")
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="A hyper-parameter; `ganzoo show ARCHITECTURE` lists them.",
)
@click.option("--out", type=FilePath(), help="The run's folder.  [default: runs/ARCHITECTURE-DATA]")
@setting_option("seed")
@click.option(
    "--from",
    "start",
    metavar="MODEL",
    shell_complete=complete_model,
    help="Fine-tune a pretrained model (a name, hf:owner/name, a folder) with its hyper-parameters.",
)
@click.option(
    "--resume",
    type=FilePath(),
    metavar="RUN",
    help="Resume a run where it stopped; --images may give it a new budget, --data the place that its data moved to.",
)
@click.option(
    "--override",
    multiple=True,
    metavar="NAME",
    help="With --resume: this hyper-parameter or setting may differ from the run's own (-o lr=1e-4 --override lr, "
    "--data OTHER --override data).",
)
@settings_options
@click.option(
    "--dry-run", is_flag=True, help="Print the resolved configuration and the sizes of the networks, and stop."
)
@click.option(
    "--list-skipped", is_flag=True, help="Print each file of the data set that is left out, with the reason, and stop."
)
@click.pass_context
def command(
    ctx: click.Context, /, architecture: str | None, data: str | None, images: int | None, options: tuple[str, ...],
    out: Path | None, resume: Path | None, override: tuple[str, ...], dry_run: bool, list_skipped: bool,
    **settings: Any,
) -> int:  # fmt: skip
    """Train ARCHITECTURE on a data set into a run's folder.

    With --from it fine-tunes a pretrained model, and ARCHITECTURE may be left out.
    """
    if resume is not None:
        source = click.core.ParameterSource.COMMANDLINE
        given = {p.name: p.opts[0] for p in ctx.command.params if p.name and ctx.get_parameter_source(p.name) is source}
        if foreign := [option for name, option in given.items() if name in NEW]:
            raise click.UsageError(f"--resume uses the run's own values; leave out {', '.join(foreign)}")
        changes = {name: value for name, value in {"data": data, **settings}.items() if name in given}
        values = parse_options(options)
        from ganzoo.training import run

        names = [name.replace("-", "_") for name in override]
        return _end(run.resume(resume, images=images, config=values, override=names, text=True, **changes))
    if override:
        raise click.UsageError("--override needs --resume RUN")
    if architecture is None and settings["start"] is None:
        raise click.UsageError(
            "name an architecture (`ganzoo list` shows them), a model to fine-tune with --from, or a run with --resume"
        )
    if data is None:
        raise click.UsageError("name the data to train on: --data mnist, --data FOLDER")
    if not settings["metrics"] and ctx.get_parameter_source("eval_every") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--eval-every needs a metric: -m 'fd[pixels]@10k/test'")
    values = parse_options(options)

    from ganzoo.training import plan, run

    made = read_settings({"data": data, "images": images or 1_000_000, **settings})
    planned = plan.plan(architecture, values, made, text=True)
    start = settings["start"]
    name = _short(start.rpartition("@")[0] or start) if start else planned.architecture.record.name
    folder = out or _free(Path("runs") / f"{name}-{_short(data)}")
    if dry_run:
        click.echo(plan_text(planned, folder))
        return 0
    if list_skipped:
        for line in [*skipped_files(planned)] or ["no file is left out"]:
            click.echo(one_line(line))
        return 0
    return _end(run.start(planned, folder))


def plan_text(planned: Plan, folder: Path) -> str:
    """Return what ``--dry-run`` prints."""
    from ganzoo.models.create import pick_device
    from ganzoo.training.updates import resolve_precision

    record, settings = planned.architecture.record, planned.settings
    device = pick_device(settings.device)
    resolved = {"precision": resolve_precision(settings.precision, device), "device": device}
    rows = [
        ["architecture", f"{record.name} ({planned.architecture.dist} {planned.architecture.version})"],
        ["data", planned.source.describe()],
        ["run", str(folder)],
        *([name, str(resolved.get(name, value))] for name, value in vars(settings).items() if name != "data"),
        *([f"-o {name}", str(value)] for name, value in config_to_dict(planned.config).items()),
        *([f"{name} parameters", f"{count:,}"] for name, count in planned.parameters().items()),
    ]
    return table(["SETTING", "VALUE"], rows)


def skipped_files(planned: Plan) -> Iterator[str]:
    """Yield a line for each file of the data that is left out; those that cannot be read are found by reading all."""
    from ganzoo.data import prepare

    specs = planned.gan.sample_specs
    sides = getattr(planned.source, "sides", {planned.source.medium: planned.source})
    for key, side in sides.items():
        yield from (f"{path}: {reason}" for reason, paths in side.skipped.items() for path in paths)
        spec = specs.get(key) or next(iter(specs.values()))
        store = prepare(side, {key: spec}, planned.gan.reading, skip_unreadable=True)
        if store.intake:
            yield from store.intake.skipped.values()


def _short(data: str) -> str:
    """Return a name for a run's folder: the last part of each path or name in the words for the data."""
    parts = [part.rstrip("/").rpartition("/")[2].partition(".")[0] for part in re.split("[:,=]", data)]
    return "-".join(part for part in parts if part not in ("", "hf", "A", "B", "pairs")) or "data"


def _free(folder: Path) -> Path:
    """Return ``folder``, or the first of ``folder-2``, ``folder-3``, ... that does not exist."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def _end(outcome: Outcome) -> int:
    code = 0 if outcome.signal is None else SIGNAL_EXIT + outcome.signal
    if outcome.rank > 0:
        return code
    if outcome.signal is not None:
        click.echo(
            f"stopped after {outcome.images:,} images, nothing is lost; resume with: "
            f"{command_line('train', '--resume', outcome.run)}",
            err=True,
        )
        return code
    ended = "; its metric did not improve any more" if outcome.stopped_early else ""
    click.echo(f"trained on {outcome.images:,} images{ended}: {outcome.run} (look at {outcome.run / 'samples.png'})")
    if found := outcome.best_metric:
        best = outcome.run / "best" if outcome.best_images == found.images else "not kept"
        click.echo(
            f"  {found.protocol}: best {found.best:.6g} at {found.images:,} images ({best}), last {found.last:.6g}"
        )
    elif outcome.measures:
        click.echo("  no best model: its first metric was never measured, see the warnings")
    run = outcome.run
    use = ("translate", run, "INPUT...") if outcome.translates else ("sample", run, "-n", 64, "-o", "grid.png")
    click.echo(f"  {command_line(*use)}")
    return code
