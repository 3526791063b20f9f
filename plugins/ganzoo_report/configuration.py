"""The part of a report that says what the model is made of, and how it was trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo_report.facts import Facts, Setting
from ganzoo_report.markup import Markup, element, join
from ganzoo_report.sections import missing, section, table

ALWAYS = ("data", "split", "images", "batch_size", "seed")
"""Settings of a training that are in sight whatever they are."""
_LONG = 10**18

e = element


def configuration(facts: Facts) -> Markup:
    """Return what the model is made of and how it was trained."""
    config, record = facts.config, facts.architecture
    about = f"{config.architecture} of {config.plugin} {config.plugin_version}"
    parts: list[object] = []
    if record is None:
        parts.append(missing("Not installed here:", f"{about}; so no images are generated, and no default is known."))
    else:
        parts.append(e("p", e("strong", about), f": {record.summary}", f" ({record.paper})" if record.paper else ""))
    if facts.sizes:
        rows = [[name, f"{size:,}"] for name, size in facts.sizes.items()]
        parts += [e("h3", "Networks"), table(["Network", "Parameters"], rows)]
    if facts.hyperparameters:
        parts += [e("h3", "Hyper-parameters"), settings_table(facts.hyperparameters)]
    if facts.settings:
        parts += [e("h3", "Training"), settings_table(facts.settings, ALWAYS)]
    if facts.changes:
        changed = [[f"after {one['images']:,} images", *(shown(one.get(key)) for key in ("name", "before", "after"))]
                   for one in facts.changes]  # fmt: skip
        parts += [e("h3", "Changed on the way"), table(["When", "What", "Before", "After"], changed)]
    parts += [e("h3", "Data and versions"), table([], provenance(facts))]
    return section("configuration", "Configuration", *parts, about="What differs from the defaults is marked.")


def settings_table(settings: Sequence[Setting], always: Sequence[str] | None = None) -> Markup:
    """Return settings with their defaults; those that differ are marked.

    Args:
        settings: in their order.
        always: names that are in sight even with their default, where the others are to be unfolded; None for all.
    """

    def rows(wanted: Sequence[Setting]) -> Markup:
        header, cells = ["Name", "Value", "Default", "Meaning"], [
            [s.name, shown(s.value), shown(s.default) if s.changed else "", s.meaning] for s in wanted
        ]  # fmt: skip
        if not any(s.meaning for s in settings):
            header, cells = header[:3], [row[:3] for row in cells]
        return table(header, cells, marked=[s.changed for s in wanted], kind="settings")

    if always is None:
        return rows(settings)
    seen = [s for s in settings if s.changed or s.name in always]
    rest = [s for s in settings if s not in seen]
    folded = e("details", e("summary", f"{len(rest)} more, as they are by default"), rows(rest)) if rest else None
    return join([rows(seen) if seen else None, folded])


def provenance(facts: Facts) -> list[list[object]]:
    """Return where the images and the weights come from, and what they were made with."""
    config, data = facts.config, facts.config.data
    classes = data.get("classes")
    rows: list[list[object]] = [["data", facts.data]]
    if data.get("split"):
        rows.append(["split", shown(data["split"])])
    if data.get("images"):
        rows.append(["images of the data", shown(data["images"])])
    if isinstance(classes, list) and classes:
        more = f" and {len(classes) - 30} more" if len(classes) > 30 else ""
        rows.append([f"{len(classes)} classes", ", ".join(map(str, classes[:30])) + more])
    if config.trained and config.trained.command:
        rows.append(["command", e("code", config.trained.command)])
    if config.license:
        rows.append(["licence of the weights", config.license])
    if config.weights:
        rows.append(["sha256 of the weights", e("code", config.weights.sha256)])
    rows.append(["ganzoo", config.ganzoo])
    rows += [[name, version] for name, version in config.versions.items()]
    return rows


def shown(value: Any) -> str:
    """Return a value of ``config.json`` as a person writes it."""
    if isinstance(value, list | tuple) and not any(isinstance(one, list | tuple | Mapping) for one in value):
        return ", ".join(map(shown, value))
    if isinstance(value, list | tuple | Mapping) or value is None or isinstance(value, bool):
        try:
            plain = json.dumps(value)
        except RecursionError:
            return "lists in lists in lists"
        return "none" if value is None else plain
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < _LONG):
        return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
    return str(value) if isinstance(value, str) else "a number of very many digits"
