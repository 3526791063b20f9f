import json
import re
import shutil

import pytest

from ganzoo_report import pictures
from ganzoo_report.embedded import read_frames
from helpers import open_config
from pages_helpers import EVIL, change_config, measured, report


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
    plotted = {s["name"]: s["values"][-1] for chart in page.data["charts"] for s in chart["series"]}
    assert plotted == {n: float(f"{v:.5g}") for n, v in last.items() if n not in ("images", "seconds")}


def test_every_picture_says_what_it_is_and_stands_in_the_page(made):
    page, _ = made
    assert all(image["alt"] and image["src"].startswith("data:image/") for image in page.all("img"))
    assert len(page.all("img")) == 1 + pictures.INTERPOLATIONS + pictures.KEPT * 5


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


TAGS = """
    a body button code dd details div dl dt figcaption figure footer h1 h2 h3 head header html img input link main meta
    nav noscript output p script section small span strong style summary table tbody td th thead title tr
"""
ATTRIBUTES = """
    alt aria-label aria-labelledby aria-valuetext charset class content for height href http-equiv id lang max min name
    rel role scope src step tabindex type value width
"""


def hostile(value):
    """Return JSON with a hostile text in the place of every string."""
    if isinstance(value, dict):
        return {key: hostile(one) for key, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return f"{EVIL}{value}" if isinstance(value, str) else value


# Its names have patterns of their own, or the architecture and the weights would not be found.
KEPT = ("architecture", "plugin", "plugin_version", "format")


@pytest.mark.parametrize("installed_here", [True, False])
def test_hostile_texts_in_every_place_stay_text(own, mnist, installed_here):
    config = open_config(own)
    changes = [{"images": 64, "name": EVIL, "before": EVIL, "after": [EVIL]}]
    extra = {
        "data": {**config["data"], "public": EVIL, "classes": [EVIL] * 40},
        "training": {**config["training"], "start": EVIL, EVIL: EVIL, "changes": changes},
        "metrics": [{"name": EVIL, "value": 1.0, "protocol": EVIL}],
        "versions": {EVIL: EVIL},
        "license": EVIL,
        "trained": {"images": 1, "seed": 0, "ganzoo": EVIL, "plugin": EVIL, "command": EVIL},
    }
    attacked = {name: value if name in KEPT else hostile(value) for name, value in {**config, **extra}.items()}
    attacked["training"]["images"] = 1000  # also the line for a run in progress
    if not installed_here:
        attacked |= {"architecture": EVIL, "config": hostile({**config["config"], EVIL: EVIL})}
    (own / "config.json").write_text(json.dumps(attacked), encoding="utf-8")
    line = {"images": 256, "seconds": 9.0, "images/s": 1.0, f"D/{EVIL}": 1.0, f"lr/{EVIL}": float("nan")}
    with (own / "stats.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n" + json.dumps({**line, "metrics": {EVIL: 2.0}}) + "\n")
    (own / "samples" / f"{64:09d}.png").write_bytes(b"damaged")
    folder = own.rename(own.parent / "<script>alert(1)<img src=x onerror=alert(1)>\"'&".replace("/", ""))
    page, written = report(folder, mnist)
    assert len(page.all("script")) == 2
    assert [tag for tag, _ in page.tags].count("img") == len(page.all("img"))
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert {tag for tag, _ in page.tags} <= set(TAGS.split())
    assert {name for _, attributes in page.tags for name in attributes} <= set(ATTRIBUTES.split())
    assert all(a["href"].startswith(("#", "data:")) for _, a in page.tags if "href" in a)
    assert page.text.count(EVIL) > 40
    assert written.missing


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
