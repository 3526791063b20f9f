"""What a run's settings add to an architecture's own game: nothing of it knows which architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from accelerate import Accelerator

from ganzoo.gan import GAN
from ganzoo.gan.optim import replaced
from ganzoo.gan.schedules import lr_schedule
from ganzoo.training.discriminator_inputs import ADAPTIVE, Augmentation
from ganzoo.training.ema import EMA
from ganzoo.training.gradients import Treatment
from ganzoo.training.settings import Settings
from ganzoo.training.state import State
from ganzoo.training.sync_norm import synchronise


@dataclass(frozen=True)
class Recipe:
    """How updates are made, beside what the phases say.

    Args:
        accumulate: parts that a batch is computed in before its one update.
        schedule: images drawn so far to a factor on the learning rates, beside that of `GAN.lr_scale`.
        treatment: what is done to the gradients of an update.
    """

    accumulate: int = 1
    schedule: Callable[[int], float] = lambda seen: 1.0
    treatment: Treatment = field(default_factory=Treatment)


def make_recipe(settings: Settings) -> Recipe:
    """Return how the updates of a run are made."""
    skip_bad = settings.on_nan == "skip"
    return Recipe(
        settings.accumulate,
        lr_schedule(settings.schedule, settings.images, settings.warmup),
        Treatment(settings.clip_grad, settings.clip_mode, settings.l1, settings.l2, skip_bad=skip_bad),
    )


def make_state(gan: GAN, settings: Settings, accelerator: Accelerator) -> State:
    """Return what a run trains, at its beginning; ``gan`` is on its device.

    Raises:
        ConfigError: timm has no such optimizer.
    """
    if settings.sync_batch_norm:
        synchronise(gan, accelerator.num_processes)
    optimizers = gan.optimizers()
    if settings.optimizer is not None:
        optimizers = {name: replaced(own, settings.optimizer) for name, own in optimizers.items()}
    augmentation = None
    if settings.augment is not None or settings.instance_noise:
        # A loss that a plugin has is looked up only where it is asked how it says that it cannot tell.
        decision_boundary = (gan.decision_boundary or 0.0) if settings.augment == ADAPTIVE else 0.0
        augmentation = Augmentation(
            settings.augment, noise=settings.instance_noise, decision_boundary=decision_boundary
        )
        augmentation.to(accelerator.device)
    return State(gan, EMA(gan), optimizers, augmentation=augmentation)
