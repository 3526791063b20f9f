"""Checks of whole runs: resumed, in several processes, in bf16, and on real images."""

from __future__ import annotations

import math
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, distributed
from torch.nn import functional as F

from ganzoo.data import Loader
from ganzoo.gan import Progress
from ganzoo.models.weights import load_tensors, save_tensors
from ganzoo.registry.hyperparameters import config_to_dict
from ganzoo.testing.subject import BATCH, Subject, expect
from ganzoo.training.checkpoint import found
from ganzoo.training.loop import train as train_loop
from ganzoo.training.run import resume, train

NEARER = 0.9  # of the distance before training
GRACE = 5.0  # seconds for a process to end when the other has gone
MOST_STEPS = 100  # before the last stage begins, for a check to go there
LOOKS, SAMPLES = (120, 240, 480), 256  # steps after which it is looked at; images that are compared


def _options(subject: Subject) -> dict[str, Any]:
    return config_to_dict(subject.config())


def _train(subject: Subject, out: Path, images: int, **settings: Any) -> None:
    name = f"{subject.owned.dist}:{subject.name}"
    train(
        name, data=subject.data, images=images, out=out, config=_options(subject), batch_size=BATCH, progress=False,
        device="cpu", preview_every=10**9, **settings,
    )  # fmt: skip


def _checkpoint(run: Path) -> Mapping[str, Tensor]:
    last = found(run)[-1]
    return {
        f"{path.stem}/{name}": tensor
        for path in sorted(last.glob("*.safetensors"))
        for name, tensor in load_tensors(path).items()
    }


def check_resume(subject: Subject) -> None:
    """A run that was stopped and resumed must be the run that was not stopped, to the last bit."""
    half = _half(subject)
    with TemporaryDirectory() as folder:
        whole, parts = Path(folder, "whole"), Path(folder, "parts")
        _train(subject, whole, 2 * half)
        _train(subject, parts, half)
        resume(parts, images=2 * half, progress=False)
        expected, got = _checkpoint(whole), _checkpoint(parts)
    if _depends_on_budget(subject):
        expect(set(expected) == set(got), "a resumed run has other tensors than one that was not stopped")
        return
    different = sorted(name for name in expected if name not in got or not torch.equal(expected[name], got[name]))
    expect(
        set(expected) == set(got) and not different,
        f"a resumed run differs from one that was not stopped in {', '.join(different[:3])}: keep what changes over "
        "training in parameters, buffers or the progress, and draw with torch's own generators",
    )


def _half(subject: Subject) -> int:
    """Return half of the images of a run that reaches into the last stage, where that is not far, or of a short one."""
    begins = sum(stage.images or 0 for stage in subject.build().stages()[:-1])
    steps = math.ceil(begins / BATCH) + 3
    return BATCH * (steps if 3 < steps <= MOST_STEPS else 3)


def _depends_on_budget(subject: Subject) -> bool:
    """Whether learning rates depend on the whole budget, so that a run with half of it is another run."""
    gan = subject.build()
    return gan.lr_scale(Progress(3, 48, 0, 0.5)) != gan.lr_scale(Progress(3, 48, 0, 0.99))


def check_two_processes(subject: Subject) -> None:
    """Two processes that share a batch must hold the same parameters after every step, or they drift apart."""
    with TemporaryDirectory() as folder:
        error = _train_as_two(f"{subject.owned.dist}:{subject.name}", subject.data, _options(subject), folder)
        # What they left is what counts: gloo may abort a process on its way out, when all is done.
        both = [Path(folder, f"{rank}.safetensors") for rank in range(2)]
        written = [load_tensors(path) for path in both if path.exists()]
    expect(len(written) == 2, f"two processes do not train it: {error}")
    different = [name for name in written[0] if not torch.equal(written[0][name], written[1][name])]
    expect(
        not different,
        f"{', '.join(different[:3])} differs between two processes: each of them must play the same phases",
    )


def _train_as_two(name: str, data: str, options: dict[str, Any], folder: str) -> str:
    """Train in two processes, each of which leaves its parameters in ``folder``; return what went wrong first."""
    context = _context()
    both = [
        context.Process(target=_train_as_one_of_two, args=(rank, name, data, options, folder), daemon=True)
        for rank in range(2)
    ]
    running, error = {}, ""
    try:
        for rank, process in enumerate(both):
            process.start()
            running[process.sentinel] = rank, process
        while running:
            ended = multiprocessing.connection.wait(list(running), GRACE if error else None)
            for rank, process in [running.pop(sentinel) for sentinel in ended]:
                process.join()
                if process.exitcode and not error:
                    said = Path(folder, f"{rank}.log").read_text(encoding="utf-8").strip()
                    error = said.rpartition("\n")[2] or f"one ended with exit code {process.exitcode}"
            if error and not ended:
                break
    finally:
        for process in filter(BaseProcess.is_alive, both):
            process.kill()
            process.join()
    return error


