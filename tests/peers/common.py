"""What every peer needs: a case with its outcome, and what `pult rac` prints."""

import subprocess
import sys

OUTCOMES = {True: 0, False: 0}


def case(name, found, expected):
    is_good = found == expected
    OUTCOMES[is_good] += 1
    print(f"good  {name}" if is_good else f"WRONG {name}: found {found!r}, expected {expected!r}")


def rac(*args):
    """The records that `pult rac` prints, for comparison."""
    printed = subprocess.run([sys.argv[1], "rac", *args], capture_output=True, check=True, encoding="utf-8").stdout
    records = [record.splitlines() for record in printed.split("\n\n") if record]
    return [{key.strip(): value for key, value in (line.split(" : ", 1) for line in record)} for record in records]
