"""The benchmarks run: a figure that nobody can measure again is worth nothing. No speed is asserted."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import ganzoo
from ganzoo.registry import installed

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(script, *arguments):
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a benchmark by its name."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_start_up_imports_nothing_heavy_with_20_more_plugins():
    out = run("startup.py", "--rounds", "2")
    assert "ganzoo list: heavy modules imported: []" in out
    assert "ganzoo show dcgan: heavy modules imported: []" in out


@pytest.mark.skipif(not ganzoo.list_models(), reason="no bundled models")
def test_the_training_commands_are_those_of_the_registry():
    commands = run("pretrained.py", "commands").splitlines()
    assert sorted(commands) == sorted(m.record.trained.command for m in installed().models if m.dist == "ganzoo")


@pytest.mark.skipif(not ganzoo.list_models(), reason="no bundled models")
def test_a_cached_model_of_the_hub_is_loaded_without_a_request():
    out = run("hub.py", "--rounds", "1", "--model", ganzoo.list_models()[0])
    assert "requests to the Hub meanwhile: 0\n" in out


@pytest.mark.skipif("dcgan-mnist" not in ganzoo.list_models(), reason="dcgan-mnist is not bundled")
def test_the_script_by_hand_draws_what_ganzoo_draws(benchmark):
    image = benchmark("by_hand").first_image(str(BENCHMARKS.parent / "weights" / "dcgan-mnist.safetensors"))
    assert torch.allclose(image, ganzoo.load("dcgan-mnist").sample(1), atol=1e-5)


def test_encoded_samples_are_compared_with_decoded_ones(tmp_path):
    out = run(
        "encoded.py", "--size", "32", "--count", "200", "--rounds", "1", "--only", "loader", "--folder", str(tmp_path)
    )
    assert "loader, 32x32, encoded against decoded" in out
    assert not list(tmp_path.iterdir())


def test_one_table_of_what_the_scripts_write():
    out = run("bench.py", "--only", "startup", "--rounds", "1", "--threads", "1", "2")
    for threads in ("1 thread ", "2 threads "):
        assert f"ganzoo list / bare start, {threads}" in out


def test_a_run_beside_other_load_is_marked(benchmark, monkeypatch, capsys):
    rounds = benchmark("rounds")
    for percent, marked in ((100 / (rounds.psutil.cpu_count() or 1), True), (0.0, False)):
        monkeypatch.setattr(rounds.psutil, "cpu_percent", lambda interval, percent=percent: percent)
        rounds.mark_load()
        assert ("busy" in capsys.readouterr().out) is marked


def test_rounds_alternate_in_both_orders(benchmark):
    calls = []
    times = benchmark("rounds").alternate([lambda: calls.append("a"), lambda: calls.append("b")], 2)
    assert "".join(calls) in {"abbaab", "baabba"}
    assert [len(taken) for taken in times] == [2, 2]


def test_ours_is_compared_with_the_fastest_of_theirs(benchmark, monkeypatch):
    rounds = benchmark("rounds")
    monkeypatch.setattr(rounds, "alternate", lambda functions, _: [[9.0, 9.0], [4.0, 6.0], [2.0, 2.0]])
    row = rounds.speeds("generated", {"slow": None, "fast": None}, None, images=10, rounds=2, aim=">= 1")
    assert row == rounds.Row("generated, fast", 2.0, 5.0, "img/s", 2.5, ">= 1")


@pytest.mark.parametrize("name", ["vanilla", "cgan", "wgan-gp"])
def test_the_script_and_the_engine_train_on_as_many_images(benchmark, monkeypatch, name):
    defaults = benchmark("defaults")
    monkeypatch.setitem(defaults.CASES, name, defaults.CASES[name]._replace(batches=5))
    monkeypatch.setattr(defaults, "BATCH", 4)
    row = defaults.compare(name, 1, workers=(0,))
    assert row.what == f"defaults / script, {name}, 0 workers"
    assert row.ours > 0


def test_the_script_reads_coloured_images_from_files(benchmark, tmp_path):
    defaults = benchmark("defaults")
    images = defaults.smooth_images(defaults.CASES["dcgan-64"], 3)
    image, label = defaults.script_data(images, torch.tensor([0, 1, 2]), tmp_path)[2]
    assert (image.shape, label) == ((3, 64, 64), 2)
    assert (image - (images[2] / 127.5 - 1)).abs().mean() < 0.1


@pytest.mark.parametrize("name", ["vanilla", "pix2pix"])
def test_samples_and_translations_are_compared_with_a_forward_pass(benchmark, name):
    assert benchmark("sampling").compare(name, 1).ours > 0


@pytest.mark.parametrize("name", ["pixels", "mnist-classifier", "resnet18"])
def test_measurements_are_compared_with_a_forward_pass(benchmark, monkeypatch, name):
    measuring = benchmark("measuring")
    monkeypatch.setattr(measuring, "SIZES", (128,))
    assert measuring.compare(name, 1).ours > 0


def test_the_loader_is_compared_with_torch(benchmark):
    assert benchmark("data").against_torch("28x28x1", 1, workers=(0,), count=128).ours > 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells which pages are a file's")
def test_stores_that_are_not_in_memory(benchmark, monkeypatch, tmp_path):
    data = benchmark("data")
    monkeypatch.setattr(data, "COUNT", 128)
    assert data.mapped(1, tmp_path, size=2**20)[0].what == "mapped / in memory"
    assert "RssAnon grown by" in data.huge(tmp_path, share=1e-4, count=128)
    assert list(tmp_path.iterdir()) == []


def test_the_peak_of_a_model_is_more_than_nothing(benchmark):
    held, batch = benchmark("memory").peak("train", "vanilla", 2, torch.get_num_threads())
    assert held > 0
    assert batch == 2


def test_a_long_run_is_watched(benchmark, tmp_path):
    seen = benchmark("memory").growth(200, tmp_path)
    assert seen == sorted(set(seen)) != []
    assert all(held > 0 for _, held in seen)


def test_operations_are_counted_as_torch_counts_them(benchmark):
    roofline, trainer = benchmark("roofline"), benchmark("trainer")
    own, theirs = (trainer.Trainer("vanilla", batch=4, precision="fp32", count=8, hidden=16) for _ in range(2))
    counted, images = roofline.count(own)
    with FlopCounterMode(display=False) as counter:
        assert theirs.run(1) == images == 4
    assert counted.flops == {torch.float32: counter.get_total_flops()}
    assert counted.bytes > 0


def test_lazy_phases_and_regularisers_make_a_cycle(benchmark):
    roofline, trainer = benchmark("roofline"), benchmark("trainer")
    assert roofline.cycle(trainer.grown("stylegan2")) == 16
    assert roofline.cycle(trainer.grown("cgan")) == 8


def test_a_point_lies_under_the_roof(benchmark):
    roofline = benchmark("roofline")
    machine = roofline.rates(torch.device("cpu"), sizes=[32], seconds=0.01)
    found = roofline.point("vanilla", machine, 1, batch=2, precision="fp32", count=8, hidden=8)
    assert found.bound == max(found.compute, found.memory) > 0


@pytest.mark.parametrize("name", ["Dropout", "Halve"])
def test_a_layer_for_the_cpu_is_compared_with_the_plain_one(benchmark, name):
    row = benchmark("layouts").compare(name, 1, bf16=False)
    assert row.theirs > 0
    assert row.ours > 0


def test_sizes_are_compared_with_networks_that_are_written_plainly(benchmark):
    rows = benchmark("sizes").compare(32, "fp32", 1, published=False)
    assert [row.what for row in rows] == ["generation, 32x32, fp32", "training step, 32x32, fp32"]
    assert all(row.theirs > 0 and row.ours > 0 for row in rows)


def test_what_a_size_holds_is_more_than_its_networks(benchmark):
    sizes, memory = benchmark("sizes"), benchmark("memory")
    before = memory.high_water()
    threads = torch.get_num_threads()
    assert sizes.hold("generation", 32, threads, plain=False, bf16=True, published=False) >= before > 0
