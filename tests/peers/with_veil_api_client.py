"""veil-api-client against the simulated controller: the package as it is, certificate checks off as its users do."""

import asyncio
import json
import subprocess
import sys
import urllib.request
import uuid

import aiohttp
from common import case
from veil_api_client import (
    DomainBackupConfiguration, DomainCloneConfiguration, DomainConfiguration, DomainTcpUsb, DomainUpdateConfiguration,
    TagConfiguration, VeilApiObjectStatus, VeilClient, VeilEntityConfiguration, VeilGuestAgentCmd, VeilRestPaginator,
    VeilRetryConfiguration,
)

# The token of somebody who may only read.
READER = "nothing-but-a-reader"
# What `pult sandbox` is told for this.
SWITCHES = ["veil.task_ms=50", "veil.agent_ms=0", f"veil.read_only_token={READER}"]


def run(place):
    asyncio.run(talk(place["address"], place["token"]))
    certificate(place)


async def talk(address, token):
    async with VeilClient(address, token, ssl_enabled=False) as veil:
        for part in (lists, filters, infos, controller, power, copies, clones, templates, changes, tags, guests, usb,
                     consoles, backups, groups, events, tasks, refusals):
            await part(veil, address)
    await strangers(address, token)
    await faults(address, token)


def told(name, found, expected):
    case(f"veil-api-client: {name}", found, expected)


def sandbox(address, what, **changes):
    """Asks the simulator about itself, or changes it."""
    body = json.dumps(changes).encode() if changes else None
    with urllib.request.urlopen(f"http://{address}/_sandbox/{what}", body) as answer:
        return json.load(answer)


async def ended(answer):
    """The status of an answer, and how its task ended: asked as the client's users ask."""
    if answer.task is None:
        return answer.status_code, answer.error_detail
    task = answer.task
    for _ in range(500):
        await task.is_finished()
        if task.status != "IN_PROGRESS":
            break
        await asyncio.sleep(0.02)
    return answer.status_code, task.status


DONE = (202, "SUCCESS")


async def named(veil, name):
    """A machine with everything about it."""
    rows = (await veil.domain().list(paginator=VeilRestPaginator(name=name))).response
    domain = veil.domain(next(row.api_object_id for row in rows if row.verbose_name == name))
    await domain.info()
    return domain


async def lists(veil, _):
    def names(answer):
        return [row["verbose_name"] for row in answer.paginator_results]

    machines = [f"vm-{number:04}" for number in range(1, 13)]
    every = machines + ["template-astra", "template-windows"]
    answer = await veil.domain().list()
    found = (answer.status_code, answer.success, answer.paginator_count, sorted(names(answer)), len(answer.response))
    told("a list", found, (200, True, 14, sorted(every), 14))
    told("all on one page", (answer.paginator_next, answer.paginator_previous), (None, None))
    page = VeilRestPaginator(ordering="verbose_name", limit=4, offset=2)
    answer = await veil.domain().list(paginator=page)
    told("a page in order", (names(answer), answer.paginator_count), (sorted(every)[2:6], 14))
    told("there are pages before and behind", [bool(answer.paginator_next), bool(answer.paginator_previous)], [True, True])
    answer = await veil.domain().list(paginator=VeilRestPaginator(ordering="-verbose_name", limit=3))
    told("falling order", names(answer), sorted(every, reverse=True)[:3])
    found = []
    for offset in range(0, 20, 5):
        page = VeilRestPaginator(ordering="verbose_name", limit=5, offset=offset)
        found += names(await veil.domain().list(paginator=page))
    told("page after page reads everything once", found, sorted(every))
    answer = await veil.domain().list(paginator=VeilRestPaginator(limit=5, offset=100))
    told("a page past the end", (answer.status_code, answer.paginator_results, answer.paginator_count), (200, [], 14))
    answer = await veil.domain().list(paginator=VeilRestPaginator(name="VM-000"))
    told("a part of the name", sorted(names(answer)), machines[:9])
    answer = await veil.domain().list(paginator=VeilRestPaginator(name="there is no such name"))
    told("nothing found", (answer.paginator_count, answer.response), (0, []))


