"""Every named loss against its formula, written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.errors import ConfigError
from ganzoo.gan import LOSSES, get_loss
from ganzoo.gan.losses import BUILT_IN
from ganzoo.registry import installed
from ganzoo.registry.fields import LossName
from ganzoo.registry.zoo import import_target


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# name: (of the discriminator, of the generator), as the papers print them
FORMULAS = {
    "minimax": (
        lambda r, f: -np.log(sigmoid(r)) - np.log(1 - sigmoid(f)),
        lambda f: np.log(1 - sigmoid(f)),
    ),
    "non-saturating": (
        lambda r, f: -np.log(sigmoid(r)) - np.log(1 - sigmoid(f)),
        lambda f: -np.log(sigmoid(f)),
    ),
    "least-squares": (
        lambda r, f: (r - 1) ** 2 / 2 + f**2 / 2,
        lambda f: (f - 1) ** 2 / 2,
    ),
    "hinge": (
        lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f),
        lambda f: -f,
    ),
    "wasserstein": (
        lambda r, f: -(r - f),
        lambda f: -f,
    ),
    "relativistic": (
        lambda r, f: -np.log(sigmoid(r - f)),
        lambda r, f: -np.log(sigmoid(f - r)),
    ),
}
REAL = torch.linspace(-6, 6, 25)
FAKE = torch.linspace(5, -7, 25)


def of_generator(name, real, fake):
    """Return the generator's loss; only a relativistic one looks at the real images."""
    loss = get_loss(name)
    return loss.generator(real, fake) if loss.relativistic else loss.generator(fake)


def test_every_loss_has_a_formula_here():
    assert set(FORMULAS) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_the_discriminator_minimises_the_formula_of_the_paper(name):
    expected = FORMULAS[name][0](REAL.double().numpy(), FAKE.double().numpy())
    np.testing.assert_allclose(get_loss(name).discriminator(REAL, FAKE), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_the_generator_minimises_the_formula_of_the_paper(name):
    logits = [part.double().numpy() for part in (REAL, FAKE)]
    expected = FORMULAS[name][1](*(logits if get_loss(name).relativistic else logits[1:]))
    np.testing.assert_allclose(of_generator(name, REAL, FAKE), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_the_discriminator_pushes_real_up_and_fake_down(name):
    real = torch.linspace(-0.9, 0.9, 7, requires_grad=True)
    fake = torch.linspace(0.1, 0.9, 7, requires_grad=True)
    get_loss(name).discriminator(real, fake).sum().backward()
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_the_generator_pushes_fakes_up(name):
    fake = torch.linspace(-0.9, 0.9, 7, requires_grad=True)
    of_generator(name, torch.zeros(7), fake).sum().backward()
    assert (fake.grad < 0).all()


def test_the_saturating_loss_is_weak_where_the_discriminator_is_sure_and_the_other_is_not():
    slopes = {}
    for name in ("minimax", "non-saturating"):
        fake = torch.tensor([-10.0], requires_grad=True)
        get_loss(name).generator(fake).sum().backward()
        slopes[name] = -fake.grad.item()
    assert slopes["minimax"] == pytest.approx(sigmoid(-10.0), rel=1e-3)
    assert slopes["non-saturating"] == pytest.approx(sigmoid(10.0), rel=1e-3)


@pytest.mark.parametrize("name", LOSSES)
def test_logits_of_a_thousand_overflow_nothing(name):
    logits = torch.tensor([-1000.0, 1000.0], requires_grad=True)
    loss = get_loss(name).discriminator(logits, logits.flip(0)) + of_generator(name, logits.flip(0), logits)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(logits.grad).all()


def test_an_unknown_loss_is_an_error_that_suggests_the_nearest():
    with pytest.raises(ConfigError, match=r"No loss is called 'hing'\. Did you mean 'hinge'\? There are: minimax, "):
        get_loss("hing")


def test_the_catalogue_has_the_built_in_losses():
    own = {o.record.name: o.record for o in installed().losses if o.plugin == "losses"}
    assert set(own) == set(BUILT_IN)
    for name, record in own.items():
        assert import_target("loss", installed().losses[f"ganzoo:{name}"]) is BUILT_IN[name], record
        assert record.paper


def test_a_hyper_parameter_names_all_of_them():
    meaning = LossName.__metadata__[0].description
    assert all(name in meaning for name in BUILT_IN)


def test_the_relativistic_loss_is_symmetric():
    """What the discriminator loses when the two kinds change places is what the generator loses."""
    loss = get_loss("relativistic")
    torch.testing.assert_close(loss.discriminator(FAKE, REAL), loss.generator(REAL, FAKE))
    torch.testing.assert_close(loss.discriminator(REAL + 3, FAKE + 3), loss.discriminator(REAL, FAKE))
