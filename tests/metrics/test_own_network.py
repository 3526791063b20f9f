"""Networks of the user's own, as ONNX files."""

import hashlib
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import ganzoo
from extractors import colourful, grey, made, wide
from ganzoo.errors import ConfigError, WeightsError
from ganzoo.metrics import evaluate
from ganzoo_metrics.images import fitted

PAGE = Path(__file__).parents[2] / "docs" / "extractors.md"
WEIGHT = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def network(
    path: Path, *, batch="n", channels=3, size=("h", "w"), outputs=("features",), kind=TensorProto.FLOAT, op="MatMul",
    domain="", location=None,
) -> Path:  # fmt: skip
    """Write a file: the mean of each channel, times a matrix, as every output."""
    matrix = WEIGHT[:, :channels].T.astype(helper.tensor_dtype_to_np_dtype(kind))
    weight = numpy_helper.from_array(matrix, "weight")
    if location:
        onnx.external_data_helper.set_external_data(weight, location)
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
        *(
            helper.make_node(op, ["images"] if op == "Relu" else ["mean", "weight"], [name], domain=domain)
            for name in outputs
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info("images", kind, [batch, channels, *size])],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [weight],
    )
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def expected(images, size=None, interpolation="bicubic"):
    return (fitted(images, 3, size, interpolation) / 255).mean((2, 3)) @ torch.from_numpy(WEIGHT.T)


@pytest.mark.parametrize("images", [grey, colourful, wide])
def test_images_come_in_from_0_to_1_and_features_go_out(tmp_path, digits, images):
    path = network(tmp_path / "own.onnx")
    extractor = made(f"onnx:{path}")
    seen = extractor(images(digits))
    assert set(seen) == {"features"}
    torch.testing.assert_close(seen["features"], expected(images(digits)))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (extractor.written, extractor.weights) == (f":own.onnx,sha256={sha256[:12]}", sha256)


@pytest.mark.parametrize(
    ("fixed", "asked", "words"),
    [
        ((12, 12), "", "12,bicubic"),
        ((12, 12), ",bilinear", "12,bilinear"),
        ((12, 12), ",12", "12,bicubic"),
        ((12, 8), "", "12x8,bicubic"),
        (("h", "w"), ",40", "40,bicubic"),
    ],
)
def test_images_are_resized_to_what_the_file_takes_or_a_word_says(tmp_path, digits, fixed, asked, words):
    extractor = made(f"onnx:{network(tmp_path / 'own.onnx', size=fixed)}{asked}")
    assert extractor.written.endswith(f",{words}")
    size, interpolation = words.split(",")
    shape = (12, 8) if "x" in size else (int(size), int(size))
    torch.testing.assert_close(extractor(grey(digits))["features"], expected(grey(digits), shape, interpolation))


def test_a_grey_network_sees_rgb_as_grey(tmp_path, digits):
    seen = made(f"onnx:{network(tmp_path / 'own.onnx', channels=1)}")(colourful(digits))["features"]
    means = (fitted(colourful(digits), 1, None, "bicubic") / 255).mean((2, 3))
    torch.testing.assert_close(seen, means @ torch.from_numpy(WEIGHT[:, :1].T))


@pytest.mark.parametrize(
    ("outputs", "seen"),
    [
        (("anything",), {"features"}),
        (("features", "logits"), {"features", "logits"}),
        (("logits", "features"), {"features", "logits"}),
        (("a", "b"), {"features"}),
    ],
)
def test_outputs_are_known_by_their_names_or_the_first_one_is_taken(tmp_path, digits, outputs, seen):
    assert set(made(f"onnx:{network(tmp_path / 'own.onnx', outputs=outputs)}")(grey(digits))) == seen


