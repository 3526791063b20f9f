import json
import socket
import struct
import time
import zlib

import pytest

from ganzoo.errors import RunError
from ganzoo_study.server import StudyServer
from pages_helpers import Client, make_pictures, make_study


@pytest.fixture
def study():
    return make_study(3)


@pytest.fixture
def saved():
    return []


@pytest.fixture
def server(study, saved, digits):
    made = StudyServer(study, make_pictures(study, digits), lambda now: saved.append(now.result.answered))
    yield made
    made.close()


@pytest.fixture
def client(server):
    return Client(server)


def test_it_listens_on_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.url.startswith(f"http://127.0.0.1:{server.port}/")
    assert len(server.url.rstrip("/").rpartition("/")[2]) >= 22  # 128 bits


def test_the_page_says_nothing_of_who_is_who(client, study):
    status, headers, page = client.ask()
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    for told in (b"alpha-gan", b"beta-gan", b"0" * 64, b"seed"):
        assert told not in page


def test_neither_the_state_nor_the_pictures_tell_who_is_who(client, study, digits):
    told = [client.state(), *(json.loads(client.answer(i)[2]) for i in range(2))]
    assert [set(state) for state in told] == [{"done", "trial", "total", "pictures"}] * 3
    names = [name for state in told for name in state["pictures"].values()]
    assert len(set(names)) == 6
    answers = [client.ask(path=f"picture/{name}") for name in names]
    assert {status for status, *_ in answers} == {200}
    same = [{k: v for k, v in headers.items() if k != "Date"} for _, headers, _ in answers]
    assert all(headers == same[0] for headers in same)  # their length among them
    kinds = {tuple(kind for kind, _ in chunks(content)) for *_, content in answers}
    assert kinds == {(b"IHDR", b"IDAT", b"IEND")}  # no word beside the pixels


def chunks(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def test_a_picture_is_the_one_of_its_side(client, study, digits):
    state, pictures = client.state(), make_pictures(study, digits)
    for side in ("left", "right"):
        png = client.ask(path=f"picture/{state['pictures'][side]}")[2]
        rows = zlib.decompress(next(content for kind, content in chunks(png) if kind == b"IDAT"))
        if not any(rows[::29]):  # no filter: the pixels as they are
            assert bytes(b for i, b in enumerate(rows) if i % 29) == pictures[0][side].tobytes()


def test_a_study_from_the_first_answer_to_the_last(client, server, study, saved):
    assert client.state()["trial"] == 0
    for i in range(3):
        status, _, content = client.answer(i, "right", 0.25)
        assert status == 200
    end = json.loads(content)
    assert end["done"]
    assert end["sentences"][0].startswith("alpha-gan was preferred to beta-gan in ")
    assert saved == [1, 2, 3]
    assert server.done.wait(5)
    assert [trial.seconds for trial in study.trials] == [0.25] * 3


def test_an_answer_is_taken_back(client, study, saved):
    client.answer(0)
    assert json.loads(client.ask("POST", "undo", "{}")[2])["trial"] == 0
    assert json.loads(client.ask("POST", "undo", "{}")[2])["trial"] == 0
    assert (study.undone, saved) == (1, [1, 0])


def test_a_key_pressed_twice_gets_the_state_of_the_study(client, study):
    client.answer(0)
    status, _, content = client.answer(0)
    assert (status, json.loads(content)["trial"]) == (409, 1)
    assert study.result.answered == 1


@pytest.mark.parametrize(
    "body",
    [
        "", "{}", "[]", "null", '{"trial": 0, "side": "middle", "seconds": 1}', '{"trial": 0, "side": "left"}',
        '{"trial": "0", "side": "left", "seconds": 1}', '{"trial": -1, "side": "left", "seconds": 1}',
        '{"trial": 0, "side": "left", "seconds": 1, "answer": "a"}', "\xff",
        '{"trial": 0.5, "side": "left", "seconds": 1}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(client, study, body):
    assert client.ask("POST", "answer", body.encode("latin-1"))[0] == 400
    assert study.result.answered == 0


def test_a_time_that_is_none_is_no_answer(client, study):
    assert client.ask("POST", "answer", '{"trial": 0, "side": "left", "seconds": NaN}')[0] == 400
    assert client.answer(0, seconds=1e300)[0] == 200
    assert study.trials[0].seconds == 86_400.0


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "", "127.0.0.1.evil.example"]
)
def test_another_name_for_this_machine_is_refused(client, host):
    for method in ("GET", "POST"):
        assert client.ask(method, "state" if method == "GET" else "undo", Host=host)[0] == 403


def test_localhost_is_this_machine(client, server):
    assert client.ask(path="state", Host=f"localhost:{server.port}")[0] == 200


def test_two_names_are_none(client, server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        path = client.base + "state"
        raw.sendall(f"GET {path} HTTP/1.0\r\nHost: {client.host}\r\nHost: evil.example\r\n\r\n".encode())
        assert b" 403 " in raw.recv(100)


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "https://{host}", "http://localhost:1"])
def test_no_other_page_may_answer(client, study, origin):
    origin = origin and origin.format(host=client.host)
    assert client.answer(0, Origin=origin)[0] == 403
    assert study.result.answered == 0


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_no_form_may_answer(client, study, kind):
    assert client.answer(0, **{"Content-Type": kind})[0] == 415
    assert study.result.answered == 0


