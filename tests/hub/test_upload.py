import pytest

from ganzoo.errors import HubError
from ganzoo.hub.address import Address
from ganzoo.hub.upload import compare, look, need_token, upload
from hub.server import Fault, LoopbackHub

ADDRESS = Address("alice/x")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "up"
    path.mkdir()
    (path / "model.safetensors").write_bytes(b"weights " * 10_000)
    (path / "config.json").write_bytes(b"{}")
    return path


def send(folder, address=ADDRESS, **options):
    return upload(look(address), folder, message="a message", **options)


def contents(hub: LoopbackHub, repo="alice/x", revision="main"):
    return {path: blob.content for path, blob in hub.hub.repos[repo].at(revision).files.items() if path[0] != "."}


def commits(hub: LoopbackHub, repo="alice/x") -> int:
    return len(hub.hub.repos[repo].commits)


def test_a_folder_becomes_one_commit(alice, folder):
    done = send(folder)
    assert contents(alice) == {p.name: p.read_bytes() for p in folder.iterdir()}
    assert commits(alice) == 2  # the Hub's own, and ours
    assert done.commit == alice.hub.repos["alice/x"].refs["main"]
    assert done.url == f"{alice.url}/alice/x/commit/{done.commit}"
    assert done.changed == ("config.json", "model.safetensors")
    assert alice.hub.repos["alice/x"].commits[done.commit].title == "a message"
    assert not alice.hub.repos["alice/x"].private


def test_the_same_folder_again_makes_no_commit(alice, folder):
    first = send(folder)
    before = len(alice.requests)
    again = send(folder)
    assert (again.commit, again.changed) == (first.commit, ())
    assert alice.lines()[before:] == ["GET /api/models/alice/x/revision/main"]
    assert commits(alice) == 2


def test_only_what_changed_is_sent(alice, folder):
    send(folder)
    (folder / "config.json").write_bytes(b"{ }")
    assert send(folder).changed == ("config.json",)
    assert sum("PUT /object" in line for line in alice.lines("storage")) == 1


def test_what_is_stale_is_removed_in_the_same_commit(alice, folder):
    (folder / "training.safetensors").write_bytes(b"old " * 1000)
    send(folder)
    (folder / "training.safetensors").unlink()
    (folder / "config.json").write_bytes(b"{ }")
    done = send(folder, drop=("training.safetensors", "never.there"))
    assert (done.changed, done.removed) == (("config.json",), ("training.safetensors",))
    assert "training.safetensors" not in contents(alice)
    assert commits(alice) == 3


def test_large_files_go_up_in_parts_where_the_hub_asks_for_them(monkeypatch, folder, alice):
    alice.chunk = 30_000
    send(folder)
    assert contents(alice)["model.safetensors"] == b"weights " * 10_000
    assert sum("PUT /part/" in line for line in alice.lines("storage")) == 3


def test_a_private_repository(alice, folder):
    send(folder, private=True)
    assert alice.hub.repos["alice/x"].private
    send(folder, private=True)  # and again


def test_a_public_repository_is_not_taken_for_private(alice, folder):
    send(folder)
    with pytest.raises(HubError, match=r"hf:alice/x .*already .*public"):
        send(folder, private=True)


def test_a_repository_that_becomes_public_meanwhile_gets_nothing(alice, folder):
    send(folder, private=True)
    seen = look(ADDRESS)
    alice.hub.repos["alice/x"].private = False
    (folder / "config.json").write_bytes(b"secret")
    with pytest.raises(HubError, match=r"hf:alice/x .*public"):
        upload(seen, folder, message="m", private=True)
    seen = look(Address("alice/y"))
    alice.upload("alice/y", {})
    with pytest.raises(HubError, match=r"public by now|by another process"):
        upload(seen, folder, message="m", private=True)
    assert b"secret" not in contents(alice).values()


def test_a_repository_that_another_makes_meanwhile_is_not_overwritten(alice, folder):
    seen = look(ADDRESS)
    alice.upload("alice/x", {"README.md": b"theirs"})
    with pytest.raises(HubError, match=r"hf:alice/x .*created"):
        upload(seen, folder, message="m")
    assert contents(alice) == {"README.md": b"theirs"}


def test_a_branch_is_made(alice, folder):
    send(folder)
    (folder / "config.json").write_bytes(b"[]")
    send(folder, Address("alice/x", "v2"))
    assert contents(alice)["config.json"] == b"{}"
    assert contents(alice, revision="v2")["config.json"] == b"[]"


