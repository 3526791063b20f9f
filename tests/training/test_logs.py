"""What a run says on stderr while it trains."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

import forks
import ganzoo
from helpers import narrow

LINE = re.compile(r"(\d+) of 128 images, \d+\.\d images/s, .+ \d+\.?\d*(e-\d+)?, \d\d:\d\d left")
WORDS = ["train", "dcgan", "--images", "128", "--batch-size", "32", "--report-every", "32", "--device", "cpu"]
SMALL = [word for key, value in narrow("dcgan").items() for word in ("-o", f"{key}={value}")]


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if "images/s" in line]


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_where_stderr_is_no_terminal_each_report_is_a_line(tmp_path, mnist, processes):
    words = [*WORDS, *SMALL, "--data", str(mnist), "--out", str(tmp_path / "run")]
    done = forks.run(*words, cwd=tmp_path, processes=processes)
    assert done.returncode == 0, done.stderr
    seen = [LINE.fullmatch(line) for line in lines(done.stderr)]
    assert [match and int(match[1]) for match in seen] == [32, 64, 96, 128]
    assert lines(done.stderr)[-1].endswith("00:00 left")
    assert all(letter.isprintable() or letter == "\n" for letter in done.stdout + done.stderr)


def test_a_quiet_run_writes_no_line(tmp_path, mnist, capfd):
    ganzoo.train(
        "dcgan", data=str(mnist), images=64, batch_size=32, report_every=32, out=tmp_path / "run", progress=False,
        config=narrow("dcgan"),
    )  # fmt: skip
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_on_a_terminal_there_is_a_bar_and_no_line(tmp_path, mnist):
    words = [*WORDS, *SMALL, "--data", str(mnist), "--out", str(tmp_path / "run")]
    master, slave = pty.openpty()
    child = subprocess.Popen([sys.executable, "-m", "ganzoo", *words], stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    seen = b""
    while True:
        try:
            seen += os.read(master, 65536)
        except OSError:  # the end
            break
    os.close(master)
    assert child.wait() == 0
    assert b"\r" in seen
    assert b"left" not in seen
