"""CLIP's image embedding."""

from __future__ import annotations

from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo_metrics.backbones import Backbone, projects, resolve
from ganzoo_metrics.words import kind_of

DEFAULT = "vit_base_patch32_clip_quickgelu_224.openai"


class Clip(Backbone):
    """Images (N, C, H, W) uint8 to ``features`` (N, D): CLIP's embedding of them (Radford 2021, arXiv:2103.00020).

    The image half of a CLIP model of timm with its projection, not normalised to length 1; D is 512 for the default,
    ViT-B/32 of OpenAI. Resizing, normalising, arguments and weights are those of `Backbone`.

    Args:
        name: a timm model with a projection; the default if the first argument is not a name.
        words: arguments of `Backbone`.

    Raises:
        ConfigError: the model has no projection, or is not the network that its weights were trained in.
    """

    called = "clip"

    def __init__(self, name: str = DEFAULT, *words: str) -> None:
        if kind_of(name) is not None:
            name, words = DEFAULT, (name, *words)
        full, settings = resolve(self.called, name)
        if not projects(full) or not getattr(settings, "num_classes", 0):
            raise ConfigError(f"{full} has no projection of CLIP: say timm:{full}, or a model like {DEFAULT}")
        notes = " ".join(getattr(settings, "notes", None) or ())
        if "natively QuickGELU" in notes and "quickgelu" not in full:
            meant = full.replace("_clip_", "_clip_quickgelu_")
            raise ConfigError(
                f"{full} is the network with another activation than its weights were trained with: say clip:{meant}"
            )
        super().__init__(name, *words)

    def heads(self, maps: Tensor) -> dict[str, Tensor]:
        """Return the projection."""
        return {"features": self.model.forward_head(maps)}
