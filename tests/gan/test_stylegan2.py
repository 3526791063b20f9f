"""StyleGAN2 against what Karras 2020 defines, in float64."""

import importlib
import math
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch.nn import functional as F

import ganzoo
from ganzoo.data import Store
from ganzoo.errors import ConfigError
from ganzoo.gan import Progress
from ganzoo.registry.image_sizes import height_width
from ganzoo.training import checkpoint
from ganzoo_stylegan2 import StyleGAN2Config
from ganzoo_stylegan2.model import StyleGAN2, path_lengths
from ganzoo_stylegan2.networks import ModulatedConv2d, apart
from helpers import make, make_state, run_steps

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PROGRESS = Progress(0, 0, 0, 0.0)


@pytest.fixture
def both(monkeypatch):
    """Makes a small model in float64, and the one written plainly with the same parameters."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    plain_networks = importlib.import_module("plain_stylegan2")

    def make_both(**config):
        sizes = {"base_channels": 2, "max_channels": 8, "style_dim": 5, "latent_dim": 4, "mapping_layers": 2}
        torch.manual_seed(0)
        ours = StyleGAN2(StyleGAN2Config(**{**sizes, "channels": 1, **config})).double()
        with torch.no_grad():
            for parameter in ours.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        plain = plain_networks.PlainStyleGAN2(ours.config).double()
        plain.load_state_dict(ours.state_dict())
        return ours, plain

    return make_both


CASES = [
    {"image_size": 28}, {"image_size": 64, "channels": 3}, {"image_size": (48, 32), "channels": 3},
    {"image_size": (32, 80), "channels": 4, "base_channels": 1},
]  # fmt: skip


@pytest.mark.parametrize("config", CASES)
def test_the_generator_and_its_derivatives_are_those_of_the_plain_one(both, config):
    """Second derivatives as the path length penalty takes them; large maps are made an image at a time."""
    ours, plain = both(**config)
    styles = torch.randn(3, ours.generator.synthesis.layers_count, 5, dtype=torch.float64)
    noise = torch.randn(3, ours.generator.synthesis.noise_size, dtype=torch.float64)
    found = []
    for gan, grouped in ((ours, False), (plain, False), (plain, True)):
        synthesis = gan.generator.synthesis
        synthesis.grouped = grouped
        images = synthesis(at := styles.clone().requires_grad_(), noise)
        (gradient,) = torch.autograd.grad(images.pow(3).sum(), at, create_graph=True)
        second = torch.autograd.grad(gradient.square().sum().sqrt(), list(synthesis.parameters()), allow_unused=True)
        found.append([images, gradient, *(g for g in second if g is not None)])
        assert images.shape[2:] == height_width(config["image_size"])
        assert config["image_size"] == 28 or synthesis.together < len(synthesis.to_image)
    for own, expected in (*zip(found[0], found[1], strict=True), *zip(found[0], found[2], strict=True)):
        torch.testing.assert_close(own, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("config", CASES)
def test_the_discriminator_and_its_derivatives_are_those_of_the_plain_one(both, config):
    """Second derivatives as R1 takes them."""
    ours, plain = both(**config)
    images = torch.randn(4, ours.config.channels, *height_width(config["image_size"]), dtype=torch.float64)
    found = []
    for gan in (ours, plain):
        logits = gan.discriminator(at := images.clone().requires_grad_())
        (gradient,) = torch.autograd.grad(logits.sum(), at, create_graph=True)
        second = torch.autograd.grad(gradient.square().sum(), list(gan.discriminator.parameters()), allow_unused=True)
        found.append([logits, gradient, *(g for g in second if g is not None)])
    for own, expected in zip(*found, strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-6, atol=1e-8)


def test_images_under_bf16_are_near_those_of_float32():
    gan = make("stylegan2", image_size=64)
    inputs = gan.inputs(3, seeds=range(3))
    with torch.no_grad():
        exact = gan.generate(**inputs)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = gan.generate(**inputs)
    assert rounded.dtype is torch.float32
    assert (rounded - exact).norm() < 0.03 * exact.norm()


def test_networks_are_traced_as_one_graph_and_run_without_memory():
    gan = make("stylegan2", image_size=64)
    inputs = gan.inputs(2, seeds=range(2))
    style = gan.generator.spread(gan.generator.mapping(inputs["latent"])).detach()
    synthesis = torch.compile(gan.generator.synthesis, fullgraph=True, backend="eager")
    images = synthesis(style, inputs["noise"]).detach()
    torch.testing.assert_close(images, gan.generator.synthesis(style, inputs["noise"]).detach())
    judge = torch.compile(gan.discriminator, fullgraph=True, backend="eager")
    torch.testing.assert_close(judge(images), gan.discriminator(images))
    gan.to("meta")
    batch = {"image": torch.empty(4, 1, 64, 64, device="meta")}
    for loss in (gan.generator_loss, gan.discriminator_loss):
        (terms,) = loss(batch, PROGRESS)
        terms["loss"].mean().backward()
    styles = gan.styles(4)
    path_lengths(gan.synthesise(styles), styles).mean().backward()
    (gradient,) = torch.autograd.grad(
        gan.discriminator(real := batch["image"].requires_grad_()).sum(), real, create_graph=True
    )
    gradient.square().sum().backward()


def test_an_image_alone_is_what_it_is_in_a_batch():
    gan = make("stylegan2", image_size=64)
    assert not apart(32 * 32, 16)
    assert apart(64 * 64, 8)
    torch.testing.assert_close(gan.sample(1, seed=2)[0], gan.sample(3)[2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("demodulate", [True, False])
def test_a_modulated_convolution_is_its_definition(demodulate):
    """Equation 1, w'_ijk = s_i w_ijk, and equation 3, w''_ijk = w'_ijk / sqrt(sum_ik w'_ijk^2), image by image."""
    torch.manual_seed(0)
    conv = ModulatedConv2d(5, 7, 3, 4, demodulate=demodulate).double()
    maps, style = torch.randn(3, 5, 6, 6, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    for image, out, factors in zip(maps, conv(maps, style), conv.style(style), strict=True):
        weight = conv.weight * conv.scale * factors[None, :, None, None]
        if demodulate:
            weight = weight / weight.square().sum((1, 2, 3), keepdim=True).sqrt()
        torch.testing.assert_close(out, F.conv2d(image[None], weight, padding=1)[0], rtol=1e-7, atol=1e-7)


def test_a_convolution_that_doubles_is_bilinear_doubling_before_one_that_does_not():
    """Away from the edges, which bilinear doubling repeats, and a transposed convolution takes for zero."""
    torch.manual_seed(0)
    plain = ModulatedConv2d(5, 7, 3, 4).double()
    doubling = ModulatedConv2d(5, 7, 3, 4, up=True).double()
    doubling.load_state_dict(plain.state_dict())
    maps, style = torch.randn(3, 5, 8, 8, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    expected = plain(F.interpolate(maps, scale_factor=2.0, mode="bilinear"), style)
    torch.testing.assert_close(doubling(maps, style)[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2])


def test_demodulation_gives_unit_deviation_whatever_the_style():
    torch.manual_seed(0)
    conv = ModulatedConv2d(64, 64, 3, 4)
    out = conv(torch.randn(8, 64, 16, 16), 50 * torch.randn(8, 4))
    assert out[..., 1:-1, 1:-1].std().item() == pytest.approx(1, rel=0.05)


def test_path_lengths_are_those_of_finite_differences():
    """|J^T y|, with J by central differences, one direction at a time, and y by its seed."""
    gan = make("stylegan2", image_size=16, max_channels=8, style_dim=3).double().eval()
    synthesis = gan.generator.synthesis
    styles = torch.randn(2, synthesis.layers_count, 3, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(2, synthesis.noise_size, dtype=torch.float64)

    def draw(at):
        return synthesis(at, noise)

    torch.manual_seed(5)
    lengths = path_lengths(draw(styles), styles)
    torch.manual_seed(5)
    y = torch.randn_like(draw(styles)) / math.sqrt(16 * 16)
    gradient, step = torch.zeros_like(styles), 1e-5
    with torch.no_grad():
        for place in range(styles[0].numel()):
            nudge = torch.zeros_like(styles).view(2, -1)
            nudge[:, place] = step
            change = draw(styles + nudge.view_as(styles)) - draw(styles - nudge.view_as(styles))
            gradient.view(2, -1)[:, place] = (change * y).sum((1, 2, 3)) / (2 * step)
    torch.testing.assert_close(lengths, gradient.square().sum(2).mean(1).sqrt(), rtol=1e-6, atol=1e-9)


def test_the_lazy_phases_come_at_their_intervals_and_the_optimizers_are_slowed_for_them():
    gan = make("stylegan2")
    (stage,) = gan.stages()
    assert [(p.name, p.optimizer, p.every) for p in stage.phases] == [
        ("G", "G", 1), ("G/path", "G", 4), ("D", "D", 1), ("D/r1", "D", 16),
    ]  # fmt: skip
    for name, every in (("G", 4), ("D", 16)):
        (group,) = gan.optimizers()[name].param_groups
        share = every / (every + 1)
        assert group["lr"] == pytest.approx(0.002 * share)
        assert group["betas"] == pytest.approx((0.0, 0.99**share))


def test_an_optimizer_without_a_lazy_phase_is_not_slowed():
    gan = make("stylegan2", path_length=0.0, r1=0.0)
    assert [p.name for p in gan.stages()[0].phases] == ["G", "D"]
    for optimizer in gan.optimizers().values():
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.002)


def test_styles_are_mixed_from_a_layer_on():
    gan = make("stylegan2", mixing=1.0, image_size=32)
    styles = gan.styles(50)
    changes = (styles[:, 1:] != styles[:, :-1]).any(2)
    assert (changes.sum(1) == 1).all()
    assert set(changes.nonzero()[:, 1].tolist()) == set(range(styles.shape[1] - 1))
    assert not (make("stylegan2", mixing=0.0).styles(8).diff(dim=1) != 0).any()


def test_truncation_goes_to_the_mean_style():
    gan = make("stylegan2")
    for _ in range(20):
        gan.styles(64)
    mean = gan.generate(
        latent=torch.zeros(1, 8), truncation=torch.zeros(1), noise=gan.inputs(1, seeds=[3], noise="const")["noise"]
    )
    alike = gan.sample(3, truncation=0.0, noise="const")
    for image in alike:
        torch.testing.assert_close(image, mean[0].detach().cpu(), atol=1e-5, rtol=1e-5)
    spread = [gan.sample(32, truncation=psi, noise="const").std(0).mean() for psi in (0.3, 0.7, 1.0)]
    assert 0 < spread[0] < spread[1] < spread[2]


def test_noise_is_an_images_own_or_the_same_for_all_or_none():
    gan = make("stylegan2")
    with torch.no_grad():
        for layer in gan.generator.synthesis.layers:
            layer.strength.fill_(0.5)
    images = {noise: gan.sample(2, seed=4, truncation=0.0, noise=noise) for noise in ("random", "const", "none")}
    assert not torch.equal(images["random"][0], images["random"][1])
    assert torch.equal(images["const"][0], images["const"][1])
    assert torch.equal(images["none"][0], images["none"][1])
    assert not torch.equal(images["const"], images["none"])
    torch.testing.assert_close(gan.sample(1, seed=5, truncation=0.0)[0], images["random"][1])


@pytest.mark.parametrize("given", [{"truncation": 1.5}, {"truncation": -1}, {"noise": "some"}])
def test_a_condition_out_of_range_is_refused(given):
    with pytest.raises(ConfigError, match=r"must be (in|one of)"):
        make("stylegan2").sample(1, **given)


def test_the_path_length_loss_is_the_squared_distance_to_its_running_mean():
    gan = make("stylegan2", path_length=3.0)
    (terms,) = gan.path_loss({"image": torch.zeros(16, 1, 28, 28)}, PROGRESS)
    assert terms["penalty"].shape == (8,)
    mean = terms["length"].mean() * 0.01
    assert gan.path_mean.item() == pytest.approx(mean.item(), rel=1e-5)
    torch.testing.assert_close(terms["penalty"], 3 * (terms["length"] - mean).square())


def test_a_saved_model_draws_truncated_as_it_did(tmp_path, mnist):
    run = tmp_path / "run"
    config = {"base_channels": 8, "max_channels": 8, "style_dim": 8, "latent_dim": 8, "mapping_layers": 2}
    ganzoo.train("stylegan2", data=str(mnist), images=64, batch_size=32, out=run, config=config, progress=False)
    gan = ganzoo.load(run)
    assert gan.generator.mapping.mean.abs().sum() > 0
    assert torch.equal(gan.sample(2, truncation=0.5), ganzoo.load(run).sample(2, truncation=0.5))


@pytest.mark.slow
def test_the_published_widths_at_256_train_and_resume(tmp_path):
    """Three steps, the first with both regularisations; two of them again from a checkpoint are the same."""
    config = StyleGAN2Config(
        image_size=256, base_channels=32768 // 256, max_channels=512, latent_dim=512, style_dim=512
    )
    store = Store("noise", torch.randint(0, 256, (8, 3, 256, 256), dtype=torch.uint8), None, None)

    def made():
        torch.manual_seed(0)
        return make_state(StyleGAN2(config).to(memory_format=torch.channels_last))

    state = run_steps(made(), store, 1, batch_size=2)
    saved = checkpoint.save(tmp_path, state, Accelerator(cpu=True), 1)
    assert {"G/path/penalty", "D/r1/penalty"} <= set(state.sums.totals)
    state = run_steps(state, store, 2, batch_size=2)
    resumed = made()
    checkpoint.restore(saved, resumed, Accelerator(cpu=True))
    run_steps(resumed, store, 2, batch_size=2)
    expected = state.gan.state_dict()
    for name, tensor in resumed.gan.state_dict().items():
        assert torch.isfinite(tensor).all()
        torch.testing.assert_close(tensor, expected[name], rtol=1e-4, atol=1e-5)
