"""The zoo: everything that the installed plugins and registry files provide, found by name."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from ganzoo.errors import GanzooError, NameClashError, PluginError, UnknownNameError, did_you_mean, one_line
from ganzoo.registry.guard import guard_of, watchdog
from ganzoo.registry.modelfile import builtin_registry, read_models
from ganzoo.registry.plugins import Broken, Plugin, Plugins, discover, reason
from ganzoo.registry.records import (
    API,
    OLDEST_API,
    AdversarialLoss,
    Architecture,
    Command,
    Dataset,
    Extractor,
    MediumRecord,
    Metric,
    Tracker,
    Weights,
    is_name,
    wrong_with,
)

T = TypeVar("T")


class Registered(Struct, Generic[T], frozen=True):
    """A record, and the distribution and plugin that provide it."""

    record: T
    dist: str
    version: str
    plugin: str


class Registry(Generic[T]):
    """The records of one ``kind`` by name; where several distributions provide a name, ``dist:name`` selects one."""

    def __init__(self, kind: str, broken: list[Broken]) -> None:
        self.kind = kind
        self._broken = broken
        self._records: dict[str, list[Registered[T]]] = {}
        self._renamed: dict[str, list[Registered[T]]] = {}
        self._warned: set[str] = set()

    def add(self, entry: Registered[T]) -> None:
        """Add a record under its name and, where it has been renamed, under its earlier names."""
        record: Any = entry.record
        entries = self._records.setdefault(record.name, [])
        if any(other.dist == entry.dist for other in entries):
            raise PluginError(f"{entry.dist} provides the {self.kind} '{record.name}' twice")
        entries.append(entry)
        for old in getattr(record, "renamed", ()):
            self._renamed.setdefault(old, []).append(entry)

    def items(self) -> Iterator[tuple[str, Registered[T]]]:
        """Yield names and entries in order; a name that two distributions provide is ``dist:name`` for each."""
        for name, entries in sorted(self._records.items()):
            for entry in entries:
                yield name if len(entries) == 1 else f"{entry.dist}:{name}", entry

    def __iter__(self) -> Iterator[Registered[T]]:
        return (entry for _, entry in self.items())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._find(name))

    def _find(self, name: str) -> list[Registered[T]]:
        """Return the entries with this name; if there are none, those that had it before they were renamed."""
        dist, colon, short = name.rpartition(":")
        for by_name in (self._records, self._renamed):
            if found := [entry for entry in by_name.get(short, ()) if not colon or entry.dist == dist]:
                return found
        return []

    def names(self) -> list[str]:
        """Return the names of `items`."""
        return [name for name, _ in self.items()]

    def __getitem__(self, name: str) -> Registered[T]:
        """Look up ``name`` or ``dist:name``.

        Raises:
            UnknownNameError: no plugin provides it; the text suggests the closest name and lists broken plugins.
            NameClashError: several distributions provide it.
        """
        found, short = self._find(name), name.rpartition(":")[2]
        if not found:
            raise unknown(self.kind, name, self.names(), self._broken)
        if len(found) > 1:
            raise NameClashError(self._clash(short, found))
        record: Any = found[0].record
        if short != record.name and name not in self._warned:
            self._warned.add(name)
            import logging  # imported only where an old name is used

            until = f"{found[0].dist} {record.renamed[short]}"
            message = f"the {self.kind} '{name}' is now called '{record.name}'; the old name works until {until}"
            logging.getLogger(__name__).warning(one_line(message))
        return found[0]

    def clashes(self) -> list[str]:
        """Return one line for each name that several distributions provide."""
        return [self._clash(name, entries) for name, entries in sorted(self._records.items()) if len(entries) > 1]

    def _clash(self, name: str, entries: list[Registered[T]]) -> str:
        choices = " or ".join(f"{entry.dist}:{name}" for entry in entries)
        return f"{len(entries)} packages provide the {self.kind} '{name}': use {choices}"


class Zoo:
    """Everything that is installed: one `Registry` per kind of record; ``models_file`` lists the bundled models."""

    def __init__(self, plugins: Plugins, models_file: Path | None = None) -> None:
        self._discovered = plugins
        self.broken = plugins.broken
        self.plugins = plugins.loaded
        self.seconds = plugins.seconds
        self.problems: list[str] = []
        self.architectures = self._collect("architecture", "ganzoo_architectures", Architecture)
        self.datasets = self._collect("data set", "ganzoo_datasets", Dataset)
        self.media = self._collect("medium", "ganzoo_media", MediumRecord)
        self.losses = self._collect("loss", "ganzoo_losses", AdversarialLoss)
        self.metrics = self._collect("metric", "ganzoo_metrics", Metric)
        self.extractors = self._collect("extractor", "ganzoo_extractors", Extractor)
        self.trackers = self._collect("tracker", "ganzoo_trackers", Tracker)
        self.commands = self._collect("command", "ganzoo_commands", Command)
        self.models: Registry[Weights] = Registry("model", self.broken)
        if models_file is not None:
            self._add_models(models_file, Plugin("registry", "ganzoo", ""))
        for plugin, paths in plugins.results("ganzoo_models", Path):
            for path in paths:
                self._add_models(path, plugin)

    def _collect(self, kind: str, hook: str, record_type: type[T]) -> Registry[T]:
        registry: Registry[T] = Registry(kind, self.broken)
        for plugin, records in self._discovered.results(hook, record_type):
            for record in records:
                with self._discovered.errors_recorded(plugin):
                    _check(record)
                    registry.add(Registered(record, plugin.dist, plugin.version, plugin.name))
        return registry

    def _add_models(self, path: Path, plugin: Plugin) -> None:
        try:
            for weights in read_models(path):
                self.models.add(Registered(weights, plugin.dist, plugin.version, plugin.name))
        except GanzooError as error:
            self.problems.append(str(error))

    def warnings(self) -> list[str]:
        """Return one line for each problem of the installation: broken plugins and model files, name clashes."""
        clashes = [line for registry in self.registries() for line in registry.clashes()]
        return [*map(str, self.broken), *self.problems, *clashes]

    def registries(self) -> list[Registry[Any]]:
        """Return the registries of all kinds."""
        return [value for value in vars(self).values() if isinstance(value, Registry)]


def _check(record: Any) -> None:
    try:  # msgspec checks no types when a Struct is made
        msgspec.convert(msgspec.structs.asdict(record), type(record))
    except msgspec.ValidationError as error:
        raise PluginError(f"{type(record).__name__} '{record.name}': {error}") from error
    for name in (record.name, *getattr(record, "renamed", ())):
        if not is_name(name):
            raise PluginError(f"'{name}' is not a valid name: no spaces, and none of : / @ [ ] , #")
    if not isinstance(record, Architecture):
        return
    if not OLDEST_API <= record.api <= API:
        newer = "ganzoo" if record.api > API else "the plugin"
        supported = f"{OLDEST_API} to {API}" if OLDEST_API < API else API
        raise PluginError(
            f"architecture '{record.name}' uses plugin API {record.api}, this ganzoo supports {supported}: "
            f"upgrade {newer}"
        )
    if why := wrong_with(record.config):
        raise PluginError(f"the config of '{record.name}' {why}")


def import_target(kind: str, entry: Registered[Any]) -> Any:
    """Import the object that a record's ``target`` names."""
    module, _, name = entry.record.target.partition(":")
    try:
        with guard_of(entry.dist):
            return getattr(importlib.import_module(module), name)
    except (GanzooError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a plugin may raise anything, SystemExit too
        raise PluginError(
            f"{kind} '{entry.record.name}' of {entry.dist} {entry.version} cannot be imported: {reason(error)}"
        ) from error


@functools.cache
def installed() -> Zoo:
    """Return the zoo of this installation; it is made once per process."""
    with watchdog():
        return Zoo(discover(), builtin_registry())


def list_architectures(pattern: str = "*") -> list[str]:
    """Return the names of the installed architectures that match a shell pattern, in order."""
    return [name for name in installed().architectures.names() if fnmatch(name, pattern)]


def list_models(pattern: str = "*") -> list[str]:
    """Return the names of the pretrained models that match a shell pattern, in order."""
    return [name for name in installed().models.names() if fnmatch(name, pattern)]


def summary_of(zoo: Zoo, name: str) -> Registered[Any]:
    """Return the model called ``name`` or, if there is none, the architecture."""
    for registry in (zoo.models, zoo.architectures):
        if name in registry:
            return registry[name]
    raise unknown("model or architecture", name, [*zoo.models.names(), *zoo.architectures.names()], zoo.broken)


def unknown(kind: str, name: str, known: Iterable[str], broken: Iterable[Broken]) -> UnknownNameError:
    """Return the error for an unknown name: the closest known name, broken plugins, and how to get more."""
    message = f"No {kind} is called '{name}'.{did_you_mean(name, known)}"
    if culprits := "; ".join(map(str, broken)):
        message += f" Broken plugins that may have had it: {culprits}."
    if selected := os.environ.get("GANZOO_PLUGINS"):
        message += f" GANZOO_PLUGINS selects only {selected}."
    listing = "ganzoo list" if "model" in kind or kind == "architecture" else "ganzoo list --all"
    return UnknownNameError(f"{message} `{listing}` shows what is installed; plugins add more (pip install).")
