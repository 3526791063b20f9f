"""What an architecture is written with. Knows nothing of the engine, the registry, the Hub or the command line."""

import sys
from importlib import import_module

from ganzoo.gan.adversarial import AdversarialGAN, ConditionalGAN
from ganzoo.gan.base import GAN
from ganzoo.gan.image_to_image import Translator
from ganzoo.gan.latents import condition_values, seeded_normal, truncate
from ganzoo.gan.losses import LOSSES, Loss, get_loss
from ganzoo.gan.optim import OptimizerSpec
from ganzoo.gan.phases import Batch, Phase, Progress, Stage, Terms
from ganzoo.gan.regularizers import Regularizer
from ganzoo.gan.sample_spec import SampleSpec
from ganzoo.nn.renamed import renamed_names

__all__ = [
    "GAN",
    "LOSSES",
    "AdversarialGAN",
    "Batch",
    "ConditionalGAN",
    "Loss",
    "OptimizerSpec",
    "Phase",
    "Progress",
    "Regularizer",
    "SampleSpec",
    "Stage",
    "Terms",
    "Translator",
    "condition_values",
    "get_loss",
    "seeded_normal",
    "truncate",
]

__getattr__ = renamed_names(__name__, Tick="Progress")

# Import paths of the first edition.
for _old, _new in {
    "layers": "ganzoo.nn.layers",
    "convnets": "ganzoo.nn.convnets",
    "resnets": "ganzoo.nn.resnets",
    "equalized": "ganzoo.nn.equalized",
    "patches": "ganzoo.nn.patchgan",
    "contract": "ganzoo.gan.base",
    "conditions": "ganzoo.gan.latents",
    "translation": "ganzoo.gan.image_to_image",
}.items():
    sys.modules[f"{__name__}.{_old}"] = globals()[_old] = import_module(_new)
