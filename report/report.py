"""Write results/README.md, the post, and a page for each question beyond it.

    python -m report.report          # a second; reads the saved runs that are there

The numbers are gathered here; the words are in claims/words.toml and in the templates, *.md.j2, one
a page. No measured number is typed by hand; the published ones are.
"""

import functools
import inspect
import re
import shlex
from pathlib import Path

import jinja2
import numpy as np

from beyond.pairs import summary as pairs_summary
from claims import networks, post, rules
from common import cli, files, runs
from report import figures

FOLDER = Path(__file__).parent
PAGES = {  # beside README.md, each from the template of its name; without runs for it, no page
    "claims": "every claim of the post",
    "linear": "linear models and their optimum",
    "networks": "networks",
    "threats": "other threats",
    "chance": "what chance explains",
    "pairs": "all pairs of digits",
    "ten": "ten digits at once",
}
PUBLISHED = {  # accuracies in % as the post prints them: (train, test)
    "regular": (99.64, 99.90),
    "robust-0.1": (99.81, 99.85),
    "robust-0.2": (99.64, 99.90),
    "robust-0.3": (99.37, 99.76),
}
CONVERGED = [runs.name("robust", epsilon, "converged") for epsilon in runs.EPSILONS]
SHOWN = [*rules.NEEDED, *CONVERGED, "regular-seeds", "robust-seeds"]  # runs that pages read
SHOWN += ["stopped", "sweep", "slopes", "diagram"]
TEN = {  # of other data, all ten digits; the metrics and arrays that are shown
    "ten_linear": (["models", "unclipped", "optimum", "objective", "median_pixels"], []),
    "ten_network": (["epsilon", "certified", "attacked"], []),
}


def number(value, form=".3g"):
    """A number, or several of them with slashes between, in a format of Python's."""
    values = value if isinstance(value, list) else [value]
    return " / ".join(format(each, form) for each in values)


def percent(value, digits=2):
    """A share in 0..1, or several of them, in percent."""
    return number(np.multiply(value, 100).tolist(), f".{digits}f")


def interval(value, count):
    """A share of `count` images in percent, with its 95 % interval: 96.93 % (96.1–97.6)."""
    low, high = rules.interval(value, count)
    return f"{percent(value)} % ({percent(low, 1)}–{percent(high, 1)})"


def anchor(heading):
    """What GitHub calls a heading in links."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@functools.cache  # and with it its templates, compiled
def environment(autoescape=False):
    """Jinja2 with the filters of the texts; a name that does not exist is an error.

    autoescape: for HTML; in Markdown it would spoil the text.
    """
    result = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    result.filters |= dict(
        number=number,
        percent=percent,
        interval=interval,
        counts=lambda shares, total: number([round(each * total) for each in shares], "d"),
        model_title=lambda run: runs.label(run).capitalize(),  # of a column: Robust ε = 0.1
        epsilon_title="ε = {:g}".format,
        anchor=anchor,
        at=rules.at,
        accuracy_at=rules.accuracy_at,
    )
    return result


def reported(results):
    """The models that a report is about: the post's, if the folder has them, or those it has."""
    models = runs.post_runs(results)
    return runs.POST_RUNS if set(models) >= set(runs.POST_RUNS) else models


def reproduce_command(results, saved):
    """The command that makes the saved runs again, all of them."""
    models = reported(results)
    options = " --all" if set(saved) - {*runs.post_runs(results)} else ""
    if models != runs.POST_RUNS:
        options = "".join(f" --epsilon {runs.parts(run)[1]}" for run in models[1:])
    return f"python reproduce.py{options}{runs.flags(results)}"


def beside_optima(saved):
    """Robust models beside the proved optimum of the same ε: a dictionary of numbers for each."""
    for epsilon, *names in zip(runs.EPSILONS, rules.ROBUST, CONVERGED, rules.EXACT):
        for kind, name in zip(("post", "converged", "optimum"), names):
            if names[-1] in saved and name in saved:
                run, least = saved[name], saved[names[-1]].metrics["objective"]
                weights = run.arrays["weights"]
                yield run.metrics | dict(
                    epsilon=epsilon,
                    kind=kind,
                    run=run,
                    ratio=run.metrics["train_loss"] / least if least else None,
                    pixels=np.argwhere(weights.reshape(28, 28)).tolist(),
                    light=rules.norm_share(weights < 0, np.abs(weights)),
                )


def read_json(path, command):
    try:
        return files.read_json(path)
    except files.DAMAGE as error:
        raise ValueError(f"{path} is damaged ({error}); make it with: {command}") from None


