import base64
import hashlib
import json
import re

import pytest
from jinja2 import UndefinedError

from ganzoo_report.pages import _ENVIRONMENT, render
from pages_helpers import EVIL, Page

MACROS = _ENVIRONMENT.get_template("ganzoo_report/macros.html").module


def safe(html):
    """Return whether a text with hostile values in it has neither their tags nor their quotes."""
    return not re.search(r"<script|<img src=x|onerror=alert\(1\)>", html) and EVIL not in html


class Hostile:
    """Has a hostile text in every attribute."""

    size = (1, 1)

    def __getattr__(self, name):
        return EVIL


@pytest.mark.parametrize("name", ["section", "table", "tile", "image", "captioned", "figures"])
def test_every_macro_escapes_its_values(name):
    macro = getattr(MACROS, name)
    values = {"section": [EVIL] * 4, "table": [[EVIL], EVIL], "tile": [EVIL] * 3, "image": [Hostile(), 10],
              "captioned": [Hostile(), 10, EVIL], "figures": [[Hostile()]]}[name]  # fmt: skip
    html = str(macro(*values, **({"caller": lambda: ""} if macro.caller else {})))
    assert "&lt;script&gt;" in html
    assert safe(html)


@pytest.mark.parametrize("letter", ["\u202e", "\x00", "\x1b", "\ud800", "\u2066"])
def test_invisible_characters_are_replaced(letter):
    html = str(MACROS.tile(f"a{letter}b", 1, letter))
    assert "<dt>a\ufffdb</dt>" in html
    html.encode()


def test_json_cannot_end_its_block():
    template = _ENVIRONMENT.from_string('<script type="application/json">{{ data | tojson }}</script>')
    block = template.render(data={"name": f"{EVIL}<!--\u2028\ud800"})
    assert block.count("</script>") == 1
    content = block.partition(">")[2].removesuffix("</script>")
    assert not set("<>&") & set(content)
    assert json.loads(content)["name"].startswith(EVIL)
    block.encode()


def test_values_are_escaped_and_are_no_templates():
    made = render("ganzoo_study/study.html", question="{{ total }}<i>\u202e", total=3)
    assert "<h1>{{ total }}&lt;i&gt;\ufffd</h1>" in made


def test_a_value_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError):
        render("ganzoo_study/study.html", total=3)


def policy(html):
    return re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")


def hashes(html):
    return {
        f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'"
        for tag, inside in re.findall(r"<(script|style)>(.*?)</\1>", html, re.DOTALL)
    }


def test_the_policy_of_a_report_allows_its_own_script_and_style_and_no_address(run, tmp_path):
    from ganzoo_report.report import write_report

    html = Page(write_report(run, tmp_path / "page.html", data="", neighbours=0, progress=False).path).html
    parts = set(policy(html).split("; "))
    assert parts == {"default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'", *hashes(html)}


def test_the_page_of_a_study_may_connect_to_its_own_server_only():
    html = render("ganzoo_study/study.html", question="?", total=3)
    parts = set(policy(html).split("; "))
    assert parts == {
        "default-src 'none'", "img-src data: 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
        *hashes(html),
    }  # fmt: skip
