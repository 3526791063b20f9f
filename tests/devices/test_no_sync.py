"""Between two reports nothing waits for the device: seen on the CPU, by the operations that would wait for a GPU."""

from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from torch.nn import functional as F

import ganzoo
from device_helpers import Waits, begin, run, small
from ganzoo.training import monitor
from ganzoo.training.events import EXCHANGE_EVERY, Events, Stop
from ganzoo.training.logs import Reporter
from ganzoo.training.settings import Settings
from helpers import make, make_state

ARCHITECTURES = ganzoo.list_architectures()


def settings(**changes) -> Settings:
    return Settings("digits", 10**6, batch_size=4, precision="fp32", **changes)


def waits_of(name, *, steps=1, device="cpu", **changes) -> list[str]:
    """Return what waits in some steps of every stage, at the first of which all lazy phases are due."""
    subject, chosen = small(name), settings(**changes)
    assert len(subject.store) > chosen.batch_size  # decoded before
    state = begin(subject, chosen, device)
    with Waits(device) as waits:
        run(subject, state, chosen, steps=steps)
    return waits.found


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_step_of_any_stage(name):
    assert waits_of(name, steps=2) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"augment": "ada", "instance_noise": 0.1},
        {"augment": "color,translation,cutout"},
        {"l1": 1e-4, "l2": 1e-4, "accumulate": 2, "balance": True},
        {"clip_grad": 1.0, "clip_mode": "norm"},
        {"clip_grad": 1.0, "clip_mode": "value"},
        {"clip_grad": 0.1, "clip_mode": "agc"},
        {"precision": "bf16"},
    ],
    ids=lambda changes: "-".join(map(str, changes)),
)
def test_no_setting(changes):
    subject, chosen = small("cgan"), Settings("digits", 10**6, **{"batch_size": 4, "precision": "fp32", **changes})
    state = begin(subject, chosen)
    with Waits() as waits:
        run(subject, state, chosen, steps=5)  # the strength of an adaptive augmentation changes after four
    assert waits.found == []


def test_leaving_updates_out_waits_as_it_has_to_know_and_is_found():
    found = waits_of("dcgan", on_nan="skip")
    assert found  # so this test finds what the others look for
    assert all("aten._local_scalar_dense.default waits" in one and "skip = bool(nonfinite)" in one for one in found)


# What happens between steps


class Arrived:
    """A CUDA event whose copy has always arrived."""

    def record(self):
        pass

    def query(self):
        return True


@pytest.fixture
def events(monkeypatch, tmp_path):
    """Events of a run that believes itself on a GPU, and of some processes."""
    monkeypatch.setattr(torch.cuda, "Event", Arrived)

    def make_events(processes: int, **changes) -> Events:
        state = make_state(make("vanilla"))
        accelerator = SimpleNamespace(
            num_processes=processes, device=torch.device("cpu"), is_main_process=True,
            reduce=lambda values, how: values, log=lambda values, step: None,
        )  # fmt: skip
        reporter = Reporter(tmp_path, state, Accelerator(cpu=True), images=10**6, title="", progress=False)
        never = SimpleNamespace(is_due=lambda before, now: False)
        (tmp_path / "config.json").touch()
        made = Events(tmp_path, state, settings(**changes), accelerator, reporter, Stop(), never)
        made.monitor.device = torch.device("cuda")
        return made

    return make_events


def steps_that_wait(events: Events, steps: int) -> dict[int, list[str]]:
    """Return what waits after each step that does."""
    found = {}
    for _ in range(steps):
        state = events.state
        state.step, state.images = state.step + 1, state.images + 4
        state.sums.add("G/loss", torch.tensor(0.5))
        with Waits() as waits:
            assert not events.after_step()
        if waits.found:
            found[state.step] = waits.found
    return found


def test_one_process_waits_for_nothing_but_reports(events):
    found = steps_that_wait(events(1, report_every=4 * 24), 3 * monitor._STEPS)
    arrived = "finite.tolist()"  # of a copy that is on the CPU, which the event has said
    waiting = {step: lines for step, lines in found.items() if not all(arrived in line for line in lines)}
    assert list(waiting) == [24, 48]
    assert all(
        "accelerator.reduce(values, " in line for lines in waiting.values() for line in lines if arrived not in line
    )
    assert found.keys() - waiting.keys() == {monitor._STEPS + 1, 2 * monitor._STEPS + 1}


def test_several_processes_exchange_their_flags_every_few_steps(events):
    found = steps_that_wait(events(2, report_every=10**6), 3 * EXCHANGE_EVERY)
    assert list(found) == [EXCHANGE_EVERY, 2 * EXCHANGE_EVERY, 3 * EXCHANGE_EVERY]
    assert all(["self.accelerator.reduce(flags" in line for line in lines] == [True] for lines in found.values())


# What is found


def mask(values):
    values[values > 0] = 0


WAITING = {
    "item": lambda values: values.sum().item(),
    "bool": lambda values: bool(values.any()),
    "float": lambda values: float(values.sum()),
    "comparison": lambda values: max(values.sum(), values.mean()),
    "tolist": lambda values: values.tolist(),
    "numpy": lambda values: values.detach().numpy(),
    "cpu": lambda values: values.cpu(),
    "nonzero": lambda values: values.nonzero(),
    "where": lambda values: torch.where(values > 0),
    "mask": lambda values: values[values > 0],
    "assigned-mask": mask,
    "masked_select": lambda values: values.masked_select(values > 0),
    "unique": lambda values: values.unique(),
    "equal": lambda values: torch.equal(values, values),
    "allclose": lambda values: torch.allclose(values, values),
    "repeats": lambda values: values.repeat_interleave(torch.tensor([1, 2, 1])),
    "inverse": lambda values: torch.linalg.inv(values[:, None] + torch.eye(3)),
}


@pytest.mark.parametrize("what", WAITING)
def test_what_waits_is_found_with_its_line(what):
    with Waits() as waits:
        WAITING[what](torch.ones(3))
    assert waits.found
    assert all("test_no_sync.py:" in line for line in waits.found)


def test_what_waits_in_a_backward_pass_is_found():
    values = torch.ones(3, requires_grad=True)
    doubled = values * 2
    doubled.register_hook(lambda gradient: gradient * gradient.sum().item())
    with Waits() as waits:
        doubled.sum().backward()
    assert len(waits.found) == 1
    assert "aten._local_scalar_dense" in waits.found[0]


def test_what_does_not_wait_is_not_found():
    with Waits() as waits:
        values = torch.randn(3, 4)
        values[torch.arange(2)] = values[:2].where(values[:2] > 0, 0.0)
        values.sort().values.sum().to(torch.float64)
        F.one_hot(torch.arange(3), 4)  # looks at the values on a CPU, and on a GPU does not
    assert waits.found == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_on_a_gpu_no_step_waits(name):
    subject, chosen = small(name), settings()
    state = begin(subject, chosen, "cuda")
    run(subject, state, chosen)  # what is made once may wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        run(subject, state, chosen, steps=2)
    finally:
        torch.cuda.set_sync_debug_mode("default")
