"""Changes to a resumed run: hyper-parameters, settings and samples that differ are refused unless overridden."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ganzoo.data import PairSource, Source, open_data
from ganzoo.errors import ConfigError, DataError, RunError, command_line, did_you_mean
from ganzoo.gan import GAN
from ganzoo.models.config import ModelConfig
from ganzoo.registry import Zoo
from ganzoo.registry.hyperparameters import config_to_dict, make_config
from ganzoo.training.settings import Settings, read_settings, resumable

FREE = resumable("freely")
"""Settings that change when a run ends and what it reports, but not its weights."""
FIXED = resumable("never")
"""Settings that a resumed run cannot change."""
DATA = resumable("samples")
"""Settings that a resumed run may change where its samples stay the same."""


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
    changes += [Change(name, getattr(old, name), value) for name, value in settings.items() if name not in FREE + DATA]
    changes = [change for change in changes if change.before != change.after]
    for name in override:
        if name not in {*config, *settings, "data"}:  # the files of the data may have changed where they are
            raise ConfigError(f"override '{name}' needs a new value for it{did_you_mean(name, [*config, *settings])}")
    if refused := [change for change in changes if change.name not in override]:
        names = " ".join(f"--override {change.name}" for change in refused)
        raise RunError(
            f"the run has {'; '.join(map(str, refused))}: leave that out to resume it unchanged, or add {names} to "
            "continue with other weights from here on"
        )
    return ResumedConfig({**written.config, **asked}, read_settings({**asdict(old), **settings}), tuple(changes))


def open_again(
    out: Path, written: ModelConfig, settings: Settings, *, moved: bool, override: bool, zoo: Zoo
) -> Source | PairSource:
    """Open the data of a run that is resumed.

    Args:
        out: the run's folder.
        written: its ``config.json``.
        settings: with the data that it is resumed with.
        moved: the data was named anew.
        override: the samples may differ.
        zoo: where short names are looked up.

    Raises:
        DataError: it cannot be opened.
        RunError: the samples differ from those that the run was trained on.
    """
    other = "--data DATA --override data to continue on other data"
    try:
        source = open_data(settings.data, split=settings.split, zoo=zoo)
    except DataError as error:
        if moved:
            raise
        text = str(error).rstrip(".")
        raise DataError(f"{text}: put it back, add --data NEWPLACE if it has moved, or {other}") from error
    if override or source.key == written.data.get("key"):
        return source
    trained = written.training.get("data")
    if moved and source.location != trained:
        raise RunError(
            f"the samples of {source.location} are not those of {trained}, which {out} was trained on: name the place "
            "that these have moved to, or add --override data to continue on the new ones"
        )
    raise RunError(
        f"the samples of {source.location} are not those that {out} was trained on: put them back, add --data NEWPLACE "
        f"if they have moved, --override data to continue on what is there now, or {other}"
    )


def change_of_data(out: Path, written: ModelConfig, source: Source | PairSource, gan: GAN) -> Change | None:
    """Return the change of the data where its samples differ from those that a run was trained on.

    Raises:
        DataError: the GAN learns classes, and the number of them differs.
    """
    if source.key == written.data.get("key"):
        return None
    before, after = (len(classes or ()) for classes in (written.data.get("classes"), source.classes))
    if "label" in gan.needs and before != after:
        new = command_line("train", "--from", out, "--data", source.name)
        raise DataError(
            f"{source.name} has {after} classes, and {out} was trained on {before}: resume it on data with as many, or "
            f"fine-tune its model with `{new}`"
        )
    return Change("data", written.training.get("data"), source.location)


def describe_data(written: ModelConfig, source: Source | PairSource) -> str | None:
    """Say in one line how the data of a resumed run has changed, if it has."""
    before, count = written.training.get("data"), written.data.get("images")
    if source.key == written.data.get("key"):
        return None if source.location == before else f"the data has moved from {before} to {source.location}"
    old, new = (tuple(classes or ()) for classes in (written.data.get("classes"), source.classes))
    classes = f"; the classes are now {_listed(new)}, not {_listed(old)}" if old != new else ""
    return f"continuing on other data: {source.count:,} samples of {source.location}, not {count} of {before}{classes}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more or "none"
