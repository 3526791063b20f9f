"""Adversarial losses by name. Each maps logits (N,) to one loss per image (N,)."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from torch import Tensor
from torch.nn import functional as F

from ganzoo.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Loss:
    """What the discriminator and the generator minimise.

    Args:
        discriminator: (logits of real images, logits of fakes) to a loss per image.
        generator: logits of fakes to a loss per image; where ``relativistic``, of (real, fake) as well.
        relativistic: the generator's loss depends on the logits of real images too.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[..., Tensor]
    relativistic: bool = False


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real) + F.softplus(fake)


# Goodfellow 2014, equation 1: the generator minimises log(1 - D(G(z))).
MINIMAX = Loss(_cross_entropy, lambda fake: -F.softplus(fake))
# Goodfellow 2014, section 3: the generator maximises log D(G(z)) instead, for stronger gradients early on.
NON_SATURATING = Loss(_cross_entropy, lambda fake: F.softplus(-fake))
# Mao 2017, equation 2, with a = 0 and b = c = 1 (equation 9).
LEAST_SQUARES = Loss(
    lambda real, fake: 0.5 * ((real - 1).square() + fake.square()), lambda fake: 0.5 * (fake - 1).square()
)
# Lim and Ye 2017; Miyato 2018, equations 16 and 17.
HINGE = Loss(lambda real, fake: F.relu(1 - real) + F.relu(1 + fake), lambda fake: -fake)
# Arjovsky 2017, equation 2 and algorithm 1; the critic must be held near 1-Lipschitz by other means.
WASSERSTEIN = Loss(lambda real, fake: fake - real, lambda fake: -fake)
# Jolicoeur-Martineau 2018, section 4: each fake against the real image at its place, and the other way round.
RELATIVISTIC = Loss(
    lambda real, fake: F.softplus(fake - real), lambda real, fake: F.softplus(real - fake), relativistic=True
)

BUILT_IN: dict[str, Loss] = {
    "minimax": MINIMAX,
    "non-saturating": NON_SATURATING,
    "least-squares": LEAST_SQUARES,
    "hinge": HINGE,
    "wasserstein": WASSERSTEIN,
    "relativistic": RELATIVISTIC,
}
LOSSES: ChainMap[str, Loss] = ChainMap(BUILT_IN)
"""All losses by name: the built-in ones, then those of `add_losses`."""


def add_losses(more: Mapping[str, Loss]) -> None:
    """Let further losses be found by name; a name that is known already keeps its meaning.

    `ganzoo.models` adds those of the installed plugins, each imported when it is asked for.
    """
    LOSSES.maps.append(cast("dict[str, Loss]", more))  # only ever read


def get_loss(name: str) -> Loss:
    """Return the loss called ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name not in LOSSES:
        known = list(dict.fromkeys(known for table in LOSSES.maps for known in table))  # the built-in ones first
        raise ConfigError(f"No loss is called '{name}'.{did_you_mean(name, known)} There are: {', '.join(known)}.")
    return LOSSES[name]
