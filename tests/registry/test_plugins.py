"""A plugin that is broken in any way is one line on stderr, and the rest of the zoo stays open."""

from __future__ import annotations

import json
import os

import pytest

from installs import GOOD, ganzoo, install

HEAD = "from dataclasses import dataclass\nfrom ganzoo.registry import Architecture, Dataset, hookimpl\n"
CONFIG = "@dataclass(frozen=True)\nclass Config:\n    size: int = 1\n"
HOOK = "@hookimpl\ndef ganzoo_architectures():\n"
DATA = HEAD + "@hookimpl\ndef ganzoo_datasets():\n"
RECORD = 'Architecture(name="{name}", target="nowhere:GAN", config=Config, summary="a fake"{more})'


def record(more: str = "", config: str = CONFIG, **changes: str) -> str:
    """Return a plugin whose one architecture is made with ``changes``."""
    text = RECORD.replace("{name}", "mine").replace("{more}", more)
    for old, new in changes.items():
        text = text.replace({"name": '"mine"', "config": "config=Config", "summary": '"a fake"'}[old], new)
    return f"{HEAD}{config}{HOOK}    return [{text}]\n"


BROKEN = {
    "import-error": ("import a_module_that_is_not_there\n", "ModuleNotFoundError: No module named"),
    "system-exit": ("raise SystemExit(3)\n", "SystemExit: 3"),
    "syntax": ("def broken(:\n", "SyntaxError"),
    "foreign-argument": (f"{HEAD}@hookimpl\ndef ganzoo_architectures(zoo):\n    return []\n", "zoo"),
    "raises": (f"{HEAD}{HOOK}    raise KeyError('a\\nb')\n", "KeyError"),
    "exits": (f"{HEAD}{HOOK}    raise SystemExit\n", "SystemExit"),
    "unknown-hook": (f"{HEAD}@hookimpl\ndef ganzoo_architecture():\n    return []\n", "mean 'ganzoo_architectures'?"),
    "unmarked": (f"{HEAD}def ganzoo_architectures():\n    return []\n", "not marked with @hookimpl"),
    "wrong-record": (f"{HEAD}{HOOK}    return ['dcgan']\n", "must return Architecture records, not str"),
    "no-list": (f"{HEAD}{HOOK}    return None\n", "TypeError"),
    "wrong-data-set": (f"{DATA}    return [Dataset(name='d', repo=1, summary='')]\n", "$.repo"),
    "models-as-text": (f"{HEAD}@hookimpl\ndef ganzoo_models():\n    return ['m.yaml']\n", "Path records, not str"),
    "too-new": (record(", api=99"), "upgrade ganzoo"),
    "too-old": (record(", api=0"), "upgrade the plugin"),
    "api-is-text": (record(", api='1'"), "$.api"),
    "melting": (record(config=CONFIG.replace("(frozen=True)", "")), "must be a frozen dataclass"),
    "no-dataclass": (record(config="class Config:\n    pass\n"), "must be a frozen dataclass"),
    "instance": (record(config=f"{CONFIG}Config = Config()\n"), "$.config"),
    "no-default": (record(config=CONFIG.replace(" = 1", "")), "gives no default for size"),
    "bad-name": (record(name="'my gan'"), "no spaces"),
    "numbered": (record(name="7"), "$.name"),
    "no-summary": (record(summary="None"), "$.summary"),
    "twice": (record().replace("return [", "return 2 * ["), "'mine' twice"),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("broken")
    for name, (source, _) in BROKEN.items():
        install(root, f"ganzoo-{name}", source, version="0.3")
    install(root, "ganzoo-loud", "print('hello from a plugin')\n" + GOOD.replace("{name}", "loud"))
    return root


@pytest.fixture(scope="module")
def listed(site):
    return ganzoo("list", "--json", site=site)


@pytest.fixture(scope="module")
def shown(site):
    return json.loads(ganzoo("plugins", "--json", site=site).stdout)["broken"]


def test_the_zoo_opens_with_every_kind_of_broken_plugin(listed, site):
    names = [a["name"] for a in json.loads(listed.stdout)["architectures"]]
    assert listed.returncode == 0
    assert {"dcgan", "loud"} < set(names)
    assert ganzoo("list", site=site).returncode == 0


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_one_line_on_stderr(listed, name):
    lines = [line for line in listed.stderr.splitlines() if f"ganzoo-{name} " in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"! ganzoo-{name} 0.3 (ganzoo-{name}): ")
    assert BROKEN[name][1] in lines[0]


@pytest.mark.parametrize("name", BROKEN)
def test_plugins_shows_the_traceback(shown, name):
    (one,) = (b for b in shown if b["name"] == f"ganzoo-{name}")
    assert one["version"] == "0.3"
    assert BROKEN[name][1] in one["traceback"]
    assert "Traceback" in one["traceback"]


def test_a_plugin_that_prints_does_not_spoil_json(listed):
    assert "hello from a plugin" in listed.stderr
    assert "hello" not in listed.stdout


def test_an_unknown_name_says_which_plugins_are_broken(site):
    done = ganzoo("show", "mine", site=site, GANZOO_PLUGINS="dcgan,ganzoo-syntax")
    assert done.returncode == 1
    assert "Broken plugins that may have had it: ganzoo-syntax 0.3" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["import-error", "system-exit", "raises", "too-new"])
