from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

import ganzoo
from helpers import narrow
from pages_helpers import Tab


@pytest.fixture(scope="session")
def run(tmp_path_factory, mnist):
    """A run with several reports and previews; do not change it."""
    out = tmp_path_factory.mktemp("report") / "digits"
    ganzoo.train(
        "dcgan", data=str(mnist), images=192, batch_size=32, report_every=32, preview_every=64, out=out,
        progress=False, config=narrow("dcgan"),
    )  # fmt: skip
    return out


@pytest.fixture
def own(run, tmp_path):
    """A copy of it that may be changed."""
    shutil.copytree(run, tmp_path / "digits")
    return tmp_path / "digits"


@pytest.fixture(scope="session")
def translator(tmp_path_factory, mnist):
    """A run of a model that makes images of images."""
    out = tmp_path_factory.mktemp("report") / "edges"
    ganzoo.train(
        "pix2pix", data=f"edges:{mnist}", images=64, batch_size=16, report_every=16, preview_every=32, out=out,
        progress=False, config=narrow("pix2pix"),
    )  # fmt: skip
    return out


NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        yield running
        running.close()


@pytest.fixture
def tab(browser):
    made = Tab(browser)
    yield made
    made.context.close()
    assert made.wrong == []
