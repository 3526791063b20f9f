"""The command line in processes that are copies of one that has imported torch, and so need not do so again.

What is imported beforehand is torch alone; all that reads the environment when it is imported comes after the copy.
Processes leave by `os._exit`, as to put all of torch away takes another second.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

SECONDS = 300


def run(
    *arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None, processes: int = 1
) -> subprocess.CompletedProcess[str]:
    """Run ``ganzoo ARGUMENTS...`` to its end.

    Args:
        arguments: the words.
        env: all the variables; by default those of this process, and one thread.
        cwd: the folder to be in; by default that of this process.
        processes: so many that work together, with the variables that torchrun gives them.
    """
    words = [str(word) for word in arguments]
    env = {**os.environ, "OMP_NUM_THREADS": "1"} if env is None else env
    with tempfile.TemporaryDirectory() as folder:
        order = {
            "words": words,
            "envs": [{**env, **rank} for rank in _ranks(processes)],
            "cwd": str(cwd or Path.cwd()),
            "folder": folder,
        }
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        codes = json.loads(server.stdout.readline())
        assert -signal.SIGALRM not in codes, f"ganzoo {' '.join(words)} did not end in {SECONDS} seconds"
        stdout, stderr = (
            "".join(Path(folder, f"{name}{i}").read_text(encoding="utf-8") for i in range(processes))
            for name in ("stdout", "stderr")
        )
    return subprocess.CompletedProcess(["ganzoo", *words], next(filter(None, codes), 0), stdout, stderr)


def _ranks(processes: int) -> list[dict[str, str]]:
    """Return the variables by which each of some processes finds the others."""
    if processes == 1:
        return [{}]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    met = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(processes)}
    return [{**met, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]


@functools.cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)  # its input ends, and so does it
    return server


def _serve() -> NoReturn:
    importlib.import_module("torch._dynamo")  # which the first optimizer of a process imports
    gc.freeze()
    for line in sys.stdin:
        order, children = json.loads(line), []
        for i, env in enumerate(order["envs"]):
            children.append(os.fork())
            if children[-1] == 0:
                _become(order, i, env)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        sys.stdout.write(json.dumps(codes) + "\n")
        sys.stdout.flush()
    os._exit(0)


def _become(order: dict[str, Any], i: int, env: dict[str, str]) -> NoReturn:
    """Go on as ``python -m ganzoo``."""
    signal.alarm(SECONDS)
    streams = ((os.devnull, os.O_RDONLY), (f"stdout{i}", os.O_WRONLY), (f"stderr{i}", os.O_WRONLY))
    for stream, (name, flags) in enumerate(streams):
        os.dup2(os.open(Path(order["folder"], name), flags | os.O_CREAT), stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(order["cwd"])
    site = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:1] = ["", *site]  # in the place of this file's folder
    sys.argv[:] = ["ganzoo", *order["words"]]
    sys.modules["torch"].set_num_threads(int(env["OMP_NUM_THREADS"]))
    code: Any = 0
    try:
        runpy.run_module("ganzoo", run_name="__main__", alter_sys=True)
    except SystemExit as done:
        code = done.code or 0
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve()
