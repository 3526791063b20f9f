import json
import shutil
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.errors import HubError, UnknownNameError, WeightsError
from ganzoo.inference.sample import digest, same_digest
from ganzoo.models.load import find, find_training, verify_with_hub
from ganzoo.registry import installed
from ganzoo.registry.zoo import Registered
from helpers import narrow, open_config

MODELS = ganzoo.list_models()


@pytest.fixture(scope="module")
def run(tmp_path_factory, mnist) -> Path:
    folder = tmp_path_factory.mktemp("models") / "run"
    ganzoo.train("dcgan", data=str(mnist), images=64, batch_size=32, out=folder, progress=False, config=narrow("dcgan"))
    return folder


@pytest.fixture
def model(run, tmp_path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(run, tmp_path / "model"))


@pytest.mark.parametrize("name", MODELS)
def test_a_bundled_model_draws_what_it_drew_when_it_was_made(name):
    gan, entry = ganzoo.load(name), installed().models[name].record
    assert same_digest(digest(gan), entry.digest)
    assert not gan.training
    assert gan.sample(2).shape == (2, gan.config.channels, gan.config.image_size, gan.config.image_size)


@pytest.mark.parametrize("name", MODELS)
def test_a_bundled_model_is_small_and_says_where_it_comes_from(name):
    entry = installed().models[name].record
    assert entry.weights.bytes == (Path(entry.root) / entry.weights.file).stat().st_size <= 8_000_000
    assert entry.metrics
    assert entry.trained.command.startswith(f"ganzoo train {entry.architecture} ")


def test_the_classes_of_a_loaded_model_have_the_names_of_its_data(by_class):
    gan = ganzoo.load(by_class)
    assert (gan.config.classes, gan.class_names) == (3, ("cat", "dog", "owl"))
    assert torch.equal(ganzoo.sample(by_class, 2, labels=["dog", "cat"]), gan.sample(2, labels=[1, 0]))
    assert ganzoo.load("cgan-mnist").class_names == tuple("0123456789")
    assert ganzoo.load("dcgan-mnist").class_names == ()


def test_a_run_loads_by_its_path(run, monkeypatch):
    assert torch.equal(ganzoo.load(run).sample(2), ganzoo.load(str(run)).sample(2))
    monkeypatch.chdir(run.parent)
    assert ganzoo.load("run").sample(1).shape == (1, 1, 28, 28)


@pytest.mark.parametrize(
    ("spec", "error", "text"),
    [
        ("dcgan-mnst", UnknownNameError, "Did you mean 'dcgan-mnist'|No model"),
        ("dcgan", UnknownNameError, r"ganzoo\.create\('dcgan'\)"),
        ("./nowhere", WeightsError, "no model folder"),
        ("", UnknownNameError, "No model"),
        ("x" * 5000, UnknownNameError, "No model"),
    ],
)
def test_what_cannot_be_loaded_is_one_clear_error(spec, error, text):
    with pytest.raises(error, match=text):
        ganzoo.load(spec)


def edit(model, **changes):
    (model / "config.json").write_text(json.dumps({**open_config(model), **changes}))


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(WeightsError, match=r"no config\.json"):
        ganzoo.load(tmp_path)


def test_a_model_without_weights_yet(model):
    (model / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match="first checkpoint"):
        ganzoo.load(model)


def test_a_missing_architecture_names_the_package(model):
    edit(model, architecture="other", plugin="ganzoo-other", plugin_version="2.1")
    with pytest.raises(WeightsError, match=r"'other' of ganzoo-other 2\.1.*pip install ganzoo-other"):
        ganzoo.load(model)


def test_a_config_that_no_longer_fits_names_the_key(model):
    edit(model, config={"gone": 1})
    with pytest.raises(WeightsError, match=r"ganzoo .*installed: .*'gone'"):
        ganzoo.load(model)


def test_weights_of_other_hyper_parameters_are_refused(model):
    edit(model, config={**json.loads((model / "config.json").read_text())["config"], "base_channels": 16})
    with pytest.raises(WeightsError, match="not fit DCGAN"):
        ganzoo.load(model)


