"""The interface of a medium, and the encoded items that it reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganzoo.errors import ConfigError, DataError
from ganzoo.gan.sample_spec import DEFAULT_READING, PartialShape, Reading, Shape
from ganzoo.media.grids import grid_of


class Item(NamedTuple):
    """One sample, encoded or decoded, with its label and its location for error messages."""

    image: bytes | Path | NDArray[Any] | Image.Image
    label: int | None
    where: str

    @property
    def held(self) -> int:
        """Bytes of it that are in memory."""
        if isinstance(self.image, Image.Image):
            return 4 * self.image.width * self.image.height
        if isinstance(self.image, Path):
            return 0
        return self.image.nbytes if isinstance(self.image, np.ndarray) else len(self.image)


class Sample(NamedTuple):
    """A sample in the storage form, and what was changed in it, for the line that describes a data set."""

    stored: NDArray[Any]
    notes: tuple[str, ...] = ()


class SurveyNeededError(Exception):
    """Raised by `Medium.read` where a sample cannot be read before `Medium.survey` has seen the whole set."""


class Medium(ABC):
    """A kind of sample. It has no state; one instance serves all threads.

    A sample has three forms: encoded (a file), *stored* (a numpy array as it lies in the cache, for instance uint8) and
    as networks see it (a float tensor).

    Attributes:
        suffix: of the file that `write` makes, with its dot.
        noun: what one sample is called in messages, in the singular.
        dtype: of stored samples.
    """

    suffix: ClassVar[str]
    noun: ClassVar[str]
    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.uint8)

    @abstractmethod
    def native(self, items: Iterable[Item]) -> PartialShape:
        """Return the shape that these samples have; None is a dimension in which they differ.

        Raises:
            DataError: none of them can be read.
        """

    def hyperparameters(self, shape: PartialShape) -> dict[str, Any]:
        """Return the hyper-parameters that data of this shape sets; None is the value of one that differs."""
        return {}

    def trials(self) -> list[dict[str, Any]]:
        """Return hyper-parameters that the conformance kit tries: kinds of samples that an architecture may make."""
        return [{}]

    def check(self, reading: Reading) -> None:
        """Refuse a way of reading that makes no sense for this medium.

        Raises:
            ConfigError: the text names what to leave out or to say instead.
        """
        if reading.background != DEFAULT_READING.background:
            raise ConfigError(f"a {self.noun} has no background: leave it out")

    def survey(self, items: Iterable[Item]) -> dict[str, Any]:
        """Return what must be known of the whole set before one sample is read, in JSON types."""
        return {}

    @abstractmethod
    def read(self, item: Item, shape: Shape, reading: Reading) -> Sample:
        """Return one sample in the storage form, brought to ``shape``.

        Raises:
            DataError: it cannot be read; the text names it.
            SurveyNeededError: the reading has no survey, and this sample needs one.
        """

    @abstractmethod
    def describe(self, shape: Shape, reading: Reading) -> str:
        """Describe in a few words what samples are brought to: ``"64x64 RGB"``."""

    @abstractmethod
    def to_model(self, stored: Tensor) -> Tensor:
        """Return stored samples (N, ...) as networks see them, float32 in [-1, 1], on their device."""

    @abstractmethod
    def to_storage(self, samples: Tensor) -> Tensor:
        """Return samples (N, ...) of a network in the storage form, on their device."""

    @abstractmethod
    def write(self, stored: NDArray[Any], path: Path) -> None:
        """Write one stored sample as a file."""

    @abstractmethod
    def picture(self, stored: NDArray[Any]) -> Image.Image:
        """Return a picture of one stored sample: itself, a waveform, lines of text, a film strip."""

    def preview(self, stored: NDArray[Any], columns: int | None = None) -> Image.Image:
        """Return one picture of stored samples (N, ...), row by row, as square as can be without ``columns``."""
        return grid_of([self.picture(one) for one in stored], columns)

    def array(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return stored samples (N, ...) in the order of axes of array files (.npz)."""
        return stored

    def encode(self, stored: NDArray[Any]) -> bytes:
        """Return one stored sample, encoded without loss for a cache that is too large to hold arrays."""
        return np.ascontiguousarray(stored).tobytes()

    def decode(self, data: bytes, shape: Shape) -> NDArray[Any]:
        """Return the stored sample that `encode` encoded."""
        return np.frombuffer(data, self.dtype).reshape(shape)

    def reduce(self, samples: Tensor, resolution: int | Sequence[int]) -> Tensor:
        """Return samples of a network at a lower resolution.

        Raises:
            DataError: this medium has no resolution.
        """
        raise DataError(
            f"samples of shape {tuple(samples.shape[1:])} have no resolution to reduce: only images (C, H, W) do"
        )


def why(error: Exception) -> str:
    """Return the cause of an error in one line."""
    text = getattr(error, "strerror", None) or str(error).partition("<_io")[0]
    return " ".join(text.split()) or type(error).__name__
