"""ECP VeiL: many machines started, a long list, many tasks waited for; beside veil-api-client."""

import json
import os
import statistics
import subprocess
import sys
import urllib.request

from common import PULT, Sandbox, row

ABOUT = """Against a simulated controller in a process of its own, on loopback and over TLS, its certificate verified. The
peer is veil-api-client 2.2.18 from PyPI (with newer aiohttp and ujson than it asks for, certificate checks off), in the
same run, against a controller of its own with the same switches: `asyncio.gather` with a semaphore of 16, and each task
asked once a second. Medians."""
PEER = os.path.join(os.path.dirname(__file__), "veil_peer.py")


def place(sandbox):
    return sandbox.places["veil"]


def asked(sandbox):
    """How often the controller was asked how tasks stand, and how many event streams were opened."""
    with urllib.request.urlopen(f"http://{place(sandbox)['address']}/_sandbox/counters") as answer:
        counters = json.load(answer)
    paths = counters["requests_by_path"]
    return sum(paths.get(f"GET {path}", 0) for path in ("tasks/", "tasks/{id}/")), counters["ws_connections"]


def peak(process):
    """MiB a process has had at most, if it has not ended: its end would tell of Python's fork as well."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            return max([0, *(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))])
    except OSError:
        return 0


def ours(script, switches, *words):
    """What a script printed, the peak of its memory, and what its controller was asked."""
    with Sandbox(*switches) as sandbox:
        at = place(sandbox)
        command = [PULT, "run", f"benches/veil_{script}.rhai", at["address"], at["token"], at["ca"], *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            said = process.stdout.readline()
            memory = peak(process)
        if process.returncode:
            raise SystemExit(f"{' '.join(command[:3])} failed")
        return {**json.loads(said), "memory": memory, "asked": asked(sandbox)}


def theirs(work, switches):
    with Sandbox(*switches) as sandbox:
        at = place(sandbox)
        command = [sys.executable, PEER, work, at["address"], at["token"]]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return None
        return {**json.loads(done.stdout), "asked": asked(sandbox)}


def told(done, tell):
    return f"veil-api-client: {tell(done)}" if done else "veil-api-client fails"


def middle(runs):
    """The run of the median."""
    median = statistics.median_low([run["seconds"] for run in runs])
    return next(run for run in runs if run["seconds"] == median)


def starts():
    latency, task = 0.05, 0.5
    switches = ["veil.domains=400", f"veil.latency_ms={latency * 1000}", f"veil.task_ms={task * 1000}", "veil.task_jitter=0"]
    floor = 200 / 16 * latency + task
    done = middle([ours("start", switches) for _ in range(9)])
    kept = done["seconds"] <= 1.1 * floor and done["started"] == done["of"] == 200
    other = theirs("start", switches)
    row(
        "200 machines started, 16 at once, 50 ms latency, tasks of 0.5 s", f"≤ 1.1 × {floor:.3f} s",
        f"{done['seconds']:.3f} s, {done['seconds'] / floor:.3f} ×", kept, told(other, lambda it: f"{it['seconds']:.2f} s"),
    )


def lists():
    switches = ["veil.domains=10000", "veil.templates=0"]
    done = middle([ours("list", switches) for _ in range(5)])
    kept = done["seconds"] <= 0.5 and done["memory"] <= 60 and done["found"] == 10000
    other = theirs("list", switches)
    row(
        "10,000 machines listed and turned into rows", "≤ 0.5 s, ≤ 60 MB",
        f"{done['seconds']:.2f} s, {done['memory']:.0f} MB", kept,
        told(other, lambda it: f"{it['seconds']:.2f} s, {it['memory']:.0f} MB"),
    )


def waits():
    switches = ["veil.domains=400", "veil.task_ms=10000", "veil.task_jitter=0.1"]
    other = told(theirs("wait", switches), lambda it: f"{it['asked'][0]:,} requests in {it['seconds']:.1f} s")
    for how, name, promise in (
        ("stream", "200 tasks waited for by the event stream", "one stream"),
        ("", "the same where there is no stream", "≤ 1 request a second"),
    ):
        done = ours("wait", switches, how)
        requests, streams = done["asked"]
        good = done["ended"] == done["of"] == 200
        # One request comes before the first second has passed.
        kept = good and streams == (1 if how else 0) and requests <= done["seconds"] + 1
        found = f"{requests} requests in {done['seconds']:.1f} s" + (f", {streams} stream" if how else "")
        row(name, promise, found, kept, other)


def measure():
    starts()
    lists()
    waits()