async def filters(veil, _):
    async def found(domain, **options):
        return {row["id"] for row in (await domain.list(**options)).paginator_results}

    rows = (await veil.domain().list()).paginator_results
    answer = await veil.domain().list(fields=["id", "verbose_name"])
    told("nothing but these fields", {tuple(row) for row in answer.paginator_results}, {("id", "verbose_name")})
    row = (await veil.domain().list(fields=["__all__"])).paginator_results[0]
    told("everything of each", {"description", "cpu_topology", "graphics_password"} - set(row), set())
    on = {row["id"] for row in rows if row["user_power_state"] == 3}
    told("those that are on", await found(veil.domain(), params={"power_state": "ON"}), on)
    ids = [row["id"] for row in rows[:3]]
    told("these ids, with the comma too many", await found(veil.domain(), params={"ids": ",".join(ids) + ","}), set(ids))
    told("templates", await found(veil.domain(template=True)), {row["id"] for row in rows if row["template"]})
    told("no templates", len(await found(veil.domain(template=False))), 12)
    with_disks = [len(await found(veil.domain(), with_vdisks=only)) for only in (0, 1)]
    told("without disks and with", with_disks, [0, 14])
    for key, name in (("node", "node_id"), ("resource_pool", "resource_pool")):
        place = rows[-1][key]["id"]
        there = {row["id"] for row in rows if row[key]["id"] == place}
        told(f"of one {key}", await found(veil.domain(**{name: place})), there)
    cluster = (await veil.cluster().list()).paginator_results[0]["id"]
    counts = [(await entity.list()).paginator_count for entity in (
        veil.domain(cluster_id=cluster), veil.node(cluster_id=cluster), veil.data_pool(cluster_id=cluster),
        veil.resource_pool(cluster_id=cluster), veil.node(cluster_id=str(uuid.uuid4())),
    )]
    told("of one cluster", counts, [14, 2, 2, 2, 0])
    pools = [row["id"] for row in (await veil.data_pool().list()).paginator_results]
    halves = [await found(veil.domain(data_pool_id=pool)) for pool in pools]
    told("of each data pool", ([len(half) for half in halves], halves[0] & halves[1]), ([7, 7], set()))


async def infos(veil, _):
    """Each entity in full, found in its list."""
    domain = await named(veil, "vm-0002")
    await ended(await domain.start())
    await ended(await domain.shutdown(force=True))
    for word in ("controller", "cluster", "node", "data_pool", "resource_pool", "vdisk", "domain", "library", "event",
                 "task", "tag"):
        make = getattr(veil, word)
        row = (await make().list()).paginator_results[0]
        entity = make(row["id"])
        answer = await entity.info()
        name = next(key for key in ("verbose_name", "filename", "message", "name") if key in row)
        found = (answer.status_code, answer.value["id"], getattr(entity, name) in (row[name], answer.value[name]))
        told(f"everything about a {word}", (*found, len(answer.value) >= len(row)), (200, row["id"], True, True))
        if "status" in row and word != "task":
            told(f"the {word} is active", entity.active, True)
    domain = await named(veil, "vm-0005")
    found = (domain.power_state.name, domain.powered, domain.os_windows, domain.qemu_state, domain.apipa_problem)
    told("what the client computes of a machine that is on", found, ("ON", True, True, True, False))
    told("its address and its name", (domain.first_ipv4.split(".")[0], domain.hostname), ("192", "vm-0005"))
    told("its processors", domain.cpu_count_prop, domain.cpu_topology["cpu_count"])
    domain = await named(veil, "vm-0002")
    told("one that is off has no agent", (domain.powered, domain.guest_agent, domain.first_ipv4), (False, None, None))


