"""Whole commands in processes of their own: one person publishes, another loads, and things go wrong in between."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.server import Fault, LoopbackHub
from installs import ganzoo, python

TOKEN = "hf_alice"


@pytest.fixture
def loop():
    with LoopbackHub() as made:
        yield made


class Person:
    """Somebody at a machine of their own: a cache, and a token or none."""

    def __init__(self, loop: LoopbackHub, home: Path, token: str | None = None, **env: str) -> None:
        self.home = home
        self.env = {
            "HF_ENDPOINT": loop.url, "HF_HOME": str(home / "hf"), "GANZOO_CACHE": str(home / "ganzoo"),
            "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1", "NO_PROXY": "127.0.0.1,localhost", "HF_TOKEN": token or "", **env,
        }  # fmt: skip

    def ganzoo(self, *arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
        return ganzoo(*map(str, arguments), **{**self.env, **env})

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        return python("-c", code, **self.env)

    def begin(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command and do not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "ganzoo", *map(str, arguments)],
            env={**os.environ, **self.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # The tests may run in the background of a shell, whose children ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )

    def on_a_small_disk(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run a command none of whose files may grow over 20 kB."""
        limited = (
            "import resource as r, runpy, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
            "r.setrlimit(r.RLIMIT_FSIZE, (20_000, 20_000)); runpy.run_module('ganzoo', run_name='__main__')"
        )
        return python("-c", limited, *map(str, arguments), **self.env)

    def files(self) -> list[Path]:
        return [p for p in self.home.rglob("*") if p.is_file()]


def wait_for(loop: LoopbackHub, line: str) -> None:
    for _ in range(600):
        if any(line in seen for seen in loop.lines()):
            time.sleep(0.5)  # for the answer to arrive
            return
        time.sleep(0.1)
    raise AssertionError(loop.lines())


def one_line(done: subprocess.CompletedProcess[str], text: str) -> None:
    """The command failed with one line of ours; warnings of the client about retries may come before it."""
    assert done.returncode == 1, done
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: "), done.stderr
    assert re.search(text, last), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_one_trains_and_publishes_and_another_loads_the_same(loop, tmp_path, mnist):
    alice, bob = Person(loop, tmp_path / "alice", TOKEN), Person(loop, tmp_path / "bob")
    run, training = tmp_path / "alice" / "run", ("--data", mnist, "--images", "64", "--batch-size", "32")
    small = ("-o", "base_channels=8", "-o", "discriminator_channels=8")
    done = alice.ganzoo("train", "cgan", *training, *small, "--out", run)
    assert done.returncode == 0, done.stderr
    published = alice.ganzoo("publish", run, "alice/digits", "--license", "mit", "--discriminator")
    assert published.returncode == 0, published.stderr

    listed = bob.ganzoo("list", "--hub")
    assert re.search(r"hf:alice/digits\s+cgan", listed.stdout)
    card = loop.hub.repos["alice/digits"].at("main").files["README.md"].content.decode()
    snippet = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    assert len([line for line in snippet.splitlines() if line.startswith(("gan", "images"))]) == 2
    print_hash = "\nimport hashlib; print(gan.origin, hashlib.sha256(images.numpy().tobytes()).hexdigest())"
    his = bob.python(snippet + print_hash)
    assert his.returncode == 0, his.stderr
    hers = alice.python(snippet.replace("hf:alice/digits", str(run)) + print_hash)
    commit = loop.hub.repos["alice/digits"].refs["main"]
    assert his.stdout.split() == [f"hf:alice/digits@{commit}", hers.stdout.split()[1]]  # to the last bit

    tuned = bob.ganzoo("train", "--from", "hf:alice/digits", *training, "--out", bob.home / "tuned")
    assert tuned.returncode == 0, tuned.stderr
    assert "untrained" not in tuned.stderr  # the discriminator came along

    assert {r.token for r in loop.requests if r.port == "storage"} == {None}
    assert {r.token for r in loop.requests if r.port == "api"} == {None, TOKEN}
    output = "".join(part.stdout + part.stderr for part in (published, listed, his, hers, tuned))
    assert TOKEN not in output
    for path in [*alice.files(), *bob.files()]:
        assert TOKEN.encode() not in path.read_bytes(), path
    for blob in loop.hub.repos["alice/digits"].at("main").files.values():
        assert TOKEN.encode() not in blob.content


