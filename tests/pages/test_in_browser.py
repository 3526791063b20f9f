"""The pages as a person sees them: in a headless Chromium that may ask nobody but the study's own server."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.pages.report import write_report
from ganzoo.pages.server import StudyServer
from pages_helpers import EVIL, change_config, make_pictures, make_study, measured

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        yield running
        running.close()


class Tab:
    """A page, with what it asked for and what went wrong on it."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": 1100, "height": 800}, **options)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type != "log" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append(dialog.message), dialog.dismiss()))
        self.page.set_default_timeout(20_000)

    def one(self, selector: str) -> Any:
        return self.page.locator(selector)


@pytest.fixture
def tab(browser):
    made = Tab(browser)
    yield made
    made.context.close()
    assert made.wrong == []


@pytest.fixture(scope="module")
def report(run, mnist, tmp_path_factory):
    """The report of a run that was measured."""
    folder = tmp_path_factory.mktemp("browser") / "digits"
    shutil.copytree(run, folder)
    measured(folder)
    return write_report(folder, data=str(mnist), progress=False).path


@pytest.fixture
def opened(tab, report):
    tab.page.goto(report.as_uri())
    return tab


def test_a_report_asks_nobody_for_anything(opened, report):
    opened.page.wait_for_load_state("networkidle")
    assert [url for url in opened.asked if not url.startswith("data:")] == [report.as_uri()]
    assert opened.one(".plot svg").count() == opened.one(".chart").count() == 6


def test_every_picture_is_whole_and_can_be_seen(opened):
    for picture in opened.one("img").all():
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0 && image.clientWidth > 0")


def test_the_slider_moves_the_picture_by_the_keyboard(opened):
    slider, picture, when = (opened.one(f"#{name}") for name in ("slider", "frame", "when"))
    assert when.inner_text() == "after 192 images"
    last = picture.get_attribute("src")
    slider.focus()
    opened.page.keyboard.press("ArrowLeft")
    assert when.inner_text() == "after 128 images"
    middle = picture.get_attribute("src")
    opened.page.keyboard.press("Home")
    assert when.inner_text() == slider.get_attribute("aria-valuetext") == "after 64 images"
    assert len({last, middle, picture.get_attribute("src")}) == 3
    opened.page.keyboard.press("End")
    assert picture.get_attribute("src") == last
    assert picture.get_attribute("alt") == "samples after 192 images"


def test_the_slider_marks_its_place_in_every_chart(opened):
    assert opened.one(".plot .mark").count() == 0
    opened.one("#slider").focus()
    opened.page.keyboard.press("ArrowLeft")
    assert opened.one(".plot .mark").count() == opened.one(".chart").count()


def test_the_previews_play_from_the_first_to_the_last_and_stop(opened):
    opened.one("#play").click()
    assert opened.one("#play").inner_text() == "Pause"
    opened.page.wait_for_selector("#play:text('Play')")
    assert opened.one("#when").inner_text() == "after 192 images"


def test_a_name_switches_its_curve_off_and_on(opened):
    chart = opened.one(".chart").first
    button = chart.get_by_role("button", name="G/loss")
    curve = chart.locator("path[data-name='G/loss']")
    other = chart.locator("path[data-name='D/loss']")
    before = other.get_attribute("d")
    assert curve.count() == 1
    button.click()
    assert (curve.count(), button.get_attribute("aria-pressed")) == (0, "false")
    assert other.get_attribute("d") != before  # the axis is for what is left
    button.focus()
    opened.page.keyboard.press("Enter")
    assert (curve.count(), button.get_attribute("aria-pressed")) == (1, "true")
    assert other.get_attribute("d") == before


def test_the_axis_can_be_logarithmic(opened):
    chart = opened.one(".chart").first
    curve = chart.locator("path[data-name='D/loss']")
    data = json.loads(opened.one("#data").text_content())["charts"][0]
    values = np.array(next(series["values"] for series in data["series"] if series["name"] == "D/loss"))

    def heights():
        points = re.findall(r"[ML]([\d.]+) ([\d.]+)", curve.get_attribute("d"))[1:]  # the first one is a dot, too
        return np.array([float(y) for _, y in points])

    assert np.corrcoef(heights(), values)[0, 1] < -0.9999
    before = curve.get_attribute("d")
    chart.get_by_label("log axis").check()
    assert np.corrcoef(heights(), np.log10(values))[0, 1] < -0.9999
    chart.get_by_label("log axis").uncheck()
    assert curve.get_attribute("d") == before


