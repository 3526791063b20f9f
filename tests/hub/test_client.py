import pytest
from huggingface_hub import constants

from ganzoo.errors import GanzooError, HubError
from ganzoo.hub.address import Address
from ganzoo.hub.client import api, explained, persist, plain
from ganzoo.hub.fetch import fetch
from ganzoo.hub.search import describe, search
from hub.server import Fault

CONTENT = {"config.json": b"{}", "model.safetensors": b"x" * 100}


def asked(address: Address):
    with explained(address):
        return describe(address)


def test_an_unknown_repository(hub):
    with pytest.raises(HubError, match=r"hf:me/none: .*private"):
        fetch(Address("me/none"), "config.json")


def test_an_unknown_repository_with_a_token(alice):
    with pytest.raises(HubError, match=r"repository.* token"):
        fetch(Address("me/none"), "config.json")


def test_an_unknown_revision(hub):
    hub.upload("me/x", CONTENT)
    with pytest.raises(HubError, match=r"hf:me/x@v9: .*revision"):
        fetch(Address("me/x", "v9"), "config.json")


@pytest.mark.parametrize(("token", "text"), [(None, "HF_TOKEN"), ("hf_bob", "your token may not see it")])
def test_a_private_repository(hub, monkeypatch, token, text):
    hub.upload("alice/secret", CONTENT, private=True)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=text):
        fetch(Address("alice/secret"), "config.json")
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    assert fetch(Address("alice/secret"), "config.json").path.read_bytes() == b"{}"


@pytest.mark.parametrize("token", [None, "hf_bob"])
def test_a_gated_repository(hub, monkeypatch, token):
    hub.upload("alice/gated", CONTENT, gated=True)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=r"hf:alice/gated: .*access"):
        fetch(Address("alice/gated"), "config.json")


def test_an_unknown_token_is_reported_and_not_shown(hub, monkeypatch):
    hub.upload("me/x", CONTENT)
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    with pytest.raises(HubError, match="token: log in") as error:
        fetch(Address("me/x"), "config.json")
    assert "hf_expired" not in str(error.value)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_hub_is_asked_again(hub, caplog, status):
    hub.upload("me/x", CONTENT)
    hub.faults.append(Fault("GET /api/models/me/x", times=2, status=status, headers=(("Retry-After", "0"),)))
    assert asked(Address("me/x")).sizes["config.json"] == 2
    assert [r.message for r in caplog.records] == [
        f"the Hub answers {status}: trying again in 0 s ({n} of 4)" for n in (1, 2)
    ]


def test_a_hub_that_stays_busy_is_given_up(hub):
    hub.upload("me/x", CONTENT)
    hub.faults.append(Fault("GET /api/models/me/x", status=503, headers=(("Retry-After", "0"),)))
    with pytest.raises(HubError, match=r"503 \(it is out of order\)"):
        asked(Address("me/x"))
    assert len(hub.requests) == 5


def test_a_busy_hub_while_downloading(hub):
    """The client waits by itself before the first byte; a storage that is out of order is asked again by us."""
    hub.upload("me/x", CONTENT)
    hub.faults.append(Fault("GET /file/", times=2, status=503, headers=(("Retry-After", "0"),)))
    hub.faults.append(Fault("HEAD /me/x/resolve", times=1, status=429, headers=(("Retry-After", "0"),)))
    assert fetch(Address("me/x"), "model.safetensors").path.read_bytes() == b"x" * 100


def test_any_other_answer_is_reported_with_its_reason(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    hub.faults.append(Fault("GET /api/models/me/x", status=418, message="short and stout hf_alice\x1b[31m"))
    with pytest.raises(HubError, match=r"hf:me/x: .*418: .*short and stout") as error:
        asked(Address("me/x"))
    assert "hf_alice" not in str(error.value)
    assert str(error.value).isprintable()


def test_an_endpoint_that_is_no_hub(hub, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", hub.storage)
    with pytest.raises(HubError, match="the Hub"):
        fetch(Address("me/x"), "config.json")


def test_our_own_errors_pass(hub):
    with pytest.raises(GanzooError, match=r"^mine$"), explained("x"):
        raise GanzooError("mine")
    with pytest.raises(KeyboardInterrupt), explained("x"):
        raise KeyboardInterrupt


def test_a_cache_that_cannot_be_written_is_named(hub, monkeypatch, tmp_path):
    hub.upload("me/x", CONTENT)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    with pytest.raises(HubError, match=r"hf:me/x: .*file.*: HF_HOME "):
        fetch(Address("me/x"), "config.json")


@pytest.mark.parametrize("body", [b"", b"<html>", b"null", b"[]", b"3", b'{"id": 1}', b'{"siblings": [{}]}'])
def test_an_answer_that_makes_no_sense(hub, body):
    hub.upload("me/x", CONTENT)
    hub.faults.append(Fault("GET /api/models", body=body))
    for ask in (lambda: asked(Address("me/x")), lambda: search(limit=5)):
        try:
            ask()
        except HubError as error:
            assert "HF_ENDPOINT" in str(error)  # noqa: PT017 - some of these are an empty listing


def test_persist_makes_one_call_when_all_is_well():
    calls: list[int] = []
    assert persist(lambda: calls.append(1) or 7) == 7
    assert calls == [1]


def test_the_client_says_who_it_is(hub):
    assert "ganzoo" in api()._build_hf_headers()["user-agent"]


def test_plain_takes_the_token_and_control_letters_out(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert plain("a\nb\x1b[2J hf_secret") == "a b [2J ***"
    assert len(plain("x" * 1000)) == 300
