"""The bundled models: how each was trained, and how its entry in registry.yaml is made.

    python benchmarks/pretrained.py commands                                  # the training commands
    python benchmarks/pretrained.py enter dcgan-mnist runs/dcgan-mnist-0 runs/dcgan-mnist-1 runs/dcgan-mnist-2
    python benchmarks/pretrained.py measure                                   # all that are there, anew
    python benchmarks/pretrained.py turned cyclegan-mnist-3-8 3 8             # digits translated, read by a classifier

``enter`` copies the best weights of the first run (its last ones, if it was not measured as it was trained) to
weights/NAME.safetensors, measures them by the recipe's protocols, and the best and the last weights of all runs, and
writes the entry. Everything in an entry comes from the runs' own files or from these measurements. ``--root FOLDER``
takes the data sets from FOLDER/mnist and FOLDER/cifar10 instead of the Hub.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import torch
import yaml
from recipes import RECIPES

import ganzoo
from ganzoo._files import replacing, sha256
from ganzoo.data import open_source, prepare
from ganzoo.data.spec import named_sets
from ganzoo.gan import SampleSpec
from ganzoo.inference.sample import digest
from ganzoo.media.image import quantise
from ganzoo.metrics import evaluate
from ganzoo.metrics.extractors import open_extractor
from ganzoo.models.config import read_config
from ganzoo.models.weights import MODEL
from ganzoo.registry import Repeat, Score, installed
from ganzoo.registry.hyperparameters import config_to_dict
from ganzoo.training.evaluation import BEST
from ganzoo.training.logs import read_stats

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = ROOT / "registry.yaml"
DRAWN = (
    "fd[{0}]@10k/test", "precision[{0}]@10k/test", "recall[{0}]@10k/test", "coverage[{0}]@10k/test",
    "authenticity[{0}]@10k/train", "class-entropy[{0}]@10k", "confidence[{0}]@10k",
)  # fmt: skip
BY_LABEL = ("intra-fd[{0}]@10k/test", "label-accuracy[{0}]@10k")


def command(name: str) -> str:
    """Return the command line that trains one model."""
    recipe = RECIPES[name]
    words = [f"-o {key}={value}" for key, value in recipe.options.items()]
    words = ["ganzoo train", recipe.architecture, f"--data {recipe.data} --images {recipe.images}", *words]
    line = " ".join([*words, *([recipe.settings] if recipe.settings else []), f"--out runs/{name}"])
    if recipe.longer:
        line += f" && ganzoo train --resume runs/{name} --images {recipe.longer}"
    return line


def protocols(name: str) -> tuple[str, ...]:
    """Return what a model is measured by, the first one for lists."""
    recipe = RECIPES[name]
    if recipe.protocols:
        return recipe.protocols
    kind = installed().architectures[recipe.architecture].record.config
    labelled = hasattr(kind(), "classes") and "label" in ganzoo.create(recipe.architecture).needs
    return tuple(text.format(f"{recipe.data}-classifier") for text in (*DRAWN, *(BY_LABEL if labelled else ())))


def located(data: str, root: Path | None) -> str:
    """Return the words for the data with the sets taken from a folder."""
    return data if root is None else re.sub(r"\b(mnist|cifar10)\b", lambda found: str(root / found[1]), data)


def measured(name: str, model: str | Path, root: Path | None) -> list[Score]:
    """Measure a model by its recipe's protocols."""
    data = RECIPES[name].data
    found = evaluate(ganzoo.load(model), protocols(name), data=located(data, root))
    return [msgspec.structs.replace(s, value=_short(s.value), data=data if s.data else None) for s in found]


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def scores(name: str, runs: list[Path], root: Path | None) -> list[dict[str, Any]]:
    """Measure the best weights of the first run, and those and the last ones of all of them."""
    known: dict[str, list[Score]] = {}

    def values(folder: Path) -> list[Score]:
        key = sha256(folder / MODEL)  # where the last one is the best one, once
        known[key] = known[key] if key in known else measured(name, folder, root)
        return known[key]

    pairs = [(values(best_of(run)), values(run)) for run in runs]
    seeds = [read_config(run).training["seed"] for run in runs]
    repeated = any((run / BEST).is_dir() for run in runs)
    made = []
    for number, score in enumerate(pairs[0][0]):
        repeats = tuple(
            Repeat(seed=seed, best=best[number].value, last=last[number].value)
            for seed, (best, last) in zip(seeds, pairs, strict=True)
        )
        made.append(msgspec.structs.replace(score, runs=repeats if repeated else ()))
    return [msgspec.to_builtins(score) for score in made]


