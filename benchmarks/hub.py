"""How long a cached model of the Hub takes to load by name, and to its first image, against the same by hand.

    python benchmarks/hub.py [--rounds 20] [--model dcgan-mnist] [--json FILE]

A bundled model is put on a Hub on the loopback (tests/hub), pulled into a fresh cache, and loaded in new processes that
alternate with ones that only import torch and read the file with safetensors. For ``dcgan-mnist``, a script in which
its generator is written out (benchmarks/by_hand.py) also generates an image, as ganzoo does. The median of the paired
ratios is printed, and the requests that the Hub had meanwhile.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from rounds import Row, parse, parser, show
from startup import compare, environment

ROOT = Path(__file__).resolve().parent.parent
MODEL = "dcgan-mnist"
sys.path.insert(0, str(ROOT / "tests"))

from ganzoo.models.config import ModelConfig, write_config  # noqa: E402
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
    write_config(site, ModelConfig.from_entry(entry))
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


def commands(site: Path, commit: str, model: str) -> list[dict[str, list[str]]]:
    """Return the processes that are compared: in each group the others with the first."""
    file = site / "hf/hub/models--bench--digits/snapshots" / commit / "model.safetensors"
    reading = f"import torch; from safetensors.torch import load_file; load_file({str(file)!r})"
    groups = [
        {
            "by hand": ["-c", reading],
            "ganzoo.load(name)": ["-c", "import ganzoo; ganzoo.load('bench-digits')"],
            "ganzoo.load(commit)": ["-c", f"import ganzoo; ganzoo.load('hf:bench/digits@{commit}')"],
        }
    ]
    if model == MODEL:
        groups.append(
            {
                "by hand": [str(ROOT / "benchmarks" / "by_hand.py"), str(file)],
                "ganzoo.load(name), first image": ["-c", "import ganzoo; ganzoo.load('bench-digits').sample(1)"],
            }
        )
    return [{name: [sys.executable, *words] for name, words in group.items()} for group in groups]


def measure(rounds: int, model: str = MODEL) -> list[Row]:
    """Compare, and print the requests that the Hub had."""
    with LoopbackHub() as loop, tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        commit = publish(loop, site, model)
        env = environment(site) | {
            "HF_ENDPOINT": loop.url, "HF_HOME": str(site / "hf"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }  # fmt: skip
        groups = commands(site, commit, model)
        subprocess.run([sys.executable, "-m", "ganzoo", "pull", "bench-digits"], env=env, check=True)
        subprocess.run(groups[0]["ganzoo.load(commit)"], env=env, check=True)  # fetches config.json
        before = len(loop.requests)
        rows = [row for group in groups for row in compare(group, env, rounds, "<= 1.2", warm_up=1)]
        print(f"requests to the Hub meanwhile: {len(loop.requests) - before}")
        return rows


def main() -> None:
    """Measure and print."""
    made = parser(__doc__, rounds=20)
    made.add_argument("--model", default=MODEL, help="a bundled model  [default: %(default)s]")
    options = parse(made)
    show(measure(options.rounds, options.model), options.json)


if __name__ == "__main__":
    main()
