"""Checks of the phases: which parameters get gradients, the losses' shapes, what a step changes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import torch
from accelerate import Accelerator
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.gan import GAN
from ganzoo.gan.augment import POLICIES
from ganzoo.gan.sample_spec import text_of
from ganzoo.testing.subject import BATCH, CheckError, PhaseAt, Subject, expect, listed, phases
from ganzoo.training import batch_sizes
from ganzoo.training.discriminator_inputs import Augmentation
from ganzoo.training.ema import EMA
from ganzoo.training.settings import Settings
from ganzoo.training.state import State
from ganzoo.training.updates import PhaseRunner

SMALL_BATCHES = (1, 3)
KNOWN_NEEDS = {"label", "A", "B", "pair"}
"""Keys of a batch beside the media."""


def _own(gan: GAN, optimizer: torch.optim.Optimizer) -> set[str]:
    ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return {name for name, parameter in gan.named_parameters() if id(parameter) in ids}


def _copies(gan: GAN) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in gan.named_parameters()}


def _changed(gan: GAN, before: dict[str, Tensor]) -> set[str]:
    return {name for name, parameter in gan.named_parameters() if not torch.equal(parameter, before[name])}


def check_structure(subject: Subject) -> None:
    """Names, intervals and half-lives must be valid before any phase runs."""
    gan = subject.build()
    networks = {name for name, _ in gan.named_children()}
    optimizers, stages = gan.optimizers(), gan.stages()
    expect(isinstance(stages, Sequence), f"stages() returns a {type(stages).__name__}: return a list")
    expect(stages and all(stage.phases for stage in stages), "stages() returns no stage, or one without phases")
    unknown = set(gan.needs) - KNOWN_NEEDS - {*subject.zoo.media.names()}
    expect(not unknown, f"needs {listed(unknown)}: no data gives that")
    for attribute, names in (("ema", gan.ema), ("inference", gan.inference)):
        unknown = set(names) - networks
        expect(not unknown, f"{attribute} names {listed(unknown)}, which is not a network of it")
    expect(gan.inference, "inference is empty: name the networks that generate() uses")
    for name, half_life in gan.ema.items():
        expect(0 < half_life < math.inf, f"the half-life of {name} is {half_life}: it is a number of images, above 0")
    for place, stage in enumerate(stages):
        last = place == len(stages) - 1
        expect(stage.images is not None or last, f"stage {place} lasts for ever: give it images, or make it the last")
        for name in ("images", "batch_size", "resolution"):
            value = getattr(stage, name)
            expect(
                value is None or min(value if isinstance(value, tuple) else (value,)) >= 1,
                f"stage {place} has {name}={value}: it counts from 1",
            )
        names = [phase.name for phase in stage.phases]
        expect(len(set(names)) == len(names), f"two phases of a stage have the same name: {', '.join(names)}")
        for phase in stage.phases:
            expect(phase.optimizer in optimizers, f"phase {phase.name} names the optimizer '{phase.optimizer}'")
            counts = f"every={phase.every}, repeat={phase.repeat}"
            expect(min(phase.every, phase.repeat) >= 1, f"phase {phase.name} has {counts}: both count from 1")
    idle = set(optimizers) - {at.phase.optimizer for at in phases(gan)}
    expect(not idle, f"no phase uses the optimizer {listed(idle)}")


def check_parameters_have_one_optimizer(subject: Subject) -> None:
    """A parameter in two optimizers is moved twice; one in none never learns."""
    gan = subject.build()
    seen: set[str] = set()
    for names in (_own(gan, optimizer) for optimizer in gan.optimizers().values()):
        expect(not seen & names, f"{listed(seen & names)} is in two optimizers")
        seen |= names
    left = {name for name, parameter in gan.named_parameters() if parameter.requires_grad} - seen
    expect(not left, f"{listed(left)} is in no optimizer: add it, or make it a buffer")


def _update(subject: Subject, gan: GAN, at: PhaseAt, size: int = BATCH) -> set[str]:
    """Run one update of a phase; return the parameters that got a gradient."""
    optimizer, settings = gan.optimizers()[at.phase.optimizer], Settings("", 1, precision="fp32")
    runner = PhaseRunner(State(gan, EMA(gan), {}), optimizer, Accelerator(cpu=True), settings)
    batch = subject.batch(gan, at, size)
    runner.enable_grads()
    runner.update(at.phase, [batch], at.progress)
    return {name for name, parameter in gan.named_parameters() if parameter.grad is not None}


def _each_alone(subject: Subject) -> Iterator[tuple[GAN, PhaseAt]]:
    """Yield every phase of every stage, each with a newly built GAN."""
    for index in range(len(phases(subject.build()))):
        gan = subject.build().train()
        yield gan, phases(gan)[index]


def check_gradients_stay_home(subject: Subject) -> None:
    """A phase must change the networks of its own optimizer, and no others."""
    for gan, at in _each_alone(subject):
        name = at.phase.name
        own = _own(gan, gan.optimizers()[at.phase.optimizer])
        before = _copies(gan)
        touched = _update(subject, gan, at)
        expect(not touched - own, f"phase {name} gives a gradient to {listed(touched - own)}, which it does not train")
        expect(touched, f"phase {name} gives no gradient at all: does its loss detach what it should train?")
        moved = _changed(gan, before)
        expect(not moved - own, f"phase {name} changes {listed(moved - own)}, which it does not train")
        expect(moved, f"phase {name} changes nothing: is its learning rate 0?")


def check_every_parameter_learns(subject: Subject) -> None:
    """A parameter that no phase reaches is a mistake in a forward pass, or dead weight."""
    unreached = {name for name, _ in subject.build().named_parameters()}
    for gan, at in _each_alone(subject):
        unreached -= _update(subject, gan, at)
    expect(not unreached, f"no phase gives a gradient to {listed(unreached)}: is it used in forward()?")


def check_losses(subject: Subject) -> None:
    """Losses are per image, so that the engine can average them over any number of processes; and finite."""
    gan = subject.build().train()
    for at in phases(gan):
        phase, terms = at.phase, None
        for terms in phase.loss(subject.batch(gan, at), at.progress):
            expect(isinstance(terms, dict) and terms, f"phase {phase.name} yields {type(terms).__name__}, not terms")
            for name, values in terms.items():
                what = f"the term {phase.name}/{name}"
                expect(isinstance(values, Tensor), f"{what} is a {type(values).__name__}: return tensors, not numbers")
                expect(
                    values.ndim == 0 or (values.ndim == 1 and BATCH % len(values) == 0),  # a share of the batch will do
                    f"{what} has shape {tuple(values.shape)}: give one value per image, ({BATCH},), no mean",
                )
                expect(values.isfinite().all(), f"{what} is not finite at the first step: check logs and divisions")
            expect(any(v.requires_grad for v in terms.values()), f"phase {phase.name} yields nothing with a gradient")
        expect(terms, f"phase {phase.name} yields nothing: a loss is a generator of dicts of terms")


def check_small_batches(subject: Subject) -> None:
    """A batch of one image, or of an odd number, must train, or be refused in one line before anything is written."""
    for size in SMALL_BATCHES:
        settings = Settings("", 10**9, batch_size=size)
        try:
            batch_sizes.check_batch_sizes(subject.build(), settings, subject.source.native())
        except ConfigError:
            continue
        for gan, at in _each_alone(subject):
            what = f"phase {at.phase.name} on a batch of {size}"
            if gan.stages()[at.progress.stage].batch_size is not None:
                continue
            try:
                _update(subject, gan, at, size)
            except Exception as error:
                raise CheckError(f"{what} fails: {error}; its loss may raise a ConfigError instead") from error
            bad = {name for name, parameter in gan.named_parameters() if not parameter.isfinite().all()}
            expect(
                not bad, f"{what} makes {listed(bad)} not finite: is there a deviation over one image, which is 0/0?"
            )


def check_needs(subject: Subject) -> None:
    """`needs` is compared with the data before training: what is missing there fails in the first step."""
    gan = subject.build().train()
    for at in phases(gan):
        try:
            for _ in at.phase.loss(subject.batch(gan, at), at.progress):
                pass
        except KeyError as error:
            expect(False, f"phase {at.phase.name} uses batch[{error}], which needs does not name: {sorted(gan.needs)}")


def check_a_step_changes_what_it_trains(subject: Subject) -> None:
    """One step must change every network that has an optimizer, and nothing else."""
    gan = subject.build()
    before = _copies(gan)
    state = subject.steps(subject.state(gan), 1)
    own, changed = {name: _own(gan, optimizer) for name, optimizer in state.optimizers.items()}, _changed(gan, before)
    due = set().union(*(own[phase.optimizer] for phase in gan.stages()[0].phases if phase.every == 1))
    still = {name.partition(".")[0] for name in due} - {name.partition(".")[0] for name in changed}
    expect(not still, f"a step does not change {listed(still)}: does a phase train it on the first step?")
    others = changed.difference(*own.values())
    expect(not others, f"a step changes {listed(others)}, which no optimizer has")


def check_discriminators(subject: Subject) -> None:
    """Augmentations replace the first argument of the networks in `GAN.discriminators`, which must be samples."""
    gan = subject.build()
    networks = dict(gan.named_children())
    names = [name for name in gan.discriminators if name in networks]
    if not names and tuple(gan.discriminators) == tuple(GAN.discriminators):
        return  # no network is declared to be a discriminator of images: augmentations refuse the architecture
    wrong = [name for name in gan.discriminators if name not in networks]
    expect(not wrong, f"discriminators has {listed(wrong)}, and its networks are {', '.join(networks)}")
    seen: set[str] = set()
    shape = gan.output_spec().shape
    rank, wanted = len(shape), text_of(shape)[1:]

    def watch(name: str, arguments: tuple[object, ...]) -> None:
        first = arguments[0] if arguments else None
        found = tuple(first.shape) if isinstance(first, Tensor) else type(first).__name__
        samples = isinstance(first, Tensor) and first.ndim == 1 + rank and first.is_floating_point()
        expect(samples, f"{name} is given {found} as its first argument: make that the samples (N, {wanted}")
        seen.add(name)

    for name in names:
        networks[name].register_forward_pre_hook(lambda _, arguments, name=name: watch(name, arguments))
    with Augmentation(",".join(POLICIES)).attached(gan) if rank == len("CHW") else nullcontext():
        subject.steps(subject.state(gan), 1)
    idle = set(names) - seen
    expect(not idle, f"a step does not call {listed(idle)} as a module: call self.{min(idle, default='')}(images)")


def check_the_average_is_sampled(subject: Subject) -> None:
    """Averaged weights generate better images than the last ones; they must be sampled and saved."""
    gan = subject.build()
    expect(gan.ema, "ema is empty: name the generator with a half-life in images, for instance {'generator': 10_000}")
    useless = set(gan.ema) - set(gan.inference)
    expect(
        not useless,
        f"ema averages {listed(useless)}, which is not in inference: leave it out, or add it there if generate() or a "
        "condition of sample() uses it, as a loaded model has no other networks",
    )
    state = subject.steps(subject.state(gan), 2)
    averaged = state.ema.model()
    images, raw = averaged.sample(2), gan.sample(2)
    with torch.no_grad():
        for name in gan.ema:
            for parameter in getattr(gan, name).parameters():
                parameter.zero_()
    same = torch.equal(averaged.sample(2), images)
    expect(same, "the averaged model generates with the weights that are being trained")
    expect(not torch.equal(raw, gan.sample(2)), f"generate() does not use {listed(set(gan.ema))}")
