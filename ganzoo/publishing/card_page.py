"""The generated page of a model card: what the model is, how it was trained, what it scores and how to use it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ganzoo.errors import one_line
from ganzoo.hub.search import TAG
from ganzoo.models.config import ModelConfig
from ganzoo.registry import Architecture
from ganzoo.training.settings import card_settings

BEGIN = "<!-- ganzoo: `ganzoo publish` writes the lines from here to the end mark anew; write before or after them -->"
END = "<!-- ganzoo: end -->"
STARTER = (
    "## Intended use and limits\n\n"
    "For research, teaching and as a start for fine-tuning. It generates images like those it was trained on "
    "and nothing else: it carries over their gaps and biases, some samples are "
    "malformed, and some may be close to a training image. It has not been checked for uses where a wrong or a "
    "recognisable image does harm. Whether the licence of the training images binds its samples is for its user to "
    "find out."
)
_MOST_CLASSES = 100
UNCONDITIONAL, IMAGE_TO_IMAGE = "unconditional-image-generation", "image-to-image"  # tasks, as the Hub calls them


class CardFacts(NamedTuple):
    """What a card is written from."""

    config: ModelConfig
    address: str  # "hf:owner/name"
    architecture: Architecture | None  # None where it is not installed
    datasets: tuple[str, ...]  # their repositories on the Hub
    shape: tuple[int, ...]
    samples: str
    training: bool  # whether the networks that only training needs are published too
    conditions: tuple[str, ...] = ()  # what `sample` takes beside seeds, for instance ("labels",)
    picture: bool = True  # whether samples.png is published too

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.address.partition("@")[0].rpartition("/")[2]

    @property
    def translates(self) -> bool:
        """Whether it is an image-to-image model."""
        return self.architecture is not None and self.architecture.translates

    @property
    def task(self) -> str:
        """The Hub's name of its task."""
        return IMAGE_TO_IMAGE if self.translates else UNCONDITIONAL


def page_of(facts: CardFacts) -> str:
    """Return the generated part of the page, between its marks."""
    shown = "images of the data set, each with the model's output" if facts.translates else "64 samples, seeds 0 to 63"
    sections = [f"# {facts.name}", *([f"![{shown}](samples.png)"] if facts.picture else []), _intro(facts), _use(facts)]
    sections += [_training(facts), _metrics(facts.config), _versions(facts.config)]
    # A config may hold any text: a mark in it must not be mistaken for ganzoo's.
    text = "\n\n".join(sections).replace("<!--", "&lt;!--")
    return f"{BEGIN}\n\n{text}\n\n{END}"


def _intro(facts: CardFacts) -> str:
    config = facts.config
    summary = f" ({facts.architecture.summary})" if facts.architecture else ""
    start = config.training.get("start")
    base = f", fine-tuned from {_line(start)}" if start else ""
    return (
        f"A generative adversarial network: {config.architecture}{summary}, trained on "
        f"{_line(config.data['name'])}{base}. It generates {facts.samples}"
        f"{' from others' if facts.translates else ''}. Load it with ganzoo; the weights are safetensors, "
        "and no code of this repository is run."
    )


def _use(facts: CardFacts) -> str:
    address, shape = facts.address, ", ".join(map(str, facts.shape))
    verb = "translate" if facts.translates else "sample"
    names = ", ".join(f"`{name}`" for name in facts.conditions if not facts.translates or name != "images")
    more = (f"\n\n`gan.{verb}` also takes {names}." if names else "") + _classes(facts)
    package = "" if facts.config.plugin == TAG else f" {facts.config.plugin}"
    if facts.translates:
        code = f"translated = gan.translate(images)  # both (N, {shape}), in [-1, 1]"
        command = f"`ganzoo translate {address} INPUT... -o OUT` translates files"
    else:
        code = f"images = gan.sample(16, seed=0)  # (16, {shape}), float32 in [-1, 1]"
        command = f"`ganzoo sample {address} -n 64 -o grid.png` generates a grid"
    return f"""## Use

```
pip install ganzoo{package}
```

```python
import ganzoo

gan = ganzoo.load("{address}")  # verified, in eval mode
{code}
```

{command}; `ganzoo train --from {address} --data DATA` fine-tunes it on other images.{more}"""


