"""The model card: the Hub's metadata, and a page that says what the model is, how it was made and how to use it.

What ganzoo writes of the page stands between two marks. What a person writes outside of them, and the metadata keys
that ganzoo does not know, stay when the card is written again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from huggingface_hub import EvalResult, ModelCardData

from ganzoo.errors import HubError
from ganzoo.hub.search import TAG
from ganzoo.modelconfig import ModelConfig
from ganzoo.registry import Architecture, Zoo

CARD = "README.md"
TASK = "unconditional-image-generation"
BEGIN = "<!-- ganzoo: `ganzoo publish` writes the lines from here to the end mark anew; write before or after them -->"
END = "<!-- ganzoo: end -->"
_BEGIN = re.compile(r"^<!-- ganzoo: `ganzoo publish`", re.MULTILINE)
_END = re.compile(f"^{re.escape(END)}", re.MULTILINE)
_RULE = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)


class Facts(NamedTuple):
    """What a card is written from.

    Args:
        config: of the model, as it is published.
        address: it can be loaded from, ``"hf:owner/name"``.
        architecture: its record, or None where it is not installed.
        dataset: its repository on the Hub, or None.
        shape: (C, H, W) of an image.
        training: whether the networks that only training needs come with it.
        conditions: what `sample` takes beside seeds, for instance ``("labels",)``.
    """

    config: ModelConfig
    address: str
    architecture: Architecture | None
    dataset: str | None
    shape: tuple[int, int, int]
    training: bool
    conditions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.address.partition("@")[0].rpartition("/")[2]


def dataset_repo(zoo: Zoo, name: str) -> str | None:
    """Return the Hub's name of a data set, or None for somebody's own images."""
    if name in zoo.datasets:
        return zoo.datasets[name].record.repo
    return name.removeprefix("hf:") if name.startswith("hf:") else None


def compose(facts: Facts, old: str | None = None) -> str:
    """Return the text of a card; of an ``old`` one it keeps what a person wrote.

    Raises:
        HubError: the old card's metadata is no YAML.
    """
    data = _metadata(facts)
    if old is None:
        return _join(data, f"{_page(facts)}\n\n{_starter()}")
    front, body = split(old)
    own = front.get(TAG)
    ours = [*data["tags"], own.get("architecture") if isinstance(own, dict) else None]
    tags = [*data["tags"], *(tag for tag in _list(front.get("tags")) if tag not in ours)]
    merged = {**front, **data, "tags": tags}
    before, after = _around(body)
    parts = [before.strip(), _page(facts), after.strip()]
    return _join(merged, "\n\n".join(part for part in parts if part))


def _around(body: str) -> tuple[str, str]:
    """Return what stands before and after the part that ganzoo writes; of a page without one, all stands after."""
    end = _END.search(body)
    begins = [match.start() for match in _BEGIN.finditer(body, 0, end.start())] if end else []
    if end is None or not begins:
        return "", body
    return body[: begins[-1]], body[end.end() :]


def split(card: str) -> tuple[dict[str, Any], str]:
    """Return a card's metadata and its page.

    Raises:
        HubError: the metadata is no YAML mapping.
    """
    card = card.removeprefix("\ufeff")
    first = _RULE.match(card)
    last = _RULE.search(card, first.end() + 1) if first else None
    if first is None or last is None:
        return {}, card
    try:
        front = yaml.safe_load(card[first.end() : last.start()]) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise HubError(f"the metadata on top of the card is no YAML{line}: mend it in {CARD}") from error
    if not isinstance(front, dict):
        raise HubError(f"the metadata on top of the card is no list of keys and values: mend it in {CARD}")
    return front, card[last.end() :].lstrip("\r\n")


def own_words(card: str) -> str:
    """Return what a person wrote of a card: the page without the part that ganzoo writes."""
    return "\n\n".join(part.strip() for part in _around(split(card)[1]) if part.strip())


def read_card(path: Path) -> str:
    """Return the text of a card.

    Raises:
        HubError: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise HubError(f"{path} is not UTF-8: save it anew as that") from error


def _join(front: Mapping[str, Any], body: str) -> str:
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{head}---\n\n{body.strip()}\n"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _metadata(facts: Facts) -> dict[str, Any]:
    config = facts.config
    results = [
        EvalResult(
            task_type=TASK,
            dataset_type=facts.dataset or config.data["name"],
            dataset_name=config.data["name"],
            metric_type=metric.name,
            metric_value=metric.value,
            metric_args={"protocol": metric.protocol},
        )
        for metric in config.metrics
    ]
    data = ModelCardData(
        library_name=TAG,
        pipeline_tag=TASK,
        license=config.license,
        tags=list(dict.fromkeys(["gan", config.architecture])),
        datasets=[facts.dataset] if facts.dataset else None,
        metrics=[metric.name for metric in config.metrics] or None,
        model_name=facts.name,
        eval_results=results or None,
    )
    found: dict[str, Any] = data.to_dict()  # type: ignore[no-untyped-call]
    found.pop("model_name", None)
    if str(config.training.get("start", "")).startswith("hf:"):
        found["base_model"] = str(config.training["start"]).removeprefix("hf:").partition("@")[0]
    plugin = f"{config.plugin} {config.plugin_version}"
    # A search shows the architecture without fetching anything; a tag alone would not tell which tag it is.
    own = {"architecture": config.architecture, "data": config.data["name"], "plugin": plugin}
    return {**found, TAG: own}


