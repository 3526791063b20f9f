"""Learning-rate schedules against their formulas."""

import math

import pytest

from ganzoo.training.schedule import schedule

FORMULAS = {
    "constant": lambda share: 1.0,
    "linear": lambda share: 1 - share,
    "cosine": lambda share: (1 + math.cos(math.pi * share)) / 2,
    "tanh": lambda share: (1 - math.tanh(-7 * (1 - share) + 3 * share)) / 2,
}


@pytest.mark.parametrize("warmup", [0, 100])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_schedule_follows_its_formula_behind_the_warm_up(name, warmup):
    factor = schedule(name, 1000, warmup)
    for seen in (600, 0, 50, 99, 100, 101, 250, 999):  # in any order: it remembers nothing
        expected = seen / warmup if seen < warmup else FORMULAS[name]((seen - warmup) / (1000 - warmup))
        assert factor(seen) == pytest.approx(expected, abs=2e-3 if name == "tanh" else 1e-9), seen


@pytest.mark.parametrize("name", ["linear", "cosine", "tanh"])
def test_it_ends_at_zero_and_stays_there(name):
    factor = schedule(name, 1000)
    assert factor(1000) == factor(1064) == 0
