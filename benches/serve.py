"""The web service: statuses a second on one core, and how long the slowest of them take, while a run goes on."""

import json
import os
import selectors
import socket
import subprocess
import tempfile
import time
import urllib.request

from common import PULT, Sandbox, row

ABOUT = """`pult serve` on one core, its clients on the other: 16 connections that ask `GET /api/status` one request after
another, with a token, over loopback, while a run goes on against a simulated server in a process of its own.
"""
TOKEN = "0123456789abcdef0123456789abcdef"
CONNECTIONS = 16
SECONDS = 8


class Service:
    """The service in a process of its own, on the first core."""

    def __init__(self, sandbox):
        self.sp = sandbox.places["sp"]
        self.folder = tempfile.TemporaryDirectory()

    def __enter__(self):
        config = os.path.join(self.folder.name, "pult.toml")
        state = json.dumps(os.path.join(self.folder.name, "state.db"))
        with open(config, "w", encoding="utf-8") as to:
            to.write(
                f'[sp.main]\naddress = "{self.sp["address"]}"\nuser = "{self.sp["user"]}"\ninsecure = true\n'
                f'password = {{ env = "SP_PASSWORD" }}\nstate = {state}\n'
                '[serve]\nlisten = "127.0.0.1:0"\nrate = 0\n[serve.tokens]\nbench = { env = "SERVE_TOKEN" }\n'
            )
        command = [PULT, "serve", "--json", "--until-eof", "--on-stop", "cancel", "--config", config]
        environment = {**os.environ, "SP_PASSWORD": self.sp["password"], "SERVE_TOKEN": TOKEN}
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=on_core(0)
        )
        self.address = json.loads(self.process.stdout.readline())["address"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()

    def ask(self, path, body=None):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.address + path, body and json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def on_core(number):
    """Keeps a process on one core, where the system can."""
    return lambda: hasattr(os, "sched_setaffinity") and os.sched_setaffinity(0, {number})


def load(address):
    """Answers a second, and the time below which 99 of 100 stay, in milliseconds."""
    host, port = address.removeprefix("http://").split(":")
    ask = f"GET /api/status HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    waiting = selectors.DefaultSelector()
    asked = {}
    for _ in range(CONNECTIONS):
        connection = socket.create_connection((host, int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(connection, selectors.EVENT_READ)
        connection.sendall(ask)
        asked[connection] = time.perf_counter()
    took, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for key, _ in waiting.select(1):
            answer = key.fileobj.recv(65536)
            now = time.perf_counter()
            # A status is short: an answer is one piece.
            if not answer.startswith(b"HTTP/1.1 200") or b'"running":true' not in answer:
                raise SystemExit(answer.decode())
            took.append(now - asked[key.fileobj])
            asked[key.fileobj] = now
            key.fileobj.sendall(ask)
    took.sort()
    return len(took) / SECONDS, took[len(took) * 99 // 100] * 1000


def measure():
    # Steps that take long enough for a run to last as long as the load.
    with Sandbox('sp.durations={"prep":400,"crude":400,"heap":400}') as sandbox, Service(sandbox) as service:
        on_core(1)()
        service.ask("/api/runs", {"code": "0c06", "month": 7, "year": 2019, "checks": False})
        rate, slow = load(service.address)
        if not service.ask("/api/status")["running"]:
            raise SystemExit("the run ended before the load did")
    kept = rate >= 5000 and slow <= 10
    row("statuses a second on one core during a run", "≥ 5,000, p99 ≤ 10 ms", f"{rate:,.0f}, p99 {slow:.1f} ms", kept)
