"""Checks of the plugin's light module and record, which ``ganzoo list`` and ``ganzoo show`` read."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from typing import Any

from ganzoo.errors import ConfigError
from ganzoo.registry.hyperparameters import config_to_dict, make_config, parameters
from ganzoo.registry.records import field_names
from ganzoo.testing.subject import Subject, expect

HEAVY = ("torch", "numpy", "timm", "huggingface_hub", "accelerate", "PIL", "datasets")
SHARE = 0.5
"""A plugin may add this share of the time to start Python, click and pluggy to each command."""


def _module(subject: Subject) -> str:
    owner = (subject.registered.dist, subject.registered.plugin)
    loaded = [plugin for plugin in subject.zoo.plugins if (plugin.dist, plugin.name) == owner]
    expect(loaded, f"a hook of {owner[0]} fails: `ganzoo plugins` shows its traceback")
    return str(loaded[0].module.__name__)


def check_light_import(subject: Subject) -> None:
    """``ganzoo list`` imports every plugin; one that imports torch makes all users wait for seconds."""
    module = _module(subject)
    code = f"import sys, {module}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    expect(done.returncode == 0, f"importing {module} alone fails: {done.stderr.strip().rpartition(chr(10))[2]}")
    heavy = done.stdout.split()
    expect(not heavy, f"importing {module} imports {', '.join(heavy)}: keep that in the module that target names")


def check_import_time(subject: Subject) -> None:
    """The light module is imported at the start of every command, so it must be fast."""
    module = _module(subject)
    start = "import click, pluggy, importlib.metadata"
    clock = "time.perf_counter()"
    code = f"import time, ganzoo.cli, ganzoo.registry; t = {clock}; import {module}; print({clock} - t)"
    bare, own = [], []
    for _ in range(5):
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", start], check=True)  # noqa: S603
        bare.append(time.perf_counter() - before)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
        own.append(float(done.stdout))
    share = min(own) / statistics.median(bare)
    taken = f"importing {module} takes {share:.0%} of a bare start"
    expect(share <= SHARE, f"{taken}, above {SHARE:.0%}: import less at its top")


def check_config_survives_json(subject: Subject) -> None:
    """A config is saved in config.json; one that JSON changes would load as a different model."""
    made = make_config(subject.record.config, subject.options)
    again = make_config(subject.record.config, json.loads(json.dumps(config_to_dict(made))))
    expect(
        again == made, f"the config comes back from JSON as {again}, not {made}: use numbers, strings, lists of them"
    )


def check_config_refuses_nonsense(subject: Subject) -> None:
    """A wrong hyper-parameter must be refused by name, before hours of training with something else."""
    kind = subject.record.config
    for key in field_names(kind):
        expect(
            _refuses(kind, {key: {"no": "value"}}),
            f"the config takes a mapping for '{key}': annotate it (int, float, Literal[...], Annotated[...])",
        )
    expect(_refuses(kind, {"no_such_hyper_parameter": 1}), "the config takes hyper-parameters that it does not have")


def _refuses(kind: type[Any], values: dict[str, Any]) -> bool:
    try:
        make_config(kind, values)
    except ConfigError:
        return True
    return False


def check_hyper_parameters_are_explained(subject: Subject) -> None:
    """`ganzoo show` documents the hyper-parameters that `-o` sets."""
    unexplained = [p.name for p in parameters(subject.record.config) if not p.meaning]
    expect(
        not unexplained,
        f"{', '.join(unexplained)}: explain it: Annotated[int, Meta(description=...)], or a type of registry.fields",
    )


def check_summary(subject: Subject) -> None:
    """One line for `ganzoo list`: what sets this architecture apart."""
    record = subject.record
    expect(record.summary.strip(), "the architecture has no summary")
    expect(
        len(record.summary) <= 100 and "\n" not in record.summary,
        f"the summary has {len(record.summary)} characters: one line of at most 100 fits a terminal",
    )
