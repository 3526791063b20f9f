"""Errors that are told apart by their text."""

import shlex
from pathlib import Path

import pytest
import torch

from ganzoo.errors import RunError, command_line, did_you_mean, is_out_of_memory


def test_a_command_can_be_pasted_whatever_is_in_its_paths():
    assert (
        command_line("sample", Path("runs/a"), "-n", 64, "-o", "grid.png") == "ganzoo sample runs/a -n 64 -o grid.png"
    )
    words = ("train", "--resume", Path("runs/c d; $(e) 'f'"), "-o", "lr=...")
    assert shlex.split(command_line(*words)) == ["ganzoo", *map(str, words)]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=lambda error: str(error)[:30] or type(error).__name__,
)
def test_exhausted_memory_is_recognised(error):
    assert is_out_of_memory(error)


def test_what_torch_raises_on_the_cpu_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("cannot allocate a seat for the generator"),
        KeyError("allocate"),
        ValueError("allocate memory"),
        OSError("out of memory"),
        RunError("out of memory"),
        RuntimeError("shapes cannot be multiplied"),
    ],
    ids=repr,
)
def test_an_unrelated_error_is_not(error):
    assert not is_out_of_memory(error)


@pytest.mark.parametrize(("name", "close"), [("dgo", "dog"), ("DOG", "dog"), ("owls", "Owl"), ("zebra", None)])
def test_the_closest_name_is_found_in_any_case(name, close):
    assert did_you_mean(name, ["cat", "dog", "Owl"]) == (f" Did you mean '{close}'?" if close else "")
