"""Write results/explore.html: the models, their exact attacks and the test images, to play with.

    python -m report.page            # a few seconds; reads the saved runs that are there
    python -m report.page --picture docs/explore.png    # and a picture of it, with Chromium

One file without network, framework or server. Its sources are in report/page/: an HTML template,
a CSS file and two JavaScript files, readable as they are. It shows the runs of RUNS in
plots/style.py, and the optima exact-* and the networks of the run certified where they are there.
"""

import base64
import contextlib
import importlib
import json
import shutil
import struct
import zlib

import numpy as np

import attacks
import data_prep
from claims import rules
from common import cli, files, runs
from report import report

SOURCES = report.FOLDER / "page"
FILES = "page.css", "network.js", "page.js"
FILE = "explore.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TOUR_EPSILON = 0.1  # pixel units: the attack of the tour's first steps
OPTIMUM, OPTIMUM_EPSILON = "exact-0.3", 0.3  # the tour's optimum and the attack that it holds
CERTIFIED = "certified"
NETWORKS = {  # of the run certified: what the page calls them
    "convolutional-regular": "regular network",
    "convolutional-certified": "certified network",
}
TOUR_NETWORK = "convolutional-certified"
LAYERS = 4  # of each: two convolutions and two dense layers, a kernel and a bias each


def figure_style():
    """plots/style.py, imported when it is needed: it imports Matplotlib."""
    return importlib.import_module("plots.style")


def entry(name):
    """What the page has to know of a model: its name, and the line that shows it in the figures.

    An optimum has the colour of the robust run of its ε.
    """
    known = (*runs.POST_RUNS, *figure_style().RUNS)
    colours = dict(zip(known, figure_style().colours(known)))
    colour = colours.get(name) or colours.get(name.replace("exact", "robust"), "#000000")
    text = runs.label(name).replace("exact", "optimum")
    return dict(name=name, label=text, colour=colour, dashed=name.startswith("exact-"))


def network_arrays(name):
    """The names of a network's arrays in the run certified: kernel, bias, kernel, ..."""
    return [f"{name}-{number}" for number in range(2 * LAYERS)]


def networks(certified):
    """The networks' entries, and their weights, in the order of both; none without their run.

    An entry has the lengths of the kernel and the bias of each layer, and, for each ε that was
    measured, how many test images are proved right and how many the attack left.
    """
    entries, weights = [], []
    if certified is None:
        return entries, weights
    colours = dict(zip(NETWORKS, reversed(figure_style().OWN_COLOURS[:2])))
    for name, label in NETWORKS.items():
        arrays = [certified.arrays[each] for each in network_arrays(name)]
        found = certified.metrics[name]
        sizes = [[kernel.size, bias.size] for kernel, bias in zip(arrays[::2], arrays[1::2])]
        sides = {end: found[f"{end}_images"] for end in ("certified", "attacked")}
        sides["epsilon"] = np.round(found["epsilon"], 9).tolist()  # 0.3, not 0.30000000000000004
        look = dict(label=label, colour=colours[name], dashed=False)
        entries.append(dict(name=name, **look, sizes=sizes, sides=sides))
        weights += arrays
    return entries, weights


def pack(models, linear, kernels, x, y, digits):
    """The page's data as one zlib stream, whose checksum shows any damage.

    Length of the header (4 bytes, little endian); header, JSON: digits, number of images, models;
    weights (785,) of each linear model, the bias last, float64, and of each network, float32: every
    saved weight as it is; images (images, 784), bytes; labels (images,), bytes 0 and 1.

    Arguments:
        models: the entries of all models; linear: the runs of the linear ones; kernels: of the
            networks, from networks().
        x: (images, 28, 28) uint8; y: (images,) uint8 in {0, 1}.
    """
    header = json.dumps(dict(digits=digits, images=len(y), models=models)).encode()
    weights = [np.append(run.arrays["weights"], run.arrays["bias"]) for run in linear]
    parts = [np.array(weights, "<f8"), *(kernel.astype("<f4") for kernel in kernels), x, y]
    parts = [struct.pack("<I", len(header)), header, *(part.tobytes() for part in parts)]
    return zlib.compress(b"".join(parts), 9)


