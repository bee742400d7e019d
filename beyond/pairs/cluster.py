"""Work on a Dask cluster, on this machine or another: the code, versions, the data, faults.

    sources = code.sources()
    with cluster.connected(sources, scheduler, workers) as client:
        for name, found, error in cluster.each(client, sources, module, function, data, names):
            ...

The workers need Python, requirements.txt and Dask, but no checkout: the code goes to them as a zip
that is named by its content, so that clients with different code can share them.
"""

import argparse
import contextlib
import functools
import importlib.util
import json
import logging
import multiprocessing.resource_tracker
import signal
import sys
import warnings
from concurrent.futures import CancelledError
from pathlib import Path

from beyond.pairs import code
from common.runs import PACKAGES

PATIENCE = 5  # seconds, for a scheduler to answer and for a first worker
RETURN = 60  # seconds, for a worker that was killed to be there again: its machine may be busy
SHARED = "python", "distributed"  # versions in which all must agree; workers in PACKAGES, too
MEMORY = 1.2e9  # bytes that a worker needs for TensorFlow, the images and a pair
LOST = (
    "the workers were lost, as when memory runs out: each worker needs "
    f"{MEMORY / 1e9:g} GB of memory; start fewer, or give them more"
)
TRIES = 2  # of each piece of work
# Of a cluster of our own: a piece of work that kills its worker this often is given up, and a
# worker is given one piece at a time, so that no other one is lost with it.
SETTINGS = {
    "distributed.scheduler.allowed-failures": TRIES - 1,
    "distributed.scheduler.worker-saturation": 1.0,
}


def scheduler_file(text):
    """An argparse type: the address in the file that a scheduler wrote."""
    try:
        return json.loads(Path(text).read_text(encoding="utf-8"))["address"]
    except (OSError, ValueError, LookupError, TypeError):
        problem = f"{text!r} is not what this writes: dask scheduler --scheduler-file {text}"
        raise argparse.ArgumentTypeError(problem) from None


@contextlib.contextmanager
def interrupts_held():
    """Hold Ctrl-C back: processes and threads that are started meanwhile never get it.

    It reaches every process of a terminal, but only the client answers it.
    """
    multiprocessing.resource_tracker.ensure_running()  # its start would let Ctrl-C through again
    mask = getattr(signal, "pthread_sigmask", lambda *_: ())  # not on Windows
    before = mask(getattr(signal, "SIG_BLOCK", 0), [signal.SIGINT])
    try:
        yield
    finally:
        mask(getattr(signal, "SIG_SETMASK", 0), before)


