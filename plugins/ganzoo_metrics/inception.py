"""The Inception network that FID, KID and the Inception score were defined on, as torch-fidelity ported it."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError, MissingExtraError, WeightsError, did_you_mean, one_line
from ganzoo.metrics.download import download
from ganzoo.metrics.exact import exactly
from ganzoo.metrics.extractor_weights import folder, on_disk
from ganzoo_metrics.images import check_images, fitted

try:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3
except ModuleNotFoundError as error:
    raise MissingExtraError("the network of FID", "metrics") from error

FILE: str = URL_INCEPTION_V3.rpartition("/")[2]
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
ELSEWHERE = (FILE, "pt_inception-2015-12-05-6726825d.pth")
"""The names of the file in torch's folder, where torch-fidelity and pytorch-fid store it."""
RESIZES = ("tf-resize", "antialias")
_SIDE = FeatureExtractorInceptionV3.INPUT_IMAGE_SIZE


class Inception(nn.Module):
    """Images (N, C, H, W) uint8 to ``features`` (N, 2048), the last pool, and ``logits`` (N, 1008).

    The network is the one of 2015 that the papers used (Heusel 2017, arXiv:1706.08500; Binkowski 2018,
    arXiv:1801.01401; Salimans 2016, arXiv:1606.03498), not that of torchvision. The logits are those that the
    Inception score is computed on: 1008 of them, without the bias, as in its original code. Grey images are repeated
    to RGB.

    Args:
        resize: ``"tf-resize"``, the bilinear one of TensorFlow 1 without antialiasing, which the published values come
            from: features are torch-fidelity's, bit by bit. ``"antialias"`` resizes as Parmar 2022 (arXiv:2104.11222)
            argues for: bicubic with antialiasing, in floating point.

    Attributes:
        written: the resize.
        weights: the SHA-256 of the weights file.

    Raises:
        ConfigError: another resize.
        WeightsError: the weights cannot be downloaded; the message says the address, and where to put the file.
    """

    def __init__(self, resize: str = RESIZES[0]) -> None:
        super().__init__()
        if resize not in RESIZES:
            raise ConfigError(
                f"inception resizes by {' or '.join(RESIZES)}, not by '{resize}'.{did_you_mean(resize, RESIZES)}"
            )
        self.network = load(weights_file())
        self.resize = resize
        self.written = f",{resize}"
        self.weights = SHA256

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return features and logits."""
        with torch.no_grad(), exactly(images.device):
            if self.resize == "antialias":
                features, logits = self._run(fitted(images, 3, (_SIDE, _SIDE), "bicubic"))
            else:
                check_images(images)
                features, logits = self.network(images.expand(-1, 3, -1, -1))  # which resizes by itself
        return {"features": features, "logits": logits}

    def _run(self, resized: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network on resized images (N, 3, 299, 299); its own forward always resizes."""
        seen = (resized - 128) / 128
        for name, layer in self.network.named_children():  # in the order in which they are run
            if name != "fc":
                seen = layer(seen)
        features = seen.flatten(1)
        return features, features.mm(self.network.fc.weight.T)


def weights_file() -> Path:
    """Return the file of weights, checked: from ganzoo's folder, from torch's, or downloaded.

    Raises:
        WeightsError: the file cannot be downloaded, or has another hash.
    """
    kept = folder() / FILE
    places = [kept, *(Path(torch.hub.get_dir()) / "checkpoints" / name for name in ELSEWHERE)]
    for path in places:
        if path.is_file():
            if (found := on_disk(path).sha256) != SHA256:
                raise WeightsError(f"{path} has sha256 {found} where {SHA256} is expected: delete it, and run it again")
            return path
    try:
        download(URL_INCEPTION_V3, kept, SHA256)
    except WeightsError as error:
        raise WeightsError(
            f"inception needs {FILE} (96 MB), and {error}: fetch it from there on any machine, and put it at {kept}"
        ) from error
    return kept


def load(path: Path) -> FeatureExtractorInceptionV3:
    """Return the network with the weights of a file, on the CPU, in eval mode.

    Raises:
        WeightsError: the file holds something else than its tensors.
    """
    try:
        # The unpickler that makes tensors and calls nothing.
        state = torch.load(path, map_location="cpu", weights_only=True)
        # torch-fidelity's constructor uses the unpickler that can run code: it gets a file of tensors written here.
        own = io.BytesIO()
        torch.save({name: tensor for name, tensor in state.items() if isinstance(tensor, Tensor)}, own)
        own.seek(0)
        return FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=own
        )
    except (pickle.UnpicklingError, RuntimeError, AttributeError, EOFError, OSError, ValueError) as error:
        raise WeightsError(f"{path} does not hold the weights of Inception: {one_line(str(error))[:200]}") from error
