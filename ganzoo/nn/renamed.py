"""Names of the first edition of the plugin interface: they work until ganzoo 0.4, with a DeprecationWarning each."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, TypeVar

from ganzoo.errors import renamed

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


def renamed_names(module: str, **names: str) -> Callable[[str], Any]:
    """Return a module's ``__getattr__`` that finds old names (keys) under their new ones (values)."""

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        renamed(f"{module}.{name}", names[name])
        return getattr(sys.modules[module], names[name])

    return find


def renamed_arguments(**names: str) -> Callable[[F], F]:
    """Return a decorator of functions that also take old keyword arguments (keys), passed on as new ones (values)."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old in names.keys() & kwargs.keys():
                renamed(f"the argument '{old}' of {function.__qualname__}", f"'{names[old]}'")
                kwargs[names[old]] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


class _Alias:
    """The old name of a class attribute. Each class that defines the attribute has one, so that super() works."""

    def __init__(self, old: str, new: str, value: Any) -> None:
        self.old, self.new, self.value = old, new, value

    def __get__(self, instance: Any, owner: type) -> Any:
        renamed(f"{owner.__name__}.{self.old}", self.new)
        if instance is not None and self.new in vars(instance):
            return vars(instance)[self.new]
        return self.value.__get__(instance, owner) if hasattr(self.value, "__get__") else self.value

    def __set__(self, instance: Any, value: Any) -> None:
        renamed(f"{type(instance).__name__}.{self.old}", self.new)
        setattr(instance, self.new, value)


def renamed_attributes(**names: str) -> Callable[[C], C]:
    """Return a class decorator: old attribute names (keys) may be read, set and overridden for new ones (values).

    A dataclass also takes them as arguments.
    """

    def adopt(cls: type) -> None:
        for old, new in names.items():
            found: Mapping[str, Any] = next((vars(base) for base in cls.__mro__ if {old, new} & vars(base).keys()), {})
            # Of a subclass or a mixin of the first edition:
            if new not in found and not isinstance(found.get(old), _Alias | None):
                renamed(f"{cls.__name__}.{old}", new)
                setattr(cls, new, found[old])
            if new in vars(cls) or old not in found:
                setattr(cls, old, _Alias(old, new, vars(cls).get(new)))

    def decorate(cls: C) -> C:
        def subclassed(subclass: type, /, **kwargs: Any) -> None:
            super(cls, subclass).__init_subclass__(**kwargs)  # type: ignore[arg-type]
            adopt(subclass)

        if is_dataclass(cls):
            type.__setattr__(cls, "__init__", renamed_arguments(**names)(cls.__init__))
        adopt(cls)
        type.__setattr__(cls, "__init_subclass__", classmethod(subclassed))
        return cls

    return decorate
