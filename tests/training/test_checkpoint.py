import json
import random

import pytest
import torch
from accelerate import Accelerator

import ganzoo
from ganzoo._files import check_checksum, with_checksum, write_json
from ganzoo.errors import GanzooError, RunError
from ganzoo.training import checkpoint
from helpers import make, make_state, make_store, run_steps


def fingerprint(state):
    """Everything that training changes, as tensors."""
    tensors = {f"gan/{k}": v for k, v in state.gan.state_dict().items()}
    tensors |= {f"ema/{k}": v for k, v in state.ema.state_dict().items()}
    tensors |= {f"sums/{k}": v for k, v in state.sums.totals.items()}
    for name, optimizer in state.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}/{index}/{k}": torch.as_tensor(v) for k, v in values.items()}
    return {key: value.clone() for key, value in tensors.items()} | {"rng": torch.get_rng_state()}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_a_restored_run_has_the_same_bits_as_one_that_never_stopped(name, precision, digits, tmp_path):
    store = make_store(digits, 100, make(name))  # 100: batches cross the end of an epoch
    accelerator = Accelerator(cpu=True)
    torch.manual_seed(1)
    straight = run_steps(make_state(make(name)), store, 3, precision=precision)
    path = checkpoint.save(tmp_path, straight, accelerator, keep=2)
    expected = fingerprint(run_steps(straight, store, 4, precision=precision))

    torch.manual_seed(99)
    resumed = make_state(make(name, seed=7))
    checkpoint.restore(path, resumed, accelerator)
    found = fingerprint(run_steps(resumed, store, 4, precision=precision))
    assert (resumed.step, resumed.images) == (straight.step, straight.images)
    assert found.keys() == expected.keys()
    for key in expected:
        assert torch.equal(found[key], expected[key]), key


def test_only_the_last_ones_are_kept(digits, tmp_path):
    state = make_state(make("dcgan"))
    for _ in range(4):
        run_steps(state, make_store(digits), 1)
        checkpoint.save(tmp_path, state, Accelerator(cpu=True), keep=2)
    assert [path.name for path in checkpoint.list_checkpoints(tmp_path)] == ["000000048", "000000064"]
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["000000048", "000000064"]


def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_ones(digits, tmp_path, monkeypatch):
    state = run_steps(make_state(make("dcgan")), make_store(digits), 1)
    checkpoint.save(tmp_path, state, Accelerator(cpu=True), keep=1)
    run_steps(state, make_store(digits), 1)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganzoo.training.checkpoint.write_json", full)
    with pytest.raises(RunError, match=r"No space left.*000000016"):
        checkpoint.save(tmp_path, state, Accelerator(cpu=True), keep=1)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["000000016"]


@pytest.mark.parametrize("damage", ["cut", "missing", "json"])
def test_a_damaged_checkpoint_is_named(damage, digits, tmp_path):
    state = run_steps(make_state(make("dcgan")), make_store(digits), 1)
    path = checkpoint.save(tmp_path, state, Accelerator(cpu=True), keep=1)
    victim = path / "gan.safetensors"
    if damage == "cut":
        victim.write_bytes(victim.read_bytes()[:1000])
    elif damage == "missing":
        victim.unlink()
    else:
        (path / "state.json").write_text("{")
    with pytest.raises(GanzooError, match=path.name):
        checkpoint.restore(path, state, Accelerator(cpu=True))


def test_a_checkpoint_holds_no_pickle(digits, tmp_path):
    state = run_steps(make_state(make("wgan")), make_store(digits), 1)
    path = checkpoint.save(tmp_path, state, Accelerator(cpu=True), keep=1)
    assert {p.suffix for p in path.iterdir()} == {".safetensors", ".json"}
    content = json.loads((path / "state.json").read_text())
    assert content["images"] == state.images


def saved(digits, folder):
    """Return a state and its checkpoint."""
    state = run_steps(make_state(make("dcgan")), make_store(digits), 2)
    return state, checkpoint.save(folder, state, Accelerator(cpu=True), keep=1)


def values(state):
    return state.step, state.images, state.sums.counts, {n: o.state_dict() for n, o in state.optimizers.items()}


def test_a_flipped_bit_in_its_state_is_found(digits, tmp_path):
    """Or it changes nothing: white space, and the name under which the checksum is."""
    state, path = saved(digits, tmp_path)
    whole, flips, expected = (path / "state.json").read_bytes(), random.Random(0), str(values(state))
    found, tried = 0, 300
    for place in flips.sample(range(len(whole)), tried):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << flips.randrange(8)
        (path / "state.json").write_bytes(damaged)
        try:
            checkpoint.restore(path, state, Accelerator(cpu=True))
        except RunError:
            found += 1
        else:
            assert str(values(state)) == expected
    assert found > tried / 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", -1), ("step", "two"), ("images", -64), ("images", "many"), ("images", 64), ("processes", 0),
        ("counts", [1]), ("counts", {"D/loss": "one"}), ("counts", {}), ("optimizers", 3), ("optimizers", {}),
        ("sha256", {}), ("more", 1),
    ],
)  # fmt: skip
def test_a_state_of_another_type_or_range_is_refused(name, value, digits, tmp_path):
    state, path = saved(digits, tmp_path)
    content = check_checksum(json.loads((path / "state.json").read_text()))
    write_json(path / "state.json", with_checksum({**content, name: value}))
    with pytest.raises(RunError, match=path.name):
        checkpoint.restore(path, state, Accelerator(cpu=True))


def test_a_file_of_another_checkpoint_is_found(digits, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    state, path = saved(digits, tmp_path / "one")
    other = checkpoint.save(tmp_path / "two", run_steps(state, make_store(digits), 1), Accelerator(cpu=True), keep=1)
    (other / "optimizer-G.safetensors").replace(path / "optimizer-G.safetensors")
    with pytest.raises(RunError, match="optimizer-G"):
        checkpoint.restore(path, state, Accelerator(cpu=True))
