"""Time of every figure, from the committed runs, one after the other in one process.

python benchmarks/figures.py       # about a minute
"""

import importlib
import io
import statistics
import sys

import bench

from common import runs


def main():
    args = bench.arguments(__doc__, repeat=3)
    sys.path.insert(0, str(runs.ROOT / "plots"))  # first: a benchmark has the name of a figure
    import style
    import gallery

    modules = gallery.modules()
    names = list(modules)[: 3 if args.quick else None]

    def draw(name):
        with style.matplotlib.style.context(style.LOOK):
            figure = importlib.import_module(modules[name]).draw(runs.RESULTS)
            figure.savefig(io.BytesIO(), format="png")

    seconds = bench.in_turn({name: lambda name=name: draw(name) for name in names}, args.repeat)
    together = round(sum(map(statistics.median, seconds.values())), 2)
    bench.finish("figures", args, seconds, names[0], together=together)


if __name__ == "__main__":
    bench.cli.run(main)
