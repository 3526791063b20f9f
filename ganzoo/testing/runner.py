"""Running the checks: all of one architecture with results, or each as a pytest test of a plugin package."""

from __future__ import annotations

import dataclasses
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from ganzoo.errors import ConfigError, GanzooError, did_you_mean
from ganzoo.testing import plugin_checks, run_checks, sampling_checks, training_checks
from ganzoo.testing.subject import CheckError, Subject

Check = Callable[[Subject], None]
MODULES = (plugin_checks, sampling_checks, training_checks, run_checks)
CHECKS: dict[str, Check] = {
    name: value for module in MODULES for name, value in vars(module).items() if name.startswith("check_")
}
"""All checks by name, the quick ones first."""
STRUCTURE = "check_structure"
TRAINING = (training_checks.__name__, run_checks.__name__)
"""The modules whose checks run phases."""


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of a check.

    Args:
        name: of the check.
        status: ``"passed"``, ``"failed"``, ``"skipped"``, or ``"expected"`` for a failure that is expected for a
            reason.
        seconds: that it took.
        message: why it failed, and what to change.
        meaning: why the check matters.
    """

    name: str
    status: str
    seconds: float
    message: str
    meaning: str


def select(only: tuple[str, ...] = (), expected: Mapping[str, str] | None = None) -> dict[str, Check]:
    """Return the checks to run; ``only`` and the keys of ``expected`` may leave out ``check_``.

    Raises:
        ConfigError: there is no such check, or an expected failure has no reason.
    """
    for name, reason in (expected or {}).items():
        full_name(name)
        if not reason.strip():
            raise ConfigError(f"{name} is expected to fail without a reason: give one")
    chosen = [full_name(name) for name in only] or list(CHECKS)
    return {name: CHECKS[name] for name in CHECKS if name in chosen}


def full_name(name: str) -> str:
    """Return ``check_x`` for ``x`` or ``check_x``."""
    full = name if name.startswith("check_") else f"check_{name}"
    if full not in CHECKS:
        raise ConfigError(f"there is no check '{name}'.{did_you_mean(full, CHECKS)} There are: {', '.join(CHECKS)}")
    return full


def run(subject: Subject, checks: Mapping[str, Check], expected: Mapping[str, str] | None = None) -> Iterator[Result]:
    """Run checks in order and yield their results; if `check_structure` fails, those that train are skipped.

    They run on one thread: the networks are small, and on a busy machine several threads mostly wait for each other.
    """
    reasons = {full_name(name): reason for name, reason in (expected or {}).items()}
    sound, threads = True, torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name, check in checks.items():
            if sound or check.__module__ not in TRAINING:
                result = _result(subject, name, check, reasons)
                sound = sound and (name != STRUCTURE or result.status != "failed")
            else:
                result = Result(name, "skipped", 0.0, f"{STRUCTURE} comes first", _meaning(check))
            yield result
    finally:
        torch.set_num_threads(threads)


def _meaning(check: Check) -> str:
    return " ".join((check.__doc__ or "").split())


def _result(subject: Subject, name: str, check: Check, reasons: Mapping[str, str]) -> Result:
    start = time.perf_counter()
    try:
        check(subject)
        status, message = "passed", ""
        if name in reasons:
            status, message = "failed", f"it passes, and was expected to fail: {reasons[name]}"
    except Exception as error:  # noqa: BLE001 - the plugin's code may raise anything
        status, message = "failed", _message(error, subject)
        if name in reasons:
            status, message = "expected", reasons[name]
    return Result(name, status, round(time.perf_counter() - start, 2), message, _meaning(check))


def _message(error: Exception, subject: Subject) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, CheckError | GanzooError):
        return text
    if "through the graph a second time" in text:
        text = "a phase keeps a tensor with a graph, in the batch or elsewhere: detach() it there"
    return f"{type(error).__name__}: {text}{_place(error, subject)}"


def _place(error: Exception, subject: Subject) -> str:
    """Return the last line of the traceback in the plugin's package, or else the last one."""
    frames = list(traceback.walk_tb(error.__traceback__))
    package = subject.record.target.partition(".")[0].partition(":")[0]
    own = [frame for frame in frames if frame[0].f_globals.get("__name__", "").partition(".")[0] == package]
    frame, line = (own or frames)[-1]
    return f" ({frame.f_code.co_filename}:{line})"


def conformance(
    name: str,
    *,
    config: Mapping[str, Any] | None = None,
    data: str | None = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a test function: pytest calls it once per check, with a ``check`` to call.

    ::

        @conformance("mygan", config={"width": 8})
        def test_conformance(check):
            check()

    Args:
        name: of an installed architecture.
        config: hyper-parameters that keep it small.
        data: images to train on; without it 1,000 digits of MNIST.
        expected_failures: a reason for each check that is expected to fail; a pass is then a failure.

    Raises:
        ConfigError: there is no such check, or an expected failure has no reason.
    """
    import pytest

    reasons = {full_name(key): reason for key, reason in (expected_failures or {}).items()}
    select(expected=reasons)

    def parameter(key: str, check: Check) -> Any:
        def call() -> None:
            check(Subject.find(name, config, data))

        call.__doc__ = check.__doc__
        marks = [pytest.mark.xfail(reason=reasons[key], strict=True)] if key in reasons else []
        return pytest.param(call, id=key, marks=marks)

    return pytest.mark.parametrize("check", [parameter(key, check) for key, check in CHECKS.items()])