async def controller(veil, _):
    of = veil.controller()
    told("the controller answers", ((await of.check()).status_code, await of.is_ok()), (200, True))
    answer = await of.base_version()
    told("its version", (answer.status_code, of.version), (200, "4.6.0"))
    told("its time", isinstance(await of.get_system_time(), dict), True)
    for word in ("cluster", "node"):
        one = (await getattr(veil, word)().list()).response[0]
        answer = await one.usage()
        told(f"how busy a {word} is", (answer.status_code, bool(answer.value)), (200, True))
    told("what is plugged into a node", (await one.usb_devices()).status_code, 200)


async def power(veil, address):
    domain = await named(veil, "vm-0002")
    # Long enough to look at it meanwhile.
    sandbox(address, "knobs", task_ms=2000)
    answer = await domain.start()
    sandbox(address, "knobs", task_ms=50)
    told("a start is accepted", (answer.status_code, answer.task.status, answer.task.first_entity),
         (202, "IN_PROGRESS", domain.api_object_id))
    told("what 202 says of itself", (answer.success, answer.value, answer.error_code, answer.errors), (True, {}, 0, None))
    await domain.info()
    told("meanwhile it is locked, and off", (domain.locked_by, domain.powered), (answer.task.api_object_id, False))
    again = await domain.start()
    told("nobody else may do anything", (again.status_code, again.error_code), (400, 50009))
    task = answer.task
    told("the start ends well", await ended(answer), DONE)
    await task.info()
    told("questions to the task", (await task.is_success(), await task.is_failed(), await task.is_finished()),
         (True, False, True))
    told("the ended task", (float(task.executed) > 0, task.progress, task.is_cancellable, bool(task.finished_time)),
         (True, 100, False, True))
    await domain.info()
    told("then it is on, and free", (domain.locked_by, domain.powered), (None, True))
    refused = await domain.start()
    told("it cannot be started twice", (refused.status_code, refused.error_code, "ON" in refused.error_detail),
         (400, 50001, True))
    for word, state in (("suspend", "SUSPENDED"), ("resume", "ON"), ("reboot", "ON"), ("reset", "ON"), ("shutdown", "OFF")):
        how = await ended(await getattr(domain, word)())
        await domain.info()
        told(word, (how, domain.power_state.name), (DONE, state))
    refused = [(await getattr(domain, word)()).status_code for word in ("suspend", "resume", "reboot", "reset", "shutdown")]
    told("none of these while it is off", refused, [400] * 5)
    some = [await named(veil, f"vm-{number:04}") for number in (4, 6, 8, 10, 12)]
    found = await asyncio.gather(*[ended(answer) for answer in await asyncio.gather(*[one.start() for one in some])])
    told("five started at once", found, [DONE] * 5)
    found = await asyncio.gather(*[ended(await one.shutdown(force=True)) for one in some])
    told("and switched off", found, [DONE] * 5)