def test_values_are_read_with_the_pointer_and_with_the_keys(opened):
    chart = opened.one(".chart").first
    data = json.loads(opened.one("#data").text_content())["charts"][0]
    shown = chart.locator(".legend b").first
    values = next(series["values"] for series in data["series"] if series["name"] == "D/loss")

    def reads(value):
        return abs(float(shown.inner_text()) - value) < 1e-3

    assert reads(values[-1])
    plot = chart.locator(".plot")
    box = plot.bounding_box()
    plot.hover(position={"x": 60, "y": box["height"] / 2})
    assert reads(values[0])
    opened.page.mouse.move(5, 5)
    assert reads(values[-1])
    plot.focus()
    opened.page.keyboard.press("Home")
    opened.page.keyboard.press("ArrowRight")
    assert reads(values[1])
    assert plot.get_attribute("title").startswith("at 64 images")


def test_the_best_of_a_metric_is_marked_and_an_unknown_one_has_none(opened):
    best = opened.one("#metrics .best-name")
    assert best.all_text_contents() == ["best 3.25"]
    assert opened.one("#metrics .chart").count() == 2


CURVES = {
    "a valley": [9.0, 6.0, 4.0, 3.25, 3.5, 4.0, 6.0],
    "a fall": [9.0, 6.0, 5.0, 4.5, 4.2, 4.1, 3.25],
    "a rise": [3.25, 4.0, 5.0, 6.0, 8.0, 9.0, 9.0],
    "a saw": [5.0, 3.5, 5.0, 3.25, 5.0, 3.5, 5.0],
    "a near nothing": [90.0, 40.0, 9.0, 3.25, 9.0, 40.0, 90.0],
}


@pytest.mark.parametrize("better", ["fd", "recall"])
@pytest.mark.parametrize("width", [1100, 390])
def test_the_words_at_the_best_value_leave_the_curve_free(tab, own, better, width):
    sign = 1 if better == "fd" else -1
    lines = [
        {"images": 64 * (i + 1), "seconds": 1.0, "metrics": {f"{better}[pixels:{k + 1}]@10k/test": sign * values[i]}}
        for k, values in enumerate(CURVES.values())
        for i in range(7)
    ]
    (own / "stats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.page.goto(write_report(own, data="nowhere", neighbours=0, progress=False).path.as_uri())
    assert tab.one("#metrics .best-name").count() == len(CURVES)
    for chart, name in zip(tab.one("#metrics .plot svg").all(), CURVES, strict=True):
        hits = chart.evaluate("""svg => {
            const box = svg.querySelector(".best-name").getBBox(), path = svg.querySelector(".curve");
            const all = path.getTotalLength(), within = (at, from, size) => at > from && at < from + size;
            const inside = (p) => within(p.x, box.x, box.width) && within(p.y, box.y, box.height);
            return [...Array(2000).keys()].filter((i) => inside(path.getPointAtLength((all * i) / 1999))).length;
        }""")
        assert hits == 0, name


def test_a_curve_of_one_point_is_a_dot(tab, own):
    line = {"images": 64, "seconds": 1.0, "D/loss": 2.0, "G/loss": 1.0, "metrics": None}
    measured = {"images": 64, "seconds": 1.0, "metrics": {"unheard[of]@1k": 5.0}}
    (own / "stats.jsonl").write_text(f"{json.dumps(line)}\n{json.dumps(measured)}\n", encoding="utf-8")
    tab.page.goto(write_report(own, data="nowhere", neighbours=0, progress=False).path.as_uri())
    dots = tab.one(".plot .dot")
    assert dots.count() == 3
    colours = set()
    for dot in dots.all():
        assert dot.bounding_box()["width"] >= 6
        colours.add(dot.evaluate("dot => getComputedStyle(dot).fill"))
    assert len(colours) == 2
    assert not colours & {"none", "rgb(0, 0, 0)"}


def test_a_curve_of_several_points_has_no_dots(opened):
    assert opened.one(".plot .dot").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (390, "light"), (320, "dark")])
