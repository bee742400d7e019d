"""Work on a Dask cluster, on this machine or another: checked versions, the code, the data, faults.

    with cluster.connected(scheduler, workers) as client:
        work = cluster.each(client, "beyond.pairs.pairs", "measure_pair", data, names)
        for name, found, error in work:
            ...

The workers need Python, requirements.txt and Dask, but no checkout: the code goes to them as a zip.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import io
import logging
import signal
import tempfile
import warnings
import zipfile
from pathlib import Path

from common import ROOT

PATIENCE = 5  # seconds, for a scheduler to answer and for a first worker
PACKAGES = ("tensorflow", "numpy", "scipy")  # whose versions must agree, beside Python's
MODULES = ("attacks", "data_prep", "experiment_regular", "experiment_robust")
FOLDERS = ("beyond", "claims", "common")
TRIES = 2  # of each piece of work
# Of a cluster of our own: a piece of work that kills its worker this often is given up, and a
# worker is given one piece at a time, so that no other one is lost with it.
SETTINGS = {
    "distributed.scheduler.allowed-failures": TRIES - 1,
    "distributed.scheduler.worker-saturation": 1.0,
}


def address(text):
    """An argparse type: the address of a scheduler."""
    kind, _, place = text.partition("://")
    host, _, port = place.rpartition(":")
    if kind not in ("tcp", "tls") or not host or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an address as tcp://host:8786")
    return text


@contextlib.contextmanager
def interrupts_held():
    """Hold Ctrl-C back: processes and threads that are started meanwhile never get it.

    It reaches every process of a terminal, and is the client's to tell.
    """
    mask = getattr(signal, "pthread_sigmask", lambda *_: ())  # not on Windows
    before = mask(getattr(signal, "SIG_BLOCK", 0), [signal.SIGINT])
    try:
        yield
    finally:
        mask(getattr(signal, "SIG_SETMASK", 0), before)


@contextlib.contextmanager
def connected(scheduler=None, workers=None):
    """Yield a Dask client whose workers have the versions and the code of this process.

    Arguments:
        scheduler: the address of a cluster that is there; None starts one on this machine.
        workers: how many it then has, single-threaded processes; None for one a core.

    Raises ImportError without Dask, OSError if nothing answers, ValueError for other versions.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ImportError(
            "Dask is missing; install it with: "
            "pip install -r requirements-cluster.txt -c constraints.txt"
        )
    import dask
    import distributed

    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # what matters is raised here, in one line
    try:
        with contextlib.ExitStack() as stack:
            if scheduler is None:
                stack.enter_context(dask.config.set(SETTINGS))
                with interrupts_held():
                    local = distributed.LocalCluster(
                        n_workers=workers,
                        threads_per_worker=1,
                        dashboard_address="127.0.0.1:0",
                        silence_logs=logging.CRITICAL,
                    )
                scheduler = stack.enter_context(local).scheduler_address
            try:
                with warnings.catch_warnings():  # of other versions, in a table: see check_workers
                    warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
                    client = stack.enter_context(distributed.Client(scheduler, timeout=PATIENCE))
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError:
                raise OSError(
                    f"{scheduler} has no workers; start one with: dask worker {scheduler} "
                    "--nthreads 1"
                ) from None
            except OSError:
                raise OSError(
                    f"no scheduler answers at {scheduler}; start one with: dask scheduler"
                ) from None
            check_workers(client)
            ship(client)
            yield client
    finally:
        logging.disable(disabled)


def check_workers(client):
    """Raise ValueError if scheduler or workers have other versions, or workers several threads."""
    found, wrong = client.get_versions(packages=list(PACKAGES)), []
    ours = found["client"]["packages"]
    places = {"the scheduler": found["scheduler"]}
    places |= {f"the worker {place}": it for place, it in sorted(found["workers"].items())}
    for place, it in places.items():
        for package in ("python", *PACKAGES):
            theirs = it["packages"].get(package)
            if theirs != ours[package]:
                wrong.append(f"{place} has {package} {theirs or 'missing'}, not {ours[package]}")
    for place, threads in sorted(client.nthreads().items()):
        if threads != 1:
            wrong.append(f"the worker {place} has {threads} threads; start it with --nthreads 1")
    if wrong:
        raise ValueError("; ".join(wrong))


def code():
    """The project's code as a zip; the same code gives the same bytes."""
    buffer = io.BytesIO()
    paths = [ROOT / f"{name}.py" for name in MODULES]
    paths += [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in paths:
            name = path.relative_to(ROOT).as_posix()
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes())
    return buffer.getvalue()


def ship(client):
    """Send the code to all workers, also to those that come later."""
    from distributed.diagnostics.plugin import UploadFile

    names = {*MODULES, *FOLDERS}

    # Defined here, it travels by value: a worker could not import it yet.
    def forget():
        """Forget the code of an earlier client."""
        import sys

        for name in [name for name in sys.modules if name.partition(".")[0] in names]:
            del sys.modules[name]

    client.run(forget)
    content = code()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"project-{hashlib.sha256(content).hexdigest()[:16]}.zip"
        path.write_bytes(content)
        client.register_plugin(UploadFile(str(path)), name="project")


def described(client):
    """A line about the cluster, with an address to watch it at."""
    link = client.dashboard_link
    if importlib.util.find_spec("bokeh") is None:  # of which the moving pictures are made
        link = link.removesuffix("status") + "info/main/workers.html"
    count = len(client.nthreads())
    return f"{count} worker{'s' if count > 1 else ''}; watch them at {link}"


def each(client, module, function, data, names, arguments=None):
    """Call module.function(data, name, **arguments) on the workers, for each name.

    Yields (name, result, None), or (name, None, error) after TRIES failures, as they come. The data
    go to every worker once. A worker that dies costs the work that it had. Raises ConnectionError
    if the scheduler is lost.
    """
    from distributed import as_completed

    def call(data, name, arguments):  # by value, as above
        import importlib

        return getattr(importlib.import_module(module), function)(data, name, **arguments)

    def scattered():
        return client.scatter([data], broadcast=True, hash=False)[0]

    def submit(name):
        future = client.submit(call, shared[0], name, arguments or {}, pure=False)
        names_of[future.key] = name
        tried[name] += 1
        return future

    shared, tried, names_of = [scattered()], dict.fromkeys(names, 0), {}
    work = as_completed([submit(name) for name in names])
    for future in work:
        name, found, error = names_of.pop(future.key), None, None
        if future.cancelled():
            if client.status != "running":
                raise ConnectionError(
                    "the scheduler is lost; what is finished is saved, and the next start goes on"
                )
            error = "the only worker that had the images was lost"
            shared[0] = scattered()
        else:
            try:
                found = future.result()
            except Exception as raised:
                error = " ".join(str(raised).split()) or type(raised).__name__
        if error is None or tried[name] >= TRIES:
            yield name, found, error
        else:
            work.add(submit(name))
