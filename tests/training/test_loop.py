import pytest
import torch
from accelerate import Accelerator
from torch import nn

import ganzoo
from ganzoo.data import Loader
from ganzoo.gan import GAN, Phase, Stage
from ganzoo.training.ema import EMA
from ganzoo.training.loop import current_stage, train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State
from ganzoo.training.updates import PhaseRunner
from helpers import make, make_state, make_store, run_steps

ARCHITECTURES = ganzoo.list_architectures()


class Toy(GAN):
    """Two scalars and whatever phases a test wants."""

    def __init__(self, stages):
        super().__init__()
        self.generator = nn.Linear(1, 1, bias=False)
        self.discriminator = nn.Linear(1, 1, bias=False)
        self.ema = {"generator": 100.0}
        self.made = stages
        self.progresses = []
        self.batches = []

    def optimizers(self):
        return {
            "G": torch.optim.SGD(self.generator.parameters(), 1.0),
            "D": torch.optim.SGD(self.discriminator.parameters(), 1.0),
        }

    def stages(self):
        return self.made(self)

    def before_step(self, progress):
        self.progresses.append(progress)

    def loss(self, name, value=1.0):
        def compute(batch, progress):
            self.batches.append((name, progress.step, batch))
            yield {"loss": value * getattr(self, name).weight.sum() * torch.ones(len(batch["image"]))}

        return compute


def play(gan, digits, *, images, batch_size=8):
    state = make_state(gan)
    loader = Loader(make_store(digits, 64), seed=0)
    settings = Settings("digits", images, batch_size=batch_size, precision="fp32")
    train(state, loader, Accelerator(cpu=True), settings, after_step=lambda: False)
    return state


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_step_moves_every_parameter_and_stays_finite(name, digits):
    gan = make(name)
    growing = len(gan.stages()) > 1  # its first stage leaves alone what comes later
    before = {key: value.clone() for key, value in gan.named_parameters()}
    run_steps(make_state(gan), make_store(digits, gan=gan), 2)
    for key, value in gan.named_parameters():
        assert torch.isfinite(value).all(), key
        # A critic's score may be shifted at will: the gradients of its last bias on real and fake cancel out.
        if not growing and not (name.startswith("wgan") and key == "discriminator.logit.bias"):
            assert not torch.equal(value, before[key]), f"{key} did not move"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_bf16_trains_too(name, digits):
    gan = make(name)
    state = run_steps(make_state(gan), make_store(digits, gan=gan), 2, precision="bf16")
    assert all(torch.isfinite(p).all() for p in state.gan.parameters())
    assert all(p.dtype == torch.float32 for p in state.gan.parameters())


def test_only_the_parameters_of_the_phase_get_gradients(digits):
    seen = {}

    def stages(gan):
        def both(batch, progress):
            product = gan.generator.weight * gan.discriminator.weight
            seen["grad"] = (gan.generator.weight.requires_grad, gan.discriminator.weight.requires_grad)
            yield {"loss": product.sum() * torch.ones(len(batch["image"]))}

        return [Stage([Phase("G", "G", both)])]

    gan = Toy(stages)
    before = gan.discriminator.weight.detach().clone()
    play(gan, digits, images=8)
    assert seen["grad"] == (True, False)
    assert torch.equal(gan.discriminator.weight, before)
    assert gan.discriminator.weight.grad is None


def test_a_lazy_phase_plays_on_each_nth_step_scaled_by_n(digits):
    gan = Toy(lambda gan: [Stage([Phase("G", "G", gan.loss("generator"), every=4)])])
    start = gan.generator.weight.item()
    play(gan, digits, images=8 * 8)  # steps 0 to 7: played at 0 and 4
    assert [step for _, step, _ in gan.batches] == [0, 4]
    assert gan.generator.weight.item() == pytest.approx(start - 2 * 4.0)  # SGD, lr 1, gradient 1 times 4


def test_a_repeated_phase_gets_a_fresh_batch_each_time_and_they_all_count(digits):
    def stages(gan):
        return [Stage([Phase("D", "D", gan.loss("discriminator"), repeat=3), Phase("G", "G", gan.loss("generator"))])]

    gan = Toy(stages)
    state = play(gan, digits, images=24)
    assert (state.step, state.images) == (1, 24)
    batches = [batch["image"] for _, _, batch in gan.batches]
    assert not torch.equal(batches[0], batches[1])
    assert not torch.equal(batches[1], batches[2])
    assert gan.batches[3][2] is gan.batches[0][2]  # the generator shares the step's first batch


