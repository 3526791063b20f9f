"""What several tests of pages change and make."""

from __future__ import annotations

import json

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def measured(run):
    """Add what a run says that was measured while it went on."""
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text(encoding="utf-8").splitlines()]
    for images, value in ((64, 5.0), (128, 3.25), (192, 4.0)):
        metrics = {"fd[pixels]@10k/test": value, "unheard[of]@1k": value}
        lines.append({"images": images, "seconds": 1.0, "metrics": metrics})
    (run / "stats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def change_config(run, **changes):
    """Write other values into a config.json."""
    path = run / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
