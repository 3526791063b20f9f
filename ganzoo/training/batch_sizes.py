"""Whether a GAN can be trained on batches of a size: they split evenly, and its phases run on each part."""

from __future__ import annotations

import copy
import itertools

import torch

from ganzoo.errors import ConfigError, GanzooError, is_out_of_memory, one_line
from ganzoo.gan import GAN, Batch, Progress
from ganzoo.gan.sample_spec import PartialShape
from ganzoo.media import get_medium
from ganzoo.training.settings import Settings

_USUAL = 4  # networks are made for multiples of it
_LARGEST = 64  # that is tried in place of a size that does not work


def check_batch_sizes(gan: GAN, settings: Settings, native: PartialShape, processes: int = 1) -> None:
    """Refuse batches that do not split evenly into parts and over processes, or on whose parts the phases fail.

    Parts of one, or of an odd number of images, may be too few for batch norm or for statistics over groups of images.
    Whether they are is found by running the phases on a copy of the GAN.

    Args:
        gan: with its networks; it stays as it is.
        settings: with the size of batches, where a stage has none of its own.
        native: shape of the data's samples.
        processes: among which a batch is split.

    Raises:
        ConfigError: the batch size, in one line.
    """
    stages = gan.stages()
    begins = itertools.accumulate((stage.images or 0 for stage in stages[:-1]), initial=0)
    for index, (stage, begin) in enumerate(zip(stages, begins, strict=True)):
        size = stage.batch_size or settings.batch_size
        by = [f"{processes} processes"] if processes > 1 else []
        by += [f"{settings.accumulate} parts"] if settings.accumulate > 1 else []
        split = processes * settings.accumulate
        share, left = divmod(size, split)
        if left:
            raise ConfigError(f"a batch of {size} images cannot be split evenly into {' and '.join(by)}")
        if begin >= settings.images:
            continue
        together = processes if settings.sync_batch_norm else 1  # see their images as one batch
        if share * together % _USUAL == 0 or (why := _failure(gan, native, index, share * together)) is None:
            continue
        larger = (n for n in (share * together + 1, 2, 4, 8, 16, 32, _LARGEST) if n > share * together)
        enough = next((n for n in larger if _failure(gan, native, index, n) is None), None)
        if enough is None:  # the size is not the cause, and the run shows what is
            continue
        parts = f", {share} in each of {' and '.join(by)}," if by else ""
        remedy = "use larger ones in the hyper-parameters" if stage.batch_size else "use a larger --batch-size"
        if by:
            remedy += ", or split it less"
        raise ConfigError(
            f"{type(gan).__name__} cannot be trained on a batch of {size}{parts} ({why}), and can on "
            f"{-(-enough // together) * split}: {remedy}"
        )


def _failure(gan: GAN, native: PartialShape, index: int, size: int) -> str | None:
    """Return why the phases of a stage fail on a batch of this size, or None; ganzoo's own errors are raised."""
    trial = copy.deepcopy(gan).train()
    stage = trial.stages()[index]
    progress = Progress(0, sum(earlier.images or 0 for earlier in trial.stages()[:index]), index, 0.0)
    batch: Batch = {key: torch.zeros(size, dtype=torch.int64, device=gan.device) for key in gan.needs}
    for key in gan.needs & gan.sample_specs.keys():
        spec = gan.sample_specs[key].with_shape_of(native, "the data")
        samples = torch.zeros(size, *spec.size, device=gan.device)
        batch[key] = samples if stage.resolution is None else get_medium(spec.medium).reduce(samples, stage.resolution)
    try:
        with torch.random.fork_rng(devices=[]):  # only those of the CPU, where a run is planned
            trial.before_step(progress)
            for phase in stage.phases:
                for _ in phase.loss(batch, progress):
                    pass
    except GanzooError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        return None if is_out_of_memory(error) else one_line(str(error))[:160]
    return None
