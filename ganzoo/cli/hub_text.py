"""``ganzoo list --hub``."""

from __future__ import annotations

from typing import Any

import click

from ganzoo.cli.options import dump, first_of, table, wanted
from ganzoo.errors import printable
from ganzoo.registry import installed


def list_hub(
    pattern: str | None, *, author: str | None, search: str | None, architecture: str | None, limit: int, as_json: bool
) -> None:
    """Print the published models that match."""
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
    rows = []
    for one in found:
        missing = "" if one["architecture"] in known else " (not installed)"
        metrics = [f"{m['protocol'] or m['name']} {_short(m['value'])}" for m in one["metrics"]]
        name = f"hf:{one['name']}{' (private)' if one['private'] else ''}"
        rows.append([name, f"{one['architecture']}{missing}", one["data"], one["updated"], first_of(metrics)])
    click.echo(printable(table(["MODEL ON THE HUB", "ARCHITECTURE", "DATA", "UPDATED", "METRICS"], rows)))


def _entry(listed: Any) -> dict[str, Any]:
    """Return what is shown of a search's result; its card is untrusted and may hold anything."""
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
