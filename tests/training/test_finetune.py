import functools
import json
import logging

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, DataError, GanzooError, WeightsError
from ganzoo.models.config import read_config
from ganzoo.models.load import find
from ganzoo.models.weights import load_tensors
from ganzoo.publishing.publish import publish
from ganzoo.training import checkpoint
from ganzoo.training.finetune import training_tensors
from ganzoo.training.plan import plan
from ganzoo.training.settings import Settings
from helpers import narrow


def settings(data, **options) -> Settings:
    return Settings(data=str(data), **{"images": 64, "batch_size": 32, **options})


def test_a_run_goes_on_from_the_averaged_generator_and_its_discriminator(trained, mnist):
    gan = plan(None, {}, settings(mnist, start=str(trained))).gan
    assert torch.equal(gan.sample(4), ganzoo.load(trained).sample(4))
    state = load_tensors(checkpoint.list_checkpoints(trained)[-1] / "gan.safetensors")
    own = gan.state_dict()
    assert all(torch.equal(own[name], state[name]) for name in own if not name.startswith("generator."))


def test_hyper_parameters_are_the_models_unless_given(trained, mnist):
    planned = plan(None, {"lr": "0.001"}, settings(mnist, start=str(trained)), text=True)
    assert planned.config.base_channels == 16
    assert planned.config.lr == 0.001
    assert planned.settings.start == str(trained)


def test_from_the_hub_with_and_without_discriminator(alice, trained, mnist, tmp_path, caplog):
    publish(trained, "alice/whole", discriminator=True)
    publish("dcgan-mnist", "alice/half")
    with caplog.at_level(logging.WARNING):
        run = ganzoo.train(start="hf:alice/whole", data=str(mnist), images=64, batch_size=32, out=tmp_path / "a",
                           progress=False)  # fmt: skip
    assert "untrained" not in caplog.text
    written = read_config(run.run)
    commit = alice.hub.repos["alice/whole"].refs["main"]
    assert written.training["start"] == f"hf:alice/whole@{commit}"
    assert written.architecture == "dcgan"
    with caplog.at_level(logging.WARNING):
        plan(None, {}, settings(mnist, start="hf:alice/half"))
    assert "hf:alice/half came without" in caplog.text


def test_from_a_name_of_the_zoo(mnist):
    gan = plan(None, {}, settings(mnist, start="dcgan-mnist")).gan
    assert torch.allclose(gan.sample(2), ganzoo.load("dcgan-mnist").sample(2), atol=1e-4)


def test_on_other_images_they_take_the_models_shape(trained, tmp_path):
    from PIL import Image

    for i in range(40):
        Image.effect_noise((50, 40), 80).convert("RGB").save(tmp_path / f"{i}.png")
    planned = plan(None, {}, settings(tmp_path, start=str(trained)))
    assert (planned.config.image_size, planned.config.channels) == (28, 1)


def test_a_fine_tuned_model_is_better_on_its_data_than_a_fresh_one(mnist, tmp_path):
    """It generates digits from the first step on: closer to the mean digit than what an untrained one draws."""
    run = ganzoo.train(start="dcgan-mnist", data=str(mnist), images=64, batch_size=32, out=tmp_path / "a",
                       progress=False).run  # fmt: skip
    images = ganzoo.load("dcgan-mnist").sample(64)
    tuned, fresh = ganzoo.load(run).sample(64), ganzoo.create("dcgan").eval().sample(64)

    def away(other):
        return (other.mean(0) - images.mean(0)).abs().mean()

    assert away(tuned) < 0.5 * away(fresh)


def test_resuming_goes_on_from_the_checkpoint_and_does_not_fetch_again(alice, trained, mnist, tmp_path):
    publish(trained, "alice/x", discriminator=True)
    run = ganzoo.train(start="hf:alice/x", data=str(mnist), images=64, batch_size=32, out=tmp_path / "a",
                       progress=False).run  # fmt: skip
    before = len(alice.requests)
    ganzoo.resume(run, images=128, progress=False)
    assert len(alice.requests) == before
    assert checkpoint.list_checkpoints(run)[-1].name == "000000128"


