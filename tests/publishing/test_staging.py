"""What goes up: weights, config, licence, samples, the discriminator, and the entry for a registry.yaml."""

import io
import json
import re
import shutil

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import ganzoo
from ganzoo.errors import ConfigError, HubError, WeightsError
from ganzoo.models.config import read_config
from ganzoo.models.weights import load_tensors
from ganzoo.publishing.model_card import CARD
from ganzoo.publishing.publish import publish
from ganzoo.publishing.staging import entry_text
from ganzoo.registry import installed
from ganzoo.registry.modelfile import read_models
from ganzoo.registry.zoo import Registered
from helpers import config_of, files_of, narrow, open_config

FILES = {"README.md", "config.json", "model.safetensors", "samples.png"}


@pytest.fixture(scope="module")
def named(trained, tmp_path_factory):
    """The run as if it had been trained on the data set of that name."""
    run = shutil.copytree(trained, tmp_path_factory.mktemp("named") / "run")
    config = open_config(run)
    config["data"]["name"] = config["data"]["public"] = config["training"]["data"] = "mnist"
    (run / "config.json").write_text(json.dumps(config))
    return run


def test_a_data_sets_name_repository_and_licence_are_told(alice, named):
    publish(named, "alice/digits")
    front = yaml.safe_load(files_of(alice)[CARD].decode().split("---")[1])
    assert (front["datasets"], front["license"]) == (["ylecun/mnist"], "cc-by-sa-3.0")
    assert config_of(alice)["data"]["name"] == "mnist"


def test_the_config_holds_all_and_nothing_of_this_machine(alice, trained):
    publish(trained, "alice/digits")
    written = files_of(alice)
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
    shown = np.asarray(Image.open(io.BytesIO(files_of(alice)["samples.png"])))
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
    monkeypatch.setitem(installed().models._records, "digits", [Registered(weights, "ganzoo", "0", "x")])
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
    monkeypatch.setitem(installed().models._records, "digits", [Registered(weights, "ganzoo", "0", "x")])
    with pytest.raises(HubError, match="0" * 64):
        ganzoo.load("digits")


def test_the_discriminator_goes_along_when_asked(alice, trained):
    publish(trained, "alice/digits", discriminator=True)
    assert set(files_of(alice)) == {*FILES, "training.safetensors"}
    path = trained / "checkpoints"
    checkpoint = max(path.iterdir()) / "gan.safetensors"
    state = load_tensors(checkpoint)
    (trained.parent / "t.safetensors").write_bytes(files_of(alice)["training.safetensors"])
    sent = load_tensors(trained.parent / "t.safetensors")
    assert sent
    assert all(torch.equal(tensor, state[name]) for name, tensor in sent.items())
    assert not [name for name in sent if name.startswith("generator.")]


def test_a_discriminator_of_replaced_weights_is_removed(alice, trained):
    publish(trained, "alice/digits", discriminator=True)
    publish(trained, "alice/digits")  # the same weights: it still belongs to them
    assert "training.safetensors" in files_of(alice)
    done = publish("dcgan-mnist", "alice/digits")
    assert set(files_of(alice)) == FILES
    assert done.removed == ("training.safetensors",)
    assert "training.safetensors" not in done.changed


def test_a_model_without_discriminator_says_so(alice):
    with pytest.raises(WeightsError, match=r"dcgan-mnist .*discriminator"):
        publish("dcgan-mnist", "alice/digits", discriminator=True)
    assert alice.hub.repos == {}


def test_the_models_own_licence_comes_before_the_cards(alice, trained):
    publish(trained, "alice/digits", license="cc-by-4.0")
    done = publish("cgan-mnist", "alice/digits")
    assert config_of(alice)["license"] == "cc-by-sa-3.0"
    assert any("says cc-by-4.0; the model's licence is cc-by-sa-3.0" in note for note in done.notes)


@pytest.mark.parametrize("license", ["Apache 2.0", "", "a\nb: c", "mit\n"])
def test_a_licence_is_named_as_the_hub_names_it(alice, trained, license):  # noqa: A002
    with pytest.raises(ConfigError, match=re.escape(f"'{license}'")):
        publish(trained, "alice/digits", license=license)


def test_a_private_base_is_noted_and_its_licence_kept(alice, trained, mnist, tmp_path):
    publish(trained, "alice/base", private=True, license="cc-by-4.0")
    run = ganzoo.train(start="hf:alice/base", data=str(mnist), images=64, batch_size=32, out=tmp_path / "run",
                       progress=False).run  # fmt: skip
    done = publish(run, "alice/tuned")
    assert any("fine-tuned from hf:alice/base@" in note and "private" in note for note in done.notes)
    assert config_of(alice, "alice/tuned")["license"] == "cc-by-4.0"
    assert not [note for note in publish(run, "alice/hidden", private=True).notes if "private" in note]
    ganzoo.resume(run, images=128, progress=False)
    assert read_config(run).license == "cc-by-4.0"


