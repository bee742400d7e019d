"""A frame of the page while ε is dragged: every model, image and curve drawn again.

python benchmarks/page.py       # a few seconds; needs Chromium and requirements-dev.txt
"""

import bench

from report import page

STEPS = 101  # values of ε from 0 to 0.5, as if dragged from one end to the other
DRAG = """steps => {
  const slider = document.querySelector("input[type=range]"), seconds = [];
  for (let step = 0; step < steps; step++) {
    const start = performance.now();
    slider.value = slider.max * step / (steps - 1);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    document.body.getBoundingClientRect();  // the layout is a part of the frame
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}"""


def main():
    args = bench.arguments(__doc__, repeat=3)
    path = page.write(bench.runs.RESULTS)
    with page.chromium() as chromium:
        view = page.opened(chromium, path)
        seconds = []
        for _ in range(args.repeat):
            seconds += view.evaluate(DRAG, STEPS)
        loaded = view.evaluate("performance.now()")
    print(f"{len(seconds)} frames; the page was {loaded / 1000:.1f} s old at the end")
    bench.finish("page", args, {"frame while dragging": seconds}, "frame while dragging")


if __name__ == "__main__":
    bench.cli.run(main)
