"""Batch norm over several processes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.nn.layers import at_least_float32

_KINDS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class _Sum(torch.autograd.Function):
    """The sum over all processes; what each has of it, all have a part in, so its gradient is a sum as well."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # may be differentiated again
        total: Tensor = _Sum.apply(*gradients)
        return total


class SyncBatchNorm(nn.BatchNorm2d):
    """Batch norm of (N, C, ...) whose statistics in training are those of the batch over all processes.

    torch's own computes on GPUs alone, and cannot be differentiated twice, which gradient penalties need.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise; every process holds as many images."""
        if not self.training:
            return super().forward(maps)
        places = [i for i in range(maps.ndim) if i != 1]
        full = at_least_float32(maps)
        mean = self._mean_over_processes(full.mean(places))
        shape = [1, -1] + [1] * (maps.ndim - 2)
        centred = full - mean.view(shape)
        variance = self._mean_over_processes(centred.square().mean(places))
        self._remember(mean.detach(), variance.detach(), full.numel() // full.shape[1])
        scale = torch.rsqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        out = centred * scale.view(shape)
        if self.bias is not None:
            out = out + self.bias.view(shape)
        return out.to(maps.dtype)

    def _mean_over_processes(self, values: Tensor) -> Tensor:
        total: Tensor = _Sum.apply(values)
        return total / torch.distributed.get_world_size()

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        count *= torch.distributed.get_world_size()
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * (count / max(count - 1, 1)), share)

    def _check_input_dim(self, maps: Tensor) -> None:
        if maps.ndim < 2:
            raise ValueError(f"batch norm takes (N, C, ...), not {tuple(maps.shape)}")


def convert_batch_norm(network: nn.Module, processes: int) -> int:
    """Turn every batch norm below ``network`` into a `SyncBatchNorm`, where there are several processes.

    Returns:
        How many batch norms there are.
    """
    found = [layer for layer in network.modules() if type(layer) in _KINDS]
    for layer in found if processes > 1 else ():
        layer.__class__ = SyncBatchNorm  # in place: its parameters, and whoever refers to it, stay
    return len(found)
