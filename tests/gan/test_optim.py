"""Optimizers by timm's names."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganzoo.errors import ConfigError
from ganzoo.gan import OptimizerSpec
from ganzoo.gan.optim import check_name, replaced


def parameter(*values):
    tensor = nn.Parameter(torch.tensor(values))
    tensor.grad = torch.ones_like(tensor)
    return tensor


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("rmsprop", torch.optim.RMSprop)],
)
def test_a_name_of_timm_is_its_optimizer_without_weight_decay(name, kind):
    built = OptimizerSpec(name, 3e-4).build([parameter(1.0)])
    assert type(built) is kind
    assert built.defaults["lr"] == 3e-4
    assert all(group["weight_decay"] == 0 for group in built.param_groups)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_is_fused_unless_told_otherwise(name):
    assert OptimizerSpec(name, 1e-3).build([parameter(1.0)]).defaults["fused"] is True
    assert OptimizerSpec(name, 1e-3, {"fused": False}).build([parameter(1.0)]).defaults["fused"] is False


def test_options_reach_the_optimizer():
    built = OptimizerSpec("adam", 1e-3, {"betas": (0.5, 0.9), "eps": 1e-6}).build([parameter(1.0)])
    assert built.defaults["betas"] == (0.5, 0.9)
    assert built.defaults["eps"] == 1e-6


def test_a_first_step_of_adam_moves_by_the_learning_rate():
    weight = parameter(1.0, -2.0)
    OptimizerSpec("adam", 0.01, {"betas": (0.5, 0.999)}).build([weight]).step()
    torch.testing.assert_close(weight.detach(), torch.tensor([0.99, -2.01]))


@pytest.mark.parametrize("name", ["lamb", "adopt", "lion"])
def test_optimizers_that_only_timm_has_work_too(name):
    weight = parameter(1.0, -2.0)
    optimizer = OptimizerSpec(name, 0.01).build([weight])
    for _ in range(2):  # adopt moves at its second step
        optimizer.step()
    assert type(optimizer).__module__.startswith("timm.")
    assert (weight.detach() < torch.tensor([1.0, -2.0])).all()  # against a gradient of 1


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (OptimizerSpec("adamm", 1e-3), "optimizer 'adamm': .*not found"),
        (OptimizerSpec("adam", 1e-3, {"beta": 1}), "optimizer 'adam': .*'beta'"),
        (OptimizerSpec("adam", 1e-3, {"betas": (2.0, 0.9)}), "optimizer 'adam': .*beta"),
    ],
)
def test_an_unknown_name_or_option_is_one_error(spec, text):
    with pytest.raises(ConfigError, match=text):
        spec.build([parameter(1.0)])


def test_another_optimizer_takes_over_groups_rates_and_betas():
    first, second = parameter(1.0), parameter(2.0)
    groups = [{"params": [first], "lr": 1e-3}, {"params": [second], "lr": 2e-3, "weight_decay": 0.1}]
    old = torch.optim.Adam(groups, betas=(0.0, 0.9))
    new = replaced(old, "lion")
    assert type(new).__name__ == "Lion"
    assert [group["lr"] for group in new.param_groups] == [1e-3, 2e-3]
    assert [group["weight_decay"] for group in new.param_groups] == [0, 0.1]
    assert [group["betas"] for group in new.param_groups] == [(0.0, 0.9)] * 2
    assert [group["params"] for group in new.param_groups] == [[first], [second]]
    assert type(replaced(new, "sgd")).__name__ == "SGD"  # which has no betas


@pytest.mark.parametrize("name", ["adamm", "lbfgs"])
def test_a_name_that_is_no_optimizer_is_refused(name):
    with pytest.raises(ConfigError, match=f"timm .*'{name}'"):
        check_name(name)
