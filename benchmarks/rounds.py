"""What the benchmarks share: rounds that alternate, ratios of their pairs, options, and the table that they print.

A machine that is busy with other work is slower at one time than at another. So what is compared alternates in one run,
each round is a pair, and the median of the paired ratios is taken: what slows a pair slows both of its halves.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import torch

_BUSY = 0.25  # cores that other processes may use without a mark: what an idle desktop does


@dataclass(frozen=True)
class Row:
    """One comparison.

    Args:
        what: is compared.
        theirs: the figure of what ganzoo is measured against.
        ours: ganzoo's figure.
        unit: of both, for instance ``"img/s"``.
        ratio: ours against theirs, the median over the pairs.
        aim: what the ratio should be, for instance ``">= 0.97"``.
    """

    what: str
    theirs: float
    ours: float
    unit: str
    ratio: float
    aim: str


def now() -> float:
    """Return the wall time in seconds, after the accelerator's work."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def seconds(function: Callable[[], object]) -> float:
    """Return the wall time of one call, the accelerator's work included."""
    begun = now()
    function()
    return now() - begun


def alternate(functions: Sequence[Callable[[], object]], rounds: int, *, warm_up: int = 1) -> list[list[float]]:
    """Call the functions in turn and return the seconds of each call, a list per function.

    Every other round goes through them backwards, so that none is always measured just after another one.

    Args:
        functions: what is compared.
        rounds: calls of each that count.
        warm_up: calls of each before those.
    """
    times: list[list[float]] = [[] for _ in functions]
    for round_ in range(-warm_up, rounds):
        order = range(len(functions)) if round_ % 2 else reversed(range(len(functions)))
        for i in order:
            taken = seconds(functions[i])
            if round_ >= 0:
                times[i].append(taken)
    return times


def paired_ratio(above: Iterable[float], below: Iterable[float]) -> float:
    """Return the median of ``above / below``, pair by pair."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def speeds(
    what: str,
    theirs: Mapping[str, Callable[[], object]],
    ours: Callable[[], object],
    *,
    images: int,
    rounds: int,
    aim: str,
) -> Row:
    """Compare functions that all make, draw or read ``images`` images a call: ours with the fastest of theirs.

    Args:
        what: is compared; the name of the fastest is added to it.
        theirs: one way or several, by name.
        ours: ganzoo's.
        images: of a call.
        rounds: of all of them in turn.
        aim: of the ratio of the speeds.
    """
    *others, own = alternate([*theirs.values(), ours], rounds)
    name, fastest = min(zip(theirs, others, strict=True), key=lambda pair: statistics.median(pair[1]))
    return Row(
        f"{what}, {name}" if name else what, images / statistics.median(fastest), images / statistics.median(own),
        "img/s", paired_ratio(fastest, own), aim,
    )  # fmt: skip


def parser(
    doc: str | None, *, rounds: int = 0, only: Iterable[str] = (), threads: Sequence[int] = ()
) -> argparse.ArgumentParser:
    """Return a parser with the options of all benchmarks; ``--rounds`` and ``--only`` where they mean something.

    ``--threads`` takes one number; with ``threads``, its default, several that are measured one after another.
    """
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if rounds:
        made.add_argument("--rounds", type=int, default=rounds, help="alternating rounds  [default: %(default)s]")
    default = [*threads] or torch.get_num_threads()
    several = "+" if threads else None
    made.add_argument("--threads", type=int, nargs=several, default=default, help="of torch  [default: %(default)s]")
    made.add_argument("--json", type=Path, help="write the figures to this file, too")
    if choices := list(only):
        made.add_argument(
            "--only", nargs="+", choices=choices, default=choices, metavar="NAME", help=", ".join(choices)
        )
    return made


def parse(made: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line, set the number of threads, and mark a run beside other load."""
    options = made.parse_args()
    torch.set_num_threads(options.threads)
    mark_load()
    return options


def mark_load(seconds: float = 1.0) -> None:
    """Print a warning where other processes keep the machine busy: two threads that wait for one core mislead."""
    cores = psutil.cpu_count() or 1
    busy = psutil.cpu_percent(interval=seconds) / 100 * cores
    if busy > _BUSY:
        print(f"! {busy:.1f} of {cores} cores are busy with other work: measure again on a quiet machine\n")


def figure(value: float) -> str:
    """Return a number with three digits, or more before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(rows: Sequence[Row], file: Path | None = None) -> None:
    """Print the comparisons as a table, and write them to ``file``."""
    print(f"{'what':<44}{'theirs':>16}{'ours':>16}{'ratio':>8}  aim")
    for row in rows:
        theirs, ours = (f"{figure(value)} {row.unit}" for value in (row.theirs, row.ours))
        print(f"{row.what:<44}{theirs:>16}{ours:>16}{row.ratio:>8.3f}  {row.aim}")
    write(rows, file)


def write(rows: Sequence[object], file: Path | None) -> None:
    """Write dataclass instances to a JSON file, if one is named."""
    if file is not None:
        file.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
