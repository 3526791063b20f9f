"""Values written into a run, a model folder and a repository of the Hub, with what was there before kept."""

import json
import shutil

import filelock
import pytest
import yaml

import ganzoo
from ganzoo.errors import ConfigError, GanzooError
from ganzoo.publishing.model_card import CARD
from ganzoo.publishing.publish import publish
from ganzoo.publishing.scores import check_recordable, merged, record
from ganzoo.registry import Score
from helpers import config_of, files_of

FIRST = Score(name="fd", value=3.0, protocol="fd[pixels]@10/test", data="mnist")
SECOND = Score(name="spread", value=0.5, protocol="spread[pixels]@10/test", data="mnist", weights="a" * 64)


def write(model, *scores, weights=None):
    found = ganzoo.models.load.find(model)
    weights = weights or check_recordable(str(model), found)
    return record(str(model), found, ganzoo.models.load.assemble(found), scores, weights)


def metrics(folder):
    return json.loads((folder / "config.json").read_text())["metrics"]


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


@pytest.fixture
def model(trained, tmp_path):
    return publish(trained, "alice/digits", license="mit", dry_run=tmp_path / "model").folder


def test_a_run_keeps_its_values_and_can_be_gone_on_with(run):
    assert write(run, FIRST).endswith("config.json")
    write(run, SECOND)
    assert [one["name"] for one in metrics(run)] == ["fd", "spread"]
    assert ganzoo.resume(run, images=192, progress=False).images == 192
    assert metrics(run) == [], "those were of other weights"


def test_values_of_other_weights_are_not_written(run):
    before = (run / "config.json").read_bytes()
    with pytest.raises(ConfigError, match=str(run)):
        write(run, FIRST, weights="0" * 64)
    assert (run / "config.json").read_bytes() == before


def test_what_was_written_since_stays(run):
    found = ganzoo.models.load.find(run)
    weights = check_recordable(str(run), found)
    write(run, SECOND)
    record(str(run), found, ganzoo.models.load.assemble(found), [FIRST], weights)
    assert [one["name"] for one in metrics(run)] == ["spread", "fd"]


@pytest.mark.parametrize("card", ["folder", "latin"])
def test_a_card_that_cannot_be_read_leaves_all_as_it_was(model, card):
    before = (model / "config.json").read_bytes()
    if card == "folder":
        (model / CARD).unlink()
        (model / CARD).mkdir()
    else:
        (model / CARD).write_bytes(b"caf\xe9")
    with pytest.raises(GanzooError, match=r"cannot be read|is not UTF-8"):
        write(model, FIRST)
    assert (model / "config.json").read_bytes() == before


def test_a_value_of_the_same_protocol_and_data_is_replaced():
    new = Score(name="fd", value=2.0, protocol=FIRST.protocol, data="mnist")
    other = Score(name="fd", value=9.0, protocol=FIRST.protocol, data="cifar10")
    assert merged([FIRST, SECOND], [new, other]) == (new, SECOND, other)


def test_a_card_says_them_and_keeps_what_was_written_by_hand(model):
    card = model / CARD
    card.write_text(card.read_text() + "\n## Ours\n\nWritten by hand.\n")
    assert str(card) in write(model, FIRST, SECOND)
    text = card.read_text()
    assert "Written by hand." in text
    assert 'ganzoo.load("hf:alice/digits")' in text, "where it is loaded from stays"
    results = yaml.safe_load(text.split("---")[1])["model-index"][0]["results"]
    found = {metric["args"]["protocol"]: metric for result in results for metric in result["metrics"]}
    assert found[SECOND.protocol]["value"] == 0.5
    assert found[SECOND.protocol]["args"]["weights"] == "a" * 64
    assert "| fd | 3 | fd[pixels]@10/test | mnist |" in text
    ganzoo.load(model)


def test_on_the_hub_it_is_one_commit_of_the_card_and_the_config(alice, trained):
    publish(trained, "alice/digits", license="mit")
    before = len(alice.hub.repos["alice/digits"].commits)
    written = write("hf:alice/digits", FIRST)
    assert written.startswith("README.md, config.json: ")
    repo = alice.hub.repos["alice/digits"]
    assert len(repo.commits) == before + 1
    assert repo.at("main").title == "Measured: fd[pixels]@10/test"
    assert config_of(alice)["metrics"][0]["value"] == 3.0
    assert "fd[pixels]@10/test" in files_of(alice)[CARD].decode()
    assert "license: mit" in files_of(alice)[CARD].decode()


@pytest.mark.parametrize(
    ("name", "text"),
    [("dcgan-mnist", "^dcgan-mnist "), ("hf:alice/digits@{commit}", "is a commit")],
)
def test_what_cannot_be_written_is_refused(alice, trained, name, text):
    commit = publish(trained, "alice/digits").commit
    with pytest.raises(ConfigError, match=text):
        write(name.format(commit=commit), FIRST)


def test_a_running_training_is_left_alone(run):
    with filelock.FileLock(run / ".lock"), pytest.raises(ConfigError, match=str(run)):
        write(run, FIRST)
    assert metrics(run) == []
