"""A file from a server on the loopback: whole or not at all."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import constants

from ganzoo.errors import GanzooError, WeightsError
from ganzoo.metrics import download as module
from ganzoo.metrics.download import download

CONTENT = b"weights " * 100_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012 - emptied by the fixture

    def log_message(self, *_): ...

    def do_GET(self):
        self.asked.append(self.path)
        if self.path in ("/moved.pth", "/lured.pth"):
            self.send_response(302)
            self.send_header("Location", "/weights.pth" if self.path == "/moved.pth" else "ftp://127.0.0.1/weights.pth")
            self.end_headers()
            return
        if self.path == "/gone.pth":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // (2 if self.path == "/cut.pth" else 1)])


@pytest.fixture
def server(monkeypatch):
    """Its address; http, which is allowed here alone, and the switch that keeps off the network is off."""
    monkeypatch.setattr(module, "SCHEMES", ("http",))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Handler.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.mark.parametrize("name", ["weights.pth", "moved.pth"])
def test_a_file_comes_whole(server, tmp_path, name):
    path = tmp_path / "new" / "w.pth"
    download(f"{server}/{name}", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert sorted(p.name for p in path.parent.iterdir() if p.suffix != ".lock") == ["w.pth"]


@pytest.mark.parametrize(
    ("name", "sha256", "why"),
    [
        ("weights.pth", "0" * 64, f"gave a file with sha256 {SHA256} where {'0' * 64} is expected"),
        ("cut.pth", SHA256, "gave a file with sha256|cannot be reached"),
        ("gone.pth", SHA256, "the server answers 404"),
        ("lured.pth", SHA256, "ftp://127.0.0.1/weights.pth is not asked for: only https is"),
    ],
)
def test_what_does_not_come_whole_leaves_nothing(server, tmp_path, name, sha256, why):
    with pytest.raises(WeightsError, match=why):
        download(f"{server}/{name}", tmp_path / "w.pth", sha256)
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".lock"] == []


def test_an_unreachable_server(server, tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match=r"http://127.0.0.1:1/w.pth .*\(.*refused"):
        download("http://127.0.0.1:1/w.pth", tmp_path / "w.pth", SHA256)


def test_only_https_is_asked(tmp_path):
    with pytest.raises(WeightsError, match=r"http://127.0.0.1:1/w.pth .*https"):
        download("http://127.0.0.1:1/w.pth", tmp_path / "w.pth", SHA256)


def test_offline_nothing_is_asked(server, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE"):
        download(f"{server}/weights.pth", tmp_path / "w.pth", SHA256)
    assert Handler.asked == []


def test_of_two_at_once_one_fetches(server, tmp_path):
    path = tmp_path / "w.pth"
    threads = [threading.Thread(target=download, args=(f"{server}/weights.pth", path, SHA256)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert path.read_bytes() == CONTENT
    assert Handler.asked == ["/weights.pth"]


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(GanzooError, match=r"file/w.pth .*written"):
        download(f"{server}/weights.pth", tmp_path / "file" / "w.pth", SHA256)
