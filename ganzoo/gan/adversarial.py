"""The usual GAN: one generator, one discriminator, a named loss. Most plugins need only this."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.gan.base import GAN
from ganzoo.gan.latents import condition_values, seeded_normal, truncate
from ganzoo.gan.losses import Loss, get_loss
from ganzoo.gan.optim import OptimizerSpec
from ganzoo.gan.phases import Batch, Phase, Progress, Stage, Terms
from ganzoo.gan.regularizers import Regularizer
from ganzoo.gan.schedules import Schedule, constant
from ganzoo.nn.layers import uses_batch_statistics
from ganzoo.nn.renamed import renamed_arguments


class AdversarialGAN(GAN):
    """A generator against a discriminator (a critic, for the Wasserstein loss).

    With one discriminator update per generator update, the generator is updated first and the discriminator sees the
    same fakes, so that a step runs the generator once. With ``n_critic`` > 1 the critic is updated first, each time on
    new fakes.

    Args:
        config: the architecture's hyper-parameters.
        generator: latent (N, ``latent_dim``) to samples (N, ...), for images (N, C, H, W) in [-1, 1].
        discriminator: samples to logits (N,).
        latent_dim: size of the latent, drawn from N(0, 1).
        loss: a name in `LOSSES`, or a `Loss`.
        regularizers: penalties on the discriminator.
        optimizer: of both networks, unless ``discriminator_optimizer`` is given.
        n_critic: discriminator updates per generator update.
        after_critic: called after each discriminator update, for instance to clip its weights.
        lr_schedule: progress to a factor on the learning rates.
        ema: half-life of the generator's running average, in images.
    """

    def __init__(
        self,
        config: Any,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        latent_dim: int,
        optimizer: OptimizerSpec,
        discriminator_optimizer: OptimizerSpec | None = None,
        loss: str | Loss = "non-saturating",
        regularizers: Sequence[Regularizer] = (),
        n_critic: int = 1,
        after_critic: Callable[[], None] | None = None,
        lr_schedule: Schedule = constant,
        ema: float = 10_000,
    ) -> None:
        super().__init__()
        self.config = config
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = latent_dim
        self._loss = loss
        self.regularizers = tuple(regularizers)
        self.optimizer_specs = {"G": optimizer, "D": discriminator_optimizer or optimizer}
        self.n_critic = n_critic
        self.after_critic = after_critic
        self.lr_schedule = lr_schedule
        self.ema = {"generator": ema}
        # Each half of a joint batch would be normalised with the statistics of both.
        self.joint = not uses_batch_statistics(discriminator)

    @functools.cached_property
    def loss(self) -> Loss:
        """The loss. A name is looked up when it is first needed, as sampling works without the plugin that provides it.

        Raises:
            ConfigError: there is no such loss.
        """
        return get_loss(self._loss) if isinstance(self._loss, str) else self._loss

    @property
    def decision_boundary(self) -> float | None:  # type: ignore[override]
        """The logit at which real and generated are equally likely: that of the loss."""
        return self.loss.decision_boundary

    def optimizers(self) -> dict[str, Optimizer]:
        """Return one optimizer for the generator and one for the discriminator."""
        networks = {"G": self.generator, "D": self.discriminator}
        return {name: self.optimizer_specs[name].build(network.parameters()) for name, network in networks.items()}

    def stages(self) -> Sequence[Stage]:
        """Return the one stage of two phases."""
        g = Phase("G", "G", self.generator_loss)
        d = Phase("D", "D", self.discriminator_loss, repeat=self.n_critic, after=self.after_critic)
        return [Stage([g, d] if self.n_critic == 1 else [d, g])]

    @renamed_arguments(tick="progress")
    def lr_scale(self, progress: Progress) -> float:
        """Follow ``lr_schedule``."""
        return self.lr_schedule(progress.fraction)

    def real(self, batch: Batch) -> Tensor:
        """Return the real samples of a batch: those of the medium that `sample_specs` says."""
        samples: Tensor = batch[next(iter(self.sample_specs))]
        return samples

    def latents(self, batch: Batch) -> Tensor:
        """Return random latents (N, D) for a training batch."""
        real = self.real(batch)
        return torch.randn(len(real), self.latent_dim, device=real.device)

    def fakes(self, batch: Batch) -> Tensor:
        """Return samples generated from random latents."""
        images: Tensor = self.generator(self.latents(batch))
        return images

    def logits(self, images: Tensor, batch: Batch, copies: int = 1) -> Tensor:
        """Return the discriminator's logits, in float32; ``images`` is ``copies`` batches one after the other."""
        logits: Tensor = self.discriminator(images)
        return logits.float()

    def both_logits(self, real: Tensor, fake: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the logits of real samples and of fakes, in one pass without batch statistics."""
        if self.joint:
            on_real, on_fake = self.logits(torch.cat([real, fake]), batch, 2).chunk(2)
            return on_real, on_fake
        return self.logits(real, batch), self.logits(fake, batch)

    @renamed_arguments(tick="progress")
    def generator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the generator's loss and leave the fakes for the discriminator."""
        fake = self.fakes(batch)
        if self.n_critic == 1:
            batch["fake"] = fake.detach()
        if self.loss.relativistic:
            with torch.no_grad():  # real images give the generator no gradient
                on_real = self.logits(self.real(batch), batch)
            yield {"loss": self.loss.generator(on_real, self.logits(fake, batch))}
        else:
            yield {"loss": self.loss.generator(self.logits(fake, batch))}

    @renamed_arguments(tick="progress")
    def discriminator_loss(self, batch: Batch, progress: Progress) -> Iterator[Terms]:
        """Yield the discriminator's loss, then each regulariser that is due."""
        real = self.real(batch)
        fake = batch.pop("fake", None)
        if fake is None:
            with torch.no_grad():
                fake = self.fakes(batch)
        on_real, on_fake = self.both_logits(real, fake, batch)
        yield {
            "loss": self.loss.discriminator(on_real, on_fake),
            "real": on_real.detach(),
            "fake": on_fake.detach(),
        }
        for regularizer in self.regularizers:
            if progress.step % regularizer.every == 0:
                penalty = regularizer.penalty(lambda images: self.logits(images, batch), real, fake)
                yield {regularizer.name: penalty * regularizer.every}

    def inputs(
        self, n: int, *, seeds: Sequence[int], truncation: Sequence[float] | float | None = None
    ) -> dict[str, Tensor]:
        """Return ``{"latent": (n, D)}``, row i from N(0, 1) seeded with ``seeds[i]``.

        Args:
            n: number of images.
            seeds: one per image.
            truncation: sample from a normal distribution cut at this many standard deviations, of each image or of all
                (Brock 2019, section 3.1): smaller is more typical and less varied. None does not cut.
        """
        return {"latent": truncate(seeded_normal(seeds, self.latent_dim), truncation)}

    def generate(self, **inputs: Tensor) -> Tensor:
        """Return samples (N, ...) for ``latent`` (N, D)."""
        images: Tensor = self.generator(inputs["latent"])
        return images


class ConditionalGAN(AdversarialGAN):
    """An `AdversarialGAN` whose networks also take a label (N,), as their second argument.

    The config has the number of classes as ``classes``.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"image", "label"})

    def fakes(self, batch: Batch) -> Tensor:
        """Return samples generated from random latents and the labels of the batch."""
        images: Tensor = self.generator(self.latents(batch), batch["label"])
        return images

    def logits(self, images: Tensor, batch: Batch, copies: int = 1) -> Tensor:
        """Return the discriminator's logits for the images under the labels of the batch."""
        logits: Tensor = self.discriminator(images, batch["label"].repeat(copies))
        return logits.float()

    def inputs(
        self,
        n: int,
        *,
        seeds: Sequence[int],
        labels: Sequence[int] | int | None = None,
        truncation: Sequence[float] | float | None = None,
    ) -> dict[str, Tensor]:
        """Return ``{"latent": (n, D), "label": (n,)}``.

        Args:
            n: number of images.
            seeds: one per image.
            labels: the class of each image, or one for all; by default the seed modulo the number of classes.
            truncation: see `AdversarialGAN.inputs`.

        Raises:
            ConfigError: a label out of range, or not as many labels as images.
        """
        classes = self.config.classes
        chosen = [seed % classes for seed in seeds] if labels is None else labels
        label = condition_values("labels", chosen, n, below=classes)
        return {**super().inputs(n, seeds=seeds, truncation=truncation), "label": label}

    def generate(self, **inputs: Tensor) -> Tensor:
        """Return samples (N, ...) for ``latent`` (N, D) and ``label`` (N,)."""
        images: Tensor = self.generator(inputs["latent"], inputs["label"])
        return images