async def copies(veil, _):
    parent = await named(veil, "template-astra")
    wanted = DomainConfiguration(verbose_name="copy", parent=parent.api_object_id, count=3)
    ids = list(wanted.domains_ids)
    answer = await veil.domain().create(wanted)
    task = answer.task
    told("three copies: their ids are known before", (answer.status_code, answer.data["entity"], task.is_multitask),
         (202, ids[0], True))
    told("the task names them", [one for one in task.entities if task.entities[one] == "domain"][:3], ids)
    told("the copies are made", await ended(answer), DONE)
    found = []
    for one in map(veil.domain, ids):
        await one.info()
        found.append((one.verbose_name, one.thin, one.parent_name, one.parent_uuid, one.powered, one.remote_access))
    expected = [(f"copy-{n}", True, "template-astra", parent.api_object_id, False, False) for n in (1, 2, 3)]
    told("they are thin, and know whose they are", found, expected)
    children = await veil.task().list(parent=task.api_object_id, status=VeilApiObjectStatus.success)
    made = {one for row in children.paginator_results for one in row["entities"]} & set(ids)
    told("a task for each", (children.paginator_count, made), (3, set(ids)))
    wanted = DomainConfiguration(verbose_name="alone", parent=parent.api_object_id, start=True, remote_access=True,
                                 set_hostname=True, domain_name="corp.local", login="u", password="p")
    answer = await veil.domain().create(wanted)
    told("one that is started as well", (await ended(answer), answer.task.is_multitask), (DONE, False))
    one = await named(veil, "alone")
    told("its name has no number", (one.powered, one.remote_access, one.remote_access_port > 0), (True, True, True))
    pool, node = [(await entity.list()).response[-1].api_object_id for entity in (veil.data_pool(), veil.node())]
    wanted = DomainConfiguration("thick", parent.api_object_id, node=node, datapool=pool, thin=False, template=True)
    told("a whole one elsewhere", await ended(await veil.domain().create(wanted)), DONE)
    one = await named(veil, "thick")
    disk = (await veil.vdisk().list(extra_params={"domain": one.api_object_id})).response[0]
    found = (one.thin, one.parent, one.template, one.node["id"], disk.datapool["id"])
    told("it has its own disk there", found, (False, None, True, node, pool))
    refused = await veil.domain().create(DomainConfiguration(verbose_name="x", parent=ids[0]))
    told("what is no template has no copies", refused.status_code, 400)
    refused = await veil.domain(parent.api_object_id).remove(force=True)
    told("who has thin copies stays", refused.status_code, 400)


async def clones(veil, _):
    source = await named(veil, "vm-0003")
    wanted = DomainCloneConfiguration(verbose_name="clone")
    answer = await source.clone(wanted)
    told("a clone", await ended(answer), DONE)
    result = await answer.task.response()
    told("what its task made", (result.value["id"], result.value["verbose_name"]), (wanted.domains_ids[0], "clone"))
    wanted = DomainCloneConfiguration(verbose_name="pair", count=2, start_on=True)
    told("two clones", await ended(await source.clone(wanted)), DONE)
    found = []
    for one in map(veil.domain, wanted.domains_ids):
        await one.info()
        found.append((one.verbose_name, one.powered, one.thin, one.cpu_count_prop == source.cpu_count_prop))
    told("they run", found, [("pair-1", True, False, True), ("pair-2", True, False, True)])
    gone = veil.domain(wanted.domains_ids[0])
    told("one that is on is not removed", (await gone.remove()).status_code, 400)
    told("unless by force", await ended(await gone.remove(force=True)), DONE)
    told("then it is gone", (await gone.info()).status_code, 404)


async def templates(veil, _):
    domain = await named(veil, "clone")
    told("a template is made", await ended(await domain.convert_to_template()), DONE)
    await domain.info()
    told("it is one", domain.template, True)
    told("it cannot be started", (await domain.start()).status_code, 400)
    told("and is a machine again", await ended(await domain.convert_to_vm()), DONE)
    await domain.info()
    told("as before", domain.template, False)
    told("the template of a thin copy is changed", await ended(await (await named(veil, "copy-1")).change_template()), DONE)
    told("not by what is no copy", (await domain.change_template()).status_code, 400)
    told("a thin copy becomes no template", (await (await named(veil, "copy-2")).convert_to_template()).status_code, 400)
    told("the guest's tools are put in", await ended(await domain.attach_veil_utils_iso()), DONE)


async def changes(veil, _):
    domain = await named(veil, "clone")
    answer = await domain.update(DomainUpdateConfiguration(description="стенд", tablet=False, start_on_boot=True))
    told("a change is done at once", (answer.status_code, answer.value.get("description")), (200, "стенд"))
    told("a new name", (await domain.update_verbose_name("клон")).status_code, 200)
    await domain.info()
    found = (domain.verbose_name, domain.description, domain.tablet, domain.start_on_boot)
    told("what was changed is read back", found, ("клон", "стенд", False, True))
    for word, port in (("disable", False), ("enable", True)):
        how = await ended(await getattr(domain, f"{word}_remote_access")())
        await domain.info()
        found = (how, domain.remote_access, domain.remote_access_port > 0)
        told(f"{word} the remote access", found, (DONE, port, port))


