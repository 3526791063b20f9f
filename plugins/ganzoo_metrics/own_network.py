"""A network of the user's own, in an ONNX file: data, in which there is no code to run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError, MissingExtraError, WeightsError, one_line
from ganzoo.metrics.extractor_weights import own_file
from ganzoo_metrics.images import fitted
from ganzoo_metrics.words import hash_word, kind_of, read_words, size_word

try:
    import onnx
    import onnxruntime
    from google.protobuf.message import DecodeError
except ModuleNotFoundError as error:
    raise MissingExtraError("an extractor in an ONNX file", "onnx") from error


class Shape(NamedTuple):
    """The input of an ONNX file: its name, 1 or 3 channels, height and width or None for any."""

    name: str
    channels: int
    size: tuple[int, int] | None


class OwnNetwork(nn.Module):
    """Images (N, C, H, W) uint8 to the ``features`` (N, D), and perhaps ``logits`` (N, K), of an ONNX file.

    The file has one input, float32 (N, C, H, W) in [0, 1] with N left open and C 1 or 3; normalising is its own. Where
    H and W are fixed, the whole image is resized to them, bicubic with antialiasing; where they are left open, it is
    shown as it is, or in the size that a word says. Its output called ``features``, or else its first one, are the
    features; one called ``logits`` are those of a classifier. Both are float32. All its tensors are in the one file, so
    that its hash says everything. It runs on the CPU, wherever the images are.

    Args:
        words: the path of the file first; then, in any order, a size, an interpolation, and ``"sha256=..."``, which the
            file must have.

    Attributes:
        written: the file's name, its hash, and how images are resized.
        weights: the SHA-256 of the file.

    Raises:
        WeightsError: the file is missing, damaged, another than was asked for, or does not do the above.
        ConfigError: a word that it does not know, or a size that the file does not take.
    """

    def __init__(self, *words: str) -> None:
        super().__init__()
        # A colon separates words too; in a path that begins with the letter of a drive it does not.
        path = [word for word in words if kind_of(word) in (None, "file")]
        asked = read_words("onnx", [word for word in words if word not in path])
        if not path:
            raise ConfigError("onnx needs a file, as in onnx:FILE.onnx")
        file = own_file(":".join(path), asked.sha256, ".onnx")
        called = file.path.name
        self.session = open_session(called, file.path.read_bytes())
        self.shape = input_of(called, self.session)
        self.outputs = outputs_of(called, self.session)
        native = self.shape.size
        if native and asked.size not in (None, native):
            raise ConfigError(f"{called} takes images of {size_word(native)} pixels: leave out the other size")
        self.size = native or asked.size
        if asked.interpolation and self.size is None:
            raise ConfigError(f"{called} takes images of any size: say one before {asked.interpolation}, as in 64")
        self.interpolation = asked.interpolation or "bicubic"
        resize = (size_word(self.size), self.interpolation) if self.size else ()
        self.written = ":" + ",".join((called, hash_word(file.sha256), *resize))
        self.called = called
        self.weights = file.sha256

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the outputs of the network."""
        shown = fitted(images, self.shape.channels, self.size, self.interpolation) / 255
        try:
            found = self.session.run([*self.outputs], {self.shape.name: shown.cpu().numpy()})
        except Exception as error:  # its exceptions have no base of their own
            raise WeightsError(f"{self.called} cannot be run: {one_line(str(error))[:300]}") from error
        seen = {}
        for (name, key), array in zip(self.outputs.items(), found, strict=True):
            if array.ndim != 2 or len(array) != len(images):
                raise WeightsError(
                    f"{self.called}: its output {name} is {array.shape} for {len(images)} images: it must be "
                    f"({len(images)}, D)"
                )
            seen[key] = torch.from_numpy(array).to(images.device)
        return seen


def open_session(name: str, content: bytes) -> Any:
    """Check an ONNX file, and return its session.

    Raises:
        WeightsError: not an ONNX file, tensors in other files, or operations that ONNX does not have.
    """
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError) as error:
        raise WeightsError(f"{name} is cut short or no ONNX file: export it anew") from error
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model)):
        raise WeightsError(
            f"{name} keeps tensors in another file, which its hash would not cover: export it into one file, as "
            "torch.onnx.export(..., external_data=False) does"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised; no need to log them too
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the generator needs the processor
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        why = one_line(str(error))[:300]
        raise WeightsError(
            f"onnxruntime does not take {name}, whose operations must be those of ONNX: {why}"
        ) from error


def _tensors(message: Any) -> Iterator[Any]:
    """Yield every tensor of an ONNX message: of the graph, of those within it, of functions, sparse ones."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from _tensors(part)


def input_of(name: str, session: Any) -> Shape:
    """Return the input of a file.

    Raises:
        WeightsError: it is not a batch of images.
    """
    inputs = session.get_inputs()
    found = ", ".join(f"{one.name} {one.type}{one.shape}" for one in inputs)
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        raise WeightsError(
            f"{name} takes {found or 'nothing'}: it must take float32 images (N, C, H, W), and those alone"
        )
    batch, channels, *size = inputs[0].shape
    if isinstance(batch, int):
        raise WeightsError(
            f"{name} takes {batch} images at a time: export it with their number left open, as "
            "torch.onnx.export(..., dynamic_shapes=...) does"
        )
    if channels not in (1, 3):
        raise WeightsError(f"{name} takes images of {channels} channels: it must be 1 or 3")
    fixed = [isinstance(side, int) for side in size]
    if any(fixed) and not all(fixed):
        raise WeightsError(f"{name} takes images of {size[0]} by {size[1]}: fix both sides, or leave both open")
    return Shape(inputs[0].name, channels, (size[0], size[1]) if all(fixed) else None)


def outputs_of(name: str, session: Any) -> dict[str, str]:
    """Return the outputs of a file that are used, and as what.

    Raises:
        WeightsError: they are not of float32 (N, D).
    """
    outputs = {one.name: one for one in session.get_outputs()}
    features = "features" if "features" in outputs else next(iter(outputs))
    taken = {features: "features"} | ({"logits": "logits"} if "logits" in outputs and features != "logits" else {})
    for output in taken:
        kind, shape = outputs[output].type, outputs[output].shape
        if kind != "tensor(float)" or (shape and len(shape) != 2):
            raise WeightsError(f"{name}: its output {output} is {kind}{shape}: it must be float32 (N, D)")
    return taken
