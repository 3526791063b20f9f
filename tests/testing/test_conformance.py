"""Every installed architecture passes the conformance kit, small."""

import pytest

import ganzoo
from ganzoo.testing import CHECKS, Subject
from helpers import narrow

PROCESSES = {"check_two_processes", "check_import_time"}
TRAINS = {"check_it_learns"}


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name in TRAINS else [])
        for name in CHECKS
        if name not in PROCESSES
    ],
)
@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_conformance(name, check):
    CHECKS[check](Subject.find(name, narrow(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_two_processes(name):
    CHECKS["check_two_processes"](Subject.find(name, narrow(name)))


@pytest.mark.slow
def test_import_time():
    """Of the slowest to import alone: it starts ten processes."""
    CHECKS["check_import_time"](Subject.find(ganzoo.list_architectures()[-1]))
