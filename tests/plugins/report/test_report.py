import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, GanzooError, RunError, UnknownNameError, WeightsError
from ganzoo_report import drawings
from ganzoo_report.drawings import public
from ganzoo_report.embedded import read_frames
from ganzoo_report.report import write_report
from pages_helpers import EVIL, change_config, measured


class Page(HTMLParser):
    """The tags, headings and texts of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def sections(self):
        return [attributes["id"] for attributes in self.all("section")]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    @property
    def data(self):
        return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', self.html)[1])


def report(folder, mnist, **options):
    written = write_report(folder, data=str(mnist), progress=False, **options)
    return Page(written.path), written


@pytest.fixture(scope="module")
def made(run, mnist, tmp_path_factory):
    return report(run, mnist, out=tmp_path_factory.mktemp("pages") / "page.html")


def test_a_run_has_all_its_sections(made):
    page, written = made
    sections = ["samples", "losses", "speed", "interpolations", "neighbours", "configuration"]
    assert page.sections == sections
    assert [link["href"] for link in page.all("a")][1:] == [f"#{name}" for name in sections]
    assert (written.previews, written.missing) == (3, {})
    assert written.size == len(page.html.encode())


def test_the_previews_are_those_of_the_run(made, run):
    page, _ = made
    frames = read_frames(sorted((run / "samples").glob("*.png"))).shown
    shown = next(image for image in page.all("img") if image.get("id") == "frame")
    assert [frame["uri"] for frame in page.data["frames"]] == [frames[0].uri, frames[1].uri, None]
    assert shown["src"] == frames[2].uri
    assert [frame["when"] for frame in page.data["frames"]] == [f"after {n} images" for n in (64, 128, 192)]


def test_every_term_of_the_stats_is_in_the_page(made, run):
    page, _ = made
    last = json.loads((run / "stats.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    drawn = {s["name"]: s["values"][-1] for chart in page.data["charts"] for s in chart["series"]}
    assert drawn == {n: float(f"{v:.5g}") for n, v in last.items() if n not in ("images", "seconds")}


def test_every_picture_says_what_it_is_and_stands_in_the_page(made):
    page, _ = made
    assert all(image["alt"] and image["src"].startswith("data:image/") for image in page.all("img"))
    assert len(page.all("img")) == 1 + drawings.WAYS + drawings.KEPT * 5


def test_nothing_is_fetched(made):
    page, _ = made
    assert not [a for _, a in page.tags if "://" in str(a.get("src", "")) + str(a.get("action", ""))]
    assert all(a["href"].startswith(("#", "data:")) for _, a in page.tags if "href" in a)


def test_hyper_parameters_that_differ_are_marked(made):
    page, _ = made
    found = re.findall(r'<tr( class="changed")?><th scope="row">(\w+)', page.html)
    rows = {name: bool(mark) for mark, name in found}
    assert rows["base_channels"]
    assert not rows["beta1"]
    assert not rows["image_size"]  # 28 is the default
    assert rows["report_every"]
    assert not rows["images"]  # which has none


def test_the_page_says_how_to_measure(made):
    page, _ = made
    assert "metrics" not in page.sections
    assert "ganzoo eval RUN -m" in page.text
    assert "--eval-every 100k" in page.text


def test_metrics_are_charts_with_the_best_marked(own, mnist):
    measured(own)
    change_config(own, metrics=[{"name": "fd", "value": 3.5, "protocol": "fd[pixels]@5k/test"}])
    page, _ = report(own, mnist)
    charts = {chart["title"]: chart for chart in page.data["charts"]}
    assert "fd[pixels]@5k/test 3.5 lower is better Samples" in page.text  # among the figures on top
    assert charts["fd[pixels]@10k/test"]["best"] == 1
    assert charts["unheard[of]@1k"]["best"] is None
    assert "metrics" in page.sections
    assert "fd[pixels]@10k/test 4 3.25 128" in page.text  # last, best, after images
    assert "fd[pixels]@5k/test 3.5 lower is better" in page.text
    assert "No metric was measured" not in page.text


def test_values_in_tables_have_five_digits(own):
    line = {"images": 64, "seconds": 1.0, "metrics": {"fd[pixels]@10k/test": 1.234567}}
    with (own / "stats.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n" + json.dumps({**line, "metrics": {"fd[pixels]@10k/test": 2.345678}}) + "\n")
    change_config(own, metrics=[{"name": "fd", "value": 0.1234567, "protocol": "fd[pixels]@5k/test"}])
    page, _ = report(own, "nowhere", neighbours=0)
    assert "fd[pixels]@10k/test 2.3457 1.2346 64" in page.text
    assert "fd[pixels]@5k/test 0.12346 lower is better" in page.text


def test_a_run_says_where_its_best_model_is_kept(own):
    measured(own)
    said = "The best model by the first metric is kept in 'best' of the run's folder."
    assert said not in report(own, "nowhere", neighbours=0)[0].text
    shutil.copytree(own, own / "best")
    assert said in report(own, "nowhere", neighbours=0)[0].text


def test_the_best_of_the_first_protocol_is_among_the_figures_on_top(own, mnist):
    measured(own)
    page, _ = report(own, mnist, neighbours=0)
    assert "fd[pixels]@10k/test 3.25 best, after 128 images Samples" in page.text


def test_the_same_run_gives_the_same_page(made, run, mnist, tmp_path):
    page, _ = made
    again, _ = report(run, mnist, out=tmp_path / "again.html")
    assert again.html == page.html


def test_the_page_names_no_path_of_this_machine(made, run, mnist):
    page, _ = made
    assert str(mnist) not in page.html
    assert str(run.parent) not in page.html
    assert "own images (mnist)" in page.text


def test_what_anybody_wrote_stays_text(own, mnist):
    config = json.loads((own / "config.json").read_text(encoding="utf-8"))
    data = {**config["data"], "public": EVIL, "classes": [EVIL], "split": EVIL}
    training = {**config["training"], "schedule": EVIL, EVIL: EVIL}
    training["changes"] = [{"images": 64, "name": EVIL, "before": EVIL, "after": [EVIL]}]
    scores = [{"name": EVIL, "value": 1.0, "protocol": EVIL}]
    change_config(own, data=data, training=training, metrics=scores, versions={EVIL: EVIL}, license=EVIL)
    line = {"images": 256, "seconds": 9.0, "images/s": 1.0, f"D/{EVIL}": 1.0, f"lr/{EVIL}": 1.0}
    with (own / "stats.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n" + json.dumps({**line, "metrics": {EVIL: 2.0}}) + "\n")
    page, written = report(own, mnist)
    assert len(page.all("script")) == 2
    assert not [a for a in page.all("img") if not a["src"].startswith("data:")]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert EVIL in page.text
    assert "neighbours" in written.missing  # there is no such split


@pytest.mark.parametrize("value", [float("nan"), 1e308, -1, 10**400, [[["x"]]], {"a": None}, True, "", "\u202ex\u2028"])
def test_whatever_json_can_hold_gives_a_page(own, value):
    config = json.loads((own / "config.json").read_text(encoding="utf-8"))
    training = dict.fromkeys(config["training"], value)
    training["changes"] = [{"images": value, "name": value}, value]
    data = dict.fromkeys(config["data"], value)
    trained = {
        "images": 5,
        "seed": 0,
        "ganzoo": "0",
        "plugin": "x",
        "minutes": value if isinstance(value, float) else 1,
    }
    change_config(own, training=training, data=data, config={**config["config"], "lr": value}, trained=trained)
    page, _ = report(own, "nowhere", neighbours=0)
    assert "configuration" in page.sections


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
    monkeypatch.setattr(drawings, "nearest_neighbours", None)
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
    assert "This run is at 33% of its images" in page.text
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


def test_damaged_weights_are_told_and_the_rest_is_there(own, mnist):
    weights = own / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    page, written = report(own, mnist)
    assert "cut short" in written.missing["interpolations"]
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

    monkeypatch.setattr(drawings, "interpolate", fail)
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
def test_an_error_is_told_without_the_folders_of_this_machine(said, left):
    assert public(GanzooError(said), "/my own/cats") == (left or said)
