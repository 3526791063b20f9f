"""What an architecture is written with. Knows nothing of the engine, the registry, the Hub or the command line."""

from ganzoo.gan.adversarial import AdversarialGAN, ConditionalGAN, seeded_normal, truncate
from ganzoo.gan.base import GAN, Batch, Phase, Progress, Stage, Terms
from ganzoo.gan.conditions import condition_values
from ganzoo.gan.image_to_image import Translator
from ganzoo.gan.losses import LOSSES, Loss, get_loss
from ganzoo.gan.optim import OptimizerSpec
from ganzoo.gan.regularizers import Regularizer

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
    "Stage",
    "Terms",
    "Translator",
    "condition_values",
    "get_loss",
    "seeded_normal",
    "truncate",
]
