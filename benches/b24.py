"""Bitrix24: everything under the documented limits, beside fast_bitrix24."""

import json
import os
import subprocess
import sys
import tempfile
import time

from common import PULT, Sandbox, row

ABOUT = """Against a simulated portal in a process of its own: 100 ms latency, 20 ms for each command, the documented bucket
(50 requests, 2 a second). The peer is fast_bitrix24 1.8.14 from PyPI, in the same run, against a portal of its own with
the same switches. A list that was not read before, and whose first answer is not there after 0.08 s, gets a second request of
two commands, which tells whether the list is a long one: otherwise long ones could not be read in the time that is promised
for them."""
MEASURED = """import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.exit(code)"""
# A portal a tenth of a second away that works a fiftieth on each command, with the documented bucket.
PORTAL = ["b24.latency_ms=100", "b24.command_ms=20"]


def peer(work):
    """Seconds of a piece of work of fast_bitrix24 against a portal of its own, or how it died."""
    from fast_bitrix24 import Bitrix

    with Sandbox(*PORTAL) as sandbox:
        portal = Bitrix(sandbox.webhook, verbose=False)
        deals = portal.get_all("crm.deal.list", {"select": ["ID"], "filter": {"<ID": 11500}})
        ids = [deal["ID"] for deal in deals][:10000]
        time.sleep(30)
        began = time.monotonic()
        try:
            work(portal, ids)
        except Exception as error:
            return f"fast_bitrix24 dies after {time.monotonic() - began:.1f} s: {type(error).__name__}"
        return f"fast_bitrix24: {time.monotonic() - began:.2f} s"


def mixed():
    with Sandbox(*PORTAL) as sandbox:
        done, refused = sandbox.run("benches/mixed.rhai"), sandbox.counters()["refused_503"]
    kept = done["seconds"] <= 0.5 and not done["failed"] and not refused
    row("500 mixed calls within the burst", "≤ 0.4 s and one latency (0.1 s)", f"{done['seconds']:.2f} s", kept)


def by_id():
    with Sandbox(*PORTAL) as sandbox:
        done, refused = sandbox.run("benches/by_id.rhai"), sandbox.counters()["refused_503"]
    kept = done["seconds"] <= 2 and not done["failed"] and not refused
    other = peer(lambda portal, ids: portal.get_by_ID("crm.deal.get", ids))
    row("10,000 records by id, through `@ID` lists", "≤ 2 s", f"{done['seconds']:.2f} s", kept, other)


def updates():
    with Sandbox(*PORTAL) as sandbox:
        done, counters = sandbox.run("benches/updates.rhai"), sandbox.counters()
    refused, written = counters["refused_503"], counters["writes_by_method"].get("crm.deal.update", 0)
    kept = done["seconds"] <= 77.25 and not done["failed"] and not refused and written == 10000
    found = f"{done['seconds']:.2f} s ({done['seconds'] / 75:.3f} × the floor), {refused} refusals, {written:,} written"

    def other(portal, ids):
        portal.call("crm.deal.update", [{"ID": one, "fields": {"COMMENTS": str(at)}} for at, one in enumerate(ids)])

    row("10,000 updates under the documented limit", "≤ 1.03 × the floor of 75 s, no 503", found, kept, peer(other))


