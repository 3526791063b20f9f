import os
import shlex

import pytest
from PIL import Image

import forks
from hostile_files import png


def call(*arguments, cwd):
    return forks.run("train", *arguments, cwd=cwd)


def test_a_dry_run_prints_everything_and_writes_nothing(mnist, tmp_path):
    done = call("dcgan", "--data", mnist, "--images", "2M", "-o", "base_channels=16", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in ("images", "2000000", "-o base_channels", "generator parameters", "runs/dcgan-mnist", "10 classes"):
        assert text in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pairs", [False, True])
def test_files_that_are_left_out_are_listed_with_the_reason(tmp_path, pairs):
    for side in "ab":
        (tmp_path / side).mkdir()
        for i in range(3):
            Image.new("RGB", (16, 16), (i, ord(side), 0)).save(tmp_path / side / f"{i}.png")
        (tmp_path / side / "notes.txt").touch()
        (tmp_path / side / "bad.png").write_bytes(b"no image")
    words = ("cyclegan", "--data", "A=a,B=b") if pairs else ("dcgan", "--data", "a")
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GANZOO_CACHE": str(tmp_path / "cache")}
    done = forks.run("train", *words, "--batch-size", "2", "--list-skipped", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    for side, line in zip("ab"[: 1 + pairs], zip(*[iter(done.stdout.splitlines())] * 2, strict=True), strict=True):
        assert line[0] == "notes.txt: .txt"
        assert line[1].startswith(f"{side}/bad.png is not a readable image")
    assert not (tmp_path / "runs").exists()


def test_that_no_file_is_left_out_is_said(mnist, tmp_path):
    done = forks.run("train", "dcgan", "--data", mnist, "--list-skipped", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "no file is left out\n")


def test_an_image_of_too_many_pixels_is_one_line(tmp_path):
    png(tmp_path / "set" / "large.png", 13_000, 7_000, colour=0, depth=1)
    done = call("dcgan", "--data", "set", "--batch-size", "1", "--skip-unreadable", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "set/large.png is " in line
    assert "83,886,080 pixels" in line


def test_a_run_and_its_continuation(mnist, tmp_path):
    arguments = ["--data", mnist, "--images", "256", "-o", "hidden=16", "--device", "cpu"]
    first = call("vanilla", *arguments, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "trained on 256 images: runs/vanilla-mnist" in first.stdout
    again = call("vanilla", *arguments, cwd=tmp_path)
    assert "runs/vanilla-mnist-2" in again.stdout
    resumed = call("--resume", "runs/vanilla-mnist", "--images", "320", cwd=tmp_path)
    assert "trained on 320 images" in resumed.stdout, resumed.stderr


def test_a_printed_command_can_be_pasted(mnist, tmp_path):
    new = ["vanilla", "--data", mnist, "--images", "64", "-o", "hidden=16", "--device", "cpu", "--out", "runs/c d"]
    done = call(*new, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (printed,) = (line for line in done.stdout.splitlines() if line.strip().startswith("ganzoo "))
    assert shlex.split(printed) == ["ganzoo", "sample", "runs/c d", "-n", "64", "-o", "grid.png"]
    again = call(*new, cwd=tmp_path)
    assert again.returncode == 1
    assert shlex.split(again.stderr.split("`")[1]) == ["ganzoo", "train", "--resume", "runs/c d"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, "name an architecture"),
        (["dcgan"], 2, "--data"),
        (["--resume", "x", "--out", "y"], 2, "leave out --out"),
        (["--resume", "nowhere"], 1, "there is no folder nowhere"),
        (["dcgam", "--data", "x"], 1, "Did you mean 'dcgan'?"),
        (["dcgan", "--data", "no/such"], 1, "There is no folder or file"),
        (["dcgan", "--data", "mnist", "-o", "base_channels=many"], 1, "base_channels=many"),
        (["dcgan", "--data", "mnist", "-o", "base_channels"], 1, "key=value"),
        (["dcgan", "--data", "mnist", "--images", "lots"], 2, "300k or 1.5M"),
        (["dcgan", "--data", "mnist", "--out", ""], 2, "path is empty"),
    ],
)
def test_bad_arguments_are_one_clear_line(arguments, code, text, tmp_path):
    done = call(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
