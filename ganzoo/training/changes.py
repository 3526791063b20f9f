"""Changes to a resumed run: hyper-parameters and settings that differ are refused unless they are overridden."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from typing import Any, NamedTuple

import msgspec

from ganzoo.errors import ConfigError, RunError, did_you_mean
from ganzoo.models.config import ModelConfig
from ganzoo.registry.hyperparameters import config_to_dict, make_config
from ganzoo.training.settings import Settings, read_settings, resumable

FREE = resumable("freely")
"""Settings that change when a run ends and what it reports, but not its weights."""
FIXED = resumable("never")
"""Settings that a resumed run cannot change."""


class Change(NamedTuple):
    """One changed value."""

    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before, after = ("none" if value is None else value for value in (self.before, self.after))
        return f"{self.name}={before}, not {after}"


class ResumedConfig(NamedTuple):
    """How a run is resumed."""

    config: Mapping[str, Any]  # all hyper-parameters
    settings: Settings
    changes: tuple[Change, ...]  # those that change the weights


def continue_with(
    written: ModelConfig, kind: type[Any], config: Mapping[str, Any], settings: Mapping[str, Any],
    override: Collection[str], *, text: bool = False,
) -> ResumedConfig:  # fmt: skip
    """Compare requested hyper-parameters and settings with those of a run's ``config.json``.

    Raises:
        RunError: values differ that are not overridden; the text shows all of them.
        ConfigError: there is no such hyper-parameter or setting, or a bad value.
    """
    try:
        old = msgspec.convert(written.training, Settings)
    except msgspec.ValidationError as error:
        raise RunError(f"the run's config.json has no valid settings, so it cannot be resumed: {error}") from error
    known = [f.name for f in fields(Settings) if f.name not in FIXED]
    for name in settings:
        if name not in known:
            raise ConfigError(f"a resumed run takes no '{name}'; it takes: {', '.join(known)}")
    made = config_to_dict(make_config(kind, config, text=text, owner=written.architecture))
    asked = {name: made[name] for name in config}
    changes = [Change(name, written.config.get(name), value) for name, value in asked.items()]
    changes += [Change(name, getattr(old, name), value) for name, value in settings.items() if name not in FREE]
    changes = [change for change in changes if change.before != change.after]
    for name in override:
        if name not in {*config, *settings}:
            raise ConfigError(f"override '{name}' needs a new value for it{did_you_mean(name, [*config, *settings])}")
    if refused := [change for change in changes if change.name not in override]:
        names = " ".join(f"--override {change.name}" for change in refused)
        raise RunError(
            f"the run has {'; '.join(map(str, refused))}: leave that out to resume it unchanged, or add {names} to "
            "continue with other weights from here on"
        )
    return ResumedConfig({**written.config, **asked}, read_settings({**asdict(old), **settings}), tuple(changes))
