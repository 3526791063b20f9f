"""What several commands share: tables, counts, name completion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ganzoo.registry import Zoo, installed


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return left-aligned columns; the last one is as long as it needs."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)


def warn(zoo: Zoo) -> None:
    """Say on stderr what is wrong with the installation."""
    for warning in zoo.warnings():
        click.echo(f"! {warning}", err=True)


def size_text(count: int) -> str:
    """Return a size in bytes for a person: 5.8 MB."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def dump(value: Any) -> None:
    """Print JSON."""
    import json  # the plain list does without

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


class Count(click.ParamType[int]):
    """A number of images: 300000, 300k, 1.5M."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse it."""
        if isinstance(value, int):
            return value
        text = value.strip().lower().replace("_", "").replace(",", "")
        factor = {"k": 1_000, "m": 1_000_000}.get(text[-1:], 1)
        try:
            number = float(text.rstrip("km")) * factor
        except ValueError:
            number = 0.5
        if number < 1 or number != int(number):
            self.fail(f"'{value}' is no number of images: say 300000, 300k or 1.5M", param, ctx)
        return int(number)


def complete_architecture(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an architecture in the shell."""
    return [name for name in installed().architectures.names() if name.startswith(incomplete)]


def complete_model(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a pretrained model in the shell."""
    return [name for name in installed().models.names() if name.startswith(incomplete)]


def complete_any(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a model or an architecture in the shell."""
    return complete_model(ctx, param, incomplete) + complete_architecture(ctx, param, incomplete)