def _context() -> Any:
    """Return how to start a process: as the copy of one that has imported all this, where there is such a thing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver  # which Windows has not

    # The first optimizer of a process imports torch._dynamo, which takes as long as torch itself.
    multiprocessing.set_forkserver_preload([__name__, "torch._dynamo"])
    if threading.current_thread() is threading.main_thread():
        # Ctrl-C is for the one that waits: the server would say at length what it was about to import.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        forkserver.ensure_running()
        signal.signal(signal.SIGINT, handler)
    return multiprocessing.get_context("forkserver")


def _train_as_one_of_two(rank: int, name: str, data: str, options: dict[str, Any], folder: str) -> None:
    """Train a few steps as one of two processes, and leave the parameters in a file."""
    if not Path(folder).exists():  # it was interrupted before this began
        return
    with Path(folder, f"{rank}.log").open("w") as log:  # what gloo says on its way out is for nobody
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=Path(folder, "met").as_uri(), rank=rank, world_size=2)
    subject = Subject.find(name, options, data)
    accelerator = Accelerator(cpu=True)
    gan = subject.build()
    state = subject.state(gan)
    torch.manual_seed(rank)  # each draws latents of its own
    train_loop(
        state, Loader(subject.store, seed=0, rank=rank, world=2), accelerator, images=10**6, batch_size=BATCH,
        precision="fp32", after_step=lambda: state.step >= 3,
    )  # fmt: skip
    save_tensors(Path(folder, f"{rank}.safetensors"), dict(gan.named_parameters()))
    accelerator.wait_for_everyone()
    accelerator.end_training()


def check_bf16(subject: Subject) -> None:
    """bf16 is the default where the hardware has it: losses and weights must stay finite in it."""
    gan = subject.build()
    state = subject.steps(subject.state(gan), 3, precision="bf16")
    bad = [name for name, parameter in gan.named_parameters() if not parameter.isfinite().all()]
    expect(
        not bad, f"after three steps in bf16 {', '.join(bad[:3])} is not finite: compute what is delicate in float32"
    )
    wide = [name for name, p in gan.named_parameters() if p.dtype != torch.float32]
    expect(not wide, f"{', '.join(wide[:3])} is not float32: autocast casts for you, parameters stay as they are")
    expect(all(total.isfinite() for total in state.sums.totals.values()), "a loss is not finite in bf16")


def sliced_distance(a: Tensor, b: Tensor, directions: int = 64) -> float:
    """Return the sliced Wasserstein-1 distance of two sets of images (N, C, H, W), averaged down to 8x8."""
    flat = [F.adaptive_avg_pool2d(images.float(), 8).flatten(1) for images in (a, b)]
    generator = torch.Generator().manual_seed(0)
    axes = F.normalize(torch.randn(flat[0].shape[1], directions, generator=generator), dim=0)
    left, right = ((images @ axes).sort(dim=0).values for images in flat)
    return float((left - right).abs().mean())


def check_it_learns(subject: Subject) -> None:
    """After a short training its samples must be closer to real images than before it."""
    gan = subject.build()
    gan.ema = dict.fromkeys(gan.ema, 100.0)  # an average over a short training has to forget soon
    before = sliced_distance(*subject.draw(gan, SAMPLES))
    state, after = subject.state(gan), before
    for steps in LOOKS:
        subject.steps(state, steps - state.step)
        images, real = subject.draw(state.ema.model(), SAMPLES)
        most = images.abs().max()
        expect(most <= 1, f"after {steps} steps its images go to {most:.2f}: end the generator with tanh, or clamp")
        after = sliced_distance(images, real)
        if after < NEARER * before:
            return
    expect(
        False,
        f"after {LOOKS[-1]} steps of {BATCH} images its samples are {after:.3f} from the real ones (sliced Wasserstein "
        f"distance), and {before:.3f} before: it is to fall to {NEARER:.0%}. Look at the signs of the losses; if they "
        "are right it learns slowly: raise the learning rate or the width for the check",
    )
