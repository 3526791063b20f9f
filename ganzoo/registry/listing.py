"""The names in the zoo, for code that chooses among them."""

from __future__ import annotations

from fnmatch import fnmatch

from ganzoo.registry.zoo import installed


def list_architectures(pattern: str = "*") -> list[str]:
    """Return the names of the installed architectures that match a shell pattern, in order."""
    return [name for name in installed().architectures.names() if fnmatch(name, pattern)]


def list_models(pattern: str = "*") -> list[str]:
    """Return the names of the pretrained models that match a shell pattern, in order."""
    return [name for name in installed().models.names() if fnmatch(name, pattern)]