async def tags(veil, _):
    answer = await veil.tag().create(TagConfiguration(verbose_name="стенды", colour="#a377e6"))
    told("a tag is made", await ended(answer), DONE)
    tag = veil.tag(answer.task.first_entity)
    await tag.info()
    told("its name and colour", (tag.verbose_name, tag.color, tag.ui_entities), ("стенды", "#a377e6", []))
    again = await veil.tag().create(TagConfiguration(verbose_name="стенды"))
    told("not twice", again.status_code, 400)
    told("another colour", (await tag.update(colour="#00ff00")).status_code, 200)
    ids = [(await named(veil, name)).api_object_id for name in ("copy-1", "copy-2", "copy-3")]
    configured = [VeilEntityConfiguration(one, "domain") for one in ids]
    told("three machines get it", await ended(await tag.add_entities(configured)), DONE)
    node = (await veil.node().list()).response[0]
    told("and a node", await ended(await tag.add_entity(VeilEntityConfiguration(node.api_object_id, "node"))), DONE)
    await tag.info()
    found = sorted((one.entity_class, one.entity_uuid) for one in tag.ui_entities)
    expected = sorted([("domain", one) for one in ids] + [("node", node.api_object_id)])
    told("who has it", (tag.colour, found), ("#00ff00", expected))
    answer = await veil.domain(ids[0]).tags_list()
    told("the tags of a machine", [row["verbose_name"] for row in answer.paginator_results], ["стенды"])
    told("the tags of a node", (await node.tags_list()).paginator_count, 1)
    told("the row of a machine has them", (await named(veil, "copy-2")).tags[0]["verbose_name"], "стенды")
    told("found by its name", (await veil.tag().list(name="стенды")).response[0].api_object_id, tag.api_object_id)
    told("taken from one", await ended(await tag.remove_entity(configured[0])), DONE)
    told("taken from two", await ended(await tag.remove_entities(configured[1:])), DONE)
    await tag.info()
    told("the node is left", [one.entity_class for one in tag.ui_entities], ["node"])
    told("a tag is removed", await ended(await tag.remove()), DONE)
    told("and gone everywhere", (await node.tags_list()).paginator_count, 0)


async def guests(veil, _):
    domain = await named(veil, "vm-0005")
    answer = await domain.guest_command(veil_cmd=VeilGuestAgentCmd.FQDN)
    told("a guest is asked its name", (answer.status_code, "vm-0005" in str(answer.value["fqdn"])), (200, True))
    answer = await domain.guest_command(qemu_cmd="guest-exec", f_args={"path": "hostname", "capture-output": True})
    told("a program runs in it", answer.value["guest-exec"]["out-data"].strip(), "vm-0005")
    off = await named(veil, "vm-0002")
    answer = await off.guest_command(veil_cmd=VeilGuestAgentCmd.FQDN)
    told("one that is off says nothing", (answer.status_code, bool(answer.errors)), (400, True))
    told("a new hostname", await ended(await domain.set_hostname("reception")), DONE)
    await domain.info()
    told("it has it", domain.hostname, "reception")
    told("it is in no directory", await domain.is_in_ad(), False)
    answer = await domain.add_to_ad("corp.local", "admin", "secret", oupath="OU=vdi")
    told("it joins one", (await ended(answer), await domain.is_in_ad()), (DONE, True))
    answer = await domain.rm_from_ad("admin", "secret")
    told("and leaves it", (await ended(answer), await domain.is_in_ad()), (DONE, False))
    one = await named(veil, "copy-3")
    answer = await one.prepare(start=True, set_hostname=True, domain_name="corp.local", login="u", password="p")
    told("a machine is prepared", await ended(answer), DONE)
    await one.info()
    told("on, and reachable", (one.powered, one.remote_access), (True, True))


