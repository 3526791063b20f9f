"""Metrics that compare features image by image: all features are stored, in float32."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.errors import MissingExtraError
from ganzoo.metrics.interfaces import renamed_real_state
from ganzoo.metrics.neighbours import nearest_rows, radii, within

try:
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
    from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric
except ModuleNotFoundError as error:
    raise MissingExtraError("comparing the features of images", "metrics") from error

SUBSETS, SUBSET_SIZE = 100, 1_000  # Binkowski 2018, section 4.1
NEIGHBOURS = 3  # Kynkäänniemi 2019, section 3.1
WIDE_NEIGHBOURS = 5  # Naeem 2020, section 3.3
CLOSEST = 0.01
"""Share of the real images whose distance to their nearest one counts as that of a duplicate."""
PART = 10_000  # rows that torch-fidelity computes distances of at a time


@renamed_real_state
class Kept:
    """The features of real and of generated images."""

    needs = frozenset({"features"})
    compares = True
    keeps = "features"
    least = 2
    """The least number of images of each kind."""

    def __init__(self) -> None:
        self.parts: dict[bool, list[Tensor]] = {True: [], False: []}

    def update(self, batch: Mapping[str, Tensor], *, real: bool) -> None:
        """Store the features of a batch."""
        self.parts[real].append(batch["features"].float().cpu())

    def real_state(self) -> dict[str, Tensor]:
        """Return the features of the real images."""
        return {"features": self.of(real=True)}

    def load_real_state(self, state: Mapping[str, Tensor]) -> None:
        """Take the features of the real images."""
        self.parts[True] = [state["features"]]

    def of(self, *, real: bool) -> Tensor:
        """Return the features (N, D) of one kind."""
        return torch.cat(self.parts[real]) if self.parts[real] else torch.empty(0, 0)

    def both(self) -> tuple[Tensor, Tensor]:
        """Return the features of the generated images and of the real ones.

        Raises:
            ValueError: there are too few.
        """
        generated, real = self.of(real=False), self.of(real=True)
        if min(len(generated), len(real)) < self.least:
            raise ValueError(f"needs at least {self.least:,} generated and {self.least:,} real images")
        return generated, real


class KernelDistance(Kept):
    """Squared MMD with the kernel (x.y / D + 1)^3 (Binkowski 2018, section 4), the mean over 100 subsets of 1,000.

    The subsets are torch-fidelity's, sampled with its fixed seed. Unbiased, so a value may be below 0.
    """

    least = SUBSET_SIZE

    def compute(self) -> float:
        """Return the mean over the subsets."""
        generated, real = (part.double() for part in self.both())
        found = kid_features_to_metric(generated, real, kid_subsets=SUBSETS, kid_subset_size=SUBSET_SIZE, verbose=False)
        return float(found[KEY_METRIC_KID_MEAN])


class Neighbourhoods(Kept):
    """Improved precision and recall (Kynkäänniemi 2019): balls around images, up to their third neighbour."""

    least = NEIGHBOURS + 2

    def found(self, key: str) -> float:
        """Return what torch-fidelity computes."""
        made = prc_features_to_metric(
            *self.both(), prc_neighborhood=NEIGHBOURS, prc_batch_size=PART, save_cpu_ram=True, verbose=False
        )
        return float(made[key])


class Precision(Neighbourhoods):
    """Share of the generated images that lie in the ball of a real one (equation 1)."""

    def compute(self) -> float:
        """Return the share, 0 to 1."""
        return self.found(KEY_METRIC_PRECISION)


class Recall(Neighbourhoods):
    """Share of the real images that lie in the ball of a generated one (equation 2)."""

    def compute(self) -> float:
        """Return the share, 0 to 1."""
        return self.found(KEY_METRIC_RECALL)


class Density(Kept):
    """Mean number of real images' balls that hold a generated image, over 5 (Naeem 2020, equation 3).

    A ball reaches up to the fifth neighbour. Around 1 for real images; above it where generated ones gather where real
    ones are dense.
    """

    least = WIDE_NEIGHBOURS + 2

    def compute(self) -> float:
        """Return the density, >= 0."""
        generated, real = self.both()
        held, _ = within(generated, real, radii(real, WIDE_NEIGHBOURS))
        return float(held.double().mean() / WIDE_NEIGHBOURS)


class Coverage(Kept):
    """Share of the real images with a generated one in their ball, up to the fifth neighbour (Naeem 2020, eq. 4)."""

    least = WIDE_NEIGHBOURS + 2

    def compute(self) -> float:
        """Return the share, 0 to 1."""
        generated, real = self.both()
        _, holding = within(generated, real, radii(real, WIDE_NEIGHBOURS))
        return float(holding.double().mean())


class Authenticity(Kept):
    """Share of the generated images that are no copies of real ones (Alaa 2022, section 3.2).

    An image is a copy if it lies nearer to its nearest real image than any other real image does. About half do by
    chance: far less than a half shows memorisation. Compare with the training split.
    """

    least = 3

    def compute(self) -> float:
        """Return the share, 0 to 1."""
        generated, real = self.both()
        distance, at = (part[:, 0] for part in nearest_rows(generated, real, 1))
        hit, back = torch.unique(at, return_inverse=True)
        own, _ = nearest_rows(real[hit], real, 2)  # the first of the two is itself
        return float((distance >= own[back, 1]).double().mean())


class Duplicates(Kept):
    """Share of generated images nearer to another generated one than 99 % of real images are to another real one.

    The same number of each is compared. Real images have 0.01; far more means that the model repeats few images.
    """

    least = 100

    def compute(self) -> float:
        """Return the share, 0 to 1."""
        generated, real = self.both()
        count = min(len(generated), len(real))
        ours, theirs = (
            nearest_rows(rows, rows, 2)[0][:, 1]
            for rows in (part[torch.arange(count) * len(part) // count] for part in (generated, real))
        )
        return float((ours < theirs.quantile(CLOSEST)).double().mean())
