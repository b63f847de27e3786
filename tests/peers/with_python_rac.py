"""python-rac: a client of the protocol that was checked against real servers. It reads again whatever it changed."""

import ast
import asyncio
import datetime
import subprocess
import sys

from common import case, rac
from pyrac.client import RacClient
from pyrac.errors import RacAuthError, RacServerError


def run(address):
    asyncio.run(talk(address))


def quoted(text):
    """A text as the utility prints it where it puts quotes."""
    return '"' + text.replace('"', '""') + '"'


async def talk(address):
    host, port = address.rsplit(":", 1)

    def client(**credentials):
        return RacClient(host=host, port=int(port), **credentials)

    async with client() as ours:
        case("python-rac: it is the newest version that the server has", ours.protocol_version, 16)
        cluster = (await ours.list_clusters())[0]["cluster"]
        option = f"--cluster={cluster}"
        await lists(ours, address, cluster, option)
        await changes(ours, address, cluster, option)
        await infobases(ours, address, cluster, option)
        await processes(ours, address, cluster, option)
    command = [sys.executable, "-m", "pyrac", "--ras-host", host, "--ras-port", port, "session", option, "list"]
    printed = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout
    found = [session["session_id"] for session in ast.literal_eval(printed)]
    case("python-rac: its own program", found, [s["session"] for s in rac(address, "session", "list", option)])
    await refusals(client, address, cluster, option)


async def lists(ours, address, cluster, option):
    """Each list has the records that `pult rac` prints."""
    def same(name, found, theirs, *command):
        records = [tuple(record[key] for key in theirs.values()) for record in rac(address, *command)]
        found = [tuple(str(row[key]) for key in theirs) for row in found]
        case(f"python-rac: {name}", found, records)

    keys = {key: key for key in ("cluster", "port", "expiration-timeout")}
    same("clusters", await ours.list_clusters(), keys, "cluster", "list")
    keys = {key: key for key in ("infobase", "name")}
    same("infobases", await ours.list_infobases(cluster), keys, "infobase", "summary", "list", option)
    keys = {"session_id": "session", "id": "session-id", "user_name": "user-name", "app_id": "app-id", "host": "host"}
    same("sessions", await ours.list_sessions(cluster), keys, "session", "list", option)
    keys = {key: key for key in ("connection", "conn-id", "infobase", "process", "host", "session-number")}
    same("connections", await ours.list_connections(cluster), keys, "connection", "list", option)
    keys = {key: key for key in ("process", "host", "port", "pid", "connections", "memory-size")}
    same("processes", await ours.list_processes(cluster), keys, "process", "list", option)
    keys = {"connection": "connection", "sid": "session", "object": "object"}
    same("locks", await ours.list_locks(cluster), keys, "lock", "list", option)
    keys = {"server": "server", "host_name": "agent-host", "main_port": "agent-port"}
    same("servers", await ours.list_servers(cluster), keys, "server", "list", option)
    keys = {"manager": "manager", "pid": "pid", "port": "port"}
    same("managers", await ours.list_managers(cluster), keys, "manager", "list", option)
    keys = {"name": "name", "group": "group", "filter-type": "filter-type"}
    same("counters", await ours.list_counters(cluster), keys, "counter", "list", option)
    keys = {"name": "name", "counter": "counter", "action": "action", "error-message": "error-message"}
    same("limits", await ours.list_limits(cluster), keys, "limit", "list", option)
    same("profiles", await ours.list_profiles(cluster), {"name": "name"}, "profile", "list", option)
    full = await ours.list_infobases_full(cluster)
    each = [await ours.get_infobase_info(cluster, base["infobase"]) for base in full]
    case("python-rac: everything about all infobases at once", full, each)
    process = (await ours.list_processes(cluster))[0]["process"]
    found = await ours.list_infobase_connections(cluster, process, full[0]["infobase"])
    keys = (f"--process={process}", f"--infobase={full[0]['infobase']}")
    records = rac(address, "connection", "list", option, *keys)
    record = [(row["connection"], row["user-name"], row["bytes-all"]) for row in records]
    case("python-rac: connections in full", [(r["connection"], r["user-name"], str(r["bytes-all"])) for r in found], record)


