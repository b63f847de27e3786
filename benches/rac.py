"""1C clusters: calls, large lists, the utility's text, many servers, many changes; beside a process for each call."""

import statistics
import subprocess
import tempfile
import time

from common import PULT, Sandbox, row, run

ABOUT = """Against a simulated administration server in a process of its own, on loopback. "A process for each call" is what
racpy and every other wrapper of `rac` does, here with the sandbox's `rac`, which is `pult` itself and starts faster than
1C's; python-rac 1.3.0 from PyPI speaks the protocol."""


def median(work, times):
    walls = []
    for _ in range(times):
        began = time.monotonic()
        work()
        walls.append(time.monotonic() - began)
    return statistics.median(walls)


def utility(sandbox, *words, **options):
    return subprocess.run([sandbox.utility, sandbox.ras, *words], check=True, stdout=subprocess.PIPE, **options)


def cluster(sandbox):
    first = utility(sandbox, "cluster", "list").stdout.decode().splitlines()[0]
    return first.split(":", 1)[1].strip()


def python_rac(sandbox, cluster_id):
    """Seconds of a list of sessions over a kept connection of python-rac."""
    import asyncio

    from pyrac.client import RacClient

    async def measured():
        host, port = sandbox.ras.rsplit(":", 1)
        async with RacClient(host, int(port)) as client:
            walls = []
            for _ in range(5):
                began = time.monotonic()
                await client.list_sessions(cluster_id)
                walls.append(time.monotonic() - began)
            return statistics.median(walls)

    return asyncio.run(measured())


def calls_and_lists():
    with Sandbox("rac.sessions=10000") as sandbox:
        done = run("benches/rac_call.rhai", sandbox.ras)
        one = median(lambda: utility(sandbox, "agent", "version"), 21)
        cluster_id = cluster(sandbox)
        option = f"--cluster={cluster_id}"
        text = utility(sandbox, "session", "list", option).stdout
        listed = median(lambda: utility(sandbox, "session", "list", option), 7)
        try:
            other = f"python-rac: {python_rac(sandbox, cluster_id) * 1000:.0f} ms; "
        except Exception as error:
            other = f"python-rac fails: {type(error).__name__}; "
    row(
        "A call over the kept connection, the server's time included", "≤ 0.5 ms", f"{done['one'] * 1000:.3f} ms",
        done["one"] <= 0.0005, f"a process for each call: {one * 1000:.1f} ms, {one / done['one']:.0f} ×",
    )
    row(
        "10,000 sessions listed and turned into rows", "≤ 60 ms", f"{done['list'] * 1000:.1f} ms",
        done["list"] <= 0.06 and done["found"] == 10000, other + f"`rac session list` alone: {listed * 1000:.0f} ms",
    )
    return text


def naive(text):
    """The way of most wrappers: lines split at the colon, records at empty lines."""
    records, record = [], {}
    for line in text.decode().splitlines():
        if not line.strip():
            records.append(record)
            record = {}
        else:
            key, value = line.split(":", 1)
            record[key.strip()] = value.strip()
    return records


def texts(text):
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        command = ["cargo", "bench", "--locked", "--quiet", "--bench", "rac_text", "--", file.name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    milliseconds, records = done.split()
    other = median(lambda: naive(text), 5)
    row(
        "10,000 session records of the utility's text turned into rows", "≤ 40 ms", f"{milliseconds} ms",
        float(milliseconds) <= 40 and int(records) == 10000, f"lines split in Python, untyped: {other * 1000:.0f} ms",
    )


def servers():
    boxes = [Sandbox("rac.sessions=100", f"rac.latency_ms={latency}") for latency in [300] + [100] * 19]
    for box in boxes:
        box.__enter__()
    try:
        done = run("benches/rac_each.rhai", *[box.ras for box in boxes])
    finally:
        for box in boxes:
            box.__exit__()
    over = done["all"] / done["alone"]
    row(
        "20 servers asked at once, one of them slow", "≤ 1.1 × the slowest", f"{done['all']:.3f} s, {over:.3f} ×",
        over <= 1.1 and not done["failed"],
    )


def terminations():
    with Sandbox("rac.sessions=2000", "rac.latency_ms=5") as sandbox:
        done = run("benches/rac_terminate.rhai", sandbox.ras)
    with Sandbox("rac.sessions=100", "rac.latency_ms=5") as sandbox:
        option = f"--cluster={cluster(sandbox)}"
        listed = utility(sandbox, "session", "list", option).stdout.decode().splitlines()
        ids = iter([line.split(":", 1)[1].strip() for line in listed if line.startswith("session ")])
        one = median(lambda: utility(sandbox, "session", "terminate", option, f"--session={next(ids)}"), 21)
    share = done["serial"] / done["bounded"]
    row(
        "1,000 sessions ended eight at once, 5 ms a call", "1/8 of the serial time",
        f"{done['bounded'] * 1000:.2f} s, 1/{share:.1f}", share >= 7.6 and not done["left"],
        f"one after another: {done['serial'] * 1000:.2f} s; a process for each: {one * 1000:.1f} s",
    )


def measure():
    texts(calls_and_lists())
    servers()
    terminations()
