"""Errors that users see: each message says what is wrong and how to fix it, in one line.

The command line prints them without a traceback; any other exception that reaches it is a bug.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable


class GanzooError(Exception):
    """The base class of all errors that ganzoo raises on purpose."""


class UnknownNameError(GanzooError, LookupError):
    """A name that no installed plugin provides."""


class NameClashError(GanzooError):
    """A name that two installed distributions provide."""


class PluginError(GanzooError):
    """A plugin that cannot be used: it fails on import, breaks a hook's signature or is of another API."""


class ConfigError(GanzooError, ValueError):
    """A hyper-parameter or option that is unknown, of the wrong type or out of range."""


class RegistryError(GanzooError):
    """A registry file that is not valid; the text gives its line."""


class DataError(GanzooError):
    """Data that cannot be found, read or used for the model at hand."""


class WeightsError(GanzooError):
    """A model on disk that is missing, damaged or does not fit its architecture."""


class HubError(GanzooError):
    """A file or repository that the Hub does not have, does not allow access to, or failed to deliver."""


class RunError(GanzooError):
    """A training run that cannot be started, continued or finished."""


class MissingExtraError(GanzooError, ImportError):
    """An optional dependency that is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f'{purpose} needs an optional package: pip install "ganzoo[{extra}]"')


def one_line(text: str) -> str:
    """Return untrusted text as one line without control characters, which could steer a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def printable(text: str) -> str:
    """Return untrusted text without control characters, except line ends and tabs."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def unsigned(text: str) -> str:
    """Return text with the queries of its web addresses left out, which may hold a signature or a token."""
    import re  # imported only where something failed

    return re.sub(r"(https?://[^\s?'\"]*)\?[^\s'\"]*", r"\1?...", text)


def command_line(*words: object) -> str:
    """Return a command of ganzoo that can be pasted into a shell: ``command_line("sample", run)``."""
    import shlex  # imported only for a message

    return shlex.join(["ganzoo", *map(str, words)])


def renamed(old: str, new: str) -> None:
    """Warn that a name of an earlier version is used; it works until ganzoo 0.4."""
    warnings.warn(f"{old} is now called {new}; the old name goes in ganzoo 0.4", DeprecationWarning, stacklevel=3)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest of ``known``, in any case, or an empty string."""
    from difflib import get_close_matches  # imported only for a mistyped name

    folded = {one.casefold(): one for one in known}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return f" Did you mean '{folded[close[0]]}'?" if close else ""


_OUT_OF_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # on Windows
    "CUDA error: out of memory",
    "CUDA out of memory",
    "MPS backend out of memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is exhausted, of the machine or of an accelerator.

    torch has an exception for the memory of an accelerator; its CPU allocator raises a `RuntimeError` that only its
    text tells apart. This imports no torch: an error of torch's is only raised where torch is imported.
    """
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)