def test_long_bodies_are_refused_unread(client):
    assert client.ask("POST", "answer", "x" * 1025)[0] == 413
    assert client.ask("POST", "answer", None, Content_Length="9" * 5000)[0] == 413
    assert client.ask("POST", "answer", None, Content_Length="-1")[0] == 411
    assert client.ask("POST", "answer", None, Content_Length="1e3")[0] == 411


@pytest.mark.parametrize(
    "path",
    [
        "/", "", "/wrong/", "/wrong/state", "/favicon.ico", "{base}nothing", "{base}../", "{base}state/",
        "{base}state?x",
        "{base}picture/", "{base}picture/0", "{base}picture", "{token}", "{base}study.json", "/état/",
        "http://evil.example{base}state", "{base}picture/../state",
    ],
)  # fmt: skip
def test_there_is_nothing_at_any_other_path(server, client, path):
    path = path.format(base=client.base, token=client.base.rstrip("/"))
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(f"GET {path} HTTP/1.0\r\nHost: {client.host}\r\n\r\n".encode())
        answer = raw.makefile("rb").read()
    assert b"404" in answer.partition(b"\n")[0]
    assert client.base.strip("/").encode() not in answer


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_no_other_method_is_known(client, method):
    assert client.ask(method, "state")[0] == 501


def test_no_answer_may_be_cached_or_framed(client):
    for path in ("", "state", "nothing"):
        headers = client.ask(path=path)[1]
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers
        assert "Python" not in headers["Server"]


def test_a_silent_browser_does_not_block_others(server, client):
    idle = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(5)]
    assert client.state()["trial"] == 0
    for one in idle:
        one.close()


def test_a_question_is_text(digits):
    study = make_study(1)
    study.question = "</h1><script>alert(1)</script>"
    server = StudyServer(study, make_pictures(study, digits), lambda now: None)
    try:
        assert b"<script>alert" not in Client(server).ask()[2]
    finally:
        server.close()


def test_a_port_that_is_taken_is_one_line(server, digits):
    with pytest.raises(RunError, match=f"port {server.port} of 127.0.0.1 "):
        StudyServer(make_study(1), [], lambda now: None, server.port)


def test_the_server_stops_at_once(study, digits):
    server = StudyServer(study, make_pictures(study, digits), lambda now: None)
    began = time.perf_counter()
    server.close()
    assert time.perf_counter() - began < 2
    with pytest.raises(OSError, match=r"."):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)
