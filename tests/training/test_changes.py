"""A resumed run is unchanged but for what is overridden."""

import json
import shutil

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.errors import ConfigError, DataError, RunError
from ganzoo.models.weights import load_tensors
from helpers import narrow


def train(mnist, out, **settings):
    options = {"images": 64, "batch_size": 32, **settings}
    return ganzoo.train("dcgan", data=str(mnist), out=out, progress=False, config=narrow("dcgan"), **options).run


@pytest.fixture
def run(mnist, tmp_path):
    return train(mnist, tmp_path / "run")


@pytest.mark.parametrize(
    ("wishes", "text"),
    [
        ({"config": {"lr": 1e-3}}, r"lr=0.0002, not 0.001: leave that out .* --override lr to"),
        ({"batch_size": 16}, r"the run has batch_size=32, not 16: .* --override batch_size"),
        (
            {"config": {"lr": 1e-3, "beta1": 0.1}, "seed": 5, "override": ["lr"]},
            r"the run has beta1=0.5, not 0.1; seed=0, not 5: .* --override beta1 --override seed to",
        ),
    ],
)
def test_a_change_is_refused_with_the_difference_shown(run, wishes, text):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=text) as raised:
        ganzoo.resume(run, images=128, progress=False, **wishes)
    assert "\n" not in str(raised.value)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("wishes", "error", "text"),
    [
        ({"config": {"lrr": 1}}, ConfigError, "lrr"),
        ({"config": {"lr": -1}}, ConfigError, "lr=-1"),
        ({"colour": 1}, ConfigError, "takes no 'colour'; it takes: data, images, split"),
        ({"start": "other"}, ConfigError, "takes no 'start'"),
        ({"override": ["lr"]}, ConfigError, "override 'lr' needs a new value"),
        ({"config": {"base_channels": 16}, "override": ["base_channels"]}, RunError, "cannot be restored"),
    ],
)
def test_what_makes_no_sense_is_refused(run, wishes, error, text):
    with pytest.raises(error, match=text):
        ganzoo.resume(run, images=128, progress=False, **wishes)


def test_the_same_values_change_nothing(run, mnist, tmp_path):
    straight = train(mnist, tmp_path / "straight", images=128)
    ganzoo.resume(run, images=128, config={"lr": 2e-4}, batch_size=32, preview_every=64, keep=3, progress=False)
    ours, theirs = (load_tensors(folder / "model.safetensors") for folder in (run, straight))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert "changes" not in json.loads((run / "config.json").read_text())["training"]
    assert (run / "samples/000000128.png").exists()  # what it tells may change freely


def test_an_override_takes_effect_and_is_written_down(run, mnist, tmp_path):
    ganzoo.resume(run, images=96, config={"lr": 1e-3}, override=["lr"], progress=False)
    last = json.loads((run / "stats.jsonl").read_text().splitlines()[-1])
    assert last["lr/G"] == last["lr/D"] == 1e-3
    config = json.loads((run / "config.json").read_text())
    assert config["config"]["lr"] == 1e-3
    assert config["training"]["changes"] == [{"images": 64, "name": "lr", "before": 2e-4, "after": 1e-3}]
    ganzoo.resume(run, images=128, progress=False)  # the new value is the run's own from now on
    last = json.loads((run / "stats.jsonl").read_text().splitlines()[-1])
    assert (last["images"], last["lr/G"]) == (128, 1e-3)
    ganzoo.resume(run, images=160, batch_size=16, override=["batch_size"], progress=False)
    config = json.loads((run / "config.json").read_text())
    assert [change["name"] for change in config["training"]["changes"]] == ["lr", "batch_size"]
    assert ganzoo.load(run).sample(1).isfinite().all()


def test_an_override_that_changes_the_networks_says_so_and_loses_nothing(run):
    before = sorted(path for path in run.rglob("*") if path.name != ".lock")
    with pytest.raises(RunError, match=r"restored .*: leave out"):
        ganzoo.resume(run, images=96, config={"base_channels": 3}, override=["base_channels"], progress=False)
    assert sorted(path for path in run.rglob("*") if path.name != ".lock") == before


def test_on_the_command_line(call, run):
    refused = call("train", "--resume", str(run), "--images", "128", "-o", "lr=0.001")
    assert (refused.code, refused.out) == (1, "")
    assert "lr=0.0002, not 0.001" in refused.err
    done = call("train", "--resume", str(run), "--images", "96", "-o", "lr=0.001", "--override", "lr")
    assert done.code == 0, done.err
    for words, text in (
        (["--resume", str(run), "--from", "mnist"], "leave out --from"),
        (["dcgan", "--data", "mnist", "--override", "lr"], "--override needs --resume"),
    ):
        done = call("train", *words)
        assert done.code == 2
        assert text in done.err


def config_of(run):
    return json.loads((run / "config.json").read_text())


def lines_of(run):
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


