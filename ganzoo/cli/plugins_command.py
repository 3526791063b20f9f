"""``ganzoo plugins``."""

from __future__ import annotations

import click

from ganzoo.cli.common import dump, table
from ganzoo.registry import installed


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Show the installed plugins, and why the broken ones are broken."""
    zoo = installed()
    broken = {(b.dist, b.name) for b in zoo.broken}
    rows = []
    for plugin in zoo.plugins:
        shelves = (zoo.architectures, zoo.models, zoo.datasets)
        provides = [
            owned.record.name
            for shelf in shelves
            for owned in shelf
            if owned.dist == plugin.dist and owned.plugin == plugin.name
        ]
        if (plugin.dist, plugin.name) not in broken:
            rows.append((plugin.name, plugin.dist, plugin.version, provides))
    if as_json:
        dump(
            {
                "plugins": [dict(zip(("name", "package", "version", "provides"), row, strict=True)) for row in rows],
                "broken": [
                    {
                        "name": b.name,
                        "package": b.dist,
                        "version": b.version,
                        "reason": b.reason,
                        "traceback": b.traceback,
                    }
                    for b in zoo.broken
                ],
                "problems": zoo.warnings()[len(zoo.broken) :],
            }
        )
        return
    texts = [[*words, ", ".join(provides) or "nothing"] for *words, provides in rows]
    click.echo(table(["PLUGIN", "PACKAGE", "VERSION", "PROVIDES"], texts))
    for one in zoo.broken:
        click.echo(f"\n! {one}\n{one.traceback.rstrip()}")
    for problem in zoo.warnings()[len(zoo.broken) :]:
        click.echo(f"\n! {problem}")
