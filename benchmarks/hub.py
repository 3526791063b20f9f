"""How long a cached model of the Hub takes to load by name, against reading the same file by hand.

    python benchmarks/hub.py [--runs 20]

A bundled model is put on a Hub on the loopback (tests/hub), pulled into a fresh cache, and loaded in new processes that
alternate with ones that only import torch and read the file with safetensors. The median of the paired ratios is
printed, and the requests that the Hub had meanwhile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from startup import seconds

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from ganzoo.modelconfig import config_of, write_config  # noqa: E402
from ganzoo.registry import installed  # noqa: E402
from hub.server import LoopbackHub  # noqa: E402

PLUGIN = """
from pathlib import Path
from ganzoo.registry import hookimpl

@hookimpl
def ganzoo_models():
    return [Path(__file__).with_name("registry.yaml")]
"""


def publish(loop: LoopbackHub, site: Path, name: str) -> str:
    """Put a bundled model on the Hub and a plugin that lists it into ``site``; return the commit."""
    entry = installed().models[name].record
    write_config(site, config_of(entry))
    weights = (Path(entry.root) / entry.weights.file).read_bytes()
    files = {"config.json": (site / "config.json").read_bytes(), "model.safetensors": weights}
    commit = loop.upload("bench/digits", files)
    listed = yaml.safe_load((ROOT / "registry.yaml").read_text())["models"][name]
    listed["weights"] |= {"repo": "bench/digits", "revision": commit, "file": "model.safetensors"}
    package, info = site / "bench", site / "ganzoo_bench-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text(PLUGIN)
    (package / "registry.yaml").write_text(yaml.safe_dump({"models": {"bench-digits": listed}}))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ganzoo-bench\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganzoo]\nbench = bench\n")
    return commit


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--model", default="dcgan-mnist")
    options = parser.parse_args()
    with LoopbackHub() as loop, tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        commit = publish(loop, site, options.model)
        env = {
            **os.environ, "PYTHONPATH": folder, "HF_ENDPOINT": loop.url, "HF_HOME": str(site / "hf"),
            "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1,localhost",
        }  # fmt: skip
        subprocess.run([sys.executable, "-m", "ganzoo", "pull", "bench-digits"], env=env, check=True)
        file = site / "hf/hub/models--bench--digits/snapshots" / commit / "model.safetensors"
        commands = {
            "by hand": f"import torch; from safetensors.torch import load_file; load_file({str(file)!r})",
            "ganzoo.load(name)": "import ganzoo; ganzoo.load('bench-digits')",
            "ganzoo.load(commit)": f"import ganzoo; ganzoo.load('hf:bench/digits@{commit}')",
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        before = 0
        for run in range(options.runs + 1):
            if run == 1:  # the first run writes the bytecode, warms the file cache and fetches config.json
                before = len(loop.requests)
            for name, code in commands.items():
                taken = seconds([sys.executable, "-c", code], env)
                if run:
                    times[name].append(taken)
        print(f"\n{'':<22}{'median s':>10}{'ratio':>8}    ({options.runs} alternating runs of {options.model})")
        for name, taken in times.items():
            ratio = statistics.median(own / hand for own, hand in zip(taken, times["by hand"], strict=True))
            print(f"{name:<22}{statistics.median(taken):>10.3f}{ratio:>8.2f}")
        print(f"requests to the Hub meanwhile: {len(loop.requests) - before}")


if __name__ == "__main__":
    main()
