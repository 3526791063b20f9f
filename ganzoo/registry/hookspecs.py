"""The hooks that a plugin may implement: functions marked with `hookimpl` in the entry point's module."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from ganzoo.registry.records import (
        AdversarialLoss,
        Architecture,
        Command,
        Dataset,
        Extractor,
        MediumRecord,
        Metric,
        Tracker,
    )

GROUP = "ganzoo"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def ganzoo_architectures() -> Iterable[Architecture]:
    """Return the architectures that the plugin provides."""


@hookspec
def ganzoo_models() -> Iterable[Path]:
    """Return registry files in the format of registry.yaml; weight files are relative to the file's folder."""


@hookspec
def ganzoo_datasets() -> Iterable[Dataset]:
    """Return data sets, so that ``--data NAME`` finds them."""


@hookspec
def ganzoo_media() -> Iterable[MediumRecord]:
    """Return kinds of samples beside images: how they are read, stored, written and shown."""
    raise NotImplementedError


@hookspec
def ganzoo_losses() -> Iterable[AdversarialLoss]:
    """Return adversarial losses that architectures can be trained with by name: ``-o loss=NAME``."""


@hookspec
def ganzoo_metrics() -> Iterable[Metric]:
    """Return metrics of generated images: ``ganzoo eval MODEL -m 'NAME[EXTRACTOR]@10k/test'``."""


@hookspec
def ganzoo_extractors() -> Iterable[Extractor]:
    """Return the feature spaces that metrics can be computed in."""


@hookspec
def ganzoo_trackers() -> Iterable[Tracker]:
    """Return experiment trackers that a training can log to: ``ganzoo train --tracker NAME``."""


@hookspec
def ganzoo_commands() -> Iterable[Command]:
    """Return commands for the command line: ``ganzoo NAME``."""