async def changes(ours, address, cluster, option):
    """What is changed here is what `pult rac` prints then."""
    await ours.update_cluster_name(cluster, "Кластер «№ 1»")
    await ours.update_cluster_load_balancing_mode(cluster, "memory")
    found = rac(address, "cluster", "info", option)[0]
    found = (found["name"], found["load-balancing-mode"])
    case("python-rac: a cluster is changed", found, (quoted("Кластер «№ 1»"), "memory"))
    made = await ours.insert_cluster("srv1", 7541, "Временный", audit=True, ping_period=10, ping_timeout=20)
    clusters = [row["name"] for row in rac(address, "cluster", "list")]
    await ours.remove_cluster(made["cluster"])
    left = len(rac(address, "cluster", "list"))
    case("python-rac: a cluster comes and goes", (clusters[1:], left), ([quoted("Временный")], 1))
    server = await ours.insert_server(cluster, "srv9", 1540, [(1560, 1591)], name="Ещё", add_prohibiting_assignment_rule=True)
    place = f"--server={server['server']}"
    rule = await ours.insert_rule(cluster, server["server"], 1, infobase_name="ЗУП", rule_type="always", priority=7)
    await ours.update_rule(cluster, server["server"], rule["rule"], 0, rule_type="auto")
    rules = [(row["rule-type"], row["priority"]) for row in rac(address, "rule", "list", option, place)]
    case("python-rac: rules of a new server", rules, [("auto", "7"), ("never", "0")])
    setting = await ours.insert_service_setting(cluster, server["server"], "JobService", service_data_dir="D:\\jobs")
    found = rac(address, "service-setting", "info", option, place, f"--setting={setting['setting']}")[0]
    case("python-rac: a setting of a service", found["service-data-dir"].strip('"'), "D:/jobs/")
    await ours.apply_service_settings(cluster, server["server"])
    by_name = await ours.get_service_setting_by_name(cluster, server["server"], "JobService")
    case("python-rac: it holds when it is applied", by_name["active"], True)
    await ours.remove_server(cluster, server["server"])
    await ours.update_profile(cluster, "Проба", descr="о", directory_access=True, inet_access=True, crypto=True)
    await ours.update_profile_directory(cluster, "Проба", "temp", physical_path="/tmp", allowed_read=True)
    await ours.update_profile_com_class(cluster, "Проба", "Excel", file_name="e", class_id="{1}", host="h")
    await ours.update_profile_inet(cluster, "Проба", "сайт", url="1c.ru", port=8443, protocol="https")
    for kind in ("addin", "module"):
        await getattr(ours, f"update_profile_{kind}")(cluster, "Проба", "имя", hash_value="abc", descr="о")
    await ours.update_profile_app(cluster, "Проба", "имя", wild="*.exe")
    kinds = ("directory", "com", "addin", "module", "app", "inet")
    of = [rac(address, "profile", "acl", option, "--name=Проба", kind, "list")[0] for kind in kinds]
    found = (of[0]["physicalPath"], of[1]["fileName"], of[2]["hash"], of[3]["hash"], of[4]["wild"], of[5]["port"])
    found = tuple(text.strip('"') for text in found)
    case("python-rac: the six lists of a profile", found, ("/tmp", "e", "abc", "abc", "*.exe", "8443"))
    await ours.remove_profile(cluster, "Проба")
    await ours.update_counter(
        cluster, "Мера", collection_time=1000, group="users", filter_type="all", filter="", dbms_bytes=True
    )
    await ours.update_limit(cluster, "Предел", action="interrupt-session", counter="Мера", dbms_bytes=5, calls=6)
    found = rac(address, "limit", "info", option, "--limit=Предел")[0]
    found = (found["action"], found["dbms-bytes"], found["call"], found["duration"])
    case("python-rac: a counter and its limit", found, ("interrupt-session", "5", "6", "0"))
    await ours.remove_limit(cluster, "Предел")
    await ours.remove_counter(cluster, "Мера")