def _classes(facts: CardFacts) -> str:
    """Return the names of the classes that the model can be asked for, and how."""
    names = [one_line(name).replace("`", "'") for name in facts.config.class_names]
    if "labels" not in facts.conditions or not names:
        return ""
    listed = ", ".join(f"`{name}`" for name in names[:_MOST_CLASSES])
    more = f" and {len(names) - _MOST_CLASSES:,} more, which `config.json` lists" if len(names) > _MOST_CLASSES else ""
    last = json.dumps(names[-1], ensure_ascii=False)
    return (
        f"\n\nIts {len(names)} classes are {listed}{more}; they may be given by name: `labels={last}`, or `--labels`."
    )


def _training(facts: CardFacts) -> str:
    config, paper = facts.config, facts.architecture.paper if facts.architecture else None
    named = f"{config.architecture}, {paper}" if paper else config.architecture
    rows: dict[str, Any] = {"architecture": named, "data": _data(config)}
    if trained := config.trained:
        rows["images seen"] = f"{trained.images:,}{f' in {trained.minutes:g} minutes' if trained.minutes else ''}"
        rows["seed"] = trained.seed
        rows |= {"command": f"`{trained.command}`"} if trained.command else {}
    rows |= card_settings(config.training)
    parts = ["## Training", _table(("setting", "value"), rows.items())]
    parts += [_table(("hyper-parameter", "value"), config.config.items())]
    if facts.training:
        parts += ["`training.safetensors` holds the networks that only training needs; fine-tuning starts from them."]
    else:
        parts += ["The networks that only training needs are not published; fine-tuning starts with new ones."]
    return "\n\n".join(parts)


def _metrics(config: ModelConfig) -> str:
    if not config.metrics:
        return "## Metrics\n\nNone was measured."
    rows = [(m.name, f"{m.value:g}", m.protocol, m.data or "") for m in config.metrics]
    parts = ["## Metrics", _table(("metric", "value", "protocol", "real images"), rows)]
    if repeats := [(m.protocol, r.seed, f"{r.best:g}", f"{r.last:g}") for m in config.metrics for r in m.runs]:
        parts += ["The same training with several seeds, each with the value of its best weights and of its last ones:"]
        parts += [_table(("protocol", "seed", "best", "last"), repeats)]
    command = " ".join(f"-m '{m.protocol}'" for m in config.metrics)
    parts += [f"`ganzoo eval MODEL {command}` measures it again. Only values of the same protocol compare."]
    return "\n\n".join(parts)


def _versions(config: ModelConfig) -> str:
    plugin = [(f"plugin {config.plugin}", config.plugin_version)] if config.plugin != TAG else []
    rows = [("ganzoo", config.ganzoo), *plugin, *config.versions.items()]
    rows += [("sha256 of the weights", config.weights.sha256)] if config.weights else []
    return f"## Versions\n\n{_table(('what', 'version'), rows)}"


def _line(text: Any) -> str:
    return " ".join(str(text).split())


def _data(config: ModelConfig) -> str:
    classes = as_list(config.data.get("classes"))
    images = config.data.get("images")
    words = [str(config.data["name"])]
    words += [f"split {config.data['split']}"] if config.data.get("split") else []
    words += [f"{images:,} images"] if isinstance(images, int) else []
    words += [f"{len(classes)} classes"] if classes else []
    return ", ".join(words)


def _table(header: tuple[str, ...], rows: Any) -> str:
    def line(cells: Any) -> str:
        return "| " + " | ".join(" ".join(str(cell).replace("|", "\\|").split()) for cell in cells) + " |"

    return "\n".join([line(header), "|" + "---|" * len(header), *map(line, rows)])


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, none for None, and else one of the value alone."""
    return value if isinstance(value, list) else [] if value is None else [value]
