"""Batches: which images come at which place, and how they arrive."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.data import Loader, Store
from ganzoo.errors import DataError

N = 10


@pytest.fixture
def store():
    """Ten images, each of one value that its label tells."""
    values = torch.tensor([0, 255, *range(10, 90, 10)], dtype=torch.uint8)
    images = values.view(N, 1, 1, 1).expand(N, 3, 4, 4).contiguous()
    return Store("made", images, torch.arange(N), tuple("abcdefghij"))


def places(loader, position, n):
    return loader.indices(position, n).tolist()


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_each_epoch_is_a_permutation(store, epoch):
    assert sorted(places(Loader(store, seed=1), epoch * N, N)) == list(range(N))


def test_epochs_and_seeds_differ(store):
    orders = {tuple(places(Loader(store, seed=seed), epoch * N, N)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


def test_the_batch_at_a_position_depends_on_nothing_else(store):
    fresh = places(Loader(store, seed=4), 23, 6)
    used = Loader(store, seed=4)
    for position in (500, 3, 0, 17):
        used.batch(position, 6)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    assert places(used, 23, 6) == fresh
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("position", "n"), [(0, 4), (8, 4), (8, 30), (10, 10), (19, 1), (3, 7)])
def test_a_batch_is_a_stretch_of_the_endless_sequence(store, position, n):
    loader = Loader(store, seed=2)
    sequence = [i for epoch in range(5) for i in places(loader, epoch * N, N)]
    assert places(loader, position, n) == sequence[position : position + n]


@pytest.mark.parametrize("world", [2, 3, 4])
@pytest.mark.parametrize("position", [0, 7, 24])
def test_the_shares_of_all_ranks_are_the_batch_of_one_process(store, world, position):
    whole = places(Loader(store, seed=5), position, 12)
    shares = [places(Loader(store, seed=5, rank=rank, world=world), position, 12) for rank in range(world)]
    assert [len(share) for share in shares] == [12 // world] * world
    assert [i for share in shares for i in share] == whole


def test_within_an_epoch_no_two_ranks_share_an_image(store):
    shares = [set(places(Loader(store, seed=5, rank=rank, world=2), 0, 10)) for rank in range(2)]
    assert not shares[0] & shares[1]
    assert shares[0] | shares[1] == set(range(N))


def test_images_are_scaled_to_plus_minus_one_and_labels_stay_with_them(store):
    batch = Loader(store, seed=0).batch(0, N)
    expected = store.samples.double().numpy()[batch["label"].numpy()] / 127.5 - 1
    np.testing.assert_allclose(batch["image"], expected, atol=1e-6)
    assert batch["image"].dtype == torch.float32
    assert (batch["image"].min(), batch["image"].max()) == (-1, 1)
    assert batch["label"].dtype == torch.int64
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)


def test_the_store_stays_as_it_is(store):
    before = store.samples.clone()
    Loader(store, seed=0).batch(0, N)["image"].zero_()
    assert torch.equal(store.samples, before)


def test_without_labels_a_batch_has_only_images(store):
    assert set(Loader(Store("made", store.samples, None, None), seed=0).batch(0, 4)) == {"image"}


def test_a_lower_resolution_averages(store):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (N, 3, 8, 8), generator=generator, dtype=torch.uint8)
    loader = Loader(Store("made", images, torch.arange(N), store.classes), seed=0)
    small = loader.batch(0, 6, resolution=4)
    blocks = images.double().numpy()[small["label"].numpy()].reshape(6, 3, 4, 2, 4, 2).mean((3, 5))
    np.testing.assert_allclose(small["image"], blocks / 127.5 - 1, atol=1e-5)
    assert small["image"].is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(loader.batch(0, 6, resolution=8)["image"], loader.batch(0, 6)["image"])


@pytest.mark.parametrize("seed", [0, 2**40, 2**63 - 1])
def test_any_seed_of_64_bits_will_do(store, seed):
    assert sorted(places(Loader(store, seed=seed), 0, N)) == list(range(N))


@pytest.fixture
def unbalanced(digits):
    """Real digits: all of class 0, fewer and fewer of the others, three of class 9."""
    images, labels = digits
    kept = np.concatenate([np.flatnonzero(labels == c)[: max(3, 80 - 10 * c)] for c in range(10)])
    return Store("digits", torch.from_numpy(images[kept])[:, None], torch.from_numpy(labels[kept]), tuple("0123456789"))


def test_balanced_batches_have_every_class_equally_often(unbalanced):
    counts = torch.bincount(unbalanced.labels).tolist()
    assert max(counts) > 20 * min(counts)
    seen = [Loader(unbalanced, seed=0).batch(at, 50)["label"] for at in range(0, 1000, 50)]
    assert torch.bincount(seen[0]).tolist() != [5] * 10  # plain batches are as the data is
    loader = Loader(unbalanced, seed=0, balance=True)
    batches = [loader.batch(at, 50) for at in range(0, 1000, 50)]
    assert all(torch.bincount(batch["label"], minlength=10).tolist() == [5] * 10 for batch in batches)


def test_balanced_images_of_a_class_come_equally_often(unbalanced):
    loader = Loader(unbalanced, seed=0, balance=True)
    epoch = 10 * max(torch.bincount(unbalanced.labels).tolist())
    seen = torch.bincount(loader.indices(0, epoch), minlength=len(unbalanced))
    for label in range(10):
        own = seen[unbalanced.labels == label]
        assert own.min() >= 1
        assert own.max() - own.min() <= 1


def test_a_balanced_order_is_a_function_of_seed_and_place_shared_by_all(unbalanced):
    whole = Loader(unbalanced, seed=3, balance=True).indices(790, 40)  # over the end of an epoch
    again = Loader(unbalanced, seed=3, balance=True)
    again.indices(0, 100)
    assert torch.equal(again.indices(790, 40), whole)
    ranks = [Loader(unbalanced, seed=3, balance=True, rank=r, world=2).indices(790, 40) for r in range(2)]
    assert torch.equal(torch.cat(ranks), whole)
    assert not torch.equal(Loader(unbalanced, seed=4, balance=True).indices(790, 40), whole)
    orders = {
        tuple(unbalanced.labels[Loader(unbalanced, seed=3, balance=True).indices(at, 10)].tolist())
        for at in range(0, 200, 10)
    }
    assert len(orders) > 15  # the classes take turns in any order


# --- samples of any rank ---

ANY_RANK = pytest.mark.parametrize("shape", [(1, 16), (7, 3), (3, 4, 8, 8)], ids=["N1T", "NTC", "NCFHW"])


@ANY_RANK
def test_samples_of_any_rank_are_served_as_they_are(shape):
    samples = torch.randint(0, 256, (6, *shape), dtype=torch.uint8)
    loader = Loader(Store("any", samples, None, None), seed=0)
    served, index = loader.batch(0, 6)["image"], loader.indices(0, 6)
    assert served.shape == (6, *shape)
    assert served.is_contiguous()
    torch.testing.assert_close(served, samples[index].float() / 127.5 - 1)


def test_only_images_are_channels_last():
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    served = Loader(Store("images", images, None, None), seed=0).batch(0, 4)["image"]
    assert served.is_contiguous(memory_format=torch.channels_last)


@ANY_RANK
def test_a_resolution_of_samples_that_are_not_images_is_refused(shape):
    loader = Loader(Store("any", torch.zeros(4, *shape, dtype=torch.uint8), None, None), seed=0)
    with pytest.raises(DataError) as caught:
        loader.batch(0, 2, resolution=4)
    assert str(shape) in str(caught.value)
    assert "\n" not in str(caught.value)
