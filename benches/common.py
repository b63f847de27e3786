"""What every measurement needs: the binary, a sandbox in a process of its own, a table of results."""

import json
import os
import subprocess
import sys
import urllib.request

PULT = os.path.abspath(sys.argv[1])
ROWS = []


class Sandbox:
    """Simulators in a process of their own, with these switches."""

    def __init__(self, *switches):
        self.switches = switches

    def __enter__(self):
        switches = [word for switch in self.switches for word in ("--set", switch)]
        command = [PULT, "sandbox", "--json", "--until-eof", *switches]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.places = json.loads(self.process.stdout.readline())
        self.webhook = self.places["b24"]["webhook"]
        self.ras = self.places["rac"]["address"]
        self.utility = self.places["rac"]["utility"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def counters(self):
        place = self.webhook.split("/rest/")[0] + "/_sandbox/counters"
        with urllib.request.urlopen(place) as answer:
            return json.load(answer)

    def run(self, script, *args):
        return run(script, *args, B24_WEBHOOK=self.webhook)


def run(script, *args, **environment):
    """What a script printed, read as JSON."""
    command = [PULT, "run", script, *args]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout)


def row(what, promise, found, kept, peer="–"):
    ROWS.append((what, promise, found, "kept" if kept else "**missed**", peer))
    print(" | ".join(ROWS[-1]), flush=True)
