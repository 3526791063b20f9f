"""Types of hyper-parameters that many architectures have, with their bounds and meanings."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ganzoo.registry.image_sizes import Size, Sizes, height_width, size_of, size_text

__all__ = [
    "AnySize", "Beta", "Channels", "Classes", "Critics", "Decay", "DiscriminatorNorm", "DiscriminatorWidth",
    "DoublingSize", "Dropout", "Gamma", "HalfLife", "ImageSize", "Interval", "LatentDim", "LearningRate", "LossName",
    "Output", "Size", "Sizes", "Width", "height_width", "size_of", "size_text", "sizes",
]  # fmt: skip


def sizes(*, multiple_of: int = 1, least: int = 8, most: int = 1024, doubling: bool = False) -> Meta:
    """Return what an architecture says of the images that it can make, for the type of its ``image_size``.

    ``Annotated[fields.Size, fields.sizes(multiple_of=4)]`` takes 64 and 320x448; ``Annotated[int, ...]`` only squares.

    Args:
        multiple_of: of height and width.
        least: of height and width, in pixels.
        most: of height and width, in pixels.
        doubling: a small map is doubled to the image, so both sides are 4 to 16 times the same power of two.
    """
    possible = Sizes(multiple_of=multiple_of, least=least, most=most, doubling=doubling)
    meaning = "height and width of an image, or one number for a square; taken from the data when it trains"
    return Meta(description=meaning, extra={"sizes": possible})


ImageSize = Annotated[
    Literal[16, 28, 32, 64, 128],
    Meta(description="height and width of a square image; taken from the data when it trains"),
]
DoublingSize = Annotated[Size, sizes(doubling=True)]
AnySize = Annotated[Size, sizes()]
Channels = Annotated[
    Literal[1, 3, 4],
    Meta(description="1 for grey, 3 for RGB, 4 for RGB with transparency; taken from the data when it trains"),
]
Classes = Annotated[int, Meta(ge=2, description="number of labels; taken from the data when it trains")]
LatentDim = Annotated[int, Meta(ge=1, le=4096, description="size of the latent, drawn from N(0, 1)")]
Width = Annotated[int, Meta(ge=1, le=4096, description="channels of the generator's last hidden map")]
DiscriminatorWidth = Annotated[int, Meta(ge=1, le=4096, description="channels of the discriminator's first map")]
DiscriminatorNorm = Annotated[
    Literal["batch", "instance", "layer", "none"], Meta(description="normalisation in the discriminator")
]
Output = Annotated[
    Literal["transposed", "conv"],
    Meta(description="how the generator ends: the paper's transposed convolution, or a 3x3 one at full resolution"),
]
LossName = Annotated[
    str,
    Meta(
        description="adversarial loss: minimax, non-saturating, least-squares, hinge, wasserstein, relativistic, "
        "one-sided-smoothing, two-sided-smoothing, "
        "or a plugin's",
        extra={"names": "loss"},
    ),
]
LearningRate = Annotated[float, Meta(gt=0, le=1, description="learning rate")]
Beta = Annotated[float, Meta(ge=0, lt=1, description="Adam beta, the decay rate of a moment estimate")]
Dropout = Annotated[float, Meta(ge=0, lt=1, description="share of the discriminator's features that is dropped")]
HalfLife = Annotated[float, Meta(gt=0, description="half-life of the generator's running average, in images")]
Gamma = Annotated[float, Meta(ge=0, description="weight of the R1 penalty (Mescheder 2018); 0 switches it off")]
Interval = Annotated[int, Meta(ge=1, description="the R1 penalty is computed on each n-th step, times n")]
Decay = Annotated[
    float, Meta(ge=0, le=1, description="share of the training, at its end, in which the learning rate falls to zero")
]
Critics = Annotated[int, Meta(ge=1, le=100, description="critic updates per generator update")]
