"""Every installed architecture passes the conformance kit, small."""

import pytest

import ganzoo
from ganzoo.testing import CHECKS, Subject
from helpers import narrow

SLOW = {"check_two_processes", "check_import_time"}


@pytest.mark.parametrize("check", [name for name in CHECKS if name not in SLOW])
@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_conformance(name, check):
    CHECKS[check](Subject.find(name, narrow(name)))


@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_two_processes(name):
    CHECKS["check_two_processes"](Subject.find(name, narrow(name)))


def test_import_time():
    """Of the slowest to import alone: it starts ten processes."""
    CHECKS["check_import_time"](Subject.find(ganzoo.list_architectures()[-1]))
