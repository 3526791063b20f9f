import json

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, GanzooError, RunError, UnknownNameError, WeightsError
from ganzoo_report import pictures
from ganzoo_report.pictures import public
from ganzoo_report.report import write_report
from pages_helpers import Page, change_config, report


def test_without_its_data_the_page_says_so_in_the_place_of_the_picture(own, tmp_path):
    written = write_report(own, data=str(tmp_path / "gone" / "digits"), progress=False)
    page = Page(written.path)
    assert list(written.missing) == ["neighbours"]
    assert "There is no folder or file digits" in page.text
    assert str(tmp_path) not in page.html
    assert "interpolations" in page.sections


def test_neighbours_may_be_near_in_other_features(own, mnist):
    page, _ = report(own, mnist)
    assert "nearest to a training image by pixels" in page.text
    other, _ = report(own, mnist, extractor="mnist-classifier")
    assert "nearest to a training image by mnist-classifier" in other.text
    with pytest.raises(UnknownNameError, match=r"called 'mnist-clasifier'\. Did you mean 'mnist-classifier'"):
        report(own, mnist, extractor="mnist-clasifier")


def test_data_may_be_said_by_a_function_that_refuses(own):
    def refuse(model):
        raise ConfigError(f"{model.name}: say which")

    written = write_report(own, data=refuse, progress=False)
    assert written.missing == {"neighbours": "digits: say which"}


def test_no_neighbours_are_looked_for_where_none_are_wanted(own, monkeypatch):
    monkeypatch.setattr(pictures, "nearest_neighbours", None)
    page, written = report(own, "nowhere", neighbours=0)
    assert "neighbours" not in page.sections
    assert written.missing == {}


def test_a_run_in_progress_gives_what_is_there(own, mnist):
    (own / "model.safetensors").unlink()
    for path in [*(own / "samples").iterdir()][1:]:
        path.unlink()
    stats = (own / "stats.jsonl").read_text(encoding="utf-8").splitlines()
    (own / "stats.jsonl").write_text("\n".join(stats[:2]) + '\n{"images": 96, "sec', encoding="utf-8")
    page, written = report(own, mnist)
    assert page.sections == ["samples", "losses", "speed", "interpolations", "neighbours", "configuration"]
    assert "Training is at 33% of its images" in page.text
    assert set(written.missing) == {"interpolations", "neighbours"}
    assert "a run writes it with its first checkpoint" in page.text


def test_a_run_that_has_just_begun_gives_its_configuration(own, mnist):
    for name in ("model.safetensors", "stats.jsonl", "samples.png"):
        (own / name).unlink()
    for path in (own / "samples").iterdir():
        path.unlink()
    page, _ = report(own, mnist)
    assert page.sections == ["interpolations", "neighbours", "configuration"]
    assert page.data == {"frames": [], "charts": []}


def test_a_published_model_gives_its_samples_and_its_data_sheet(run, mnist, tmp_path):
    ganzoo.publish(run, "me/digits", dry_run=tmp_path / "model")
    page, written = report(tmp_path / "model", mnist)
    assert page.sections == ["samples", "interpolations", "neighbours", "configuration"]
    assert written.previews == 1
    assert "slider" not in [control.get("id") for control in page.all("input")]
    assert "sha256 of the weights" in page.text


def test_a_translator_shows_inputs_beside_outputs(translator, mnist, tmp_path):
    page, written = report(translator, f"edges:{mnist}", out=tmp_path / "page.html")
    assert page.sections == ["samples", "losses", "speed", "translations", "configuration"]
    assert written.missing == {}
    assert "A to B: input, output, target" in page.text


def test_a_translator_takes_one_set_as_its_input(translator, mnist, tmp_path):
    page, written = report(translator, mnist, out=tmp_path / "page.html")
    assert written.missing == {}
    assert "A to B: input, output" in page.text


def test_a_translator_without_its_data_says_so(translator, tmp_path):
    page, written = report(translator, "edges:nowhere", out=tmp_path / "page.html")
    assert list(written.missing) == ["translations"]
    assert "No data set or path is called 'nowhere'" in page.text


def test_an_architecture_that_is_not_installed_is_named(own, mnist):
    change_config(own, architecture="mygan", plugin="ganzoo-mygan")
    page, written = report(own, mnist)
    assert "pip install ganzoo-mygan" in written.missing["interpolations"]
    assert "Not installed here: mygan of ganzoo-mygan" in page.text
    assert "base_channels" in page.text


def test_damaged_weights_are_named_and_the_rest_is_there(own, mnist):
    weights = own / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    page, written = report(own, mnist)
    assert "damaged" in written.missing["interpolations"]
    assert str(own.parent) not in page.html
    assert "losses" in page.sections


def test_hyper_parameters_of_another_version_are_shown_as_they_are(own, mnist):
    config = json.loads((own / "config.json").read_text(encoding="utf-8"))
    change_config(own, config={**config["config"], "no_longer_there": 7, "base_channels": "wide"})
    page, written = report(own, mnist)
    assert "no_longer_there 7" in page.text
    assert "interpolations" in written.missing


def test_memory_that_is_not_enough_costs_that_part_alone(own, mnist, monkeypatch):
    def fail(*_args, **_options):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(pictures, "interpolate", fail)
    _, written = report(own, mnist)
    assert written.missing == {"interpolations": "out of memory"}


def test_what_is_no_run_is_one_line_and_nothing_is_written(tmp_path, own):
    with pytest.raises(RunError, match=r"is no run or model folder: it has no config.json"):
        write_report(tmp_path, data="mnist")
    with pytest.raises(RunError):
        write_report(tmp_path / "gone", data="mnist")
    (own / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(WeightsError, match="damaged"):
        write_report(own, data="mnist")
    assert not (own / "report.html").exists()


def test_a_page_that_cannot_be_written_is_one_line(own, mnist):
    with pytest.raises(ConfigError, match="is a folder: name the page"):
        write_report(own, own, data=str(mnist))
    with pytest.raises(GanzooError, match="cannot be written"):
        write_report(own, own / "gone" / "page.html", data=str(mnist), neighbours=0, progress=False)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("There is no folder /home/me/photos/cats", "There is no folder cats"),
        ("~/photos/cats has no images", "cats has no images"),
        (r"C:\Users\me\cats cannot be read", "cats cannot be read"),
        ("/my own/cats is empty", "cats is empty"),
        ("hf:owner/name is not there, see https://huggingface.co/owner/name", None),
        ("runs/digits has no model; use fd[pixels]@10k/test", None),
    ],
)
def test_an_error_is_shown_without_the_folders_of_this_machine(said, left):
    assert public(GanzooError(said), "/my own/cats") == (left or said)
