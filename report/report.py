"""Write results/README.md: the post's table, figures and claims, and what is beyond the post.

    python -m report.report          # a second; reads the saved runs that are there

The numbers are gathered here; the words are in claims/words.toml and in the templates, *.md.j2. No
measured number is typed by hand; the published ones are.
"""

import re
import shlex
from pathlib import Path

import jinja2
import numpy as np

from beyond.pairs import summary as pairs_summary
from claims import rules
from common import cli, files, runs
from report import figures

FOLDER = Path(__file__).parent
PUBLISHED = {  # accuracies in % as the post prints them: (train, test)
    "regular": (99.64, 99.90),
    "robust-0.1": (99.81, 99.85),
    "robust-0.2": (99.64, 99.90),
    "robust-0.3": (99.37, 99.76),
}
CONVERGED = [runs.name("robust", epsilon, "converged") for epsilon in runs.EPSILONS]
SEEDS = ["test_accuracy", "train_accuracy_running"], ["test_accuracy"]
NEEDED = (
    rules.NEEDED
    | dict.fromkeys(CONVERGED, rules.TRAINED)
    | dict.fromkeys(["regular-seeds", "robust-seeds"], SEEDS)
    | {"stopped": (["norm_on_pixels", "robust_accuracy"], ["weights"])}
    | {"sweep": (["best_accuracy"], ["seeds", "accuracy"])}
    | {"diagram": (["best_accuracy", "same_epsilon", "pixels", "constant_epsilon"], [])}
)


def number(value, form=".3g"):
    """A number, or several of them with slashes between, in a format of Python's."""
    values = value if isinstance(value, list) else [value]
    return " / ".join(format(each, form) for each in values)


def percent(value, digits=2):
    """A share in 0..1, or several of them, in percent."""
    return number(np.multiply(value, 100).tolist(), f".{digits}f")


def anchor(heading):
    """What GitHub calls a heading in links."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


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
        model_title=lambda run: runs.label(run).capitalize(),  # of a column: Robust ε = 0.1
        anchor=anchor,
        at=rules.at,
        accuracy_at=rules.accuracy_at,
    )
    return result


def reported(results):
    """The models that a report is about: the post's, if the folder has them, or those it has."""
    models = runs.post_runs(results)
    return runs.POST_RUNS if set(models) >= set(runs.POST_RUNS) else models


def radius_flags(results):
    """The flags of the robust models that a report is about, if they are not the post's."""
    models = reported(results)
    if models == runs.POST_RUNS:
        return ""
    return "".join(f" --epsilon {runs.parts(run)[1]}" for run in models[1:])


def reproduce_command(results, saved):
    """The command that makes the saved runs again, all of them."""
    radii, beyond = radius_flags(results), set(saved) - {*runs.post_runs(results)}
    everything = " --all" if beyond and not radii else ""
    return f"python reproduce.py{everything}{radii}{runs.flags(results)}"


def beside_optima(saved):
    """Robust models beside the proved optimum of the same ε: a dictionary of numbers for each."""
    for epsilon, *names in zip(runs.EPSILONS, rules.ROBUST, CONVERGED, rules.EXACT):
        for kind, name in zip(("post", "converged", "optimum"), names):
            if names[-1] in saved and name in saved:
                run, least = saved[name], saved[names[-1]].metrics["objective"]
                yield run.metrics | dict(
                    epsilon=epsilon,
                    kind=kind,
                    run=run,
                    ratio=run.metrics["train_loss"] / least if least else None,
                    pixels=np.argwhere(run.arrays["weights"].reshape(28, 28)).tolist(),
                )


def read_json(path, command):
    try:
        return files.read_json(path)
    except files.DAMAGE as error:
        raise ValueError(f"{path} is damaged ({error}); make it with: {command}") from None


def in_words(found):
    """The claims in words, with the verdicts and numbers of claims.json."""
    for name, claim in rules.words().items():
        numbers = found[name]["numbers"]
        for part in ("measured", "why"):
            text = environment().from_string(claim[part]).render(numbers, numbers=numbers)
            claim[part] = " ".join(text.split())
        claim["of_network"] = claim["section"].endswith("asked of a network")
        yield claim | dict(name=name, numbers=numbers, verdict=found[name]["verdict"])


def picture(results, name):
    """A figure's title and caption and, if it is drawn, its width: half of the PNG file's."""
    path = results / "figures" / f"{name}.png"
    width = int.from_bytes(path.read_bytes()[16:20], "big") // 2 if path.exists() else None
    title, text = figures.caption(name)
    return dict(title=title, caption=text, width=width)


def render(template, results):
    """Fill in a template with what is in a folder. Raises FileNotFoundError or ValueError."""
    models = reported(results)
    needed = NEEDED | dict.fromkeys(models, rules.TRAINED)
    saved = rules.read_runs(results, needed, required=models)
    flags, reproduce = runs.flags(results), reproduce_command(results, saved)
    # Figures and reports have no --digits.
    here = f" --results {shlex.quote(results.name)}" if "--digits" in flags else flags
    digits, path = saved["regular"].config["arguments"]["digits"], results / "claims.json"
    benchmarks = sorted((results / "benchmarks").glob("*.json"))
    found = path.exists() and read_json(path, f"python -m claims{here}")
    timed = {it.stem: read_json(it, f"python benchmarks/{it.stem}.py") for it in benchmarks}
    try:
        text = (
            environment()
            .get_template(template)
            .render(
                saved=saved,
                post={name: saved[name] for name in models},
                published=PUBLISHED if tuple(digits) == runs.DIGITS else {},
                post_runs=runs.POST_RUNS,
                digits=digits,
                network_names=runs.NETWORK_NAMES,
                optima=list(beside_optima(saved)),
                claims=list(in_words(found["claims"])) if found else [],
                figures={it: picture(results, it) for it in figures.FIGURES + figures.PAIR_FIGURES},
                over=pairs_summary.summary(results),
                groups=figures,
                benchmarks=timed,
                pictures=[it.stem for it in benchmarks if it.with_suffix(".png").exists()],
                flags=flags,
                radii=radius_flags(results),
                here=here,
                reproduce=reproduce,
                beside_code=results.resolve().parent == runs.ROOT,
            )
        )
    except (LookupError, TypeError, jinja2.TemplateError) as error:
        raise ValueError(
            f"{results} has what the report cannot read ({error}); make it again with: {reproduce}"
        ) from error
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def post_table(results):
    """The post's table in Markdown, accuracies in %: published / here, or here for other digits."""
    return render("post_table.md.j2", results)


def findings(results):
    """What came out, in a few lines, as the project's README has it."""
    return render("findings.md.j2", results)


def write(results):
    """Write README.md into a folder of results, a section for what is there; returns its path."""
    files.write_file(results / "README.md", render("results.md.j2", results) + "\n")
    return results / "README.md"


def main(argv=None):
    parser = cli.parser(__doc__, results=True)
    print(write(cli.results_folder(parser.parse_args(argv))))


if __name__ == "__main__":
    cli.run(main)
