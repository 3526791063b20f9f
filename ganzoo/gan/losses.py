"""Adversarial losses by name. Each maps logits (N,) to one loss per image (N,)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from ganzoo.errors import ConfigError, PluginError, did_you_mean
from ganzoo.nn.renamed import renamed_attributes
from ganzoo.registry.zoo import import_target, installed


@renamed_attributes(undecided="decision_boundary")
@dataclass(frozen=True)
class Loss:
    """What the discriminator and the generator minimise.

    Args:
        discriminator: (logits of real images, logits of fakes) to a loss per image.
        generator: logits of fakes to a loss per image; where ``relativistic``, of (real, fake) as well.
        relativistic: the generator's loss depends on the logits of real images too.
        decision_boundary: the logit at which real and generated are equally likely; None for losses of differences.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[..., Tensor]
    relativistic: bool = False
    decision_boundary: float | None = 0.0


def _cross_entropy(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real) + F.softplus(fake)


# Goodfellow 2014, equation 1: the generator minimises log(1 - D(G(z))).
MINIMAX = Loss(_cross_entropy, lambda fake: -F.softplus(fake))
# Goodfellow 2014, section 3: the generator maximises log D(G(z)) instead, for stronger gradients early on.
NON_SATURATING = Loss(_cross_entropy, lambda fake: F.softplus(-fake))
# Mao 2017, equation 2, with a = 0 and b = c = 1 (equation 9).
LEAST_SQUARES = Loss(
    lambda real, fake: 0.5 * ((real - 1).square() + fake.square()),
    lambda fake: 0.5 * (fake - 1).square(),
    decision_boundary=0.5,
)
# Lim and Ye 2017; Miyato 2018, equations 16 and 17.
HINGE = Loss(lambda real, fake: F.relu(1 - real) + F.relu(1 + fake), lambda fake: -fake)
# Arjovsky 2017, equation 2 and algorithm 1; the critic must be held near 1-Lipschitz by other means.
WASSERSTEIN = Loss(lambda real, fake: fake - real, lambda fake: -fake, decision_boundary=None)
# Jolicoeur-Martineau 2018, section 4: each fake against the real image at its place, and the other way round.
RELATIVISTIC = Loss(
    lambda real, fake: F.softplus(fake - real),
    lambda real, fake: F.softplus(real - fake),
    relativistic=True,
    decision_boundary=None,
)


def smoothed(real: float = 0.9, fake: float = 0.0) -> Loss:
    """Return the non-saturating loss with labels ``real`` and ``fake`` in place of 1 and 0 for the discriminator.

    With ``fake`` = 0 it is one-sided, as Salimans 2016, section 3.4, advises: the best discriminator then is the usual
    one times ``real``. Otherwise it is two-sided (Szegedy 2016, section 7).

    Raises:
        ConfigError: not 0 <= ``fake`` < ``real`` <= 1.
    """
    if not 0 <= fake < real <= 1:
        raise ConfigError(f"smoothed labels must be 0 <= fake < real <= 1, not {fake} and {real}")

    def discriminator(on_real: Tensor, on_fake: Tensor) -> Tensor:
        # The cross-entropy of a logit with the label t is softplus(-logit) + (1 - t) * logit.
        return F.softplus(-on_real) + (1 - real) * on_real + F.softplus(-on_fake) + (1 - fake) * on_fake

    return Loss(discriminator, NON_SATURATING.generator)


ONE_SIDED = smoothed(0.9, 0.0)
TWO_SIDED = smoothed(0.9, 0.1)

LOSSES: dict[str, Loss] = {
    "minimax": MINIMAX,
    "non-saturating": NON_SATURATING,
    "least-squares": LEAST_SQUARES,
    "hinge": HINGE,
    "wasserstein": WASSERSTEIN,
    "relativistic": RELATIVISTIC,
    "one-sided-smoothing": ONE_SIDED,
    "two-sided-smoothing": TWO_SIDED,
}
"""The built-in losses by name."""


def get_loss(name: str) -> Loss:
    """Return the loss called ``name``: a built-in one, or ``name`` or ``package:name`` of an installed plugin.

    Raises:
        ConfigError: no loss has this name.
        NameClashError: two packages provide it.
        PluginError: a plugin's loss cannot be imported, or is no `Loss`.
    """
    if name in LOSSES:
        return LOSSES[name]
    losses = installed().losses
    if name not in losses:
        known = dict.fromkeys([*LOSSES, *losses.names()])
        raise ConfigError(f"No loss is called '{name}'.{did_you_mean(name, known)} There are: {', '.join(known)}.")
    entry = losses[name]
    loss = import_target("loss", entry)
    if not isinstance(loss, Loss):
        raise PluginError(f"{entry.record.target} of {entry.dist} is no ganzoo.gan.Loss")
    return loss


def add_losses(more: Mapping[str, Loss]) -> None:
    """Add losses to `LOSSES`; a name that is known already keeps its meaning. Plugins use ``ganzoo_losses`` instead."""
    LOSSES.update({name: loss for name, loss in more.items() if name not in LOSSES})
