"""The robot: what an idle agent takes, a hundred robots in one, and how soon nothing of an aborted job is left."""

import json
import os
import subprocess
import tempfile
import time
import urllib.request

from common import PULT, Sandbox, row

ABOUT = """`pult robot` as a daemon on the real clock, against a simulated Orchestrator in a process of its own. A heartbeat's time is
10 to 11 s after the one before it: the pause and its jitter.
"""
SECONDS = 60
MARK = "PULT_BENCH_MARK"
# In the background, in sessions of their own, deaf, born while others die.
TREE = """trap '' TERM HUP INT
sleep 3601 &
(setsid sh -c 'trap "" TERM; sleep 3602 & sleep 3603' &)
setsid sh -c 'while :; do sleep 0.05; done' &
touch begun
wait
"""


def look(address, what, body=None):
    body = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{address}/_sandbox/{what}", body) as answer:
        return json.load(answer)


class Agent:
    """An agent for the first so many robots of a simulator."""

    def __init__(self, address, count):
        self.address, self.count = address, count
        self.folder = tempfile.TemporaryDirectory()
        self.scripts = os.path.join(self.folder.name, "scripts")
        os.mkdir(self.scripts)

    def __enter__(self):
        guids = [robot["guid"] for robot in look(self.address, "state")["robots"]][:self.count]
        config = os.path.join(self.folder.name, "pult.toml")
        state = json.dumps(os.path.join(self.folder.name, "state.sqlite"))
        with open(config, "w", encoding="utf-8") as to:
            for at in range(len(guids)):
                to.write(
                    f'[robot.r{at}]\naddress = "{self.address}"\nguid = {{ env = "GUID_{at}" }}\nstate = {state}\n'
                    f"scripts = {json.dumps(self.scripts)}\n"
                )
        named = {f"GUID_{at}": guid for at, guid in enumerate(guids)}
        environment = {**os.environ, **named, "HOME": self.folder.name, MARK: self.folder.name}
        self.process = subprocess.Popen(
            [PULT, "robot", "--quiet", "--config", config], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def memory(self):
        """The most that it has used, in MB."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

    def cpu(self):
        """Seconds of processor."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def jobs(self):
        """Whatever it has started that still is there, the supervisors apart."""
        mark, found = f"{MARK}={self.folder.name}".encode(), []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == self.process.pid:
                continue
            try:
                with open(f"/proc/{entry}/environ", "rb") as environment, open(f"/proc/{entry}/cmdline", "rb") as words:
                    if mark in environment.read().split(b"\0") and b"supervise" not in words.read():
                        found.append(int(entry))
            except OSError:
                pass
        return found


def until(is_so):
    while not is_so():
        time.sleep(0.005)


def beats(address):
    return [line for line in look(address, "log") if line["route"] == "robot/heartbeat"]


def idle():
    with Sandbox("robot.jobs=0") as sandbox, Agent(sandbox.places["robot"]["address"], 1) as agent:
        until(lambda: beats(agent.address))
        before = agent.cpu()
        time.sleep(SECONDS)
        memory, cpu = agent.memory(), agent.cpu() - before
    kept = memory <= 20 and cpu <= 0.05
    row("an idle agent", "≤ 20 MB, no measurable processor time", f"{memory:.1f} MB, {cpu:.2f} s in {SECONDS} s", kept)


def hundred():
    with Sandbox("robot.jobs=0", "robot.robots=100") as sandbox, Agent(sandbox.places["robot"]["address"], 100) as agent:
        until(lambda: len({beat["robot"] for beat in beats(agent.address)}) == 100)
        time.sleep(SECONDS)
        memory, last = agent.memory(), {}
        late = 0.0
        for beat in beats(agent.address):
            if beat["robot"] in last:
                gap = beat["seconds"] - last[beat["robot"]]
                late = max(late, gap - 11, 10 - gap)
            last[beat["robot"]] = beat["seconds"]
    kept = memory <= 60 and late <= 0.5
    found = f"{memory:.0f} MB, at most {max(late, 0):.2f} s"
    row("100 robots in one agent; how far a heartbeat is from its time", "≤ 60 MB, ≤ 0.5 s", found, kept)


def abort():
    worst = 0.0
    with Sandbox("robot.jobs=0") as sandbox, Agent(sandbox.places["robot"]["address"], 1) as agent:
        with open(os.path.join(agent.scripts, "tree.sh"), "w", encoding="utf-8") as to:
            to.write(TREE)
        begun = os.path.join(agent.scripts, "begun")
        for _ in range(3):
            job = look(agent.address, "job", {"version": "tree"})["guid"]
            until(lambda: os.path.exists(begun))
            look(agent.address, "abort", {"job": job})
            asked = len(beats(agent.address))
            until(lambda: any('"HeartbeatErrorCode":10' in beat["answer"] for beat in beats(agent.address)[asked:]))
            answered = time.monotonic()
            until(lambda: not agent.jobs())
            worst = max(worst, time.monotonic() - answered)
            until(lambda: look(agent.address, f"job?guid={job}")["history"][-1]["to"] == 3)
            os.remove(begun)
    row("from Abort to the last process gone, a tree that hides", "≤ 1 s", f"{worst:.2f} s", worst <= 1)


def measure():
    idle()
    hundred()
    abort()
