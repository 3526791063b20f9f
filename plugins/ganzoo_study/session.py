"""One sitting of a study: its file is looked at, the page is served, and every answer is kept as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ganzoo.cli.files import only_one
from ganzoo.errors import RunError
from ganzoo.training.events import Stop
from ganzoo_study.contestants import Pixels
from ganzoo_study.server import StudyServer
from ganzoo_study.study import Side, Study

_TICK = 0.2  # seconds between two looks at whether a signal came


def check_file(out: Path, *, resume: bool) -> None:
    """Refuse a file that would be lost, or that is not there to go on with.

    Raises:
        RunError: so.
    """
    if out.is_dir() or not out.absolute().parent.is_dir():
        why = "is a folder" if out.is_dir() else "is in a folder that does not exist"
        raise RunError(f"{out} {why}: name a file with -o")
    if out.exists() and not resume:
        raise RunError(f"{out} exists: name another file with -o, or go on with what it holds with --resume")
    if resume and not out.exists():
        raise RunError(f"there is no {out} to go on with: leave out --resume")


def only_study(out: Path) -> AbstractContextManager[None]:
    """Hold a study's file: a second study on it is refused, as each would write over the other's answers.

    Raises:
        RunError: another study runs on it.
    """
    busy = RunError(f"another study is running on {out}: end it first, or name another file with -o")
    return only_one(out.resolve(), busy)


def hold(
    study: Study, pictures: Sequence[dict[Side, Pixels]], out: Path, *, port: int = 0, resume: bool = False,
    announce: Callable[[str], None] = lambda url: None,
) -> int | None:  # fmt: skip
    """Serve a study until its last answer or a signal.

    Args:
        study: its trials; with ``resume`` it has what ``out`` holds already.
        pictures: of each trial.
        out: the file, written after each answer.
        port: 0 for one that is free.
        resume: whether ``out`` may be there.
        announce: called with the address.

    Returns:
        The signal that ended it, or None when all trials are done.

    Raises:
        RunError: the port is taken, or the file has come to be meanwhile.
        GanzooError: the file cannot be written.
    """
    begun = resume

    def save(now: Study) -> None:
        nonlocal begun
        check_file(out, resume=begun)
        now.save(out)
        begun = True

    with Stop() as stop:
        server = StudyServer(study, pictures, save, port)
        try:
            announce(server.url)
            while not server.done.wait(_TICK) and stop.signal is None:
                pass
        finally:
            server.close()
    if server.error is not None:
        raise server.error
    return None if study.current is None else stop.signal
