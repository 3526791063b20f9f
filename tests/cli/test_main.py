from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import ganzoo as package
from ganzoo.cli import COMMANDS, list_command, plugin_commands
from installs import GOOD, ganzoo, install, python


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands_in_order(call, option):
    done = call(option)
    assert done.code == 0
    names = [line.split()[0] for line in done.out.partition("Commands:\n")[2].splitlines()]
    at = COMMANDS.index("publish")
    assert names == [*COMMANDS[:at], "report", "study", *COMMANDS[at:]]


@pytest.mark.parametrize("command", [*COMMANDS, *plugin_commands()])
def test_every_command_has_help(call, command):
    done = call(command, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: ganzoo {command} ")


def test_without_a_command_the_help_is_shown(call):
    done = call()
    assert done.code == 2
    assert "Commands:" in done.err


def test_the_version_is_the_packages(call):
    assert call("--version").out == f"ganzoo, version {package.__version__}\n"


@pytest.mark.parametrize(("typed", "meant"), [("lst", "list"), ("shw", "show"), ("plugin", "plugins"), ("LIST", "")])
def test_a_mistyped_command_suggests_the_closest(call, typed, meant):
    done = call(typed)
    assert (done.code, done.out) == (2, "")
    assert f"No such command '{typed}'." in done.err
    assert (f"Did you mean '{meant}'?" in done.err) == bool(meant)


@pytest.mark.parametrize("arguments", [("--jsn", "list"), ("list", "--jsn"), ("list", "a", "b"), ("",)])
def test_wrong_arguments_exit_with_2(call, arguments):
    assert call(*arguments).code == 2


def test_an_error_is_one_line(call):
    done = call("show", "nothing")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--debug", "show", "nothing"), ("show", "nothing", "--debug")])
def test_debug_shows_the_traceback_anywhere(call, arguments):
    done = call(*arguments)
    assert done.code == 1
    assert done.err.startswith("Traceback (most recent call last)")
    assert done.err.splitlines()[-1].startswith("Error: No model or architecture is called 'nothing'")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ZeroDivisionError("a\nb"), 1, "Error: unexpected ZeroDivisionError: a b (--debug shows where"),
        (OSError(28, "No space left on device"), 1, "Error: [Errno 28] No space left on device"),
        (MemoryError(), 1, "Error: out of memory: use a smaller batch size"),
        (RuntimeError("no seat to allocate"), 1, "Error: unexpected RuntimeError: no seat to allocate"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
    ids=["bug", "disk", "memory", "allocate", "interrupt"],
)
def test_whatever_happens_is_one_line(call, monkeypatch, error, code, text):
    def fail():
        raise error

    monkeypatch.setattr(list_command, "installed", fail)
    done = call("list")
    assert done.code == code
    assert done.err.strip().startswith(text)
    assert len(done.err.strip().splitlines()) == 1  # click leaves the line of a ^C first


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["train"], 2, "name an architecture"),
        (["train", "dcgan"], 2, "--data"),
        (["train", "dcgan", "--data", "x", "--images", "nan"], 2, "'nan' is not a number of images"),
        (["train", "dcgan", "--data", "x", "--batch-size", "0"], 2, "0 is not in the range"),
        (["train", "dcgan", "--data", "x", "--resume", "runs/x"], 2, "leave out architecture"),
        (["train", "dcgan", "--data", "x", "-o", "lr"], 1, "'lr' is not of the form key=value"),
        (["train", "dcgan", "--data", "x", "-o", "lr=1", "-o", "lr=2"], 1, "'lr' is given twice"),
        (["sample"], 2, "Missing argument 'MODEL'"),
        (["sample", "x", "-n", "0"], 2, "'0' is not a number of images"),
        (["sample", "x", "--labels", "7", "-c", "labels=7"], 1, "'labels' is given twice"),
        (["sample", "x", "--by-class"], 1, "--by-class writes a folder"),
        (["translate", "x", "y.png", "-c", "seed=7"], 1, "'seed' is not a condition of a model"),
        (["sample", "x", "--interpolate", "3"], 1, "--interpolate takes two seeds"),
        (["sample", "x", "--columns", "0"], 2, "0 is not in the range"),
        (["sample", "x", "-c", "psi"], 1, "'psi' is not of the form key=value"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_arguments_are_found_before_anything_is_loaded(call, arguments, code, why):
    done = call(*arguments)
    assert (done.code, done.out) == (code, "")
    assert why in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX pipe")
def test_a_reader_that_has_gone_is_no_error(tmp_path):
    install(tmp_path, "ganzoo-long", "print()")
    command = f"{sys.executable} -m ganzoo show dcgan | true"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full")
def test_a_full_disk_is_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ganzoo", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "Error: [Errno 28] No space left on device\n")


def test_the_script_and_the_module_are_the_same():
    script = Path(sys.executable).with_name("ganzoo")
    done = subprocess.run([script, "show", "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, ganzoo("show", "x").stderr)


def test_neither_home_nor_a_path_is_needed(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", "list"], env={}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_unicode_still_gets_its_answer(tmp_path):
    install(tmp_path, "ganzoo-far", GOOD.replace("{name}", "far").replace("a fake", "a 大 cat"))
    western = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    assert "a ? cat" in python("-m", "ganzoo", "list", site=tmp_path, **western).stdout
    found = json.loads(python("-m", "ganzoo", "list", "far", "--json", site=tmp_path, **western).stdout)
    assert found["architectures"][0]["summary"] == "a 大 cat"
    done = ganzoo("show", "大", site=tmp_path, **western)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: No model or architecture is called '")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ganzoo sh", {"show"}),
        ("ganzoo show d", {"dcgan"}),
        ("ganzoo show w", {"wgan", "wgan-gp"}),
        ("ganzoo train v", {"vanilla"}),
        ("ganzoo show acg", {"acgan"}),
        ("ganzoo sample runs/d", {"dir,runs/d"}),
        ("ganzoo show runs/d", {"dir,runs/d"}),
        ("ganzoo check zebra", set()),
    ],
)
def test_the_shell_completes_names(words, found):
    count = str(len(words.split()) - 1)
    done = python("-m", "ganzoo", _GANZOO_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count)
    assert done.stderr == ""
    lines = {line.removeprefix("plain,") for line in done.stdout.splitlines()}
    assert found <= lines
    assert any(line.startswith("dir,") for line in lines) == any(line.startswith("dir,") for line in found)
    assert bool(found) == bool(done.stdout.strip())
