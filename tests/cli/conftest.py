from __future__ import annotations

import pytest


@pytest.fixture
def zoo(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """A zoo of the installed architectures and two models, one of them of an architecture that is not there."""
    from ganzoo.cli import list_command, plugins_command, show_command
    from ganzoo.registry import Zoo
    from ganzoo.registry.plugins import discover

    entry = """
    weights: {{file: weights/a.safetensors, sha256: {sha}, bytes: 5800000{more}}}
    data: mnist
    license: mit
    summary: digits
    trained: {{images: 1000000, seed: 3, ganzoo: 0.1.0, plugin: ganzoo-foo 0.3, minutes: 2.5, command: ganzoo train}}
    metrics: [{{name: fid, value: 3.25, protocol: inception}}]
    digest: "00"
"""
    hub = f", repo: me/digits, revision: {'b' * 40}"
    path = tmp_path / "registry.yaml"
    path.write_text(
        "models:\n  dcgan-digits:\n    architecture: dcgan\n    config: {latent_dim: 64}"
        + entry.format(sha="a" * 64, more="")
        + "  foo-digits:\n    architecture: foo"
        + entry.format(sha="c" * 64, more=hub)
    )
    made = Zoo(discover(), path)
    for module in (list_command, plugins_command, show_command):
        monkeypatch.setattr(module, "installed", lambda: made)
    return made
