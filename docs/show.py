"""What cog calls to put real output into the pages: ``cog -r README.md docs/*.md``."""

from __future__ import annotations

import os
import subprocess

import cog

from ganzoo.registry import installed

# What the pages show is of ganzoo alone, whatever else is installed where they are made.
ENV = {**os.environ, "COLUMNS": "100", "GANZOO_PLUGINS": "ganzoo", "GANZOO_STRICT": "1"}


def run(command: str) -> None:
    """Show a command and what it prints."""
    done = subprocess.run(command, shell=True, env=ENV, capture_output=True, text=True, check=True)
    lines = done.stdout.rstrip().splitlines()
    cog.outl("\n".join(["```console", f"$ {command}", *lines, "```"]))


def models() -> None:
    """Show the pretrained models with their figures as a table."""
    cog.outl("| model | architecture | digits read | rarest class | class entropy | label read as asked | size |")
    cog.outl("|---|---|---|---|---|---|---|")
    for owned in installed().models:
        entry, found = owned.record, {m.name: m.value for m in owned.record.metrics}
        accuracy = f"{found['label-accuracy']:.1%}" if "label-accuracy" in found else ""
        cog.outl(
            f"| `{entry.name}` | `{entry.architecture}` | {found['read']:.1%} | {found['rarest-class']:.1%} "
            f"| {found['class-entropy']:.4f} | {accuracy} | {entry.weights.bytes / 1e6:.1f} MB |"
        )


def recipes() -> None:
    """Show how each pretrained model was trained."""
    for owned in installed().models:
        trained = owned.record.trained
        cog.outl(f"\n**{owned.record.name}**: {trained.images:,} images in {trained.minutes:g} minutes.\n")
        cog.outl(f"```\n{trained.command}\n```")