def read(sandbox, fields, how="rows", plan="standard", below=None):
    """A list in a process of its own: what it printed, and the CPU seconds and megabytes that it took."""
    command = [PULT, "run", "benches/list.rhai", fields, how] + ([str(below)] if below else [])
    environment = {**os.environ, "B24_WEBHOOK": sandbox.webhook, "B24_PLAN": plan}
    # From a small process: one that is begun by this large one counts as large as this one before it is itself.
    done = subprocess.run([sys.executable, "-c", MEASURED, *command], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed\n{done.stderr}")
    output, used = done.stdout.rsplit("\n", 2)[:2]
    cpu, mb = json.loads(used)
    return {**json.loads(output), "cpu": cpu, "mb": mb}


def lists():
    for fields, shown, promise in [("few", "2", 1.5), ("all", "23", 2)]:
        with Sandbox(*PORTAL) as sandbox:
            done, counters = read(sandbox, fields), sandbox.counters()
        refused, requests = counters["refused_503"], counters["requests"]
        kept = done["seconds"] <= promise and requests <= 49 and not refused and done["rows"] == 100000
        found = f"{done['seconds']:.2f} s, {requests} requests, {refused} refusals"
        params = {"select": ["ID", "TITLE"]} if fields == "few" else {}
        other = peer(lambda portal, _: portal.get_all("crm.deal.list", params))
        row(f"100,000 rows × {shown} fields", f"≤ {promise} s, ≤ 49 requests, no 503", found, kept, other)
    with Sandbox("b24.limits=false") as sandbox:
        done = read(sandbox, "all", plan="box")
        streamed = read(sandbox, "all", "stream", plan="box")
    kept = done["seconds"] <= 0.8 and done["cpu"] <= 0.6 and done["mb"] <= 150
    found = f"{done['seconds']:.2f} s, {done['cpu']:.2f} s CPU, {done['mb']:.0f} MB"
    row("100,000 rows × 23 fields without limits", "≤ 0.8 s, ≤ 0.6 s CPU, ≤ 150 MB", found, kept)
    row("the same as a stream", "≤ 40 MB", f"{streamed['mb']:.0f} MB, {streamed['seconds']:.2f} s", streamed["mb"] <= 40)
    for switches, where in [(["b24.command_ms=0"], "a portal that answers soon"), (PORTAL, "the portal")]:
        with Sandbox(*switches, "b24.rows.deals=2350") as sandbox:
            done, requests = read(sandbox, "few"), sandbox.counters()["requests"]
        found = f"{requests} request{'s' if requests > 1 else ''}, {done['seconds']:.2f} s"
        row(f"2,350 rows of {where}, never read before", "1 request", found, requests == 1)
    for plan, switches, promise in [
        ("standard", [], 75.5 * 1.03),
        ("enterprise", ["b24.bucket_size=250", "b24.bucket_fall=5"], 2.5),
    ]:
        with Sandbox(*PORTAL, "b24.rows.deals=500000", *switches) as sandbox:
            done, counters = read(sandbox, "few", plan=plan), sandbox.counters()
        kept = done["seconds"] <= promise and not counters["refused_503"] and done["rows"] == 500000
        found = f"{done['seconds']:.2f} s, {counters['requests']} requests, {counters['refused_503']} refusals"
        shown = "≤ 1.03 × the floor of 75.5 s" if plan == "standard" else "≤ 2.5 s"
        row(f"500,000 rows × 2 fields, plan {plan}", shown, found, kept)


def files():
    for fields, shown in [("few", "2"), ("all", "23")]:
        with Sandbox("b24.limits=false") as sandbox, tempfile.TemporaryDirectory(dir="target") as folder:
            done = sandbox.run("benches/files.rhai", fields, folder)
        for name, what, promise in [("csv", "CSV", 300_000), ("xlsx", "XLSX, typed columns", 100_000)]:
            kept = done[name] >= promise and done["rows"] == 100000
            row(f"100,000 rows × {shown} fields into {what}", f"≥ {promise:,} rows a second", f"{done[name]:,.0f} a second", kept)
        others = [("excel", "CSV for Excel"), ("ndjson", "NDJSON"), ("sqlite", "SQLite"), ("parquet", "Parquet")]
        found = ", ".join(f"{what} {done[name]:,.0f}" for name, what in others)
        row(f"the same into other files, × {shown} fields", "–", f"{found} rows a second", True)


def together(what, limits=None):
    """Four processes that export at once, with one state file, or with their own and a store between them."""
    with Sandbox(*PORTAL) as sandbox, tempfile.TemporaryDirectory() as top:
        processes, began = [], time.monotonic()
        for number in range(4):
            work, home = os.path.join(top, f"work{number}"), os.path.join(top, f"home{number if limits else 0}")
            os.makedirs(work)
            os.makedirs(home, exist_ok=True)
            with open(os.path.join(work, "pult.toml"), "w", encoding="utf-8") as to:
                to.write('[b24.main]\nwebhook = { env = "B24_WEBHOOK" }\n' + (f'limits = "{limits}"\n' if limits else ""))
            environment = {**os.environ, "B24_WEBHOOK": sandbox.webhook, "HOME": home, "XDG_DATA_HOME": home}
            script = 'b24.export("crm.deal.list", #{ select: ["ID", "TITLE"] }, "deals.csv")'
            processes.append(subprocess.Popen([PULT, "eval", script], cwd=work, env=environment, stdout=subprocess.DEVNULL))
        failed = sum(process.wait() != 0 for process in processes)
        took, counters = time.monotonic() - began, sandbox.counters()
    floor = (counters["requests"] - 50) / 2
    refused = counters["refused_503"]
    kept = not failed and not refused and took <= floor * 1.05
    found = f"{took:.2f} s for {counters['requests']} requests ({took / floor:.3f} × the floor), {refused} refusals"
    row(f"100,000 rows in each of four processes, {what}", "≤ 1.05 × the floor, no 503", found, kept)


def shared():
    together("one state file")
    with tempfile.TemporaryDirectory() as folder:
        command = ["redis-server", "--port", "6397", "--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--dir", folder]
        try:
            store = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        except FileNotFoundError:
            return row("the same through Redis", "≤ 1.05 × the floor, no 503", "skipped: there is no redis-server", True)
        time.sleep(1)
        try:
            together("through Redis with a state file each", "redis://127.0.0.1:6397")
        finally:
            store.terminate()
            store.wait()


def measure():
    mixed()
    lists()
    files()
    shared()
    by_id()
    updates()
