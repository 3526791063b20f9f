"""``ganzoo new``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.new import scaffold
from ganzoo.cli.options import FilePath


@click.command("new")
@click.argument("name")
@click.option("--out", type=FilePath(), help="The new folder.  [default: ganzoo-NAME]")
def command(name: str, out: Path | None) -> None:
    """Write the package of a new architecture called NAME.

    It can be installed and trained unchanged: a starting point for your own networks.
    """
    names = scaffold.names_for(name)
    folder = out or Path(names.dist)
    for file in scaffold.write_package(names, folder):
        click.echo(f"{folder / file}")
    click.echo(f"\nNext:\n  pip install -e '{folder}[test]'")
    click.echo(f"  ganzoo check {names.name}\n  ganzoo train {names.name} --data mnist")
