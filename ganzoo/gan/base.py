"""The contract between an architecture and the engine.

A `GAN` has networks, optimizers over some of them, and phases that run in order. The engine calls
backward and the optimizers, casts, averages across processes and reports.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.errors import ConfigError
from ganzoo.gan.latents import sampling_inputs
from ganzoo.gan.phases import Batch, Phase, Progress, Stage, Terms
from ganzoo.gan.sample_spec import DEFAULT_READING, Reading, SampleSpec, check_samples, image_spec
from ganzoo.nn.renamed import renamed_arguments, renamed_attributes, renamed_names

__all__ = ["GAN", "Batch", "Phase", "Progress", "Stage", "Terms"]  # the first edition had all of them here
__getattr__ = renamed_names(__name__, Tick="Progress")


@renamed_attributes(
    spherical="gaussian_inputs", undecided="decision_boundary", draw="generate_batches", way="direction"
)
class GAN(nn.Module):
    """The base of all architectures. Networks are submodules; randomness comes from torch's default generators.

    Attributes:
        needs: keys that a batch must have; checked against the data before training.
        ema: network name to half-life in images: which networks keep a running average of their weights.
        inference: names of the networks that `generate` and the conditions of `inputs` use; these make up
            ``model.safetensors``, and a model that is loaded has no others.
        gaussian_inputs: names of the `inputs` that come from a normal distribution, between which interpolation is
            spherical; None for all of floating point. The others are interpolated linearly.
        translations: pairs (from, to) of keys of a batch, for a GAN that makes images of images: `inputs` then takes
            the condition ``images`` and, where there are several pairs, ``to``.
        discriminators: names of the networks that tell real from generated samples, their first argument, which
            the engine's augmentations change.
        decision_boundary: the logit at which real and generated are equally likely, 0 in most losses; None where no
            value means that, as with a critic. Adaptive augmentation compares the terms called ``real...``,
            the logits of real samples, with it.
        class_names: of the labels 0, 1, ... of the data that it was trained on, set by the engine and by `load`: the
            condition ``labels`` may be given by name. Empty where they are not known.
        reading: how the samples that it was trained on were brought to their shape; others are brought to it alike.
        config: the instance of the architecture's config dataclass.
        origin: where its weights came from, so that they can be loaded again (``"hf:owner/name@COMMIT"``, a name of the
            zoo, a folder); None for an untrained model.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"image"})
    ema: Mapping[str, float] = {"generator": 10_000}
    inference: Sequence[str] = ("generator",)
    gaussian_inputs: Sequence[str] | None = None
    translations: Sequence[tuple[str, str]] = ()
    discriminators: Sequence[str] = ("discriminator",)
    decision_boundary: float | None = 0.0
    class_names: Sequence[str] = ()
    reading: Reading = DEFAULT_READING
    config: Any
    origin: str | None = None

    @functools.cached_property
    def sample_specs(self) -> Mapping[str, SampleSpec]:
        """Shape and medium of each key of a batch; a subclass may set an attribute of this name.

        The first one, or the target of a translation, is what `generate` makes. By default images of the config's
        ``channels`` and ``image_size``, for ``image`` or for the keys of `translations`.
        """
        keys = dict.fromkeys(key for pair in self.translations for key in pair) or ("image",)
        return dict.fromkeys(keys, image_spec(self.config))

    def optimizers(self) -> dict[str, Optimizer]:
        """Return the optimizers by name; called once, after the networks are on their device."""
        raise NotImplementedError

    def stages(self) -> Sequence[Stage]:
        """Return the stages in order; called once, before training."""
        raise NotImplementedError

    def inputs(self, n: int, *, seeds: Sequence[int]) -> dict[str, Tensor]:
        """Return what `generate` takes for ``n`` images, every tensor with ``n`` rows, on the CPU.

        Row i depends on ``seeds[i]`` and the conditions of image i alone. Keyword-only parameters that a subclass
        adds are the conditions that `sample` accepts (``labels``, ``truncation``, ...).
        """
        raise NotImplementedError

    def generate(self, **inputs: Tensor) -> Tensor:
        """Return samples (N, ...) in [-1, 1], images (N, C, H, W); each depends on its row of the inputs only."""
        raise NotImplementedError

    @renamed_arguments(tick="progress")
    def before_step(self, progress: Progress) -> None:
        """Prepare for a step: fade-in, augmentation strength."""

    @renamed_arguments(tick="progress")
    def lr_scale(self, progress: Progress) -> float:
        """Return the factor on all learning rates at this progress."""
        return 1.0

    def conditions(self) -> list[str]:
        """Return the names of the conditions that `sample` takes: the keyword-only parameters of `inputs`."""
        return [
            name
            for name, parameter in inspect.signature(self.inputs).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY and name != "seeds"
        ]

    @property
    def device(self) -> torch.device:
        """The device of the networks."""
        return next(self.parameters()).device

    def sample(
        self,
        n: int = 1,
        *,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        batch_size: int = 64,
        **conditions: Any,
    ) -> Tensor:
        """Generate ``n`` images, one per seed.

        Args:
            n: how many.
            seed: image i is the image of ``seed + i``.
            seeds: the seed of each image instead; ``n`` is then their number.
            batch_size: images per forward pass; does not change the result.
            conditions: what this architecture's `inputs` accepts, for instance ``labels=[3, 1, 4]`` or, by their
                `class_names`, ``labels=["dog", "cat", "dog"]``. A model that translates makes images of noise, unless
                it is given ``images``: see `translate`.

        Returns:
            Images (n, C, H, W), float32 in [-1, 1], on the CPU.

        Raises:
            ConfigError: a condition that `inputs` does not take or refuses, or a bad number or seed.
            PluginError: `inputs` returns something else than tensors with a row for each image.
        """
        try:
            batch_size = operator.index(batch_size)
            seeds = list(range(seed, seed + n)) if seeds is None else [operator.index(s) for s in seeds]
        except TypeError as error:
            raise ConfigError(f"n, seeds and batch_size must be whole numbers: {error}") from error
        if not seeds or batch_size < 1:
            raise ConfigError("sample needs at least one image and a batch size of at least 1")
        if min(seeds) < 0 or max(seeds) >= 2**63:
            raise ConfigError("a seed must be in 0 ... 2**63 - 1")
        return self.generate_batches(sampling_inputs(self, seeds, conditions), batch_size)

    def output_spec(self, to: str | None = None) -> SampleSpec:
        """Return the spec of what `generate` makes; of a translation, that of its target.

        Raises:
            ConfigError: it does not translate to that.
        """
        key = self.direction(to)[1] if self.translations or to is not None else next(iter(self.sample_specs))
        return self.sample_specs[key]

    def direction(self, to: str | None = None) -> tuple[str, str]:
        """Return the keys of a batch, (from, to), of the translation to ``to``; by default of the first.

        Raises:
            ConfigError: it does not translate to that, or at all.
        """
        if not self.translations:
            raise ConfigError(f"{type(self).__name__} does not translate images: use sample")
        found = next((pair for pair in self.translations if to in (None, pair[1])), None)
        if found is None:
            known = ", ".join(target for _, target in self.translations)
            raise ConfigError(f"{type(self).__name__} does not translate to '{to}'; it does to: {known}")
        return found

    def translate(
        self,
        images: Tensor,
        *,
        to: str | None = None,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
        batch_size: int = 64,
        **conditions: Any,
    ) -> Tensor:
        """Translate images (image-to-image).

        Args:
            images: (N, C, H, W) in [-1, 1], of the size and channels in `sample_specs`, or samples of another medium.
            to: of which kind, for a model that translates both ways: ``"B"`` or ``"A"``; by default the first of its
                `translations`.
            seed: of what a model adds at random; image i has the seed ``seed + i``.
            seeds: the seed of each image instead.
            batch_size: images per forward pass; does not change the result.
            conditions: what this architecture's `inputs` accepts beside these, as for `sample`.

        Returns:
            Images (N, C, H, W), float32 in [-1, 1], on the CPU.

        Raises:
            ConfigError: the model does not translate, the images do not fit it, or what `sample` raises.
        """
        begin, target = self.direction(to)
        if len(self.translations) > 1:
            conditions["to"] = target
        if "n" in conditions:
            raise ConfigError("translate makes one image of each, and takes no n")
        check_samples(images, self.sample_specs[begin])
        images = images.detach().to("cpu", torch.float32)
        return self.sample(len(images), seed=seed, seeds=seeds, batch_size=batch_size, images=images, **conditions)

    def generate_batches(self, inputs: Mapping[str, Tensor], batch_size: int = 64) -> Tensor:
        """Generate the samples of ``inputs`` (see `inputs`) in eval mode, batch by batch; restores every module's mode.

        Returns:
            Samples (N, ...), float32, on the CPU; images (N, C, H, W) are in [-1, 1].
        """
        training = [module for module in self.modules() if module.training]
        for module in training:
            module.training = False
        try:
            with torch.inference_mode():
                chunks = zip(*(torch.split(t, batch_size) for t in inputs.values()), strict=True)
                images = [
                    self.generate(**{k: c.to(self.device) for k, c in zip(inputs, chunk, strict=True)}).float().cpu()
                    for chunk in chunks
                ]
        finally:
            for module in training:
                module.training = True
        # Outside of inference mode, as an inference tensor cannot take part in autograd.
        return torch.cat(images)
