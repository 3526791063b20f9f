"""Plugin code is run under a time limit, with stand-ins for the output streams, and Ctrl-C told from its own errors.

What it does on purpose is not prevented: a plugin is a Python package like any other.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from ganzoo.errors import PluginError, one_line, printable

TIMEOUT = "GANZOO_PLUGIN_TIMEOUT"
_SECONDS = 5.0
_LOOKS = 10  # at what the plugin has imported, in the time limit
_REMEDY = "uninstall it, or name those to load in GANZOO_PLUGINS"
_PATIENCE = 12  # time limits without a look, after which a process that cannot be stopped is ended

ends_process = False
"""Whether a plugin that cannot be stopped ends the process: the command line says so, for its own."""


class _Watchdog:
    """Ends this process when plugin code keeps Python from running at all; a traceback is printed."""

    told = 0.0  # when it last heard that Python runs; 0 while there is none


class StoppedError(Exception):
    """Plugin code that hung, or that raised `KeyboardInterrupt` itself."""


class _Hanging(BaseException):
    """Raised inside of a plugin that hangs: no `Exception`, which it may catch."""


def time_limit() -> float:
    """Return the seconds in which a plugin must import something new, or end; 0 without a limit.

    Raises:
        PluginError: the variable is not a number of seconds.
    """
    text = os.environ.get(TIMEOUT, "")
    try:
        seconds = float(text or _SECONDS)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e6:
        raise PluginError(f"{TIMEOUT} is a number of seconds, or 0 for no limit, and not '{text}'")
    return seconds


def guard_of(dist: str, plugin: str = "", seconds: float = 0.0) -> contextlib.AbstractContextManager[None]:
    """Return the guard for code of a distribution; ganzoo's own needs none."""
    return contextlib.nullcontext() if dist == "ganzoo" else guarded(plugin or dist, seconds)


@contextlib.contextmanager
def guarded(plugin: str, seconds: float = 0.0) -> Iterator[None]:
    """Run code of a plugin, for no longer than ``seconds`` without a newly imported module, where they are not 0.

    Raises:
        StoppedError: it hangs, or it raised `KeyboardInterrupt` itself.
    """
    with _streams_kept(), _interrupts_told(), _time_limited(plugin, seconds):
        yield


class _StandIn(io.TextIOWrapper):
    """A stream onto stderr for plugin code, which may close, detach or wrap it; control characters are left out."""

    def write(self, text: str) -> int:
        super().write(printable(text) if isinstance(text, str) else text)  # which is a TypeError
        return len(text)


@contextlib.contextmanager
def _streams_kept() -> Iterator[None]:
    """Send to stderr what is written to stdout, in any way, and put both back as they were."""
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr", "__stdout__", "__stderr__")}
    with contextlib.suppress(OSError, ValueError, AttributeError):  # None, or closed: a process without a terminal
        sys.stdout.flush()
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # closed: a copy of another would take its number
            os.open(os.devnull, os.O_RDWR)
    kept = {number: os.dup(number) for number in (1, 2)}
    # Neither closes its descriptor, as a handler of logging may keep it.
    raw = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
    stand_in = _StandIn(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)
    os.dup2(2, 1)
    try:
        for name in streams:
            setattr(sys, name, stand_in)
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # closed, or detached
            stand_in.flush()
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        for name, stream in streams.items():
            setattr(sys, name, stream)


@contextlib.contextmanager
def _interrupts_told() -> Iterator[None]:
    """Let `KeyboardInterrupt` out only where it is a person's; where a plugin raised it, it is `StoppedError`."""
    pressed = []
    before: Any = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        pressed.append(number)
        before(number, frame)

    set_here = callable(before) and _on_signal(signal.SIGINT, note)
    try:
        yield
    except BaseException as error:
        if pressed:
            raise KeyboardInterrupt from error
        if isinstance(error, KeyboardInterrupt):
            raise StoppedError("it raised KeyboardInterrupt") from error
        raise
    finally:
        if set_here:
            signal.signal(signal.SIGINT, before)


def _on_signal(number: int, handler: Any) -> bool:
    """Set a handler, and return whether this thread may."""
    try:
        signal.signal(number, handler)
    except ValueError:
        return False
    return True


@contextlib.contextmanager
def _time_limited(plugin: str, seconds: float) -> Iterator[None]:
    """Stop code that hangs, on the main thread of a system that has timers of signals."""
    looks, modules, stopped, done = 0, len(sys.modules), False, False

    def look(number: int, frame: Any) -> None:
        nonlocal looks, modules, stopped
        _alive(seconds)
        # Looks are counted, and not seconds: there are none while a large library is loaded, or the process sleeps.
        looks, modules = (looks + 1 if len(sys.modules) == modules else 0), len(sys.modules)
        if looks < _LOOKS or done:
            return
        if looks >= 2 * _LOOKS and ends_process:
            with contextlib.suppress(OSError):
                os.write(2, f"Error: the plugin {one_line(plugin)} hangs and cannot be stopped: {_REMEDY}\n".encode())
            os._exit(1)
        stopped = True
        raise _Hanging

    before = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
    if not seconds or before is None or not _on_signal(signal.SIGALRM, look):
        yield
        return
    _alive(seconds)
    start = time.monotonic()
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds / _LOOKS, seconds / _LOOKS)
    try:
        yield
    except BaseException as error:
        done = True
        if not stopped:
            raise
        raise _hangs(seconds) from error
    finally:
        done = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # another's timer, which goes on
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - start), 1e-3), every)
    if stopped:  # it went on all the same
        raise _hangs(seconds)


def _hangs(seconds: float) -> StoppedError:
    return StoppedError(
        f"it hangs: in {seconds:g} s it imported nothing new and did not end ({TIMEOUT}=60 waits longer)"
    )


@contextlib.contextmanager
def watchdog() -> Iterator[None]:
    """End the process, where `ends_process` says so, when plugin code that is run inside lets no other Python run."""
    seconds = time_limit()
    if not ends_process or not seconds:
        yield
        return
    _alive(seconds, start=True)
    try:
        yield
    finally:
        _Watchdog.told = 0.0
        faulthandler.cancel_dump_traceback_later()


def _alive(seconds: float, *, start: bool = False) -> None:
    """Tell the watchdog that Python runs; not each time, as it starts a thread."""
    now = time.monotonic()
    if start or (_Watchdog.told and now - _Watchdog.told > seconds):
        _Watchdog.told = now
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            faulthandler.dump_traceback_later(_PATIENCE * seconds, exit=True, file=2)