def test_a_run_that_was_stopped_before_its_first_checkpoint_starts_from_the_model_again(trained, mnist, tmp_path):
    import shutil

    out = tmp_path / "a"
    options = {"data": str(mnist), "images": 64, "batch_size": 32, "progress": False}
    ganzoo.train(start=trained, out=out, **options)
    whole = (out / "model.safetensors").read_bytes()
    shutil.rmtree(out / "checkpoints")
    (out / "model.safetensors").unlink()
    ganzoo.resume(out, progress=False)
    assert (out / "model.safetensors").read_bytes() == whole


@pytest.mark.parametrize(
    ("name", "options", "error", "text"),
    [
        ("cgan", {}, ConfigError, "is a dcgan, not a cgan"),
        (None, {"base_channels": 24}, WeightsError, "does not fit DCGAN"),
        (None, {"discriminator_channels": 12}, WeightsError, "does not fit DCGAN"),
        (None, {"nonsense": 1}, ConfigError, "nonsense"),
    ],
)
def test_what_does_not_go_together(trained, mnist, name, options, error, text):
    with pytest.raises(error, match=text):
        plan(name, options, settings(mnist, start=str(trained)))


def test_data_with_more_classes_than_the_model(tmp_path, mnist, folder):
    config = {**narrow("cgan"), "classes": 4}
    with pytest.raises(DataError, match=r"10 classes, .* 4"):
        plan("cgan", config, settings(mnist))


def test_neither_architecture_nor_model(mnist):
    with pytest.raises(ConfigError, match="architecture, or a model"):
        plan(None, {}, settings(mnist))


def test_a_start_that_is_not_there(mnist):
    with pytest.raises(GanzooError, match="No model or architecture"):
        plan(None, {}, settings(mnist, start="nothing"))


def test_only_what_training_needs_is_taken_from_a_checkpoint(trained):
    tensors = training_tensors(find(trained))
    assert tensors
    assert all(name.startswith("discriminator.") for name in tensors)
    assert training_tensors(find("dcgan-mnist")) is None


def test_the_published_training_leaves_local_paths_out(alice, trained, mnist, tmp_path):
    run = ganzoo.train(start=trained, data=str(mnist), images=64, batch_size=32, out=tmp_path / "a",
                       progress=False).run  # fmt: skip
    publish(run, "alice/tuned")
    config = json.loads(alice.hub.repos["alice/tuned"].at("main").files["config.json"].content)
    assert config["training"]["start"] == "own model"
    assert str(trained.parent) not in json.dumps(config)


# --- onto other classes and sizes ---


@pytest.fixture(scope="module")
def conditional_run(tmp_path_factory, mnist):
    """Return the run of a small conditional model on ten digits, by the name of its architecture."""

    @functools.cache
    def run(name):
        out = tmp_path_factory.mktemp("conditional") / name
        ganzoo.train(name, data=str(mnist), images=32, batch_size=16, out=out, progress=False, config=narrow(name))
        return out

    return run


@pytest.mark.parametrize(
    ("name", "by_class"),
    [
        ("cgan", {"generator.embed", "discriminator.embed"}),
        ("acgan", {"generator.embed", "discriminator.classify"}),
        ("sngan-projection", {"discriminator.embed"}),  # and the conditional norms of the generator
    ],
)
def test_on_fewer_classes_their_layers_begin_anew_and_all_others_are_taken(
    conditional_run, animals, caplog, name, by_class
):
    run = conditional_run(name)
    before = {**load_tensors(run / "model.safetensors"), **training_tensors(find(run))}
    planned = plan(None, {}, settings(animals, start=str(run)))
    assert planned.config.classes == 3
    own = planned.gan.state_dict()
    (told,) = caplog.messages
    assert "classes=3 (cat, dog, owl) in place of 10" in told
    assert "-o classes=10" in told
    untrained = named_layers(told)
    assert {f"{layer}." for layer in by_class} <= set(untrained)
    assert not [key for key in before if own[key].shape != before[key].shape and not key.startswith(tuple(untrained))]
    for key, tensor in before.items():
        anew = key.startswith(tuple(untrained))
        assert torch.equal(own[key], tensor) != anew, key