def test_it_fits_on_any_screen_in_both_schemes(browser, report, width, scheme):
    tab = Tab(browser, color_scheme=scheme)
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.page.goto(report.as_uri())
    widths = tab.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    shot = np.asarray(Image.open(io.BytesIO(tab.page.screenshot())).convert("L"))
    tab.context.close()
    assert widths[0] <= widths[1]
    assert (np.median(shot) < 64) == (scheme == "dark")
    assert tab.wrong == []


def test_without_scripts_the_pictures_and_tables_are_there(browser, report):
    tab = Tab(browser, java_script_enabled=False)
    tab.page.goto(report.as_uri())
    assert "The charts need JavaScript." in tab.one("main").inner_text()
    assert tab.one("#frame").is_visible()
    assert "base_channels" in tab.one("#configuration").inner_text()
    tab.context.close()


def test_what_anybody_wrote_does_nothing(tab, own, mnist):
    change_config(own, data={"public": EVIL, "split": "train"}, metrics=[{"name": "x", "value": 1, "protocol": EVIL}])
    line = {"images": 256, "seconds": 9.0, "images/s": 1.0, f"D/{EVIL}": 1.0}
    with (own / "stats.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n" + json.dumps({**line, "metrics": {EVIL: 2.0}}) + "\n")
    tab.page.goto(write_report(own, data=str(mnist), neighbours=0, progress=False).path.as_uri())
    assert tab.one("script").count() == 2
    assert tab.one("img[onerror]").count() == 0
    assert tab.one(".legend button").filter(has_text=f"D/{EVIL}").count() == 1
    assert tab.one("#metrics h3").first.inner_text() == EVIL


def test_even_a_script_that_came_in_would_not_run(browser, report, tmp_path):
    broken = tmp_path / "broken.html"
    html = report.read_text(encoding="utf-8")
    broken.write_text(html.replace("<main", "<script>alert(1)</script><img src='http://127.0.0.1:9/'><main", 1))
    tab = Tab(browser)
    tab.page.goto(broken.as_uri())
    tab.page.wait_for_load_state("networkidle")
    tab.context.close()
    assert sum("Content Security Policy" in text for text in tab.wrong) == 2
    assert "1" not in tab.wrong


def take_part(tab, study, choose):
    """Do a study by keyboard; ``choose`` gives the key for each trial."""
    tab.page.keyboard.press("Enter")
    for i in range(len(study.trials)):
        tab.page.wait_for_selector("#trial:not(.waiting)")
        tab.page.wait_for_selector(f"#count:text-is('{i + 1} of {len(study.trials)}')")
        tab.page.keyboard.press(choose(i))
    tab.page.wait_for_selector("#result:not([hidden])")


def test_a_study_is_done_by_keyboard_from_start_to_end(tab, digits):
    study = make_study(6)
    server = StudyServer(study, make_pictures(study, digits), lambda now: None)
    try:
        tab.page.goto(server.url)
        keys = ["ArrowLeft" if trial.left == "a" else "ArrowRight" for trial in study.trials]
        take_part(tab, study, lambda i: keys[i])
        assert server.done.wait(5)
        said = tab.one("#sentences").inner_text()
    finally:
        server.close()
    assert [trial.answer for trial in study.trials] == ["a"] * 6
    assert all(0 < trial.seconds < 60 for trial in study.trials)
    assert "alpha-gan was preferred to beta-gan in 6 of 6 trials: 100%, 95% interval 61.0% to 100.0%" in said
    assert "p = 0.031" in said
    assert tab.page.evaluate("document.getElementById('interval').offsetWidth") > 0
    assert {url.startswith((server.url, "data:")) for url in tab.asked} == {True}


