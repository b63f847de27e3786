"""The same work done by veil-api-client and by a script of ours, on two controllers that begin alike: they end alike."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request

from common import case
from veil_api_client import (
    DomainBackupConfiguration, DomainCloneConfiguration, DomainConfiguration, DomainTcpUsb, DomainUpdateConfiguration,
    TagConfiguration, VeilClient, VeilEntityConfiguration,
)
from with_veil_api_client import ended, named

SWITCHES = ["veil.task_ms=50", "veil.agent_ms=0", "veil.faults.task_lost.next=1"]
SCRIPT = os.path.join(os.path.dirname(__file__), "veil_sequence.rhai")


def run():
    command = [sys.argv[1], "sandbox", "--json", "--until-eof", *(word for one in SWITCHES for word in ("--set", one))]
    states = []
    for work in (by_client, by_script):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sandbox:
            place = json.loads(sandbox.stdout.readline())["veil"]
            states.append({"steps": work(place), **state(place)})
            sandbox.stdin.close()
    theirs, ours = states
    for at, (expected, found) in enumerate(zip(theirs.pop("steps"), ours.pop("steps"), strict=True)):
        case(f"veil: step {at + 1} ends as with veil-api-client", found, expected)
    for what in theirs:
        case(f"veil: the same {what} as after veil-api-client", ours[what], theirs[what])


def by_script(place):
    command = [sys.argv[1], "run", SCRIPT, place["address"], place["token"], place["ca"]]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def state(place):
    """What a controller has, by its names: ids are different each time."""
    def rows(path):
        request = urllib.request.Request(f"http://{place['address']}/api/{path}", headers={
            "Authorization": place["token"], "Accept-Language": "en",
        })
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["results"]

    def name(of):
        return of and of["verbose_name"]

    fields = ("user_power_state", "template", "thin", "description", "remote_access", "tablet", "os_type", "cpu_count",
              "memory_count", "vdisks_count", "locked_by")
    return {
        "machines": {
            row["verbose_name"]: [*(row[field] for field in fields), name(row["node"]), name(row["resource_pool"]),
                                  name(row["parent"]), sorted(map(name, row["tags"])), len(row["tcp_usb_devices"]),
                                  row["guest_utils"].get("hostname")]
            for row in rows("domains/?limit=1000&all_content=1")
        },
        "tags": {
            row["verbose_name"]: (row["colour"], sorted(one["entity_name"] for one in row["ui_entities"]))
            for row in rows("tags/?limit=1000")
        },
        "tasks": sorted((row["name"], row["status"], row["is_multitask"]) for row in rows("tasks/?limit=1000")),
        "disks": sorted((row["verbose_name"], row["size"], name(row["domain"])) for row in rows("vdisks/?limit=1000")),
        "files": sorted((row["filename"], row["assignment_type"]) for row in rows("library/?limit=1000")),
    }


def by_client(place):
    return asyncio.run(worked(place))


async def worked(place):
    steps = []

    async def done(answer):
        steps.append((await ended(answer))[1])

    async with VeilClient(place["address"], place["token"], ssl_enabled=False) as veil:
        await power(veil, steps, done)
        rooms = await copies(veil, steps, done)
        await changes(veil, steps, done, rooms)
        await insides(veil, steps, done, rooms)
        await files_and_groups(veil, steps, done)
    return steps


async def power(veil, steps, done):
    await done(await (await named(veil, "vm-0012")).start())
    off = await veil.domain(template=False).list(params={"power_state": "OFF", "ordering": "verbose_name"})
    steps.append([row["verbose_name"] for row in off.paginator_results])
    for one in [await (await named(veil, name)).start() for name in ("vm-0002", "vm-0004")]:
        await done(one)
    domain = await named(veil, "vm-0001")
    for word in ("suspend", "resume", "reboot"):
        await done(await getattr(domain, word)())
    await done(await (await named(veil, "vm-0003")).reset())
    await done(await (await named(veil, "vm-0005")).shutdown(force=True))
    await done(await (await named(veil, "vm-0007")).suspend())


async def copies(veil, steps, done):
    parent = await named(veil, "template-astra")
    wanted = DomainConfiguration(verbose_name="room", parent=parent.api_object_id, count=3)
    await done(await veil.domain().create(wanted))
    rooms = [veil.domain(one) for one in wanted.domains_ids]
    for room in rooms:
        await room.info()
    steps.append([f"{room.verbose_name} of {room.parent_name}" for room in rooms])
    wanted = DomainCloneConfiguration(verbose_name="twin", count=2, start_on=True)
    await done(await (await named(veil, "vm-0003")).clone(wanted))
    twins = [veil.domain(one) for one in wanted.domains_ids]
    for twin in twins:
        await twin.info()
    steps.append([twin.power_state.name for twin in twins])
    return rooms


async def changes(veil, steps, done, rooms):
    gold = await named(veil, "vm-0008")
    await done(await gold.convert_to_template())
    steps.append((await gold.start()).status_code)
    there = await named(veil, "vm-0010")
    await done(await there.convert_to_template())
    await done(await there.convert_to_vm())
    steps.append((await gold.update(DomainUpdateConfiguration(description="эталон", tablet=False))).value["description"])
    steps.append((await gold.update_verbose_name("gold")).value["verbose_name"])
    await done(await (await named(veil, "vm-0009")).disable_remote_access())
    await done(await rooms[0].change_template())
    answer = await veil.tag().create(TagConfiguration(verbose_name="стенд", colour="#00ff00"))
    await done(answer)
    tag = veil.tag(answer.task.first_entity)
    configured = [VeilEntityConfiguration(room.api_object_id, "domain") for room in rooms]
    await ended(await tag.add_entities(configured))
    await ended(await tag.remove_entities(configured[1:2]))
    tags = [(await room.tags_list()).paginator_results for room in rooms]
    steps.append([[row["verbose_name"] for row in rows] for rows in tags])
    critical = (await veil.tag().list(name="critical")).response[0]
    await done(await critical.remove())


async def insides(veil, steps, done, rooms):
    inside = await named(veil, "vm-0011")
    await done(await inside.set_hostname("reception"))
    await done(await inside.add_to_ad("corp.local", "u", "p"))
    steps.append(await inside.is_in_ad())
    answer = await inside.guest_command(qemu_cmd="guest-exec", f_args={"path": "hostname", "capture-output": True})
    steps.append(answer.value["guest-exec"]["out-data"].strip())
    await done(await rooms[2].prepare(start=True, set_hostname=True))
    plugged = await named(veil, "vm-0006")
    devices = (await plugged.attach_usb(tcp_usb=DomainTcpUsb("10.0.0.5", 5431), no_task=True)).value["tcp_usb_devices"]
    await done(await plugged.start())
    await done(await plugged.detach_usb(usb=devices[0]["uuid"], remove_all=False))
    await done(await plugged.start())


async def files_and_groups(veil, steps, done):
    source = await named(veil, "vm-0004")
    await done(await source.backup(DomainBackupConfiguration()))
    file = (await source.backup_list()).response[0]
    steps.append(file.assignment_type)
    nodes = (await veil.node().list()).paginator_results
    node = next(row["id"] for row in nodes if row["verbose_name"] == "192.168.10.12")
    await done(await veil.domain().automated_restore(file.api_object_id, node))
    ids = {name: (await named(veil, name)).api_object_id for name in ("vm-0001", "vm-0002", "vm-0010", "vm-0012")}
    await done(await veil.domain().multi_start([ids["vm-0002"], ids["vm-0010"], ids["vm-0012"]]))
    await done(await veil.domain().multi_migrate([ids["vm-0001"], ids["vm-0002"]]))
    await done(await veil.domain().multi_remove([ids["vm-0012"]], force=True))
    await done(await veil.domain(ids["vm-0010"]).remove(force=True))
    steps.append((await veil.domain("00000000-0000-0000-0000-000000000001").info()).status_code)
