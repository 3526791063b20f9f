"""Factors on the learning rate."""

from __future__ import annotations

import math

import pytest

from ganzoo.gan.schedules import constant, decay_to_zero, lr_schedule


@pytest.mark.parametrize("progress", [0.0, 0.5, 0.999])
def test_constant_is_one(progress):
    assert constant(progress) == 1
    assert decay_to_zero(0.0)(progress) == 1


@pytest.mark.parametrize(
    ("share", "progress", "expected"),
    [
        (0.5, 0.0, 1.0),
        (0.5, 0.5, 1.0),
        (0.5, 0.75, 0.5),
        (0.5, 0.999, 0.002),
        (0.2, 0.79, 1.0),
        (0.2, 0.85, 0.75),
        (1.0, 0.0, 1.0),
        (1.0, 0.25, 0.75),
    ],
)
def test_the_decay_holds_then_falls_in_a_line_to_zero(share, progress, expected):
    assert decay_to_zero(share)(progress) == pytest.approx(expected)


FORMULAS = {
    "constant": lambda share: 1.0,
    "linear": lambda share: 1 - share,
    "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
    "tanh": lambda share: (1 - math.tanh(-7 * (1 - share) + 3 * share)) / 2,
}


@pytest.mark.parametrize("warmup", [0, 100])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_follows_its_formula_behind_the_warm_up(name, warmup):
    factor = lr_schedule(name, 1000, warmup)
    for seen in (600, 0, 50, 99, 100, 101, 250, 999):  # in any order: it remembers nothing
        expected = seen / warmup if seen < warmup else FORMULAS[name]((seen - warmup) / (1000 - warmup))
        assert factor(seen) == pytest.approx(expected, abs=2e-3 if name == "tanh" else 1e-9), seen


@pytest.mark.parametrize("name", ["linear", "cosine", "tanh"])
def test_it_ends_at_zero_and_stays_there(name):
    factor = lr_schedule(name, 1000)
    assert factor(1000) == factor(1064) == 0