def test_pictures_are_shown_on_their_sides_equally_large_and_whole(tab, digits):
    study = make_study(1)
    pictures = make_pictures(study, digits)
    server = StudyServer(study, pictures, lambda now: None)
    try:
        tab.page.goto(server.url)
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("#trial:not(.waiting)")
        boxes = {}
        for side in ("left", "right"):
            image = tab.one(f"#{side} img")
            boxes[side] = image.bounding_box()
            shot = np.asarray(Image.open(io.BytesIO(image.screenshot())).convert("L"), dtype=float)
            small = np.asarray(
                Image.fromarray(shot.astype(np.uint8)).resize((28, 28), Image.Resampling.BOX), dtype=float
            )
            assert np.corrcoef(small[3:-3, 3:-3].ravel(), pictures[0][side][3:-3, 3:-3, 0].ravel())[0, 1] > 0.95
        assert boxes["left"]["width"] == boxes["right"]["width"] > 200
        assert boxes["left"]["x"] + boxes["left"]["width"] < boxes["right"]["x"]
    finally:
        server.close()


def test_answers_are_taken_back_and_pictures_are_clicked(tab, digits):
    study = make_study(2)
    server = StudyServer(study, make_pictures(study, digits), lambda now: None)
    try:
        tab.page.goto(server.url)
        tab.one("#start").click()
        tab.page.wait_for_selector("#count:text-is('1 of 2')")
        assert tab.one("#undo").is_disabled()
        tab.one("#left").click()
        tab.page.wait_for_selector("#count:text-is('2 of 2')")
        tab.page.wait_for_selector("#trial:not(.waiting)")
        tab.page.keyboard.press("Backspace")
        tab.page.wait_for_selector("#count:text-is('1 of 2')")
        tab.page.wait_for_selector("#trial:not(.waiting)")
        tab.one("#right").click()
        tab.page.wait_for_selector("#count:text-is('2 of 2')")
        tab.page.wait_for_selector("#trial:not(.waiting)")
        tab.one("#right").click()
        tab.page.wait_for_selector("#result:not([hidden])")
    finally:
        server.close()
    assert study.undone == 1
    assert [trial.answer == trial.left for trial in study.trials] == [False, False]


def test_a_page_that_is_loaded_again_goes_on_where_it_was(tab, digits):
    study = make_study(3)
    server = StudyServer(study, make_pictures(study, digits), lambda now: None)
    try:
        tab.page.goto(server.url)
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("#trial:not(.waiting)")
        tab.page.keyboard.press("ArrowLeft")
        tab.page.wait_for_selector("#count:text-is('2 of 3')")
        tab.page.reload()
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("#count:text-is('2 of 3')")
    finally:
        server.close()


def test_a_study_that_was_stopped_says_so(browser, digits):
    study, tab = make_study(3), Tab(browser)
    server = StudyServer(study, make_pictures(study, digits), lambda now: None)
    tab.page.goto(server.url)
    server.close()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#trouble:not([hidden])")
    assert "The study has ended" in tab.one("#trouble").inner_text()
    tab.context.close()


def test_the_command_serves_a_study_and_leaves_the_right_file(tab, tmp_path, trained):
    out = tmp_path / "study.json"
    words = ["study", "dcgan-mnist", str(trained), "-n", "3", "-o", str(out), "--participant", "Ada", "--grid", "2"]
    command = [sys.executable, "-m", "ganzoo", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        assert "3 trials for one participant: http://127.0.0.1:" in line, process.communicate()
        tab.page.goto(line.split()[-1])
        take_part(tab, make_study(3), lambda i: "ArrowLeft")
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    content = json.loads(out.read_text(encoding="utf-8"))
    result = content["result"]
    assert (result["answered"], result["left"], content["participant"], content["grid"]) == (3, 3, "Ada", 2)
    assert result["a"] == sum(trial["left"] == "a" for trial in content["trials"])
    assert [content["models"][player]["name"] for player in "ab"] == ["dcgan-mnist", str(trained)]
    assert f"dcgan-mnist was preferred to {trained} in {result['a']} of 3 trials" in said
    for text in tab.one("#sentences p").all_inner_texts():
        assert text in said
