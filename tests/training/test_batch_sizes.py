"""Which batch sizes a GAN cannot be trained on is found by its phases, before anything is written."""

import json

import pytest
import torch

import batch_gans
import broken_gans
import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.training.batch_sizes import check_batch_sizes
from ganzoo.training.settings import Settings
from helpers import make, narrow, open_config

SHAPE = (1, 28, 28)


def check(gan, batch_size, accumulate=1, processes=1, **settings):
    made = Settings("digits", 1_000, batch_size=batch_size, accumulate=accumulate, **settings)
    check_batch_sizes(gan, made, SHAPE, processes)


@pytest.mark.parametrize(
    ("batch_size", "accumulate", "processes", "text"),
    [
        (20, 4, 2, "a batch of 20 images cannot be split evenly into 2 processes and 4 parts"),
        (15, 1, 2, "a batch of 15 images cannot be split evenly into 2 processes"),
        (4, 2, 2, "a batch of 4, 1 in each of 2 processes and 2 parts, .* can on 8: .* or split it less"),
        (1, 1, 1, "VanillaGAN cannot be trained on a batch of 1 .* can on 2: use a larger --batch-size$"),
    ],
)
def test_a_batch_that_is_too_small_or_uneven_is_refused_in_one_line(batch_size, accumulate, processes, text):
    with pytest.raises(ConfigError, match=text) as caught:
        check(make("vanilla"), batch_size, accumulate, processes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("batch_size", "accumulate", "processes"), [(16, 4, 2), (2, 1, 1), (3, 1, 1), (6, 3, 1)])
def test_parts_of_two_or_more_are_enough_for_batch_norm(batch_size, accumulate, processes):
    check(make("vanilla"), batch_size, accumulate, processes)


def test_batch_norm_over_the_maps_of_an_image_needs_no_second():
    check(make("dcgan"), 1)


def test_processes_that_share_batch_norm_need_one_image_each():
    with pytest.raises(ConfigError, match="can on 4"):
        check(make("vanilla"), 2, processes=2)
    check(make("vanilla"), 2, processes=2, sync_batch_norm=True)


def test_the_next_size_that_works_is_named_and_usual_ones_cost_nothing(monkeypatch):
    gan = batch_gans.NeedsFours(broken_gans.Config())
    monkeypatch.setattr(batch_gans.NeedsFours, "tried", ())
    check(gan, 64)
    assert gan.tried == ()
    with pytest.raises(ConfigError, match=r"batch of 6 \(shape .*\), and can on 8: use a larger --batch-size"):
        check(gan, 6)
    assert set(gan.tried) == {6, 7, 8}


def test_what_an_architecture_says_itself_is_passed_on():
    with pytest.raises(ConfigError, match=r"^it compares four images"):
        check(batch_gans.RefusesOthersThanFours(broken_gans.Config()), 6)


def test_an_error_that_has_another_cause_is_left_to_the_run():
    check(batch_gans.FailsOnAny(broken_gans.Config()), 3)


def test_the_batches_of_stages_are_checked_as_far_as_the_budget_reaches():
    class Grows(broken_gans.Staged):
        def stages(self):
            first, second = super().stages()
            return [first, type(second)(second.phases, batch_size=3)]

        def refine(self, batch, progress):
            self.real(batch).view(-1, 4, 28, 28)
            yield from super().refine(batch, progress)

    gan = Grows(broken_gans.Config())
    with pytest.raises(ConfigError, match=r"batch of 3 .* can on 4: use larger ones in the hyper-parameters"):
        check_batch_sizes(gan, Settings("digits", 65, batch_size=16), SHAPE)
    check_batch_sizes(gan, Settings("digits", 64, batch_size=16), SHAPE)


def test_the_networks_and_the_random_numbers_stay_as_they_are():
    gan = make("vanilla")
    before, state = {name: t.clone() for name, t in gan.state_dict().items()}, torch.get_rng_state()
    check(gan, 3)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in gan.state_dict().items())
    assert all(parameter.grad is None for parameter in gan.parameters())


def test_a_run_is_refused_before_it_has_a_folder_and_a_resumed_one_unchanged(mnist, tmp_path):
    options = {"data": str(mnist), "out": tmp_path / "run", "progress": False, "config": narrow("vanilla")}
    with pytest.raises(ConfigError, match="can on 2"):
        ganzoo.train("vanilla", images=8, batch_size=1, **options)
    assert list(tmp_path.iterdir()) == []
    run = ganzoo.train("vanilla", images=8, batch_size=2, **options).run
    before = (run / "config.json").read_text()
    with pytest.raises(ConfigError, match="can on 2"):
        ganzoo.resume(run, images=16, batch_size=1, override=["batch_size"], progress=False)
    assert (run / "config.json").read_text() == before


def test_a_run_that_an_earlier_version_let_begin_can_be_mended(mnist, tmp_path):
    options = {"data": str(mnist), "out": tmp_path / "run", "progress": False, "config": narrow("vanilla")}
    run = ganzoo.train("vanilla", images=8, batch_size=2, **options).run
    config = open_config(run)
    config["training"]["batch_size"] = 1
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="use a larger --batch-size"):
        ganzoo.resume(run, images=16, progress=False)
    assert ganzoo.resume(run, images=16, batch_size=4, override=["batch_size"], progress=False).images == 16
