"""The report as a person sees it: in a headless Chromium that may ask nobody for anything."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ganzoo_report.report import write_report
from pages_helpers import EVIL, Tab, change_config, measured

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(run, mnist, tmp_path_factory):
    """The report of a run that was measured."""
    folder = tmp_path_factory.mktemp("browser") / "digits"
    shutil.copytree(run, folder)
    measured(folder)
    return write_report(folder, data=str(mnist), progress=False).path


C0, C1, BEST = (0x35, 0x60, 0x9F), (0xC2, 0x70, 0x1C), (0x2F, 0x80, 0x59)


def pixels(chart):
    """Return what a chart's canvas shows, (H, W, 4)."""
    uri = chart.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGBA"))


def ink(seen, colour, off=12):
    """Return where a picture has a colour."""
    return (np.abs(seen[..., :3].astype(int) - colour) < off).all(-1) & (seen[..., 3] > 100)


@pytest.fixture
def opened(tab, report):
    tab.page.goto(report.as_uri())
    return tab


def test_a_report_asks_nobody_for_anything(opened, report):
    opened.page.wait_for_load_state("networkidle")
    assert [url for url in opened.asked if not url.startswith("data:")] == [report.as_uri()]
    assert opened.one(".plot canvas").count() == opened.one(".chart").count() == 6


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
    charts = opened.one(".chart").all()
    before = [pixels(chart) for chart in charts]
    opened.one("#slider").focus()
    opened.page.keyboard.press("ArrowLeft")
    opened.page.wait_for_timeout(200)
    for number, (chart, old) in enumerate(zip(charts, before, strict=True)):
        columns = np.nonzero((pixels(chart) != old).any((0, 2)))[0]
        at = opened.page.evaluate(f"charts[{number}].plot.valToPos(128, 'x', true)")
        assert abs(columns.mean() - at) < 2
        assert len(columns) <= 3


def test_the_previews_play_from_the_first_to_the_last_and_stop(opened):
    opened.one("#play").click()
    assert opened.one("#play").inner_text() == "Pause"
    opened.page.wait_for_selector("#play:text('Play')")
    assert opened.one("#when").inner_text() == "after 192 images"


def test_a_name_switches_its_curve_off_and_on(opened):
    chart = opened.one(".chart").first
    button = chart.get_by_role("button", name="G/loss")
    before = pixels(chart)
    assert ink(before, C1).any()
    button.click()
    opened.page.wait_for_timeout(100)
    alone = pixels(chart)
    assert (ink(alone, C1).any(), button.get_attribute("aria-pressed")) == (False, "false")
    assert (ink(alone, C0) != ink(before, C0)).any()  # the axis is for what is left
    button.focus()
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_timeout(100)
    assert button.get_attribute("aria-pressed") == "true"
    assert (pixels(chart) == before).all()


def test_the_axis_can_be_logarithmic(opened):
    chart = opened.one(".chart").first
    series = json.loads(opened.one("#data").text_content())["charts"][0]["series"]
    first = np.array(series[0]["values"])
    for other in series[1:]:
        chart.get_by_role("button", name=other["name"]).click()

    def heights():
        """Return where the curve's points are by its axes, once the picture is found to have ink there."""
        opened.page.wait_for_timeout(100)
        seen = ink(pixels(chart), C0, 60)
        points = opened.page.evaluate("""() => {
            const { plot, spec } = charts[0], place = (value, axis) => Math.round(plot.valToPos(value, axis, true));
            return spec.images.map((x, i) => [place(x, "x"), place(spec.series[0].values[i], "y")]);
        }""")
        assert all(seen[y - 3 : y + 4, x - 3 : x + 4].any() for x, y in points)
        return [y for _, y in points]

    before = heights()
    assert np.corrcoef(before, first)[0, 1] < -0.999
    chart.get_by_label("log axis").check()
    assert np.corrcoef(heights(), np.log10(first))[0, 1] < -0.999
    assert opened.page.evaluate("charts[0].plot.scales.y.distr") == 3
    chart.get_by_label("log axis").uncheck()
    assert heights() == before


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
    for chart, name in zip(tab.one("#metrics .chart").all(), CURVES, strict=True):
        words, plot = (chart.locator(part).bounding_box() for part in (".best-name", ".plot"))
        assert words["y"] >= plot["y"] + plot["height"], name
        assert ink(pixels(chart), BEST).any(), name


def test_a_curve_of_one_point_is_a_dot(tab, own):
    line = {"images": 64, "seconds": 1.0, "D/loss": 2.0, "G/loss": 1.0, "metrics": None}
    measured = {"images": 64, "seconds": 1.0, "metrics": {"unheard[of]@1k": 5.0}}
    (own / "stats.jsonl").write_text(f"{json.dumps(line)}\n{json.dumps(measured)}\n", encoding="utf-8")
    tab.page.goto(write_report(own, data="nowhere", neighbours=0, progress=False).path.as_uri())
    losses, unheard = (pixels(chart) for chart in tab.one(".chart").all())
    for seen, colour in ((losses, C0), (losses, C1), (unheard, C0)):
        rows, columns = np.nonzero(ink(seen, colour))
        assert np.ptp(rows) >= 4
        assert np.ptp(columns) >= 4


def test_a_curve_of_several_points_has_no_dots(opened):
    dots = "charts.flatMap((one) => one.plot.series.slice(1)).filter((one) => one.points.filter().length).length"
    assert opened.page.evaluate(dots) == 0


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
