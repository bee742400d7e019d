"""All pairs of digits on Dask: two workers beside one, and what the scheduler and the bytes cost.

    python benchmarks/pairs.py       # some minutes; needs data_prep.py --digits all; not on Windows

Some pairs are measured by one worker and by two, in turn, on clusters that are there already; one
worker does 10,000 tasks of no work. Beside them, in this process: training and proofs of the same
pairs, as a task has them. --quick takes made-up digits.

Where others use the cores, too, elapsed time says little about two workers; their processors' time
does: the speedup by it is that of the one worker over the larger of the two.
"""

import itertools
import resource
import sys
import time

import bench
import numpy as np

import data_prep
from beyond.pairs import cluster, code, pairs

PAIRS = ((0, 1), (1, 7), (2, 5), (3, 8))
TASKS = 10_000
SEEDS = 1


def made_up():
    """Ten small digits, as data_prep.read_all has them: patterns with noise."""
    generator, arrays = np.random.default_rng(0), {}
    patterns = generator.random((10, 28, 28))
    for split, count in (("train", 400), ("test", 100)):
        labels = np.arange(count) % 10
        images = np.clip(patterns[labels] + generator.normal(0, 0.5, (count, 28, 28)), 0, 1)
        arrays |= {f"x_{split}": (255 * images).astype(np.uint8), f"y_{split}": labels.astype("u1")}
    return arrays


def peak_memory():
    """Of this process, in MB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def sent(client):
    """Bytes that the workers have sent so far."""

    def total(dask_worker):
        return dask_worker.transfer_outgoing_bytes_total

    return sum(client.run(total).values())


def main():
    args = bench.arguments(__doc__, repeat=3)
    arrays = made_up() if args.quick else data_prep.read_all()
    chosen, tasks = (PAIRS[:2], 100) if args.quick else (PAIRS, TASKS)
    sources = code.sources()
    busy = {}  # by the number of workers: the largest processor time of one, for each repetition

    def measure(client, digits=chosen):
        before = client.run(time.process_time)
        stages = pairs.stages(SEEDS)
        work = cluster.each(client, sources, pairs.MODULE, "measure_pair", arrays, digits, stages)
        wrong = [error for _, _, error in work if error]
        if wrong:
            raise ValueError(wrong[0])
        after = client.run(time.process_time)
        largest = max(after[worker] - before[worker] for worker in before)
        busy.setdefault(len(before), []).append(largest)

    def nothing(client):
        client.gather(client.map(lambda number: None, range(tasks), pure=False))

    def train():
        for digits in chosen:
            pairs.train_models(arrays, digits, range(SEEDS))

    def prove():
        for digits in chosen:
            pairs.prove(arrays, digits)

    with cluster.connected(sources, None, 1) as one, cluster.connected(sources, None, 2) as two:
        cases = {
            "1 worker": lambda: measure(one),
            "2 workers": lambda: measure(two),
            "training alone": train,
            "proofs alone": prove,
            f"{tasks} tasks of no work": lambda: nothing(one),
        }
        for client in (one, two):  # every worker imports TensorFlow
            measure(client, chosen[:2])
        train()
        busy.clear()
        before = sent(one)
        seconds = bench.in_turn(cases, args.repeat, warm_up=False)
        moved = (sent(one) - before) / args.repeat / len(chosen)
        worker = max(itertools.chain(one.run(peak_memory).values(), two.run(peak_memory).values()))
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    bench.finish(
        "pairs",
        args,
        seconds,
        "1 worker",
        pairs=len(chosen),
        speedup={
            "2 workers": median["1 worker"] / median["2 workers"],
            "2 workers, by processor time": float(np.median(busy[1]) / np.median(busy[2])),
        },
        worker_cpu_seconds={str(count): values for count, values in busy.items()},
        peak_memory_mb={"worker": round(worker), "client and schedulers": round(peak_memory())},
        bytes_per_pair=round(moved),
        bytes_of_images=sum(array.nbytes for array in arrays.values()),
        seconds_per_task_of_no_work=median[f"{tasks} tasks of no work"] / tasks,
        seconds_per_pair=median["1 worker"] / len(chosen),
    )


if __name__ == "__main__":
    bench.cli.run(main)
