"""``ganzoo report``: a run as one HTML page that stands alone."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.registry import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Provide the command."""
    yield Command(
        name="report",
        target="ganzoo_report.command:command",
        summary="Write a RUN as one page: curves, metrics, samples, neighbours, configuration.",
        after="neighbours",
    )