async def infobases(ours, address, cluster, option):
    made = await ours.create_infobase(
        cluster, name="Новая", db_name="new", db_server="db1", db_user="u", locale="ru_RU", create_database=True
    )
    base = made["infobase"]
    since = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    await ours.update_infobase_lock(cluster, base, sessions_deny=True, denied_from=since, permission_code="код")
    await ours.update_infobase_configuration_unload_delay(cluster, base, 300)
    found = rac(address, "infobase", "info", option, f"--infobase={base}")[0]
    found = (found["sessions-deny"], found["denied-from"], found["permission-code"].strip('"'))
    case("python-rac: a new infobase is closed", found, ("on", "2026-01-02T03:04:05", "код"))
    await ours.drop_infobase(cluster, base, drop_database=True)
    names = [row["name"] for row in rac(address, "infobase", "summary", "list", option)]
    case("python-rac: and dropped", [name for name in names if "Новая" in name], [])
    first = (await ours.list_infobases(cluster))[0]["infobase"]
    done = await ours.create_binary_storage_backup(cluster, first, "/copies/1", poll_interval=0.01)
    done = await ours.load_binary_storage_backup(cluster, first, "/copies/1", poll_interval=0.01) | {"made": done["finished"]}
    case("python-rac: a storage is copied and restored", (done["made"], done["finished"]), (True, True))


async def processes(ours, address, cluster, option):
    sessions = await ours.list_sessions(cluster)
    base, session = sessions[0]["infobase_id"], sessions[1]["session_id"]
    await ours.interrupt_session_call(cluster, session)
    await ours.terminate_session(cluster, session, error_message="Обновление")
    ended = await ours.terminate_sessions(cluster, base)
    left = rac(address, "session", "list", option)
    case("python-rac: sessions are ended", len(left), len(sessions) - ended["total"] - 1)
    connections = await ours.list_connections(cluster)
    one = next(row for row in connections if row["session-number"])
    await ours.disconnect_connection(cluster, one["process"], one["connection"])
    case("python-rac: a connection is cut", len(rac(address, "connection", "list", option)), len(connections) - 1)
    # The cluster waits no longer: what is turned off goes at once, and another is there.
    await ours.update_cluster_expiration_timeout(cluster, 0)
    old = (await ours.list_processes(cluster))[0]["process"]
    restarted = await ours.restart_process(cluster, old, step_timeout=5, poll_interval=0.05)
    processes = [row["process"] for row in rac(address, "process", "list", option)]
    found = (restarted["old_gone"], old in processes, restarted["new_process"] in processes)
    case("python-rac: a process is started anew", found, (True, False, True))


async def refusals(client, address, cluster, option):
    async with client() as ours:
        try:
            await ours.get_session(cluster, cluster)
            found = None
        except RacServerError as error:
            found = (error.code.split("#")[1], error.text)
    expected = ("SessionNotFound", "Сеанс с указанным идентификатором не найден")
    case("python-rac: what is not there is refused", found, expected)
    async with client() as ours:
        await ours.register_cluster_admin(cluster, "Админ", "", password="первый", auth=["pwd"])
    async with client() as ours:
        try:
            await ours.list_sessions(cluster)
            found = None
        except RacAuthError as error:
            found = error.scope
    case("python-rac: an administrator closes the cluster", found, "cluster")
    async with client(cluster_user="Админ", cluster_password="первый") as ours:
        await ours.update_cluster_admin(cluster, "Админ", descr="о", password="второй")
        credentials = (option, "--cluster-user=Админ", "--cluster-pwd=второй")
        found = rac(address, "cluster", "admin", "list", *credentials)[0]
        case("python-rac: a password is changed", (found["name"].strip('"'), found["descr"].strip('"')), ("Админ", "о"))
        await ours.remove_cluster_admin(cluster, "Админ")
    case("python-rac: and the cluster is open again", rac(address, "cluster", "admin", "list", option), [])
