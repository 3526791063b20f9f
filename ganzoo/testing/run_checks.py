"""Checks of whole runs: resumed, in several processes, in bf16, and on real images."""

from __future__ import annotations

import math
import multiprocessing
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
from torch.multiprocessing.spawn import ProcessException, start_processes
from torch.nn import functional as F

from ganzoo.gan import Progress
from ganzoo.models.weights import load_tensors, save_tensors
from ganzoo.registry.hyperparameters import config_to_dict
from ganzoo.testing.subject import BATCH, CheckError, Subject, expect, listed
from ganzoo.training.checkpoint import list_checkpoints
from ganzoo.training.run import resume, train

NEARER = 0.9  # share of the distance before training
GRACE = 5.0  # seconds for a process to end when the other has failed
MOST_STEPS = 100  # a check trains into the last stage if it begins within as many steps
CHECKED_AFTER, SAMPLES = (120, 240, 480), 256  # steps; images


def _train(subject: Subject, out: Path, images: int, **settings: Any) -> None:
    train(
        subject.full_name, data=subject.data, images=images, out=out, config=config_to_dict(subject.config()),
        batch_size=BATCH, progress=False, device="cpu", preview_every=10**9, **settings,
    )  # fmt: skip


def _checkpoint(run: Path) -> Mapping[str, Tensor]:
    last = list_checkpoints(run)[-1]
    return {
        f"{path.stem}/{name}": tensor
        for path in sorted(last.glob("*.safetensors"))
        for name, tensor in load_tensors(path).items()
    }


def check_resume(subject: Subject) -> None:
    """A resumed run must equal an uninterrupted one, to the last bit."""
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
    different = {name for name in expected if name not in got or not torch.equal(expected[name], got[name])}
    different |= set(got) - set(expected)
    expect(
        not different,
        f"a resumed run differs from one that was not stopped in {listed(different)}: keep what changes over "
        "training in parameters, buffers or the progress, and take random numbers from torch's generators",
    )


def _half(subject: Subject) -> int:
    """Return half the images of a run that reaches the last stage if it begins soon, else of a short run."""
    begins = sum(stage.images or 0 for stage in subject.build().stages()[:-1])
    steps = math.ceil(begins / BATCH) + 3
    return BATCH * (steps if 3 < steps <= MOST_STEPS else 3)


def _depends_on_budget(subject: Subject) -> bool:
    """Whether learning rates depend on the whole budget, so that half the budget is a different run."""
    gan = subject.build()
    return gan.lr_scale(Progress(3, 48, 0, 0.5)) != gan.lr_scale(Progress(3, 48, 0, 0.99))


def check_two_processes(subject: Subject) -> None:
    """Two processes that share a batch must hold the same parameters after every step, or they drift apart."""
    with TemporaryDirectory() as folder:
        error = _train_in_two_processes(subject.full_name, subject.data, config_to_dict(subject.config()), folder)
        # The files decide: gloo may abort a process at its exit, when training is complete.
        files = [Path(folder, f"{rank}.safetensors") for rank in range(2)]
        written = [load_tensors(path) for path in files if path.exists()]
    expect(len(written) == 2, f"two processes do not train it: {error}")
    different = [name for name in written[0] if not torch.equal(written[0][name], written[1][name])]
    expect(not different, f"{listed(different)} differs between two processes: each must run the same phases")


def _train_in_two_processes(*arguments: Any) -> str:
    """Run `_train_as_rank` in two processes; return the first error in one line, or an empty string."""
    context: Any = start_processes(  # type: ignore[no-untyped-call]
        _train_as_rank, arguments, nprocs=2, join=False, daemon=True, start_method=_start_method()
    )
    try:
        while not context.join(grace_period=GRACE):
            pass
    except ProcessException as error:
        return str(error).strip().rpartition("\n")[2]
    finally:
        for process in filter(BaseProcess.is_alive, context.processes):
            process.kill()
            process.join()
    return ""


