"""``ganzoo plugins``."""

from __future__ import annotations

import click

from ganzoo.cli.options import dump, table
from ganzoo.registry import installed

KEYS = ("name", "package", "version", "import_ms", "provides")


@click.command("plugins")
@click.option("--times", is_flag=True, help="Show how long each takes to import, the slowest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(times: bool, as_json: bool) -> None:
    """Show the installed plugins, and why the broken ones are broken."""
    zoo = installed()
    broken = {(b.dist, b.name) for b in zoo.broken}
    rows = []
    for plugin in zoo.plugins:
        provides = [
            entry.record.name
            for registry in zoo.registries()
            for entry in registry
            if (entry.dist, entry.plugin) == (plugin.dist, plugin.name)
        ]
        if (plugin.dist, plugin.name) not in broken:
            rows.append((plugin.name, plugin.dist, plugin.version, round(plugin.seconds * 1e3, 1), provides))
    if as_json:
        dump(
            {
                "plugins": [dict(zip(KEYS, row, strict=True)) for row in rows],
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
    if times:
        rows.sort(key=lambda row: -row[3])
    header = ["PLUGIN", "PACKAGE", "VERSION", *(["IMPORT"] if times else []), "PROVIDES"]
    texts = [
        [*words, *([f"{taken:.1f} ms"] if times else []), ", ".join(provides) or "nothing"]
        for *words, taken, provides in rows
    ]
    click.echo(table(header, texts))
    for one in zoo.broken:
        click.echo(f"\n! {one}\n{one.traceback.rstrip()}")
    for problem in zoo.warnings()[len(zoo.broken) :]:
        click.echo(f"\n! {problem}")
