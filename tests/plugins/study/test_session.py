import json
import os
import signal
import threading
import time

import pytest

from ganzoo.errors import GanzooError, RunError
from ganzoo_study.session import check_file, serve
from pages_helpers import Client, make_pictures, make_study


@pytest.fixture
def study():
    return make_study(3)


def served(study, digits, out, act, **options):
    """Serve a study in this thread while another one acts on it; return what `serve` does."""

    def announce(url):
        client = object.__new__(Client)
        client.host, _, rest = url.removeprefix("http://").partition("/")
        client.base = f"/{rest}"
        threading.Thread(target=act, args=(client,)).start()

    return serve(study, make_pictures(study, digits), out, announce=announce, **options)


def test_a_session_ends_by_itself_with_every_answer_in_the_file(study, digits, tmp_path):
    out = tmp_path / "study.json"
    seen = []

    def act(client):
        seen.append(out.exists())
        for i in range(3):
            client.answer(i)
            seen.append(json.loads(out.read_text(encoding="utf-8"))["result"]["answered"])

    assert served(study, digits, out, act) is None
    assert seen == [False, 1, 2, 3]
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_a_file_that_came_to_be_meanwhile_is_not_overwritten(study, digits, tmp_path):
    out = tmp_path / "study.json"
    status = []

    def act(client):
        out.write_text("another one's", encoding="utf-8")
        status.append(client.answer(0)[0])

    with pytest.raises(RunError, match="exists: name another file"):
        served(study, digits, out, act)
    assert status == [500]
    assert out.read_text(encoding="utf-8") == "another one's"


def test_an_answer_that_cannot_be_kept_ends_the_study(study, digits, tmp_path, monkeypatch):
    def fail(path):
        raise GanzooError("study.json cannot be written: No space left on device")

    monkeypatch.setattr(study, "save", fail)
    with pytest.raises(GanzooError, match="No space left"):
        served(study, digits, tmp_path / "study.json", lambda client: client.answer(0))


def test_files_are_looked_at_before_anything_else(tmp_path):
    (tmp_path / "there.json").write_text("{}", encoding="utf-8")
    check_file(tmp_path / "new.json", resume=False)
    check_file(tmp_path / "there.json", resume=True)
    for name, resume, why in [
        ("there.json", False, "exists: name another file with -o, or continue it"),
        ("new.json", True, "to resume: leave out --resume"),
        ("gone/new.json", False, "does not exist"),
        (".", False, "is a folder"),
    ]:
        with pytest.raises(RunError, match=why):
            check_file(tmp_path / name, resume=resume)


@pytest.mark.slow
def test_two_hundred_posts_at_once_are_all_answered_and_their_votes_are_in_the_file(digits, tmp_path):
    study, out, statuses, start = make_study(300), tmp_path / "study.json", [], threading.Barrier(200)

    def post(client, trial):
        start.wait()
        # As many clients press for the trial that is due; each is told of the next one, and presses once more.
        status, _, body = client.answer(trial)
        statuses.append(status)
        statuses.append(client.answer(json.loads(body)["trial"])[0])

    def act(client):
        threads = [threading.Thread(target=post, args=(client, i)) for i in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    assert served(study, digits, out, act) == signal.SIGINT
    assert time.monotonic() - began < 15
    assert len(statuses) == 400
    assert set(statuses) == {200, 409}
    result = json.loads(out.read_text(encoding="utf-8"))["result"]
    assert result["answered"] == statuses.count(200) >= 2
