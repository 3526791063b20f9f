"""Plugins that do harm when they are imported cost nothing but themselves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from ganzoo.errors import PluginError
from ganzoo.registry import guard
from hostile_plugins import CATCHES_ALL, HANGING, HOLDS_ALL, SPOILERS, STOPPED, install_hanging, install_hostile
from installs import GOOD, environment, ganzoo, install

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("hostile")
    install_hostile(root)
    return root


@pytest.fixture(scope="module")
def listed(site):
    return ganzoo("list", "--json", site=site)


@pytest.mark.parametrize("name", STOPPED)
def test_whatever_an_import_raises_its_plugin_is_named_and_skipped(listed, name):
    (line,) = [line for line in listed.stderr.splitlines() if line.startswith(f"! ganzoo-{name} 1.0 ")]
    assert STOPPED[name][1] in line
    assert listed.returncode == 0


def test_whatever_a_plugin_does_to_the_output_json_is_whole(listed):
    names = {a["name"] for a in json.loads(listed.stdout)["architectures"]}
    assert {"dcgan", *SPOILERS} <= names
    assert listed.stderr.count("spoilt\n") == 4  # what it wrote is not lost


@pytest.mark.parametrize(
    "arguments", [["list"], ["list", "--all"], ["plugins"], ["plugins", "--times"], ["show", "nil"]]
)
def test_no_control_character_of_a_plugin_reaches_the_terminal(site, arguments):
    done = ganzoo(*arguments, site=site)
    assert "red" in done.stderr
    assert not CONTROL.search(done.stdout + done.stderr)


@pytest.mark.parametrize("name", SPOILERS)
def test_each_spoiler_alone_spoils_nothing(site, name):
    done = ganzoo("list", "--json", site=site, GANZOO_PLUGINS=f"dcgan,ganzoo-{name}")
    assert sorted(a["name"] for a in json.loads(done.stdout)["architectures"]) == sorted(["dcgan", name])
    assert done.returncode == 0


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-", "0>&- 1>&- 2>&-"])
def test_a_process_without_streams_lists_all_the_same(site, closed):
    command = f"exec {sys.executable} -m ganzoo list {closed}"
    done = subprocess.run(["sh", "-c", command], env=environment(site), check=False, capture_output=True, text=True)
    assert done.returncode in (0, 1)  # 1: there is no stdout to write to
    assert "Traceback" not in done.stderr
    if "1>" not in closed:
        assert done.returncode == 0
        assert "dcgan" in done.stdout


def test_text_of_records_is_harmless_too(tmp_path):
    red = "\\x1b[31mred\\x07"
    source = GOOD.replace("{name}", "mine").replace('"a fake"', f'"{red}", paper="{red}"')
    install(tmp_path, "ganzoo-red", source, version="1.0\x1b[31m")
    for arguments in (["list"], ["show", "mine"], ["plugins"], ["--help"]):
        done = ganzoo(*arguments, site=tmp_path)
        assert done.returncode == 0
        assert not CONTROL.search(done.stdout + done.stderr)


def test_a_traceback_that_is_asked_for_is_harmless(site):
    env = {"GANZOO_PLUGINS": "ganzoo-red", "GANZOO_STRICT": "1"}
    done = ganzoo("list", "--debug", site=site, **env)
    assert "[31mred" in done.stderr
    assert not CONTROL.search(done.stderr)


def test_the_target_of_a_record_is_imported_under_guard(tmp_path, mnist):
    source = GOOD.replace("{name}", "mine").replace("nowhere:GAN", "ganzoo_mine.model:GAN")
    install(tmp_path, "ganzoo-mine", source)
    (tmp_path / "ganzoo_mine" / "model.py").write_text("raise KeyboardInterrupt\n")
    done = ganzoo("train", "mine", "--data", str(mnist), "--dry-run", site=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "architecture 'mine' of ganzoo-mine 1.0 cannot be imported: it raised KeyboardInterrupt" in line


@pytest.mark.slow
def test_what_hangs_is_named_and_skipped(tmp_path):
    install_hanging(tmp_path)
    start = time.monotonic()
    done = ganzoo("list", "--json", site=tmp_path, GANZOO_PLUGIN_TIMEOUT="0.3")
    assert done.returncode == 0
    assert time.monotonic() - start < 30
    assert "dcgan" in {a["name"] for a in json.loads(done.stdout)["architectures"]}
    for name in HANGING:
        (line,) = [line for line in done.stderr.splitlines() if line.startswith(f"! ganzoo-{name} 1.0 ")]
        assert "it hangs: in 0.3 s it imported nothing new" in line
        assert "GANZOO_PLUGIN_TIMEOUT=" in line


def test_plugins_shows_where_it_hangs(tmp_path):
    install(tmp_path, "ganzoo-sleeps", HANGING["sleeps"])
    done = ganzoo(
        "plugins", "--times", site=tmp_path, GANZOO_PLUGIN_TIMEOUT="0.3", GANZOO_PLUGINS="dcgan,ganzoo-sleeps"
    )
    assert "    time.sleep(10**6)\n" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("! ganzoo-sleeps")]
    assert float(line.rpartition("(")[2].removesuffix(" ms)")) >= 300


@pytest.mark.slow
@pytest.mark.parametrize("source", [CATCHES_ALL, HOLDS_ALL], ids=["catches-all", "holds-all"])
def test_what_cannot_be_stopped_is_named_and_ends_the_command(tmp_path, source):
    install(tmp_path, "ganzoo-rock", source)
    done = ganzoo("list", site=tmp_path, GANZOO_PLUGIN_TIMEOUT="0.3")
    assert done.returncode == 1
    assert "ganzoo_rock" in done.stderr.replace("-", "_")


def test_what_imports_on_is_slow_and_does_not_hang(tmp_path):
    source = "import sys, time, types\nfor i in range(20):\n    time.sleep(0.05)\n    sys.modules[f'new{i}'] = types\n"
    install(tmp_path, "ganzoo-slow", source + GOOD.replace("{name}", "slow"))
    done = ganzoo("list", site=tmp_path, GANZOO_PLUGIN_TIMEOUT="0.3")
    assert "slow" in done.stdout
    (line,) = done.stderr.splitlines()
    assert re.fullmatch(
        r"! importing plugins took \d\.\d s, ganzoo-slow \(ganzoo-slow\) \d\.\d s of them: "
        "`ganzoo plugins --times` lists all",
        line,
    )


def test_a_limit_of_zero_waits(tmp_path):
    install(tmp_path, "ganzoo-slow", "import time\ntime.sleep(0.6)\n" + GOOD.replace("{name}", "slow"))
    for limit, there in (("0", True), ("0.2", False)):
        done = ganzoo("list", "--json", site=tmp_path, GANZOO_PLUGIN_TIMEOUT=limit)
        assert ("slow" in {a["name"] for a in json.loads(done.stdout)["architectures"]}) is there


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e9"])
def test_a_limit_that_is_no_number_of_seconds_is_one_line(monkeypatch, text):
    monkeypatch.setenv("GANZOO_PLUGIN_TIMEOUT", text)
    with pytest.raises(PluginError, match=f"is a number of seconds, or 0 for no limit, and not '{text}'"):
        guard.time_limit()


@pytest.mark.parametrize(
    "source", ["time.sleep(60)", "try:\n    time.sleep(60)\nexcept BaseException:\n    raise OSError"]
)
def test_a_persons_ctrl_c_interrupts_an_import(tmp_path, source):
    install(tmp_path, "ganzoo-long", f"import os, time\nos.write(2, b'here')\n{source}\n")
    command = [sys.executable, "-m", "ganzoo", "list"]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=-1, stderr=-1, text=True, bufsize=0) as child:
        assert child.stderr.read(4) == "here"
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "")
    assert "Interrupted." in err


def test_a_timer_and_handlers_of_others_are_as_before():
    rung = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGINT)}
    signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with guard.guarded("ganzoo-x", 5.0):
            time.sleep(0.05)
        assert signal.getsignal(signal.SIGINT) is handlers[signal.SIGINT]
        time.sleep(0.4)
        assert rung == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handlers[signal.SIGALRM])


def test_a_hang_on_another_thread_is_left_alone():
    from concurrent.futures import ThreadPoolExecutor

    def work():
        with guard.guarded("ganzoo-x", 0.1):
            time.sleep(0.3)
        return True

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result()


def test_a_hang_leaves_the_streams_as_they_were():
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)

    def hang():
        with guard.guarded("ganzoo-x", 0.1):
            sys.stdout.close()
            time.sleep(60)

    with pytest.raises(guard.StoppedError, match="it hangs"):
        hang()
    assert streams == (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    os.fstat(1)
