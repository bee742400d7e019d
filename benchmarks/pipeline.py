"""The whole of the post, from data to report, compared with the one thing that it cannot do without: importing TensorFlow.

    python benchmarks/pipeline.py    # about a minute and a half

Each run is a process of its own, timed from outside; peak memory is that of the largest single process.
"""
import subprocess
import sys
import tempfile
import time

import bench  # first: installs the one-line Ctrl-C handler

COMMANDS = {
    "import tensorflow": ["-c", "import tensorflow"],
    "reproduce.py --post": [str(bench.ROOT / "reproduce.py"), "--post", "--out-dir"],
}


def run(command, memory):
    """Seconds of one process; its peak memory, in MB, goes into the list `memory` where the system tells it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, *command, *([folder] if command[-1] == "--out-dir" else [])]
        start = time.perf_counter()
        # A process in between, whose only child is the one that is measured, so that its children's peak is that one's.
        peak = subprocess.run([sys.executable, "-c", "import subprocess, sys\n"
                               "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
                               "try:\n    import resource\n    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
                               "except ImportError:\n    print(0)\n"
                               "sys.exit(done.returncode)", *command], check=True, capture_output=True, text=True).stdout
        seconds = bench.Seconds(time.perf_counter() - start)
    memory.append(int(peak) / (2**20 if sys.platform == "darwin" else 2**10))
    return seconds


def main():
    args = bench.arguments(__doc__, repeat=5)
    memory = {name: [] for name in COMMANDS}
    cases = {name: lambda name=name, command=command: run(command, memory[name]) for name, command in COMMANDS.items()}
    seconds = bench.in_turn(cases, args.repeat, warm_up=not args.quick)
    bench.finish("pipeline", args, seconds, "import tensorflow",
                 peak_memory_mb={name: round(max(values)) for name, values in memory.items()})


if __name__ == "__main__":
    bench.cli.run(main)
