"""The protocol of a value: how it was measured, as a string. Values of different protocols do not compare."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ganzoo.errors import ConfigError, GanzooError
from ganzoo.registry import Zoo

_COUNT = r"\d{1,12}[kM]?"
_SEED = r"\d{1,19}"
_PATTERN = re.compile(
    rf"(?P<metric>[^\[\]@/#\s]+)(?:\[(?P<extractor>[^\[\]\s]+)\])?@(?P<images>{_COUNT})"
    rf"(?:/(?P<split>[\w.+-]+)(?::(?P<real>{_COUNT}))?)?(?:#(?P<seed>{_SEED}))?",
    re.ASCII,
)
EXAMPLE = "fd[pixels]@10k/test"


@dataclass(frozen=True)
class Protocol:
    """One measurement: ``METRIC[EXTRACTOR]@IMAGES/SPLIT:REAL#SEED``, for instance ``fd[pixels]@10k/test``.

    Args:
        metric: its name in the zoo.
        extractor: of the features, with its arguments (``"timm:resnet18"``); None for a metric of images alone.
        images: number of generated images, with the seeds ``seed`` to ``seed + images - 1``.
        split: of the data set that the real images come from; None for a metric without them.
        real: number of real images, evenly spaced over the split; None takes all of them.
        seed: of the first generated image.
    """

    metric: str
    extractor: str | None = None
    images: int = 10_000
    split: str | None = None
    real: int | None = None
    seed: int = 0

    @classmethod
    def parse(cls, text: str) -> Protocol:
        """Parse a protocol; ``parse(str(protocol)) == protocol``.

        Raises:
            ConfigError: the text is not a protocol; the message shows one.
        """
        match = _PATTERN.fullmatch(text.strip())
        if match is None:
            raise ConfigError(
                f"'{text}' is no protocol: write METRIC[EXTRACTOR]@IMAGES/SPLIT, for instance '{EXAMPLE}', where 10k "
                "images are generated and compared with the real ones of the test split"
            )
        part = match.groupdict()
        images, real = _number(part["images"]), _number(part["real"]) if part["real"] else None
        return cls(part["metric"], part["extractor"], images, part["split"], real, int(part["seed"] or 0))

    def __post_init__(self) -> None:
        """Refuse no images, and a seed out of range, with a ConfigError."""
        if self.images < 1 or (self.real is not None and self.real < 1):
            raise ConfigError(f"'{self}' asks for no images: ask for 1 or more")
        if not 0 <= self.seed <= 2**63 - self.images:
            raise ConfigError(f"'{self}' has seeds outside 0 ... 2**63 - 1")

    def __str__(self) -> str:
        extractor = f"[{self.extractor}]" if self.extractor else ""
        real = f":{_text(self.real)}" if self.real else ""
        split = f"/{self.split}{real}" if self.split else ""
        return f"{self.metric}{extractor}@{_text(self.images)}{split}{f'#{self.seed}' if self.seed else ''}"


def better_of(protocol: str, zoo: Zoo) -> Literal["lower", "higher"] | None:
    """Return which values of a protocol are better; None if it is not valid or its metric is not installed."""
    try:
        return zoo.metrics[Protocol.parse(protocol).metric].record.better
    except GanzooError:
        return None


def sign_of(protocol: str, zoo: Zoo) -> int:
    """Return 1 if lower values of a protocol are better, else -1: the smallest ``sign * value`` is the best."""
    return 1 if better_of(protocol, zoo) == "lower" else -1


def _number(text: str) -> int:
    unit = {"k": 1_000, "M": 1_000_000}.get(text[-1], 1)
    return int(text.rstrip("kM")) * unit


def _text(count: int) -> str:
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if count and count % unit == 0:
            return f"{count // unit}{letter}"
    return str(count)
