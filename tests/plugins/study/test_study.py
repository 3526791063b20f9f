import itertools
import json

import numpy as np
import pytest

import ganzoo
from ganzoo.errors import ConfigError, GanzooError, RunError
from ganzoo.media.image import to_uint8
from ganzoo.registry import installed
from ganzoo_study.candidates import check_shapes, generate_pairs, open_model, open_real
from ganzoo_study.study import make_trials, sentences
from pages_helpers import make_study

MODEL = "dcgan-mnist"


def answered(count=4, chosen="a", **more):
    """Return a study in which one of the two was chosen in every trial."""
    study = make_study(count, **more)
    for i, trial in enumerate(study.trials):
        study.answer(i, "left" if trial.left == chosen else "right", 1.5)
    return study


def test_the_same_seed_gives_the_same_trials_and_another_seed_others():
    assert make_trials(10, 3, 2) == make_trials(10, 3, 2)
    assert make_trials(10, 3, 2) != make_trials(10, 4, 2)


def test_no_image_comes_twice_and_both_models_get_the_same_seeds():
    trials = make_trials(20, 0, 4)
    seeds = [seed for trial in trials for seed in trial.a]
    assert len(set(seeds)) == 20 * 16
    assert all(trial.a == trial.b for trial in trials)


@pytest.mark.parametrize(("count", "fewest"), [(50, 25), (51, 25), (1, 0)])
def test_each_is_on_the_left_in_half_of_the_trials(count, fewest):
    left = sum(trial.left == "a" for trial in make_trials(count, 0, 1))
    assert fewest <= left <= count - fewest


def test_the_sides_are_in_no_order_that_one_could_learn():
    for seed in range(5):
        sides = "".join(trial.left for trial in make_trials(50, seed, 1))
        assert sides not in ("ab" * 25, "ba" * 25, "a" * 25 + "b" * 25, "b" * 25 + "a" * 25)
        assert 12 <= sum(x != y for x, y in itertools.pairwise(sides)) <= 37


def test_real_images_come_once_each():
    trials = make_trials(10, 0, 3, real=range(90))
    assert sorted(place for trial in trials for place in trial.b) == list(range(90))
    with pytest.raises(ConfigError, match=r"90 real images .*89"):
        make_trials(10, 0, 3, real=range(89))


def test_an_answer_is_whose_picture_was_on_that_side():
    study = make_study(2)
    first = study.trials[0]
    study.answer(0, "left", 2.0)
    assert (first.answer, first.seconds) == (first.left, 2.0)
    study.answer(1, "right", -1.0)
    assert study.trials[1].answer != study.trials[1].left
    assert study.trials[1].seconds == 0.0
    assert study.current is None


def test_only_the_trial_that_is_due_is_answered():
    study = make_study(2)
    with pytest.raises(ConfigError):
        study.answer(1, "left", 1.0)
    study.answer(0, "left", 1.0)
    with pytest.raises(ConfigError):  # a key pressed twice
        study.answer(0, "right", 1.0)


def test_the_last_answer_can_be_taken_back_before_the_end():
    study = make_study(2)
    assert not study.undo()
    study.answer(0, "left", 1.0)
    assert study.undo()
    assert (study.current, study.undone, study.trials[0].answer, study.trials[0].seconds) == (0, 1, None, None)
    study.answer(0, "left", 1.0)
    study.answer(1, "left", 1.0)
    assert not study.undo()
    assert study.current is None


def test_the_result_counts_a_wherever_it_stood():
    result = answered(10).result
    assert (result.answered, result.a, result.left) == (10, 10, 5)
    assert result.p == 2 / 1024
    assert answered(10, "b").result.a == 0


@pytest.mark.parametrize(
    ("first", "of", "verdict"),
    [(10, 10, "is significant"), (5, 10, "is not significant"), (5, 5, "borderline")],
)
def test_the_result_in_words(first, of, verdict):
    study = make_study(of)
    for i, trial in enumerate(study.trials):
        wanted = "a" if i < first else "b"
        study.answer(i, "left" if trial.left == wanted else "right", 1.0)
    text = sentences(study)
    assert text[0].startswith(
        f"alpha-gan was preferred to beta-gan in {first} of {of} trials: {first / of:.0%}, 95% interval"
    )
    assert verdict in text[2]


def test_nothing_is_said_of_no_answers():
    assert sentences(make_study(2)) == ["There are no answers."]


