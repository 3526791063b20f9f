"""Shared by the commands, those of plugins too: options, tables, counts, name completion, a model's training data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.errors import ConfigError, one_line
from ganzoo.registry import Zoo, installed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ganzoo.models.load import Model

device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return left-aligned columns; the last one is as long as it needs."""
    header, *rows = ([one_line(cell) for cell in row] for row in [header, *rows])
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)


def warn(zoo: Zoo) -> None:
    """Print the problems of the installation on stderr."""
    for warning in zoo.warnings():
        click.echo(f"! {one_line(warning)}", err=True)


def wanted(pattern: str | None, name: str) -> bool:
    """Whether a name contains the pattern, or matches it as a shell pattern."""
    return pattern is None or pattern in name or fnmatch(name, pattern) or fnmatch(name.rpartition("/")[2], pattern)


def size_text(count: int) -> str:
    """Return a size in bytes as text: 5.8 MB."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def first_of(words: Sequence[str]) -> str:
    """Return the first of some words, and how many more there are."""
    return "".join([*words[:1], f"  and {len(words) - 1} more" if len(words) > 1 else ""])


def dump(value: Any) -> None:
    """Print JSON in ASCII, which any terminal can show."""
    import json  # the plain list does without

    click.echo(json.dumps(value, indent=2))


class FilePath(click.Path):
    """A path; an empty one, which would be the current folder, is refused."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse it."""
        if not str(value):
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


class Count(click.ParamType[int]):
    """A number of images, at least ``least``: 300000, 300k, 1.5M."""

    name = "count"

    def __init__(self, least: int = 1) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse it."""
        if isinstance(value, int):
            return value
        from decimal import Decimal  # the plain list does without

        # A comma only separates thousands: 1,5M may be meant as 1.5M.
        match = re.fullmatch(r"(\d[\d_]*|\d{1,3}(?:,\d{3})+)(\.\d+)?(e\d)?([km]?)", value.strip().lower(), re.ASCII)
        if match:
            whole, part, power, unit = match.groups("")
            number = Decimal(whole.replace(",", "") + part + power) * {"": 1, "k": 1_000, "m": 1_000_000}[unit]
            if number >= self.least and number == int(number):
                return int(number)
        return self.fail(f"'{value}' is not a number of images: use 300000, 300k or 1.5M", param, ctx)


def complete_architecture(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an architecture in the shell."""
    return [name for name in installed().architectures.names() if name.startswith(incomplete)]


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a pretrained model in the shell; where none begins so, a folder's."""
    from click.shell_completion import CompletionItem  # no other command needs it

    names = [name for name in installed().models.names() if name.startswith(incomplete)]
    return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="dir")]


def complete_any(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a model or an architecture in the shell; where none begins so, a folder's."""
    found = complete_model(ctx, param, incomplete)
    named = [type(found[0])(name) for name in complete_architecture(ctx, param, incomplete)]
    return [item for item in found if item.type != "dir" or not named] + named


def own_data(zoo: Zoo, model: Model) -> str:
    """Return the training data of a model: a data set's short name or, for a run on this machine, also a path.

    Raises:
        ConfigError: neither is known. A path in a downloaded model's metadata is not used.
    """
    from ganzoo.data.spec import named_sets

    named = str(model.config.data.get("name"))
    if all(name in zoo.datasets for name in named_sets(named, zoo) or [""]):
        return named
    given = model.config.training.get("data")
    near = (model.folder, model.folder.parent) if model.folder else ()  # a run, or the best of one
    if given and any((folder / "checkpoints").is_dir() for folder in near):
        return str(given)
    raise ConfigError(f"{model.name} was trained on images not available by name: give the real images with --data")
