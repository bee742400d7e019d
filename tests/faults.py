"""Interrupt every script at random moments, again and again, and see what is left: the table in the README.

    python tests/faults.py --source ~/mnist                # 220 trials, about a quarter of an hour
    python tests/faults.py --source ~/mnist --only report.py --trials 20

Works in a copy of the project. Each trial starts a script over results that are there already, sends it SIGINT (to all its
processes, as a terminal does), SIGTERM or SIGKILL (to itself) at a random moment, and then asks: is everything that was saved
the old or the new, whole? Did it end in one line and with its status? Is a process of it left, or a hidden file too many?
Does the next run succeed, and clear what is left? Needs POSIX signals. Ends with status 1 if anything was lost, or said in more
than one line.
"""
import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

import storage  # noqa: E402

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
TRIALS = 220
RECOVER_EVERY = 6  # trials of a slow script after which it runs to its end; quick ones do after every trial
QUICK = 1.5  # seconds that a quick script takes
GRACE = 10  # seconds for the last process of a killed script to go
FIGURES = ("hinge_loss", "model_weights", "robust_accuracy")

# What is tried: the arguments that make it short, its share of the trials, and what it writes (in the copy of the project).
# Experiments without a row here are run with --epochs 1.
SCRIPTS = {
    "data_prep.py": (["--digits", "3", "8", "--source", "SOURCE"], 4, "data"),
    "report.py": (["--results", "out/report"], 4, "out/report"),
    "plots": ([*FIGURES, "--results", "out/plots"], 4, "out/plots"),
    "reproduce.py": (["--post", "--out-dir", "out/reproduce"], 1, "out/reproduce"),
    "experiment_exact.py": (["--epsilon", "0.3"], 2, None),
    "experiment_robust.py": (["--epsilon", "0.1", "--epsilon", "0.2", "--epochs", "1"], 2, None),
    "experiment_sweep.py": (["--models", "11", "--epochs", "1"], 2, None),
    "experiment_network.py": (["--epochs", "1"], 1, None),
    "experiment_transfer.py": ([], 1, None),
}


def tried():
    """Every script: {name: (arguments, share, folder)}."""
    result = dict(SCRIPTS)
    for name in sorted(path.name for path in ROOT.glob("experiment_*.py")):
        arguments, share, _ = SCRIPTS.get(name, (["--epochs", "1"], 2, None))
        folder = f"out/{Path(name).stem}"
        result[name] = ([*arguments, "--out-dir", folder], share, folder)
    return result


def files(folder, hidden=False):
    """The files below a folder; those that are written at the moment, in hidden places, or all others."""
    return {path for path in folder.rglob("*") if path.is_file()
            and any(part.startswith(".") for part in path.relative_to(folder).parts) == hidden}


def digests(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files(folder)}


def all_gone(process):
    """Whether the whole process group of a script ends within GRACE; what does not is killed."""
    for _ in range(GRACE * 10):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    return False


