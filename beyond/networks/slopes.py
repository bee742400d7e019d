"""Certificates of the networks by bounds with optimised slopes: minutes each, so by make networks.

    python -m beyond.networks.slopes

Where certified.py leaves images between its sides, the lower lines of CROWN are optimised (α-CROWN,
Xu et al., arXiv:2011.13824), for every image that CROWN leaves. What it proves more was due to the
bound and not to the network. The small certified network, on whose last images MILP is tried, is
left out. Reads results/certified/ and writes results/slopes/: config.json, metrics.json (for each
network and ε the images that are proved and those that the attack left).
"""

import numpy as np

import data_prep
from beyond.networks import bounds, certified
from common import beside, cli, runs

RUN = "slopes"
NETWORKS = [name for name in runs.NETWORK_NAMES if name != "small-certified"]
SLOPES = 5  # steps of their optimisation; more prove nearly nothing more


def proved_images(args, name):
    """How many images of a network of certified.py are proved at each ε, as many numbers."""
    data, folder = data_prep.load_pair(args.digits), cli.results_folder(args)
    saved = runs.read(folder / certified.RUN, metrics=[name])
    network, found = bounds.Network(certified.load(saved, name)), saved.metrics[name]
    x, y, counts = data.x_test, data.y_test, []
    bound = np.full(len(y), np.inf)
    sides = zip(found["epsilon"], found["certified_images"], found["attacked_images"])
    for epsilon, low, high in sides:
        if low < high:
            rest = np.flatnonzero(bound > 0)  # what is not proved is not at a larger ε
            before = bound[rest]
            bound[rest] = certified.lower_bounds(network, x[rest], y[rest], epsilon, before, SLOPES)
            low = int(np.sum(bound > 0))
        counts.append(low)
    return counts


def main(argv=None):
    args = cli.pair_parser(__doc__).parse_args(argv)
    data, folder = data_prep.load_pair(args.digits), cli.results_folder(args) / RUN
    saved, metrics = runs.read(folder.with_name(certified.RUN), metrics=NETWORKS), {}
    with beside.networks() as executor:
        tasks = {name: executor.submit(proved_images, args, name) for name in NETWORKS[::-1]}
        for name in NETWORKS:
            counts, found = tasks[name].result(), saved.metrics[name]
            metrics[name] = {key: found[key] for key in ("epsilon", "attacked_images")}
            metrics[name] |= dict(before=found["certified_images"], certified_images=counts)
            cells = zip(found["epsilon"], found["certified_images"], counts)
            cells = [f"{epsilon:.2f}: {before} to {now}" for epsilon, before, now in cells]
            print(f"  {name}, images: " + "  ".join(cells), flush=True)
    runs.save(folder, args, data, metrics, {}, images=len(data.y_test), slopes=SLOPES)
    print(folder)


if __name__ == "__main__":
    cli.run(main)
