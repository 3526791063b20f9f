"""What the command line shows of the Hub: ``ganzoo list --hub`` and ``ganzoo show hf:owner/name``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
import msgspec

from ganzoo.cli.model_rows import card, model_rows
from ganzoo.cli.options import dump, printable, size_text, table, wanted
from ganzoo.registry import installed


def list_hub(
    pattern: str | None, *, author: str | None, search: str | None, architecture: str | None, limit: int, as_json: bool
) -> None:
    """Print the published models that fit."""
    from ganzoo.hub.search import search as ask

    tags = (architecture,) if architecture else ()
    found = [_entry(one) for one in ask(author=author, text=search, tags=tags, limit=limit)]
    found = [one for one in found if wanted(pattern, one["name"]) and architecture in (None, one["architecture"])]
    if as_json:
        dump(found)
        return
    if not found:
        click.echo(
            "The Hub has no such model." if any((pattern, author, search, architecture)) else "The Hub has none yet."
        )
        return
    known = installed().architectures
    rows = [
        [
            f"hf:{one['name']}{' (private)' if one['private'] else ''}",
            one["architecture"] + ("" if one["architecture"] in known else " (not installed)"),
            one["data"],
            one["updated"],
            "".join(f"{m['protocol'] or m['name']} {_short(m['value'])}" for m in one["metrics"][:1])
            + (f"  and {len(one['metrics']) - 1} more" if len(one["metrics"]) > 1 else ""),
        ]
        for one in found
    ]
    click.echo(printable(table(["MODEL ON THE HUB", "ARCHITECTURE", "DATA", "UPDATED", "METRICS"], rows)))


def _entry(listed: Any) -> dict[str, Any]:
    """Return what is shown of a search's result; its card is anybody's, so that nothing in it is taken for granted."""
    card = listed.card
    own = card.get("ganzoo")
    return {
        "name": listed.repo,
        "architecture": str(own.get("architecture", "?")) if isinstance(own, dict) else "?",
        "data": str(own["data"]) if isinstance(own, dict) and "data" in own else "?",
        "updated": listed.updated,
        "private": listed.private,
        "metrics": list(_metrics(card.get("model-index"))),
    }


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _metrics(index: Any) -> Any:
    try:
        for result in index[0]["results"]:
            for metric in result["metrics"]:
                args = metric.get("args") or {}
                yield {"name": metric["type"], "value": metric["value"], "protocol": args.get("protocol", "")}
    except (LookupError, TypeError, AttributeError):
        return


def show_hub(name: str, *, as_json: bool) -> None:
    """Print a published model's card and metrics; its weights stay where they are."""
    from ganzoo.errors import HubError, WeightsError
    from ganzoo.hub.address import parse
    from ganzoo.hub.client import explained
    from ganzoo.hub.fetch import fetch_optional
    from ganzoo.hub.search import describe
    from ganzoo.models.config import CONFIG, read_config
    from ganzoo.publishing.cardtext import own_words

    written = fetch_optional(parse(name), CONFIG)
    if written is None:
        raise WeightsError(f"{parse(name)} is no model of ganzoo's: it has no {CONFIG}")
    config = read_config(written.path.parent)
    address = written.address
    readme = fetch_optional(address, "README.md")
    words = own_words(readme.path.read_text(encoding="utf-8", errors="replace")) if readme else ""
    try:
        with explained(address):
            sizes = describe(address).sizes
    except HubError:  # what is in the cache serves without the Hub
        sizes = {}
    if as_json:
        dump({"address": str(address), **msgspec.to_builtins(asdict(config)), "files": sizes, "card": words})
        return
    zoo = installed()
    rows = model_rows(zoo, config, f"Hub {address.repo} at {address.revision}")
    if sizes:
        rows += [["files", ", ".join(f"{file} {size_text(size)}" for file, size in sizes.items() if file[0] != ".")]]
    page = card(zoo, config, str(parse(name)), rows)
    click.echo(printable(f"{page}\n\n{words}" if words else page))
