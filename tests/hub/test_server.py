"""The loopback Hub answers the real client as the Hub does, where nothing else of the tests asks it to."""

from huggingface_hub import HfApi


def test_refs_and_tree(alice):
    commit = alice.upload("alice/x", {"model.safetensors": b"x" * 100, "config.json": b"{}"})
    api = HfApi(endpoint=alice.url)
    api.create_branch("alice/x", branch="v1")
    assert {ref.name: ref.target_commit for ref in api.list_repo_refs("alice/x").branches} == {
        "main": commit,
        "v1": commit,
    }
    files = {entry.path: entry.size for entry in api.list_repo_tree("alice/x")}
    assert files["model.safetensors"] == 100
    assert sorted(api.list_repo_files("alice/x")) == sorted(files)


def test_who_is_who(alice):
    assert HfApi(endpoint=alice.url).whoami()["name"] == "alice"
