"""What all tests share: real images, a separate cache, one thread, and no network but the loopback."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from ganzoo.cli import main
from helpers import narrow
from hub.server import LoopbackHub

SAMPLES = Path(__file__).parent / "samples" / "mnist"

torch.set_num_threads(1)  # two workers on two cores


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory):
    """Keep decoded images out of the user's cache."""
    os.environ["GANZOO_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in ("GANZOO_PLUGINS", "GANZOO_STRICT"):
        os.environ.pop(name, None)


def is_loopback(family: int, address: object) -> bool:
    """Return whether a socket's address is on this machine: a loopback address, or no internet address at all."""
    if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return True
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] in ("localhost", "")


@pytest.fixture(scope="session", autouse=True)
def _no_network():
    """Let no test connect to another machine: no telemetry of any dependency, no hidden download."""

    def guarded(connect):
        def call(self, address):
            if not is_loopback(self.family, address):
                pytest.fail(f"a socket was to be connected to {address}, which is not the loopback")
            return connect(self, address)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
        yield


@pytest.fixture(scope="session")
def mnist() -> Path:
    """A folder of 1,000 real digits in the Hub's parquet layout."""
    return SAMPLES


@pytest.fixture(scope="session")
def digits(mnist: Path):
    """The same digits decoded: images (1000, 28, 28) uint8 and labels (1000,)."""
    import io

    import pyarrow.parquet as pq
    from PIL import Image

    table = pq.read_table(mnist / "train-00000-of-00001.parquet").to_pydict()
    images = np.stack([np.asarray(Image.open(io.BytesIO(cell["bytes"]))) for cell in table["image"]])
    return images, np.array(table["label"])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, digits) -> Path:
    """100 of the digits as PNG files in one sub-folder per class."""
    from PIL import Image

    root = tmp_path_factory.mktemp("digits")
    for i, (image, label) in enumerate(zip(*(part[:100] for part in digits), strict=True)):
        (root / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image).save(root / str(label) / f"{i:03d}.png")
    return root


@pytest.fixture(scope="session")
def animals(tmp_path_factory: pytest.TempPathFactory, digits) -> Path:
    """40 pictures each of three classes with names: cat, dog, owl."""
    from PIL import Image

    root = tmp_path_factory.mktemp("data") / "animals"
    images, labels = digits
    for label, name in enumerate(("cat", "dog", "owl")):
        (root / name).mkdir(parents=True)
        for i, image in enumerate(images[labels == label][:40]):
            Image.fromarray(image).save(root / name / f"{i:02d}.png")
    return root


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """The command line in this process."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["ganzoo", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return Done(end.value.code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, mnist: Path) -> Path:
    """A run of a small dcgan; do not change it."""
    import ganzoo

    run = tmp_path_factory.mktemp("trained") / "digits"
    config = {**narrow("dcgan"), "base_channels": 16}
    ganzoo.train("dcgan", data=str(mnist), images=128, batch_size=32, out=run, progress=False, config=config)
    return run


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A Hub on the loopback, and the real client in this process set to ask it, with an empty cache and no token."""
    from huggingface_hub import close_session, constants

    with LoopbackHub() as loop:
        settings = {
            "ENDPOINT": loop.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": f"{loop.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
            "HF_HUB_CACHE": str(tmp_path / "hf"),
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
            "HF_TOKEN_PATH": str(tmp_path / "token"),
            "HF_STORED_TOKENS_PATH": str(tmp_path / "tokens"),
        }
        for name, value in settings.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield loop
        close_session()


@pytest.fixture
def alice(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> LoopbackHub:
    """The same, with the token of alice, who may write to alice/..."""
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    return hub


@pytest.fixture(scope="session")
def by_class(tmp_path_factory: pytest.TempPathFactory, animals: Path) -> Path:
    """A run of a small cgan on the animals; do not change it."""
    import ganzoo

    run = tmp_path_factory.mktemp("by-class") / "animals"
    ganzoo.train("cgan", data=str(animals), images=64, batch_size=32, out=run, progress=False, config=narrow("cgan"))
    return run