def test_stages_change_phases_batch_size_and_resolution(digits):
    def stages(gan):
        phase = Phase("G", "G", gan.loss("generator"))
        return [
            Stage([phase], images=16, batch_size=4, resolution=7),
            Stage([phase], resolution=14),
        ]

    gan = Toy(stages)
    play(gan, digits, images=32, batch_size=8)
    shapes = [tuple(batch["image"].shape) for _, _, batch in gan.batches]
    assert shapes == [(4, 1, 7, 7)] * 4 + [(8, 1, 14, 14)] * 2
    assert [progress.stage for progress in gan.progresses] == [0, 0, 0, 0, 1, 1]
    assert [progress.images for progress in gan.progresses] == [0, 4, 8, 12, 16, 24]
    assert gan.progresses[-1].fraction == pytest.approx(24 / 32)


def test_the_last_stage_takes_what_is_left():
    stages = [Stage([], images=10), Stage([], images=5), Stage([], images=5)]
    assert [current_stage(stages, images) for images in (0, 9, 10, 14, 15, 1000)] == [0, 0, 1, 1, 2, 2]


def test_the_learning_rate_follows_lr_scale(digits):
    gan = Toy(lambda gan: [Stage([Phase("G", "G", gan.loss("generator"))])])
    gan.lr_scale = lambda progress: 0.5 if progress.step else 1.0
    start = gan.generator.weight.item()
    play(gan, digits, images=16)
    assert gan.generator.weight.item() == pytest.approx(start - 1.0 - 0.5)


def test_after_is_called_behind_each_update(digits):
    values = []

    def stages(gan):
        after = lambda: values.append(gan.discriminator.weight.item())  # noqa: E731
        return [Stage([Phase("D", "D", gan.loss("discriminator"), repeat=2, after=after)])]

    gan = Toy(stages)
    start = gan.discriminator.weight.item()
    play(gan, digits, images=16)
    assert values == pytest.approx([start - 1, start - 2])


def test_each_yield_is_a_backward_pass_of_one_update(digits):
    def stages(gan):
        def twice(batch, progress):
            yield {"a": gan.generator.weight.sum() * torch.ones(8)}
            assert gan.generator.weight.grad.item() == 1  # the first pass has run
            yield {"b": 2 * gan.generator.weight.sum(), "shown": torch.full((8,), 7.0)}

        return [Stage([Phase("G", "G", twice)])]

    gan = Toy(stages)
    start = gan.generator.weight.item()
    state = play(gan, digits, images=8)
    assert gan.generator.weight.item() == pytest.approx(start - 3)
    means = state.sums.means(Accelerator(cpu=True))
    assert means == pytest.approx({"G/a": start, "G/b": 2 * start, "G/shown": 7.0})


def test_reported_terms_are_means_over_the_steps_since_the_last_report(digits):
    gan = Toy(lambda gan: [Stage([Phase("G", "G", gan.loss("generator"))])])
    start = gan.generator.weight.item()
    state = play(gan, digits, images=16)
    assert state.sums.means(Accelerator(cpu=True)) == pytest.approx({"G/loss": start - 0.5})
    assert state.sums.means(Accelerator(cpu=True)) == {}


def test_the_loop_reads_nothing_back_from_the_device(digits, monkeypatch):
    def refuse(*_):
        raise AssertionError("the loop waits for the device")

    for reader in ("item", "tolist", "__float__", "__int__", "__bool__"):
        monkeypatch.setattr(torch.Tensor, reader, refuse)
    gan = make(ARCHITECTURES[0])
    state = State(gan, EMA(gan), gan.optimizers())
    run_steps(state, make_store(digits), 2)
    assert state.step == 2


class Peer:
    """An accelerator whose other process has the same gradients."""

    device = torch.device("cpu")

    def reduce(self, values, how):
        assert how == "mean"
        return values.clone()


def test_averaging_leaves_equal_gradients_as_they_are_in_the_layout_of_their_parameters():
    gan = make("dcgan")
    state = State(gan, EMA(gan), {})
    runner = PhaseRunner(state, gan.optimizers()["D"], Peer(), Settings("digits", 1))
    gan.discriminator(torch.randn(4, 1, 28, 28)).sum().backward()
    before = [p.grad.clone() for p in runner.parameters]
    assert any(not p.is_contiguous() for p in runner.parameters)  # channels-last weights, or this shows nothing
    runner.gradients.average()
    for parameter, gradient in zip(runner.parameters, before, strict=True):
        assert torch.equal(parameter.grad, gradient)
        assert parameter.grad.stride() == parameter.stride()
