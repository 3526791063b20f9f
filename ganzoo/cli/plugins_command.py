"""``ganzoo plugins``."""

from __future__ import annotations

import itertools
from collections import defaultdict

import click

from ganzoo.cli.options import dump, table
from ganzoo.errors import one_line, printable
from ganzoo.registry import installed

KEYS = ("name", "package", "version", "import_ms", "provides")
BROKEN_KEYS = ("name", "package", "version", "reason", "traceback")


@click.command("plugins")
@click.option("--times", is_flag=True, help="Show how long each takes to import, the slowest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(times: bool, as_json: bool) -> None:
    """Show the installed plugins, and why the broken ones are broken."""
    zoo = installed()
    broken = {(b.dist, b.name) for b in zoo.broken}
    provided = defaultdict(list)
    for entry in itertools.chain.from_iterable(zoo.registries()):
        provided[entry.dist, entry.plugin].append(entry.record.name)
    rows = [
        (plugin.name, plugin.dist, plugin.version, round(zoo.seconds[key] * 1e3, 1), provided[key])
        for plugin in zoo.plugins
        if (key := (plugin.dist, plugin.name)) not in broken
    ]
    problems = zoo.warnings()[len(zoo.broken) :]
    if as_json:
        reasons = [(b.name, b.dist, b.version, b.reason, b.traceback) for b in zoo.broken]
        listed = [dict(zip(KEYS, row, strict=True)) for row in rows]
        unusable = [dict(zip(BROKEN_KEYS, row, strict=True)) for row in reasons]
        dump({"plugins": listed, "broken": unusable, "problems": problems})
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
        taken = f" ({zoo.seconds[one.dist, one.name] * 1e3:.1f} ms)" if times else ""
        click.echo(f"\n! {one_line(str(one))}{taken}\n{printable(one.traceback).rstrip()}")
    for problem in problems:
        click.echo(f"\n! {one_line(problem)}")
