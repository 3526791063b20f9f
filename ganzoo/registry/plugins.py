"""Discovery: each entry point of group ``ganzoo`` is loaded on its own; one that fails leaves the others usable."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import Any, NamedTuple

import pluggy

from ganzoo.errors import PluginError, did_you_mean
from ganzoo.registry import hookspecs
from ganzoo.registry.hookspecs import GROUP


class Plugin(NamedTuple):
    """A plugin: its entry point's name, its distribution, the imported module, the seconds that the import took."""

    name: str
    dist: str
    version: str
    module: Any = None
    seconds: float = 0.0


class Found(NamedTuple):
    """An entry point that is installed but not loaded yet."""

    entry_point: metadata.EntryPoint
    dist: str
    version: str


class Broken(NamedTuple):
    """A plugin that cannot be used, with the reason in one line."""

    name: str
    dist: str
    version: str
    reason: str
    error: BaseException

    @property
    def traceback(self) -> str:
        """The traceback of the error, for the plugin's author."""
        import traceback

        return "".join(traceback.format_exception(self.error))

    def __str__(self) -> str:
        return f"{self.dist} {self.version} ({self.name}): {self.reason}"


class Plugins:
    """The loaded plugins, the broken ones, and the results of the hooks."""

    def __init__(self, found: Iterable[Found]) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self.loaded: list[Plugin] = []
        self.broken: list[Broken] = []
        for one in found:
            plugin = Plugin(one.entry_point.name, one.dist, one.version)
            with self._errors_recorded(plugin):
                start = time.perf_counter()
                module = one.entry_point.load()
                plugin = plugin._replace(module=module, seconds=time.perf_counter() - start)
                self._register(plugin)
                self.loaded.append(plugin)

    def _register(self, plugin: Plugin) -> None:
        """Register one plugin, whole or not at all; a hook that is unknown or unmarked is an error."""
        known = [name for name in vars(hookspecs) if name.startswith(f"{GROUP}_")]
        for name in vars(plugin.module):
            if not name.startswith(f"{GROUP}_"):
                continue
            marked = self._manager.parse_hookimpl_opts(plugin.module, name) is not None
            if marked and name not in known:
                raise PluginError(f"{name} is not a hook of ganzoo.{did_you_mean(name, known)}")
            if not marked and name in known:
                raise PluginError(f"{name} is not marked with @hookimpl")
        key = f"{plugin.dist}:{plugin.name}"
        if twin := self._manager.get_name(plugin.module):
            raise PluginError(f"{plugin.module.__name__} is already the plugin {twin}")
        if self._manager.has_plugin(key):
            raise PluginError(f"{plugin.dist} has two entry points called '{plugin.name}'")
        try:
            self._manager.register(plugin.module, key)
        except BaseException:
            self._manager.unregister(name=key)
            raise

    @contextlib.contextmanager
    def _errors_recorded(self, plugin: Plugin) -> Iterator[None]:
        """Run a plugin's code; whatever it raises, `SystemExit` too, makes it a broken plugin."""
        try:
            # A plugin that prints while it is imported must not spoil `ganzoo list --json`.
            with contextlib.redirect_stdout(sys.stderr):
                yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - recorded, or raised as a PluginError
            text = " ".join(str(error).split())
            self.add_broken(plugin, f"{type(error).__name__}: {text}" if text else type(error).__name__, error)

    def add_broken(self, plugin: Plugin, reason: str, error: BaseException) -> None:
        """Record that a plugin cannot be used."""
        broken = Broken(plugin.name, plugin.dist, plugin.version, reason, error)
        if os.environ.get("GANZOO_STRICT", "") not in ("", "0"):
            raise PluginError(str(broken)) from error
        self.broken.append(broken)

    def results(self, hook: str, kind: type[Any]) -> Iterator[tuple[Plugin, list[Any]]]:
        """Yield each plugin that implements ``hook`` with the list of ``kind`` that it returned.

        A plugin whose hook raises or returns something else moves to `broken`.
        """
        implementations = {id(impl.plugin): impl for impl in getattr(self._manager.hook, hook).get_hookimpls()}
        for plugin in list(self.loaded):
            # Called one by one: pluggy's own call of a hook ends with the first plugin that raises.
            implementation = implementations.get(id(plugin.module))
            if implementation is None:
                continue
            records = None
            with self._errors_recorded(plugin):
                records = _records(hook, implementation.function(), kind)
            if records is None:
                self.loaded.remove(plugin)
            else:
                yield plugin, records


def _records(hook: str, returned: Iterable[Any], kind: type[Any]) -> list[Any]:
    records = list(returned)
    for record in records:
        if not isinstance(record, kind):
            raise PluginError(f"{hook} must return {kind.__name__} records, not {type(record).__name__}")
    return records


def discover() -> Plugins:
    """Load the installed plugins, in the order of their names; ``GANZOO_PLUGINS=a,b`` loads only those.

    A selected name is an entry point's name or a distribution's.
    """
    found = find()
    chosen = os.environ.get("GANZOO_PLUGINS")
    if chosen is not None:
        wanted = {name.strip() for name in chosen.split(",") if name.strip()}
        names = {name for one in found for name in (one.entry_point.name, one.dist)}
        for name in sorted(wanted - names):
            raise PluginError(f"GANZOO_PLUGINS names '{name}', which is not installed.{did_you_mean(name, names)}")
        found = [one for one in found if wanted & {one.entry_point.name, one.dist}]
    return Plugins(found)


def find() -> list[Found]:
    """Return the installed entry points in the order of their names."""
    describe = functools.cache(_name_and_version)  # many entry points have the same distribution
    found = []
    try:
        entry_points = metadata.entry_points(group=GROUP)
    except (TypeError, ValueError) as error:
        raise PluginError(f"{_damaged()} has an entry_points.txt that cannot be read: reinstall it") from error
    for entry_point in entry_points:
        dist = entry_point.dist
        found.append(Found(entry_point, *(describe(dist) if dist is not None else (entry_point.name, "?"))))
    return sorted(found, key=lambda one: (one.entry_point.name, one.dist))


def _damaged() -> str:
    """Name the distribution whose entry points cannot be read."""
    for dist in metadata.distributions():
        try:
            list(dist.entry_points)
        except (TypeError, ValueError):
            return _name_and_version(dist)[0]
    return "a distribution"


def _name_and_version(dist: metadata.Distribution) -> tuple[str, str]:
    """Read two fields of a distribution; its own properties parse all of METADATA as an e-mail, each time."""
    try:
        text = dist.read_text("METADATA") or dist.read_text("PKG-INFO") or ""
    except UnicodeDecodeError:
        text = ""
    header = dict(line.split(": ", 1) for line in text.partition("\n\n")[0].splitlines() if ": " in line)
    return header.get("Name", "?"), header.get("Version", "?")
