"""Whether an architecture, the settings and the data go together: checks that read, download and seed nothing."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ganzoo.data import PairSource, Source
from ganzoo.data.degradations import DEGRADATIONS
from ganzoo.errors import ConfigError, DataError, PluginError
from ganzoo.gan import GAN
from ganzoo.gan.augment import ADAPTIVE, read_policy
from ganzoo.gan.optim import check_name, replaced
from ganzoo.gan.sample_spec import PartialShape
from ganzoo.media import get_medium
from ganzoo.models.create import with_full_names
from ganzoo.registry import Architecture
from ganzoo.registry.hyperparameters import make_config, sizes_of, vars_of
from ganzoo.registry.records import field_names
from ganzoo.training import checkpoint
from ganzoo.training.batch_sizes import check_batch_sizes
from ganzoo.training.settings import Settings
from ganzoo.training.sync_norm import convert_batch_norm

_log = logging.getLogger(__name__)

_MADE = ", ".join(f"{name}:DATA" for name in DEGRADATIONS)
_REMEDIES = {  # the first that applies is shown
    "A": f"two sets, A and B: say A=DATA,B=DATA, or a folder with trainA and trainB in it, or for pairs pairs:DATA, or "
    f"{_MADE}",
    "pair": "images that belong together in pairs: say pairs:DATA for two side by side, pairs:A=DATA,B=DATA for two "
    f"sets whose files have the same names, or {_MADE} for pairs that are made of one set",
    "image": "one set of images, and that is two: name one of them, without a prefix such as grey:",
    "label": "labels: use a labelled data set, or a folder with one sub-folder per class",
}


@dataclass(frozen=True)
class DataFacts:
    """What the checks know of a data set."""

    name: str
    count: int
    keys: frozenset[str]  # of its batches
    classes: Sequence[str] = ()
    shape: PartialShape = ()  # of the samples; none where they differ
    derived: Mapping[str, Any] = field(default_factory=dict)  # hyper-parameters that the samples set

    @classmethod
    def of(cls, source: Source | PairSource) -> DataFacts:
        """Return the facts of a source, whose first samples are read."""
        shape, keys, classes = source.native(), frozenset(source.keys), tuple(source.classes or ())
        return cls(source.name, source.count, keys, classes, shape, get_medium(source.medium).hyperparameters(shape))


def resolve_config(
    record: Architecture, data: DataFacts, options: Mapping[str, Any], *, start: Mapping[str, Any] | None = None,
    text: bool = False,
) -> Any:  # fmt: skip
    """Return the hyper-parameters of a run: the options, else those of ``start``, else of the data, else the defaults.

    The number of classes is that of the data where it has any, also with ``start``.

    Raises:
        ConfigError: an option has a bad name or value.
        DataError: the architecture does not take what the data has.
    """
    base = _derived(record, data, options) if start is None else {**start, **_classes(data, start)}
    return with_full_names(make_config(record.config, {**base, **options}, text=text, owner=record.name))


def _classes(data: DataFacts, start: Container[str] = ("classes",)) -> dict[str, int]:
    return {"classes": len(data.classes)} if len(data.classes) > 1 and "classes" in start else {}


def _derived(record: Architecture, data: DataFacts, options: Mapping[str, Any]) -> dict[str, Any]:
    derived: dict[str, Any] = {**data.derived, **_classes(data)}
    known = {*field_names(record.config)} - {*options}
    derived = {key: value for key, value in derived.items() if key in known}
    for key, value in list(derived.items()):
        if value is None:  # the samples differ in it
            del derived[key]
            default = vars_of(record.config())[key]
            message = "%s has samples that differ in %s: %s takes them at %s, its default; -o %s=... sets another"
            _log.warning(message, data.name, key, record.name, default, key)
            continue
        try:
            make_config(record.config, {key: value}, owner=record.name)
        except ConfigError as error:
            sizes = sizes_of(record.config) if key == "image_size" else None
            if sizes is None and key != "image_size":
                raise DataError(f"{data.name}: {error}") from error
            derived[key] = sizes.nearest(value)[0] if sizes else vars_of(record.config())[key]
            _log.warning("%s: %s; %s=%s is taken, -o sets another", data.name, error, key, derived[key])
    return derived


def validate(gan: GAN, config: Any, settings: Settings, data: DataFacts, architecture: str, dist: str) -> None:
    """Check a GAN with its hyper-parameters against settings and data; ``dist`` is the package that it comes from.

    Raises:
        ConfigError: the architecture does not go with a setting.
        DataError: the data is not what the architecture or a setting needs.
        PluginError: the architecture is at fault.
    """
    _check_needs(gan, config, data, architecture)
    _check_translations(gan, config, data, dist)
    if settings.balance and ("label" not in data.keys or not data.classes):
        raise DataError(f"{data.name} has no classes to balance: leave balance out, or use labelled data")
    check_batch_sizes(gan, settings, data.shape)
    if settings.optimizer is not None:
        _check_optimizer(settings.optimizer)
    if settings.sync_batch_norm and not convert_batch_norm(gan, processes=1):
        raise ConfigError(f"{architecture} has no batch norm: leave sync_batch_norm out")
    if settings.augment is not None or settings.instance_noise:
        _check_augmentation(gan, settings.augment, architecture)
    check_stages(gan, settings, data.name, data.count, architecture)


def _check_needs(gan: GAN, config: Any, data: DataFacts, architecture: str) -> None:
    if missing := gan.needs - data.keys:
        # What is both two sets and pairs is asked for as pairs.
        first = next((key for key in ("pair", *_REMEDIES) if key in missing), None)
        remedy = _REMEDIES.get(str(first), f"{', '.join(sorted(missing))}, which no data set has")
        raise DataError(f"{data.name} cannot be used: {architecture} needs {remedy}")
    classes = getattr(config, "classes", None)
    if "label" in gan.needs and classes is not None and len(data.classes) > classes:
        raise DataError(
            f"{data.name} has {len(data.classes)} classes, and the model {classes}: use data with no more, or train a "
            "new model"
        )


def _check_translations(gan: GAN, config: Any, data: DataFacts, dist: str) -> None:
    """Translate one image in each direction, so that no preview fails in the middle of a run."""
    what = f"{type(gan).__name__} of {dist}"
    for begin, target in gan.translations:
        if missing := {begin, target} - data.keys:
            missing_keys = ", ".join(sorted(missing))
            raise PluginError(f"{what} translates {begin} to {target}, and the data has no {missing_keys}")
        try:
            given = gan.sample_specs[begin].with_shape_of(data.shape, data.name).size
            made = gan.translate(torch.zeros(1, *given), to=target)
        except Exception as error:  # a plugin may raise anything
            raise PluginError(f"{what} fails to translate {begin} to {target}: {error}") from error
        wanted = gan.sample_specs[target].with_shape_of(data.shape, data.name).size
        if made.shape[1:] != wanted:
            raise PluginError(f"{what} makes {tuple(made.shape)} of {(1, *given)}, and its sample_specs say {wanted}")


def _check_augmentation(gan: GAN, policy: str | None, architecture: str) -> None:
    if policy is not None and policy not in ADAPTIVE:
        read_policy(policy)
    if policy is not None and any(len(spec.shape) != len("CHW") for spec in gan.sample_specs.values()):
        raise ConfigError(f"augment={policy} changes images, and {architecture} generates others: leave it out")
    networks = [network for network, _ in gan.named_children()]
    if not gan.discriminators or set(gan.discriminators) - set(networks):
        raise ConfigError(
            f"{architecture} cannot be augmented: its GAN.discriminators are ({', '.join(gan.discriminators)}), and "
            f"its networks {', '.join(networks)}"
        )
    if policy in ADAPTIVE and gan.decision_boundary is None:
        raise ConfigError(
            f"{architecture}'s discriminator has no decision boundary, which adaptive augmentation needs: use "
            "color,translation,cutout"
        )


def check_stages(gan: GAN, settings: Settings, name: str, count: int, architecture: str) -> None:
    """Compare the number of samples of data with the batches of the stages that are reached; warn if some are not.

    Raises:
        DataError: there are fewer samples than in a batch.
    """
    stages = gan.stages()
    begins = list(itertools.accumulate((stage.images or 0 for stage in stages[:-1]), initial=0))
    reached = [stage for stage, begin in zip(stages, begins, strict=True) if begin < settings.images]
    for stage in reached:
        size = stage.batch_size or settings.batch_size
        if count < size:
            remedy = "use --batch-size" if stage.batch_size is None else "use smaller ones in the hyper-parameters"
            raise DataError(f"{name} has {count} images, too few for batches of {size}: {remedy}")
    if len(reached) < len(stages):
        _log.warning(
            "%s has %d stages, and %s images reach %d of them: the last one begins at %s; see its hyper-parameters",
            architecture, len(stages), f"{settings.images:,}", len(reached), f"{begins[-1]:,}",
        )  # fmt: skip


def _check_optimizer(name: str) -> None:
    """Make a step with an optimizer of timm's, and get the state that a checkpoint would hold."""
    layer = torch.nn.Linear(2, 2)
    check_name(name)
    try:
        made = replaced(torch.optim.Adam(layer.parameters(), betas=(0.5, 0.9)), name)
        layer(torch.ones(1, 2)).sum().backward()
        made.step()
        json.dumps(checkpoint.optimizer_state(made)[1])
    except Exception as error:  # what does not work with these differs from one to the next
        raise ConfigError(
            f"timm's optimizer '{name}' cannot be used ({' '.join(str(error).split())[:160]}): use another, such as "
            "adamw, lion or rmsprop"
        ) from error
