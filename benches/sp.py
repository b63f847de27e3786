"""SQL Server: steps, long answers, many sources at once; beside pymssql where it can do the same."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

from common import PULT, Sandbox, row

ABOUT = """Against a simulated SQL Server in a process of its own, on loopback, without encryption unless said. The peer is
pymssql from PyPI in the same run against the same server. Medians of five."""
PEER = os.path.join(os.path.dirname(__file__), "sp_peer.py")
CODES = ["0c01", "0c05", "0c06", "0c08", "0c10", "0c20", "0c21", "0c23", "0t10", "1c10", "2c10"]
STEP = 0.02
PREP, CRUDE, HEAP, AT_ONCE = 0.5, 0.3, 0.2, 4


def place(sandbox):
    at = sandbox.places["sp"]
    return at["address"], at["user"], at["password"]


def peak(process):
    """MiB a process has had at most, if it has not ended."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            return max([0, *(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))])
    except OSError:
        return 0


def printed(command, **environment):
    """What a program printed in its first line, and the peak of its memory."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as process:
        said = process.stdout.readline()
        memory = peak(process)
        process.stdin.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed")
    return {**json.loads(said), "memory": memory}


def catalogue(folder):
    """The built-in catalogue, with a bound of several statements at each server."""
    shipped = open(os.path.join(os.path.dirname(__file__), "../src/services/sp/catalogue/default.toml"), encoding="utf-8")
    text = shipped.read()
    changed = text.replace("max_parallel = 1", f"max_parallel = {AT_ONCE}")
    assert changed != text
    path = os.path.join(folder, "catalogue.toml")
    with open(path, "w", encoding="utf-8") as to:
        to.write(changed)
    return path


def ours(script, sandbox, *words):
    return printed([PULT, "run", f"benches/sp_{script}.rhai", *place(sandbox), *words])


def theirs(work, sandbox, *words):
    try:
        return printed([sys.executable, PEER, work, *place(sandbox), *words])
    except SystemExit:
        return None


def middle(runs):
    median = statistics.median_low([run["seconds"] for run in runs])
    return next(run for run in runs if run["seconds"] == median)


def told(done, tell):
    return f"pymssql: {tell(done)}" if done else "pymssql fails"


def durations(**stages):
    return "sp.durations=" + json.dumps({stage: seconds * 1000 for stage, seconds in stages.items()})


def beside(done):
    """Milliseconds a step beyond what the server spent in its procedure, by its own log of calls."""
    return (done["seconds"] - float(done["procedures"])) / done["steps"] * 1000


def steps():
    with Sandbox(durations(prep=STEP, crude=STEP, heap=STEP)) as sandbox:
        done = middle([ours("steps", sandbox) for _ in range(5)])
        other = theirs("steps", sandbox)
    beyond = beside(done)
    row(
        f"{done['steps']} steps of {STEP * 1000:.0f} ms, each in its transaction, locked and recorded",
        "≤ 3 ms a step beyond the procedure, by the log of the server", f"{beyond:.2f} ms", beyond <= 3 and done["state"] == "ok",
        told(other, lambda it: f"{beside(it):.2f} ms, neither locked nor recorded"),
    )


def streams():
    with Sandbox() as sandbox:
        other = middle([theirs("stream", sandbox) for _ in range(5)])
        done = middle([ours("stream", sandbox) for _ in range(5)])
    ratio = done["seconds"] / other["seconds"]
    row(
        "1,000,000 rows of 10 columns read as a stream", "≤ 1/3 of pymssql's time, ≤ 40 MB",
        f"{done['seconds']:.2f} s, {ratio:.2f} ×, {done['memory']:.0f} MB",
        ratio <= 1 / 3 and done["memory"] <= 40 and done["rows"] == other["rows"] == 1_000_000,
        told(other, lambda it: f"{it['seconds']:.2f} s, {it['memory']:.0f} MB"),
    )


def sources():
    waves = -(-len(CODES) // AT_ONCE)
    floor = waves * PREP + CRUDE + HEAP
    with Sandbox(durations(prep=PREP, crude=CRUDE, heap=HEAP)) as sandbox, tempfile.TemporaryDirectory() as folder:
        path = catalogue(folder)
        done = middle([ours("sources", sandbox, path, *CODES) for _ in range(5)])
    row(
        f"an entity of 11 sources, {AT_ONCE} preps at once", f"≤ 1.05 × the critical path, {floor:.1f} s",
        f"{done['seconds']:.3f} s, {done['seconds'] / floor:.3f} ×",
        done["seconds"] <= 1.05 * floor and done["state"] == "ok",
    )


def measure():
    steps()
    streams()
    sources()
