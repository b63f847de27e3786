"""Clients that nobody here wrote, unchanged from PyPI, against `pult sandbox`. The argument is the binary."""

import json
import subprocess
import sys

PASSED = FAILED = 0


def case(name, found, expected):
    global PASSED, FAILED
    if found == expected:
        PASSED += 1
        print(f"good  {name}")
    else:
        FAILED += 1
        print(f"WRONG {name}: found {found!r}, expected {expected!r}")


def fast_bitrix24(webhook):
    from fast_bitrix24 import Bitrix

    portal = Bitrix(webhook, verbose=False)
    deals = portal.get_all("crm.deal.list", {"select": ["ID", "TITLE"]})
    case("fast_bitrix24: get_all reads every deal once", (len(deals), len({deal["ID"] for deal in deals})), (100000, 100000))
    ids = [deal["ID"] for deal in deals[:120]]
    found = portal.get_by_ID("crm.deal.get", ids)
    case("fast_bitrix24: get_by_ID finds each", sorted(found), sorted(ids))
    leads = portal.call("crm.lead.add", [{"fields": {"TITLE": title}} for title in ("Проба", "Вторая")])
    read = portal.call("crm.lead.get", [{"ID": lead} for lead in leads])
    case("fast_bitrix24: what was added is read back", [lead["TITLE"] for lead in read], ["Проба", "Вторая"])
    tasks = portal.get_all("tasks.task.list", {"select": ["ID"]})
    case("fast_bitrix24: tasks are unwrapped", len(tasks), 2000)


def main():
    # The documented bucket would only make this longer: fast_bitrix24 is not what is measured here.
    command = [sys.argv[1], "sandbox", "--json", "--until-eof", "--set", "b24.limits=false"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sandbox:
        places = json.loads(sandbox.stdout.readline())
        fast_bitrix24(places["b24"]["webhook"])
        sandbox.stdin.close()
        case("pult sandbox ends when its input closes", sandbox.wait(timeout=10), 0)
    print(f"{PASSED} passed, {FAILED} failed")
    return 1 if FAILED else 0


sys.exit(main())
