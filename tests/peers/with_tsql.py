"""tsql, the shell of FreeTDS, as Debian has it."""

import os
import shutil
import subprocess

from common import case


def run(place):
    if shutil.which("tsql") is None:
        print("left out: tsql of FreeTDS is not installed")
        return
    host, port = place["address"].rsplit(":", 1)

    def said(script, password=place["password"], **environment):
        """What it prints, without the prompts."""
        command = ["tsql", "-H", host, "-p", port, "-U", place["user"], "-P", password]
        spoken = {"LC_ALL": "C.UTF-8"} | environment
        found = subprocess.run(
            command, input=script, capture_output=True, encoding="utf-8", timeout=60, env=os.environ | spoken
        )
        return found.stdout + found.stderr

    for version in ("7.1", "7.2", "7.3", "7.4"):
        found = said("SELECT N'Ёлка', 1\ngo\n", TDSVER=version)
        case(f"tsql: TDS {version}", "Ёлка\t1" in found, True)
    found = said(
        "USE hcs\ngo\nEXECUTE dbo.sp_export_to_bill_ab_meter @CurDataAreaId = '0c01'\ngo\n"
        "SELECT TOP(1) date_modification FROM heap.meter WHERE bill_datasource_section = '0c01' "
        "ORDER BY date_modification DESC\ngo\n"
    )
    case("tsql: a procedure of the catalogue and its check", ("return status = 0" in found, "(1 row affected)" in found), (True, True))
    found = said("RAISERROR (N'нет данных', 16, 1)\ngo\nEXECUTE dbo.missing\ngo\nSELECT 5 AS five\ngo\n")
    case("tsql: an error of one's own", "Msg 50000 (severity 16, state 1) from SANDBOX" in found and "нет данных" in found, True)
    case("tsql: a procedure that is not there", "Msg 2812 (severity 16" in found, True)
    case("tsql: it goes on after both", "five\n5\n(1 row affected)" in found, True)
    found = said("SELECT 1\ngo\n", password="wrong")
    case("tsql: a wrong password", "Msg 18456 (severity 14, state 1)" in found, True)