class Trials:
    """One script under trial, with the counts of what happened."""

    def __init__(self, project, name, arguments, folder):
        self.project, self.name, self.folder = project, name, project / folder
        self.command = [sys.executable, name, *arguments]
        self.tried = dict.fromkeys(SIGNALS, 0)
        self.lost, self.remarks = [], []
        if name not in ("data_prep.py", "reproduce.py"):  # the runs that others read
            shutil.copytree(ROOT / "results", self.folder, ignore=shutil.ignore_patterns("figures", "README.md"))
        for seed in self.seeds():  # a first run measures the time, and makes the old results; both are known as whole
            start = time.perf_counter()
            self.complete(seed)
            self.seconds = time.perf_counter() - start
            self.known = getattr(self, "known", []) + [digests(self.folder)]

    def seeds(self):
        """Two seeds, so that old and new differ, where the script has them."""
        seeded = self.name.startswith("experiment_") and "--seed SEED" in self.run(["--help"])[1]
        return [["--seed", "0"], ["--seed", "1"]] if seeded else [[]]

    def run(self, more):
        done = subprocess.run([*self.command, *more], cwd=self.project, text=True, capture_output=True)
        return done.returncode, done.stdout, done.stderr

    def complete(self, seed):
        """Run it to its end; that must work whatever was left behind, and leave nothing hidden."""
        status, _, stderr = self.run(seed)
        if status:
            self.lost.append(f"the next run failed: {stderr[-300:]}")
        if left := files(self.folder, hidden=True):
            self.lost.append(f"a complete run left {sorted(map(str, left))}")

    def trial(self, number, delay, seed):
        """Start, wait, send; False if it had ended by then."""
        process = subprocess.Popen([*self.command, *seed], cwd=self.project, text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        time.sleep(delay)
        if process.poll() is not None:
            process.communicate()
            return False
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        stderr = process.communicate()[1]
        self.tried[number] += 1
        where = f"{number.name} after {delay:.2f} s"
        self.check_end(where, number, process, stderr)
        self.check_files(where)
        return True

    def check_end(self, where, number, process, stderr):
        # A negative status is Python's own, of the first moments, before the script's main runs; so is what it says in the very first.
        said, unborn = stderr.splitlines(), stderr.startswith("Fatal Python error: init")
        if number != signal.SIGKILL and not unborn and (process.returncode not in (0, 128 + number, -number) or len(said) > 1
                                                        or said and "interrupted" not in said[0]):
            self.remarks.append(f"{where}: status {process.returncode}, {stderr[-500:]!r}")
        if not all_gone(process):
            self.lost.append(f"{where}: a process was left")

    def check_files(self, where):
        """Every file is one of a complete run, and every run's files are those of the same complete run."""
        if len(left := files(self.folder, hidden=True)) > 20:  # a run or two, some pictures: it does not grow with the trials
            self.lost.append(f"{where}: {len(left)} hidden files")
        for config in self.folder.rglob("config.json"):
            if config in files(self.folder, hidden=True):
                continue
            try:
                storage.read_run(config.parent)
                for model in config.parent.glob("*.keras"):
                    with zipfile.ZipFile(model) as archive:
                        assert archive.testzip() is None
            except (ValueError, OSError, AssertionError) as error:
                self.lost.append(f"{where}: {config.parent} is not whole: {error}")
        found, runs = digests(self.folder), {}
        if set(self.known[0]) - set(found):
            self.lost.append(f"{where}: gone: {set(self.known[0]) - set(found)}")
        for name, digest in found.items():
            if Path(name).name in ("model.keras", "config.json") or not self.repeatable(name):
                continue  # the time is in them
            of = {number for number, known in enumerate(self.known) if known.get(name) == digest}
            if Path(name).suffix in (".npz", ".json", ".csv"):
                runs[Path(name).parent] = runs.get(Path(name).parent, of) & of
            elif not of:
                self.lost.append(f"{where}: {name} is neither old nor new")
        self.lost += [f"{where}: {run} mixes runs, or is of none" for run, of in runs.items() if not of]

    def repeatable(self, name):
        """Whether complete runs give the same bytes: not if they measure time."""
        return "seconds" not in (self.folder / Path(name).parent / "metrics.json").read_text() \
            if (self.folder / Path(name).parent / "metrics.json").exists() else True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="MNIST, for data_prep.py: an mnist.npz or four IDX files")
    parser.add_argument("--trials", type=int, default=TRIALS, help="in all (default: %(default)s)")
    parser.add_argument("--only", choices=tried(), help="one script alone")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or the scripts would ignore it, if this one runs in the background
    chosen = {name: row for name, row in tried().items() if args.only in (None, name)}
    shares, moments = sum(share for _, share, _ in chosen.values()), random.Random(args.seed)
    failed = False
    print("| script | SIGINT | SIGTERM | SIGKILL | survived | lost | not in one line |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
          flush=True)
    totals, details = [0] * 6, {}
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / "project"
        shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "__pycache__", "results"))
        shutil.copytree(ROOT / "results", project / "results")
        for name, (arguments, share, folder) in chosen.items():
            trials = Trials(project, name, [str(args.source.resolve()) if word == "SOURCE" else word for word in arguments], folder)
            count, seeds, lost = round(args.trials * share / shares), trials.seeds(), 0
            done = 0
            while done < count:
                before = len(trials.lost)
                if not trials.trial(SIGNALS[done % 3], moments.uniform(0, trials.seconds), seeds[done // 3 % len(seeds)]):
                    continue
                done += 1
                if trials.seconds < QUICK or done % RECOVER_EVERY == 0 or done == count:
                    trials.complete(seeds[done % len(seeds)])
                lost += len(trials.lost) > before
            row = [*trials.tried.values(), count - lost, lost, len(trials.remarks)]
            print(f"| {name} | {' | '.join(map(str, row))} |", flush=True)
            totals = [total + value for total, value in zip(totals, row)]
            details[name] = trials.lost, trials.remarks
            failed |= bool(trials.lost or trials.remarks)
    print(f"| together | {' | '.join(map(str, totals))} |")
    for name, (lost, remarks) in details.items():
        for line in [*(f"lost: {line}" for line in lost), *(f"not in one line: {line}" for line in remarks)]:
            print(f"{name}: {line}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
