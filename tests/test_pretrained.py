import json
import shutil
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.errors import UnknownNameError, WeightsError
from ganzoo.registry import installed
from ganzoo.registry.zoo import Owned
from ganzoo.sampling import digest, same_digest
from helpers import narrow

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
    assert entry.weights.bytes == (Path(entry.root) / entry.weights.file).stat().st_size <= 6_000_000
    assert entry.metrics
    assert entry.trained.command.startswith(f"ganzoo train {entry.architecture} ")


def test_a_run_loads_by_its_path(run, monkeypatch):
    assert torch.equal(ganzoo.load(run).sample(2), ganzoo.load(str(run)).sample(2))
    monkeypatch.chdir(run.parent)
    assert ganzoo.load("run").sample(1).shape == (1, 1, 28, 28)


@pytest.mark.parametrize(
    ("spec", "error", "text"),
    [
        ("dcgan-mnst", UnknownNameError, "Did you mean 'dcgan-mnist'|No model"),
        ("dcgan", UnknownNameError, r"architecture without weights: ganzoo.create\('dcgan'\)"),
        ("./nowhere", WeightsError, "no model folder"),
        ("", UnknownNameError, "No model"),
        ("x" * 5000, UnknownNameError, "No model"),
    ],
)
def test_what_cannot_be_loaded_is_one_clear_error(spec, error, text):
    with pytest.raises(error, match=text):
        ganzoo.load(spec)


def edit(model, **changes):
    path = model / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


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
    with pytest.raises(WeightsError, match=r"was written by ganzoo .* is installed: .*'gone'"):
        ganzoo.load(model)


def test_weights_of_other_hyper_parameters_are_refused(model):
    edit(model, config={**json.loads((model / "config.json").read_text())["config"], "base_channels": 16})
    with pytest.raises(WeightsError, match="does not fit DCGAN"):
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
    altered = Owned(replace(entry, root=str(tmp_path)), owned.dist, owned.version, owned.plugin)
    monkeypatch.setitem(installed().models._records, MODELS[0], [altered])
    with pytest.raises(WeightsError, match=r"sha256 [0-9a-f]{64} where [0-9a-f]{64} is expected"):
        ganzoo.load(MODELS[0])
