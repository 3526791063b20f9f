"""The bundled models: how each was trained, and how its entry in registry.yaml is made.

    python benchmarks/pretrained.py commands                         # the four training commands
    python benchmarks/pretrained.py enter dcgan-mnist runs/dcgan-mnist --data mnist

``enter`` copies the run's weights to weights/NAME.safetensors, measures them (see mnist_quality.py) and writes the
entry. Everything in an entry comes from the run's own files or from that measurement.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import yaml
from mnist_quality import get_classifier, measure

import ganzoo
from ganzoo.files import replacing, sha256
from ganzoo.modelconfig import read_config
from ganzoo.registry import installed
from ganzoo.registry.config import config_to_dict
from ganzoo.sampling import digest
from ganzoo.training.report import read_stats
from ganzoo.weights import MODEL

ROOT = Path(__file__).resolve().parent.parent
SUMMARIES = {
    "vanilla-mnist": "handwritten digits from a multilayer perceptron",
    "dcgan-mnist": "handwritten digits",
    "wgan-gp-mnist": "handwritten digits",
    "cgan-mnist": "handwritten digits by class",
}
RECIPES: dict[str, tuple[str, str, dict[str, Any]]] = {
    # A perceptron draws sharp strokes only against a discriminator that sees neighbourhoods.
    "vanilla-mnist": (
        "vanilla",
        "1500k",
        {"discriminator": "conv", "dropout": 0.0, "r1": 1.0, "beta2": 0.99, "lr_decay": 0.5, "ema": 20000},
    ),
    # R1 in the place of the discriminator's batch norm keeps the ten classes even.
    "dcgan-mnist": (
        "dcgan",
        "1500k",
        {
            "latent_dim": 64, "base_channels": 128, "output": "conv", "discriminator_channels": 48,
            "discriminator_norm": "none", "r1": 1.0, "lr": 0.0003, "beta2": 0.99, "lr_decay": 0.5, "ema": 20000,
        },
    ),
    "wgan-gp-mnist": (
        "wgan-gp",
        "3200k",
        {
            "latent_dim": 64, "base_channels": 80, "critic_channels": 40, "output": "conv", "lr": 0.0005,
            "lr_decay": 0.5, "ema": 20000,
        },
    ),
    "cgan-mnist": (
        "cgan",
        "600k",
        {
            "label_dim": 32, "base_channels": 96, "output": "conv", "discriminator_channels": 48, "lr": 0.0003,
            "lr_decay": 0.5, "ema": 20000,
        },
    ),
}  # fmt: skip

# A second stretch: the learning rate comes back to where the longer budget has it, and falls to zero again.
LENGTHENED = {"wgan-gp-mnist": "4200k"}


def command(name: str) -> str:
    """Return the command line that trains one model."""
    architecture, images, options = RECIPES[name]
    words = " ".join(f"-o {key}={value}" for key, value in options.items())
    line = f"ganzoo train {architecture} --data mnist --images {images} {words} --out runs/{name}"
    if name in LENGTHENED:
        line += f" && ganzoo train --resume runs/{name} --images {LENGTHENED[name]}"
    return line


def enter(name: str, run: Path, data: str) -> None:
    """Put a run's model into the package."""
    written, stats = read_config(run), read_stats(run)
    folder = ROOT / "weights"
    file = folder / f"{name}.safetensors"
    shutil.copyfile(run / MODEL, file)
    kind = installed().architectures[written.architecture].record.config
    defaults = config_to_dict(kind())
    entry = {
        "architecture": written.architecture,
        "summary": SUMMARIES[name],
        "config": {key: value for key, value in written.config.items() if value != defaults[key]},
        "weights": {"file": f"weights/{file.name}", "sha256": sha256(file), "bytes": file.stat().st_size},
        "data": "mnist",
        "license": "cc-by-sa-3.0",
        "trained": {
            "images": int(stats[-1]["images"]),
            "seed": written.training["seed"],
            "ganzoo": written.ganzoo,
            "plugin": f"{written.plugin} {written.plugin_version}",
            "minutes": round(stats[-1]["seconds"] / 60, 1),
            "command": command(name),
        },
        "metrics": measure(run, get_classifier(data)).metrics(),
        "digest": digest(ganzoo.load(run)),
    }
    path = ROOT / "registry.yaml"
    text = path.read_text(encoding="utf-8")
    models = (yaml.safe_load(text) or {}).get("models") or {}
    models[name] = entry
    head = "".join(line + "\n" for line in text.splitlines() if line.startswith("#"))
    body = yaml.safe_dump({"models": dict(sorted(models.items()))}, sort_keys=False, width=120, allow_unicode=True)
    with replacing(path) as partial:
        partial.write_text(head + body, encoding="utf-8")
    print(yaml.safe_dump({name: entry}, sort_keys=False, width=120))


def main() -> None:
    """Print the commands, or enter one model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("commands")
    entering = actions.add_parser("enter")
    entering.add_argument("name", choices=SUMMARIES)
    entering.add_argument("run", type=Path)
    entering.add_argument("--data", default="mnist")
    options = parser.parse_args()
    if options.action == "commands":
        print("\n".join(command(name) for name in RECIPES))
    else:
        enter(options.name, options.run, options.data)


if __name__ == "__main__":
    main()
