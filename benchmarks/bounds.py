"""Proved bounds of all test images: intervals and CROWN beside a forward pass of the same network.

    python benchmarks/bounds.py      # about a minute

The reference is the forward pass of the convolutional network in float32, as Keras' predict has it.
CROWN on the convolutional network bounds its hidden units by intervals, except for a few images.
"""

import os

import bench

import data_prep
from beyond.networks import bounds, certified
from beyond.threats import threats
from common import runs

EPSILON = 0.2  # pixel units; the time does not depend on it
FEW = 5  # images of which the convolutional network is bounded by CROWN throughout


def main():
    args = bench.arguments(__doc__, repeat=3)
    os.environ["TF_NUM_INTRAOP_THREADS"] = (
        "2"  # before TensorFlow, as in beyond/networks/certified.py
    )
    x, y = data_prep.load("test")
    if args.quick:
        x, y = x[:100], y[:100]
    saved = runs.read(runs.RESULTS / certified.RUN)
    models = {kind: threats.load(saved, f"{kind}-certified") for kind in certified.NETWORKS}
    small, large = (bounds.Network(models[kind]) for kind in certified.NETWORKS)
    few = x[:FEW], y[:FEW], EPSILON
    cases = {
        "forward, convolutional": lambda: certified.logits_of(models["convolutional"], x),
        "intervals, convolutional": lambda: bounds.interval(large, x, y, EPSILON),
        "CROWN over intervals, convolutional": lambda: bounds.crown(
            large, x, y, EPSILON, refine=False
        ),
        f"CROWN, convolutional, {FEW} images": lambda: bounds.crown(large, *few),
        "forward, small": lambda: certified.logits_of(models["small"], x),
        "intervals, small": lambda: bounds.interval(small, x, y, EPSILON),
        "CROWN, small": lambda: bounds.crown(small, x, y, EPSILON),
    }
    seconds = bench.in_turn(cases, args.repeat)
    bench.finish("bounds", args, seconds, "forward, convolutional", images=len(y))


if __name__ == "__main__":
    bench.cli.run(main)