def test_what_a_value_names_is_found_by_name_and_hash(tmp_path, shelf, digits, monkeypatch):
    written = made(f"onnx:{network(tmp_path / 'own.onnx', size=(12, 12))}").written
    text = f"onnx{written}"
    with pytest.raises(WeightsError, match=f"own.onnx, .*{shelf}.own.onnx: .*sha256 begins"):
        made(text)
    shelf.mkdir(parents=True)
    network(shelf / "own.onnx", size=(16, 16))
    with pytest.raises(WeightsError, match=r"own.onnx \([0-9a-f]{12}...\) "):
        made(text)
    network(shelf / "own.onnx", size=(12, 12))
    assert made(text).written == written
    monkeypatch.chdir(tmp_path)  # a file here comes first, and one with the right hash before any other
    network(tmp_path / "own.onnx", size=(16, 16))
    assert made(text).written == written
    assert made("onnx:own.onnx").written.endswith(",16,bicubic")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"batch": 4}, "takes 4 images at a time: export it with their number left open"),
        ({"channels": 2}, "takes images of 2 channels: it must be 1 or 3"),
        ({"size": (12, "w")}, "takes images of 12 by w: fix both sides, or leave both open"),
        ({"kind": TensorProto.DOUBLE}, r"takes images tensor\(double\).*: it must take float32 images \(N, C, H, W\)"),
        (
            {"op": "Evil", "domain": "my.ops"},
            "onnxruntime does not take own.onnx, whose operations must be those of ONN",
        ),
        ({"location": "weights.bin"}, "keeps tensors in another file, which its hash would not cover"),
        ({"location": "../../etc/passwd"}, "keeps tensors in another file"),
        ({"op": "Relu"}, r"its output features is tensor\(float\)\['n', 3, 'h', 'w'\]: it must be float32"),
    ],
)
def test_a_file_that_does_not_do_it_is_refused(tmp_path, digits, options, why):
    path = network(tmp_path / "own.onnx", **options)
    with pytest.raises(WeightsError, match=why) as error:
        made(f"onnx:{path}")(grey(digits))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        ("onnx", ConfigError, "onnx needs a file, as in onnx:FILE.onnx"),
        ("onnx:net.onnx", WeightsError, "there is no file net.onnx, nor .*extractors.net.onnx"),
        *(
            (f"onnx:net{suffix}", WeightsError, f"net.{suffix[1:]} can run code")
            for suffix in (".pt", ".pth", ".pkl", ".bin", ".PT")
        ),
        ("onnx:net.h5", WeightsError, "net.h5 is not a file of weights .* ends in .onnx"),
        ("onnx:net,v1.onnx,bicubik", WeightsError, "is not a file of weights|there is no file"),
    ],
)
def test_what_is_no_such_file_is_refused(shelf, text, error, why):
    with pytest.raises(error, match=why):
        made(text)


def test_a_damaged_file_is_refused(tmp_path):
    path = network(tmp_path / "own.onnx")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(WeightsError, match=r"own.onnx .*cut short"):
        made(f"onnx:{path}")


def test_a_size_that_the_file_does_not_take_is_refused(tmp_path):
    path = network(tmp_path / "own.onnx", size=(12, 12))
    with pytest.raises(ConfigError, match=r"own.onnx .*12 pixels"):
        made(f"onnx:{path},16")
    with pytest.raises(ConfigError, match=r"own.onnx .*any size.*bilinear"):
        made(f"onnx:{network(tmp_path / 'own.onnx')},bilinear")


def test_a_name_that_a_protocol_cannot_hold_is_refused(tmp_path):
    network(tmp_path / "own[1].onnx")
    with pytest.raises(ConfigError, match=r"name .*rename"):
        made(f"onnx:{tmp_path / 'own[1].onnx'}")


def test_a_model_is_measured_with_it(shelf, mnist):
    shelf.mkdir(parents=True)
    network(shelf / "own.onnx")
    gan = ganzoo.create("vanilla")
    (score,) = evaluate(gan, ["fd[onnx:own.onnx]@30/train"], data=str(mnist), progress=False)
    assert score.value > 0


def test_the_example_of_the_page_makes_such_a_file(tmp_path, digits, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = (
        code for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "onnx" in code
    )
    exec(compile(code, str(PAGE), "exec"), {})
    extractor = made("onnx:my-network.onnx")
    seen = extractor(grey(digits, 5))
    assert seen["features"].shape[0] == seen["logits"].shape[0] == 5
    assert extractor.written.endswith(",32,bicubic")
