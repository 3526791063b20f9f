"""What all tests share: real images, a cache of their own, and a quiet machine."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

SAMPLES = Path(__file__).parent / "samples" / "mnist"

torch.set_num_threads(1)  # two workers on two cores


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory):
    """Keep decoded images out of the user's cache."""
    os.environ["GANZOO_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in ("GANZOO_PLUGINS", "GANZOO_STRICT"):
        os.environ.pop(name, None)


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
