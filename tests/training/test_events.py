"""What happens between the steps of a run, with two processes that have to agree on it."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
PROGRAM = """
import json, os, signal, sys
import ganzoo
from ganzoo.training.events import Events

rank, moment = int(os.environ["RANK"]), sys.argv[2]
exchange, finish, exchanges = Events._exchange_flags, Events.finish, []

def counted(self, *, weights):
    exchanges.append(self.state.step)
    if rank == 1 and moment == "between" and self.state.step == 3:  # a checkpoint is due
        os.kill(os.getpid(), signal.SIGINT)
    return exchange(self, weights=weights)

def late(self):
    if rank == 1 and moment == "after":
        os.kill(os.getpid(), signal.SIGINT)
    finish(self)

Events._exchange_flags, Events.finish = counted, late
outcome = ganzoo.train(
    "dcgan", data=sys.argv[1], images=320, batch_size=16, out="run", config={"base_channels": 8}, device="cpu",
    report_every=48, preview_every=48, checkpoint_every=48, progress=False,
)
with open(f"{rank}.json", "w") as file:
    json.dump({"images": outcome.images, "signal": outcome.signal, "exchanges": exchanges}, file)
"""


def outcomes(moment, mnist, folder):
    (folder / "two.py").write_text(PROGRAM)
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*LAUNCH, "two.py", str(mnist), moment], cwd=folder, env=env, timeout=120, check=True)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def test_a_signal_that_one_process_gets_stops_both_at_the_next_exchange(mnist, tmp_path):
    first, second = outcomes("between", mnist, tmp_path)
    assert first["images"] == second["images"] < 320
    assert first["signal"]
    assert second["signal"]
    assert first["exchanges"] == second["exchanges"]


def test_a_signal_after_the_last_exchange_does_not_part_the_processes(mnist, tmp_path):
    first, second = outcomes("after", mnist, tmp_path)
    assert (first["images"], second["images"]) == (320, 320)
    assert (
        first["exchanges"] == second["exchanges"] == [3, 6, 9, 12, 15, 16, 18, 20, 20]
    )  # one a step, and the last save
    assert json.loads((tmp_path / "run/stats.jsonl").read_text().splitlines()[-1])["images"] == 320