@pytest.mark.parametrize(
    "arguments", [("pull", "hf:me/x"), ("publish", "dcgan-mnist", "alice/x"), ("list", "--hub")], ids=lambda a: a[0]
)
def test_the_token_is_in_no_traceback_either(loop, tmp_path, arguments):
    loop.upload("me/x", {"config.json": b"{}"})
    done = Person(loop, tmp_path, "hf_wrong_but_secret").ganzoo("--debug", *arguments)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert "does not know the token" in done.stderr.splitlines()[-1]


@pytest.fixture
def published(loop, trained) -> LoopbackHub:
    """The Hub with a model on it."""
    there = [p for p in trained.iterdir() if p.suffix in (".json", ".safetensors")]
    loop.upload("alice/digits", {p.name: p.read_bytes() for p in there})
    return loop


def test_offline_by_the_environment(published, tmp_path):
    bob = Person(published, tmp_path)
    one_line(bob.ganzoo("pull", "hf:alice/digits", HF_HUB_OFFLINE="1"), "hf:alice/digits: HF_HUB_OFFLINE is set")
    assert bob.ganzoo("pull", "hf:alice/digits").returncode == 0
    before = len(published.requests)
    done = bob.ganzoo("sample", "hf:alice/digits", "-n", "1", "-o", tmp_path / "x.png", HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    one_line(bob.ganzoo("list", "--hub", HF_HUB_OFFLINE="1"), "the search: HF_HUB_OFFLINE is set: unset it")
    offline = {"HF_HUB_OFFLINE": "1", "HF_TOKEN": TOKEN}
    one_line(bob.ganzoo("publish", "dcgan-mnist", "alice/x", **offline), "hf:alice/x: HF_HUB_OFFLINE is set")
    assert len(published.requests) == before


def test_two_processes_fetch_into_one_empty_cache(published, tmp_path):
    published.faults.append(Fault("GET /file/", delay=1))
    bob = Person(published, tmp_path)
    both = [bob.begin("pull", "hf:alice/digits") for _ in range(2)]
    output = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], output
    assert output[0][0] == output[1][0]
    assert not list(tmp_path.rglob("*.incomplete"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_download_that_is_stopped_leaves_nothing_half(published, tmp_path, number):
    published.faults.append(Fault("GET /file/", times=1, cut=1000, delay=30))
    bob = Person(published, tmp_path)
    one = bob.begin("pull", "hf:alice/digits")
    wait_for(published, "GET /file/")
    one.send_signal(number)
    _, output = one.communicate(timeout=20)
    assert one.returncode == 128 + number
    assert "Traceback" not in output
    assert not list(tmp_path.rglob("*.incomplete"))
    assert bob.ganzoo("pull", "hf:alice/digits").returncode == 0


def test_a_download_that_is_killed_is_fetched_anew(published, tmp_path):
    published.faults.append(Fault("GET /file/", times=1, cut=1000, delay=30))
    bob = Person(published, tmp_path)
    one = bob.begin("pull", "hf:alice/digits")
    wait_for(published, "GET /file/")
    one.kill()
    one.communicate(timeout=20)
    assert not list(tmp_path.rglob("model.safetensors"))
    assert bob.ganzoo("pull", "hf:alice/digits").returncode == 0


@pytest.mark.slow
def test_a_publish_that_is_killed_is_run_again(loop, tmp_path, trained):
    loop.faults.append(Fault("POST /api/models/alice/digits/commit", times=1, status=500, delay=30))
    alice = Person(loop, tmp_path, TOKEN)
    one = alice.begin("publish", trained, "alice/digits")
    wait_for(loop, "/commit/main")
    one.kill()
    one.communicate(timeout=20)
    assert set(loop.hub.repos["alice/digits"].at("main").files) == {".gitattributes"}
    done = alice.ganzoo("publish", trained, "alice/digits")
    assert done.returncode == 0, done.stderr
    assert sum("PUT /object" in line for line in loop.lines("storage")) == 1  # what was there is not sent twice


@pytest.mark.slow
def test_a_publish_that_is_stopped_says_so(loop, tmp_path, trained):
    loop.faults.append(Fault("PUT /object", times=1, status=500, delay=30))
    one = Person(loop, tmp_path, TOKEN).begin("publish", trained, "alice/digits")
    wait_for(loop, "PUT /object")
    one.send_signal(signal.SIGINT)
    _, output = one.communicate(timeout=20)
    assert one.returncode == 130
    assert "\nInterrupted.\n" in output


def test_the_person_sees_the_retries(published, tmp_path):
    now = (("Retry-After", "0"),)
    published.faults.append(Fault("HEAD /alice/digits/resolve", times=1, status=503, headers=now))
    published.faults.append(Fault("GET /file/", times=1, status=503, headers=now))
    done = Person(published, tmp_path).ganzoo("pull", "hf:alice/digits")
    assert done.returncode == 0, done.stderr
    assert "the Hub answers 503: trying again in 0 s (1 of 4)" in done.stderr


def test_a_full_disk(published, tmp_path):
    bob = Person(published, tmp_path)
    one_line(bob.on_a_small_disk("pull", "hf:alice/digits"), "is full: free some space, or set HF_HOME to another disk")
    assert not list(tmp_path.rglob("*.incomplete"))
    assert not list(tmp_path.rglob("model.safetensors"))
    assert bob.ganzoo("pull", "hf:alice/digits").returncode == 0


@pytest.mark.slow
def test_a_full_disk_while_publishing(loop, tmp_path, trained):
    alice = Person(loop, tmp_path, TOKEN, TMPDIR=str(tmp_path))
    one_line(alice.on_a_small_disk("publish", trained, "alice/digits"), "File too large")
    assert loop.hub.repos == {}
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("ganzoo-publish")]


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_disk_that_is_really_full(published, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount")
    try:
        done = Person(published, disk).ganzoo("pull", "hf:alice/digits")
        one_line(done, "is full: free some space, or set HF_HOME to another disk")
        assert not list(disk.rglob("*.incomplete"))
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0, 30])
def test_a_proxy_that_cuts_or_stalls_is_one_line_without_a_signed_address(published, tmp_path, delay):
    published.faults.append(Fault("GET /file/", cut=10, delay=delay))
    bob = Person(published, tmp_path, token="hf_bob", HF_HUB_DOWNLOAD_TIMEOUT="1")
    start = time.monotonic()
    for words in ([], ["--debug"]):
        done = bob.ganzoo("pull", "hf:alice/digits", *words)
        assert done.returncode == 1
        assert "stopped 4 times" in done.stderr.splitlines()[-1]
        assert "HF_HUB_DOWNLOAD_TIMEOUT=60 waits longer than 1 s" in done.stderr.splitlines()[-1]
        for secret in ("hf_bob", "signed", "Signature="):
            assert secret not in done.stdout + done.stderr
    assert time.monotonic() - start < 60


