"""How each bundled model is trained."""

from __future__ import annotations

from typing import Any, NamedTuple


class Recipe(NamedTuple):
    """How a model is trained.

    Args:
        architecture: its name.
        summary: of the model.
        images: the budget, as the command line takes it.
        options: hyper-parameters that are not the defaults.
        data: as ``ganzoo train --data`` takes it.
        settings: further options of the command.
        longer: a second stretch, to this budget: the learning rate comes back to where it has it, and falls again.
        protocols: what is measured; none for what is measured of all that draw.
    """

    architecture: str
    summary: str
    images: str
    options: dict[str, Any]
    data: str = "mnist"
    settings: str = ""
    longer: str = ""
    protocols: tuple[str, ...] = ()


RECIPES = {
    # A perceptron draws sharp strokes only against a discriminator that sees neighbourhoods.
    "vanilla-mnist": Recipe(
        "vanilla", "handwritten digits from a multilayer perceptron", "1500k",
        {"discriminator": "conv", "dropout": 0.0, "r1": 1.0, "beta2": 0.99, "lr_decay": 0.5, "ema": 20000},
    ),
    # R1 in the place of the discriminator's batch norm keeps the ten classes even.
    "dcgan-mnist": Recipe(
        "dcgan", "handwritten digits", "1500k",
        {
            "latent_dim": 64, "base_channels": 128, "output": "conv", "discriminator_channels": 48,
            "discriminator_norm": "none", "r1": 1.0, "lr": 0.0003, "beta2": 0.99, "lr_decay": 0.5, "ema": 20000,
        },
    ),
    # Many small steps with small networks: what a slow machine can repeat with three seeds.
    "dcgan-mnist-small": Recipe(
        "dcgan", "handwritten digits, from a small network", "400k",
        {
            "latent_dim": 64, "base_channels": 64, "output": "conv", "discriminator_channels": 32,
            "discriminator_norm": "none", "r1": 1.0, "lr": 0.0007, "beta2": 0.99, "lr_decay": 0.5,
        },
        settings="--batch-size 16 -m 'fd[mnist-classifier]@10k/test' --eval-every 80k",
    ),
    "wgan-gp-mnist": Recipe(
        "wgan-gp", "handwritten digits", "3200k",
        {
            "latent_dim": 64, "base_channels": 80, "critic_channels": 40, "output": "conv", "lr": 0.0005,
            "lr_decay": 0.5, "ema": 20000,
        },
        longer="4200k",
    ),
    "cgan-mnist": Recipe(
        "cgan", "handwritten digits by class", "600k",
        {
            "label_dim": 32, "base_channels": 96, "output": "conv", "discriminator_channels": 48, "lr": 0.0003,
            "lr_decay": 0.5, "ema": 20000,
        },
    ),
    # Small and many steps: one critic update per step, made up for by five times the learning rate (Heusel 2017).
    "sngan-cifar10": Recipe(
        "sngan", "small photographs of ten kinds of things", "340k",
        {
            "base_channels": 64, "discriminator_channels": 48, "n_critic": 1, "discriminator_lr": 0.001,
            "lr_decay": 0.4,
        },
        data="cifar10", settings="--batch-size 32",
    ),
    # Without a norm the discriminator let the generator stand still on photographs; the hinge loss was quicker.
    "dcgan-cifar10": Recipe(
        "dcgan", "small photographs, for the most part of their colours and layout", "280k",
        {
            "base_channels": 64, "output": "conv", "discriminator_channels": 48, "loss": "hinge", "lr_decay": 0.4,
        },
        data="cifar10", settings="--batch-size 32 -m 'fd[cifar10-classifier]@5k/test' --eval-every 50k",
    ),
    # As its authors do for small images: two mapping layers, a weak R1, neither mixing nor path length. Networks as
    # narrow as these also need momentum: without it they draw one digit at a time.
    "stylegan2-mnist": Recipe(
        "stylegan2", "handwritten digits", "400k",
        {
            "mapping_layers": 2, "base_channels": 16, "latent_dim": 64, "style_dim": 64, "mixing": 0, "path_length": 0,
            "r1": 1, "lr": 0.004, "beta1": 0.5,
        },
        settings="--batch-size 16 --precision fp32 -m 'fd[mnist-classifier]@2k/test' --eval-every 20k",
    ),
    "cyclegan-mnist-3-8": Recipe(
        "cyclegan", "turns handwritten threes into eights, and eights into threes", "60k",
        {"base_channels": 16, "blocks": 3, "discriminator_channels": 32},
        data="A=mnist:3,B=mnist:8", settings="--batch-size 8",
        protocols=("fd[mnist-classifier]@900/test",),
    ),
    "pix2pix-grey-cifar10": Recipe(
        "pix2pix", "colourises small photographs", "400k", {"base_channels": 20, "discriminator_channels": 32},
        data="grey:cifar10", settings="--batch-size 16",
        protocols=("psnr@10k/test", "ssim@10k/test", "fd[cifar10-classifier]@10k/test"),
    ),
}  # fmt: skip
