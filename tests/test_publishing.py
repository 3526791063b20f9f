import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import ganzoo
from ganzoo.card import CARD
from ganzoo.errors import ConfigError, GanzooError, HubError, WeightsError
from ganzoo.modelconfig import read_config
from ganzoo.publishing import publish
from ganzoo.registry import installed
from ganzoo.registry.modelfile import read_models
from ganzoo.registry.zoo import Owned
from ganzoo.staging import entry_text
from ganzoo.weights import load_tensors
from hub.server import Fault

FILES = {"README.md", "config.json", "model.safetensors", "samples.png"}


def files(hub, repo="alice/digits", revision="main"):
    return {path: blob.content for path, blob in hub.hub.repos[repo].at(revision).files.items() if path[0] != "."}


@pytest.fixture(scope="module")
def named(trained, tmp_path_factory):
    """The run as if it had been trained on the data set of that name."""
    run = shutil.copytree(trained, tmp_path_factory.mktemp("named") / "run")
    config = json.loads((run / "config.json").read_text())
    config["data"]["name"] = config["training"]["data"] = "mnist"
    (run / "config.json").write_text(json.dumps(config))
    return run


def test_a_data_sets_name_repository_and_licence_are_told(alice, named):
    publish(named, "alice/digits")
    front = yaml.safe_load(files(alice)[CARD].decode().split("---")[1])
    assert (front["datasets"], front["license"]) == (["ylecun/mnist"], "cc-by-sa-3.0")
    assert read_config_of(alice)["data"]["name"] == "mnist"


def test_a_run_is_published_and_loaded_by_name(alice, trained):
    done = publish(trained, "alice/digits", license="cc-by-4.0")
    assert set(files(alice)) == FILES == set(done.changed)
    gan = ganzoo.load("hf:alice/digits")
    assert torch.equal(gan.sample(8, seed=3), ganzoo.load(trained).sample(8, seed=3))
    assert gan.origin == f"hf:alice/digits@{done.commit}"
    assert not gan.training


def test_again_with_nothing_changed_makes_no_commit(alice, trained):
    first = publish(trained, "alice/digits")
    again = publish(trained, "alice/digits")
    assert (again.changed, again.commit, again.url) == ((), first.commit, first.url)
    assert len(alice.hub.repos["alice/digits"].commits) == 2


def test_the_config_holds_all_and_nothing_of_this_machine(alice, trained):
    publish(trained, "alice/digits")
    written = files(alice)
    config = json.loads(written["config.json"])
    assert str(trained.parent.parent) not in written["config.json"].decode() + written[CARD].decode()
    # a folder called after a data set is not taken for it
    assert config["data"]["name"] == config["training"]["data"] == "own images (mnist)"
    assert b"datasets" not in written[CARD]
    assert config["trained"]["images"] == 128
    assert config["trained"]["plugin"] == f"ganzoo {ganzoo.__version__}"
    assert config["license"] == "unknown"
    assert config["weights"]["bytes"] == len(written["model.safetensors"])
    assert config["versions"]["torch"] == torch.__version__.partition("+")[0] or config["versions"]["torch"]


def test_the_samples_are_the_models(alice, trained, tmp_path):
    publish(trained, "alice/digits")
    shown = np.asarray(Image.open(io.BytesIO(files(alice)["samples.png"])))
    assert np.array_equal(shown, np.asarray(ganzoo.grid(ganzoo.load(trained).sample(64))))


@pytest.mark.parametrize("name", ganzoo.list_models())
def test_a_model_of_the_zoo(alice, name):
    done = publish(name, "alice/copy")
    gan, entry = ganzoo.load("hf:alice/copy"), installed().models[name].record
    assert torch.equal(gan.sample(4), ganzoo.load(name).sample(4))
    made = done.entry["copy"]
    assert (made["license"], made["data"], made["architecture"]) == (entry.license, entry.data, entry.architecture)
    assert made["config"] == entry.config
    assert made["trained"]["command"] == entry.trained.command
    assert [m["value"] for m in made["metrics"]] == [m.value for m in entry.metrics]


def test_the_entry_can_be_pasted_and_loads(alice, trained, tmp_path, monkeypatch):
    done = publish(trained, "alice/digits")
    (tmp_path / "registry.yaml").write_text(entry_text(done.entry))
    (weights,) = read_models(tmp_path / "registry.yaml")
    assert re.fullmatch("[0-9a-f]{40}", weights.weights.revision)
    monkeypatch.setitem(installed().models._records, "digits", [Owned(weights, "ganzoo", "0", "x")])
    gan = ganzoo.load("digits")
    assert torch.equal(gan.sample(4), ganzoo.load(trained).sample(4))
    before = len(alice.requests)
    ganzoo.load("digits")
    assert len(alice.requests) == before  # pinned and cached: no request


