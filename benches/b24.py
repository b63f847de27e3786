"""Bitrix24: everything under the documented limits, beside fast_bitrix24."""

import time

from common import Sandbox, row

ABOUT = """Against a simulated portal in a process of its own: 100 ms latency, 20 ms for each command, the documented bucket
(50 requests, 2 a second). The peer is fast_bitrix24 1.8.14 from PyPI, in the same run, against a portal of its own with
the same switches."""
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


def measure():
    mixed()
    by_id()
    updates()
