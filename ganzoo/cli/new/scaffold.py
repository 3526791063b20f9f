"""Scaffolding: a new architecture's plugin package, written from the files in ``template``."""

from __future__ import annotations

import datetime as dt
import importlib.util
import keyword
import re
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from ganzoo._files import new_folder
from ganzoo._version import __version__
from ganzoo.errors import ConfigError
from ganzoo.registry import Zoo, installed

TEMPLATE = Path(__file__).with_name("template")
PREFIX = "ganzoo-"
RESERVED = {
    "AdversarialGAN", "Annotated", "Architecture", "Discriminator", "Generator", "Iterable", "Meta", "OptimizerSpec",
    "Tensor",
}  # fmt: skip
"""Names that the template's modules import or define."""


class Names(NamedTuple):
    """The names of a new package and its contents."""

    dist: str  # the distribution, "ganzoo-my-gan"
    module: str  # the import package, "ganzoo_my_gan"
    name: str  # the architecture, "my-gan"
    cls: str  # the class, "MyGan"


def names_for(word: str, zoo: Zoo | None = None) -> Names:
    """Derive all names from one: ``my-gan`` and ``ganzoo-my-gan`` give the same."""
    zoo = zoo or installed()
    name = word.removeprefix(PREFIX)
    if not re.fullmatch(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", name) or len(name) > 60:
        raise ConfigError(
            f"'{word}' is not a name for an architecture: lower-case letters, digits, single dashes, as in my-gan"
        )
    dist = f"{PREFIX}{name}"
    module, cls = dist.replace("-", "_"), "".join(part.capitalize() for part in name.split("-"))
    if keyword.iskeyword(cls) or cls in RESERVED:
        raise ConfigError(f"'{name}' would make the class {cls}, which is taken: choose another name")
    if name in zoo.architectures:
        owner = zoo.architectures[name].dist
        raise ConfigError(f"{owner} has an architecture called '{name}' already: choose another name")
    if importlib.util.find_spec(module) is not None:
        raise ConfigError(f"a package {module} is installed already: choose another name")
    if any(metadata.distributions(name=dist)):
        raise ConfigError(f"a distribution {dist} is installed already: choose another name")
    return Names(dist, module, name, cls)


def write_package(names: Names, out: Path) -> list[str]:
    """Write the package into a new folder, whole or not at all; return its files."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} exists and is not an empty folder: nothing is overwritten; name another with --out")
    values = {**names._asdict(), "ganzoo": __version__, "year": str(dt.datetime.now(dt.UTC).year)}
    with new_folder(out) as partial:
        for source in sorted(TEMPLATE.rglob("*.tmpl")):
            target = partial / _place(source.relative_to(TEMPLATE), names)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8")
            target.write_text(re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], text), encoding="utf-8")
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def _place(source: Path, names: Names) -> Path:
    """Return the path in the package of a file of the template."""
    first, *rest = source.with_suffix("").parts
    folders = {"package": [names.module], "workflows": [".github", "workflows"], "gitignore": [".gitignore"]}
    return Path(*folders.get(first, [first]), *rest)
