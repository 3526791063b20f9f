"""``ganzoo list``."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import click

from ganzoo.cli.common import dump, size_text, table, warn
from ganzoo.registry import Zoo, installed


@click.command("list")
@click.argument("pattern", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(pattern: str | None, as_json: bool) -> None:
    """List the architectures and the pretrained models.

    PATTERN keeps the names that contain it, or match it as a shell pattern (dcgan, '*-mnist').
    """
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
    return f"{model['architecture']}{'' if model['installed'] else ' (not installed)'}"


def _metrics(model: dict[str, Any]) -> str:
    return ", ".join(f"{metric['name']} {metric['value']:g}" for metric in model["metrics"])


def collect(zoo: Zoo, pattern: str | None) -> dict[str, list[dict[str, Any]]]:
    """Return what the table and the JSON show."""

    def wanted(name: str) -> bool:
        return pattern is None or pattern in name or fnmatch(name, pattern)

    architectures = [
        {
            "name": name,
            "package": owned.dist,
            "version": owned.version,
            "summary": owned.record.summary,
            "paper": owned.record.paper,
        }
        for name, owned in zip(zoo.architectures.names(), zoo.architectures, strict=True)
        if wanted(name)
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
        if wanted(name)
    ]
    return {"architectures": architectures, "models": models}
