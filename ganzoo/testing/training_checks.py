"""Checks of the phases: who gets gradients, what the losses are, what a step changes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from accelerate import Accelerator
from torch import Tensor

from ganzoo.gan import GAN
from ganzoo.gan.augment import POLICIES
from ganzoo.testing.subject import BATCH, Subject, Turn, expect, turns
from ganzoo.training.discriminator_inputs import Augmentation
from ganzoo.training.ema import EMA
from ganzoo.training.state import State
from ganzoo.training.updates import PhaseRunner

KNOWN_NEEDS = {"image", "label", "A", "B", "pair"}


def _own(gan: GAN, optimizer: torch.optim.Optimizer) -> set[str]:
    ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return {name for name, parameter in gan.named_parameters() if id(parameter) in ids}


def _list(names: set[str] | list[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def check_structure(subject: Subject) -> None:
    """Names, intervals and half-lives must make sense before anything is played."""
    gan = subject.build()
    networks = {name for name, _ in gan.named_children()}
    optimizers, stages = gan.optimizers(), gan.stages()
    expect(isinstance(stages, Sequence), f"stages() returns a {type(stages).__name__}: return a list")
    expect(stages and all(stage.phases for stage in stages), "stages() returns no stage, or one without phases")
    expect(set(gan.needs) <= KNOWN_NEEDS, f"needs {_list(set(gan.needs) - KNOWN_NEEDS)}: no data gives that")
    for attribute, names in (("ema", gan.ema), ("inference", gan.inference)):
        expect(set(names) <= networks, f"{attribute} names {_list(set(names) - networks)}, which is no network of it")
    expect(gan.inference, "inference is empty: name the networks that generate() uses")
    for name, half_life in gan.ema.items():
        expect(0 < half_life < math.inf, f"the half-life of {name} is {half_life}: it is a number of images, above 0")
    for place, stage in enumerate(stages):
        last = place == len(stages) - 1
        expect(stage.images is not None or last, f"stage {place} lasts for ever: give it images, or make it the last")
        for name in ("images", "batch_size", "resolution"):
            value = getattr(stage, name)
            expect(value is None or value >= 1, f"stage {place} has {name}={value}: it counts from 1")
        names = [phase.name for phase in stage.phases]
        expect(len(set(names)) == len(names), f"two phases of a stage are called alike: {', '.join(names)}")
        for phase in stage.phases:
            expect(phase.optimizer in optimizers, f"phase {phase.name} names the optimizer '{phase.optimizer}'")
            expect(
                phase.every >= 1 and phase.repeat >= 1,
                f"phase {phase.name} has every={phase.every}, repeat={phase.repeat}: both count from 1",
            )
    idle = set(optimizers) - {turn.phase.optimizer for turn in turns(gan)}
    expect(not idle, f"no phase uses the optimizer {_list(idle)}")


def check_parameters_have_one_optimizer(subject: Subject) -> None:
    """A parameter in two optimizers is moved twice; one in none never learns."""
    gan = subject.build()
    owned = [_own(gan, optimizer) for optimizer in gan.optimizers().values()]
    seen: set[str] = set()
    for names in owned:
        expect(not seen & names, f"{_list(seen & names)} is in two optimizers")
        seen |= names
    left = {name for name, parameter in gan.named_parameters() if parameter.requires_grad} - seen
    expect(not left, f"{_list(left)} is in no optimizer: add it, or make it a buffer")


def _play(subject: Subject, gan: GAN, turn: Turn) -> None:
    optimizer = gan.optimizers()[turn.phase.optimizer]
    state = State(gan, EMA(gan), {})
    runner = PhaseRunner(state, optimizer, Accelerator(cpu=True))
    batch = subject.batch(gan, turn)
    runner.enable_grads()
    runner.update(turn.phase, [batch], turn.progress)


def _each_alone(subject: Subject) -> Iterator[tuple[GAN, Turn]]:
    """Yield every phase of every stage, each with a GAN that has not played yet."""
    for index in range(len(turns(subject.build()))):
        gan = subject.build().train()
        yield gan, turns(gan)[index]


def check_gradients_stay_home(subject: Subject) -> None:
    """A phase trains its own optimizer's networks; it must leave all others as they are, and reach its own."""
    for gan, turn in _each_alone(subject):
        name = turn.phase.name
        own = _own(gan, gan.optimizers()[turn.phase.optimizer])
        before = {key: parameter.detach().clone() for key, parameter in gan.named_parameters()}
        _play(subject, gan, turn)
        touched = {key for key, parameter in gan.named_parameters() if parameter.grad is not None}
        expect(not touched - own, f"phase {name} gives a gradient to {_list(touched - own)}, which it does not train")
        expect(touched, f"phase {name} gives no gradient at all: does its loss detach what it should train?")
        moved = {key for key, parameter in gan.named_parameters() if not torch.equal(parameter, before[key])}
        expect(not moved - own, f"phase {name} changes {_list(moved - own)}, which it does not train")
        expect(moved, f"phase {name} changes nothing: is its learning rate 0?")