def _page(facts: Facts) -> str:
    picture = "![64 samples, seeds 0 to 63](samples.png)"
    sections = [_intro(facts), _use(facts), _training(facts), _metrics(facts.config), _versions(facts.config)]
    # Whatever a config says, it is text: a mark in it would be taken for ours.
    text = "\n\n".join([f"# {facts.name}", picture, *sections]).replace("<!--", "&lt;!--")
    return f"{BEGIN}\n\n{text}\n\n{END}"


def _intro(facts: Facts) -> str:
    config, (channels, height, width) = facts.config, facts.shape
    summary = f" ({facts.architecture.summary})" if facts.architecture else ""
    colour = "grey" if channels == 1 else "RGB"
    start = config.training.get("start")
    base = f", going on from {_line(start)}" if start else ""
    return (
        f"A generative adversarial network: {config.architecture}{summary}, trained on "
        f"{_line(config.data['name'])}{base}. It draws {colour} images of {height}x{width}. It is loaded by ganzoo; "
        "its weights are safetensors, and nothing of this repository is run."
    )


def _use(facts: Facts) -> str:
    address, shape = facts.address, ", ".join(map(str, facts.shape))
    names = ", ".join(f"`{name}`" for name in facts.conditions)
    more = f"\n\n`gan.sample` also takes {names}." if names else ""
    package = "" if facts.config.plugin == TAG else f" {facts.config.plugin}"
    return f"""## Use

```
pip install ganzoo{package}
```

```python
import ganzoo

gan = ganzoo.load("{address}")  # verified, in eval mode
images = gan.sample(16, seed=0)  # (16, {shape}), float32 in [-1, 1]
```

`ganzoo sample {address} -n 64 -o grid.png` draws a grid; `ganzoo train --from {address} --data FOLDER` goes on training
it on other images.{more}"""


def _training(facts: Facts) -> str:
    config, paper = facts.config, facts.architecture.paper if facts.architecture else None
    named = f"{config.architecture}, {paper}" if paper else config.architecture
    rows: dict[str, Any] = {"architecture": named, "data": _data(config)}
    if trained := config.trained:
        rows["images drawn"] = f"{trained.images:,}{f' in {trained.minutes:g} minutes' if trained.minutes else ''}"
        rows["seed"] = trained.seed
        rows |= {"command": f"`{trained.command}`"} if trained.command else {}
    rows |= {key: config.training[key] for key in ("batch_size", "precision", "start") if config.training.get(key)}
    parts = ["## Training", _table(("setting", "value"), rows.items())]
    parts += [_table(("hyper-parameter", "value"), config.config.items())]
    if facts.training:
        parts += ["`training.safetensors` holds the networks that only training needs; fine-tuning takes them up."]
    else:
        parts += ["The networks that only training needs are not here; fine-tuning begins with new ones."]
    return "\n\n".join(parts)


def _metrics(config: ModelConfig) -> str:
    if not config.metrics:
        return "## Metrics\n\nNone was measured."
    rows = [(metric.name, f"{metric.value:g}", metric.protocol) for metric in config.metrics]
    return f"## Metrics\n\n{_table(('metric', 'value', 'protocol'), rows)}\n\nValues of two protocols do not compare."


def _versions(config: ModelConfig) -> str:
    plugin = [(f"plugin {config.plugin}", config.plugin_version)] if config.plugin != TAG else []
    rows = [("ganzoo", config.ganzoo), *plugin, *config.versions.items()]
    rows += [("sha256 of the weights", config.weights.sha256)] if config.weights else []
    return f"## Versions\n\n{_table(('what', 'version'), rows)}"


def _line(text: Any) -> str:
    return " ".join(str(text).split())


def _data(config: ModelConfig) -> str:
    classes = _list(config.data.get("classes"))
    images = config.data.get("images")
    words = [str(config.data["name"])]
    words += [f"split {config.data['split']}"] if config.data.get("split") else []
    words += [f"{images:,} images"] if isinstance(images, int) else []
    words += [f"{len(classes)} classes"] if classes else []
    return ", ".join(words)


def _starter() -> str:
    return (
        "## Intended use and limits\n\n"
        "For research, teaching and as a start for fine-tuning. It draws what looks like its training images "
        "and nothing else: it carries over what they lack and what they show too often, some samples are "
        "malformed, and some may be close to a training image. Nobody has checked it for use where a wrong or a "
        "recognisable image does harm. Whether the licence of the training images binds its samples is for its user to "
        "find out."
    )


def _table(header: tuple[str, ...], rows: Any) -> str:
    def line(cells: Any) -> str:
        return "| " + " | ".join(" ".join(str(cell).replace("|", "\\|").split()) for cell in cells) + " |"

    return "\n".join([line(header), "|" + "---|" * len(header), *map(line, rows)])
