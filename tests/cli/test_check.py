import json

import pytest

import ganzoo
from installs import GOOD, install
from installs import ganzoo as run

QUICK = ("--only", "seeds", "--only", "check_summary")


def test_it_reports_like_a_test_run(call):
    done = call("check", "dcgan", "-o", "base_channels=8", *QUICK)
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[:2] for line in lines[:2]] == [["PASSED", "check_summary"], ["PASSED", "check_seeds"]]
    assert lines[-1].startswith("dcgan: 2 passed in ")


def test_json(call):
    found = json.loads(call("check", "dcgan", "-o", "base_channels=8", "--json", *QUICK).out)
    assert [(one["name"], one["status"]) for one in found] == [("check_summary", "passed"), ("check_seeds", "passed")]
    assert all(one["meaning"] for one in found)


@pytest.fixture
def site(tmp_path):
    """A plugin whose target does not exist, and that imports torch at its top."""
    install(tmp_path, "ganzoo-bad", "import torch\n" + GOOD.format(name="bad"))
    return tmp_path


@pytest.mark.slow
def test_a_failure_says_what_to_change_and_why_it_matters(site):
    done = run("check", "bad", "--only", "light_import", "--only", "output", site=site)
    assert done.returncode == 1
    assert "FAILED    check_light_import" in done.stdout
    assert "ganzoo_bad imports torch, numpy" in done.stdout
    assert "architecture 'bad' of ganzoo-bad 1.0 cannot be imported: ModuleNotFoundError" in done.stdout
    assert "Why it matters: " in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("bad: 2 failed in ")


@pytest.mark.slow
def test_an_expected_failure_needs_a_reason_and_has_to_fail(site, call):
    done = run("check", "bad", "--only", "output", "--expect", "output=not written yet", site=site)
    assert done.returncode == 0, done.stdout
    assert "EXPECTED  check_output" in done.stdout
    assert "(not written yet)" in done.stdout
    done = call("check", "dcgan", "--only", "summary", "--expect", "summary=I think so")
    assert done.code == 1
    assert ": I think so" in done.out
    for incomplete in ("summary", "summary="):
        done = call("check", "dcgan", "--expect", incomplete)
        assert (done.code, done.out) == (1, "")
        assert "summary" in done.err
        assert "expect" in done.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nothing",), "No architecture is called 'nothing'"),
        (("dcgan", "--only", "seed"), "there is no check 'seed'. Did you mean 'check_seeds'?"),
        (("dcgan", "-o", "x=1"), "'x'"),
        (("dcgan", "--only", "seeds", "--data", "/nowhere"), ""),
    ],
)
def test_bad_arguments_are_one_line(call, arguments, text):
    done = call("check", *arguments)
    assert done.code == 1
    assert text in done.err + done.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cls", "text"),
    [
        ("DiffersByProcess", "differs between two processes"),
        ("FailsBesideAnother", "two processes do not train it: ValueError: made for one process"),
    ],
)
def test_two_processes_that_go_wrong_are_caught(cls, text, tmp_path):
    source = GOOD.format(name="broken").replace("nowhere:GAN", f"broken_gans:{cls}")
    source = source.replace("class Config:", "class Config:\n    channels: int = 1")
    install(tmp_path, "ganzoo-broken", source)
    from pathlib import Path

    tests = Path(__file__).parents[1]
    for name in ("broken_gans.py", "broken_translators.py"):
        (tmp_path / name).write_text((tests / name).read_text())
    done = run("check", "broken", "--only", "two_processes", site=tmp_path)
    assert text in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1


def test_what_is_installed_is_found():
    assert ganzoo.list_architectures()
