"""Factors on the learning rate."""

from __future__ import annotations

import pytest

from ganzoo.gan.schedules import constant, decay_to_zero


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
