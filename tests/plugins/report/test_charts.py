import json

import pytest

from ganzoo.metrics.protocol import better_of
from ganzoo.registry import installed
from ganzoo.training.logs import read_stats
from ganzoo_report.charts import POINTS, charts_by_section, thinned


def lines(n, **series):
    return [
        {"images": 10 * (i + 1), "seconds": 1.0, "images/s": 5.0, **{key: f(i) for key, f in series.items()}}
        for i in range(n)
    ]


def test_terms_come_together_as_they_belong(run):
    groups = charts_by_section(read_stats(run), installed())
    (losses, outputs), (speed, rates) = groups["losses"], groups["speed"]
    assert groups["metrics"] == []
    assert set(losses.series) == {"D/loss", "G/loss"}
    assert set(outputs.series) == {"D/real", "D/fake"}
    assert set(rates.series) == {"lr/D", "lr/G"}
    assert set(speed.series) == {"images/s"}
    assert losses.images == [32, 64, 96, 128, 160, 192]


def test_each_term_of_a_run_is_in_one_chart(run, translator):
    for folder in (run, translator):
        stats = read_stats(folder)
        names = {name for line in stats for name in line} - {"images", "seconds"}
        charts = [chart for group in charts_by_section(stats, installed()).values() for chart in group]
        assert sorted(name for chart in charts for name in chart.series) == sorted(names)


def test_many_terms_have_a_chart_for_each_player():
    terms = {f"{player}/term{i}": float for player in "DG" for i in range(4)}
    titles = [chart.title for chart in charts_by_section(lines(3, **terms), installed())["losses"]]
    assert titles == ["Terms of D", "Terms of G"]


def test_the_strength_of_an_augmentation_has_its_own_chart():
    rates = charts_by_section(lines(3, **{"lr/G": float, "augmentation/strength": float}), installed())["speed"]
    assert [list(chart.series) for chart in rates] == [["images/s"], ["lr/G"], ["augmentation/strength"]]


def test_nothing_gives_nothing():
    assert charts_by_section([], installed()) == {"losses": [], "metrics": [], "speed": []}


def test_a_term_that_comes_later_leaves_a_gap_before():
    stats = [*lines(2, **{"D/loss": float}), *lines(1, **{"D/loss": float, "D/r1": float})]
    (chart,) = charts_by_section(stats, installed())["losses"]
    assert chart.series["D/r1"] == [None, None, 0.0]
    assert chart.note == ""


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 10**400, True, "1", None, [1]])
def test_what_is_no_number_is_a_gap_and_not_in_the_page(bad):
    stats = lines(3, **{"D/loss": lambda i: bad if i == 1 else float(i)})
    (chart,) = charts_by_section(stats, installed())["losses"]
    assert chart.series["D/loss"] == [0.0, None, 2.0]
    assert "not finite: D/loss" in chart.note
    json.dumps(chart.to_dict(), allow_nan=False)


def test_long_runs_are_thinned_and_keep_every_extreme():
    stats = lines(20_000, **{"D/loss": lambda i: 100.0 if i == 7_777 else float(i % 7), "G/loss": lambda i: -float(i)})
    (chart,) = charts_by_section(stats, installed())["losses"]
    assert len(chart.images) <= POINTS
    assert max(chart.series["D/loss"]) == 100.0
    assert (chart.images[0], chart.images[-1]) == (10, 200_000)
    assert f"{len(chart.images):,} of 20,000 reports are shown" in chart.note


def test_short_ones_are_not():
    assert thinned([[1.0, None, 3.0]], 3) == [0, 1, 2]
    assert thinned([], 3) == []


def test_metrics_have_a_chart_for_each_protocol_and_the_best_is_marked():
    stats = [
        {"images": images, "seconds": 1, "metrics": {"fd[pixels]@1k/test": value, "what[ever]@1k": value}}
        for images, value in ((10, 5.0), (20, 2.0), (30, 3.0))
    ]
    known, unknown = charts_by_section(stats, installed())["metrics"]
    assert (known.title, known.better, known.best, known.note) == ("fd[pixels]@1k/test", "lower", 1, "lower is better")
    assert (unknown.title, unknown.better, unknown.best, unknown.note) == ("what[ever]@1k", None, None, "")


def test_metrics_are_no_report_and_reports_no_metric():
    stats = [*lines(2, **{"D/loss": float}), {"images": 20, "seconds": 1, "metrics": {"fd[pixels]@1k/test": 1.0}}]
    (chart,) = charts_by_section(stats, installed())["losses"]
    assert chart.images == [10, 20]
    assert [len(chart.images) for chart in charts_by_section(stats, installed())["metrics"]] == [1]


@pytest.mark.parametrize("protocol", ["", "fd", "<script>", "nothing[x]@10/test", "fd[" * 1000])
def test_a_protocol_that_nobody_knows_has_no_better(protocol):
    assert better_of(protocol, installed()) is None


def test_a_chart_has_a_summary_in_words():
    (chart,) = charts_by_section(lines(3, **{"D/loss": lambda i: [2.0, 0.5, 1.0][i]}), installed())["losses"]
    assert chart.summary == "All terms over 30 images. D/loss: from 2 to 1, between 0.5 and 2"
