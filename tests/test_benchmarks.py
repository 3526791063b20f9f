"""The benchmarks run: a figure that nobody can measure again is worth nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

import ganzoo
from ganzoo.registry import installed

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_start_up_imports_nothing_heavy_with_20_more_plugins():
    out = run("startup.py", "--runs", "2")
    assert "ganzoo list: heavy modules imported: []" in out
    assert "ganzoo show dcgan: heavy modules imported: []" in out


@pytest.mark.skipif(not ganzoo.list_models(), reason="no bundled models")
def test_the_training_commands_are_those_of_the_registry():
    commands = run("pretrained.py", "commands").splitlines()
    assert sorted(commands) == sorted(m.record.trained.command for m in installed().models if m.dist == "ganzoo")


@pytest.mark.skipif(not ganzoo.list_models(), reason="no bundled models")
def test_a_cached_model_of_the_hub_is_loaded_without_a_request():
    out = run("hub.py", "--runs", "1", "--model", ganzoo.list_models()[0])
    assert "requests to the Hub meanwhile: 0\n" in out
