"""Fine-tuning: the weights of a pretrained model as the start of a training."""

from __future__ import annotations

from torch import Tensor

from ganzoo.gan import GAN
from ganzoo.models.create import build_for
from ganzoo.models.load import Model, find_training
from ganzoo.models.weights import check_fit, inference_state, load_tensors, training_state
from ganzoo.registry import installed
from ganzoo.training import checkpoint


def training_tensors(model: Model) -> dict[str, Tensor] | None:
    """Return the networks that only training uses, of a run's last checkpoint or as they were published; else None."""
    if path := find_training(model):
        return load_tensors(path)
    checkpoints = checkpoint.list_checkpoints(model.folder) if model.folder else []
    if not checkpoints:
        return None
    wanted = training_state(build_for(installed(), model.config, model.name))
    return {name: t for name, t in load_tensors(checkpoints[-1] / "gan.safetensors").items() if name in wanted}


def load_pretrained(gan: GAN, model: Model) -> bool:
    """Load a pretrained model's weights into a new GAN; return whether it had the networks that only training uses.

    Raises:
        WeightsError: they do not fit: a hyper-parameter that changes a network was overridden.
    """
    averages, rest = load_tensors(model.weights), training_tensors(model)
    check_fit(averages, inference_state(gan), model.weights, gan)
    if rest is not None:
        check_fit(rest, training_state(gan), find_training(model) or model.weights, gan)
    gan.load_state_dict({**averages, **(rest or {})}, strict=False)  # all that both have was compared
    return rest is not None
