"""What is asked often answers at once: nothing heavy is imported for it."""

from __future__ import annotations

import pytest

from installs import python

HEAVY = ["torch", "numpy", "timm", "huggingface_hub", "PIL", "accelerate", "safetensors", "pyarrow"]
CALL = """
import sys
from ganzoo.cli import main
sys.argv = ["ganzoo", *{arguments!r}]
try:
    main()
except SystemExit:
    pass
print([name for name in {heavy!r} if name in sys.modules])
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["list", "--json"],
        ["show", "dcgan"],
        ["show", "no-such-thing"],
        ["plugins"],
        ["--help"],
        ["train", "--help"],
        ["sample", "--help"],
        ["report", "--help"],
        ["study", "--help"],
        ["study", "dcgan-mnist"],
        ["train", "dcgan", "--data", "x", "-o", "no-equals-sign"],
    ],
    ids=" ".join,
)
def test_a_command_imports_nothing_heavy(arguments):
    done = python("-c", CALL.format(arguments=arguments, heavy=HEAVY))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_runs_card_imports_nothing_heavy(trained):
    for more in ([], ["--json"]):
        done = python("-c", CALL.format(arguments=["show", str(trained), *more], heavy=HEAVY))
        assert '"dcgan"' in done.stdout if more else "architecture  dcgan" in done.stdout
        assert done.stdout.splitlines()[-1] == "[]"


def test_the_package_imports_nothing_heavy_and_knows_its_names():
    code = "import sys, ganzoo; names = dir(ganzoo); ganzoo.list_architectures(); ganzoo.GanzooError"
    done = python("-c", f"{code}; print('train' in names, [m for m in {HEAVY!r} if m in sys.modules])")
    assert done.stdout == "True []\n"


def test_the_public_names_are_all_there():
    import ganzoo

    assert all(getattr(ganzoo, name) is not None for name in ganzoo.__all__)
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = ganzoo.nothing
