"""Training scripts as most tutorials write them, for the networks of any of ganzoo's models.

Images are opened and transformed one by one in a `DataLoader`; everything is float32 and contiguous; the generator
runs anew for each network's update; Adam updates parameter by parameter; each loss is read at each step. Nothing is
there only to be slow: there is neither a running average nor a regulariser that the model's defaults may have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import ImageFolder

from ganzoo.gan import GAN

Loader = DataLoader[tuple[Tensor, Tensor]]


class Arrays(Dataset[tuple[Tensor, Tensor]]):
    """Decoded images (N, H, W) or (N, H, W, C), each transformed when it is asked for, as torchvision's MNIST does."""

    def __init__(self, images: NDArray, labels: Sequence[int], transform: Callable[[Image.Image], Tensor]) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.transform(Image.fromarray(self.images[i])), self.labels[i]


def usual_transform(size: int, channels: int) -> transforms.Compose:
    """Return the transform of PyTorch's own DCGAN tutorial: resize, crop, to a tensor, normalise to [-1, 1]."""
    return transforms.Compose(
        [
            transforms.Resize(size),
            transforms.CenterCrop(size),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * channels, [0.5] * channels),
        ]
    )


def from_arrays(images: NDArray, labels: Sequence[int], size: int) -> Arrays:
    """Return a data set of decoded images."""
    return Arrays(images, labels, usual_transform(size, 1 if images.ndim == 3 else 3))


def from_files(folder: Path, size: int) -> ImageFolder:
    """Return a data set of image files, a sub-folder per class."""
    return ImageFolder(str(folder), usual_transform(size, 3))


def batches(dataset: Dataset, batch: int, workers: int) -> Loader:
    """Return shuffled batches; processes that decode stay alive from one epoch to the next."""
    return DataLoader(
        dataset, batch_size=batch, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
    )


def usual(gan: GAN, loader: Loader, device: torch.device, *, share_fakes: bool = False) -> Callable[[], None]:
    """Return a function that trains one epoch with binary cross entropy; labels go to networks that take them."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    opt_g = Adam(g.parameters(), lr=config.lr, betas=(config.beta1, config.beta2))
    opt_d = Adam(d.parameters(), lr=config.lr, betas=(config.beta1, config.beta2))
    criterion = nn.BCEWithLogitsLoss()

    def epoch() -> None:
        d_total = g_total = 0.0
        for image, label in loader:
            real, n = image.to(device), len(image)
            condition = (label.to(device),) if "label" in gan.needs else ()
            valid, invalid = torch.ones(n, device=device), torch.zeros(n, device=device)
            opt_d.zero_grad()
            fake = g(torch.randn(n, config.latent_dim, device=device), *condition)
            d_loss = criterion(d(real, *condition), valid) + criterion(d(fake.detach(), *condition), invalid)
            d_loss.backward()
            opt_d.step()
            opt_g.zero_grad()
            if not share_fakes:
                fake = g(torch.randn(n, config.latent_dim, device=device), *condition)
            g_loss = criterion(d(fake, *condition), valid)
            g_loss.backward()
            opt_g.step()
            d_total += d_loss.item()
            g_total += g_loss.item()

    return epoch


def wasserstein(gan: GAN, loader: Loader, device: torch.device) -> Callable[[], None]:
    """Return a function that trains one epoch of WGAN-GP: the generator moves on each ``n_critic``-th batch."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    opt_g = Adam(g.parameters(), lr=config.lr, betas=(config.beta1, config.beta2))
    opt_d = Adam(d.parameters(), lr=config.lr, betas=(config.beta1, config.beta2))

    def penalty(real: Tensor, fake: Tensor) -> Tensor:
        share = torch.rand(len(real), 1, 1, 1, device=device)
        between = (share * real + (1 - share) * fake).requires_grad_(True)
        scores = d(between)
        gradient = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)[0]
        return ((gradient.view(len(real), -1).norm(2, dim=1) - 1) ** 2).mean()

    def epoch() -> None:
        d_total = g_total = 0.0
        for i, (image, _) in enumerate(loader, 1):
            real, n = image.to(device), len(image)
            opt_d.zero_grad()
            fake = g(torch.randn(n, config.latent_dim, device=device)).detach()
            d_loss = d(fake).mean() - d(real).mean() + config.penalty * penalty(real, fake)
            d_loss.backward()
            opt_d.step()
            d_total += d_loss.item()
            if i % config.n_critic == 0:
                opt_g.zero_grad()
                g_loss = -d(g(torch.randn(n, config.latent_dim, device=device))).mean()
                g_loss.backward()
                opt_g.step()
                g_total += g_loss.item()

    return epoch
