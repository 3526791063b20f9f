"""``ganzoo study``: people choose between the images of two models, or of a model and real ones."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.registry import Command, hookimpl


@hookimpl
def ganzoo_commands() -> Iterable[Command]:
    """Provide the command."""
    yield Command(
        name="study",
        target="ganzoo_study.command:command",
        summary="Ask a person which of two pictures looks more real: one of A, one of B.",
        after="report",
    )
