"""What a GAN generates and is trained on: the shape and the medium of each key of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
from torch import Tensor

from ganzoo.errors import ConfigError, DataError
from ganzoo.registry.image_sizes import height_width

Shape = tuple[int, ...]
PartialShape = tuple[int | None, ...]
"""A shape in which None is a dimension that differs, or is not known yet."""


@dataclass(frozen=True)
class SampleSpec:
    """What one key of a batch holds.

    Args:
        shape: of one sample: (C, H, W) of an image, (C, T) of a sound, (T,) of a text, (C, F, H, W) of a video. None in
            it is taken from the data.
        medium: the kind of sample, a name in the registry (see `ganzoo.media`).
    """

    shape: PartialShape
    medium: str = "image"

    def with_shape_of(self, native: PartialShape, name: str) -> SampleSpec:
        """Return the spec with each None replaced by the dimension of the data.

        Args:
            native: the shape of the data's samples.
            name: of the data, for the message.

        Raises:
            DataError: the data's samples have another rank, or differ in a dimension that this spec leaves open.
        """
        if len(native) != len(self.shape):
            raise DataError(f"{name} has samples of {len(native)} dimensions, and the model takes {len(self.shape)}")
        shape = tuple(size if own is None else own for own, size in zip(self.shape, native, strict=True))
        if None in shape:
            raise DataError(f"{name} has samples of several sizes, and the model sets none: bring them to one size")
        return replace(self, shape=shape)

    @property
    def size(self) -> Shape:
        """The shape, where every dimension is known."""
        if None in self.shape:
            raise ConfigError(f"the size of the samples, {text_of(self.shape)}, is not known before the data is")
        return tuple(size for size in self.shape if size is not None)


def image_spec(config: Any) -> SampleSpec:
    """Return the spec of images of the config's ``channels`` and ``image_size``, where it has them."""
    size = getattr(config, "image_size", None)
    height, width = (None, None) if size is None else height_width(size)
    return SampleSpec((getattr(config, "channels", None), height, width))


def text_of(shape: PartialShape) -> str:
    """Return a shape as text, for instance ``"(3, 64, ?)"``."""
    return f"({', '.join('?' if size is None else str(size) for size in shape)})"


def check_samples(samples: Any, spec: SampleSpec, what: str = "images") -> None:
    """Check samples (N, ...) that a model is to translate.

    Raises:
        ConfigError: they are no floating-point tensor in [-1, 1] of this shape.
    """
    if not isinstance(samples, Tensor):
        raise ConfigError(f"{what} must be a tensor, not {type(samples).__name__}: ganzoo.translate takes files too")
    shape = tuple(samples.shape[1:])
    if len(shape) != len(spec.shape) or any(own not in (None, got) for own, got in zip(spec.shape, shape, strict=True)):
        raise ConfigError(f"{what} must have the shape (N, {text_of(spec.shape)[1:]}, not {tuple(samples.shape)}")
    if not (samples.is_floating_point() and bool((samples.abs() <= 1).all())):  # which NaN is not either
        raise ConfigError(f"{what} must be floating point numbers in [-1, 1]")


Specs = Mapping[str, SampleSpec]
"""The specs of a batch by key."""


Fit = Literal["crop", "pad", "stretch"]


@dataclass(frozen=True)
class Reading:
    """How samples are brought to a shape.

    Args:
        fit: ``"crop"`` fills the shape and cuts the rest off at the centre, ``"pad"`` shows all and fills the rest with
            the background, ``"stretch"`` ignores the proportions.
        background: of what is transparent or padded: ``"white"``, ``"black"`` or ``"#rrggbb"``.
        survey: what `Medium.survey` found in the whole set.
    """

    fit: Fit = "crop"
    background: str = "white"
    survey: Mapping[str, Any] = field(default_factory=dict)


DEFAULT_READING = Reading()


def reading_of(training: Mapping[str, Any]) -> Reading:
    """Return the reading among the settings of a training, those of a ``config.json``, which may hold anything."""
    try:
        return msgspec.convert({k: training[k] for k in ("fit", "background") if k in training}, Reading)
    except msgspec.ValidationError:
        return DEFAULT_READING
