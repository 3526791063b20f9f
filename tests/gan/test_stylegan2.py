"""StyleGAN2 against what Karras 2020 defines, in float64."""

import math

import pytest
import torch
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.gan import Progress
from ganzoo_stylegan2.model import path_lengths
from ganzoo_stylegan2.networks import ModulatedConv2d
from helpers import make

PROGRESS = Progress(0, 0, 0, 0.0)


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