def check_every_parameter_learns(subject: Subject) -> None:
    """A parameter that no phase reaches is a mistake in a forward pass, or dead weight."""
    reached: set[str] = set()
    every: set[str] = set()
    for gan, turn in _each_alone(subject):
        every = {key for key, _ in gan.named_parameters()}
        _play(subject, gan, turn)
        reached |= {key for key, p in gan.named_parameters() if p.grad is not None}
    expect(not every - reached, f"no phase gives a gradient to {_list(every - reached)}: is it used in forward()?")


def check_losses(subject: Subject) -> None:
    """Losses are per image, so that the engine can average them over any number of processes; and finite."""
    gan = subject.build().train()
    for turn in turns(gan):
        phase = turn.phase
        batch = subject.batch(gan, turn)
        yielded = 0
        for terms in phase.loss(batch, turn.progress):
            yielded += 1
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
        expect(yielded, f"phase {phase.name} yields nothing: a loss is a generator of dicts of terms")


def check_needs(subject: Subject) -> None:
    """`needs` is compared with the data before training: what is missing there fails in the first step."""
    gan = subject.build().train()
    for turn in turns(gan):
        try:
            for _ in turn.phase.loss(subject.batch(gan, turn), turn.progress):
                pass
        except KeyError as error:
            expect(
                False, f"phase {turn.phase.name} uses batch[{error}], which needs does not name: {sorted(gan.needs)}"
            )


def check_a_step_changes_what_it_trains(subject: Subject) -> None:
    """After one step every network that has an optimizer is another; what has none is as it was."""
    gan = subject.build()
    before = {name: parameter.detach().clone() for name, parameter in gan.named_parameters()}
    state: State = subject.steps(subject.state(gan), 1)
    played = {phase.optimizer for phase in gan.stages()[0].phases if phase.every == 1}
    owned = set().union(*(_own(gan, state.optimizers[name]) for name in played))
    changed = {name for name, parameter in gan.named_parameters() if not torch.equal(parameter, before[name])}
    networks = {name.partition(".")[0] for name in owned}
    still = networks - {name.partition(".")[0] for name in changed}
    expect(not still, f"after a step {_list(still)} is as it was: does a phase train it on the first step?")
    trained = set().union(*(_own(gan, optimizer) for optimizer in state.optimizers.values()))
    expect(not changed - trained, f"a step changes {_list(changed - trained)}, which no optimizer has")


def check_discriminators(subject: Subject) -> None:
    """Augmentations change what the networks in `GAN.discriminators` are given: images, as their first argument."""
    gan = subject.build()
    networks = dict(gan.named_children())
    names = [name for name in gan.discriminators if name in networks]
    if not names and tuple(gan.discriminators) == tuple(GAN.discriminators):
        return  # it says of no network that it judges images, and cannot be augmented
    wrong = [name for name in gan.discriminators if name not in networks]
    expect(not wrong, f"discriminators has {_list(wrong)}, and its networks are {', '.join(networks)}")
    seen: set[str] = set()

    def watch(name: str, arguments: tuple[object, ...]) -> None:
        first = arguments[0] if arguments else None
        found = tuple(first.shape) if isinstance(first, Tensor) else type(first).__name__
        images = isinstance(first, Tensor) and first.ndim == 4 and first.is_floating_point()
        expect(images, f"{name} is given {found} as its first argument: make that the images (N, C, S, S)")
        seen.add(name)

    for name in names:
        networks[name].register_forward_pre_hook(lambda _, arguments, name=name: watch(name, arguments))
    made = Augmentation(",".join(POLICIES))
    with made.attached(gan):
        subject.steps(subject.state(gan), 1)
    idle = set(names) - seen
    expect(not idle, f"a step does not call {_list(idle)} as a module: call self.{min(idle, default='')}(images)")


def check_the_average_is_sampled(subject: Subject) -> None:
    """Running averages draw better images than the weights; they must reach what is sampled and saved."""
    gan = subject.build()
    expect(gan.ema, "ema is empty: name the generator with a half-life in images, for instance {'generator': 10_000}")
    useless = set(gan.ema) - set(gan.inference)
    expect(
        not useless,
        f"ema averages {_list(useless)}, which is not in inference: leave it out, or add it there if generate() or a "
        "condition of sample() uses it, as a loaded model has no other networks",
    )
    state = subject.steps(subject.state(gan), 2)
    averaged = state.ema.model()
    images = averaged.sample(2)
    raw = gan.sample(2)
    with torch.no_grad():
        for name in gan.ema:
            for parameter in getattr(gan, name).parameters():
                parameter.zero_()
    expect(torch.equal(averaged.sample(2), images), "the averaged model draws with the weights that are being trained")
    expect(not torch.equal(raw, gan.sample(2)), f"generate() does not use {_list(set(gan.ema))}")
