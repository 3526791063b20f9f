"""What cog calls to put real output into the pages: ``cog -r README.md docs/*.md``."""

from __future__ import annotations

import atexit
import dataclasses
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cog

from ganzoo.registry import installed

# What the pages show is of ganzoo alone, whatever else is installed where they are made.
ENV = {**os.environ, "COLUMNS": "100", "GANZOO_PLUGINS": "ganzoo", "GANZOO_STRICT": "1"}


def run(command: str) -> None:
    """Show a command and what it prints."""
    done = subprocess.run(command, shell=True, env=ENV, capture_output=True, text=True, check=True)
    lines = done.stdout.rstrip().splitlines()
    cog.outl("\n".join(["```console", f"$ {command}", *lines, "```"]))


def hub(command: str, *, lines: int | None = None, quiet: bool = False) -> None:
    """Show a command and what it prints, as somebody with a token sees it on a Hub of their own."""
    done = subprocess.run(command, shell=True, env=_at_home(), capture_output=True, text=True, check=True)
    said = done.stdout.replace(_HUB[0].url, "https://HUB")
    said = re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", said).replace(_HUB[1], "~/.cache/huggingface")
    shown = said.rstrip().splitlines()
    if lines is not None and len(shown) > lines:
        shown = [*shown[:lines], "..."]
    if not quiet:
        cog.outl("\n".join(["```console", f"$ {command}", *shown, "```"]))


_HUB: list[Any] = []


def _at_home() -> dict[str, str]:
    """Start the Hub of the tests once; return the environment of somebody who may publish there."""
    if not _HUB:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
        from hub.server import LoopbackHub

        loop, home = LoopbackHub(), tempfile.TemporaryDirectory()
        loop.hub.tokens["hf_docs"] = ("me", "write")
        _HUB.extend([loop, home.name])
        atexit.register(home.cleanup)
    return {
        **ENV, "HF_ENDPOINT": _HUB[0].url, "HF_HOME": _HUB[1], "HF_TOKEN": "hf_docs", "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1,localhost",
    }  # fmt: skip


def models() -> None:
    """Show the pretrained models: what each does, its first value with its protocol, and what measures it again."""
    cog.outl("| model | what it generates | value | protocol | measured again by | size |\n|---|---|---|---|---|---|")
    for owned in installed().models:
        entry = owned.record
        if not entry.metrics:
            continue
        first = entry.metrics[0]
        data = f" --data {first.data}" if first.data else ""
        cog.outl(
            f"| `{entry.name}` | {entry.summary} | {first.value:.4g} | `{first.protocol}` "
            f"| `ganzoo eval {entry.name}{data} -m '{first.protocol}'` | {entry.weights.bytes / 1e6:.1f} MB |"
        )


def values() -> None:
    """Show every value of the pretrained models, a table for each set of protocols."""
    groups: dict[tuple[str, ...], list[Any]] = {}
    for owned in installed().models:
        if owned.record.metrics:
            groups.setdefault(tuple(m.protocol for m in owned.record.metrics), []).append(owned.record)
    for protocols, entries in groups.items():
        cog.outl(f"\n| {' | '.join(['protocol', *(f'`{entry.name}`' for entry in entries)])} |")
        cog.outl("|---" * (len(entries) + 1) + "|")
        for i, protocol in enumerate(protocols):
            cog.outl(f"| {' | '.join([f'`{protocol}`', *(f'{e.metrics[i].value:.4g}' for e in entries)])} |")


def repeats() -> None:
    """Show what equal trainings with several seeds gave."""
    cog.outl("| model | protocol | seed | best | last |\n|---|---|---|---|---|")
    for owned in installed().models:
        for metric in owned.record.metrics[:1]:
            for run in metric.runs:
                cog.outl(f"| `{owned.record.name}` | `{metric.protocol}` | {run.seed} | {run.best:g} | {run.last:g} |")


def metrics() -> None:
    """Show the metrics: what each says, what it needs, and which way is better."""
    from ganzoo.registry.zoo import import_target

    cog.outl("| metric | what it says | from | better | real images |\n|---|---|---|---|---|")
    for owned in installed().metrics:
        record, kind = owned.record, import_target("metric", owned)
        seen = ", ".join(sorted(kind.needs))
        seen = f"{seen}, of {record.extractor} alone" if record.extractor else seen
        real = "a split" if kind.compares or "target" in kind.needs else ""
        cog.outl(f"| `{record.name}` | {record.summary} | {seen} | {record.better} | {real} |")


