import math

import pytest

from ganzoo_study.statistics import binomial_p, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (8, 10, 0.4901625, 0.9433178),
        (5, 10, 0.2365931, 0.7634069),
        (0, 10, 0.0, 0.2775328),
        (10, 10, 0.7224672, 1.0),
        (15, 148, 0.0623858, 0.1604960),  # Newcombe 1998, table I, second row, to four digits
        (31, 50, 0.4815156, 0.7412930),
    ],
)
def test_the_interval_is_wilsons(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-4)


def test_the_interval_solves_its_own_equation():
    """Its ends are the shares from which the observed one is 1.96 standard errors away."""
    for share in wilson(31, 50):
        assert abs(31 / 50 - share) == pytest.approx(1.959963985 * math.sqrt(share * (1 - share) / 50))


def test_of_no_trials_nothing_is_known():
    assert wilson(0, 0) == (0.0, 1.0)
    assert binomial_p(0, 0) == 1.0


@pytest.mark.parametrize(
    ("successes", "trials", "p"),
    [(8, 10, 0.109375), (2, 10, 0.109375), (5, 10, 1.0), (10, 10, 2 / 1024), (0, 1, 1.0), (6, 6, 0.03125)],
)
def test_the_p_value_is_that_of_a_coin(successes, trials, p):
    assert binomial_p(successes, trials) == p


@pytest.mark.slow
def test_many_trials_are_no_matter():
    assert binomial_p(5_000, 10_000) == 1.0
    assert 0 < binomial_p(5_200, 10_000) < 1e-4


def test_both_agree_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    for successes, trials in ((3, 7), (31, 50), (60, 200), (0, 12)):
        theirs = stats.binomtest(successes, trials)
        assert binomial_p(successes, trials) == pytest.approx(theirs.pvalue)
        assert wilson(successes, trials) == pytest.approx(tuple(theirs.proportion_ci(method="wilson")))
