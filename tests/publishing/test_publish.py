import re
from pathlib import Path

import pytest
import torch
import yaml

import ganzoo
from ganzoo.errors import ConfigError, GanzooError, HubError, WeightsError
from ganzoo.models.config import read_config
from ganzoo.publishing.model_card import CARD
from ganzoo.publishing.publish import publish
from helpers import config_of, files_of
from hub.server import Fault

FILES = {"README.md", "config.json", "model.safetensors", "samples.png"}


def test_a_run_is_published_and_loaded_by_name(alice, trained):
    done = publish(trained, "alice/digits", license="cc-by-4.0")
    assert set(files_of(alice)) == FILES == set(done.changed)
    gan = ganzoo.load("hf:alice/digits")
    assert torch.equal(gan.sample(8, seed=3), ganzoo.load(trained).sample(8, seed=3))
    assert gan.origin == f"hf:alice/digits@{done.commit}"
    assert not gan.training


def test_a_published_model_keeps_the_names_of_its_classes(alice, by_class):
    done = publish(by_class, "alice/animals")
    assert config_of(alice, "alice/animals")["data"]["classes"] == ["cat", "dog", "owl"]
    assert "`cat`, `dog`, `owl`" in files_of(alice, "alice/animals")[CARD].decode()
    assert done.entry["animals"]["classes"] == ["cat", "dog", "owl"]
    assert ganzoo.load("hf:alice/animals").class_names == ("cat", "dog", "owl")


def test_again_with_nothing_changed_makes_no_commit(alice, trained):
    first = publish(trained, "alice/digits")
    again = publish(trained, "alice/digits")
    assert (again.changed, again.commit, again.url) == ((), first.commit, first.url)
    assert len(alice.hub.repos["alice/digits"].commits) == 2


def test_the_cards_snippet_works_as_pasted(alice, trained):
    publish(trained, "alice/digits")
    code = re.search(r"```python\n(.*?)```", files_of(alice)[CARD].decode(), re.DOTALL)[1]
    names: dict[str, object] = {}
    exec(code, names)
    assert names["images"].shape == (16, 1, 28, 28)
    shape = re.search(r"# \((16, .*?)\)", code)[1]
    assert str(tuple(names["images"].shape)) == f"({shape})"


def test_what_was_written_by_hand_survives(alice, trained):
    publish(trained, "alice/digits")
    card = files_of(alice)[CARD].decode()
    edited = card.replace("It has not been checked", "We have checked it").replace("tags:\n", "tags:\n- ours\n")
    assert edited != card
    alice.upload("alice/digits", {CARD: edited.encode()})
    assert publish(trained, "alice/digits").changed in {(), (CARD,)}
    publish(trained, "alice/digits", license="mit")
    text = files_of(alice)[CARD].decode()
    assert "We have checked it" in text
    assert "license: mit" in text
    assert "ours" in yaml.safe_load(text.split("---")[1])["tags"]
    assert publish(trained, "alice/digits").changed == ()  # the licence stays as it was chosen


def test_a_dry_run_writes_the_folder_and_uploads_nothing(alice, trained, tmp_path):
    out = tmp_path / "up"
    done = publish(trained, "alice/digits", dry_run=out)
    assert {p.name for p in out.iterdir()} == FILES
    assert (done.commit, set(done.changed), done.folder) == (None, FILES, out)
    assert alice.hub.repos == {}
    assert all(line.startswith(("GET", "HEAD")) for line in alice.lines())
    assert torch.equal(ganzoo.load(out).sample(4), ganzoo.load(trained).sample(4))
    publish(trained, "alice/digits")
    assert {p.name: p.read_bytes() for p in out.iterdir()} == files_of(alice)
    assert publish(trained, "alice/digits", dry_run=tmp_path / "again").changed == ()


def test_a_dry_run_needs_neither_token_nor_network(hub, trained, tmp_path):
    hub.close()
    done = publish(trained, "alice/digits", dry_run=tmp_path / "up")
    assert {p.name for p in done.folder.iterdir()} == FILES
    assert any("not compared with the Hub" in note for note in done.notes)


def test_a_dry_run_replaces_nothing(alice, trained, tmp_path):
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "mine").write_text("x")
    with pytest.raises(ConfigError, match="not an empty folder"):
        publish(trained, "alice/digits", dry_run=tmp_path / "up")
    with pytest.raises(ConfigError, match="not an empty folder"):
        publish(trained, "alice/digits", dry_run=tmp_path / "up" / "mine")


