"""The conformance kit: `check_*` functions that take a `Subject`, and raise a `CheckError` that says what to change."""

from ganzoo.testing.runner import CHECKS, Result, conformance, run, select
from ganzoo.testing.subject import DIGITS, CheckError, Subject

__all__ = ["CHECKS", "DIGITS", "CheckError", "Result", "Subject", "conformance", "run", "select"]
