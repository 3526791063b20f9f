"""A loss that is no number: the run stops with what is known, skips or rewinds; what was saved stays whole."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import broken_gans
import ganzoo
from ganzoo.errors import ConfigError, RunError
from ganzoo.gan import AdversarialGAN
from ganzoo.models.weights import load_tensors
from ganzoo.registry import Architecture, installed
from ganzoo.registry.zoo import Registered
from ganzoo.training.monitor import NonFiniteMonitor
from ganzoo.training.state import Sums
from ganzoo.training.updates import MOST_SKIPPED
from helpers import make, make_state


@pytest.fixture
def train(monkeypatch, mnist, tmp_path):
    """Train one of the broken architectures for ten steps."""

    def run(cls, **settings):
        record = Architecture(name="bursts", target=f"bursting_gans:{cls}", config=broken_gans.Config, summary="")
        monkeypatch.setitem(installed().architectures._records, "bursts", [Registered(record, "ganzoo-b", "1", "b")])
        options = {"images": 160, "batch_size": 16, "checkpoint_every": 48, "report_every": 16, "out": tmp_path / "run"}
        return ganzoo.train("bursts", data=str(mnist), progress=False, **{**options, **settings})

    return run


def whole(folder):
    return all(t.isfinite().all() for file in folder.rglob("*.safetensors") for t in load_tensors(file).values())


def test_it_stops_at_once_with_phase_step_and_checkpoint(train, tmp_path):
    with pytest.raises(RunError, match=r"G/loss is not .* step 4 \(80 images\); checkpoint 000000048 is intact"):
        train("Bursts")
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["000000048"]
    assert whole(tmp_path / "run")
    assert ganzoo.load(tmp_path / "run").sample(1).isfinite().all()
    with pytest.raises(RunError, match=r"G/loss is not finite after step 4 "):  # and so again
        ganzoo.resume(tmp_path / "run", progress=False)


def test_before_the_first_checkpoint_there_is_none(train, tmp_path):
    with pytest.raises(RunError, match="no checkpoint"):
        train("Bursts", checkpoint_every=1000)
    with pytest.raises(RunError, match="no checkpoint"):
        train("Bursts", checkpoint_every=1000, on_nan="rewind", out=tmp_path / "other")


def test_skip_leaves_out_the_update_and_counts_it(train, tmp_path):
    assert train("Bursts", on_nan="skip").images == 160
    assert whole(tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/stats.jsonl").read_text().splitlines()]
    assert [line["G/skipped"] for line in lines] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert {line["D/skipped"] for line in lines} == {0}
    assert "G/loss" not in lines[4]
    assert all(line["G/loss"] > 0 for line in (*lines[:4], *lines[5:]))


def test_skip_ends_when_nothing_else_comes(train):
    with pytest.raises(RunError, match=f"{MOST_SKIPPED + 1} updates of phase G .*gradient"):
        train("BurstsForEver", on_nan="skip", images=16 * 200)


def test_rewind_goes_on_with_other_random_numbers(train, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert train("BurstsNow", on_nan="rewind").images == 160
    assert "step 4 (80 images): resuming from checkpoint 000000048" in caplog.text
    assert whole(tmp_path / "run")
    lines = [json.loads(line)["images"] for line in (tmp_path / "run/stats.jsonl").read_text().splitlines()]
    assert lines == list(range(16, 161, 16))


def test_rewind_gives_up_where_it_is_of_no_use(train, tmp_path):
    with pytest.raises(RunError, match=r"3 rewinds .*000000048"):
        train("Bursts", on_nan="rewind")
    assert whole(tmp_path / "run")


def test_what_goes_wrong_in_the_last_step_is_neither_saved_nor_taken_for_the_end(train, tmp_path, monkeypatch):
    from ganzoo.training.logs import Reporter

    step, spoilt = Reporter.step, []

    def spoil(self, new):  # once, after the last step, so that no loss has shown it
        if self.state.images == 160 and not spoilt:
            spoilt.append(True)
            next(self.state.gan.parameters()).data.fill_(torch.nan)
        step(self, new)

    monkeypatch.setattr(Reporter, "step", spoil)
    assert train("Good", on_nan="rewind").images == 160
    assert [path.name for path in sorted((tmp_path / "run/checkpoints").iterdir())] == ["000000144", "000000160"]
    assert whole(tmp_path / "run")


@pytest.mark.slow
def test_several_processes_save_nothing_that_is_no_number_either(mnist, tmp_path):
    """They ask each other every 16 steps; a checkpoint that is due before that asks for itself."""
    script = tmp_path / "two.py"
    script.write_text(
        "import broken_gans, ganzoo\n"
        "from ganzoo.registry import Architecture, installed\n"
        "from ganzoo.registry.zoo import Registered\n"
        "record = Architecture(name='bursts', target='bursting_gans:Bursts', config=broken_gans.Config, summary='')\n"
        "installed().architectures._records['bursts'] = [Registered(record, 'ganzoo-b', '1', 'b')]\n"
        f"ganzoo.train('bursts', data={str(mnist)!r}, out='run', images=320, batch_size=16, checkpoint_every=48,\n"
        "             device='cpu', progress=False)\n"
    )
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", str(script)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(broken_gans.__file__).parent)}
    done = subprocess.run(launch, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode != 0
    assert "step 5 (96 images); checkpoint 000000048" in done.stderr
    assert [path.name for path in (tmp_path / "run/checkpoints").iterdir()] == ["000000048"]
    assert whole(tmp_path / "run")


def test_weights_that_are_no_numbers_are_never_saved(train, tmp_path, monkeypatch):
    def spoil(self):  # after the step, so that no loss has shown it yet
        if self.state.step == 3:
            next(self.state.gan.parameters()).data.fill_(torch.nan)

    from ganzoo.training.logs import Reporter

    step = Reporter.step
    monkeypatch.setattr(Reporter, "step", lambda self, new: (spoil(self), step(self, new))[1])
    with pytest.raises(RunError, match=r"generator\S+ .*step 2 .*no checkpoint"):
        train("Good")
    assert not (tmp_path / "run/model.safetensors").exists()


def test_a_policy_that_is_none(train):
    with pytest.raises(ConfigError, match=r"on_nan=panic: .*stop, skip, rewind"):
        train("Good", on_nan="panic")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_it_is_seen_without_a_wait():
    state = make_state(make("vanilla").cuda())
    state.sums = Sums()
    monitor = NonFiniteMonitor(state, torch.device("cuda"))
    state.sums.add("G/loss", torch.tensor(float("nan"), device="cuda"))
    assert monitor.term() is None
    torch.cuda.synchronize()
    assert monitor.term() == "G/loss"


def test_an_update_that_is_skipped_leaves_the_running_statistics_as_they_were(train, tmp_path, monkeypatch):
    latents, drawn = AdversarialGAN.latents, []

    def once_infinite(self, batch):
        drawn.append(True)
        return latents(self, batch) * (float("inf") if len(drawn) == 3 else 1.0)

    monkeypatch.setattr(AdversarialGAN, "latents", once_infinite)
    assert train("Good", on_nan="skip").images == 160  # whose generator has batch norm
    assert len(drawn) > 3
    buffers = load_tensors(tmp_path / "run/checkpoints/000000160/gan.safetensors")
    assert all(value.isfinite().all() for value in buffers.values())


def test_running_statistics_that_are_no_numbers_are_not_saved(train, tmp_path, monkeypatch):
    from ganzoo.training.logs import Reporter

    step = Reporter.step

    def spoil(self, new):
        next(b for name, b in self.state.gan.named_buffers() if "running_mean" in name).fill_(torch.inf)
        step(self, new)

    monkeypatch.setattr(Reporter, "step", spoil)
    with pytest.raises(RunError, match=r"running_mean is not finite"):
        train("Good")
    assert not (tmp_path / "run/model.safetensors").exists()
