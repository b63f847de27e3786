"""Clients that nobody here wrote, unchanged from PyPI, against `pult sandbox`. The argument is the binary."""

import json
import socket
import subprocess
import sys

import veil_same_states
import with_fast_bitrix24
import with_framework
import with_onec_py_rac
import with_pymssql
import with_python_rac
import with_pytds
import with_tsql
import with_veil_api_client
from common import OUTCOMES, case


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def main():
    # The documented bucket would only make this longer: fast_bitrix24 is not what is measured here.
    switches = ["b24.limits=false", *with_veil_api_client.SWITCHES, *with_framework.SWITCHES]
    command = [sys.argv[1], "sandbox", "--json", "--until-eof", *(word for one in switches for word in ("--set", one))]
    # A wrapper that names no port asks there.
    usual = is_free(1545)
    if usual:
        command += ["--set", "rac.port=1545"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sandbox:
        places = json.loads(sandbox.stdout.readline())
        if usual:
            with_onec_py_rac.run(places["rac"]["address"])
        else:
            print("left out: onec-py-rac, since port 1545 is taken")
        # It leaves its changes behind.
        with_python_rac.run(places["rac"]["address"])
        with_fast_bitrix24.run(places["b24"]["webhook"])
        with_veil_api_client.run(places["veil"])
        with_framework.run(places["robot"])
        with_pymssql.run(places["sp"])
        with_pytds.run(places["sp"])
        with_tsql.run(places["sp"])
        sandbox.stdin.close()
        case("pult sandbox ends when its input closes", sandbox.wait(timeout=10), 0)
    veil_same_states.run()
    print(f"{OUTCOMES[True]} passed, {OUTCOMES[False]} failed")
    return 1 if OUTCOMES[False] else 0


sys.exit(main())
