"""Time of every figure, from the committed runs, one after the other in one process.

    python benchmarks/plots.py       # about a minute
"""
import importlib
import sys
import tempfile

import bench  # first: installs the one-line Ctrl-C handler

import storage

sys.path.append(str(bench.ROOT / "plots"))


def main():
    args = bench.arguments(__doc__, repeat=3)
    import gallery
    import style
    style.plt.switch_backend("Agg")
    names = gallery.figure_names()[:3] if args.quick else gallery.figure_names()

    def draw(name):
        with style.plt.style.context(style.PLOTS / "post.mplstyle"), tempfile.TemporaryFile() as file:
            figure = importlib.import_module(name).draw(storage.RESULTS)
            figure.savefig(file, format="png")
            style.plt.close(figure)

    seconds = bench.in_turn({name: lambda name=name: draw(name) for name in names}, args.repeat)
    bench.finish("plots", args, seconds, names[0], together=round(sum(sorted(values)[len(values) // 2] for values in seconds.values()), 2))


if __name__ == "__main__":
    bench.cli.run(main)
