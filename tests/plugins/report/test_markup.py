import base64
import hashlib
import json
import re

import pytest
from jinja2 import UndefinedError

from ganzoo_report.markup import Markup, element, page, render, text

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def test_text_is_escaped_wherever_it_stands():
    made = element("p", EVIL, title=EVIL)
    assert "<script" not in made
    assert "<img" not in made
    assert made.count('"') == 2


def test_markup_is_not_escaped_twice():
    assert element("p", element("b", "x & y"), None, 3) == "<p><b>x &amp; y</b>3</p>"


def test_attributes():
    made = element("input", class_="a", aria_label="b", hidden=True, checked=False, max=None)
    assert made == '<input class="a" aria-label="b" hidden>'


@pytest.mark.parametrize("letter", ["\u202e", "\x00", "\x1b", "\ud800", "\u2066"])
def test_letters_that_cannot_be_seen_do_not_come_through(letter):
    assert letter not in text(f"a{letter}b")
    text(f"a{letter}b").encode()


def test_json_cannot_end_its_block():
    block = render("ganzoo_report/data.html", data={"name": f"{EVIL}<!--\u2028\ud800"})
    assert block.count("</script>") == 1
    content = block.partition(">")[2].strip().removesuffix("</script>")
    assert not set("<>&") & set(content)
    assert json.loads(content)["name"].startswith(EVIL)
    block.encode()


def test_what_fills_a_template_is_escaped_and_no_template_itself():
    made = render("ganzoo_study/study.html", question="{{ total }}<i>\u202e", total=3)
    assert "<h1>{{ total }}&lt;i&gt;\ufffd</h1>" in made


def test_a_value_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError):
        render("ganzoo_study/study.html", total=3)


def test_the_policy_names_the_very_script_and_style_and_no_address():
    made = page(
        "t",
        Markup("<p>"),
        styles=["ganzoo_report/base.css"],
        scripts=["ganzoo_report/charts.js", "ganzoo_report/report.js"],
    )
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', made)[1].replace("&#39;", "'")
    for tag in ("script", "style"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", made, re.DOTALL)[1]
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "'self'" not in policy
    assert "unsafe" not in policy


def test_a_page_that_talks_to_its_server_talks_to_no_other():
    made = page("t", Markup("<p>"), styles=["ganzoo_report/base.css"], scripts=["ganzoo_study/study.js"], fetches=True)
    assert "connect-src &#39;self&#39;" in made
