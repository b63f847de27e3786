"""`pult serve` over `pult sandbox`: the real service, with the simulator's switches."""

import json
import os
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-for-the-pages-tests"


def program():
    """The program to test: the one that PULT names, else the newest that was built."""
    named = os.environ.get("PULT")
    built = [ROOT / "target" / kind / "pult" for kind in ("release", "debug")]
    found = [Path(named)] if named else sorted((path for path in built if path.is_file()), key=lambda path: path.stat().st_mtime)
    return found[-1] if found else None


def can_serve(pult):
    return subprocess.run([pult, "serve", "--help"], capture_output=True, check=False).returncode == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Real:
    """Both programs, until it is left. `switches`: of the simulator, as `pult sandbox --set` takes them."""

    def __init__(self, pult, folder, switches):
        self.pult, self.folder, self.switches = pult, folder, switches

    def __enter__(self):
        with ExitStack() as stack:
            sandbox = [self.pult, "sandbox", "--json", "--until-eof", *(word for switch in self.switches for word in ("--set", switch))]
            place = json.loads(stack.enter_context(running(sandbox)).stdout.readline())["sp"]
            config = self.folder / "pult.toml"
            config.write_text(
                f'[sp.main]\naddress = "{place["address"]}"\nuser = "{place["user"]}"\npassword = {{ env = "PAGE_PASSWORD" }}\ninsecure = true\n'
                f'state = "{(self.folder / "history.db").as_posix()}"\n\n'
                f'[serve]\nlisten = "127.0.0.1:{free_port()}"\nrate = 0\n\n'
                '[serve.tokens]\nolga = { env = "PAGE_TOKEN" }\n',
                encoding="utf-8",
            )
            self.secrets = {**os.environ, "PAGE_PASSWORD": place["password"], "PAGE_TOKEN": TOKEN}
            self.command = [self.pult, "--config", str(config), "serve", "--json", "--until-eof", "--on-stop", "cancel"]
            self.stack = stack.pop_all()
        self.serve()
        return self

    def serve(self):
        self.service = self.stack.enter_context(running(self.command, env=self.secrets))
        self.address = json.loads(self.service.stdout.readline())["address"] + "/"

    def kill(self):
        """As a power cut does: nothing is said to anybody."""
        self.service.kill()
        self.service.wait()

    def __exit__(self, *failure):
        return self.stack.__exit__(*failure)


class running(subprocess.Popen):
    """A program that ends when its input closes."""

    def __init__(self, command, env=None):
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)

    def __exit__(self, *failure):
        self.stdin.close()
        try:
            self.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
        self.stdout.close()
