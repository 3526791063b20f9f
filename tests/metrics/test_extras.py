"""Extractors without the packages that they need: one line says which to install."""

import importlib
import sys

import pytest

from ganzoo.errors import MissingExtraError


@pytest.mark.parametrize(
    ("module", "missing", "extra"),
    [
        ("ganzoo_metrics.inception", "torch_fidelity", "metrics"),
        ("ganzoo_metrics.own_network", "onnx", "onnx"),
        ("ganzoo_metrics.own_network", "onnxruntime", "onnx"),
    ],
)
def test_a_missing_package_is_named(monkeypatch, module, missing, extra):
    monkeypatch.delitem(sys.modules, module, raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "ganzoo\[{extra}\]"'):
        importlib.import_module(module)
