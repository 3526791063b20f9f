"""Each check lets a good architecture pass and catches one with that thing wrong."""

import dataclasses
from typing import Annotated

import pytest
import torch

import batch_gans
import broken_gans
from ganzoo.gan.image_to_image import Translator
from ganzoo.registry import Architecture, Meta, installed
from ganzoo.registry.zoo import Registered
from ganzoo.testing import CHECKS, DIGITS, CheckError, Subject, run, select

WRONG = {
    "TooBright": ("output", "goes to .*: end the generator with tanh"),
    "WrongSize": ("output", r"returns \(3, 1, 16, 15\) for 3 samples, not \(3, 1, 16, 16\)"),
    "NotANumber": ("output", "not finite"),
    "GaussianInputUnknown": ("seeds", "gaussian_inputs names z, which inputs"),
    "OneImage": ("seeds", "different seeds give the same image"),
    "MixesTheBatch": ("seeds", "in batches of 1"),
    "DrawsInGenerate": ("seeds", "the same seeds give other images"),
    "CountsSamples": ("sampling_changes_nothing", "sampling changes drawn"),
    "KeepsSomethingElsewhere": ("save_and_load", "must be a parameter or a buffer"),
    "DrawsWithAnOutsideBuffer": ("save_and_load", "uses tensors that are not saved"),
    "TranslatesTheBatch": ("translations", "depends on the others that are translated with it"),
    "TranslatesNothing": ("translations", "it gives the same output for all images"),
    "TranslatesAnUnknown": ("translations", "translations has 'C', which the images do not give: A, B, pair"),
    "HidesImages": ("translations", "inputs\\(\\) takes no 'images'"),
    "TranslatesInSecret": ("translations", "translates=False in its record, and translations"),
    "FirstStageForEver": ("structure", "stage 0 lasts for ever"),
    "StageOfNothing": ("structure", "stage 0 has batch_size=0"),
    "UnknownNeeds": ("structure", "needs depth: no data gives that"),
    "UnknownOptimizer": ("structure", "names the optimizer 'generator'"),
    "StandsStill": ("structure", "every=0"),
    "TwoOptimizersForOne": ("parameters_have_one_optimizer", "is in two optimizers"),
    "Forgotten": ("parameters_have_one_optimizer", "extra.bias.* is in no optimizer"),
    "DeadWeight": ("every_parameter_learns", "no phase gives a gradient to generator.unused"),
    "Detached": ("losses", "yields nothing with a gradient"),
    "MovesTheOther": ("gradients_stay_home", "phase G changes discriminator"),
    "MeansOverTheBatch": ("losses", r"has shape \(3,\)"),
    "Infinite": ("losses", "is not finite at the first step"),
    "UndeclaredLabels": ("needs", "uses batch\\['label'\\], which needs does not name"),
    "JudgesByAnUnknown": ("discriminators", "discriminators has critic, and its networks are generator, disc"),
    "JudgesInSecret": ("discriminators", r"does not call discriminator as a module: call self.discriminator\(images\)"),
    "JudgesFlatImages": ("discriminators", r"discriminator is given \(\d+, 784\) as its first argument"),
    "NoAverage": ("the_average_is_sampled", "ema is empty"),
    "AveragesTheOther": ("the_average_is_sampled", "averages discriminator"),
    "RemembersOutside": ("resume", "differs from one that was not stopped"),
    "DiffersByProcess": ("two_processes", "differs between two processes"),
    "FailsBesideAnother": ("two_processes", "two processes do not train it: .*made for one process"),
    "OverflowsInBf16": ("bf16", "not finite"),
    "GrowsBright": ("it_learns", "its images go to .*: end the generator with tanh"),
    "LearnsTheWrongWay": ("it_learns", "sliced Wasserstein distance"),
}  # fmt: skip
RUNS = {"check_resume", "check_two_processes"}  # these find the architecture by its name


def subject(cls: str, config=broken_gans.Config, summary="broken", module=broken_gans) -> Subject:
    both = issubclass(getattr(module, cls), Translator)
    record = Architecture(
        name="broken", target=f"{module.__name__}:{cls}", config=config, summary=summary,
        translates=both and cls != "TranslatesInSecret",
    )  # fmt: skip
    data = f"edges:{DIGITS}" if both else str(DIGITS)
    return Subject(Registered(record, "ganzoo-broken", "1.0", "broken"), {}, data, installed())


@pytest.mark.parametrize("cls", [cls for cls, (check, _) in WRONG.items() if f"check_{check}" not in RUNS])
def test_what_is_wrong_is_caught_and_named(cls):
    check, text = WRONG[cls]
    with pytest.raises(CheckError, match=text):
        CHECKS[f"check_{check}"](subject(cls))


