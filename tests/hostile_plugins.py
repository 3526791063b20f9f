"""Plugins that do harm when they are imported, for tests and for an attack with many lists at once.

`STOPPED` are skipped, each named in one line; `SPOILERS` work, and reach for the output that is not theirs.
"""

from __future__ import annotations

from pathlib import Path

from installs import GOOD, install

# Each with words of the line that names it.
STOPPED = {
    "ctrl-c": ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    "exit": ("import sys\nsys.exit('bye')\n", "SystemExit: bye"),
    "generator-exit": ("raise GeneratorExit\n", "GeneratorExit"),
    "stop-iteration": ("raise StopIteration\n", "StopIteration"),
    "no-text": ("class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd\n", "Odd"),
    "red": ("raise ValueError('\\x1b[31mred\\x1b]0;title\\x07\\u202e')\n", "ValueError: [31mred"),
}
SPOILERS = {
    "closes-stdout": "import sys\nsys.stdout.close()\n",
    "closes-the-real-stdout": "import sys\nsys.__stdout__.close()\n",
    "closes-stderr": "import sys\nsys.stderr.close()\nsys.__stderr__.close()\n",
    "closes-descriptors": "import os\nos.close(1)\nos.close(2)\n",
    "wraps-stdout": "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)\n",
    "detaches-stdout": "import io, sys\nsys.stdout = io.TextIOWrapper(sys.__stdout__.detach())\n",
    "replaces-stdout": "import sys\nsys.stdout = sys.__stdout__ = sys.stderr = sys.__stderr__ = None\n",
    "writes-bytes": "import os, sys\nprint('spoilt')\nsys.__stdout__.write('spoilt\\n')\nos.write(1, b'spoilt\\n')\n",
    "runs-echo": "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(\"spoilt\")'])\n",
    "moves-descriptors": "import os\nos.dup2(os.open(os.devnull, os.O_WRONLY), 1)\n",
    "warns-in-red": "import warnings\nwarnings.warn('\\x1b[31mred\\x1b]0;title\\x07')\nprint('\\x1b[2Jgone')\n",
    "logs-in-red": "import logging\nlogging.warning('\\x1b[31mred')\nlogging.getLogger('x').error('\\x1b[2J')\n",
}
# None ends; each can be interrupted.
LOOP = "import time\nwhile True:\n    try:\n        time.sleep(0.1)\n    except {error}:\n        pass\n"
HANGING = {
    "sleeps": "import time\ntime.sleep(10**6)\n",
    "spins": "while True:\n    pass\n",
    "catches-exceptions": LOOP.format(error="Exception"),
    "waits-for-a-process": "import subprocess\nsubprocess.run(['sleep', '60'])\n",
    "waits-for-a-lock": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n",
    "hook-sleeps": (
        "import time\nfrom ganzoo.registry import hookimpl\n@hookimpl\ndef ganzoo_datasets():\n    time.sleep(10**6)\n"
    ),
}
CATCHES_ALL = LOOP.format(error="BaseException")
HOLDS_ALL = "import itertools\nsum(itertools.repeat(0))\n"  # in C, without a look at signals or another thread


def install_hostile(site: Path) -> None:
    """Put a distribution for each of `STOPPED` and `SPOILERS` into ``site``; those of the second are architectures."""
    for name, (source, _) in STOPPED.items():
        install(site, f"ganzoo-{name}", source)
    for name, source in SPOILERS.items():
        install(site, f"ganzoo-{name}", source + GOOD.replace("{name}", name))


def install_hanging(site: Path) -> None:
    """Put a distribution for each of `HANGING` into ``site``."""
    for name, source in HANGING.items():
        install(site, f"ganzoo-{name}", source)
