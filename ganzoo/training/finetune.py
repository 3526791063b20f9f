"""Fine-tuning: the weights of a pretrained model as the start of a training."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from ganzoo.errors import WeightsError, one_line
from ganzoo.gan import GAN
from ganzoo.models.create import build_for
from ganzoo.models.load import Model, find_training
from ganzoo.models.weights import check_fit, inference_state, load_tensors, training_state
from ganzoo.registry import installed
from ganzoo.registry.hyperparameters import config_to_dict
from ganzoo.training import checkpoint

_log = logging.getLogger(__name__)
OF_THE_DATA = ("image_size", "channels", "classes")
"""Hyper-parameters in which a model may differ from the one that it is fine-tuned from."""
_NAMED = 20


def training_tensors(model: Model) -> dict[str, Tensor] | None:
    """Return the networks that only training uses, of a run's last checkpoint or as they were published; else None."""
    if path := find_training(model):
        return load_tensors(path)
    checkpoints = checkpoint.list_checkpoints(model.folder) if model.folder else []
    if not checkpoints:
        return None
    wanted = training_state(build_for(installed(), model.config, model.name))
    return {name: t for name, t in load_tensors(checkpoints[-1] / "gan.safetensors").items() if name in wanted}


def load_pretrained(gan: GAN, model: Model, written: Mapping[str, Any]) -> None:
    """Load a pretrained model's weights into a new GAN, and log what begins untrained.

    Where the GAN has another size or number of classes than the model, the layers that this changes stay as they are.

    Args:
        gan: untrained.
        model: that it starts from.
        written: the model's hyper-parameters.

    Raises:
        WeightsError: they do not fit: another hyper-parameter that changes a network was overridden.
    """
    parts = [(load_tensors(model.weights), inference_state(gan), model.weights)]
    if (rest := training_tensors(model)) is not None:
        parts += [(rest, training_state(gan), find_training(model) or model.weights)]
    changes = _changes(gan, written)
    untrained: list[str] = []
    left: list[str] = []
    for found, wanted, path in parts:
        if changes:
            left += [name for name in found if name not in wanted]
            unlike = {_layer(n) for n, want in wanted.items() if n not in found or found[n].shape != want.shape}
            untrained += [layer for layer in dict.fromkeys(map(_layer, wanted)) if layer in unlike]
            found = {n: tensor for n, tensor in found.items() if n in wanted and _layer(n) not in unlike}  # noqa: PLW2901
            wanted = {n: wanted[n] for n in found}  # noqa: PLW2901
            if not found:
                raise WeightsError(f"no layer of {path} fits {type(gan).__name__} with {changes}")
        check_fit(found, wanted, path, gan)
        gan.load_state_dict(found, strict=False)  # all that both have was compared
    if changes:
        out = f"; these are left out: {_listed(map(_layer, left))}" if left else ""
        fewer = "classes" in written and gan.config.classes < written["classes"]
        keep = f"; -o classes={written['classes']} would keep those of the classes" if fewer else ""
        _log.warning(
            "%s is fine-tuned with %s: these layers begin untrained: %s%s%s",
            model.name, changes, _listed(untrained) or "none", out, keep,
        )  # fmt: skip
    if rest is None:
        _log.warning("%s came without the networks that only training needs: they begin untrained", model.name)
    if written.get("classes") == getattr(gan.config, "classes", None) is not None:
        _tell_names(gan.class_names, model)


def _changes(gan: GAN, written: Mapping[str, Any]) -> str:
    """Return in which of the hyper-parameters that the data sets a GAN differs from the model that was written."""
    own, changes = config_to_dict(gan.config), []
    for name in OF_THE_DATA:
        if name in own and name in written and own[name] != written[name]:
            names = f" ({_listed(gan.class_names)})" if name == "classes" else ""
            changes.append(f"{name}={own[name]}{names} in place of {written[name]}")
    return ", ".join(changes)


def _layer(tensor: str) -> str:
    """Return the name of the module that has a tensor, a parametrised one together with its original."""
    layer, parametrised, _ = tensor.partition(".parametrizations.")
    return layer if parametrised else tensor.rpartition(".")[0] or tensor


def _tell_names(names: Sequence[str], model: Model) -> None:
    """Log where the classes of the data have other names than those of the model, whose weights they get."""
    both = enumerate(zip(model.config.class_names, names, strict=False))
    renamed = [(i, old, new) for i, (old, new) in both if old != new]
    if renamed:
        what = _listed(f"{new} is {old} (class {i})" for i, old, new in renamed)
        _log.warning("the classes begin with the weights of others in %s: %s", model.name, what)


def _listed(words: Iterable[str]) -> str:
    """Return different words as text, on one line and not too many of them."""
    words = [*dict.fromkeys(words)]
    return one_line(", ".join(words[:_NAMED])) + (f" and {len(words) - _NAMED} more" if len(words) > _NAMED else "")
