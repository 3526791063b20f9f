"""Places of their own for the weights of extractors."""

from pathlib import Path

import pytest


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which ganzoo looks for weights, which is not there yet; torch's own is empty."""
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "cache" / "extractors"
