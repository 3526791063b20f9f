"""A study as a person takes part in it: in a headless Chromium that may ask nobody but the study's own server."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ganzoo_study.server import StudyServer
from pages_helpers import Tab, make_pictures, make_study

pytestmark = pytest.mark.slow


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
    server = StudyServer(study, make_pictures(study, digits), lambda: None)
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
    server = StudyServer(study, pictures, lambda: None)
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
    server = StudyServer(study, make_pictures(study, digits), lambda: None)
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
    server = StudyServer(study, make_pictures(study, digits), lambda: None)
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
    server = StudyServer(study, make_pictures(study, digits), lambda: None)
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