def _start_method() -> str:
    """Return how to start a process: where possible as a fork of a server that has imported torch already."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return "spawn"
    from multiprocessing import forkserver  # Windows has none

    # The first optimizer of a process imports torch._dynamo, which takes as long as torch itself.
    multiprocessing.set_forkserver_preload([__name__, "torch._dynamo"])
    if threading.current_thread() is threading.main_thread():
        # Ctrl-C is for this process: the server would print the traceback of its imports.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        forkserver.ensure_running()
        signal.signal(signal.SIGINT, handler)
    return "forkserver"


def _train_as_rank(rank: int, name: str, data: str, options: dict[str, Any], folder: str) -> None:
    """Train for three steps as one of two processes, and save the parameters."""
    if not Path(folder).exists():  # the check was interrupted before this process started
        return
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # gloo prints warnings at exit
        os.dup2(silence, stream)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=Path(folder, "met").as_uri(), rank=rank, world_size=2)
    subject = Subject.find(name, options, data)
    gan = subject.build()
    state = subject.state(gan)
    torch.manual_seed(rank)  # each samples other latents
    subject.steps(state, 3, rank=rank, world=2)
    save_tensors(Path(folder, f"{rank}.safetensors"), dict(gan.named_parameters()))
    accelerator = Accelerator(cpu=True)
    accelerator.wait_for_everyone()
    accelerator.end_training()


def check_bf16(subject: Subject) -> None:
    """bf16 is the default where the hardware has it: losses and weights must stay finite in it."""
    gan = subject.build()
    state = subject.steps(subject.state(gan), 3, precision="bf16")
    bad = [name for name, parameter in gan.named_parameters() if not parameter.isfinite().all()]
    expect(not bad, f"after three steps in bf16 {listed(bad)} is not finite: compute sensitive parts in float32")
    wide = [name for name, p in gan.named_parameters() if p.dtype != torch.float32]
    expect(not wide, f"{listed(wide)} is not float32: autocast casts for you, parameters stay as they are")
    expect(all(total.isfinite() for total in state.sums.totals.values()), "a loss is not finite in bf16")


def sliced_distance(a: Tensor, b: Tensor, directions: int = 64) -> float:
    """Return the sliced Wasserstein-1 distance of two sets of samples, images averaged down to 8x8, others to 64."""
    pool, size = (F.adaptive_avg_pool2d, 8) if a.ndim == 1 + len("CHW") else (F.adaptive_avg_pool1d, 64)
    flat = [pool(x.float() if size == 8 else x.float().flatten(1), size).flatten(1) for x in (a, b)]
    generator = torch.Generator().manual_seed(0)
    axes = F.normalize(torch.randn(flat[0].shape[1], directions, generator=generator), dim=0)
    left, right = ((images @ axes).sort(dim=0).values for images in flat)
    return float((left - right).abs().mean())


def check_it_learns(subject: Subject) -> None:
    """After a short training its samples must be closer to real images than before it."""
    gan = subject.build()
    gan.ema = dict.fromkeys(gan.ema, 100.0)  # a short training needs a short average
    before = sliced_distance(*subject.samples(gan, SAMPLES))
    state, after = subject.state(gan), before
    for steps in CHECKED_AFTER:
        subject.steps(state, steps - state.step)
        images, real = subject.samples(state.ema.model(), SAMPLES)
        most = images.abs().max()
        expect(most <= 1, f"after {steps} steps its images go to {most:.2f}: end the generator with tanh, or clamp")
        after = sliced_distance(images, real)
        if after < NEARER * before:
            return
    raise CheckError(
        f"after {CHECKED_AFTER[-1]} steps of {BATCH} images its samples are {after:.3f} from the real ones (sliced "
        f"Wasserstein distance), and {before:.3f} before: it must fall to {NEARER:.0%}. Check the signs of the losses; "
        "if they are right it learns slowly: raise the learning rate or the width for the check",
    )
