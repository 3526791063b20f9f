"""The options of ``ganzoo train`` that are the engine's settings, and help that shows them in sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from ganzoo.cli.options import Count
from ganzoo.training.settings import SECTIONS as HEADINGS
from ganzoo.training.settings import Setting, declared_settings

F = TypeVar("F", bound=Callable[..., Any])


class Sectioned(click.Command):
    """A command whose help shows its options under headings.

    Args:
        sections: heading to names of parameters; those that are in none come first, under "Options".
    """

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        rows = {param.name: row for param in options if (row := param.get_help_record(ctx)) is not None}
        named = {name for names in self.sections.values() for name in names}
        rest = [name for name in rows if name not in named]
        for heading, names in {"Options": rest, **self.sections}.items():
            with formatter.section(heading):
                formatter.write_dl([rows[name] for name in names])


def _or_none(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Return None for a value that switches a setting off, as a resumed run may."""
    return None if value in ("none", 0) else value


def _or_empty(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    return () if value == ("none",) else value


def _option(setting: Setting) -> Callable[[F], F]:
    """Return the option of a setting."""
    extra, default, members = setting.extra, setting.default, get_args(setting.type)
    kinds = {getattr(member, "__origin__", member) for member in members}  # of a union, without their bounds
    least, most = setting.meta.ge, setting.meta.le
    flag = f"--{setting.name.replace('_', '-')}"
    more: dict[str, Any] = {"help": setting.meta.description, "metavar": extra.get("metavar"), "default": default}
    if extra.get("off"):
        more["callback"] = _or_none
    if get_origin(setting.type) is Literal:
        more |= {"type": click.Choice(members), "show_default": True}
    elif get_origin(setting.type) is tuple:
        more |= {"multiple": True, "callback": _or_empty}
    elif setting.type is bool:
        flag = f"{flag}/--no-{flag[2:]}"
    elif extra.get("count"):
        text = f"{default // 1000}k" if default else 0
        more |= {"type": Count(least=int(least or 0)), "default": text, "show_default": bool(default)}
    elif setting.type is int:
        low, high = (None if bound is None else int(bound) for bound in (least, most))
        more |= {"type": click.IntRange(low, high), "show_default": True}
    elif setting.type is str:
        more["show_default"] = True
    elif setting.type is float:
        more["type"] = click.FloatRange(min=0)
    elif str not in kinds:  # a number or None, which 0 stands for
        more["type"] = click.FloatRange(min=0) if float in kinds else click.IntRange(min=0)
    return click.option(*extra.get("flags", ()), flag, **more)


_SETTINGS = {setting.name: setting for setting in declared_settings()}
SECTIONS = {
    heading: [name for name, setting in _SETTINGS.items() if setting.extra.get("section") == heading]
    for heading in HEADINGS
}


def setting_option(name: str) -> Callable[[F], F]:
    """Return a decorator that gives a command the option of one of the engine's settings."""
    return _option(_SETTINGS[name])


def settings_options(function: F) -> F:
    """Give a command an option for each of the engine's settings that has a section."""
    for name in reversed([name for names in SECTIONS.values() for name in names]):
        function = setting_option(name)(function)
    return function