def in_words(found):
    """The claims in words, with the verdicts and numbers of claims.json."""
    helpers = environment().get_template("macros.md.j2").module
    optional = dict.fromkeys(("algebra", "threshold", "half", "double"))
    for name, claim in rules.words().items():
        numbers = found[name]["numbers"]
        given = dict(numbers, numbers=numbers, header=helpers.header, row=helpers.row)
        for part in ("decides", "on", "measured", "why"):
            text = environment().from_string(claim[part]).render(given)
            claim[part] = " ".join(text.split())
        claim["table"] = environment().from_string(claim.get("table", "")).render(given).strip()
        rule = getattr(post, name, None) or getattr(networks, name, None)
        claim["rule"] = rule and " ".join(inspect.getdoc(rule).split())
        claim["of_network"] = "network" in claim["section"]
        yield optional | claim | found[name] | dict(name=name)


def picture(results, name):
    """A figure's caption and, if it is drawn, its width in the report: half of the PNG file's."""
    path = results / "figures" / f"{name}.png"
    width = int.from_bytes(path.read_bytes()[16:20], "big") // 2 if path.exists() else None
    title, caption = figures.caption(name)
    return dict(title=title, caption=caption, alternative=title.rstrip("."), width=width)


def context(results):
    """What the templates read, gathered from a folder. Raises FileNotFoundError or ValueError."""
    models = reported(results)
    saved = rules.read_runs(results, dict.fromkeys([*SHOWN, *models], ()), required=models)
    flags, reproduce = runs.flags(results), reproduce_command(results, saved)
    saved |= rules.read_runs(results, TEN, required=())
    # Figures and reports have no --digits.
    here = f" --results {shlex.quote(results.name)}" if "--digits" in flags else flags
    digits, path = saved["regular"].config["arguments"]["digits"], results / "claims.json"
    benchmarks = sorted((results / "benchmarks").glob("*.json"))
    found = path.exists() and read_json(path, f"python -m claims{here}")
    return dict(
        saved=saved,
        post={name: saved[name] for name in models},
        published=PUBLISHED if tuple(digits) == runs.DIGITS else {},
        post_runs=runs.POST_RUNS,
        digits=digits,
        network_names=runs.NETWORK_NAMES,
        claims=found,
        figures={name: picture(results, name) for name in figures.ALL_FIGURES},
        over=pairs_summary.summary(results),
        groups=figures,
        titles=PAGES,
        pages=[],
        benchmarks={it.stem: read_json(it, f"python benchmarks/{it.stem}.py") for it in benchmarks},
        pictures=[it.stem for it in benchmarks if it.with_suffix(".png").exists()],
        flags=flags,
        here=here,
        reproduce=reproduce,
        beside_code=results.resolve().parent == runs.ROOT,
    )


def render(results, *templates):
    """Fill in templates with what is in a folder, one text each; the last one can link those before
    it that are not empty. Raises FileNotFoundError or ValueError.
    """
    given, texts = context(results), []
    try:
        given["optima"] = list(beside_optima(given["saved"]))
        given["claims"] = list(in_words(given["claims"]["claims"])) if given["claims"] else []
        for template in templates:
            text = environment().get_template(f"{template}.md.j2").render(given)
            texts.append(re.sub(r"\n{3,}", "\n\n", text).strip())
            if template in PAGES and texts[-1]:
                given["pages"].append(template)
    except (LookupError, TypeError, jinja2.TemplateError) as error:
        raise ValueError(
            f"{results} has what the report cannot read ({error}); make it again with: "
            + given["reproduce"]
        ) from error
    return texts


def post_table(results):
    """The post's table in Markdown, accuracies in %: published / here, or here for other digits."""
    return render(results, "post_table")[0]


def write(results):
    """Write README.md and its pages into a folder of results; returns the path of the first.

    A page about runs that are not there is not written, and goes if it was there.
    """
    names = *PAGES, "benchmarks", "results"
    paths = [results / f"{name}.md" for name in PAGES]
    paths += [results / "benchmarks" / "README.md", results / "README.md"]
    for path, text in zip(paths, render(results, *names)):
        if text:
            files.write_file(path, text + "\n")
        else:
            path.unlink(missing_ok=True)
    return paths[-1]


def main(argv=None):
    parser = cli.parser(__doc__, results=None)
    print(write(cli.results_folder(parser.parse_args(argv))))


if __name__ == "__main__":
    cli.run(main)
