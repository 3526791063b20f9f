"""ProGAN grows as Karras 2018 says, and goes on in the middle of a fade-in."""

import json

import pytest
import torch
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import ConfigError, DataError
from ganzoo.gan import Progress
from ganzoo.models.weights import load_tensors
from helpers import make, narrow

FADE, HOLD = 100, 200


@pytest.fixture
def gan():
    return make("progan", image_size=16, fade=FADE, hold=HOLD)


def test_a_stage_for_each_resolution(gan):
    stages = gan.stages()
    assert [(stage.resolution, stage.images) for stage in stages] == [(4, HOLD), (8, FADE + HOLD), (16, FADE + HOLD)]


def test_each_stage_of_a_rectangle_has_its_shape():
    gan = make("progan", image_size=(24, 16), fade=FADE, hold=HOLD).eval()
    assert [stage.resolution for stage in gan.stages()] == [(6, 4), (12, 8), (24, 16)]
    gan.before_step(Progress(0, 250, 1, 0.5))
    images = gan.fakes({"image": torch.zeros(2, 1, 12, 8)})
    assert images.shape == (2, 1, 12, 8)
    terms = next(gan.discriminator_loss({"image": images, "fake": images}, Progress(0, 250, 1, 0.5)))
    assert float(terms["size"]) == 12
    assert gan.sample(2).shape == (2, 1, 24, 16)


@pytest.mark.parametrize(
    ("stage", "images", "share"), [(0, 0, 1), (0, 199, 1), (1, 200, 0), (1, 250, 0.5), (1, 350, 1), (2, 525, 0.25)]
)
def test_a_resolution_is_faded_in(gan, stage, images, share):
    gan.before_step(Progress(9, images, stage, 0.5))
    for network in (gan.generator, gan.discriminator):
        assert (network.level, int(network.reached), float(network.share)) == (stage, stage, pytest.approx(share))


def test_a_stage_whose_batches_hold_an_image_twice_is_refused_if_it_is_reached(mnist, tmp_path):
    config = {**narrow("progan"), "image_size": 16, "fade": 8, "hold": 16, "batch_sizes": [8, 8, 2000]}
    with pytest.raises(DataError, match=r"1000 images.*batches of 2000"):
        ganzoo.train("progan", data=str(mnist), images=100, out=tmp_path / "x", config=config, progress=False)
    assert not (tmp_path / "x").exists()
    ganzoo.train("progan", data=str(mnist), images=32, out=tmp_path / "x", config=config, progress=False)


def test_the_seams_are_smooth(gan):
    """Where a fade-in begins, the networks compute what they did before it (figure 2)."""
    gan.eval()
    latent = torch.randn(4, 8)
    gan.before_step(Progress(0, 199, 0, 0.1))
    small = gan.generator(latent, 0)
    gan.before_step(Progress(0, 200, 1, 0.1))
    large = gan.generator(latent, 1)
    torch.testing.assert_close(large, F.interpolate(small, scale_factor=2.0))
    torch.testing.assert_close(gan.discriminator(large, 1), gan.discriminator(small, 0))


def test_real_images_are_faded_in_as_well(gan, monkeypatch):
    seen = []
    gan.before_step(Progress(0, 250, 1, 0.5))
    monkeypatch.setattr(
        gan, "both_logits", lambda real, fake, batch: (seen.append(real), (real.sum((1, 2, 3)),) * 2)[1]
    )
    image = torch.randn(4, 1, 8, 8)
    terms = next(gan.discriminator_loss({"image": image, "fake": image}, Progress(0, 250, 1, 0.5)))
    assert (float(terms["size"]), float(terms["fade"])) == (8, pytest.approx(0.5))
    coarse = F.interpolate(F.avg_pool2d(image, 2), scale_factor=2.0)
    torch.testing.assert_close(seen[0], (image + coarse) / 2)


def test_scores_of_real_images_are_held_near_zero():
    gan = make("progan", drift=0.5)
    real, fake = torch.tensor([3.0]), torch.tensor([1.0])
    assert gan.loss.discriminator(real, fake).item() == 1 - 3 + 0.5 * 9


def test_each_resolution_has_its_batch_size(mnist, tmp_path):
    config = {**narrow("progan"), "hold": 64, "fade": 32, "batch_sizes": [32, 16, 8]}
    ganzoo.train(
        "progan", data=str(mnist), images=304, out=tmp_path / "run", config=config, progress=False, report_every=1
    )
    lines = [json.loads(line)["images"] for line in (tmp_path / "run" / "stats.jsonl").read_text().splitlines()]
    sizes = [after - before for before, after in zip([0, *lines], lines, strict=False)]
    assert sizes == [32] * 2 + [16] * 6 + [8] * 18


@pytest.mark.parametrize("sizes", [[32, 16], [0, 8, 8]])
def test_wrong_batch_sizes_are_refused(sizes):
    with pytest.raises(ConfigError, match="batch_sizes"):
        ganzoo.create("progan", image_size=16, batch_sizes=sizes)


def test_a_run_goes_on_in_the_middle_of_a_fade_in(mnist, tmp_path):
    config = {**narrow("progan"), "hold": 64, "fade": 320}
    options = {"data": str(mnist), "batch_size": 16, "config": config, "progress": False}
    ganzoo.train("progan", images=320, out=tmp_path / "whole", **options)
    ganzoo.train("progan", images=192, out=tmp_path / "parts", **options)
    assert 0 < float(ganzoo.load(tmp_path / "parts").generator.share) < 1
    ganzoo.resume(tmp_path / "parts", images=320, progress=False)
    whole, parts = (
        {
            file.name: load_tensors(file)
            for file in sorted((tmp_path / name / "checkpoints" / "000000320").glob("*.safetensors"))
        }
        for name in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    for name, tensors in whole.items():
        assert all(torch.equal(tensor, parts[name][key]) for key, tensor in tensors.items()), name


def test_a_budget_that_does_not_reach_the_last_stage_is_a_warning(mnist, tmp_path, caplog):
    config = {**narrow("progan"), "hold": 10_000}
    ganzoo.train(
        "progan", data=str(mnist), images=64, batch_size=32, out=tmp_path / "run", config=config, progress=False
    )
    assert "64 images reach 1 of them: the last one begins at 20,320" in caplog.text