def test_a_branch_of_a_repository_that_is_not_there(alice, folder):
    send(folder, Address("alice/x", "v2"))
    assert contents(alice) == {}
    assert set(contents(alice, revision="v2")) == {"config.json", "model.safetensors"}


def test_a_pull_request_to_a_repository_of_another(hub, folder, monkeypatch):
    hub.upload("alice/x", {"config.json": b"[]"})
    monkeypatch.setenv("HF_TOKEN", "hf_bob")
    done = send(folder, create_pr=True)
    assert (done.pull_request, done.revision) == (f"{hub.url}/alice/x/discussions/1", "refs/pr/1")
    assert contents(hub)["config.json"] == b"[]"
    assert contents(hub, revision="refs/pr/1")["config.json"] == b"{}"


def test_without_a_token(hub):
    with pytest.raises(HubError, match="HF_TOKEN"):
        need_token(ADDRESS)


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("hf_expired", "does not know the token"),
        ("hf_bob", r"the token may not write there \(.*rights"),
        ("hf_reader", r"the token may not write there \(.*rights"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_token_that_may_not(hub, folder, monkeypatch, token, text, there):
    if there:
        hub.upload("alice/x", {"config.json": b"[]"})
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=text) as error:
        send(folder)
    assert token not in str(error.value)
    assert contents(hub) == {"config.json": b"[]"} if there else "alice/x" not in hub.hub.repos


def test_another_commit_meanwhile(alice, folder):
    send(folder)
    (folder / "config.json").write_bytes(b"mine")
    seen = look(ADDRESS)
    alice.upload("alice/x", {"config.json": b"theirs"})
    with pytest.raises(HubError, match="another commit"):
        upload(seen, folder, message="m")
    assert contents(alice)["config.json"] == b"theirs"
    send(folder)
    assert contents(alice)["config.json"] == b"mine"


@pytest.mark.parametrize(
    "match", ["POST /alice/x.git/info/lfs", "POST /alice/x/verify", "POST /api/models/alice/x/commit"]
)
def test_an_upload_that_the_hub_ends_can_be_run_again(alice, folder, match):
    alice.faults.append(Fault(match, times=1, status=404, message="lost"))
    with pytest.raises(HubError, match=r"hf:alice/x: .*404"):
        send(folder)
    assert contents(alice) == {}
    assert send(folder).changed == ("config.json", "model.safetensors")
    assert sum("PUT /object" in line for line in alice.lines("storage")) == 1  # what is there is not sent twice


def test_a_hub_that_goes_down_in_the_middle(alice, folder, monkeypatch):
    import time

    monkeypatch.setattr(time, "sleep", lambda _: None)
    alice.faults.append(Fault("POST /api/models/alice/x/commit", cut=0))
    with pytest.raises(HubError, match=r"hf:alice/x: .*reached .*again"):
        send(folder)
    alice.faults.clear()
    assert send(folder).changed in {(), ("config.json", "model.safetensors")}
    assert commits(alice) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_hub_is_asked_again(alice, folder, status, caplog):
    for match in ("POST /api/repos/create", "PUT /object", "POST /api/models/alice/x/commit"):
        alice.faults.append(Fault(match, times=1, status=status, headers=(("Retry-After", "0"),)))
    send(folder)
    assert commits(alice) == 2
    assert caplog.text.count(str(status)) >= 3


def test_a_commit_whose_answer_was_lost_is_not_made_twice(alice, folder):
    alice.faults.append(Fault("POST /api/models/alice/x/commit", times=1, cut=0))
    with pytest.raises(HubError, match="cannot be reached"):
        send(folder)
    assert commits(alice) == 2  # it was made
    assert send(folder).changed == ()


def test_the_token_never_goes_to_the_storage(alice, folder):
    alice.chunk = 30_000
    send(folder)
    (folder / "model.safetensors").write_bytes(b"x" * 1000)
    send(folder)
    assert {r.token for r in alice.requests if r.port == "storage"} == {None}
    assert {r.token for r in alice.requests if r.port == "api"} == {"hf_alice"}


def test_compare(alice, folder):
    assert compare(look(ADDRESS), folder) == {"config.json": True, "model.safetensors": True}
    send(folder)
    assert compare(look(ADDRESS), folder) == {}
    (folder / "model.safetensors").write_bytes(b"x")
    assert compare(look(ADDRESS), folder, drop=("config.json",)) == {"model.safetensors": True, "config.json": False}
