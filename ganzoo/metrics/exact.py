"""Networks computed in float32 as it is, so that a value does not depend on the machine's short cuts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def exactly(device: torch.device) -> Iterator[None]:
    """Switch off autocast, and the TF32 and bf16 that float32 is otherwise computed in on some machines.

    A GPU convolves in TF32 unless it is told not to, with ten bits of mantissa; a training may have asked for more of
    the kind. All is as before when the block ends. What is left is the order of sums: rounding.
    """
    backends: Any = torch.backends
    switches = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = "ieee"
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        for switch, precision in zip(switches, before, strict=True):
            switch.fp32_precision = precision
