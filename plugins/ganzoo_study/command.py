"""``ganzoo study``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.options import FilePath, complete_model, device_option, warn
from ganzoo.errors import one_line
from ganzoo.registry import installed

SIGNAL_EXIT = 128  # a process that a signal ended exits with 128 + its number


@click.command("study")
@click.argument("a", shell_complete=complete_model)
@click.argument("b", required=False, shell_complete=complete_model)
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Trials.")
@click.option(
    "-o", "--out", type=FilePath(), default="study.json", show_default=True, help="The answers; never overwritten."
)
@click.option("--real", metavar="DATA", help="Compare A with real images instead of B: mnist, a folder.")
@click.option("--split", default="train", show_default=True, help="Of the real images, where they have several.")
@click.option("--grid", type=click.IntRange(1, 8), default=1, show_default=True, help="Show N x N images of each.")
@click.option("--question", help="Asked in each trial.  [default: which one looks more real, or is real]")
@click.option("--participant", metavar="NAME", help="Kept with the answers.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the images and the sides.")
@click.option("--resume", is_flag=True, help="Go on with the answers that the file holds.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of 127.0.0.1.  [default: one that is free]")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@device_option
def command(
    a: str, b: str | None, count: int, out: Path, real: str | None, split: str, grid: int, question: str | None,
    participant: str | None, seed: int, resume: bool, port: int, show: bool, batch_size: int, device: str,
) -> int:  # fmt: skip
    """Ask a person which of two pictures looks more real: one of A, one of B.

    A and B are models, as `ganzoo sample` takes them. The page is served on this machine alone,
    for one participant, and says nothing of who is who before the end. Each answer is kept as
    it comes; Ctrl-C ends the study early.
    """
    if (b is None) == (real is None):
        raise click.UsageError("say what A is compared with: another model B, or real images with --real DATA")
    zoo = installed()
    warn(zoo)

    from ganzoo.models.create import pick_device
    from ganzoo_study import contestants, session
    from ganzoo_study.study import PREFERENCE, REALITY, Study, make_trials, sentences

    session.check_file(out, resume=resume)
    with session.only_study(out):
        where = pick_device(device)
        first = contestants.open_model(a, device=where, batch_size=batch_size)
        second = (
            contestants.open_model(b, device=where, batch_size=batch_size)
            if b is not None
            else contestants.open_real(str(real), first, split=split, zoo=zoo)
        )
        contestants.check_shapes(first, second)
        numbers = range(len(second.store)) if isinstance(second, contestants.Real) else None
        study = Study(
            models={"a": first.about, "b": second.about},
            question=question or (REALITY if b is None else PREFERENCE),
            seed=seed,
            grid=grid,
            trials=make_trials(count, seed, grid, real=numbers),
            participant=participant,
            shape=first.shape,
        )
        if resume:
            study.go_on(out)
        pictures = contestants.generate_pairs(study.trials, first, second, grid)

        def announce(url: str) -> None:
            click.echo(
                f"{count} trials for one participant: {url}\n(Ctrl-C ends it early; the answers are kept in {out})"
            )
            if show:
                click.launch(url)

        signal = session.hold(study, pictures, out, port=port, resume=resume, announce=announce)
    for sentence in sentences(study):
        click.echo(one_line(sentence))
    if signal is None:
        click.echo(f"wrote {out}")
        return 0
    kept = f"the answers are in {out}; --resume goes on" if out.exists() else "there was no answer to keep"
    click.echo(f"stopped after {study.result.answered} of {len(study.trials)} trials: {kept}", err=True)
    return SIGNAL_EXIT + signal
