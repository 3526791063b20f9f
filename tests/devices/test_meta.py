"""Training on the `meta` device, which computes shapes alone: what is left on the CPU, or read from it, fails."""

import contextlib
import importlib
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

import ganzoo
from device_helpers import Waits, begin, run, small
from ganzoo.data import Loader, open_data, prepare
from ganzoo.data.degradations import DEGRADATIONS
from ganzoo.gan import SampleSpec
from ganzoo.gan.image_to_image import ImagePool
from ganzoo.training.settings import Settings

ARCHITECTURES = ganzoo.list_architectures()
PLAIN = Settings("digits", 10**6, batch_size=8, precision="fp32")
AUGMENTED = Settings(
    "digits", 10**6, batch_size=8, precision="fp32", augment="color,translation,cutout", instance_noise=0.1
)
READ = {"progan": "reads its level from a buffer, once a batch of generated images"}


@pytest.fixture(autouse=True)
def _like_a_gpu(monkeypatch):
    """Give `meta` what GPUs have: autocast, which is off here, and fused optimizers."""
    autocast, adam = torch.autocast, importlib.import_module("torch.optim.adam")

    def on_any_device(device_type, *args, **kwargs):
        return contextlib.nullcontext() if device_type == "meta" else autocast(device_type, *args, **kwargs)

    monkeypatch.setattr(torch, "autocast", on_any_device)
    monkeypatch.setattr(adam, "_device_dtype_check_for_fused", lambda *_, **__: None)


def left_on_the_cpu(state):
    """Return the names of tensors of a state that are not on its device; fused optimizers have steps there too."""
    moments = {
        f"{name}.{key}": value
        for name, optimizer in state.optimizers.items()
        for values in optimizer.state.values()
        for key, value in values.items()
        if key != "step" or optimizer.defaults.get("fused")
    }
    tensors = {**state.buffers(), **dict(state.gan.named_parameters()), **state.ema.state_dict(), **moments}
    return {name for name, value in tensors.items() if value.is_cpu}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_phase_of_every_stage(name):
    subject = small(name)
    assert len(subject.store) > PLAIN.batch_size  # decoded before
    state = begin(subject, PLAIN, "meta")
    with Waits("meta") as waits:
        run(subject, state, PLAIN)
    assert waits.found == []
    played = {term.rsplit("/", 1)[0] for term in state.sums.totals}
    assert played == {phase.name for stage in state.gan.stages() for phase in stage.phases}
    assert left_on_the_cpu(state) == set()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_augmented_inputs_of_discriminators(name):
    subject = small(name)
    state = begin(subject, AUGMENTED, "meta")
    state.augmentation.adaptive = True  # all augmentations at once
    state.step = 3
    with Waits("meta") as waits:
        run(subject, state, AUGMENTED)
        state.augmentation.after_step(4, 8, Accelerator(cpu=True))
    assert waits.found == []
    assert left_on_the_cpu(state) == set()


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.skip(READ[n])] if n in READ else []) for n in ARCHITECTURES]
)
def test_generation(name):
    gan = small(name).build().eval()
    inputs = {key: value.to("meta") for key, value in gan.inputs(4, seeds=range(4)).items()}
    gan = gan.to("meta")
    with Waits("meta") as waits, torch.inference_mode():
        images = gan.generate(**inputs)
    assert waits.found == []
    assert (images.shape, images.device.type) == ((4, *gan.output_spec().size), "meta")


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("degradation", [None, *DEGRADATIONS])
def test_batches(folder, degradation, encoded):
    spec = SampleSpec((3, 32, 32))
    source = open_data(f"{degradation}:{folder}" if degradation else str(folder))
    keys = ("A", "B") if degradation else ("image",)
    loader = Loader(prepare(source, dict.fromkeys(keys, spec), progress=False, encoded=encoded), seed=0, device="meta")
    with Waits("meta") as waits:
        batches = [loader.batch(position, 8, resolution) for position in (0, 8) for resolution in (None, 16)]
    assert waits.found == []
    assert {value.device.type for batch in batches for value in batch.values()} == {"meta"}


@pytest.mark.parametrize("n", [3, 8])
def test_a_pool_of_generated_images(n):
    pool = ImagePool((3, 16, 16), 5).to("meta")
    with Waits("meta") as waits:
        shown = pool.swap(torch.empty(n, 3, 16, 16, device="meta"))
    assert waits.found == []
    assert shown.shape == (n, 3, 16, 16)


@pytest.fixture(scope="module")
def engine():
    """The benchmark of the engine, whose plain loops then train on `meta`."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        engine = importlib.import_module("engine")
        patch.setattr(engine, "DEVICE", torch.device("meta"))
        patch.setattr(engine, "N", 128)
        patch.setattr(engine, "make", lambda name: small(name).build().to("meta"))
        yield engine
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"plain", "engine", "rounds"}:
            del sys.modules[name]


@pytest.mark.parametrize("name", ["dcgan", "infogan", "cyclegan", "progan", "stylegan2"])
def test_plain_loops_of_the_benchmark(name, engine):
    step = engine.plain_step(name, "fp32")
    with Waits("meta") as waits:
        step()
    assert waits.found == []


def test_what_is_left_on_the_cpu_is_found():
    """`meta` itself lets a convolution take a weight that is on the CPU, and an update take such a gradient."""
    maps, weight = torch.empty(2, 3, 8, 8, device="meta"), torch.ones(4, 3, 3, 3)
    with Waits("meta") as waits:
        torch.nn.functional.conv2d(maps, weight)
        maps.add_(torch.ones(8))
        torch.tensor([1.0], device="meta")
        weight.to("meta")
        assert (weight + weight).sum().item() > 0  # on the CPU alone, for which nothing waits
        weight.to("meta", non_blocking=True)
    problems = [problem.split(": ")[0] for problem in waits.found]
    assert problems == [
        "aten.convolution.default mixes cpu and meta", "aten.add_.Tensor mixes cpu and meta", "tensor waits",
        "aten._to_copy.default waits",
    ]  # fmt: skip
    assert all("test_meta.py:" in problem for problem in waits.found)