@pytest.mark.parametrize("text", ["0.5", "soon", "-3"])
def test_a_time_that_the_client_cannot_parse_is_one_line(loop, tmp_path, text):
    done = Person(loop, tmp_path, HF_HUB_ETAG_TIMEOUT=text).ganzoo("pull", "hf:alice/digits")
    assert done.returncode == 1
    assert done.stderr == f"Error: HF_HUB_ETAG_TIMEOUT is a whole number of seconds, and not '{text}'\n"


def test_no_control_character_is_written_into_a_pipe(published, tmp_path, loop, trained):
    bob, alice = Person(published, tmp_path / "bob"), Person(published, tmp_path / "alice", "hf_alice")
    loaded, sent = bob.ganzoo("pull", "hf:alice/digits"), alice.ganzoo("publish", trained, "alice/more")
    assert (loaded.returncode, sent.returncode) == (0, 0), loaded.stderr + sent.stderr
    for text in (loaded.stdout, loaded.stderr, sent.stdout, sent.stderr):
        assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_without_a_terminal_the_libraries_draw_no_bars():
    code = "import sys; sys.argv[1:] = ['list']\nfrom ganzoo.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "import datasets.utils, huggingface_hub.utils as hub\n"
    code += "print(datasets.utils.are_progress_bars_disabled(), hub.are_progress_bars_disabled())"
    done = python("-c", code)
    assert done.stdout.splitlines()[-1] == "True True"
