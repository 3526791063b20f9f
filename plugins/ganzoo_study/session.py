"""One session of a study: the page is served, and every answer is saved at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ganzoo.errors import RunError
from ganzoo.training.events import Stop
from ganzoo_study.candidates import Pixels
from ganzoo_study.server import StudyServer
from ganzoo_study.study import Side, Study

_POLL = 0.2  # seconds between two checks for a signal


def check_file(out: Path, *, resume: bool) -> None:
    """Refuse a file that would be overwritten, or that is not there to be resumed."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        why = "is a folder" if out.is_dir() else "is in a folder that does not exist"
        raise RunError(f"{out} {why}: name a file with -o")
    if out.exists() and not resume:
        raise RunError(f"{out} exists: name another file with -o, or continue it with --resume")
    if resume and not out.exists():
        raise RunError(f"there is no {out} to resume: leave out --resume")


def serve(
    study: Study, pictures: Sequence[dict[Side, Pixels]], out: Path, *, port: int = 0, resume: bool = False,
    announce: Callable[[str], None] = lambda url: None,
) -> int | None:  # fmt: skip
    """Serve a study until its last answer or a signal, and return the signal.

    With ``resume`` the file may exist, and the study has its answers already.
    """
    begun = resume

    def save() -> None:
        nonlocal begun
        check_file(out, resume=begun)
        study.save(out)
        begun = True

    with Stop() as stop:
        server = StudyServer(study, pictures, save, port)
        try:
            announce(server.url)
            while not server.done.wait(_POLL) and stop.signal is None:
                pass
        finally:
            server.close()
    if server.error is not None:
        raise server.error
    return None if study.current is None else stop.signal
