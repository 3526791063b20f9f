"""``ganzoo list``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import msgspec

from ganzoo.cli.options import complete_architecture, dump, first_of, size_text, table, wanted, warn
from ganzoo.errors import one_line
from ganzoo.registry import Zoo, installed
from ganzoo.registry.zoo import Registry

MORE = ("datasets", "losses", "metrics", "extractors", "trackers", "commands")
_SLOW = 1.0  # seconds
COMMANDLINE = click.core.ParameterSource.COMMANDLINE


@click.command("list")
@click.argument("pattern", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Also data sets, losses, metrics, extractors, trackers, commands."
)
@click.option("--hub", is_flag=True, help="List the models that were published on the Hub instead.")
@click.option("--author", help="With --hub: of this user or organisation.")
@click.option("--search", metavar="TEXT", help="With --hub: whose name contains this.")
@click.option("--architecture", shell_complete=complete_architecture, help="With --hub: of this architecture.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="With --hub: at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context, /, pattern: str | None, everything: bool, hub: bool, as_json: bool, **hub_options: Any
) -> None:
    """List the architectures and the pretrained models, or with --all everything that is registered.

    PATTERN keeps the names that contain it, or match it as a shell pattern (dcgan, '*-mnist').
    """
    if hub:
        if everything:
            raise click.UsageError("--all and --hub do not go together")
        from ganzoo.cli.hub_text import list_hub

        list_hub(pattern, as_json=as_json, **hub_options)
        return
    given = [f"--{name}" for name in hub_options if ctx.get_parameter_source(name) is COMMANDLINE]
    if given:
        raise click.UsageError(f"{' and '.join(given)} goes with --hub")
    zoo = installed()
    found = collect(zoo, pattern)
    if everything:
        found |= {kind: _entries(getattr(zoo, kind), pattern) for kind in MORE}
    warn(zoo)
    foreign = {key: taken for key, taken in zoo.seconds.items() if key[0] != "ganzoo"}
    if (total := sum(foreign.values())) > _SLOW:
        (dist, name), most = max(foreign.items(), key=lambda item: item[1])
        slow = f"importing plugins took {total:.1f} s, {dist} ({name}) {most:.1f} s of them"
        click.echo(f"! {one_line(slow)}: `ganzoo plugins --times` lists all", err=True)
    if as_json:
        dump(found)
        return
    tables = list(_tables(zoo, found))
    if not tables:
        click.echo(f"No name matches '{pattern}'; `ganzoo list` shows all." if pattern else "The zoo is empty.")
        return
    click.echo("\n\n".join(tables))


def _tables(zoo: Zoo, found: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Yield a table for each kind that has something in it."""
    for kind, entries in found.items():
        if kind == "models":
            rows = [_model_row(entry) for entry in entries]
            header = ["PRETRAINED MODEL", "ARCHITECTURE", "DATA", "SIZE", "METRICS"]
        else:
            rows = [[entry["name"], f"{entry['package']} {entry['version']}", entry["summary"]] for entry in entries]
            header = [getattr(zoo, kind).kind.upper(), "PACKAGE", "WHAT IT IS"]
        if rows:
            yield table(header, rows)


def _model_row(model: dict[str, Any]) -> list[str]:
    missing = "" if model["installed"] else " (not installed)"
    metrics = [f"{metric['protocol']} {metric['value']:.4g}" for metric in model["metrics"]]
    size = size_text(model["bytes"])
    return [model["name"], f"{model['architecture']}{missing}", model["data"], size, first_of(metrics)]


def collect(zoo: Zoo, pattern: str | None) -> dict[str, list[dict[str, Any]]]:
    """Return what the table and the JSON show."""
    models = [
        {
            "name": name,
            "architecture": (record := owned.record).architecture,
            "installed": record.architecture in zoo.architectures,
            "data": record.data,
            "license": record.license,
            "bytes": record.weights.bytes,
            "repo": record.weights.repo,
            "metrics": msgspec.to_builtins(record.metrics),
        }
        for name, owned in zoo.models.items()
        if wanted(pattern, name)
    ]
    return {"architectures": _entries(zoo.architectures, pattern, "paper"), "models": models}


def _entries(registry: Registry[Any], pattern: str | None, *more: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "package": owned.dist,
            "version": owned.version,
            "summary": owned.record.summary,
            **{field: getattr(owned.record, field) for field in more},
        }
        for name, owned in registry.items()
        if wanted(pattern, name)
    ]
