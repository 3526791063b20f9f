import random

import pytest
import torch
from safetensors import safe_open

import ganzoo
from ganzoo.errors import WeightsError
from ganzoo.models.weights import (
    inference_state,
    is_whole,
    load_tensors,
    load_weights,
    save_tensors,
    save_weights,
    verify,
)
from helpers import make


@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_saved_weights_draw_the_same_images(name, tmp_path):
    gan, other = make(name), make(name, seed=1)
    save_weights(tmp_path, gan, images=7)
    load_weights(other, tmp_path / "model.safetensors")
    assert torch.equal(gan.sample(4), other.sample(4))
    assert not other.training
    assert [child for child, _ in other.named_children()] == list(gan.inference)


def test_the_file_says_what_it_is(tmp_path):
    save_weights(tmp_path, make("dcgan"), images=7)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert {key: value for key, value in file.metadata().items() if key != "checksum"} == {
            "format": "pt",
            "images": "7",
        }
        assert all(name.startswith("generator.") for name in file.keys())  # noqa: SIM118


def test_a_flipped_bit_anywhere_is_found(tmp_path):
    gan = make("vanilla")
    save_weights(tmp_path, gan, images=7)
    path, flips = tmp_path / "model.safetensors", random.Random(0)
    whole = path.read_bytes()
    header = int.from_bytes(whole[:8], "little")
    places = [*range(8), *flips.sample(range(8, 8 + header), 100), *flips.sample(range(8 + header, len(whole)), 100)]
    expected, found = load_tensors(path), 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << flips.randrange(8)
        path.write_bytes(damaged)
        try:
            loaded = load_tensors(path)
        except WeightsError:
            found += 1
        else:  # the name of the checksum itself
            assert all(torch.equal(tensor, loaded[name]) for name, tensor in expected.items())
    assert found >= len(places) - 8
    path.write_bytes(whole)
    assert is_whole(path)


def test_the_same_weights_give_the_same_file(tmp_path):
    gan, files = make("dcgan"), set()
    for _ in range(8):
        save_weights(tmp_path, gan, images=7)
        files.add((tmp_path / "model.safetensors").read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.pop("generator.project.weight"), "generator.project.weight is missing"),
        (lambda t: t.update({"generator.more": torch.zeros(1)}), "generator.more is left over"),
        (lambda t: t.update({"generator.project.weight": torch.zeros(2, 3)}), r"is \(2, 3\), not \("),
        (lambda t: t.clear(), "and .* more"),
    ],
)
def test_tensors_that_do_not_fit_are_named(change, text, tmp_path):
    gan = make("dcgan")
    tensors = inference_state(gan)
    change(tensors)
    save_tensors(tmp_path / "x.safetensors", tensors)
    before = gan.generator.project.weight.clone()
    with pytest.raises(WeightsError, match=text):
        load_weights(gan, tmp_path / "x.safetensors")
    assert torch.equal(gan.generator.project.weight, before)
    assert hasattr(gan, "discriminator")


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_weights_of_another_kind_are_refused(dtype, tmp_path):
    gan = make("dcgan")
    tensors = inference_state(gan)
    name = "generator.project.weight"
    save_tensors(tmp_path / "x.safetensors", {**tensors, name: torch.zeros_like(tensors[name], dtype=dtype)})
    with pytest.raises(WeightsError, match=f"{name} .*{dtype}, not torch.float32"):
        load_weights(gan, tmp_path / "x.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_draw_nothing_are_refused(value, tmp_path):
    gan = make("dcgan")
    name = "generator.project.weight"
    save_tensors(tmp_path / "x.safetensors", {**inference_state(gan), name: gan.generator.project.weight * value})
    with pytest.raises(WeightsError, match="NaN or infinity"):
        load_weights(gan, tmp_path / "x.safetensors")


def test_half_precision_weights_are_taken(tmp_path):
    gan = make("dcgan")
    halves = {name: t.bfloat16() if t.is_floating_point() else t for name, t in inference_state(gan).items()}
    save_tensors(tmp_path / "x.safetensors", halves)
    load_weights(gan, tmp_path / "x.safetensors")
    assert gan.generator.project.weight.dtype == torch.float32


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95 a pickle", b"\xff" * 100, b"{}"])
def test_what_is_no_safetensors_file_is_refused(content, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"model\.safetensors .*loaded"):
        load_tensors(path)


def test_a_pickle_is_never_executed(tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    (tmp_path / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(WeightsError):
        load_tensors(tmp_path / "model.safetensors")
    assert not (tmp_path / "exploded").exists()


def test_verify_names_both_hashes(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    verify(path, digest, "mend it")
    with pytest.raises(WeightsError, match=f"{digest} where {'0' * 64} "):
        verify(path, "0" * 64, "mend it")
    with pytest.raises(WeightsError, match="is missing: mend it"):
        verify(tmp_path / "y", digest, "mend it")
