"""Nearest neighbours among features, in parts: memory does not grow with the product of two sets."""

from __future__ import annotations

import torch
from torch import Tensor

PART = 1_000
"""Rows whose distances to all others are held at a time."""


def _distances(rows: Tensor, others: Tensor) -> Tensor:
    # In float64 the fast formula, by the dot product, tells near from equal.
    return torch.cdist(rows.double(), others)


def nearest_rows(rows: Tensor, others: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the distances to the nearest others and their numbers, both (N, count), the nearest first.

    Args:
        rows: (N, D).
        others: (M, D); where a row is among them, it is its own nearest.
        count: at most M.
    """
    wide = others.double()
    found = [_distances(part, wide).topk(count, largest=False) for part in torch.split(rows, PART)]
    return torch.cat([part.values for part in found]), torch.cat([part.indices for part in found])


def radii(rows: Tensor, neighbours: int) -> Tensor:
    """Return the distance of each row (N, D) to its ``neighbours``-th nearest other one."""
    return nearest_rows(rows, rows, neighbours + 1)[0][:, -1]


def within(rows: Tensor, others: Tensor, reach: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many others each row is within reach of, and which others have a row within theirs.

    Args:
        rows: (N, D).
        others: (M, D).
        reach: (M,) of each other.
    """
    wide = others.double()
    held, holding = [], torch.zeros(len(others), dtype=torch.bool)
    for part in torch.split(rows, PART):
        inside = _distances(part, wide) < reach
        held.append(inside.sum(1))
        holding |= inside.any(0)
    return torch.cat(held), holding