def test_altered_bundled_weights_are_refused(tmp_path, monkeypatch):
    if not MODELS:
        pytest.skip("no bundled models")
    entry = installed().models[MODELS[0]].record
    path = tmp_path / entry.weights.file
    path.parent.mkdir()
    content = bytearray((Path(entry.root) / entry.weights.file).read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    from msgspec.structs import replace

    owned = installed().models[MODELS[0]]
    altered = Registered(replace(entry, root=str(tmp_path)), owned.dist, owned.version, owned.plugin)
    monkeypatch.setitem(installed().models._records, MODELS[0], [altered])
    with pytest.raises(WeightsError, match=r"sha256 [0-9a-f]{64} where [0-9a-f]{64} "):
        ganzoo.load(MODELS[0])


# -- on the Hub


def put(hub, model, repo="me/x", **files):
    """Upload a model folder, some of its files replaced (None leaves one out)."""
    there = {p.name: p.read_bytes() for p in model.iterdir() if p.is_file() and p.name[0] != "."}
    there = {**there, **{name.replace("__", "."): content for name, content in files.items()}}
    return hub.upload(repo, {name: content for name, content in there.items() if content is not None})


def config_with(model, **changes) -> bytes:
    return json.dumps({**open_config(model), **changes}).encode()


def test_a_model_of_the_hub_is_the_model_of_the_folder(hub, model):
    commit = put(hub, model)
    gan = ganzoo.load("hf:me/x")
    assert torch.equal(gan.sample(4), ganzoo.load(model).sample(4))
    assert gan.origin == ganzoo.load(f"hf:me/x@{commit}").origin == f"hf:me/x@{commit}"
    assert not gan.training


def test_origins_of_what_is_not_on_the_hub(model):
    assert ganzoo.load(model).origin == str(model)
    assert ganzoo.create("dcgan").origin is None
    if MODELS:
        assert ganzoo.load(MODELS[0]).origin == MODELS[0]


def test_a_pinned_model_in_the_cache_is_loaded_without_a_request(hub, model):
    commit = put(hub, model)
    ganzoo.load(f"hf:me/x@{commit}")
    before = len(hub.requests)
    ganzoo.load(f"hf:me/x@{commit}")
    assert len(hub.requests) == before


def test_offline_a_cached_model_loads_and_another_says_so(hub, model, monkeypatch):
    from huggingface_hub import constants

    put(hub, model)
    images = ganzoo.load("hf:me/x").sample(2)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert torch.equal(ganzoo.load("hf:me/x").sample(2), images)
    with pytest.raises(HubError, match="hf:me/y: HF_HUB_OFFLINE is set"):
        ganzoo.load("hf:me/y")


def test_a_hub_model_whose_architecture_is_missing(hub, model):
    put(hub, model, config__json=config_with(model, architecture="other", plugin="ganzoo-other", plugin_version="2.1"))
    with pytest.raises(WeightsError, match=r"hf:me/x .*'other' of ganzoo-other 2\.1.*pip install"):
        ganzoo.load("hf:me/x")


def test_a_hub_model_whose_config_no_longer_fits(hub, model):
    put(hub, model, config__json=config_with(model, config={"gone": 1}, plugin_version="0.0.1"))
    with pytest.raises(WeightsError, match=r"hf:me/x .*ganzoo 0\.0\.1, .*'gone'"):
        ganzoo.load("hf:me/x")


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", "damaged"), (b"\x80\x04\x95 a pickle", "not a safetensors"), (b"{}" * 100, "not a safetensors")],
)
def test_a_hub_model_whose_weights_are_something_else(hub, model, content, text):
    put(hub, model, model__safetensors=content)
    with pytest.raises(WeightsError, match=text):
        ganzoo.load("hf:me/x")


def test_a_hub_model_whose_weights_do_not_fit(hub, model):
    config = json.loads((model / "config.json").read_text())["config"]
    put(hub, model, config__json=config_with(model, config={**config, "base_channels": 16}))
    with pytest.raises(WeightsError, match="not fit DCGAN"):
        ganzoo.load("hf:me/x")


def test_absurd_hyper_parameters_take_no_memory(hub, model):
    config = json.loads((model / "config.json").read_text())["config"]
    absurd = {**config, "image_size": 128, "base_channels": 4096, "latent_dim": 4096}
    put(hub, model, config__json=config_with(model, config=absurd))
    with pytest.raises(WeightsError, match="not fit DCGAN"):
        ganzoo.load("hf:me/x")


def test_weights_that_are_not_those_of_the_config_are_refused(hub, model):
    record = {"file": "model.safetensors", "sha256": "0" * 64, "bytes": 1}
    put(hub, model, config__json=config_with(model, weights=record))
    with pytest.raises(HubError, match="0" * 64):
        ganzoo.load("hf:me/x")


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"config__json": None}, r"hf:me/x .* has no config\.json"),
        ({"model__safetensors": None}, r"has no model\.safetensors"),
        (
            {"model__safetensors": None, "pytorch_model__bin": b"\x80\x04"},
            r"no model\.safetensors, only pytorch_model\.bin: such a file can run code .* and ganzoo never does",
        ),
        ({"config__json": b'{"model_type": "bert"}'}, r"config\.json .*architecture"),
        ({"config__json": b"{"}, r"config\.json is damaged"),
    ],
)
def test_a_repository_that_is_no_model(hub, model, files, text):
    put(hub, model, **files)
    with pytest.raises(WeightsError, match=text):
        ganzoo.load("hf:me/x")
    assert not [line for line in hub.lines() if "pytorch_model" in line]


def test_pickles_are_never_opened(hub, model, mnist, tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    bomb = pickle.dumps(Bomb())
    put(hub, model, model__safetensors=bomb, pytorch_model__bin=bomb, training__safetensors=bomb)
    with pytest.raises(WeightsError):
        ganzoo.load("hf:me/x")
    with pytest.raises(WeightsError):
        ganzoo.train(start="hf:me/x", data=str(mnist), images=64, out=tmp_path / "run")
    assert not (tmp_path / "exploded").exists()


def test_a_name_without_its_prefix_is_suggested(hub):
    with pytest.raises(WeightsError, match="hf:me/digits"):
        ganzoo.load("me/digits")
    assert hub.lines() == []


def test_verify_with_hub(hub, model):
    put(hub, model)
    found = find("hf:me/x")
    assert verify_with_hub(found) == ["config.json", "model.safetensors"]
    assert verify_with_hub(find(model)) == []
    found.weights.resolve().write_bytes(b"x" * found.weights.stat().st_size)
    with pytest.raises(HubError, match=r"model\.safetensors .*sha256 .*Hub .*removed"):
        verify_with_hub(found)


def test_the_networks_that_training_needs(hub, model):
    put(hub, model)
    assert find_training(find("hf:me/x")) is None
    put(hub, model, repo="me/y", training__safetensors=b"t")
    assert find_training(find("hf:me/y")).read_bytes() == b"t"
    assert find_training(find(model)) is None
    (model / "training.safetensors").write_bytes(b"u")
    assert find_training(find(model)).read_bytes() == b"u"