def test_a_published_folder_is_a_model_folder(alice, trained, tmp_path):
    """And it can be published itself, with what was written into its card."""
    publish(trained, "alice/digits", dry_run=tmp_path / "up")
    card = tmp_path / "up" / CARD
    card.write_text(card.read_text().replace("It has not been checked", "We have checked it"))
    publish(tmp_path / "up", "alice/other")
    text = files_of(alice, "alice/other")[CARD].decode()
    assert "We have checked it" in text
    assert "hf:alice/other" in text
    assert "alice/digits" not in text


def test_a_folder_that_was_changed_after_it_was_made_is_refused(alice, trained, tmp_path):
    publish(trained, "alice/digits", dry_run=tmp_path / "up")
    path = tmp_path / "up" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsError, match=r"sha256 [0-9a-f]{64} .*[0-9a-f]{64}"):
        ganzoo.load(tmp_path / "up")


def test_a_pull_request_is_loaded_by_its_own_address(alice, trained):
    publish("dcgan-mnist", "alice/digits")
    done = publish(trained, "alice/digits", create_pr=True)
    assert done.address == "hf:alice/digits@refs/pr/1"
    assert ganzoo.load(done.address).config.base_channels == 16


def test_a_new_branch_keeps_what_was_written_by_hand_on_main(alice, trained):
    publish(trained, "alice/digits")
    card = files_of(alice)[CARD].decode().replace("It has not been checked", "We have checked it")
    alice.upload("alice/digits", {CARD: card.encode()})
    publish("dcgan-mnist", "alice/digits", revision="dev")
    assert "We have checked it" in files_of(alice, revision="dev")[CARD].decode()


def test_a_branch_and_its_snippet(alice, trained):
    publish("dcgan-mnist", "alice/digits")
    publish(trained, "alice/digits", revision="small")
    assert 'ganzoo.load("hf:alice/digits@small")' in files_of(alice, revision="small")[CARD].decode()
    assert ganzoo.load("hf:alice/digits@small").config.base_channels == 16
    assert ganzoo.load("hf:alice/digits").config.base_channels == 128


@pytest.mark.parametrize(
    ("repo", "options", "text"),
    [
        ("digits", {}, "'digits'"),
        ("hf:alice/digits", {}, "without hf:"),
        ("alice/digits", {"revision": "a" * 40}, "is a commit"),
        ("alice/digits", {"revision": "a b"}, "'a b'"),
        ("alice/digits", {"revision": "v1", "create_pr": True}, "pull request goes to main"),
        ("../x/y", {}, "'../x/y'"),
    ],
)
def test_what_cannot_be_published_to(alice, trained, repo, options, text):
    with pytest.raises(GanzooError, match=text):
        publish(trained, repo, **options)
    assert alice.lines() == []


def test_what_cannot_be_published(alice, tmp_path):
    with pytest.raises(WeightsError, match=r"no config\.json"):
        publish(tmp_path, "alice/digits")
    with pytest.raises(GanzooError, match=r"create\('dcgan'\)"):
        publish("dcgan", "alice/digits")
    assert alice.lines() == []


def test_without_a_token_nothing_is_asked(hub, trained):
    with pytest.raises(HubError, match="needs a token"):
        publish(trained, "alice/digits")
    assert hub.lines() == []


def test_a_card_whose_metadata_is_broken_stops_it_before_anything_is_sent(alice, trained):
    publish(trained, "alice/digits")
    alice.upload("alice/digits", {CARD: b"---\na: [\n---\n# x\n"})
    before = dict(files_of(alice))
    with pytest.raises(HubError, match=r"\(line 2\)"):
        publish("dcgan-mnist", "alice/digits")
    assert files_of(alice) == before


def test_an_interrupted_publish_is_run_again(alice, trained):
    alice.faults.append(Fault("POST /api/models/alice/digits/commit", times=1, status=404))
    with pytest.raises(HubError, match="404"):
        publish(trained, "alice/digits")
    assert files_of(alice) == {}
    done = publish(trained, "alice/digits")
    assert set(done.changed) == FILES
    assert sum("PUT /object" in line for line in alice.lines("storage")) == 1


def test_nothing_is_left_behind(alice, trained, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    publish(trained, "alice/digits")
    alice.faults.append(Fault("POST", status=404))
    with pytest.raises(HubError):
        publish("dcgan-mnist", "alice/digits")
    assert not [p for p in Path(tmp_path).iterdir() if p.name.startswith("ganzoo-publish")]


def test_the_run_itself_is_not_changed(alice, trained):
    before = {p: p.stat().st_mtime_ns for p in trained.rglob("*")}
    publish(trained, "alice/digits", discriminator=True)
    assert {p: p.stat().st_mtime_ns for p in trained.rglob("*")} == before
    assert read_config(trained).weights is None