async def usb(veil, _):
    domain = await named(veil, "vm-0002")
    answer = await domain.attach_usb(tcp_usb=DomainTcpUsb("10.0.0.5", 5431), no_task=True)
    device = answer.value["tcp_usb_devices"][0]
    found = (answer.status_code, device["host"], int(device["service"]))
    told("a device is attached at once", found, (200, "10.0.0.5", 5431))
    await domain.info()
    told("the machine shows it", [one["uuid"] for one in domain.tcp_usb_devices], [device["uuid"]])
    told("left in, it keeps the machine from starting", await ended(await domain.start()), (202, "FAILED"))
    told("it is detached", await ended(await domain.detach_usb(usb=device["uuid"], remove_all=False)), DONE)
    await domain.attach_usb(tcp_usb=DomainTcpUsb("10.0.0.6", 1), no_task=True)
    told("all are detached at once", (await domain.detach_usb(no_task=True)).status_code, 200)
    await domain.info()
    told("none is left", domain.tcp_usb_devices, [])


async def consoles(veil, _):
    domain = await named(veil, "vm-0001")
    for word in ("spice", "vnc"):
        console = await getattr(domain, f"{word}_conn")()
        found = (console.valid, console.password == domain.graphics_password, console.connection_type)
        told(f"a console by {word}", found, (True, True, word.upper()))
    told("none of one that is off", await (await named(veil, "vm-0002")).spice_conn(), None)


async def backups(veil, _):
    domain = await named(veil, "vm-0004")
    told("a backup", await ended(await domain.backup(DomainBackupConfiguration(can_be_incremental=True))), DONE)
    files = await domain.backup_list()
    file = files.response[0]
    found = (files.paginator_count, file.assignment_type, file.can_be_incremental, file.domain["id"])
    told("is found in the library", found, (1, "backup", True, domain.api_object_id))
    told("there it is one of several files", (await veil.library().list()).paginator_count, 2)
    told("what is in it", (await domain.show_backup(file.api_object_id)).status_code, 200)
    node = (await veil.node().list()).response[1].api_object_id
    answer = await domain.automated_restore(file.api_object_id, node)
    told("it is restored", await ended(answer), DONE)
    restored = veil.domain(answer.data["entity"])
    await restored.info()
    told("as another machine there", (restored.node["id"], restored.cpu_count_prop), (node, domain.cpu_count_prop))
    refused = await (await named(veil, "copy-1")).backup(DomainBackupConfiguration())
    told("thin copies have no backups", (refused.status_code, refused.error_code), (400, 50010))


async def groups(veil, _):
    ids = [(await named(veil, name)).api_object_id for name in ("vm-0008", "vm-0010", "vm-0012")]

    async def states():
        rows = (await veil.domain().list(params={"ids": ",".join(ids)})).paginator_results
        return {row["user_power_state"] for row in rows}

    for word, state in (("start", 3), ("suspend", 2), ("resume", 3), ("reboot", 3), ("shutdown", 1)):
        answer = await getattr(veil.domain(), f"multi_{word}")(ids)
        told(f"{word} of a group", (await ended(answer), answer.task.is_multitask, await states()), (DONE, True, {state}))
    told("start of one again", await ended(await veil.domain(ids[0]).start()), DONE)
    answer = await veil.domain().multi_start(ids)
    task = answer.task
    told("what cannot be done fails in part", await ended(answer), (202, "PARTIAL"))
    children = (await veil.task().list(parent=task.api_object_id)).paginator_results
    told("the children say which", sorted(row["status"] for row in children), ["FAILED", "SUCCESS", "SUCCESS"])
    before = {row["id"]: row["node"]["id"] for row in (await veil.domain().list()).paginator_results}
    told("moved to another node", await ended(await veil.domain().multi_migrate(ids)), DONE)
    after = {row["id"]: row["node"]["id"] for row in (await veil.domain().list()).paginator_results}
    told("each is elsewhere", [before[one] == after[one] for one in ids], [False] * 3)
    told("a group is removed", await ended(await veil.domain().multi_remove(ids, force=True)), DONE)
    told("all of it", (await veil.domain().list(params={"ids": ",".join(ids)})).paginator_count, 0)


