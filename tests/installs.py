"""Distributions that look installed, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import forks

GOOD = """
from dataclasses import dataclass
from ganzoo.registry import Architecture, fields, hookimpl


@dataclass(frozen=True)
class Config:
    image_size: fields.ImageSize = 32
    lr: fields.LearningRate = 1e-4


@hookimpl
def ganzoo_architectures():
    return [Architecture(name="{name}", target="nowhere:GAN", config=Config, summary="a fake")]
"""


def install(site: Path, dist: str, source: str, version: str = "1.0") -> None:
    """Put a distribution with one plugin into ``site``: its entry point and its module are called after it."""
    module = dist.replace("-", "_")
    (site / module).mkdir(parents=True)
    (site / module / "__init__.py").write_text(source, encoding="utf-8")
    info = site / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[ganzoo]\n{dist} = {module}\n")


def environment(site: Path | None, **env: str) -> dict[str, str]:
    """Return the variables of a process with ``site`` on its path, without the network and in one thread."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GANZOO_")}
    path = {"PYTHONPATH": str(site)} if site is not None else {}
    return {**clean, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **path, **env}


def python(
    *arguments: str, site: Path | None = None, executable: str = sys.executable, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run Python with ``site`` on its path."""
    return subprocess.run(
        [executable, *arguments],
        env=environment(site, **env),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def ganzoo(*arguments: str, site: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with ``site`` on its path, in a process that need not import torch: see `forks`."""
    return forks.run(*arguments, env=environment(site, **env))
