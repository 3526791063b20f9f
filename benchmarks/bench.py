"""All benchmarks that compare ganzoo with something else, in one table.

    python benchmarks/bench.py [--only startup sampling] [--rounds 8] [--threads 1 2] [--json FILE]

Each part is a script of its own, which measures in more rounds and says what is compared. By default all is measured
with one thread and with as many as there are cores: ratios of several threads suffer most from other load.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from rounds import Row, mark_load, paired_ratio, parser, show

from ganzoo.training.updates import resolve_precision

ENGINE = "engine"
PARTS = ("startup", "hub", ENGINE, "defaults", "sampling", "measuring", "data")


def engine_rows(rounds: int) -> list[Row]:
    """Compare the engine with the plain loop of each model; see benchmarks/engine.py."""
    import engine  # it needs the plain loops, and the other parts do not

    precision = resolve_precision("auto", engine.DEVICE)
    rows = []
    for name, steps in engine.STEPS.items():
        phases = engine.make(name).stages()[-1].phases
        images = steps * engine.BATCH * (1 + sum(phase.repeat - 1 for phase in phases))
        own, plain = engine.alternate(name, precision, rounds, engine.plain_step(name, precision))
        theirs, ours = (images / statistics.median(taken) for taken in (plain, own))
        rows.append(Row(f"engine / plain loop, {name}", theirs, ours, "img/s", paired_ratio(plain, own), ">= 0.97"))
    return rows


def script_rows(name: str, rounds: int, threads: int) -> list[Row]:
    """Run a benchmark in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path, file = Path(__file__).with_name(f"{name}.py"), Path(folder) / "rows.json"
        options = ["--rounds", str(rounds), "--threads", str(threads), "--json", str(file)]
        subprocess.run([sys.executable, str(path), *options], stdout=subprocess.DEVNULL, check=True)
        return [Row(**row) for row in json.loads(file.read_text(encoding="utf-8"))]


def main() -> None:
    """Measure and print."""
    made = parser(__doc__, rounds=8, only=PARTS, threads=sorted({1, torch.get_num_threads()}))
    options = made.parse_args()
    mark_load()
    rows = []
    for threads in options.threads:
        torch.set_num_threads(threads)
        for name in options.only:
            print(f"measuring {name} with {threads} thread(s) ...", file=sys.stderr)
            found = engine_rows(options.rounds) if name == ENGINE else script_rows(name, options.rounds, threads)
            rows += [replace(row, what=f"{row.what}, {threads} thread{'s' * (threads > 1)}") for row in found]
    print(f"{options.rounds} alternating rounds, medians of paired ratios\n")
    show(rows, options.json)
    mark_load()


if __name__ == "__main__":
    main()