def test_the_file_holds_everything(tmp_path):
    study = answered(4, participant="Ada")
    study.save(tmp_path / "study.json")
    content = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    assert content["models"]["a"] == {"name": "alpha-gan", "sha256": "0" * 64}
    assert (content["participant"], content["seed"], content["ganzoo"]) == ("Ada", 0, ganzoo.__version__)
    assert content["result"] == {
        "trials": 4, "answered": 4, "a": 4, "b": 0, "share_of_a": 1.0, "interval": list(study.result.interval),
        "confidence": 0.95, "method": "Wilson score interval", "p": 0.125,
        "test": "exact binomial against 1/2, two-sided", "left": 2,
    }  # fmt: skip
    assert content["trials"][0] == {
        "a": list(study.trials[0].a), "b": list(study.trials[0].b), "left": study.trials[0].left, "answer": "a",
        "seconds": 1.5,
    }  # fmt: skip


def test_a_study_goes_on_where_it_was_left(tmp_path):
    path = tmp_path / "study.json"
    begun = make_study(3)
    begun.answer(0, "left", 1.0)
    begun.undo()
    begun.answer(0, "right", 2.0)
    begun.save(path)
    again = make_study(3)
    again.resume(path)
    assert (again.trials, again.undone, again.current) == (begun.trials, 1, 1)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"seed": 1}, "seed, trials|of another study"),
        ({"participant": "Bob"}, r"of another study \(participant\)"),
        ({"count": 4}, r"of another study \(trials\)"),
    ],
)
def test_another_study_does_not_go_on_with_it(tmp_path, other, why):
    path = tmp_path / "study.json"
    make_study(3).save(path)
    with pytest.raises(RunError, match=why):
        make_study(**{"count": 3, **other}).resume(path)


def test_a_study_that_is_done_does_not_go_on(tmp_path):
    answered(3).save(tmp_path / "study.json")
    with pytest.raises(RunError, match="is complete: name another file"):
        make_study(3).resume(tmp_path / "study.json")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"trials": 3}', '{"trials": [], "undone": "x"}', "[" * 10**5, "null"]
)
def test_a_file_that_is_no_study_is_one_line(tmp_path, content):
    path = tmp_path / "study.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=r"study\.json is (no study|of another study)"):
        make_study(3).resume(path)


def test_pictures_are_those_of_the_seeds_on_their_sides(trained):
    a, b = open_model(MODEL), open_model(trained)
    check_shapes(a, b)
    trials = make_trials(3, 0, 1)
    pictures = generate_pairs(trials, a, b, 1, progress=False)
    for trial, picture in zip(trials, pictures, strict=True):
        generated = {
            player: to_uint8(one.sample(seeds=list(trial.a)))[0]
            for player, one in (("a", ganzoo.load(MODEL)), ("b", ganzoo.load(trained)))
        }
        assert np.array_equal(picture["left"], generated[trial.left])
        assert np.array_equal(picture["right"], generated["b" if trial.left == "a" else "a"])


def test_a_grid_is_row_by_row():
    a = open_model(MODEL)
    (trial,) = make_trials(1, 0, 2)
    (picture,) = generate_pairs([trial], a, a, 2, progress=False)
    images = to_uint8(ganzoo.load(MODEL).sample(seeds=list(trial.a)))
    assert picture["left"].shape == (56, 56, 1)
    assert np.array_equal(picture["left"][:28, 28:], images[1])
    assert np.array_equal(picture["left"][28:, :28], images[2])


def test_real_images_take_the_shape_of_the_model(mnist, digits):
    a = open_model(MODEL)
    real = open_real(str(mnist), a, split="train", zoo=installed(), progress=False)
    check_shapes(a, real)
    assert np.array_equal(real.images([5, 2])[..., 0], digits[0][[5, 2]])
    assert real.about["name"] == "own images (mnist)"


def test_a_model_is_known_by_the_hash_of_its_weights(trained):
    about = open_model(trained).about
    assert (about["name"], len(about["sha256"])) == (str(trained), 64)


def test_what_cannot_be_compared_is_one_line(mnist):
    a = open_model(MODEL)
    with pytest.raises(ConfigError, match=r"dcgan-mnist .*28x28x1 .*sngan-cifar10 .*32x32x3"):
        check_shapes(a, open_model("sngan-cifar10"))
    with pytest.raises(ConfigError, match="is an image-to-image model"):
        open_model("pix2pix-grey-cifar10")
    with pytest.raises(ConfigError, match="two sets of images"):
        open_real(f"edges:{mnist}", a, split="train", zoo=installed())
    with pytest.raises(GanzooError, match="'nothing'"):
        open_model("nothing")
    with pytest.raises(ConfigError, match="ask for fewer, or a smaller grid"):
        generate_pairs(make_trials(30_000, 0, 8), a, a, 8)
