import errno
import hashlib
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants

from ganzoo.errors import HubError
from ganzoo.hub.address import Address, parse
from ganzoo.hub.fetch import audit, fetch, fetch_optional
from hub.server import Fault

LARGE, SMALL = b"weights " * 10_000, b'{"a": 1}'
SHA = hashlib.sha256(LARGE).hexdigest()


@pytest.fixture
def repo(hub) -> Address:
    commit = hub.upload("me/x", {"model.safetensors": LARGE, "config.json": SMALL, "sub/deep.safetensors": LARGE})
    return Address("me/x", commit)


@pytest.mark.parametrize(
    ("file", "content"), [("model.safetensors", LARGE), ("config.json", SMALL), ("sub/deep.safetensors", LARGE)]
)
def test_a_file_comes_whole_and_its_revision_is_resolved(hub, repo, file, content):
    fetched = fetch(Address("me/x"), file)
    assert fetched.path.read_bytes() == content
    assert fetched.address == repo


def test_a_cached_commit_costs_no_request(hub, repo):
    fetch(repo, "model.safetensors")
    before = len(hub.requests)
    fetch(repo, "model.safetensors", sha256=SHA)
    assert hub.lines()[before:] == []


def test_a_cached_branch_costs_one_request(hub, repo):
    fetch(Address("me/x"), "model.safetensors")
    before = len(hub.requests)
    fetch(Address("me/x"), "model.safetensors")
    assert hub.lines()[before:] == ["HEAD /me/x/resolve/main/model.safetensors"]


def test_a_moved_branch_is_followed(hub, repo):
    fetch(Address("me/x"), "config.json")
    commit = hub.upload("me/x", {"config.json": b"{}"})
    fetched = fetch(Address("me/x"), "config.json")
    assert (fetched.path.read_bytes(), fetched.address.revision) == (b"{}", commit)
    assert fetch(repo, "config.json").path.read_bytes() == SMALL


def everything(folder) -> list[Path]:
    return [p for p in Path(folder).rglob("*") if p.is_file() or p.is_symlink()]


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_file_that_came_damaged_is_refused_and_gone(hub, repo, file):
    """The client compares sizes alone: a flipped bit is ours to find."""
    hub.faults.append(Fault("GET .*(/file/|config.json)", times=1, corrupt=True))
    with pytest.raises(HubError, match=f"{file} has sha.* where the Hub has .*removed; .*ganzoo pull"):
        fetch(repo, file)
    assert not [p for p in everything(constants.HF_HUB_CACHE) if p.name == file or p.stat().st_size in (8, 80_000)]
    assert fetch(repo, file).path.exists()


def test_a_file_that_decayed_in_the_cache_is_refused_and_gone(hub, repo):
    path = fetch(repo, "model.safetensors").path
    path.resolve().write_bytes(LARGE[:-1] + b"?")
    with pytest.raises(HubError, match=f"sha256 [0-9a-f]{{64}} where the Hub has {SHA}"):
        fetch(repo, "model.safetensors")
    assert fetch(repo, "model.safetensors").path.read_bytes() == LARGE


def test_a_file_that_is_not_the_listed_one_is_refused(hub, repo):
    with pytest.raises(HubError, match=f"sha256 {SHA} where {'0' * 64} "):
        fetch(repo, "model.safetensors", sha256="0" * 64)
    assert not [p for p in everything(constants.HF_HUB_CACHE) if p.name == "model.safetensors"]