def test_an_entry_with_another_hash_is_refused(alice, trained, tmp_path, monkeypatch):
    entry = publish(trained, "alice/digits").entry
    entry["digits"]["weights"]["sha256"] = "0" * 64
    (tmp_path / "registry.yaml").write_text(entry_text(entry))
    (weights,) = read_models(tmp_path / "registry.yaml")
    monkeypatch.setitem(installed().models._records, "digits", [Owned(weights, "ganzoo", "0", "x")])
    with pytest.raises(HubError, match="is not the file that was listed"):
        ganzoo.load("digits")


def test_the_cards_snippet_works_as_pasted(alice, trained):
    publish(trained, "alice/digits")
    code = re.search(r"```python\n(.*?)```", files(alice)[CARD].decode(), re.DOTALL)[1]
    names: dict[str, object] = {}
    exec(code, names)
    assert names["images"].shape == (16, 1, 28, 28)
    shape = re.search(r"# \((16, .*?)\)", code)[1]
    assert str(tuple(names["images"].shape)) == f"({shape})"


def test_what_was_written_by_hand_survives(alice, trained):
    publish(trained, "alice/digits")
    card = files(alice)[CARD].decode()
    edited = card.replace("Nobody has checked it", "We have checked it").replace("tags:\n", "tags:\n- ours\n")
    assert edited != card
    alice.upload("alice/digits", {CARD: edited.encode()})
    assert publish(trained, "alice/digits").changed in {(), (CARD,)}
    publish(trained, "alice/digits", license="mit")
    text = files(alice)[CARD].decode()
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
    assert {p.name: p.read_bytes() for p in out.iterdir()} == files(alice)
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
    card.write_text(card.read_text().replace("Nobody has checked it", "We have checked it"))
    publish(tmp_path / "up", "alice/other")
    text = files(alice, "alice/other")[CARD].decode()
    assert "We have checked it" in text
    assert "hf:alice/other" in text
    assert "alice/digits" not in text


def test_a_folder_that_was_changed_after_it_was_made_is_refused(alice, trained, tmp_path):
    publish(trained, "alice/digits", dry_run=tmp_path / "up")
    path = tmp_path / "up" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsError, match="the folder was changed"):
        ganzoo.load(tmp_path / "up")


def test_the_discriminator_goes_along_when_asked(alice, trained):
    publish(trained, "alice/digits", discriminator=True)
    assert set(files(alice)) == {*FILES, "training.safetensors"}
    path = trained / "checkpoints"
    checkpoint = max(path.iterdir()) / "gan.safetensors"
    state = load_tensors(checkpoint)
    (trained.parent / "t.safetensors").write_bytes(files(alice)["training.safetensors"])
    sent = load_tensors(trained.parent / "t.safetensors")
    assert sent
    assert all(torch.equal(tensor, state[name]) for name, tensor in sent.items())
    assert not [name for name in sent if name.startswith("generator.")]


def test_a_discriminator_of_replaced_weights_is_removed(alice, trained):
    publish(trained, "alice/digits", discriminator=True)
    publish(trained, "alice/digits")  # the same weights: it still belongs to them
    assert "training.safetensors" in files(alice)
    done = publish("dcgan-mnist", "alice/digits")
    assert set(files(alice)) == FILES
    assert done.removed == ("training.safetensors",)
    assert "training.safetensors" not in done.changed


def test_a_model_without_discriminator_says_so(alice):
    with pytest.raises(WeightsError, match="dcgan-mnist has no discriminator to publish"):
        publish("dcgan-mnist", "alice/digits", discriminator=True)
    assert alice.hub.repos == {}


def test_the_models_own_licence_comes_before_the_cards(alice, trained):
    publish(trained, "alice/digits", license="cc-by-4.0")
    done = publish("cgan-mnist", "alice/digits")
    assert read_config_of(alice)["license"] == "cc-by-sa-3.0"
    assert any("says cc-by-4.0; the model's licence is cc-by-sa-3.0" in note for note in done.notes)


@pytest.mark.parametrize("license", ["Apache 2.0", "", "a\nb: c", "mit\n"])
def test_a_licence_is_named_as_the_hub_names_it(alice, trained, license):  # noqa: A002
    with pytest.raises(ConfigError, match="is no licence of the Hub"):
        publish(trained, "alice/digits", license=license)


def test_a_private_base_is_noted_and_its_licence_kept(alice, trained, mnist, tmp_path):
    publish(trained, "alice/base", private=True, license="cc-by-4.0")
    run = ganzoo.train(start="hf:alice/base", data=str(mnist), images=64, batch_size=32, out=tmp_path / "run",
                       progress=False).run  # fmt: skip
    done = publish(run, "alice/tuned")
    assert any("began from hf:alice/base@" in note and "private" in note for note in done.notes)
    assert read_config_of(alice, "alice/tuned")["license"] == "cc-by-4.0"
    assert not [note for note in publish(run, "alice/hidden", private=True).notes if "private" in note]
    ganzoo.resume(run, images=128, progress=False)
    assert read_config(run).license == "cc-by-4.0"