def extractors() -> None:
    """Show the extractors."""
    cog.outl("| extractor | what it sees |\n|---|---|")
    for owned in installed().extractors:
        cog.outl(f"| `{owned.record.name}` | {owned.record.summary} |")


def checks() -> None:
    """Show the checks of the conformance kit, each with why it matters."""
    from ganzoo.testing import CHECKS

    cog.outl("| check | why |\n|---|---|")
    for name, check in CHECKS.items():
        cog.outl(f"| `{name.removeprefix('check_')}` | {' '.join((check.__doc__ or '').split())} |")


def recipes() -> None:
    """Show how each pretrained model was trained."""
    for owned in installed().models:
        trained = owned.record.trained
        cog.outl(f"\n**{owned.record.name}**: {trained.images:,} images in {trained.minutes:g} minutes.\n")
        cog.outl(f"```\n{trained.command}\n```")


def losses() -> None:
    """Show the built-in adversarial losses."""
    cog.outl("| name | what sets it apart | from |\n|---|---|---|")
    for owned in installed().losses:
        record = owned.record
        cog.outl(f"| `{record.name}` | {record.summary} | {record.paper} |")


def blocks() -> None:
    """Show what architectures are written with, each with the first line of its docstring."""
    import importlib
    import inspect

    homes = {
        "Regularisers": "ganzoo.gan.regularizers",
        "Augmentations": "ganzoo.gan.augment",
        "Layers": "ganzoo.nn.layers",
        "Layers for the CPU": "ganzoo.nn.cpu",
        "Filtered resampling": "ganzoo.nn.resample",
        "Layers with an equalised learning rate": "ganzoo.nn.equalized",
        "Convolutional networks": "ganzoo.nn.convnets",
        "Residual networks": "ganzoo.nn.resnets",
        "Discriminators of patches": "ganzoo.nn.patchgan",
        "Images of images": "ganzoo.gan.image_to_image",
        "Schedules": "ganzoo.gan.schedules",
        "Latents and conditions": "ganzoo.gan.latents",
    }
    for title, home in homes.items():
        module = importlib.import_module(home)
        cog.outl(f"\n### {title}: `{home}`\n\n| name | what it does |\n|---|---|")
        for name, value in vars(module).items():
            own = (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == home
            if own and not name.startswith("_"):
                first = " ".join((inspect.getdoc(value) or "").partition("\n\n")[0].split())
                cog.outl(f"| `{name}` | {first.replace('|', chr(92) + '|')} |")


def commands() -> None:
    """Show the help of every command, those of the bundled plugins among them."""
    import click

    from ganzoo.cli import cli

    for name in cli.list_commands(click.Context(cli)):
        cog.outl(f"\n## ganzoo {name}\n")
        run(f"ganzoo {name} --help")


def exports(home: str) -> None:
    """Show what a package exports."""
    import importlib

    names = importlib.import_module(home).__all__
    cog.outl(f"`from {home} import ...`: {', '.join(f'`{name}`' for name in names)}.")


def fields() -> None:
    """Show the types of hyper-parameters that are there."""
    from typing import get_args

    from ganzoo.registry import fields as home
    from ganzoo.registry.hyperparameters import describe_type

    cog.outl("| type | takes | meaning |\n|---|---|---|")
    for name, hint in vars(home).items():
        metas = get_args(hint)[1:] if hasattr(hint, "__metadata__") else ()
        if metas:
            cog.outl(f"| `fields.{name}` | {describe_type(hint)} | {metas[0].description} |")


def settings() -> None:
    """Show the engine's settings, from their declaration."""
    from ganzoo.training.settings import SECTIONS, declared_settings

    cog.outl("| setting | default | meaning | when resumed |\n|---|---|---|---|")
    samples = "where the samples are the same; else with `--override data`"
    resume = {"freely": "may change", "never": "cannot change", "samples": samples}
    by_section: dict[str | None, list[Any]] = {heading: [] for heading in (None, *SECTIONS)}
    for setting in declared_settings():
        by_section[setting.extra.get("section")].append(setting)
    for rows in by_section.values():
        for setting in rows:
            default = "" if setting.default in (dataclasses.MISSING, None, ()) else f"`{setting.default}`"
            how = resume.get(str(setting.extra.get("resume")), "with `--override`")
            cog.outl(f"| `{setting.name}` | {default} | {setting.meta.description} | {how} |")
