"""The zoo: from a name to its record, whoever provides it."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from ganzoo.errors import GanzooError, NameClashError, PluginError, UnknownNameError, did_you_mean
from ganzoo.registry.modelfile import builtin_registry, read_models
from ganzoo.registry.plugins import Broken, Plugin, Plugins, discover
from ganzoo.registry.records import (
    API,
    OLDEST_API,
    AdversarialLoss,
    Architecture,
    Command,
    Dataset,
    Extractor,
    Metric,
    Tracker,
    Weights,
    is_name,
    wrong_with,
)

T = TypeVar("T")


class Registered(Struct, Generic[T], frozen=True):
    """A record, the distribution that provides it, and through which of its plugins."""

    record: T
    dist: str
    version: str
    plugin: str


class Registry(Generic[T]):
    """The records of one ``kind`` by name. Two owners of one name are both kept; ``dist:name`` tells them apart."""

    def __init__(self, kind: str, broken: list[Broken]) -> None:
        self.kind = kind
        self._broken = broken
        self._records: dict[str, list[Registered[T]]] = {}
        self._renamed: dict[str, list[tuple[str, Registered[T], str]]] = {}
        self._told: set[str] = set()

    def rename(self, old: str, new: str, owned: Registered[T], until: str) -> None:
        """Keep an earlier name of a record working; a record that is called so now comes first."""
        self._renamed.setdefault(old, []).append((new, owned, until))

    def add(self, name: str, owned: Registered[T]) -> None:
        """Add a record.

        Raises:
            PluginError: its own distribution has put one there under that name, so that nothing could tell them apart.
        """
        owners = self._records.setdefault(name, [])
        if any(o.dist == owned.dist for o in owners):
            raise PluginError(f"{owned.dist} provides the {self.kind} '{name}' twice")
        owners.append(owned)

    def __iter__(self) -> Iterator[Registered[T]]:
        for name in sorted(self._records):
            yield from self._records[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._owners(name) or self._earlier(name))

    def _earlier(self, name: str) -> list[tuple[str, Registered[T], str]]:
        dist, colon, short = name.rpartition(":")
        return [found for found in self._renamed.get(short, []) if not colon or dist == found[1].dist]

    def _owners(self, name: str) -> list[Registered[T]]:
        dist, colon, short = name.rpartition(":")
        return [o for o in self._records.get(short, []) if not colon or dist == o.dist]

    def names(self) -> list[str]:
        """Return the names in order; a name that two distributions share appears as ``dist:name`` for each."""
        return [
            name if len(owners) == 1 else f"{owned.dist}:{name}"
            for name, owners in sorted(self._records.items())
            for owned in owners
        ]

    def __getitem__(self, name: str) -> Registered[T]:
        """Look up ``name`` or ``dist:name``.

        Raises:
            UnknownNameError: nobody provides it; the text suggests the closest name and lists broken plugins.
            NameClashError: two distributions provide it.
        """
        owners = self._owners(name)
        if not owners and (earlier := self._earlier(name)):
            if len(earlier) > 1:
                raise NameClashError(self._clash(name, [owned for _, owned, _ in earlier]))
            new, owned, until = earlier[0]
            if name not in self._told:
                self._told.add(name)
                import logging  # only those who use an old name wait for it

                said = f"the {self.kind} '{name}' is now called '{new}'; the old name works until {owned.dist} {until}"
                logging.getLogger(__name__).warning(said)
            return owned
        if not owners:
            raise unknown(self.kind, name, self.names(), self._broken)
        if len(owners) > 1:
            raise NameClashError(self._clash(name.rpartition(":")[2], owners))
        return owners[0]

    def clashes(self) -> list[str]:
        """Return one line for each name that several distributions provide."""
        return [self._clash(name, owners) for name, owners in sorted(self._records.items()) if len(owners) > 1]

    def _clash(self, name: str, owners: list[Registered[T]]) -> str:
        choices = " or ".join(f"{o.dist}:{name}" for o in owners)
        return f"{len(owners)} packages provide the {self.kind} '{name}': say {choices}"


class Zoo:
    """All that is installed, a registry for each kind.

    Args:
        plugins: the discovered plugins.
        models_file: the registry.yaml of the bundled models, or None.
    """

    def __init__(self, plugins: Plugins, models_file: Path | None = None) -> None:
        self.broken = plugins.broken
        self.plugins = plugins.loaded
        self.problems: list[str] = []
        self._registries: list[Registry[Any]] = []

        def collect(kind: str, hook: str, record: type[T], check: Callable[[T], None] = _check) -> Registry[T]:
            made: Registry[T] = Registry(kind, self.broken)
            self._registries.append(made)
            self._put(plugins, hook, record, made, check)
            return made

        self.architectures = collect("architecture", "ganzoo_architectures", Architecture, _check_architecture)
        for owned in self.architectures:
            for old, until in owned.record.renamed.items():
                self.architectures.rename(old, owned.record.name, owned, until)
        self.datasets = collect("data set", "ganzoo_datasets", Dataset)
        self.losses = collect("loss", "ganzoo_losses", AdversarialLoss)
        self.metrics = collect("metric", "ganzoo_metrics", Metric)
        self.extractors = collect("extractor", "ganzoo_extractors", Extractor)
        self.trackers = collect("tracker", "ganzoo_trackers", Tracker)
        self.commands = collect("command", "ganzoo_commands", Command)
        self.models: Registry[Weights] = Registry("model", self.broken)
        self._registries.append(self.models)
        if models_file is not None:
            self._put_models(models_file, Plugin("registry", "ganzoo", "", None))
        for plugin, paths in plugins.results("ganzoo_models", Path):
            for path in paths:
                self._put_models(path, plugin)

    def _put(
        self, plugins: Plugins, hook: str, kind: type[T], registry: Registry[T], check: Callable[[T], None]
    ) -> None:
        for plugin, records in plugins.results(hook, kind):
            for record in records:
                try:
                    check(record)
                    registry.add(record.name, Registered(record, plugin.dist, plugin.version, plugin.name))
                except GanzooError as error:
                    plugins.add_broken(plugin, str(error), error)

    def _put_models(self, path: Path, plugin: Plugin) -> None:
        try:
            for weights in read_models(path):
                self.models.add(weights.name, Registered(weights, plugin.dist, plugin.version, plugin.name))
        except GanzooError as error:
            self.problems.append(str(error))

    def warnings(self) -> list[str]:
        """Return one line for each thing that is wrong with the installation; empty when all is well."""
        clashes = [line for registry in self.registries() for line in registry.clashes()]
        return [*map(str, self.broken), *self.problems, *clashes]

    def registries(self) -> list[Registry[Any]]:
        """Return all that plugins provide, kind by kind."""
        return self._registries


def _check(record: Any) -> None:
    try:  # a Struct takes whatever it is made with
        msgspec.convert(msgspec.structs.asdict(record), type(record))
    except msgspec.ValidationError as error:
        raise PluginError(f"{type(record).__name__} '{record.name}': {error}") from error
    for name in (record.name, *getattr(record, "renamed", ())):
        if not is_name(name):
            raise PluginError(f"'{name}' is no name: no spaces, and none of : / @ [ ] , #")


def _check_architecture(record: Architecture) -> None:
    _check(record)
    if not OLDEST_API <= record.api <= API:
        newer = "ganzoo" if record.api > API else "the plugin"
        spoken = f"{OLDEST_API} to {API}" if OLDEST_API < API else API
        raise PluginError(
            f"architecture '{record.name}' speaks plugin API {record.api}, this ganzoo speaks {spoken}: upgrade {newer}"
        )
    if why := wrong_with(record.config):
        raise PluginError(f"the config of '{record.name}' {why}")


def import_target(kind: str, owned: Registered[Any]) -> Any:
    """Import what a record's ``target`` names.

    Raises:
        PluginError: it cannot be imported.
    """
    module, _, name = owned.record.target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (GanzooError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a plugin may raise anything, SystemExit too
        raise PluginError(
            f"{kind} '{owned.record.name}' of {owned.dist} {owned.version} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error


@functools.cache
def installed() -> Zoo:
    """Return the zoo of this installation, made once."""
    return Zoo(discover(), builtin_registry())


def summary_of(zoo: Zoo, name: str) -> Any:
    """Return the owned record of a model or an architecture called ``name``, models first.

    Raises:
        UnknownNameError: there is neither.
        NameClashError: two distributions provide it.
    """
    if name in zoo.models:
        return zoo.models[name]
    if name in zoo.architectures:
        return zoo.architectures[name]
    raise unknown("model or architecture", name, [*zoo.models.names(), *zoo.architectures.names()], zoo.broken)


def unknown(kind: str, name: str, known: Iterable[str], broken: Iterable[Broken]) -> UnknownNameError:
    """Return the error for a name that nobody provides: the closest name, who may have had it, how to get more."""
    message = f"No {kind} is called '{name}'.{did_you_mean(name, known)}"
    if culprits := "; ".join(map(str, broken)):
        message += f" Broken plugins that may have had it: {culprits}."
    if chosen := os.environ.get("GANZOO_PLUGINS"):
        message += f" GANZOO_PLUGINS lets in only {chosen}."
    listing = "ganzoo list" if "model" in kind or kind == "architecture" else "ganzoo list --all"
    return UnknownNameError(f"{message} `{listing}` shows what is installed; plugins add more (pip install).")
