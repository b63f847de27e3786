"""Measures the promises and writes them down. Arguments: the binary, the page to write, and which parts (all of them)."""

import os
import re
import sys
from datetime import date

import b24
import common
import program
import rac
import robot
import serve
import sp
import veil

PAGE = sys.argv[2]
PARTS = {
    "program": ("The program", program),
    "rac": ("1C clusters", rac),
    "b24": ("Bitrix24", b24),
    "veil": ("ECP VeiL", veil),
    "sp": ("SQL Server", sp),
    "serve": ("The web service", serve),
    "robot": ("The robot", robot),
}
HEAD = """# Performance

Measured by `benches/run` on two shared cores; `benches/run rac` measures one part again. A peer is measured in the same
run as what stands beside it.
"""


def section(title, part):
    """A part of the page, measured now."""
    common.ROWS.clear()
    part.measure()
    table = ["| what | promise | measured | | the peer |", "|---|---|---|---|---|"]
    table += ["| " + " | ".join(line) + " |" for line in common.ROWS]
    return f"## {title}\n\n{part.ABOUT}\nMeasured on {date.today()}.\n\n" + "\n".join(table) + "\n"


def main():
    wanted = sys.argv[3:] or list(PARTS)
    page = open(PAGE, encoding="utf-8").read() if os.path.exists(PAGE) else ""
    sections = []
    for name, (title, part) in PARTS.items():
        before = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", page, re.S | re.M)
        sections.append(section(title, part) if name in wanted or not before else before[0].strip() + "\n")
    with open(PAGE, "w", encoding="utf-8") as to:
        to.write("\n".join([HEAD, *sections]))
    return "**missed**" in "".join(sections)


sys.exit(main())
