from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from ganzoo.registry import hookspecs

ROOT = Path(__file__).parent.parent.parent
HOOKS = [name for name in vars(hookspecs) if name.startswith("ganzoo_")]


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_what_it_does_and_with_what(name):
    hook = getattr(hookspecs, name)
    signature = inspect.signature(hook)
    assert inspect.getdoc(hook)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not p.empty for p in signature.parameters.values())


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented(name):
    assert name in (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_tested(name):
    own = Path(__file__)
    assert any(name in path.read_text(encoding="utf-8") for path in own.parent.glob("test_*.py") if path != own)
