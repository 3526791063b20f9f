"""Discovery: each entry point of group ``ganzoo`` is loaded on its own, and what fails becomes a `Broken` record.

pluggy's own ``load_setuptools_entrypoints`` stops at the first plugin that raises; a zoo must still open
when one cage is broken.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import pluggy

from ganzoo.errors import PluginError, did_you_mean
from ganzoo.registry import hookspecs
from ganzoo.registry.hookspecs import GROUP


@dataclass(frozen=True)
class Plugin:
    """An entry point that loaded: its name, its distribution and what implements the hooks."""

    name: str
    dist: str
    version: str
    module: Any


@dataclass(frozen=True)
class Broken:
    """An entry point that cannot be used, with the reason in one line and the traceback for whoever mends it."""

    name: str
    dist: str
    version: str
    reason: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.dist} {self.version} ({self.name}): {self.reason}"


class Plugins:
    """The loaded plugins, the broken ones, and the hooks' results."""

    def __init__(self, entry_points: Iterable[metadata.EntryPoint]) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self.loaded: list[Plugin] = []
        self.broken: list[Broken] = []
        for entry_point in entry_points:
            self._load(entry_point)

    def _load(self, entry_point: metadata.EntryPoint) -> None:
        dist = entry_point.dist
        name, version = (dist.name, dist.version) if dist else (entry_point.name, "?")

        def load() -> Plugin:
            plugin = Plugin(entry_point.name, name, version, entry_point.load())
            self._register(plugin)
            return plugin

        plugin = self._guarded(Plugin(entry_point.name, name, version, None), load)
        if plugin is not None:
            self.loaded.append(plugin)

    def _register(self, plugin: Plugin) -> None:
        """Register one plugin; a hook without a spec or with foreign arguments is refused, and nothing stays behind."""
        known = [name for name in vars(hookspecs) if name.startswith(f"{GROUP}_")]
        for name in vars(plugin.module):
            if not name.startswith(f"{GROUP}_") or name in known:
                continue
            if self._manager.parse_hookimpl_opts(plugin.module, name) is not None:
                raise PluginError(f"{name} is no hook of ganzoo.{did_you_mean(name, known)}")
        key = f"{plugin.dist}:{plugin.name}"
        try:
            self._manager.register(plugin.module, key)
        except BaseException:
            self._manager.unregister(name=key)
            raise

    def _guarded(self, who: Plugin, call: Callable[[], Any]) -> Any:
        """Return ``call()``, or None after recording why it failed. A plugin may raise anything, `SystemExit` too."""
        try:
            # A plugin that prints while it is imported must not spoil `ganzoo list --json`.
            with contextlib.redirect_stdout(sys.stderr):
                return call()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if os.environ.get("GANZOO_STRICT", "") not in ("", "0"):
                raise
            text = " ".join(str(error).split())
            reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
            self.broken.append(Broken(who.name, who.dist, who.version, reason, traceback.format_exc()))
            return None

    def results(self, hook: str, kind: type[Any]) -> Iterator[tuple[Plugin, list[Any]]]:
        """Yield each plugin that implements ``hook`` with what it returned: a list of ``kind``.

        A plugin whose hook raises or returns something else moves to `broken`.
        """
        for plugin in list(self.loaded):
            caller = self._manager.subset_hook_caller(
                hook, [p for p in self._manager.get_plugins() if p is not plugin.module]
            )
            if not caller.get_hookimpls():
                continue

            def call(caller: Any = caller) -> list[Any]:
                found = [record for records in caller() for record in records]
                for record in found:
                    if not isinstance(record, kind):
                        raise PluginError(f"{hook} must return {kind.__name__} records, not {type(record).__name__}")
                return found

            records = self._guarded(plugin, call)
            if records is None:
                self.loaded.remove(plugin)
            else:
                yield plugin, records


def discover() -> Plugins:
    """Load the installed plugins, in the order of their names; ``GANZOO_PLUGINS=a,b`` loads only those.

    A selected name is an entry point's name or a distribution's.

    Raises:
        PluginError: ``GANZOO_PLUGINS`` names a plugin that is not installed.
    """
    found = sorted(metadata.entry_points(group=GROUP), key=lambda e: (e.name, e.dist.name if e.dist else ""))
    chosen = os.environ.get("GANZOO_PLUGINS")
    if chosen is not None:
        wanted = {name.strip() for name in chosen.split(",") if name.strip()}
        names = {name for e in found for name in (e.name, e.dist.name if e.dist else e.name)}
        for name in sorted(wanted - names):
            raise PluginError(f"GANZOO_PLUGINS names '{name}', which is not installed.{did_you_mean(name, names)}")
        found = [e for e in found if e.name in wanted or (e.dist is not None and e.dist.name in wanted)]
    return Plugins(found)