@pytest.mark.parametrize("check", sorted({f"check_{check}" for check, _ in WRONG.values()} - RUNS))
def test_what_is_right_passes(check):
    CHECKS[check](subject("Good"))


@pytest.mark.parametrize("cls", ["NeedsFours", "RefusesOthersThanFours"])
def test_a_batch_size_may_be_refused(cls):
    CHECKS["check_small_batches"](subject(cls, module=batch_gans))


@pytest.mark.parametrize(
    ("cls", "text"),
    [
        ("DeviatesInTheBatch", r"phase G on a batch of 1 makes .* not finite"),
        ("FailsOnAny", "phase G on a batch of 1 fails: there is no loss"),
    ],
)
def test_a_small_batch_that_fails_is_caught(cls, text):
    with pytest.raises(CheckError, match=text):
        CHECKS["check_small_batches"](subject(cls, module=batch_gans))


@pytest.mark.parametrize(
    "check", [check for check in CHECKS if check not in {*RUNS, "check_import_time", "check_light_import"}]
)
def test_an_image_to_image_gan_passes(check):
    if check != "check_hyper_parameters_are_explained":  # that is the config's
        CHECKS[check](subject("Translates"))


@pytest.fixture
def listed(monkeypatch):
    """Put a broken architecture in the registry under its name."""

    def put(cls: str) -> Subject:
        made = subject(cls)
        monkeypatch.setitem(installed().architectures._records, "broken", [made.registered])
        return made

    return put


def test_a_run_that_cannot_be_resumed_exactly_is_caught(listed):
    with pytest.raises(CheckError, match=WRONG["RemembersOutside"][1]):
        CHECKS["check_resume"](listed("RemembersOutside"))


@pytest.mark.parametrize("cls", ["Good", "Staged"])
def test_a_good_run_is_resumed(listed, cls):
    CHECKS["check_resume"](listed(cls))


def test_a_run_is_followed_into_its_last_stage(listed):
    with pytest.raises(CheckError, match="a resumed run differs"):
        CHECKS["check_resume"](listed("RemembersOutsideLater"))


PLAIN = [name for name in CHECKS if name not in {*RUNS, "check_light_import", "check_import_time"}]


@pytest.mark.parametrize("check", [name for name in PLAIN if "hyper_parameters" not in name])
def test_a_training_in_stages_passes(check):
    CHECKS[check](subject("Staged"))


def test_without_a_sound_structure_no_phase_runs():
    results = {r.name: r for r in run(subject("UnknownOptimizer"), select())}
    assert results["check_structure"].status == "failed"
    assert results["check_output"].status in ("passed", "failed")
    assert {results[f"check_{name}"].status for name in ("losses", "needs", "bf16", "it_learns")} == {"skipped"}


def test_a_tensor_kept_with_a_graph_is_reported_with_its_place():
    (result,) = run(subject("LeavesAGraph"), select(("a_step_changes_what_it_trains",)))
    assert result.status == "failed"
    assert "detach() it there" in result.message
    assert "broken_gans.py:" in result.message


def test_the_kit_uses_one_thread_and_restores_their_number():
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    list(run(subject("Good"), {"check_seen": lambda subject: seen.append(torch.get_num_threads())}))
    assert (seen, torch.get_num_threads()) == ([1], 2)
    torch.set_num_threads(before)


def test_every_check_has_a_reason():
    for name, check in CHECKS.items():
        assert len(check.__doc__ or "") > 40, name


def config_of(hint, default):
    return dataclasses.make_dataclass("C", [("x", hint, dataclasses.field(default=default))], frozen=True)


def test_configs():
    with pytest.raises(CheckError, match="mapping for 'x'"):
        CHECKS["check_config_refuses_nonsense"](subject("Good", config_of(dict, None)))
    with pytest.raises(CheckError, match="comes back from JSON as"):
        CHECKS["check_config_survives_json"](subject("Good", config_of(Annotated[tuple, Meta()], ((1, 2),))))
    with pytest.raises(CheckError, match="x: "):
        CHECKS["check_hyper_parameters_are_explained"](subject("Good", config_of(int, 1)))


@pytest.mark.parametrize("summary", ["", " ", "x" * 101, "a\nb"])
def test_summaries(summary):
    with pytest.raises(CheckError, match="summary"):
        CHECKS["check_summary"](subject("Good", summary=summary))


def test_the_earlier_names_of_a_subject_still_work():
    good = subject("Good")
    with pytest.warns(DeprecationWarning, match="registered"):
        assert good.owned is good.registered
    with pytest.warns(DeprecationWarning, match="samples"):
        generated, real = good.draw(good.build(), 4)
    assert len(generated) == len(real) == 4
    with pytest.raises(AttributeError, match="nothing"):
        good.nothing  # noqa: B018