async def events(veil, _):
    answer = await veil.event().list(user="robot", paginator=VeilRestPaginator(limit=5))
    told("what the robot did", ({row["user"] for row in answer.paginator_results}, len(answer.response)), ({"robot"}, 5))
    whole = (await veil.event().list()).paginator_count
    kinds = [(await veil.event().list(event_type=kind)).paginator_count for kind in ("info", "warning", "error")]
    told("each event is of one kind", (sum(kinds) == whole, kinds[2] > 0), (True, True))
    # The client asks for these in Russian unless it is told otherwise.
    def lettered(answer):
        return any("а" <= letter <= "я" for letter in answer.paginator_results[0]["message"].lower())

    russian = await veil.event().list(event_type="error")
    english = await veil.event().list(event_type="error", extra_headers={"Accept-Language": "en"})
    told("in two languages", (lettered(russian), lettered(english)), (True, False))


async def tasks(veil, address):
    domain = await named(veil, "vm-0006")
    sandbox(address, "knobs", task_ms=60000)
    answer = await domain.start()
    sandbox(address, "knobs", task_ms=50)
    task = answer.task
    running = await veil.task().list(extra_params={"status": "IN_PROGRESS"})
    told("a task that runs", [row["id"] for row in running.paginator_results], [task.api_object_id])
    counts = (await task.count()).value
    told("tasks are counted", (counts["IN_PROGRESS"], counts["SUCCESS"] > 10), (1, True))
    told("checked, asked for its number at the node", ((await task.check()).status_code, (await task.jid()).status_code),
         (200, 200))
    told("it is given up", (await task.cancel()).success, True)
    await task.info()
    await domain.info()
    told("and did nothing", (task.status, domain.powered, domain.locked_by), ("CANCELED", False, None))
    told("only once", (await task.cancel()).status_code, 400)
    sandbox(address, "knobs", task_ms=60000)
    task = (await domain.start()).task
    sandbox(address, "knobs", task_ms=50)
    told("its locks are released", (await task.release_locks()).success, True)
    await domain.info()
    told("the machine is free", domain.locked_by, None)
    await task.cancel()
    for fate, end in (("failed", "FAILED"), ("lost", "LOST")):
        sandbox(address, "knobs", faults={f"task_{fate}": {"next": 1}})
        answer = await domain.start()
        task, how = answer.task, await ended(answer)
        await task.info()
        told(f"a task that is {fate}", (how, bool(task.error_message)), ((202, end), True))


async def refusals(veil, _):
    nobody = await veil.domain(str(uuid.uuid4())).info()
    told("an unknown id", (nobody.status_code, nobody.success, nobody.value, bool(nobody.error_detail)),
         (404, False, {}, True))
    nowhere = await veil.get(api_object=veil.domain(), url=veil.base_url + "there-is-none/")
    told("an unknown address", (nowhere.status_code, nowhere.error_code, nowhere.error_detail),
         (500, 50004, "URL is not found."))
    empty = await veil.domain().multi_start([])
    told("a wrong field", (empty.status_code, list(empty.errors[0])), (400, ["entity_ids"]))
    wrong = await veil.post(api_object=veil.domain(), url=veil.base_url + "tags/", json_data={"colour": "#fff"})
    told("a missing field", (wrong.status_code, list(wrong.errors[0])), (400, ["verbose_name"]))
    deleted = await veil.post(api_object=veil.domain(), url=veil.base_url + "domains/backup/", json_data={"domain": "7"})
    told("an id that is none", deleted.status_code, 400)


