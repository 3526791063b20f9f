"""Started by test_own in two processes: each architecture trains straight on and, beside it, is saved and restored."""

import sys
from pathlib import Path

import torch
from accelerate import Accelerator

import ganzoo
from ganzoo.data import Loader
from ganzoo.training import checkpoint, rng_state
from ganzoo.training.discriminator_inputs import Augmentation
from ganzoo.training.ema import EMA
from ganzoo.training.loop import train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State
from helpers import make, make_store

STEPS, BATCH = 3, 8


def fresh(name: str) -> State:
    gan = make(name)
    augmentation = Augmentation("ada" if gan.decision_boundary is not None else "color", noise=0.1)
    return State(gan, EMA(gan), gan.optimizers(), augmentation=augmentation)


def everything(state: State) -> dict[str, torch.Tensor]:
    """Return all that training changes, the random states of this process among it."""
    found = {f"gan.{key}": value for key, value in state.gan.state_dict().items()}
    found |= {f"ema.{key}": value for key, value in state.ema.state_dict().items()}
    found |= {f"buffer.{key}": value for key, value in state.buffers().items()}
    found |= {f"sum.{key}": value for key, value in state.sums.totals.items()}
    found |= {f"random.{key}": value for key, value in rng_state.generators().items()}
    for name, optimizer in state.optimizers.items():
        for number, values in optimizer.state_dict()["state"].items():
            found |= {f"{name}.{number}.{key}": torch.as_tensor(value) for key, value in values.items()}
    return {key: value.clone() for key, value in found.items()}


def main(folder: Path, images) -> None:
    accelerator = Accelerator(cpu=True)
    rank, world = accelerator.process_index, accelerator.num_processes
    assert world == 2
    for name in ganzoo.list_architectures():
        for precision in ("fp32", "bf16"):

            def play(state: State, steps: int, precision: str = precision) -> None:
                last = state.step + steps
                loader = Loader(make_store(images, gan=state.gan), seed=0, rank=rank, world=world)
                with state.augmentation.attached(state.gan):
                    settings = Settings("digits", 10**6, batch_size=BATCH, precision=precision)
                    train(state, loader, accelerator, settings, after_step=lambda: state.step >= last)

            rng_state.seed(rank)
            straight = fresh(name)
            play(straight, STEPS)
            run = folder / f"{name}-{precision}"
            run.mkdir(exist_ok=True)
            path = checkpoint.save(run, straight, accelerator, keep=1)
            play(straight, STEPS)
            expected = everything(straight)
            rng_state.seed(99)
            restored = fresh(name)
            checkpoint.restore(path, restored, accelerator)
            play(restored, STEPS)
            found = everything(restored)
            assert expected.keys() == found.keys(), name
            wrong = [key for key in expected if not torch.equal(expected[key], found[key])]
            assert not wrong, f"{name} in {precision}, process {rank}: {', '.join(wrong[:5])}"
            if rank == 0:
                sys.stdout.write(f"{name} {precision} same\n")
    accelerator.wait_for_everyone()


if __name__ == "__main__":
    import numpy as np

    kept = np.load(sys.argv[2])
    main(Path(sys.argv[1]), (kept["images"], kept["labels"].astype(np.int64)))
