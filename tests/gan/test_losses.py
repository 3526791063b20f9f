"""Every named loss against its formula, written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.errors import ConfigError
from ganzoo.gan import LOSSES, get_loss
from ganzoo.gan.losses import add_losses, smoothed
from ganzoo.registry import installed
from ganzoo.registry.fields import LossName
from ganzoo.registry.zoo import import_target
from helpers import make, make_state, make_store, run_steps


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
    "one-sided-smoothing": (
        lambda r, f: -0.9 * np.log(sigmoid(r)) - 0.1 * np.log(1 - sigmoid(r)) - np.log(1 - sigmoid(f)),
        lambda f: -np.log(sigmoid(f)),
    ),
    "two-sided-smoothing": (
        lambda r, f: (
            -0.9 * np.log(sigmoid(r))
            - 0.1 * np.log(1 - sigmoid(r))
            - 0.1 * np.log(sigmoid(f))
            - 0.9 * np.log(1 - sigmoid(f))
        ),
        lambda f: -np.log(sigmoid(f)),
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
    with pytest.raises(ConfigError, match=r"'hing'.*'hinge'.*: minimax, "):
        get_loss("hing")


def test_added_losses_are_found_and_a_known_name_keeps_its_meaning(monkeypatch):
    monkeypatch.setattr("ganzoo.gan.losses.LOSSES", dict(LOSSES))
    add_losses({"added": LOSSES["hinge"], "minimax": LOSSES["hinge"]})
    assert get_loss("added") is LOSSES["hinge"]
    assert get_loss("minimax") is LOSSES["minimax"]


def test_the_catalogue_has_the_built_in_losses():
    own = {o.record.name: o.record for o in installed().losses if o.plugin == "losses"}
    assert set(own) == set(LOSSES)
    for name, record in own.items():
        assert import_target("loss", installed().losses[f"ganzoo:{name}"]) is LOSSES[name], record
        assert record.paper


def test_a_hyper_parameter_names_all_of_them():
    meaning = LossName.__metadata__[0].description
    assert all(name in meaning for name in LOSSES)


def test_the_relativistic_loss_is_symmetric():
    """What the discriminator loses when the two kinds change places is what the generator loses."""
    loss = get_loss("relativistic")
    torch.testing.assert_close(loss.discriminator(FAKE, REAL), loss.generator(REAL, FAKE))
    torch.testing.assert_close(loss.discriminator(REAL + 3, FAKE + 3), loss.discriminator(REAL, FAKE))


@pytest.mark.parametrize(("real", "fake"), [(0.9, 0.0), (0.8, 0.0), (0.9, 0.1), (1.0, 0.0)])
def test_with_smoothed_labels_the_best_discriminator_of_equal_shares_says_their_mean(real, fake):
    """One-sided it is ``real`` times the usual one, 1/2 (Salimans 2016, section 3.4)."""
    logit = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logit], max_iter=100, tolerance_grad=1e-12)

    def closure():
        optimizer.zero_grad()
        loss = smoothed(real, fake).discriminator(logit, logit).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert sigmoid(logit.item()) == pytest.approx((real + fake) / 2, abs=1e-6)


def test_a_discriminator_of_smoothed_labels_is_less_sure_of_digits(digits):
    sure = {}
    for loss in ("non-saturating", "one-sided-smoothing", "two-sided-smoothing"):
        gan = make("vanilla", hidden=128, dropout=0.0, lr=1e-3, loss=loss)
        state = make_state(gan)
        state.optimizers["G"].param_groups[0]["lr"] = 0.0  # one that stands still is easily told from digits
        torch.manual_seed(0)
        run_steps(state, make_store(digits), 150, batch_size=32)
        images = torch.from_numpy(digits[0][:256])[:, None].float() / 127.5 - 1
        with torch.no_grad():
            sure[loss] = [gan.eval().discriminator(x).abs().mean().item() for x in (images, gan.sample(256))]
    limit = np.log(0.9 / 0.1)
    assert sure["one-sided-smoothing"][0] < limit + 0.5  # the logit of the label 0.9
    assert sure["one-sided-smoothing"][0] < 0.8 * sure["non-saturating"][0]
    assert sure["two-sided-smoothing"][1] < 0.8 * sure["non-saturating"][1]


@pytest.mark.parametrize(("real", "fake"), [(0.0, 0.0), (1.1, 0.0), (0.9, 0.9), (0.9, -0.1)])
def test_labels_that_are_none_are_refused(real, fake):
    with pytest.raises(ConfigError, match="0 <= fake < real <= 1"):
        smoothed(real, fake)


@pytest.mark.parametrize("name", [name for name in LOSSES if get_loss(name).decision_boundary is not None])
def test_where_the_discriminator_cannot_tell_its_loss_pulls_neither_way(name):
    loss = get_loss(name)
    logit = torch.tensor([float(loss.decision_boundary)], requires_grad=True)
    loss.discriminator(logit, logit).sum().backward()
    share = 0.05 if name == "one-sided-smoothing" else 0.0  # whose balance is a little below
    assert abs(logit.grad.item()) <= 2 * share + 1e-6