def test_without_links_the_hub_is_asked_for_the_hash(hub, repo, monkeypatch):
    """As in the cache of a Windows machine, which has no links."""
    from huggingface_hub import file_download

    monkeypatch.setattr(file_download, "are_symlinks_supported", lambda *_: False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_SYMLINKS_WARNING", True)
    path = fetch(repo, "model.safetensors").path
    assert not path.is_symlink()
    before = len(hub.requests)
    assert fetch(repo, "model.safetensors", sha256=SHA).path == path
    assert hub.lines()[before:] == []
    path.write_bytes(LARGE[:-1] + b"?")
    with pytest.raises(HubError, match="ganzoo pull"):
        fetch(repo, "model.safetensors", sha256=SHA)
    assert not path.exists()
    path = fetch(repo, "model.safetensors").path
    path.write_bytes(LARGE[:-1] + b"?")
    with pytest.raises(HubError, match=f"where the Hub has {SHA}"):
        fetch(repo, "model.safetensors")


@pytest.mark.parametrize("etag", ["../../../../../precious", "abc", "A" * 64, ""])
def test_what_cannot_be_checked_is_refused_and_nothing_else_is_touched(hub, repo, tmp_path, etag):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    hub.faults.append(Fault("HEAD .*model", headers=(("X-Linked-Etag", f'"{etag}"'), ("ETag", f'"{etag}"'))))
    with pytest.raises(HubError):
        fetch(repo, "model.safetensors")
    with pytest.raises(HubError):
        fetch(repo, "model.safetensors", sha256="1" * 64)
    assert precious.read_text() == "mine"


def test_a_link_out_of_the_cache_is_removed_and_its_target_kept(hub, repo, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    blob = fetch(repo, "model.safetensors").path.resolve()
    blob.unlink()
    blob.symlink_to(precious)
    with pytest.raises(HubError, match="where the Hub has"):
        fetch(repo, "model.safetensors")
    assert precious.read_text() == "mine"
    assert fetch(repo, "model.safetensors").path.read_bytes() == LARGE


def test_audit_compares_what_is_here_with_the_hub(hub, repo):
    path = fetch(repo, "model.safetensors").path
    fetch(repo, "config.json")
    assert audit(repo, path.parent) == ["config.json", "model.safetensors"]
    forged = path.resolve().with_name("0" * 64)  # content and name agree with each other, not with the Hub
    forged.write_bytes(b"forged")
    path.unlink()
    path.symlink_to(forged)
    with pytest.raises(HubError, match=f"where the Hub has {SHA}"):
        audit(repo, path.parent)
    assert not path.exists()
    assert not forged.exists()


def test_a_file_that_may_be_missing(hub, repo):
    assert fetch_optional(repo, "training.safetensors") is None
    with pytest.raises(HubError, match="no such file"):
        fetch(repo, "training.safetensors")


def test_offline_the_cache_serves_and_nothing_else(hub, repo, monkeypatch):
    fetch(Address("me/x"), "model.safetensors")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    before = len(hub.requests)
    assert fetch(Address("me/x"), "model.safetensors").address == repo
    with pytest.raises(HubError, match=r"hf:me/x: HF_HUB_OFFLINE .*config.json .*unset"):
        fetch(Address("me/x"), "config.json")
    with pytest.raises(HubError, match="HF_HUB_OFFLINE"):
        fetch(parse("hf:me/other"), "config.json")
    assert hub.lines()[before:] == []


def test_when_the_hub_is_down_the_cache_serves(hub, repo):
    fetch(Address("me/x"), "model.safetensors")
    hub.close()
    assert fetch(Address("me/x"), "model.safetensors").address == repo


@pytest.mark.slow
def test_when_the_hub_is_down_and_nothing_is_cached(hub, repo, caplog):
    hub.close()
    with pytest.raises(HubError, match=r"hf:me/x: .*reached .*network"):
        fetch(Address("me/x"), "config.json")
    assert "Retry" in caplog.text or "retry" in caplog.text.lower()  # the person saw why it took so long


def test_a_download_that_breaks_off_is_taken_up_again(hub, repo):
    hub.faults.append(Fault("GET /file/", times=1, cut=30_000))
    assert fetch(repo, "model.safetensors").path.read_bytes() == LARGE


def test_a_download_that_breaks_off_for_good_leaves_nothing(hub, repo, monkeypatch):
    from huggingface_hub import file_download

    monkeypatch.setattr(file_download.time, "sleep", lambda _: None)
    hub.faults.append(Fault("GET /file/", cut=0))
    with pytest.raises(HubError, match=r"the transfer of model\.safetensors stopped 4 times"):
        fetch(repo, "model.safetensors")
    assert not [p for p in everything(constants.HF_HUB_CACHE) if p.suffix in (".incomplete", ".safetensors")]


@pytest.mark.slow
def test_a_slow_server_is_waited_for_and_then_given_up(hub, repo, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    hub.faults.append(Fault("GET /file/", times=1, delay=0.5))
    assert fetch(repo, "model.safetensors").path.read_bytes() == LARGE
    hub.faults.append(Fault("GET /file/", delay=0.5))
    hub.upload("me/y", {"model.safetensors": LARGE[::-1]})
    with pytest.raises(HubError, match=r"stopped 4 times.*HF_HUB_DOWNLOAD_TIMEOUT"):
        fetch(Address("me/y"), "model.safetensors")


def test_a_full_disk_is_named(hub, repo, monkeypatch):
    from huggingface_hub import file_download

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_download, "http_get", full)  # the disk, not the client, is what this stands for
    with pytest.raises(HubError, match=r"hf is full.*HF_HOME"):
        fetch(repo, "model.safetensors")
    assert not [p for p in everything(constants.HF_HUB_CACHE) if p.suffix in (".incomplete", ".safetensors")]


def test_two_at_once_into_an_empty_cache(hub, repo):
    hub.faults.append(Fault("GET /file/", delay=0.2))
    found: list[bytes] = []

    def one():
        found.append(fetch(repo, "model.safetensors").path.read_bytes())

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [LARGE] * 4
