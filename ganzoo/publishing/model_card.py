"""The model card: the Hub's metadata, and a page that says what the model is, how it was made and how to use it.

What ganzoo writes of the page stands between two marks. What a person writes outside of them, and the metadata keys
that ganzoo does not know, stay when the card is written again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from huggingface_hub import EvalResult, ModelCardData

from ganzoo.hub.search import TAG
from ganzoo.models.config import ModelConfig
from ganzoo.publishing.cardtext import BEGIN, END, around, as_list, join, split
from ganzoo.registry import Architecture, Score, Zoo
from ganzoo.training.settings import card_settings

DRAWING, TRANSLATING = "unconditional-image-generation", "image-to-image"  # tasks, as the Hub calls them


class Facts(NamedTuple):
    """What a card is written from.

    Args:
        config: of the model, as it is published.
        address: it can be loaded from, ``"hf:owner/name"``.
        architecture: its record, or None where it is not installed.
        datasets: their repositories on the Hub.
        shape: (C, H, W) of an image.
        training: whether the networks that only training needs come with it.
        conditions: what `sample` takes beside seeds, for instance ``("labels",)``.
        picture: whether ``samples.png`` comes with it.
    """

    config: ModelConfig
    address: str
    architecture: Architecture | None
    datasets: tuple[str, ...]
    shape: tuple[int, int, int]
    training: bool
    conditions: tuple[str, ...] = ()
    picture: bool = True

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.address.partition("@")[0].rpartition("/")[2]

    @property
    def translates(self) -> bool:
        """It makes images of images."""
        return self.architecture is not None and self.architecture.translates

    @property
    def task(self) -> str:
        """What the Hub calls what it does."""
        return TRANSLATING if self.translates else DRAWING


def dataset_repo(zoo: Zoo, name: str) -> str:
    """Return the Hub's name of a data set of the zoo (``"mnist"``) or the Hub (``"hf:owner/name"``)."""
    return zoo.datasets[name].record.repo if name in zoo.datasets else name.removeprefix("hf:")


def compose(facts: Facts, old: str | None = None) -> str:
    """Return the text of a card; of an ``old`` one it keeps what a person wrote.

    Raises:
        HubError: the old card's metadata is no YAML.
    """
    data = _metadata(facts)
    if old is None:
        return join(data, f"{_page(facts)}\n\n{_starter()}")
    front, body = split(old)
    own = front.get(TAG)
    ours = [*data["tags"], own.get("architecture") if isinstance(own, dict) else None]
    tags = [*data["tags"], *(tag for tag in as_list(front.get("tags")) if tag not in ours)]
    merged = {**front, **data, "tags": tags}
    before, after = around(body)
    parts = [before.strip(), _page(facts), after.strip()]
    return join(merged, "\n\n".join(part for part in parts if part))


def _metadata(facts: Facts) -> dict[str, Any]:
    config = facts.config
    results = [
        EvalResult(
            task_type=facts.task,
            dataset_type=facts.datasets[0]
            if _own(metric, config) and len(facts.datasets) == 1
            else _data_of(metric, config),
            dataset_name=_data_of(metric, config),
            metric_type=metric.name,
            metric_value=metric.value,
            metric_args={key: getattr(metric, key) for key in ("protocol", "weights") if getattr(metric, key)},
        )
        for metric in config.metrics
    ]
    data = ModelCardData(
        library_name=TAG,
        pipeline_tag=facts.task,
        license=config.license,
        tags=list(dict.fromkeys(["gan", config.architecture])),
        datasets=list(facts.datasets) or None,
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
    if facts.translates:
        picture = "![images of the data set, each with what the model makes of it](samples.png)"
    sections = [
        *([picture] if facts.picture else []),
        _intro(facts),
        _use(facts),
        _training(facts),
        _metrics(facts.config),
        _versions(facts.config),
    ]
    # Whatever a config says, it is text: a mark in it would be taken for ours.
    text = "\n\n".join([f"# {facts.name}", *sections]).replace("<!--", "&lt;!--")
    return f"{BEGIN}\n\n{text}\n\n{END}"


def _intro(facts: Facts) -> str:
    config, (channels, height, width) = facts.config, facts.shape
    summary = f" ({facts.architecture.summary})" if facts.architecture else ""
    colour = "grey" if channels == 1 else "RGB"
    start = config.training.get("start")
    base = f", going on from {_line(start)}" if start else ""
    return (
        f"A generative adversarial network: {config.architecture}{summary}, trained on "
        f"{_line(config.data['name'])}{base}. It {'makes' if facts.translates else 'draws'} {colour} images of "
        f"{height}x{width}{' of such images' if facts.translates else ''}. It is loaded by ganzoo; "
        "its weights are safetensors, and nothing of this repository is run."
    )


def _use(facts: Facts) -> str:
    address, shape = facts.address, ", ".join(map(str, facts.shape))
    verb = "translate" if facts.translates else "sample"
    names = ", ".join(f"`{name}`" for name in facts.conditions if not facts.translates or name != "images")
    more = f"\n\n`gan.{verb}` also takes {names}." if names else ""
    package = "" if facts.config.plugin == TAG else f" {facts.config.plugin}"
    if facts.translates:
        code = f"made = gan.translate(images)  # both (N, {shape}), in [-1, 1]"
        command = f"`ganzoo translate {address} INPUT... -o OUT` does so with files"
    else:
        code = f"images = gan.sample(16, seed=0)  # (16, {shape}), float32 in [-1, 1]"
        command = f"`ganzoo sample {address} -n 64 -o grid.png` draws a grid"
    return f"""## Use

```
pip install ganzoo{package}
```

```python
import ganzoo

gan = ganzoo.load("{address}")  # verified, in eval mode
{code}
```

{command}; `ganzoo train --from {address} --data DATA` goes on training it on other images.{more}"""


def _training(facts: Facts) -> str:
    config, paper = facts.config, facts.architecture.paper if facts.architecture else None
    named = f"{config.architecture}, {paper}" if paper else config.architecture
    rows: dict[str, Any] = {"architecture": named, "data": _data(config)}
    if trained := config.trained:
        rows["images drawn"] = f"{trained.images:,}{f' in {trained.minutes:g} minutes' if trained.minutes else ''}"
        rows["seed"] = trained.seed
        rows |= {"command": f"`{trained.command}`"} if trained.command else {}
    rows |= card_settings(config.training)
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
    rows = [(m.name, f"{m.value:g}", m.protocol, m.data or "") for m in config.metrics]
    parts = ["## Metrics", _table(("metric", "value", "protocol", "real images"), rows)]
    if repeats := [(m.protocol, r.seed, f"{r.best:g}", f"{r.last:g}") for m in config.metrics for r in m.runs]:
        parts += ["Equal trainings, each with the value of its best weights and of its last ones:"]
        parts += [_table(("protocol", "seed", "best", "last"), repeats)]
    command = " ".join(f"-m '{m.protocol}'" for m in config.metrics)
    return "\n\n".join(
        [*parts, f"`ganzoo eval MODEL {command}` measures it again. Values of two protocols do not compare."]
    )


def _own(metric: Score, config: ModelConfig) -> bool:
    return metric.data in (None, config.data["name"])


def _data_of(metric: Score, config: ModelConfig) -> str:
    return str(metric.data or config.data["name"])


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