def test_strict_stops_at_the_first_broken_plugin(site, name):
    env = {"GANZOO_PLUGINS": f"dcgan,ganzoo-{name}", "GANZOO_STRICT": "1"}
    done = ganzoo("list", site=site, **env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: ganzoo-{name} 0.3")
    assert len(done.stderr.splitlines()) == 1


def test_strict_shows_the_plugins_own_traceback_with_debug(site):
    env = {"GANZOO_PLUGINS": "ganzoo-import-error", "GANZOO_STRICT": "1"}
    assert "import a_module_that_is_not_there" in ganzoo("list", "--debug", site=site, **env).stderr


@pytest.fixture(scope="module")
def clashing(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("clash")
    install(root, "ganzoo-one", GOOD.replace("{name}", "same"))
    install(root, "ganzoo-two", GOOD.replace("{name}", "same"))
    install(root, "ganzoo-copy", GOOD.replace("{name}", "dcgan"))
    return root


def test_a_clash_is_a_line_and_both_names_are_listed(clashing):
    done = ganzoo("list", "--json", site=clashing)
    names = [a["name"] for a in json.loads(done.stdout)["architectures"]]
    assert {"ganzoo-one:same", "ganzoo-two:same", "ganzoo:dcgan", "ganzoo-copy:dcgan", "vanilla"} < set(names)
    assert len(done.stderr.splitlines()) == 2
    assert "! 2 packages provide the architecture 'same': use ganzoo-one:same or ganzoo-two:same" in done.stderr


@pytest.mark.parametrize("name", ["same", "dcgan"])
def test_a_shared_name_is_refused(clashing, name):
    done = ganzoo("show", name, site=clashing)
    assert done.returncode == 1
    assert f"2 packages provide the architecture '{name}'" in done.stderr


@pytest.mark.parametrize("name", ["ganzoo-two:same", "ganzoo-copy:dcgan", "ganzoo:dcgan"])
def test_the_distribution_chooses_among_equal_names(clashing, name):
    done = ganzoo("show", name, "--json", site=clashing)
    assert json.loads(done.stdout)["package"] == name.partition(":")[0]


def test_a_variable_selects_by_entry_point_or_distribution(clashing):
    chosen = ganzoo("list", "--json", site=clashing, GANZOO_PLUGINS="vanilla, ganzoo-two")
    assert [a["name"] for a in json.loads(chosen.stdout)["architectures"]] == ["same", "vanilla"]
    assert chosen.stderr == ""


def test_a_variable_that_names_nothing_installed_is_an_error(clashing):
    done = ganzoo("list", site=clashing, GANZOO_PLUGINS="vanila")
    assert done.returncode == 1
    assert done.stderr == "Error: GANZOO_PLUGINS names 'vanila', which is not installed. Did you mean 'vanilla'?\n"


@pytest.mark.parametrize("text", ["[ganzoo]\nx\n", "[ganzoo]\nx = \udcff\n"])
def test_damaged_entry_points_name_their_distribution(tmp_path, text):
    install(tmp_path, "ganzoo-hurt", "")
    (tmp_path / "ganzoo_hurt-1.0.dist-info" / "entry_points.txt").write_bytes(text.encode(errors="surrogateescape"))
    done = ganzoo("list", site=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "Error: ganzoo-hurt has an entry_points.txt that cannot be read: reinstall it\n"


def test_of_one_distribution_twice_on_the_path_the_first_counts(tmp_path):
    for folder, dist, version in (("a", "ganzoo-two", "2.0"), ("b", "ganzoo_Two", "1.0")):
        install(tmp_path / folder, dist, GOOD.replace("{name}", f"of-{folder}"), version=version)
    both = os.pathsep.join(str(tmp_path / folder) for folder in ("a", "b"))
    names = {a["name"] for a in json.loads(ganzoo("list", "--json", PYTHONPATH=both).stdout)["architectures"]}
    assert "of-a" in names
    assert "of-b" not in names


def test_entry_points_of_others_that_cannot_be_parsed_are_theirs(tmp_path):
    install(tmp_path, "other", "")
    (tmp_path / "other-1.0.dist-info" / "entry_points.txt").write_text("[console_scripts]\nx\n")
    done = ganzoo("list", site=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ("[ganzoo]\nx = json\ny = json\n", "json is already the plugin ganzoo-odd:x"),
        ("[ganzoo]\nx = json\nx = csv\n", "ganzoo-odd has two entry points called 'x'"),
        ("[ganzoo]\nx = no module at all\n", "AttributeError"),
        ("[ganzoo]\nx = sys:maxsize\n", "TypeError"),
    ],
)
def test_odd_entry_points_break_only_themselves(tmp_path, points, reason):
    install(tmp_path, "ganzoo-odd", "")
    (tmp_path / "ganzoo_odd-1.0.dist-info" / "entry_points.txt").write_text(points)
    done = ganzoo("list", site=tmp_path)
    assert "dcgan" in done.stdout
    assert done.stderr.startswith("! ganzoo-odd 1.0 (")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
