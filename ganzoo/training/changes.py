"""What somebody wants to be otherwise in a run that goes on: refused, unless it is named as an override."""

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
"""Settings that change when a run ends and what it reports, and none of its bits."""
FIXED = resumable("never")
"""Settings with which it would be another run."""


class Change(NamedTuple):
    """One value that is otherwise from here on."""

    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before, after = ("none" if value is None else value for value in (self.before, self.after))
        return f"{self.name}={before}, not {after}"


class Continued(NamedTuple):
    """How a run goes on.

    Args:
        config: all hyper-parameters.
        settings: of the engine.
        changes: what is otherwise from here on, of what counts.
    """

    config: Mapping[str, Any]
    settings: Settings
    changes: tuple[Change, ...]


def continue_with(
    written: ModelConfig, kind: type[Any], config: Mapping[str, Any], settings: Mapping[str, Any],
    override: Collection[str], *, text: bool = False,
) -> Continued:  # fmt: skip
    """Compare what is asked for with what a run was begun with.

    Args:
        written: what the run's ``config.json`` says.
        kind: the architecture's config class.
        config: hyper-parameters that are asked for.
        settings: of the engine that are asked for.
        override: names of those that may differ.
        text: the hyper-parameters are words of a command line.

    Raises:
        RunError: something differs that is not to be overridden; the text shows all that does.
        ConfigError: there is no such hyper-parameter or setting, or a bad value.
    """
    try:
        old = msgspec.convert(written.training, Settings)
    except msgspec.ValidationError as error:
        raise RunError(f"the run's config.json has no settings to go on with: {error}") from error
    known = [f.name for f in fields(Settings) if f.name not in FIXED]
    for name in settings:
        if name not in known:
            raise ConfigError(f"a run that goes on takes no '{name}'; it takes: {', '.join(known)}")
    made = config_to_dict(make_config(kind, config, text=text, owner=written.architecture))
    asked = {name: made[name] for name in config}
    changes = [Change(name, written.config.get(name), value) for name, value in asked.items()]
    changes += [Change(name, getattr(old, name), value) for name, value in settings.items() if name not in FREE]
    changes = [change for change in changes if change.before != change.after]
    for name in override:
        if name not in {*config, *settings}:
            raise ConfigError(
                f"to override '{name}' says nothing without its new value{did_you_mean(name, [*config, *settings])}"
            )
    if refused := [change for change in changes if change.name not in override]:
        names = " ".join(f"--override {change.name}" for change in refused)
        raise RunError(
            f"the run has {'; '.join(map(str, refused))}: leave that out to go on as it began, or say {names}, and it "
            "is another run from here on"
        )
    return Continued({**written.config, **asked}, read_settings({**asdict(old), **settings}), tuple(changes))
