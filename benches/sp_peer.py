"""The same work with pymssql. Arguments: the work, address, user, password. Prints one line of JSON."""

import json
import sys
import time

import pymssql

WORK, ADDRESS, USER, PASSWORD = sys.argv[1:5]
HOST, PORT = ADDRESS.rsplit(":", 1)


def connect(database="bill_ab"):
    return pymssql.connect(server=HOST, port=PORT, user=USER, password=PASSWORD, database=database, autocommit=False)


def stream():
    with connect() as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute("SELECT TOP (1000000) * FROM sandbox.rows")
        rows = sum(1 for _ in cursor)
        return {"seconds": time.perf_counter() - began, "rows": rows}


def steps():
    """What the old wrapper does for an entity, as often as there are entities: three procedures, each committed."""
    with connect("hcs") as source, connect() as target:
        with target.cursor() as cursor:
            cursor.execute("EXEC sandbox.forget")
        target.commit()
        began = time.perf_counter()
        count = 0
        for _ in range(20):
            for connection, call in (
                (source, "EXECUTE dbo.sp_export_to_bill_ab_payment @CurDataAreaId = '0c06', @period_month = 7, @period_year = 2019"),
                (target, "EXECUTE crude.sp_load_datasource_payment"),
                (target, "EXECUTE heap.sp_load_to_heap_from_crude_payment"),
            ):
                with connection.cursor() as cursor:
                    cursor.execute(call)
                connection.commit()
                count += 1
        seconds = time.perf_counter() - began
        with target.cursor(as_dict=True) as cursor:
            cursor.execute("EXEC sandbox.calls")
            calls = [call for call in cursor if "sp_export" in call["text"] or "sp_load" in call["text"]]
        return {"seconds": seconds, "procedures": sum(float(call["seconds"]) for call in calls), "steps": count}


print(json.dumps({"stream": stream, "steps": steps}[WORK]()), flush=True)
# Kept alive until its memory has been read.
sys.stdin.read()
