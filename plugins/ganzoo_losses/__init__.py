"""The names of the adversarial losses of `ganzoo.gan.losses`."""

from __future__ import annotations

from collections.abc import Iterable

from ganzoo.registry import AdversarialLoss, hookimpl


@hookimpl
def ganzoo_losses() -> Iterable[AdversarialLoss]:
    """Provide the losses of the papers."""
    yield AdversarialLoss(
        name="minimax",
        target="ganzoo.gan.losses:MINIMAX",
        summary="the original game; the generator minimises log(1 - D(G(z)))",
        paper="Goodfellow et al. 2014, arXiv:1406.2661, equation 1",
    )
    yield AdversarialLoss(
        name="non-saturating",
        target="ganzoo.gan.losses:NON_SATURATING",
        summary="the generator maximises log D(G(z)): stronger gradients early on",
        paper="Goodfellow et al. 2014, arXiv:1406.2661, section 3",
    )
    yield AdversarialLoss(
        name="one-sided-smoothing",
        target="ganzoo.gan.losses:ONE_SIDED",
        summary="non-saturating, real images labelled 0.9: the discriminator does not become too sure",
        paper="Salimans et al. 2016, arXiv:1606.03498, section 3.4",
    )
    yield AdversarialLoss(
        name="two-sided-smoothing",
        target="ganzoo.gan.losses:TWO_SIDED",
        summary="non-saturating, real images labelled 0.9 and generated ones 0.1",
        paper="Szegedy et al. 2016, arXiv:1512.00567, section 7",
    )
    yield AdversarialLoss(
        name="least-squares",
        target="ganzoo.gan.losses:LEAST_SQUARES",
        summary="squared distance of the logits to 1 for real and 0 for generated",
        paper="Mao et al. 2017, arXiv:1611.04076, equation 9",
    )
    yield AdversarialLoss(
        name="hinge",
        target="ganzoo.gan.losses:HINGE",
        summary="logits beyond a margin of 1 no longer count; goes with spectral normalisation",
        paper="Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, equations 16 and 17",
    )
    yield AdversarialLoss(
        name="wasserstein",
        target="ganzoo.gan.losses:WASSERSTEIN",
        summary="difference of the mean scores; the critic must be held near 1-Lipschitz by other means",
        paper="Arjovsky et al. 2017, arXiv:1701.07875, equation 2",
    )
    yield AdversarialLoss(
        name="relativistic",
        target="ganzoo.gan.losses:RELATIVISTIC",
        summary="how much more real an image looks than one of the other kind; no mode can be dropped for free",
        paper="Jolicoeur-Martineau 2018, arXiv:1807.00734, section 4; Huang et al. 2024, arXiv:2501.05441, section 2",
    )