def named_layers(message):
    """Return the layers that a message names as untrained."""
    return [f"{layer}." for layer in message.partition("untrained: ")[2].partition(";")[0].split(", ")]


def test_on_more_classes_their_layers_begin_anew(by_class, mnist, caplog):
    planned = plan(None, {}, settings(mnist, start=str(by_class)))
    assert (planned.config.classes, planned.gan.class_names) == (10, tuple("0123456789"))
    (told,) = caplog.messages
    assert "classes=10 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9) in place of 3" in told
    assert named_layers(told) == ["generator.embed.", "discriminator.embed."]
    assert "-o classes" not in told


def test_a_given_number_of_classes_is_the_models_that_is_made(conditional_run, animals, caplog):
    run = conditional_run("cgan")
    planned = plan(None, {"classes": "10"}, settings(animals, start=str(run)), text=True)
    assert planned.config.classes == 10
    assert torch.equal(
        planned.gan.generator.embed.weight, load_tensors(run / "model.safetensors")["generator.embed.weight"]
    )
    (told,) = caplog.messages
    assert "cat is 0 (class 0), dog is 1 (class 1), owl is 2 (class 2)" in told
    assert plan(None, {"classes": 12}, settings(animals, start=str(run))).config.classes == 12
    assert "classes=12" in caplog.messages[1]
    with pytest.raises(DataError, match=r"3 classes, .* 2"):
        plan(None, {"classes": 2}, settings(animals, start=str(run)))


def test_on_the_same_classes_all_is_taken_and_nothing_told(by_class, animals, caplog):
    gan = plan(None, {}, settings(animals, start=str(by_class))).gan
    assert torch.equal(gan.sample(6), ganzoo.load(by_class).sample(6))
    assert not caplog.messages


def test_a_model_of_other_classes_is_trained_sampled_and_resumed(conditional_run, animals, tmp_path):
    out = tmp_path / "run"
    ganzoo.train(start=conditional_run("cgan"), data=str(animals), images=32, batch_size=16, out=out, progress=False)
    ganzoo.resume(out, images=64, progress=False)
    assert ganzoo.load(out).class_names == ("cat", "dog", "owl")
    assert ganzoo.sample(out, 2, labels=["owl", "cat"]).isfinite().all()


def test_onto_another_size_the_layers_that_are_alike_are_taken(tmp_path, mnist, caplog):
    run = ganzoo.train("stylegan2", data=str(mnist), images=16, batch_size=16, out=tmp_path / "a", progress=False,
                       config={**narrow("stylegan2"), "image_size": 16}).run  # fmt: skip
    planned = plan(None, {"image_size": 32}, settings(mnist, start=str(run)))
    own, before = planned.gan.state_dict(), load_tensors(run / "model.safetensors")
    taken = [key for key in before if key in own and torch.equal(own[key], before[key])]
    assert {key for key in before if ".mapping." in key} <= set(taken)
    (told,) = caplog.messages
    assert "image_size=32 in place of 16" in told
    assert "begin untrained" in told


def test_onto_a_smaller_size_what_is_left_out_is_told(tmp_path, mnist, caplog):
    run = ganzoo.train("stylegan2", data=str(mnist), images=16, batch_size=16, out=tmp_path / "a", progress=False,
                       config={**narrow("stylegan2"), "image_size": 32}).run  # fmt: skip
    planned = plan(None, {"image_size": 16}, settings(mnist, start=str(run)))
    (told,) = caplog.messages
    left = {key for key in training_tensors(find(run)) if key not in planned.gan.state_dict()}
    assert left
    assert all(layer in told.partition("left out: ")[2] for layer in {key.rpartition(".")[0] for key in left})


def test_where_no_layer_fits_it_is_refused(trained, mnist):
    with pytest.raises(WeightsError, match=r"no layer .* image_size=32 in place of 28"):
        plan(None, {"image_size": 32}, settings(mnist, start=str(trained)))
