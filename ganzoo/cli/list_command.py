"""``ganzoo list``."""

from __future__ import annotations

from typing import Any

import click

from ganzoo.cli.common import complete_architecture, dump, size_text, table, wanted, warn
from ganzoo.registry import Zoo, installed

COMMANDLINE = click.core.ParameterSource.COMMANDLINE


@click.command("list")
@click.argument("pattern", required=False)
@click.option("--hub", is_flag=True, help="List the models that were published on the Hub instead.")
@click.option("--author", help="With --hub: of this user or organisation.")
@click.option("--search", metavar="TEXT", help="With --hub: whose name contains this.")
@click.option("--architecture", shell_complete=complete_architecture, help="With --hub: of this architecture.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="With --hub: at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, /, pattern: str | None, hub: bool, as_json: bool, **hub_options: Any) -> None:
    """List the architectures and the pretrained models.

    PATTERN keeps the names that contain it, or match it as a shell pattern (dcgan, '*-mnist').
    """
    if hub:
        from ganzoo.cli.hub_text import list_hub

        list_hub(pattern, as_json=as_json, **hub_options)
        return
    given = [f"--{name}" for name in hub_options if ctx.get_parameter_source(name) is COMMANDLINE]
    if given:
        raise click.UsageError(f"{' and '.join(given)} goes with --hub")
    zoo = installed()
    found = collect(zoo, pattern)
    warn(zoo)
    if as_json:
        dump(found)
        return
    architectures, models = found["architectures"], found["models"]
    if not architectures and not models:
        click.echo(f"Nothing is called '{pattern}'; `ganzoo list` shows all." if pattern else "The zoo is empty.")
        return
    if architectures:
        rows = [[a["name"], f"{a['package']} {a['version']}", a["summary"]] for a in architectures]
        click.echo(table(["ARCHITECTURE", "PACKAGE", "WHAT IT IS"], rows))
    if architectures and models:
        click.echo()
    if models:
        rows = [[m["name"], _architecture(m), m["data"], size_text(m["bytes"]), _metrics(m)] for m in models]
        click.echo(table(["PRETRAINED MODEL", "ARCHITECTURE", "DATA", "SIZE", "METRICS"], rows))


def _architecture(model: dict[str, Any]) -> str:
    """Return a model's architecture, and whether it is missing."""
    return f"{model['architecture']}{'' if model['installed'] else ' (not installed)'}"


def _metrics(model: dict[str, Any]) -> str:
    return ", ".join(f"{metric['name']} {metric['value']:g}" for metric in model["metrics"])


def collect(zoo: Zoo, pattern: str | None) -> dict[str, list[dict[str, Any]]]:
    """Return what the table and the JSON show."""
    architectures = [
        {
            "name": name,
            "package": owned.dist,
            "version": owned.version,
            "summary": owned.record.summary,
            "paper": owned.record.paper,
        }
        for name, owned in zip(zoo.architectures.names(), zoo.architectures, strict=True)
        if wanted(pattern, name)
    ]
    models = [
        {
            "name": name,
            "architecture": owned.record.architecture,
            "installed": owned.record.architecture in zoo.architectures,
            "data": owned.record.data,
            "license": owned.record.license,
            "bytes": owned.record.weights.bytes,
            "repo": owned.record.weights.repo,
            "metrics": [{"name": m.name, "value": m.value, "protocol": m.protocol} for m in owned.record.metrics],
        }
        for name, owned in zip(zoo.models.names(), zoo.models, strict=True)
        if wanted(pattern, name)
    ]
    return {"architectures": architectures, "models": models}