@contextlib.contextmanager
def connected(sources, scheduler=None, workers=None):
    """Yield a Dask client whose workers have this code, and the versions of this process.

    A worker that joins later gets the code, too; one with other versions leaves again.

    Arguments:
        sources: the code, from code.sources().
        scheduler: the address of a cluster that is there; None starts one on this machine.
        workers: how many it then has, single-threaded processes; None for one a core, or fewer if
            there is not the memory for that.

    Raises ImportError without Dask, OSError if nothing answers, ValueError for unfit workers.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ImportError(
            "Dask is missing; install it with: "
            "pip install -r requirements-cluster.txt -c constraints.txt"
        )
    with contextlib.ExitStack() as stack:
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)  # what matters is raised here, in one line
        client = reached(stack, scheduler, workers)
        try:
            ship(client, sources)
            yield client
        finally:
            with contextlib.suppress(ValueError, OSError):  # none yet, or the scheduler is lost
                client.unregister_worker_plugin(client.id)


def reached(stack, scheduler, workers):
    """A client of a scheduler, or of a cluster of our own, that has a worker."""
    import dask
    import distributed
    from distributed.system import MEMORY_LIMIT

    try:
        if scheduler is None:
            workers = workers or max(1, min(dask.system.CPU_COUNT, int(MEMORY_LIMIT / MEMORY)))
            stack.enter_context(dask.config.set(SETTINGS))
            with interrupts_held():
                local = distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    memory_limit=MEMORY_LIMIT // workers,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
            scheduler = stack.enter_context(local).scheduler_address
        with warnings.catch_warnings():  # of other versions, in a table: see ship
            warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
            client = stack.enter_context(distributed.Client(scheduler, timeout=PATIENCE))
    except (OSError, ValueError, RuntimeError, TypeError) as error:  # the last two: certificates
        while isinstance(error, RuntimeError) and error.__cause__:
            error = error.__cause__
        if scheduler is None:
            raise OSError(f"no cluster starts on this machine: {error}") from None
        raise OSError(f"{scheduler} does not answer: {error}; dask scheduler starts one") from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        start = f"dask worker {scheduler} --nthreads 1"
        raise OSError(f"{scheduler} has no workers; start one with: {start}") from None
    return client


def ship(client, sources):
    """Give the code to all workers, also to those that come later; ValueError for unfit ones."""
    from distributed.diagnostics.plugin import WorkerPlugin
    from distributed.versions import get_versions

    name, content = code.packed(sources)
    ours, found = get_versions(PACKAGES)["packages"], client.get_versions()

    def others(theirs, packages):
        differing = [it for it in packages if theirs[it] != ours[it]]
        return [f"has {it} {theirs[it] or 'missing'}, not {ours[it]}" for it in differing]

    for place, it in {"scheduler": found["scheduler"], **found["workers"]}.items():
        for fault in others(it["packages"], SHARED):  # first: what is made here may not load there
            raise ValueError(f"the {'' if place == 'scheduler' else 'worker '}{place} {fault}")

    class Project(WorkerPlugin):  # by value, as it is defined here: workers have no checkout
        there = set(found["workers"])

        async def setup(self, worker):
            faults = others(get_versions(PACKAGES)["packages"], (*SHARED, *PACKAGES))
            if worker.state.nthreads != 1:  # the seeds of Keras and TensorFlow are a process's
                faults.append(f"has {worker.state.nthreads} threads; start it with --nthreads 1")
            if faults and worker.address not in self.there:
                await worker.scheduler.retire_workers(workers=[worker.address], close_workers=True)
            if faults:
                raise ValueError(f"the worker {worker.address} {'; '.join(faults)}")
            new = Path(worker.local_directory, f"{name}.new")
            new.write_bytes(content)
            new.replace(new.with_suffix(""))  # in one piece: it may be in use

    client.register_plugin(Project(), name=client.id)


def described(client):
    """A line about the cluster, with an address to watch it at if there is one."""
    count, link = len(client.nthreads()), ""
    with contextlib.suppress(LookupError, ValueError):  # without one, or of an unfinished template
        page = client.dashboard_link.replace("/status", "/info/main/workers.html")  # without Bokeh
        link = f"; watch them at {page}"
    return f"{count} worker{'s' if count > 1 else ''}{link}"


def each(client, sources, module, function, data, names, stages=()):
    """Call module.function(data, name) on the workers, for each name.

    stages: lists of (function, *arguments), called before on any worker, with a list of what each
    earlier stage gave: function(data, name, *arguments, *earlier). Then it is
    module.function(data, name, *earlier). Yields (name, result, None), or (name, None, error) after
    TRIES failures, as they come. The data go to every worker once. A worker that dies costs the
    work that it had. `sources` are those of `connected`. Raises ConnectionError if the scheduler or
    all workers are lost.
    """
    from distributed import KilledWorker, as_completed, get_worker

    archive, tops = code.packed(sources)[0], {path.split("/")[0] for path in sources}

    def call(function, data, name, *arguments):  # by value, as above
        place = str(Path(get_worker().local_directory, archive))
        if sys.path[0] != place:  # whose code it was that ran last: forget it
            for it in list(sys.modules):
                if {it.partition(".")[0], it.partition(".")[0] + ".py"} & tops:
                    del sys.modules[it]
            kept = [it for it in sys.path if not Path(it).name.startswith("project-")]
            sys.path[:] = [place, *kept]
        return getattr(importlib.import_module(module), function)(data, name, *arguments)

    def scattered():
        try:
            return client.scatter([data], broadcast=True, hash=False, timeout=RETURN)[0]
        except TimeoutError:
            raise ConnectionError(LOST) from None

    def submit(name):
        task = functools.partial(client.submit, call, pure=False, retries=TRIES - 1)
        given = []
        for stage in stages:
            given.append([task(it, shared, name, *arguments, *given) for it, *arguments in stage])
        future = task(function, shared, name, *given)
        names_of[future.key] = name
        return future

    shared, again, names_of = scattered(), set(), {}
    work = as_completed([submit(name) for name in names])
    for future in work:
        name, found, error = names_of.pop(future.key), None, None
        if future.cancelled() and client.status != "running":
            raise ConnectionError(
                "the scheduler is lost; what is finished is saved, and the next start goes on"
            )
        if future.cancelled() and name not in again:  # the data were lost with their last worker
            again.add(name)
            if shared.status != "finished":
                shared = scattered()
            work.add(submit(name))
            continue
        try:
            found = future.result()
        except (KilledWorker, CancelledError):
            error = LOST
        except Exception as raised:
            error = " ".join(str(raised).split()) or type(raised).__name__
        yield name, found, error
