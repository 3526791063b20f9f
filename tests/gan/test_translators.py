"""CycleGAN and pix2pix against what their papers define."""

import pytest
import torch
from torch.nn import functional as F

import ganzoo
from ganzoo.data import Loader
from ganzoo.gan import Progress
from ganzoo.registry.fields import height_width
from ganzoo_pix2pix.networks import UNet
from helpers import make, make_store

PROGRESS = Progress(0, 0, 0, 0.0)


@pytest.fixture
def batch(digits):
    gan = make("pix2pix")
    return Loader(make_store(digits, 64, gan), seed=0).batch(0, 4)


def terms_of(loss, batch):
    return {name: value for terms in loss(batch, PROGRESS) for name, value in terms.items()}


def test_the_losses_of_cyclegans_generators(batch):
    """Zhu 2017: least squares (section 4), cycle consistency (equation 2), identity (section 5.2)."""
    gan = make("cyclegan").eval()
    a, b = batch["A"], batch["B"]
    with torch.no_grad():
        found = terms_of(gan.generator_loss, batch)
        fake_b, fake_a = gan.a_to_b(a), gan.b_to_a(b)
        expected = {
            "adversarial_B": (gan.judge_b(fake_b) - 1).square(),
            "adversarial_A": (gan.judge_a(fake_a) - 1).square(),
            "cycle_A": 10 * (gan.b_to_a(fake_b) - a).abs(),
            "cycle_B": 10 * (gan.a_to_b(fake_a) - b).abs(),
            "identity_B": 5 * (gan.a_to_b(b) - b).abs(),
            "identity_A": 5 * (gan.b_to_a(a) - a).abs(),
        }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value.flatten(1).mean(1), atol=1e-4, rtol=1e-4, msg=name)
    torch.testing.assert_close(batch["fake_A"], fake_a, atol=1e-5, rtol=0)


def test_the_losses_of_cyclegans_discriminators(batch):
    gan = make("cyclegan").eval()
    with torch.no_grad():
        terms_of(gan.generator_loss, batch)
        found = terms_of(gan.discriminator_loss, batch)
        for side, judge in (("A", gan.judge_a), ("B", gan.judge_b)):
            real, fake = judge(batch[side]), judge(batch[f"fake_{side}"])
            loss = 0.5 * ((real - 1).square() + fake.square())
            torch.testing.assert_close(found[f"loss_{side}"], loss.flatten(1).mean(1), atol=1e-5, rtol=1e-4)


def test_without_identity_the_generators_see_no_image_of_their_own_kind(batch):
    gan = make("cyclegan", identity=0.0)
    assert set(terms_of(gan.generator_loss, batch)) == {"adversarial_A", "adversarial_B", "cycle_A", "cycle_B"}


def test_cyclegans_generator_is_that_of_the_appendix():
    """c7s1-64, d128, d256, six R256, u128, u64, c7s1-3 (Zhu 2017, appendix 7.2)."""
    gan = ganzoo.create("cyclegan")
    convolutions = [layer for layer in gan.a_to_b.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [64, 128, 256, *[256] * 12, 3]
    assert [c.kernel_size[0] for c in convolutions] == [7, 3, 3, *[3] * 12, 7]
    up = [layer.out_channels for layer in gan.a_to_b.modules() if isinstance(layer, torch.nn.ConvTranspose2d)]
    assert up == [128, 64]


def test_the_learning_rate_falls_in_the_second_half():
    gan = make("cyclegan")
    scales = [gan.lr_scale(Progress(0, 0, 0, progress)) for progress in (0.0, 0.5, 0.75, 0.999)]
    assert scales == pytest.approx([1, 1, 0.5, 0.002])


def test_the_losses_of_pix2pix(batch):
    """Isola 2017, equations 1, 3 and 4; the discriminator sees both images, and its loss is halved (section 3.3)."""
    gan = make("pix2pix").eval()
    a, b = batch["A"], batch["B"]
    with torch.no_grad():
        g = terms_of(gan.generator_loss, batch)
        fake = gan.generator(a)
        real_logits, fake_logits = (gan.discriminator(torch.cat([a, image], 1)) for image in (b, fake))
        d = terms_of(gan.discriminator_loss, batch)
    torch.testing.assert_close(g["loss"], F.softplus(-fake_logits).flatten(1).mean(1), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(g["l1"], 100 * (fake - b).abs().flatten(1).mean(1), atol=1e-4, rtol=1e-4)
    expected = 0.5 * (F.softplus(-real_logits) + F.softplus(fake_logits)).flatten(1).mean(1)
    torch.testing.assert_close(d["loss"], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("loss", ["hinge", "least-squares", "relativistic", "wasserstein"])
def test_pix2pix_takes_any_loss_by_name(loss, batch):
    gan = make("pix2pix", loss=loss)
    assert terms_of(gan.generator_loss, batch)["loss"].shape == (4,)
    assert terms_of(gan.discriminator_loss, batch)["loss"].shape == (4,)


@pytest.mark.parametrize("size", [16, 28, 32, 64, 128, (24, 40), (19, 65), 256])
def test_the_u_net_goes_down_to_one_pixel_and_back(size):
    network = UNet(3, image_size=size, base_channels=2, norm="instance", dropout=0.5).eval()
    sizes = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda module, inputs, output: sizes.append(max(output.shape[2:])))
    images = torch.rand(2, 3, *height_width(size)) * 2 - 1
    made = network(images)
    assert made.shape == images.shape
    assert made.abs().max() <= 1
    assert sizes[-1] == 1
    assert sizes == sorted(sizes, reverse=True)


def test_the_u_net_passes_details_by_the_bottleneck():
    """A skip connects each level with its mirror: one pixel reaches its own place even when the bottleneck is cut."""
    network = UNet(1, image_size=32, base_channels=4, norm="none", dropout=0.0).eval()
    level = network.levels
    while level.below is not None:
        level = level.below
    with torch.no_grad():
        level.up[1].weight.zero_()
        level.up[1].bias.zero_()
    image = torch.zeros(1, 1, 32, 32)
    dot = image.clone()
    dot[..., 10, 20] = 1
    changed = (network(dot) - network(image)).abs()[0, 0]
    assert changed[8:13, 18:23].max() > 0


def test_the_u_net_is_that_of_the_appendix():
    """C64-C128-C256-C512 ... down, and dropout in the three innermost levels up (Isola 2017, appendix 6.1.1)."""
    gan = ganzoo.create("pix2pix")
    down = [layer.out_channels for layer in gan.generator.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert sorted(down) == [64, 128, 256, 512, 512, 512, 512]
    dropped = [m for m in gan.generator.modules() if isinstance(m, torch.nn.Dropout) and m.p == 0.5]
    assert len(dropped) == 3