def best_of(run: Path) -> Path:
    """Return the folder of a run's best model."""
    return run / BEST if (run / BEST).is_dir() else run


def license_of(data: str) -> str:
    """Return the licence of the images, if all of them have one and the same."""
    datasets = installed().datasets
    known = {datasets[one].record.license for one in named_sets(data, installed()) or ()}
    return (known.pop() if len(known) == 1 else None) or "unknown"


def enter(name: str, runs: list[Path], root: Path | None) -> None:
    """Put the model of the first run into the package."""
    run = runs[0]
    shipped = best_of(run)
    written, stats = read_config(run), read_stats(run)
    file = ROOT / "weights" / f"{name}.safetensors"
    shutil.copyfile(shipped / MODEL, file)
    kind = installed().architectures[written.architecture].record.config
    defaults = config_to_dict(kind())
    trained = read_config(shipped).trained
    write(name, {
        "architecture": written.architecture,
        "summary": RECIPES[name].summary,
        "config": {key: value for key, value in written.config.items() if value != defaults[key]},
        "weights": {"file": f"weights/{file.name}", "sha256": sha256(file), "bytes": file.stat().st_size},
        "data": RECIPES[name].data,
        **({"classes": [*written.class_names]} if "classes" in written.config else {}),
        "license": license_of(RECIPES[name].data),
        "trained": {
            "images": trained.images if trained else int(stats[-1]["images"]),
            "seed": written.training["seed"],
            "ganzoo": written.ganzoo,
            "plugin": f"{written.plugin} {written.plugin_version}",
            "minutes": round(stats[-1]["seconds"] / 60, 1),
            "command": command(name),
        },
        "metrics": scores(name, runs, root),
        "digest": digest(ganzoo.load(shipped)),
    })  # fmt: skip


def write(name: str, entry: dict[str, Any]) -> None:
    """Write an entry of registry.yaml, and print it."""
    text = REGISTRY.read_text(encoding="utf-8")
    models = (yaml.safe_load(text) or {}).get("models") or {}
    models[name] = entry
    head = "".join(line + "\n" for line in text.splitlines() if line.startswith("#"))
    body = yaml.safe_dump({"models": dict(sorted(models.items()))}, sort_keys=False, width=120, allow_unicode=True)
    with replacing(REGISTRY) as partial:
        partial.write_text(head + body, encoding="utf-8")
    print(yaml.safe_dump({name: entry}, sort_keys=False, width=120))


def measure(names: list[str], root: Path | None) -> None:
    """Measure bundled models again; the values of other seeds stay as they are."""
    models = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))["models"]
    for name in names or models:
        before = {metric["protocol"]: metric.get("runs") for metric in models[name]["metrics"]}
        found = [msgspec.to_builtins(score) for score in measured(name, name, root)]
        kept = [{**one, **({"runs": runs} if (runs := before.get(one["protocol"])) else {})} for one in found]
        write(name, {**models[name], "metrics": kept})


def turned(model: str, a: str, b: str, root: Path | None) -> None:
    """Print how many real test digits are read as the other kind once a model has translated them, both ways."""
    gan, extractor = ganzoo.load(model), open_extractor(installed(), "mnist-classifier", torch.device("cpu"))
    for source, target, to in ((a, b, "B"), (b, a, "A")):
        digits = open_source(f"{located('mnist', root)}:{source}", split="test")
        store = prepare(digits, {"image": SampleSpec((1, 28, 28))})
        with torch.inference_mode():
            images = gan.translate(store.take("image", torch.arange(len(store))), to=to)
            made = extractor.extract(quantise(images))["logits"].argmax(1)
        print(f"{len(store):,} test digits {source} made {target}: {(made == int(target)).double().mean():.2%} read so")


def main() -> None:
    """Print the commands, enter a model, or measure what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with the data sets mnist and cifar10")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("commands")
    entering = actions.add_parser("enter")
    entering.add_argument("name", choices=RECIPES)
    entering.add_argument("runs", type=Path, nargs="+")
    again = actions.add_parser("measure")
    again.add_argument("names", nargs="*", choices=[*RECIPES, []])
    turning = actions.add_parser("turned")
    for name in ("model", "a", "b"):
        turning.add_argument(name)
    options = parser.parse_args()
    if options.action == "commands":
        for name in RECIPES:
            print(command(name))
    elif options.action == "enter":
        enter(options.name, options.runs, options.root)
    elif options.action == "measure":
        measure(options.names, options.root)
    else:
        turned(options.model, options.a, options.b, options.root)


if __name__ == "__main__":
    main()
