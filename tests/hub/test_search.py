import pytest

from ganzoo.errors import HubError
from ganzoo.hub.address import Address
from ganzoo.hub.search import describe, search
from hub.server import Fault

CARD = "---\nlibrary_name: ganzoo\ntags: [gan, {arch}]\nganzoo: {{architecture: {arch}}}\n---\n# x\n"


def card(architecture: str) -> dict[str, bytes]:
    return {"README.md": CARD.format(arch=architecture).encode()}


@pytest.fixture
def many(hub):
    for i in range(5):
        hub.upload(f"me/dcgan-{i}", card("dcgan"))
    hub.upload("you/other", card("other"))
    hub.upload("you/foreign", {"README.md": b"---\nlibrary_name: timm\n---\n"})
    hub.upload("you/cardless", {"config.json": b"{}"})
    return hub


def names(**options):
    return [one.repo for one in search(**{"limit": 50, **options})]


def test_only_ganzoos_models_are_listed_page_by_page(many):
    assert names() == [f"me/dcgan-{i}" for i in range(5)] + ["you/other"]
    assert sum(line == "GET /api/models" for line in many.lines()) == 3


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"author": "you"}, ["you/other"]),
        ({"text": "gan-3"}, ["me/dcgan-3"]),
        ({"tags": ("other",)}, ["you/other"]),
        ({"author": "nobody"}, []),
        ({"limit": 3}, ["me/dcgan-0", "me/dcgan-1", "me/dcgan-2"]),
    ],
)
def test_filters(many, options, found):
    assert names(**options) == found


def test_a_search_brings_the_cards_metadata(many):
    listed = search(author="you", limit=5)[0]
    assert listed.card["ganzoo"] == {"architecture": "other"}
    assert listed.updated == "2026-01-02"


def test_private_models_are_seen_by_their_owner_alone(many, monkeypatch):
    many.upload("alice/secret", card("dcgan"), private=True)
    assert "alice/secret" not in names()
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    assert next(one for one in search(author="alice", limit=9)).private


def test_a_search_that_fails_is_one_line(many):
    many.faults.append(Fault("GET /api/models$", status=400, message="no"))
    with pytest.raises(HubError, match=r"search: .*400: .*no"):
        names()


def test_describe_gives_sizes_and_hashes_without_fetching(hub):
    commit = hub.upload("me/x", {"model.safetensors": b"x" * 100, "config.json": b"{}"})
    found = describe(Address("me/x"))
    assert found.address == Address("me/x", commit)
    assert (found.sizes["model.safetensors"], found.sizes["config.json"]) == (100, 2)
    assert (len(found.hashes["model.safetensors"]), len(found.hashes["config.json"])) == (64, 40)
    assert hub.lines() == ["GET /api/models/me/x/revision/main"]
