import http.client
import json
import signal
import socket
import subprocess
import sys

import pytest

WORDS = ["study", "dcgan-mnist", "vanilla-mnist", "-n", "4"]


def start(*words):
    """Start the command; return its process and an asker of its page."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ganzoo", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    assert "http://127.0.0.1:" in line, process.communicate()
    host, _, path = line.split()[-1].removeprefix("http://").partition("/")

    def answer(trial):
        connection = http.client.HTTPConnection(host, timeout=10)
        body = json.dumps({"trial": trial, "side": "left", "seconds": 1.0})
        headers = {"Origin": f"http://{host}", "Content-Type": "application/json"}
        connection.request("POST", f"/{path}answer", body, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    return process, answer


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX signal")
def test_ctrl_c_keeps_the_answers_and_resume_goes_on(tmp_path):
    out = tmp_path / "study.json"
    process, answer = start(*WORDS, "-o", str(out))
    assert [answer(0), answer(1)] == [200, 200]
    process.send_signal(signal.SIGINT)
    out_text, err_text = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err_text == f"stopped after 2 of 4 trials: the answers are in {out}; continue with --resume\n"
    assert "of 2 trials" in out_text
    assert json.loads(out.read_text(encoding="utf-8"))["result"]["answered"] == 2
    process, answer = start(*WORDS, "-o", str(out), "--resume")
    assert [answer(2), answer(3)] == [200, 200]
    out_text, err_text = process.communicate(timeout=30)
    assert (process.returncode, err_text) == (0, "")
    assert out_text.endswith(f"wrote {out}\n")
    content = json.loads(out.read_text(encoding="utf-8"))
    assert content["result"]["answered"] == 4
    assert content["result"]["left"] == 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX signal")
def test_a_second_study_on_a_file_is_refused_and_no_answer_is_lost(call, tmp_path):
    out = tmp_path / "study.json"
    process, answer = start(*WORDS, "-o", str(out))
    assert call(*WORDS, "-o", str(out)).code == 1  # before the first answer
    assert answer(0) == 200
    done = call(*WORDS, "-o", str(out), "--resume")
    assert (done.code, done.out) == (1, "")
    assert "name another file with -o" in done.err
    assert answer(1) == 200
    process.kill()  # which cannot let go of the file in an orderly way
    process.communicate(timeout=30)
    (tmp_path / ".study.json.partial-x1y2.json").write_text("{")  # what one that is killed while it saves leaves
    process, answer = start(*WORDS, "-o", str(out), "--resume")
    assert [answer(2), answer(3)] == [200, 200]
    process.communicate(timeout=30)
    assert json.loads(out.read_text(encoding="utf-8"))["result"]["answered"] == 4
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX signal")
def test_without_an_answer_nothing_is_left(tmp_path):
    process, _ = start(*WORDS, "-o", str(tmp_path / "study.json"))
    process.send_signal(signal.SIGTERM)
    out_text, err_text = process.communicate(timeout=30)
    assert process.returncode == 143
    assert out_text.endswith("There are no answers.\n")
    assert err_text == "stopped after 0 of 4 trials: there are no answers to save\n"
    assert list(tmp_path.iterdir()) == []


def test_against_real_images(tmp_path, mnist):
    out = tmp_path / "study.json"
    process, answer = start("study", "dcgan-mnist", "--real", str(mnist), "-n", "2", "-o", str(out), "--seed", "7")
    assert [answer(0), answer(1)] == [200, 200]
    said, _ = process.communicate(timeout=30)
    content = json.loads(out.read_text(encoding="utf-8"))
    assert content["question"] == "Which one is real?"
    assert content["models"]["b"]["data"] == "own images (mnist)"
    assert max(trial["b"][0] for trial in content["trials"]) < 1000
    assert "dcgan-mnist was taken for real in " in said


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["study"], 2, "Missing argument 'A'"),
        (["study", "dcgan-mnist"], 2, "name what A is compared with"),
        (["study", "dcgan-mnist", "vanilla-mnist", "--real", "mnist"], 2, "name what A is compared with"),
        (["study", "dcgan-mnist", "nothing"], 1, "No model or architecture is called 'nothing'"),
        (["study", "dcgan-mnist", "sngan-cifar10"], 1, "of 28x28x1 and sngan-cifar10 of 32x32x3"),
        (["study", "dcgan-mnist", "pix2pix-grey-cifar10"], 1, "is an image-to-image model"),
        (["study", "dcgan-mnist", "--real", "nowhere"], 1, "No data set or path is called 'nowhere'"),
        ([*WORDS, "-n", "0"], 2, "0 is not in the range"),
        ([*WORDS, "--grid", "9"], 2, "9 is not in the range"),
        ([*WORDS, "--resume"], 1, "to resume: leave out --resume"),
        ([*WORDS, "-o", "{tmp}"], 1, "is a folder: name a file"),
        ([*WORDS, "-o", "{tmp}/gone/study.json"], 1, "does not exist"),
    ],
)
def test_mistakes_are_one_line(call, tmp_path, monkeypatch, words, code, text):
    monkeypatch.chdir(tmp_path)
    done = call(*(word.format(tmp=tmp_path) for word in words))
    assert done.code == code
    assert text in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_overwritten(call, tmp_path):
    out = tmp_path / "study.json"
    out.write_text("mine", encoding="utf-8")
    done = call(*WORDS, "-o", str(out))
    assert (done.code, done.out) == (1, "")
    assert "exists: name another file with -o, or continue it with --resume" in done.err
    done = call(*WORDS, "-o", str(out), "--resume")
    assert done.code == 1
    assert "is no study that can be resumed" in done.err
    assert out.read_text(encoding="utf-8") == "mine"


def test_a_port_that_is_taken_is_one_line(call, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call(*WORDS, "-o", str(tmp_path / "study.json"), "--port", str(port))
    assert done.code == 1
    assert f"port {port} of 127.0.0.1 is not available" in done.err