def test_a_pull_request_is_loaded_by_its_own_address(alice, trained):
    publish("dcgan-mnist", "alice/digits")
    done = publish(trained, "alice/digits", create_pr=True)
    assert done.address == "hf:alice/digits@refs/pr/1"
    assert ganzoo.load(done.address).config.base_channels == 16


def test_an_unknown_licence_is_noted(alice, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    config = json.loads((run / "config.json").read_text())
    config["data"]["name"] = "/home/me/secret/photos"
    (run / "config.json").write_text(json.dumps(config))
    done = publish(run, "alice/digits")
    assert any("licence is given as unknown" in note for note in done.notes)
    assert b"secret" not in b"".join(files(alice).values())
    assert read_config_of(alice)["license"] == "unknown"


def read_config_of(hub, repo="alice/digits"):
    return json.loads(files(hub, repo)["config.json"])


def test_a_new_branch_keeps_what_was_written_by_hand_on_main(alice, trained):
    publish(trained, "alice/digits")
    card = files(alice)[CARD].decode().replace("Nobody has checked it", "We have checked it")
    alice.upload("alice/digits", {CARD: card.encode()})
    publish("dcgan-mnist", "alice/digits", revision="dev")
    assert "We have checked it" in files(alice, revision="dev")[CARD].decode()


def test_an_odd_run_is_published_or_refused_in_one_line(alice, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "stats.jsonl").write_text('[1\n{"images": "x", "seconds": 1}\n{"images": null}\n' + "[" * 100_000)
    config = json.loads((run / "config.json").read_text())
    config["data"] |= {"classes": 5, "name": "/root/secret/x\n<!-- ganzoo: end -->\n# fake"}
    config["training"] |= {"seed": "abc", "tracker": "/root/secret", "start": ["/root/secret"], "data": "/root/secret"}
    (run / "config.json").write_text(json.dumps(config))
    publish(run, "alice/digits")
    assert b"secret" not in b"".join(files(alice).values())
    assert publish(run, "alice/digits").changed == ()
    config["versions"] = {"torch": "\ud800"}
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="is damaged"):
        publish(run, "alice/digits")


def test_a_card_that_is_not_utf_8_is_named(alice, trained):
    alice.upload("alice/digits", {CARD: b"\xff\xfe"})
    with pytest.raises(HubError, match="is not UTF-8"):
        publish(trained, "alice/digits")


def test_a_branch_and_its_snippet(alice, trained):
    publish("dcgan-mnist", "alice/digits")
    publish(trained, "alice/digits", revision="small")
    assert 'ganzoo.load("hf:alice/digits@small")' in files(alice, revision="small")[CARD].decode()
    assert ganzoo.load("hf:alice/digits@small").config.base_channels == 16
    assert ganzoo.load("hf:alice/digits").config.base_channels == 128


@pytest.mark.parametrize(
    ("repo", "options", "text"),
    [
        ("digits", {}, "say owner/name"),
        ("hf:alice/digits", {}, "without the hf:"),
        ("alice/digits", {"revision": "a" * 40}, "is a commit"),
        ("alice/digits", {"revision": "a b"}, "names no revision"),
        ("alice/digits", {"revision": "v1", "create_pr": True}, "pull request goes to main"),
        ("../x/y", {}, "no model of the Hub"),
    ],
)
def test_what_cannot_be_published_to(alice, trained, repo, options, text):
    with pytest.raises(GanzooError, match=text):
        publish(trained, repo, **options)
    assert alice.lines() == []


def test_what_cannot_be_published(alice, tmp_path):
    with pytest.raises(WeightsError, match=r"no config\.json"):
        publish(tmp_path, "alice/digits")
    with pytest.raises(GanzooError, match="architecture without weights"):
        publish("dcgan", "alice/digits")
    assert alice.lines() == []


def test_without_a_token_nothing_is_asked(hub, trained):
    with pytest.raises(HubError, match="wants a token"):
        publish(trained, "alice/digits")
    assert hub.lines() == []


def test_a_card_whose_metadata_is_broken_stops_it_before_anything_is_sent(alice, trained):
    publish(trained, "alice/digits")
    alice.upload("alice/digits", {CARD: b"---\na: [\n---\n# x\n"})
    before = dict(files(alice))
    with pytest.raises(HubError, match="no YAML"):
        publish("dcgan-mnist", "alice/digits")
    assert files(alice) == before


def test_an_interrupted_publish_is_run_again(alice, trained):
    alice.faults.append(Fault("POST /api/models/alice/digits/commit", times=1, status=404))
    with pytest.raises(HubError, match="404"):
        publish(trained, "alice/digits")
    assert files(alice) == {}
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