async def strangers(address, token):
    for name, word, status in (("a token nobody issued", "jwt nobody.at.all", 401), ("a reader reads", f"jwt {READER}", 200)):
        async with VeilClient(address, word, ssl_enabled=False) as veil:
            told(name, (await veil.domain().list()).status_code, status)
    async with VeilClient(address, f"jwt {READER}", ssl_enabled=False) as veil:
        domain = await named(veil, "vm-0002")
        told("a reader changes nothing", (await domain.start()).status_code, 403)
    async with VeilClient(address, token, ssl_enabled=False, extra_headers={"Accept-Language": "ru"}) as veil:
        detail = (await veil.domain(str(uuid.uuid4())).info()).error_detail
        told("refusals are in the caller's language", any("а" <= letter <= "я" for letter in detail), True)


async def faults(address, token):
    """What befalls the client while it works, and what repeating does."""
    again = VeilRetryConfiguration(num_of_attempts=3, timeout=0, status_codes={401, 418},
                                   exceptions={aiohttp.ClientError})
    async with VeilClient(address, token, ssl_enabled=False) as veil:
        for fault, status, detail in (
            ("maintenance", 418, "The controller is being upgraded."), ("starting", 503, None),
            ("internal", 500, "Internal server error."), ("unauthorized", 401, None),
        ):
            sandbox(address, "knobs", faults={fault: {"next": 1}})
            answer = await veil.domain().list()
            told(f"{fault}: not repeated", (answer.status_code, answer.error_detail), (status, detail))
            sandbox(address, "knobs", faults={fault: {"next": 2}})
            answer = await veil.domain(retry_opts=again).list()
            told(f"{fault}: repeated", (answer.status_code, answer.paginator_count > 0), (200, True))
        parent = (await named(veil, "template-windows")).api_object_id
        for fault, replays in (("reset_before", 0), ("reset_after", 1)):
            sandbox(address, "reset", data=False)
            sandbox(address, "knobs", faults={fault: {"next": 1}, "verb": "POST"})
            wanted = DomainConfiguration(verbose_name=fault, parent=parent)
            how = await ended(await veil.domain(retry_opts=again).create(wanted))
            counters = sandbox(address, "counters")
            found = (how, counters["actions_total"].get("create"), counters["replays"])
            told(f"{fault}: repeated with the same key, done once", found, (DONE, 1, replays))
        sandbox(address, "knobs", faults={"verb": "", "slow": {"next": 1}, "slow_ms": 3000})
    async with VeilClient(address, token, ssl_enabled=False, timeout=1) as veil:
        try:
            await veil.domain().list()
            how = "answered"
        except asyncio.TimeoutError:
            how = "given up"
        told("an answer that is late", how, "given up")
    sandbox(address, "knobs", domains=150)
    sandbox(address, "reset", data=True)
    async with VeilClient(address, token, ssl_enabled=False) as veil:
        answer = await veil.domain(template=False).list()
        found = (answer.paginator_count, len(answer.paginator_results), "offset=100" in answer.paginator_next)
        told("a hundred rows unless more are asked for", found, (150, 100, True))


# With checks on, newer aiohttp does check. It reads which authorities it knows when it is loaded.
CHECKED = """
import asyncio, sys
from veil_api_client import VeilClient
async def main():
    async with VeilClient(*sys.argv[1:]) as veil:
        print((await veil.controller().check()).status_code)
asyncio.run(main())
"""


def certificate(place):
    command = [sys.executable, "-c", CHECKED, place["address"], place["token"]]
    refused = subprocess.run(command, capture_output=True, text=True)
    told("a certificate nobody knows is refused", "CERTIFICATE_VERIFY_FAILED" in refused.stderr, True)
    if place.get("ca"):
        done = subprocess.run(command, capture_output=True, text=True, env={"SSL_CERT_FILE": place["ca"]})
        told("the sandbox's own authority", (done.stdout.strip(), done.stderr[-200:]), ("200", ""))
