"""The conformance kit: checks that an architecture behaves as the command line and the engine expect.

``ganzoo check NAME`` runs it on the command line; `conformance` turns it into pytest tests of a plugin package. The
checks are the functions `check_*` of this package's modules; each takes a `Subject` and raises a `CheckError` that says
what to change.
"""

from ganzoo.testing.runner import CHECKS, Result, conformance, run, select
from ganzoo.testing.subject import DIGITS, CheckError, Subject

__all__ = ["CHECKS", "DIGITS", "CheckError", "Result", "Subject", "conformance", "run", "select"]
