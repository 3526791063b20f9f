"""Metrics and extractors that misbehave: they cost a clear line, and no other metric its value."""

from __future__ import annotations

import json

import pytest

from installs import ganzoo, install

HOSTILE = """
from ganzoo.registry import Extractor, Metric, hookimpl


@hookimpl
def ganzoo_metrics():
    for name in ("Sum", "Sees", "Wipe", "Nan", "Labels", "Exits", "Needy"):
        yield Metric(name=name.lower(), target=f"ganzoo_hostile:{name}", summary=name, better="lower")


@hookimpl
def ganzoo_extractors():
    for name in ("wiper", "liar"):
        yield Extractor(name=name, target=f"ganzoo_hostile:{name}", summary=name)


class Sum:
    needs, compares = frozenset({"image"}), False

    def __init__(self):
        self.total = 0

    def update(self, batch, *, real):
        self.total += int(batch["image"].long().sum())

    def compute(self):
        return self.total


class Sees(Sum):
    needs = frozenset({"image", "features"})


class Wipe(Sum):
    def update(self, batch, *, real):
        batch["image"].zero_()


class Nan(Sum):
    def compute(self):
        return float("nan")


class Labels(Sum):
    needs = frozenset({"label", "features"})
    compares = True


class Exits(Sum):
    def update(self, batch, *, real):
        raise SystemExit(0)


class Needy(Sum):
    needs = "image"


def wiper():
    from torch import nn

    class Wiper(nn.Module):
        def forward(self, images):
            images.zero_()
            return {"features": images.flatten(1).float(), "image": images, "label": images}

    return Wiper()


liar = wiper
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    install(folder, "ganzoo-hostile", HOSTILE)
    return folder


def test_one_metric_or_extractor_is_no_part_of_anothers_value(hostile):
    protocols = ["sum@16", "wipe@16", "sees[wiper]@16", "sum@16"]
    words = [word for protocol in protocols for word in ("-m", protocol)]
    scores = json.loads(ganzoo("eval", "vanilla-mnist", *words, "--json", site=hostile).stdout)
    assert scores[0]["value"] == scores[2]["value"] == scores[3]["value"] > 0


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("nan@4", "'nan@4' gave nan"),
        ("sum[liar]@4", "'sum[liar]@4' uses no features: leave out [liar]"),
        ("exits@4", "'exits@4' cannot be measured: SystemExit"),
        ("needy@4", "its needs are to be a set"),
        ("labels[liar]@4/train", "needs labels, and this model takes none"),
        ("sum@4#9223372036854775807", "has seeds outside 0 ... 2**63 - 1"),
        ("sum@" + "9" * 5000, "is no protocol"),
    ],
)
def test_what_gives_no_value_is_one_line(hostile, mnist, protocol, text):
    done = ganzoo("eval", "vanilla-mnist", "-m", protocol, "--data", str(mnist), site=hostile)
    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_package_does_not_change_what_a_protocol_means(tmp_path, mnist):
    source = (
        "from ganzoo.registry import Extractor, hookimpl\n\n\n@hookimpl\ndef ganzoo_extractors():\n"
        "    yield Extractor(name='8', target='nowhere:x', summary='sly')\n"
    )
    install(tmp_path, "pixels", source)
    done = ganzoo("eval", "vanilla-mnist", "-m", "fd[pixels:8]@50/train", "--data", str(mnist), site=tmp_path)
    assert "ganzoo:pixels:8" in done.stderr
    done = ganzoo("eval", "vanilla-mnist", "-m", "fd[ganzoo:pixels:8]@50/train", "--data", str(mnist), site=tmp_path)
    assert done.returncode == 0, done.stderr
