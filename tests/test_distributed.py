"""Work in two processes gives what it gives in one."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import forks
from ganzoo._distributed import ALONE, launched

TWO = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
PROGRAM = """
import json, sys, torch
from ganzoo._distributed import launched
made = []

def work(part):
    made.append(list(part))
    return {"square": torch.tensor([[i * i] for i in part]), "byte": torch.tensor(list(part), dtype=torch.uint8)}

parts = [range(start, min(start + 4, 18)) for start in range(0, 18, 4)]
with launched(torch.device("cpu")) as processes:
    found = [{key: value.tolist() for key, value in rows.items()} for rows in processes.share(parts, work)]
with open(f"{sys.argv[1]}/{processes.rank}.json", "w") as file:
    json.dump({"found": found, "made": made, "first": processes.is_first}, file)
"""


def ganzoo(*words, cwd, processes):
    done = forks.run(*words, cwd=cwd, processes=processes)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_does_its_part_and_all_are_given_the_whole_in_order(tmp_path):
    script = tmp_path / "share.py"
    script.write_text(PROGRAM)
    subprocess.run(
        [sys.executable, *TWO, script, tmp_path], env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300, check=True
    )
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert first["found"] == second["found"]
    assert [i for rows in first["found"] for i in rows["byte"]] == list(range(18))
    assert [row for rows in first["found"] for row in rows["square"]] == [[i * i] for i in range(18)]
    assert first["made"] == [[0, 1, 2, 3], [8, 9, 10, 11], [16, 17]]
    assert second["made"] == [[4, 5, 6, 7], [12, 13, 14, 15], [16, 17]]  # at the end there is none left for it
    assert (first["first"], second["first"]) == (True, False)


def test_one_process_asks_nobody(monkeypatch):
    for world in (None, "1"):  # the second by torchrun --nproc_per_node 1
        if world:
            monkeypatch.setenv("WORLD_SIZE", world)
        with launched(torch.device("cpu")) as processes:
            assert processes is ALONE
    parts = [range(2), range(2, 5)]
    assert [rows["n"].tolist() for rows in ALONE.share(parts, lambda part: {"n": torch.tensor(part)})] == [
        [0, 1], [2, 3, 4],
    ]  # fmt: skip


@pytest.mark.parametrize("out", ["images.npz", "images"])
def test_two_processes_draw_the_images_of_one(out, trained, tmp_path):
    for folder, processes in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        words = ["sample", trained, "-n", "600", "--seed", "5", "-o", out]
        printed = ganzoo(*words, cwd=tmp_path / folder, processes=processes)
        assert printed.count("wrote") == 1
    one, two = tmp_path / "one" / out, tmp_path / "two" / out
    if out == "images":
        names = sorted(path.name for path in one.iterdir())
        assert names == sorted(path.name for path in two.iterdir())
        assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)
    else:
        assert np.array_equal(np.load(one)["images"], np.load(two)["images"])
    assert [path.name for path in (tmp_path / "two").iterdir()] == [out]


def test_two_processes_measure_the_value_of_one(trained, mnist, tmp_path):
    words = ["eval", trained, "--data", mnist, "--json", "--batch-size", "48", "-m", "fd[pixels]@200/train"]
    one, two = (json.loads(ganzoo(*words, cwd=tmp_path, processes=processes)) for processes in (1, 2))
    assert one == two
