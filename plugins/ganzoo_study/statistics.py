"""Statistics of a choice between two: the confidence interval of a share, and a test against one half."""

from __future__ import annotations

import math
from statistics import NormalDist

CONFIDENCE = 0.95


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the Wilson score interval for a share (Wilson 1927; Brown 2001, section 3.1.1).

    Args:
        successes: out of ``trials``.
        trials: without any, the interval is (0, 1).
        confidence: level of the interval.
    """
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, rest = successes / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / rest
    half = z / rest * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else max(0.0, middle - half)  # exact at the ends
    high = 1.0 if successes == trials else min(1.0, middle + half)
    return low, high


def binomial_p(successes: int, trials: int) -> float:
    """Return the two-sided p-value of the exact binomial test against one half.

    It is the probability that a fair coin falls at least as unevenly; 1 for no trials.
    """
    few = min(successes, trials - successes)
    tail = sum(math.comb(trials, k) for k in range(few + 1))
    return min(1.0, 2 * tail / (1 << trials))  # integers of any size, divided once
