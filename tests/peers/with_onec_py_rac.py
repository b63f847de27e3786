"""onec-py-rac: a wrapper of the utility, which it looks for where Windows has it, and reads as Russian Windows prints it."""

import contextlib
import io
import os
import shutil
import sys
import tempfile

from common import case, rac
from onec_py_rac.ras_1c import Ras_connection


def run(address):
    version = "8.3.27.1936"
    ours = f"--cluster={rac(address, 'cluster', 'list')[0]['cluster']}"
    bases = rac(address, "infobase", "summary", "list", ours)
    for base in bases:
        # It reads records as YAML, which has no doubled quotes.
        rac(address, "infobase", "summary", "update", ours, f"--infobase={base['infobase']}", "--descr=Без кавычек")
    here = os.getcwd()
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["PULT_RAC_ENCODING"] = "cp866"
        os.environ["PULT_RAC_NEWLINE"] = "crlf"
        try:
            place = os.path.join("C:", "Program Files", "1cv8", version, "bin")
            os.makedirs(place)
            shutil.copy(binary, os.path.join(place, "rac.exe"))
            # It tells of everything it does.
            with contextlib.redirect_stdout(io.StringIO()):
                cluster = Ras_connection(version, "64", ras_hostname="127.0.0.1").get_cluster_by_hostname("srv1")
                base = cluster.bases[0]
                base.set_credentials("Администратор", "слово")
                base.get_info()
        finally:
            os.chdir(here)
            del os.environ["PULT_RAC_ENCODING"], os.environ["PULT_RAC_NEWLINE"]
    case("onec-py-rac: the cluster through rac.exe", (cluster.name, cluster.port), ("Локальный кластер", 1541))
    case("onec-py-rac: infobases through rac.exe", [b.name for b in cluster.bases], [b["name"] for b in bases])
    case("onec-py-rac: everything about one", base.dbms, "PostgreSQL")
