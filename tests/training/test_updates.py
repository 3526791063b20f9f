"""What is done to gradients, seen in what an update changes."""

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from ganzoo.data import Loader
from ganzoo.training.loop import train
from ganzoo.training.settings import Settings
from ganzoo.training.updates import Gradients
from helpers import make, make_state, make_store


def engine(**settings):
    return Settings("digits", 10**6, batch_size=16, precision="fp32", **settings)


def updated(digits, name="dcgan", *, steps=1, lr=0.1, **settings):
    """Train with plain gradient descent; return the state before and after, and the networks."""
    gan = make(name)
    before = {key: value.detach().clone() for key, value in gan.named_parameters()}
    state = make_state(gan)
    state.optimizers = {
        name: torch.optim.SGD(group["params"], lr)
        for name, optimizer in state.optimizers.items()
        for group in optimizer.param_groups
    }
    torch.manual_seed(1)
    train(
        state, Loader(make_store(digits, gan=gan), seed=0), Accelerator(cpu=True), engine(**settings),
        after_step=lambda: state.step >= steps,
    )  # fmt: skip
    moved = {key: value.detach() - before[key] for key, value in gan.named_parameters()}
    return before, moved, gan


def norm(moved, start):
    return torch.cat([value.flatten() for key, value in moved.items() if key.startswith(start)]).norm().item()


def test_clipping_limits_the_norm_of_each_optimizers_gradient_and_keeps_its_direction(digits):
    _, free, _ = updated(digits)
    _, held, _ = updated(digits, clip_grad=1e-3)
    for network in ("generator", "discriminator"):
        assert norm(free, network) > 2e-4
        assert norm(held, network) == pytest.approx(0.1 * 1e-3, rel=1e-3)
    a, b = (torch.cat([v.flatten() for k, v in moved.items() if k.startswith("generator")]) for moved in (free, held))
    assert torch.cosine_similarity(a, b, dim=0) > 0.999  # the discriminator saw the generator after its own step


def test_clipping_by_value_limits_every_entry(digits):
    _, moved, _ = updated(digits, clip_grad=1e-4, clip_mode="value")
    assert max(value.abs().max() for value in moved.values()) <= 0.1 * 1e-4 * 1.01


def test_adaptive_clipping_limits_each_unit_in_proportion_to_its_weights(digits):
    before, moved, _ = updated(digits, clip_grad=1e-3, clip_mode="agc")
    for key, value in moved.items():
        if value.ndim > 1 and "embed" not in key:
            weights = before[key].flatten(1).norm(dim=1).clamp(min=1e-3)
            assert (value.flatten(1).norm(dim=1) <= 0.1 * 1e-3 * weights * 1.01).all(), key


def test_penalties_on_weights_add_their_gradients_to_matrices_and_kernels_alone(digits):
    before, plain, _ = updated(digits)
    for penalty, slope in (
        ({"l2": 0.01}, lambda w: 0.01 * w),
        ({"l1": 0.01}, lambda w: 0.01 * w.sign()),
    ):
        _, moved, _ = updated(digits, **penalty)
        for key in plain:
            if key.startswith("generator"):  # it moves first
                expected = plain[key] - (0.1 * slope(before[key]) if before[key].ndim > 1 else 0)
                torch.testing.assert_close(moved[key], expected, atol=1e-6, rtol=1e-4, msg=key)


def test_they_shrink_the_weights_of_a_model_that_trains_on_digits(digits):
    sizes = []
    for penalty in ({}, {"l2": 0.3}, {"l1": 0.01}):
        *_, gan = updated(digits, steps=20, **penalty)
        sizes.append(sum(p.detach().abs().sum().item() for p in gan.parameters() if p.ndim > 1))
    assert sizes[1] < 0.8 * sizes[0]
    assert sizes[2] < 0.8 * sizes[0]


def test_a_batch_in_parts_makes_the_update_of_the_whole(digits):
    """pix2pix draws nothing at random, and with instance norm its parts add up to the whole."""
    options = {"norm": "instance", "dropout": 0.0}
    made = []
    for accumulate in (1, 4):
        gan = make("pix2pix", **options)
        state = make_state(gan)
        train(
            state, Loader(make_store(digits, gan=gan), seed=0), Accelerator(cpu=True), engine(accumulate=accumulate),
            after_step=lambda state=state: state.step >= 1,
        )  # fmt: skip
        gradients = {key: p.grad for key, p in gan.named_parameters() if key.startswith("discriminator")}
        made.append((gradients, state.sums.means(Accelerator(cpu=True)), state.images))
    (whole, terms, images), (parts, part_terms, part_images) = made
    assert images == part_images == 16
    for key, gradient in whole.items():
        torch.testing.assert_close(parts[key], gradient, atol=1e-6, rtol=1e-4, msg=key)
    assert part_terms == pytest.approx(terms, rel=1e-4)


def test_a_gradient_that_is_not_finite_is_seen():
    parameters = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(1))]
    for parameter in parameters[:2]:
        parameter.grad = torch.ones_like(parameter)
    gradients = Gradients(parameters, Accelerator(cpu=True), engine())
    assert not gradients.nonfinite()
    parameters[1].grad[0, 1] = torch.inf
    assert gradients.nonfinite()
