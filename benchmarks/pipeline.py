"""The post, and all beyond it, from data to report, compared with the import of TensorFlow.

    python benchmarks/pipeline.py    # about three minutes; not on Windows

The import is what they cannot do without. Each run is a process of its own, timed from outside;
peak memory is that of its largest single process. Everything beyond the post is run once.
"""

import os
import subprocess
import sys
import tempfile
import time

import bench

REPRODUCE = str(bench.runs.ROOT / "reproduce.py")
POST = {"import tensorflow": ["-c", "import tensorflow"], "reproduce.py": [REPRODUCE]}
ALL = "reproduce.py --all"


def run(command, memory):
    """Seconds that a process takes; its peak memory, in MB, is appended to the list `memory`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *command]
        if REPRODUCE in command:
            command += ["--results", folder]
        start, silent = time.perf_counter(), subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=silent, stderr=silent)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = bench.Seconds(time.perf_counter() - start)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise OSError(f"this ended with status {process.returncode}: {' '.join(command)}")
    memory.append(usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10))
    return seconds


def main():
    args = bench.arguments(__doc__, repeat=5)
    memory = {name: [] for name in (*POST, ALL)}
    cases = {
        name: lambda name=name, command=command: run(command, memory[name])
        for name, command in POST.items()
    }
    seconds = bench.in_turn(cases, args.repeat, warm_up=not args.quick)
    if not args.quick:
        seconds[ALL] = [run([REPRODUCE, "--all"], memory[ALL])]
    peaks = {name: round(max(values)) for name, values in memory.items() if values}
    bench.finish("pipeline", args, seconds, "import tensorflow", peak_memory_mb=peaks)


if __name__ == "__main__":
    bench.cli.run(main)
