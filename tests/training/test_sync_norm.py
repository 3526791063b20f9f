"""Batch norm over several processes: what one process computes of the whole batch, two compute of its halves."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from ganzoo.training.sync_norm import SyncBatchNorm, convert_batch_norm

PROGRAM = """
import sys, torch
from torch import nn
from ganzoo.training.sync_norm import convert_batch_norm
torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
torch.manual_seed(0)
maps = torch.randn({shape}) * 3 + 1
norm = {kind}
nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
head = torch.randn(maps.shape)
if {two}:
    convert_batch_norm(norm, 2)
    maps, head = maps.chunk(2)[rank], head.chunk(2)[rank]
maps = maps.double().requires_grad_() if {double} else maps.requires_grad_()
norm = norm.to(maps.dtype)
out = norm(maps)
(gradient,) = torch.autograd.grad((out * head).sum(), maps, create_graph=True)
gradient.square().sum().backward()
made = {{"out": out, "first": gradient, "second": maps.grad, "mean": norm.running_mean, "var": norm.running_var}}
made |= {{"weight": norm.weight.grad, "batches": norm.num_batches_tracked}}
torch.save({{k: v.detach() for k, v in made.items()}}, sys.argv[1] + f"/{two}-{{rank}}.pt")
torch.distributed.barrier()
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shape"), [("nn.BatchNorm2d(3)", "8, 3, 5, 5"), ("nn.BatchNorm1d(4, momentum=None)", "16, 4")]
)
def test_two_halves_are_normalised_as_the_whole_also_when_differentiated_twice(kind, shape, tmp_path):
    for two in (0, 1):
        script = tmp_path / f"{two}.py"
        script.write_text(PROGRAM.format(kind=kind, shape=shape, two=two, double=True))
        launch = ["-m", "torch.distributed.run", "--nproc_per_node", str(two + 1), "--standalone", str(script)]
        done = subprocess.run(
            [sys.executable, *launch, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
    whole, first, second = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("0-0", "1-0", "1-1"))
    for key in ("out", "first", "second"):
        torch.testing.assert_close(torch.cat([first[key], second[key]]), whole[key], msg=key)
    for key in ("mean", "var", "batches"):
        assert torch.equal(first[key], second[key])
        torch.testing.assert_close(first[key], whole[key], msg=key)
    torch.testing.assert_close(first["weight"] + second["weight"], whole["weight"])


def test_every_batch_norm_is_turned_and_nothing_else_is():
    network = nn.Sequential(nn.BatchNorm2d(2), nn.Sequential(nn.BatchNorm1d(2), nn.InstanceNorm2d(2)), nn.Linear(2, 2))
    before = dict(network.named_parameters())
    assert convert_batch_norm(network, 1) == 2
    assert type(network[0]) is nn.BatchNorm2d  # one process has nobody to ask
    assert convert_batch_norm(network, 2) == 2
    assert [type(layer) for layer in network[1]] == [SyncBatchNorm, nn.InstanceNorm2d]
    assert all(parameter is before[name] for name, parameter in network.named_parameters())


def test_it_draws_as_the_norm_that_it_was():
    norm, maps = nn.BatchNorm2d(2), torch.randn(4, 2, 3, 3)
    norm(maps)
    norm.eval()
    expected = norm(maps)
    convert_batch_norm(norm, 2)
    assert torch.equal(norm(maps), expected)
