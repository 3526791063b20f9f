"""The model card (README.md): the Hub's metadata, a part that ganzoo generates between two marks, and a person's text.

The text outside of the marks, and the metadata keys that ganzoo does not know, stay when the card is written again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCardData, RepoCard

from ganzoo.errors import HubError
from ganzoo.hub.search import TAG
from ganzoo.publishing.card_page import END, STARTER, CardFacts, as_list, page_of
from ganzoo.registry import Score

CARD = "README.md"
_BEGIN = re.compile(r"^<!-- ganzoo: `ganzoo publish`", re.MULTILINE)
_END = re.compile(f"^{re.escape(END)}", re.MULTILINE)


def read_card(path: Path) -> str:
    """Return the text of a card."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise HubError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise HubError(f"{path} is not UTF-8: save it again as UTF-8") from error


def parse_card(text: str) -> RepoCard:
    """Parse a card with the Hub client; ``data`` is its metadata, all keys as they were written, ``text`` its page."""
    text = text.removeprefix("\ufeff")
    if not text.lstrip().startswith("---"):
        text = f"---\n{{}}\n---\n{text}"  # the client logs a warning about a card without metadata
    try:
        # Not `ModelCard`: it rewrites the evaluation results, and refuses or drops those that it does not know.
        return RepoCard(text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 2})" if mark else ""
        raise HubError(f"the metadata on top of the card is not a YAML mapping{line}: correct it in {CARD}") from error


def own_words(text: str) -> str:
    """Return what a person wrote of a card: the page without the generated part."""
    return "\n\n".join(part.strip() for part in _around(parse_card(text).text) if part.strip())


def compose(facts: CardFacts, old: str | None = None) -> str:
    """Return the text of a card; of an ``old`` one it keeps what a person wrote."""
    data = _metadata(facts)
    before, after = "", STARTER
    if old is not None:
        card = parse_card(old)
        front: dict[str, Any] = vars(card.data)  # `to_dict` leaves out keys without a value
        own = front.get(TAG)
        ours = [*data["tags"], own.get("architecture") if isinstance(own, dict) else None]
        data["tags"] += [tag for tag in as_list(front.get("tags")) if tag not in ours]
        data = {**front, **data}
        before, after = _around(card.text)
    head = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000)
    page = "\n\n".join(part for part in (before.strip(), page_of(facts), after.strip()) if part)
    return f"---\n{head}---\n\n{page}\n"


def _around(page: str) -> tuple[str, str]:
    """Return the text before and after the generated part; all of a page without one counts as after it."""
    end = _END.search(page)
    begins = [match.start() for match in _BEGIN.finditer(page, 0, end.start())] if end else []
    if end is None or not begins:
        return "", page
    return page[: begins[-1]], page[end.end() :]


def _metadata(facts: CardFacts) -> dict[str, Any]:
    config = facts.config
    results = [
        EvalResult(
            task_type=facts.task,
            dataset_type=_dataset(facts, metric, repo=True),
            dataset_name=_dataset(facts, metric),
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
    # A search shows the architecture without fetching anything; among the tags it could not be identified.
    return {**found, TAG: {"architecture": config.architecture, "data": config.data["name"], "plugin": plugin}}


def _dataset(facts: CardFacts, metric: Score, *, repo: bool = False) -> str:
    """Return the real images of a value; with ``repo`` their repository on the Hub, where they are the model's own."""
    own = str(facts.config.data["name"])
    if repo and metric.data in (None, own) and len(facts.datasets) == 1:
        return facts.datasets[0]
    return metric.data or own
