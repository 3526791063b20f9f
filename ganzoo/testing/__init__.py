"""The conformance kit: whether an architecture does what every user of the zoo counts on.

``ganzoo check NAME`` runs it on the command line; `conformance` makes tests of it in a package of one's own. The checks
are plain functions `check_*` of this package's modules; each takes a `Subject` and raises a `CheckError` that says what
to change.
"""

from ganzoo.testing.runner import CHECKS, Result, conformance, run, select
from ganzoo.testing.subject import DIGITS, CheckError, Subject

__all__ = ["CHECKS", "DIGITS", "CheckError", "Result", "Subject", "conformance", "run", "select"]
