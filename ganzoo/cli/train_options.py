"""The options of ``ganzoo train`` that are the engine's settings, and help that shows them in sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from ganzoo.cli.options import Count

F = TypeVar("F", bound=Callable[..., Any])
_WEIGHT = click.FloatRange(min=0)


class Sectioned(click.Command):
    """A command whose help shows its options under headings.

    Args:
        sections: heading to names of parameters; those that are in none come first, under "Options".
    """

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        rows = {param.name: row for param in options if (row := param.get_help_record(ctx)) is not None}
        named = {name for names in self.sections.values() for name in names}
        rest = [name for name in rows if name not in named]
        for heading, names in {"Options": rest, **self.sections}.items():
            with formatter.section(heading):
                formatter.write_dl([rows[name] for name in names])


SECTIONS = {
    "Updates": ["batch_size", "accumulate", "optimizer", "schedule", "warmup", "clip_grad", "clip_mode", "l1", "l2"],
    "What the discriminator sees": ["augment", "instance_noise", "balance"],
    "Machine": ["precision", "device", "sync_batch_norm", "on_nan"],
    "Measuring": ["metrics", "eval_every", "patience"],
    "What a run tells": ["report_every", "preview_every", "checkpoint_every", "keep", "tracker"],
}


def _or_none(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Read the word that switches a setting off, which a run that goes on may want."""
    return None if value in ("none", 0) else value


def _or_empty(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Read the same word where there may be several."""
    return () if value == ("none",) else value


_OPTIONS = [
    click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Images per update."),
    click.option(
        "--accumulate",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Compute each batch in N parts before its one update: the memory of a smaller batch.",
    ),
    click.option("--optimizer", metavar="NAME", help="One of timm's, in place of the architecture's own."),
    click.option(
        "--schedule",
        type=click.Choice(["constant", "linear", "cosine", "tanh"]),
        default="constant",
        show_default=True,
        help="How the learning rates fall, to zero at the end.",
    ),
    click.option(
        "--warmup", type=Count(least=0), default=0, metavar="IMAGES", help="In which the learning rates rise."
    ),
    click.option(
        "--clip-grad",
        type=_WEIGHT,
        callback=_or_none,
        metavar="LIMIT",
        help="Limit each update's gradient; 0 sets none.",
    ),
    click.option(
        "--clip-mode",
        type=click.Choice(["norm", "value", "agc"]),
        default="norm",
        show_default=True,
        help="What is limited: the norm, each value, or the norm in proportion to the weights'.",
    ),
    click.option("--l1", type=_WEIGHT, default=0.0, metavar="WEIGHT", help="Of the sum of all absolute weights."),
    click.option("--l2", type=_WEIGHT, default=0.0, metavar="WEIGHT", help="Of half the sum of all squared weights."),
    click.option(
        "--augment",
        callback=_or_none,
        metavar="POLICY",
        help="color,translation,cutout or some of these (DiffAugment), ada (adaptive) or none. For few images.",
    ),
    click.option(
        "--instance-noise", type=_WEIGHT, default=0.0, metavar="DEVIATION", help="Noise on it, which falls to zero."
    ),
    click.option("--balance/--no-balance", default=False, help="Draw every class equally often."),
    click.option(
        "--precision",
        type=click.Choice(["auto", "bf16", "fp32"]),
        default="auto",
        show_default=True,
        help="auto is bf16 where the hardware computes in it.",
    ),
    click.option("--device", type=click.Choice(["auto", "cpu"]), default="auto", show_default=True),
    click.option("--sync-batch-norm/--no-sync-batch-norm", default=False, help="Over all processes."),
    click.option(
        "--on-nan",
        type=click.Choice(["stop", "skip", "rewind"]),
        default="stop",
        show_default=True,
        help="When a loss is not finite: stop, skip updates whose gradient is not, or go back to the last checkpoint "
        "and on with other random numbers.",
    ),
    click.option(
        "-m",
        "--metrics",
        multiple=True,
        callback=_or_empty,
        metavar="PROTOCOL",
        help="Measure as it is trained, as in 'fd[pixels]@10k/test'; the best model by the first one is kept.",
    ),
    click.option("--eval-every", type=Count(), default="100k", show_default=True, metavar="IMAGES"),
    click.option(
        "--patience",
        type=click.IntRange(min=0),
        callback=_or_none,
        metavar="N",
        help="End after N measurements without a better one; 0 sets no end.",
    ),
    click.option("--report-every", type=Count(), default="5k", show_default=True, metavar="IMAGES"),
    click.option("--preview-every", type=Count(), default="50k", show_default=True, metavar="IMAGES"),
    click.option("--checkpoint-every", type=Count(), default="100k", show_default=True, metavar="IMAGES"),
    click.option("--keep", type=click.IntRange(min=1), default=2, show_default=True, help="Checkpoints that are kept."),
    click.option("--tracker", metavar="NAME", help="Also log there: tensorboard, or what a plugin provides."),
]


def settings_options(function: F) -> F:
    """Give a command an option for each of the engine's settings."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
