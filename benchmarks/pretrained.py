"""The bundled models: how each was trained, and how its entry in registry.yaml is made.

    python benchmarks/pretrained.py commands                         # the training commands
    python benchmarks/pretrained.py enter dcgan-mnist runs/dcgan-mnist --data mnist

``enter`` copies the run's weights to weights/NAME.safetensors, measures them (with mnist_quality.py, or by the recipe's
protocols) and writes the entry. Everything in an entry comes from the run's own files or from that measurement.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml
from mnist_quality import get_classifier, measure

import ganzoo
from ganzoo.data.pairs import named_sets
from ganzoo.files import replacing, sha256
from ganzoo.metrics import evaluate
from ganzoo.modelconfig import read_config
from ganzoo.registry import installed
from ganzoo.registry.config import config_to_dict
from ganzoo.sampling import digest
from ganzoo.training.report import read_stats
from ganzoo.weights import MODEL

ROOT = Path(__file__).resolve().parent.parent
PIXELS = "fd[pixels]@10k/test"


class Recipe(NamedTuple):
    """How a model is trained.

    Args:
        architecture: its name.
        summary: of the model.
        images: the budget, as the command line takes it.
        options: hyper-parameters that are not the defaults.
        data: as ``ganzoo train --data`` takes it.
        settings: further options of the command.
        longer: a second stretch, to this budget: the learning rate comes back to where it has it, and falls again.
        protocols: what is measured; none for digits, which are read.
    """

    architecture: str
    summary: str
    images: str
    options: dict[str, Any]
    data: str = "mnist"
    settings: str = ""
    longer: str = ""
    protocols: tuple[str, ...] = ()


RECIPES = {
    # A perceptron draws sharp strokes only against a discriminator that sees neighbourhoods.
    "vanilla-mnist": Recipe(
        "vanilla", "handwritten digits from a multilayer perceptron", "1500k",
        {"discriminator": "conv", "dropout": 0.0, "r1": 1.0, "beta2": 0.99, "lr_decay": 0.5, "ema": 20000},
    ),
    # R1 in the place of the discriminator's batch norm keeps the ten classes even.
    "dcgan-mnist": Recipe(
        "dcgan", "handwritten digits", "1500k",
        {
            "latent_dim": 64, "base_channels": 128, "output": "conv", "discriminator_channels": 48,
            "discriminator_norm": "none", "r1": 1.0, "lr": 0.0003, "beta2": 0.99, "lr_decay": 0.5, "ema": 20000,
        },
    ),
    "wgan-gp-mnist": Recipe(
        "wgan-gp", "handwritten digits", "3200k",
        {
            "latent_dim": 64, "base_channels": 80, "critic_channels": 40, "output": "conv", "lr": 0.0005,
            "lr_decay": 0.5, "ema": 20000,
        },
        longer="4200k",
    ),
    "cgan-mnist": Recipe(
        "cgan", "handwritten digits by class", "600k",
        {
            "label_dim": 32, "base_channels": 96, "output": "conv", "discriminator_channels": 48, "lr": 0.0003,
            "lr_decay": 0.5, "ema": 20000,
        },
    ),
    # Small and many steps: one critic update per step, made up for by five times the learning rate (Heusel 2017).
    "sngan-cifar10": Recipe(
        "sngan", "small photographs of ten kinds of things", "340k",
        {
            "base_channels": 64, "discriminator_channels": 48, "n_critic": 1, "discriminator_lr": 0.001,
            "lr_decay": 0.4,
        },
        data="cifar10", settings="--batch-size 32", protocols=(PIXELS,),
    ),
    # As its authors do for small images: two mapping layers, a weak R1, neither mixing nor path length.
    "stylegan2-mnist": Recipe(
        "stylegan2", "handwritten digits", "364k",
        {
            "mapping_layers": 2, "base_channels": 32, "max_channels": 64, "latent_dim": 64, "style_dim": 64,
            "mixing": 0, "path_length": 0, "r1": 0.1,
        },
        settings="--batch-size 32 --precision fp32",
    ),
    "cyclegan-mnist-3-8": Recipe(
        "cyclegan", "turns handwritten threes into eights, and eights into threes", "60k",
        {"base_channels": 16, "blocks": 3, "discriminator_channels": 32},
        data="A=mnist:3,B=mnist:8", settings="--batch-size 8", protocols=("fd[pixels]@900/test",),
    ),
    "pix2pix-grey-cifar10": Recipe(
        "pix2pix", "colourises small photographs", "400k", {"base_channels": 20, "discriminator_channels": 32},
        data="grey:cifar10", settings="--batch-size 16", protocols=(PIXELS,),
    ),
}  # fmt: skip


def command(name: str) -> str:
    """Return the command line that trains one model."""
    recipe = RECIPES[name]
    words = [f"-o {key}={value}" for key, value in recipe.options.items()]
    words = ["ganzoo train", recipe.architecture, f"--data {recipe.data} --images {recipe.images}", *words]
    line = " ".join([*words, *([recipe.settings] if recipe.settings else []), f"--out runs/{name}"])
    if recipe.longer:
        line += f" && ganzoo train --resume runs/{name} --images {recipe.longer}"
    return line


def scores(name: str, run: Path, data: str) -> list[dict[str, Any]]:
    """Measure a model; ``data`` is where the real images are."""
    if RECIPES[name].protocols:
        found = evaluate(ganzoo.load(run), RECIPES[name].protocols, data=data)
        return [{**msgspec.to_builtins(score), "value": float(f"{score.value:.4g}")} for score in found]
    return measure(run, get_classifier(data)).metrics()


def license_of(data: str) -> str:
    """Return the licence of the images, if all of them have one and the same."""
    datasets = installed().datasets
    known = {datasets[one].record.license for one in named_sets(data, installed()) or ()}
    return (known.pop() if len(known) == 1 else None) or "unknown"


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
        "summary": RECIPES[name].summary,
        "config": {key: value for key, value in written.config.items() if value != defaults[key]},
        "weights": {"file": f"weights/{file.name}", "sha256": sha256(file), "bytes": file.stat().st_size},
        "data": RECIPES[name].data,
        "license": license_of(RECIPES[name].data),
        "trained": {
            "images": int(stats[-1]["images"]),
            "seed": written.training["seed"],
            "ganzoo": written.ganzoo,
            "plugin": f"{written.plugin} {written.plugin_version}",
            "minutes": round(stats[-1]["seconds"] / 60, 1),
            "command": command(name),
        },
        "metrics": scores(name, run, data),
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
    entering.add_argument("name", choices=RECIPES)
    entering.add_argument("run", type=Path)
    entering.add_argument("--data", help="where the real images are  [default: what the recipe names]")
    options = parser.parse_args()
    if options.action == "commands":
        print("\n".join(command(name) for name in RECIPES))
    else:
        enter(options.name, options.run, options.data or RECIPES[options.name].data)


if __name__ == "__main__":
    main()