def test_an_unknown_licence_is_noted(alice, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    config = open_config(run)
    config["data"]["name"] = "/home/me/secret/photos"
    (run / "config.json").write_text(json.dumps(config))
    done = publish(run, "alice/digits")
    assert any("licence is given as unknown" in note for note in done.notes)
    assert b"secret" not in b"".join(files_of(alice).values())
    assert config_of(alice)["license"] == "unknown"


def test_an_odd_run_is_published_or_refused_in_one_line(alice, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "stats.jsonl").write_text('[1\n{"images": "x", "seconds": 1}\n{"images": null}\n' + "[" * 100_000)
    config = open_config(run)
    config["data"] |= {"classes": 5, "name": "/root/secret/x\n<!-- ganzoo: end -->\n# fake"}
    config["training"] |= {"seed": "abc", "tracker": "/root/secret", "start": ["/root/secret"], "data": "/root/secret"}
    (run / "config.json").write_text(json.dumps(config))
    publish(run, "alice/digits")
    assert b"secret" not in b"".join(files_of(alice).values())
    assert publish(run, "alice/digits").changed == ()
    config["versions"] = {"torch": "\ud800"}
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="is damaged"):
        publish(run, "alice/digits")


def test_a_card_that_is_not_utf_8_is_named(alice, trained):
    alice.upload("alice/digits", {CARD: b"\xff\xfe"})
    with pytest.raises(HubError, match="is not UTF-8"):
        publish(trained, "alice/digits")


# --- models that translate ---


@pytest.fixture(scope="module")
def translator(tmp_path_factory, mnist):
    """A run that learned to make digits of their edges."""
    run = tmp_path_factory.mktemp("translator") / "run"
    data = f"edges:{mnist}"
    ganzoo.train("pix2pix", data=data, images=32, batch_size=16, out=run, progress=False, config=narrow("pix2pix"))
    return run


def test_a_translator_shows_images_of_a_named_set(alice, translator, tmp_path):
    run = shutil.copytree(translator, tmp_path / "run")
    config = open_config(run)
    config["data"] |= {"name": "edges:mnist", "public": "edges:mnist"}
    (run / "config.json").write_text(json.dumps(config))
    publish(run, "alice/edges")
    written = files_of(alice, "alice/edges")
    card = written[CARD].decode()
    front = yaml.safe_load(card.split("---")[1])
    assert (front["pipeline_tag"], front["datasets"], front["license"]) == (
        "image-to-image", ["ylecun/mnist"], "cc-by-sa-3.0",
    )  # fmt: skip
    assert written["samples.png"] == (run / "samples.png").read_bytes()
    for part in (
        "samples.png",
        "gan.translate(images)",
        "ganzoo translate hf:alice/edges",
        "images (28x28 grey) from others",
    ):
        assert part in card, part
    for part in ("gan.sample", "ganzoo sample", "`images`"):
        assert part not in card, part


def test_a_translator_does_not_show_private_images(alice, translator):
    done = publish(translator, "alice/mine")
    written = files_of(alice, "alice/mine")
    assert "samples.png" not in written
    assert "samples.png" not in written[CARD].decode()
    assert any("no picture, as that would show images it was trained on" in note for note in done.notes)
    assert config_of(alice, "alice/mine")["data"]["name"] == "edges:own images (mnist)"
    assert "public" not in config_of(alice, "alice/mine")["data"]
    assert str(translator.parent) not in written["config.json"].decode() + written[CARD].decode()
    images = torch.rand(2, 1, 28, 28) * 2 - 1
    there = ganzoo.load("hf:alice/mine").translate(images)
    torch.testing.assert_close(there, ganzoo.load(translator).translate(images), atol=1e-5, rtol=0)


def test_images_that_a_run_remembers_are_not_published(tmp_path, mnist):
    run = tmp_path / "run"
    ganzoo.train(
        "cyclegan", data=f"A={mnist}:3,B={mnist}:8", images=64, batch_size=16, out=run, progress=False,
        config={**narrow("cyclegan"), "pool": 8},
    )  # fmt: skip
    publish(run, "me/x", discriminator=True, dry_run=tmp_path / "out")
    names = load_tensors(tmp_path / "out/training.safetensors")
    assert {name.partition(".")[0] for name in names} == {"judge_a", "judge_b"}
    # and what they were is no part of what another run goes on from
    data = f"A={mnist}:3,B={mnist}:8"
    for start, place in ((tmp_path / "out", "b"), (run, "c")):
        more = {"images": 16, "batch_size": 16, "out": tmp_path / place, "progress": False, "config": {"pool": 5}}
        ganzoo.train(start=start, data=data, **more)


def test_a_path_that_looks_public_is_hidden(tmp_path, folder):
    secret = tmp_path / "TOPSECRET" / "own images (alice)"
    for side in ("A", "B"):
        shutil.copytree(folder / "3", secret / side)
    run = tmp_path / "run"
    ganzoo.train(
        "cyclegan", data=f"A={secret}/A,B={secret}/B", images=4, batch_size=4, out=run, progress=False,
        config=narrow("cyclegan"),
    )  # fmt: skip
    done = publish(run, "me/x", dry_run=tmp_path / "out")
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir() if path.suffix in (".md", ".json"))
    assert "TOPSECRET" not in written + str(done.entry)
    assert "A=own images (A),B=own images (B)" in written
