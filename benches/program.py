"""The program itself: how it starts, and what a native call costs."""

import subprocess
import time

from common import PULT, row, run

ABOUT = "The whole process, and calls within it."


def startup():
    walls = []
    for _ in range(21):
        began = time.monotonic()
        subprocess.run([PULT, "eval", "1"], stdout=subprocess.DEVNULL, check=True)
        walls.append(time.monotonic() - began)
    wall = sorted(walls[1:])[10] * 1000
    # A process that sleeps at its end can be asked for its peak; one that has ended answers for Python's fork as well.
    with subprocess.Popen([PULT, "eval", "sleep(1)"]) as process:
        time.sleep(0.5)
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            memory = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    row("`pult eval 1`, the whole process", "≤ 20 ms, ≤ 20 MB", f"{wall:.0f} ms, {memory:.0f} MB", wall <= 20 and memory <= 20)


def native_call():
    done = run("benches/native_call.rhai")
    over = max(done["method"], done["in_module"]) - done["rhai"]
    found = f"{done['method']:.2f} µs a method, {done['in_module']:.2f} µs a function of a module, {done['rhai']:.2f} µs Rhai's own"
    row("A native function, beyond one of Rhai's own", "≤ 2 µs", found, over <= 2)


def measure():
    startup()
    native_call()
