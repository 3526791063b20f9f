"""``ganzoo show``."""

from __future__ import annotations

import os
from typing import Any

import click

from ganzoo.cli.options import complete_any, dump, table, warn
from ganzoo.errors import UnknownNameError, printable
from ganzoo.registry import Architecture, Weights, Zoo, installed
from ganzoo.registry.hyperparameters import parameters
from ganzoo.registry.zoo import Registered, summary_of


@click.command("show")
@click.argument("name", shell_complete=complete_any)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str, as_json: bool) -> None:
    """Show an architecture's hyper-parameters, or a pretrained model's card.

    NAME may be the folder of a run or a model too, or a model of the Hub, hf:owner/name or hf:owner/name@revision; its
    weights are not fetched.
    """
    zoo = installed()
    on_hub = name.startswith("hf:")
    known = not on_hub and (name in zoo.models or name in zoo.architectures)
    if on_hub or (not known and os.path.isdir(name)):  # noqa: PTH112 - False for a name that no file system can hold
        from ganzoo.cli import model_rows  # the page of an architecture does without

        if on_hub:
            model_rows.show_hub(name, as_json=as_json)
            return
        warn(zoo)
        model_rows.show_folder(zoo, name, as_json=as_json)
        return
    try:
        owned = summary_of(zoo, name)
    except UnknownNameError as error:
        raise UnknownNameError(f"{error} The folder of a run or a model may be named as well.") from error
    warn(zoo)
    if isinstance(owned.record, Weights):
        from ganzoo.cli.model_rows import show_entry

        show_entry(zoo, owned.record, as_json=as_json)
    elif as_json:
        dump(architecture_json(owned))
    else:
        click.echo(printable(architecture_text(zoo, owned)))


def architecture_json(owned: Registered[Architecture]) -> dict[str, Any]:
    """Return what ``--json`` prints of an architecture."""
    record = owned.record
    return {
        "name": record.name,
        "package": owned.dist,
        "version": owned.version,
        "summary": record.summary,
        "paper": record.paper,
        "target": record.target,
        "translates": record.translates,
        "parameters": [p._asdict() for p in parameters(record.config)],
    }


def architecture_text(zoo: Zoo, owned: Registered[Architecture]) -> str:
    """Return the page of an architecture."""
    record = owned.record
    lines = [f"{record.name}: {record.summary}", f"package  {owned.dist} {owned.version}"]
    if record.paper:
        lines.append(f"paper    {record.paper}")
    models = [m.record.name for m in zoo.models if m.record.architecture == record.name]
    if models:
        lines.append(f"models   {', '.join(models)}")
    rows = [[p.name, _default(p.default), p.type, p.meaning] for p in parameters(record.config)]
    return "\n".join([*lines, "", table(["HYPER-PARAMETER", "DEFAULT", "TYPE", "MEANING"], rows)])


def _default(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
