"""Discovery: each entry point of group ``ganzoo`` is loaded on its own; one that fails leaves the others usable."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import Any, NamedTuple

import pluggy

from ganzoo.errors import GanzooError, PluginError, did_you_mean, one_line
from ganzoo.registry import hookspecs
from ganzoo.registry.guard import StoppedError, guard_of, time_limit
from ganzoo.registry.hookspecs import GROUP


class Plugin(NamedTuple):
    """A plugin: its entry point's name, its distribution, and the imported module."""

    name: str
    dist: str
    version: str
    module: Any = None

    def __str__(self) -> str:
        return f"{self.dist} {self.version} ({self.name})"


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
        return f"{Plugin(self.name, self.dist, self.version)}: {self.reason}"


class Plugins:
    """The loaded plugins, the broken ones, and the results of the hooks."""

    def __init__(self, found: Iterable[Found]) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self.loaded: list[Plugin] = []
        self.broken: list[Broken] = []
        self.seconds: dict[tuple[str, str], float] = {}  # in each plugin's code, by distribution and name
        self._limit = time_limit()
        for one in found:
            plugin = Plugin(one.entry_point.name, one.dist, one.version)
            with self.errors_recorded(plugin):
                plugin = plugin._replace(module=one.entry_point.load())
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
    def errors_recorded(self, plugin: Plugin) -> Iterator[None]:
        """Run a plugin's code; whatever it raises, `SystemExit` too, makes it a broken plugin."""
        key, start = (plugin.dist, plugin.name), time.perf_counter()
        try:
            with guard_of(plugin.dist, str(plugin), self._limit):
                yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            broken = Broken(plugin.name, plugin.dist, plugin.version, reason(error), error)
            if os.environ.get("GANZOO_STRICT", "") not in ("", "0"):
                raise PluginError(str(broken)) from error
            self.broken.append(broken)
        finally:
            self.seconds[key] = self.seconds.get(key, 0.0) + time.perf_counter() - start

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
            with self.errors_recorded(plugin):
                records = _records(hook, implementation.function(), kind)
            if records is None:
                self.loaded.remove(plugin)
            else:
                yield plugin, records


def reason(error: BaseException) -> str:
    """Return in one line why a plugin's code failed."""
    try:
        text = one_line(str(error))
    except Exception:  # noqa: BLE001 - of a plugin's own class
        text = ""
    kind = type(error).__name__
    return text if text and isinstance(error, GanzooError | StoppedError) else f"{kind}: {text}" if text else kind


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
    """Return the installed entry points in the order of their names.

    `metadata.entry_points` does the same, and takes four times as long: it parses those of every other distribution.
    """
    found: list[Found] = []
    seen = set()
    for dist in metadata.distributions():
        try:
            text = dist.read_text("entry_points.txt") or ""
            entry_points = dist.entry_points.select(group=GROUP) if f"[{GROUP}]" in text else ()
        except (TypeError, ValueError) as error:
            name, _ = _name_and_version(dist)
            raise PluginError(f"{name} has an entry_points.txt that cannot be read: reinstall it") from error
        if entry_points:
            name, version = _name_and_version(dist)
            key = re.sub("[-_.]+", "-", name).lower()
            if key not in seen:  # the first one on the path is the one that is imported
                found += [Found(one, name, version) for one in entry_points]
            seen |= {key} - {"?"}
    return sorted(found, key=lambda one: (one.entry_point.name, one.dist))


def _name_and_version(dist: metadata.Distribution) -> tuple[str, str]:
    """Read two fields of a distribution; its own properties parse all of METADATA as an e-mail, each time."""
    try:
        text = dist.read_text("METADATA") or dist.read_text("PKG-INFO") or ""
    except UnicodeDecodeError:
        text = ""
    header = dict(line.split(": ", 1) for line in text.partition("\n\n")[0].splitlines() if ": " in line)
    return header.get("Name", "?"), header.get("Version", "?")
