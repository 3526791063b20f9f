"""A Hub or a proxy that stalls is given up after a time that a person can set, in one line without an address."""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace

import pytest
from huggingface_hub import constants, get_session

from ganzoo.errors import HubError
from ganzoo.hub.address import Address
from ganzoo.hub.client import explained, plain
from ganzoo.hub.fetch import fetch
from ganzoo.hub.search import describe, search
from hub.server import Fault

LARGE = b"weights " * 400_000  # more than one MiB
SIGNED = "X-Amz-Signature"


@pytest.fixture
def repo(hub, monkeypatch) -> Address:
    for kind in ("DOWNLOAD", "ETAG"):
        monkeypatch.setattr(constants, f"HF_HUB_{kind}_TIMEOUT", 0.3)
    return Address("me/x", hub.upload("me/x", {"model.safetensors": LARGE, "config.json": b"{}" * 100}))


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Have the client wait for less long before it tries again."""
    from huggingface_hub import file_download
    from huggingface_hub.utils import _http

    sleep = time.sleep
    for module in (file_download, _http):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda seconds: sleep(seconds / 20), time=time.time))


def given_up(ask, most: float = 10.0) -> str:
    start = time.monotonic()
    with pytest.raises(HubError) as error:
        ask()
    assert time.monotonic() - start < most
    assert str(error.value).isprintable()
    assert "://" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
@pytest.mark.parametrize("cut", [0, 10])
def test_a_transfer_that_stalls_is_given_up(hub, repo, caplog, file, cut):
    """Ten bytes at each attempt: to the client alone these are progress, for ever."""
    hub.faults.append(Fault("GET .*(/file/|config.json)", cut=cut, delay=30))
    text = given_up(lambda: fetch(repo, file))
    assert f"the transfer of {file} stopped 4 times" in text
    assert "HF_HUB_DOWNLOAD_TIMEOUT=60" in text
    assert [record.name for record in caplog.records] == ["ganzoo.hub.patience"] * 3
    assert all("trying again" in record.getMessage() for record in caplog.records)


def test_a_transfer_that_is_cut_is_given_up_without_its_address(hub, repo, caplog):
    hub.faults.append(Fault("GET /file/", cut=10))
    text = given_up(lambda: fetch(repo, "model.safetensors"))
    assert "stopped 4 times" in text
    assert not [record for record in caplog.records if "://" in record.getMessage() or SIGNED in record.getMessage()]


def test_a_transfer_that_gets_on_is_taken_up_again_as_often_as_it_takes(hub, repo, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # the client keeps only whole ones
    for times, cut in ((2, 100), (2, 1_100_000), (2, 100)):
        hub.faults.append(Fault("GET /file/", times=times, cut=cut))
    assert fetch(repo, "model.safetensors").path.read_bytes() == LARGE


@pytest.mark.parametrize("match", ["HEAD .*config", "HEAD .*model"])
def test_a_hub_that_does_not_answer_is_given_up(hub, repo, match):
    hub.faults.append(Fault(match, delay=30))
    file = "config.json" if "config" in match else "model.safetensors"
    assert "HF_HUB_ETAG_TIMEOUT=60" in given_up(lambda: fetch(repo, file))


def test_no_question_waits_for_ever(hub, repo):
    hub.faults.append(Fault("GET /api/models", delay=30))

    def asked():
        with explained(repo):
            describe(repo)

    for ask in (asked, lambda: search(limit=5)):
        assert "HF_HUB_DOWNLOAD_TIMEOUT=60" in given_up(ask)


def test_a_file_in_the_cache_is_used_where_the_hub_does_not_answer(hub, repo):
    fetch(Address("me/x"), "config.json")
    hub.faults.append(Fault("HEAD", delay=30))
    assert fetch(Address("me/x"), "config.json").address == repo


def test_of_an_address_the_host_alone_is_told(hub, caplog):
    logger = logging.getLogger("huggingface_hub.utils._http")
    with explained("x"):
        logger.warning("HTTP Error %d thrown while requesting PUT %s", 503, f"https://cdn.example:80/a?{SIGNED}=b")
    logger.warning("afterwards: https://cdn.example/a")
    assert caplog.messages[0] == "HTTP Error 503 thrown while requesting PUT cdn.example:80"
    assert caplog.messages[1] == "afterwards: https://cdn.example/a"


def test_the_client_is_left_as_it_was(hub, repo):
    logger = logging.getLogger("huggingface_hub.file_download")
    hooks, filters = {name: [*some] for name, some in get_session().event_hooks.items()}, [*logger.filters]
    fetch(repo, "config.json")
    with pytest.raises(HubError):
        fetch(repo, "missing.json")
    assert get_session().event_hooks == hooks
    assert logger.filters == filters


def test_plain_takes_the_queries_of_addresses_out():
    signed = f"'https://cdn.example/a?{SIGNED}=abc&b=c' and http://x/y"
    assert plain(signed) == "'https://cdn.example/a?...' and http://x/y"
