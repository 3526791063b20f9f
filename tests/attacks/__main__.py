"""Attack runs, files and plugins, as often as that is worth, and print what was tried, held and failed.

    make attack

The rest of the words are names of attacks; all of them by default.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

import hostile_files
import hostile_reads
from attacks.bits import flip_bits, mutate
from attacks.crowds import list_in_parallel, sample_in_parallel
from attacks.kills import kill_at_random, kill_at_writes
from attacks.outcomes import Attack

DATA = Path(__file__).parents[1] / "samples/mnist"


def read_bombs(folder: Path) -> Attack:
    """Read each small file that asks for much memory, in a process that is watched."""
    attack = Attack(f"file that asks for memory, {hostile_reads.LIMIT / 1e9:.0f} GB at most")
    for name in hostile_files.MAKERS:
        found = hostile_reads.read(name, folder)
        above = found.memory > hostile_reads.LIMIT
        attack.holds(name, f"{found.memory / 1e9:.1f} GB" if above else None)
    return attack


ATTACKS: Mapping[str, Callable[[Path], Attack]] = {
    "writes": lambda folder: kill_at_writes(DATA, folder),
    "moments": lambda folder: kill_at_random(DATA, folder),
    "bits": lambda folder: flip_bits(DATA, folder),
    "mutations": lambda folder: mutate(DATA, folder),
    "memory": read_bombs,
    "lists": list_in_parallel,
    "samples": lambda folder: sample_in_parallel(folder, "dcgan-mnist-small"),
}


def main(names: list[str]) -> int:
    """Attack; return 1 where something failed."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable()
    failed = []
    print(f"{'what':<52}{'tried':>8}{'held':>8}{'failed':>8}{'seconds':>10}")
    for name in names or ATTACKS:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            attack = ATTACKS[name](Path(folder))
        print(f"{attack.row()}{time.perf_counter() - begun:>10.0f}", flush=True)
        failed += [f"{attack.name}: {line}" for line in attack.failed]
    print("\n".join(failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