def contents(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.fixture
def data(folder, tmp_path):
    """A folder of digits that a test may move and change."""
    return shutil.copytree(folder, tmp_path / "first place")


@pytest.fixture
def on_files(data, tmp_path):
    """A run on that folder."""
    return train(data, tmp_path / "run")


def test_a_run_whose_data_has_moved_continues_with_the_same_bits(call, on_files, data, folder, tmp_path, monkeypatch):
    straight = train(folder, tmp_path / "straight", images=128)
    place = shutil.move(data, tmp_path / "second place")
    monkeypatch.chdir(tmp_path)
    done = call("train", "--resume", str(on_files), "--images", "96", "--data", "second place")
    assert done.code == 0, done.err
    (told,) = (line for line in done.err.splitlines() if "moved" in line)
    assert told.endswith(f"the data has moved from {data} to {place}")
    monkeypatch.chdir("/")
    ganzoo.resume(on_files, images=128, progress=False)  # from the new place, which is the run's own from now on
    training = config_of(on_files)["training"]
    assert training["data"] == str(place)
    assert "changes" not in training
    ours, theirs = (load_tensors(run / "model.safetensors") for run in (on_files, straight))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_data_that_is_gone_is_named_with_what_to_do(on_files, data):
    shutil.rmtree(data)
    before = contents(on_files)
    with pytest.raises(
        DataError, match=r"no folder or file .*first place: .*--data NEWPLACE .*--override data"
    ) as caught:
        ganzoo.resume(on_files, images=128, progress=False)
    assert "\n" not in str(caught.value)
    assert contents(on_files) == before


def test_other_data_is_refused_unless_it_is_overridden(call, on_files, data, mnist):
    before = contents(on_files)
    with pytest.raises(RunError, match=r"are not those of .*first place.*--override data"):
        ganzoo.resume(on_files, images=128, data=mnist, progress=False)
    assert contents(on_files) == before
    words = ["--resume", str(on_files), "--images", "128", "--data", str(mnist), "--override", "data"]
    done = call("train", *words)
    assert done.code == 0, done.err
    (told,) = (line for line in done.err.splitlines() if "other data" in line)
    assert told.endswith(f"1,000 samples of {mnist}, not 100 of {data}")  # with the same classes
    config = config_of(on_files)
    change = {"images": 64, "name": "data", "before": str(data), "after": str(mnist)}
    assert config["training"]["changes"] == [change]
    assert (config["training"]["data"], config["data"]["images"]) == (str(mnist), 1000)
    ganzoo.resume(on_files, images=160, progress=False)
    assert config_of(on_files)["training"]["changes"] == [change]


def test_data_that_has_changed_where_it_is_can_be_continued_on(on_files, data):
    shutil.rmtree(data / "3")
    before = contents(on_files)
    with pytest.raises(RunError, match=r"first place are not those .*put them back, add --data .*--override data"):
        ganzoo.resume(on_files, images=96, progress=False)
    with pytest.raises(RunError, match="put them back"):  # named anew, it is the same place
        ganzoo.resume(on_files, images=96, data=data, progress=False)
    assert contents(on_files) == before
    ganzoo.resume(on_files, images=96, override=["data"], progress=False)
    config = config_of(on_files)
    assert config["training"]["changes"] == [{"images": 64, "name": "data", "before": str(data), "after": str(data)}]
    assert config["data"]["classes"] == list("012456789")


@pytest.fixture
def photos(tmp_path):
    """Images of another size, colour and form that no model of digits comes near."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(32):
        Image.new("RGB", (50, 40), (255, 4 * i, 0)).save(folder / f"{i}.png")
    return folder


def test_other_classes_are_told(call, on_files, data):
    shutil.rmtree(data / "3")
    for i in range(4):
        shutil.copytree(data / "5", data / f"more {i}")
    done = call("train", "--resume", str(on_files), "--images", "96", "--override", "data")
    assert done.code == 0, done.err
    (told,) = (line for line in done.err.splitlines() if "other data" in line)
    assert told.endswith(
        "the classes are now 0, 1, 2, 4, 5, 6, 7, 8, 9, more 0 and 3 more, not 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    )


def test_other_data_is_brought_to_the_size_of_the_model(on_files, photos):
    ganzoo.resume(on_files, images=96, data=photos, override=["data"], progress=False)
    assert ganzoo.load(on_files).sample(2).shape == (2, 1, 28, 28)
    assert config_of(on_files)["config"]["image_size"] == 28


@pytest.mark.parametrize(
    ("prepare", "text"),
    [
        (lambda data: shutil.rmtree(data / "3"), r"has 9 classes, and .* on 10: .*ganzoo train --from "),
        (lambda data: shutil.copytree(data / "3", data / "eleven"), "has 11 classes"),
        (lambda data: [shutil.move(file, data) for file in data.glob("*/*")], "needs labels"),
    ],
)
def test_a_model_of_classes_continues_on_as_many(prepare, text, data, folder, tmp_path):
    run = ganzoo.train(
        "cgan", data=str(folder), images=64, batch_size=32, out=tmp_path / "run", progress=False, config=narrow("cgan")
    ).run
    prepare(data)
    before = contents(run)
    with pytest.raises(DataError, match=text):
        ganzoo.resume(run, images=96, data=data, override=["data"], progress=False)
    assert contents(run) == before


def test_the_best_model_is_chosen_anew_on_other_data(on_files, folder, photos):
    first = {"metrics": ("fd[pixels]@32/train",), "eval_every": 64, "data": photos}
    ganzoo.resume(on_files, images=256, override=["data"], progress=False, **first)
    outcome = ganzoo.resume(on_files, images=320, data=folder, override=["data"], progress=False)
    values = {line["images"]: max(line["metrics"].values()) for line in lines_of(on_files) if "metrics" in line}
    assert min(values, key=values.__getitem__) <= 256  # but that was a distance to other images
    assert outcome.best_metric.images == outcome.best_images == 320
    assert config_of(on_files / "best")["data"]["images"] == 100
