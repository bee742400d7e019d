"""What the post claims, measured: numbers and a verdict for each claim, into results/claims.json.

    python -m claims                 # some seconds; reads what `python reproduce.py --all` makes

words.toml has the claims in words. The rule of each is the function of its name in post.py or
networks.py, and that function's docstring says when the claim holds; what algebra decides is in
theorems.py. Every number comes from a saved run. The claims are about the post's digits; others are
refused.
"""

import inspect

import data_prep
from claims import networks, post, rules, theorems
from common import cli, files, runs


def judge(rule, saved, data):
    """Verdict and numbers of a rule, and its verdict with half and with twice the threshold.

    A share above one cannot be: there is no verdict with twice one half.
    """
    verdict, numbers = rule(saved, data)
    found = dict(verdict=verdict, numbers=numbers)
    for name, threshold in list(inspect.signature(rule).parameters.items())[2:]:
        found["threshold"] = {name: threshold.default}
        for part, factor in (("half", 0.5), ("double", 2)):
            if not threshold.default < 1 <= factor * threshold.default:
                found[part], _ = rule(saved, data, threshold.default * factor)
    return found


def measure(results):
    """Verdict and numbers of each claim, by its name.

    Raises FileNotFoundError or ValueError with the command that helps.
    """
    digits = runs.read(results / "regular").config["arguments"]["digits"]
    if tuple(digits) != runs.DIGITS:
        raise ValueError(
            "the claims are the post's, about the digits 0 and 1; the runs in "
            f"{results} are of {digits[0]} and {digits[1]}"
        )
    saved = rules.read_runs(results, dict.fromkeys(rules.NEEDED, ()), required=rules.NEEDED)
    data, found = data_prep.load_pair(), {}
    try:
        for name, words in rules.words().items():
            if "algebra" in words:
                illustrated = getattr(theorems, name)(saved, data)
                found[name] = dict(verdict=words["algebra"], numbers=illustrated)
            else:
                rule = getattr(post, name, None) or getattr(networks, name)
                found[name] = judge(rule, saved, data)
    except LookupError as error:
        fix = f"make it again with: python reproduce.py --all{runs.flags(results)}"
        raise ValueError(f"{results} has no {error}, which {name} reads; {fix}") from error
    return found


def main(argv=None):
    parser = cli.parser(__doc__, results=None)
    results = cli.results_folder(parser.parse_args(argv))
    found = measure(results)
    files.write_json(results / "claims.json", {"claims": found})
    for name, claim in found.items():
        print(f"  {name:16}  {claim['verdict']}")
    print(results / "claims.json")


if __name__ == "__main__":
    cli.run(main)