def tour(saved, certified, x, y):
    """The image of the guided tour, the sentences that are true of it, and their numbers.

    Arguments: linear runs by name; the run certified, or None; and as for the attacks, x (images,
    784) float, y (images,) in {-1, +1}.
    """
    epsilon, zero = TOUR_EPSILON, np.zeros(len(y), bool)

    def linear(name):
        return [saved[name].arrays[key].astype(float) for key in ("weights", "bias")]

    regular, robust = linear("regular"), linear("robust-0.2")
    radii, robust_radii = (attacks.signed_radius(*model, x, y) for model in (regular, robust))
    true = dict(falls=(radii > 0) & (radii < epsilon), holds=robust_radii > epsilon, pixel=zero)
    if OPTIMUM in saved:
        weights, bias = linear(OPTIMUM)
        margins = y * attacks.linear_logits(weights, bias, x)
        room = np.where(np.outer(y, weights) > 0, x, 1 - x)
        fooled = (np.abs(weights) * room).max(axis=1) >= margins
        radius = attacks.signed_radius(weights, bias, x, y)
        true["pixel"] = (radius > OPTIMUM_EPSILON) & fooled
    image = int(np.argmax(np.sum(list(true.values()), axis=0)))
    here = x[image : image + 1], y[image : image + 1]
    proof = {}
    if certified:
        found = certified.metrics[TOUR_NETWORK]
        kept = [rules.accuracy_at(run, "clipped", OPTIMUM_EPSILON) for run in saved.values()]
        proof = dict(
            network=TOUR_NETWORK,
            proved=100 * rules.at(found["certified"], found["epsilon"], OPTIMUM_EPSILON),
            best_linear=100 * max(kept),
        )
    worst = attacks.attack_linear(regular[0], *here, epsilon, clip=True)
    clean, clipped = (
        float(here[1] @ attacks.linear_logits(*regular, image)) for image in (here[0], worst)
    )
    return dict(
        image=image,
        epsilon=epsilon,
        optimum_epsilon=OPTIMUM_EPSILON,
        true={key: bool(values[image]) for key, values in true.items()},
        margin=clean,
        robust_margin=float(here[1] @ attacks.linear_logits(*robust, here[0])),
        norm=float(np.abs(regular[0]).sum()),
        robust_norm=float(np.abs(robust[0]).sum()),
        clipped_reach=clean - clipped,
        clipped_holds=clipped > 0,
        pixels=int(np.count_nonzero(linear(OPTIMUM)[0])) if OPTIMUM in saved else 0,
        **proof,
    )


def page(results):
    """The page as text. Raises FileNotFoundError or ValueError with the command that helps."""
    names = dict.fromkeys([*runs.POST_RUNS, *figure_style().RUNS, *rules.EXACT])
    needed = {name: ([], ["weights", "bias"]) for name in names}
    needed[CERTIFIED] = [*NETWORKS], sum(map(network_arrays, NETWORKS), [])
    saved = rules.read_runs(results, needed, required=runs.POST_RUNS)
    certified, digits = saved.pop(CERTIFIED, None), saved["regular"].config["arguments"]["digits"]
    pair, found = data_prep.read_pair(digits)
    if found != saved["regular"].config["data_sha256"]:
        raise ValueError(
            f"{results} has runs of other data than {data_prep.pair_path(digits)}; make them again "
            f"with: {report.reproduce_command(results, saved)}"
        )
    data = data_prep.prepared(pair, found)
    x, y = data.x_test.reshape(len(data.y_test), -1).astype(float), data.y_test
    css, *js = ((SOURCES / file).read_text(encoding="utf-8") for file in FILES)
    entries, kernels = networks(certified)
    models = [*map(entry, saved), *entries]
    packed = pack(models, saved.values(), kernels, pair["x_test"], pair["y_test"], digits)
    block = base64.b64encode(packed).decode()
    template = report.environment(autoescape=True).get_template("page/page.html.j2")
    flags = runs.flags(results)
    command = f"python -m report.page{flags if '--results' in flags else ''}"
    return template.render(
        css=css,
        js="\n".join(js),
        block=block,
        digits=digits,
        models=models,
        images=len(y),
        tour=tour(saved, certified, x, y),
        command=command,
    )


def write(results):
    """Write explore.html into a folder of results; returns its path."""
    files.write_file(results / FILE, page(results))
    return results / FILE


def browser():
    """The path of Chromium, or None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextlib.contextmanager
def chromium():
    """Yield a browser without a window, of Playwright, which is in requirements-dev.txt."""
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--no-first-run", "--hide-scrollbars"]
    with sync_playwright() as playwright:
        with playwright.chromium.launch(executable_path=browser(), args=quiet) as started:
            yield started


def opened(chromium, path, width=1280, height=900, scale=1):
    """The file as a page in a browser from chromium(), without a network, once it is drawn."""
    look = dict(viewport=dict(width=width, height=height), device_scale_factor=scale)
    view = chromium.new_page(**look, offline=True)
    view.goto(path.resolve().as_uri())
    view.wait_for_selector("body[data-state]")  # ready or damaged
    return view


def main(argv=None):
    parser = cli.parser(__doc__, results=None)
    parser.add_argument(
        "--picture",
        type=cli.path,
        metavar="PNG",
        help="draw the page into this file; needs Chromium and requirements-dev.txt",
    )
    args = parser.parse_args(argv)
    path = write(cli.results_folder(args))
    print(path)
    if args.picture:
        if not browser():
            raise FileNotFoundError("--picture needs Chromium; install it (Debian: chromium)")
        with chromium() as started:
            view = opened(started, path, width=1000, scale=1.5)  # as wide as a README shows it
            view.wait_for_selector("#models:not([aria-busy=true])")
            files.write_file(args.picture, view.screenshot(full_page=True))
        print(args.picture)


if __name__ == "__main__":
    cli.run(main)
