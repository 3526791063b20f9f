from __future__ import annotations

import json
from importlib import metadata

from ganzoo import __version__
from installs import ganzoo, install


def test_every_plugin_is_listed_with_what_it_provides(call, zoo):
    lines = call("plugins").out.splitlines()
    names = sorted(p.name for p in metadata.entry_points(group="ganzoo") if p.dist.name == "ganzoo")
    assert [line.split()[0] for line in lines[1:]] == names
    assert next(line for line in lines if line.startswith("wgan-gp")).endswith("wgan, wgan-gp")


def test_json_has_lists(call):
    shown = json.loads(call("plugins", "--json").out)
    assert shown["broken"] == shown["problems"] == []
    dcgan = next(p for p in shown["plugins"] if p["name"] == "dcgan")
    assert dcgan.pop("import_ms") >= 0
    assert dcgan == {"name": "dcgan", "package": "ganzoo", "version": __version__, "provides": ["dcgan"]}


def test_broken_plugins_are_shown_with_their_tracebacks(tmp_path):
    install(tmp_path, "ganzoo-bad", "import a_module_that_is_not_there\n")
    install(tmp_path, "ganzoo-idle", "")
    done = ganzoo("plugins", site=tmp_path)
    assert done.returncode == 0
    assert "ganzoo-idle  ganzoo-idle  1.0      nothing" in done.stdout
    assert "\n! ganzoo-bad 1.0 (ganzoo-bad): ModuleNotFoundError: No module" in done.stdout
    assert "Traceback" in done.stdout
    assert "    import a_module_that_is_not_there\n" in done.stdout
