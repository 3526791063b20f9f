"""``ganzoo study``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.files import only_one
from ganzoo.cli.options import FilePath, complete_model, device_option, warn
from ganzoo.errors import RunError, one_line
from ganzoo.registry import installed

SIGNAL_EXIT = 128  # a process that a signal ended exits with 128 + its number


@click.command("study")
@click.argument("a", shell_complete=complete_model)
@click.argument("b", required=False, shell_complete=complete_model)
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Trials.")
@click.option(
    "-o",
    "--out",
    type=FilePath(),
    default="study.json",
    show_default=True,
    help="The answers; never overwritten.",
)
@click.option("--real", metavar="DATA", help="Compare A with real images instead of B: mnist, a folder.")
@click.option("--split", default="train", show_default=True, help="Split of the real images.")
@click.option("--grid", type=click.IntRange(1, 8), default=1, show_default=True, help="Show N x N images of each.")
@click.option("--question", help="Asked in each trial.  [default: which one looks more real, or is real]")
@click.option("--participant", metavar="NAME", help="Saved with the answers.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the images and their sides.")
@click.option("--resume", is_flag=True, help="Continue the study in the file.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On 127.0.0.1.  [default: a free one]")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@device_option
def command(
    a: str, b: str | None, count: int, out: Path, real: str | None, split: str, grid: int, question: str | None,
    participant: str | None, seed: int, resume: bool, port: int, show: bool, batch_size: int, device: str,
) -> int:  # fmt: skip
    """Ask a person which of two pictures looks more real: one of A, one of B.

    A and B are models, as `ganzoo sample` takes them. The page is served on this machine alone,
    for one participant, and does not name the models before the end. Each answer is saved at
    once; Ctrl-C ends the study early.
    """
    if (b is None) == (real is None):
        raise click.UsageError("name what A is compared with: another model B, or real images with --real DATA")
    zoo = installed()
    warn(zoo)

    from ganzoo.models.create import pick_device
    from ganzoo_study import candidates, session
    from ganzoo_study.study import PREFERENCE, REALITY, Study, make_trials, sentences

    session.check_file(out, resume=resume)
    busy = RunError(f"another study is running on {out}: end it first, or name another file with -o")
    with only_one(out.resolve(), busy):  # each would overwrite the other's answers
        first = candidates.open_model(a, device=pick_device(device), batch_size=batch_size)
        second = (
            candidates.open_model(b, device=pick_device(device), batch_size=batch_size)
            if b is not None
            else candidates.open_real(str(real), first, split=split, zoo=zoo)
        )
        candidates.check_shapes(first, second)
        study = Study(
            question=question or (REALITY if b is None else PREFERENCE),
            participant=participant,
            seed=seed,
            grid=grid,
            shape=first.shape,
            models={"a": first.about, "b": second.about},
            trials=make_trials(count, seed, grid, real=second.places),
        )
        if resume:
            study.resume(out)
        pictures = candidates.generate_pairs(study.trials, first, second, grid)

        def announce(url: str) -> None:
            click.echo(f"{count} trials for one participant: {url}\n(Ctrl-C ends it early; the answers stay in {out})")
            if show:
                click.launch(url)

        signal = session.serve(study, pictures, out, port=port, resume=resume, announce=announce)
    for sentence in sentences(study):
        click.echo(one_line(sentence))
    if signal is None:
        click.echo(f"wrote {out}")
        return 0
    saved = f"the answers are in {out}; continue with --resume" if out.exists() else "there are no answers to save"
    click.echo(f"stopped after {study.result.answered} of {len(study.trials)} trials: {saved}", err=True)
    return SIGNAL_EXIT + signal
