"""pymssql: the driver of the old service, over FreeTDS's DB-Library."""

import datetime
import decimal
import time
import uuid

import pymssql
from common import case
from pymssql import _mssql

PREP = "EXECUTE dbo.sp_export_to_bill_ab_payment @CurDataAreaId = %s, @period_month = %d, @period_year = %d"
CHECK = (
    "SELECT TOP(1) date_modification FROM heap.payment WHERE bill_datasource_section = %s "
    "ORDER BY date_modification DESC"
)


def run(place):
    host, port = place["address"].rsplit(":", 1)

    def connect(**more):
        options = {"server": host, "port": int(port), "user": place["user"], "password": place["password"]}
        return pymssql.connect(**options | more)

    encryption(connect)
    with connect(database="hcs") as ours:
        catalogue(ours)
    with connect(database="bill_ab") as ours:
        errors(ours)
        types(ours)
        transactions(ours, connect)
        procedures(ours)
        many(ours)
    messages(place, host, port)
    cancelled(connect)


def execute(cursor, statement, values):
    """Without values nothing is put into the statement."""
    cursor.execute(*([statement, values] if values else [statement]))


def one(ours, statement, *values):
    with ours.cursor() as cursor:
        execute(cursor, statement, values)
        return cursor.fetchone()


def refused(ours, statement, *values):
    """The number and the text of the first line of an error."""
    try:
        with ours.cursor() as cursor:
            execute(cursor, statement, values)
            while cursor.nextset():
                pass
            return None
    except pymssql.Error as error:
        return error.args[0], error.args[1].decode().split("DB-Lib")[0]


def encryption(connect):
    for version in ("7.1", "7.2", "7.3", "7.4"):
        with connect(tds_version=version) as ours:
            case(f"pymssql: TDS {version}", one(ours, "SELECT 1"), (1,))
    for level in ("off", "request", "require"):
        with connect(encryption=level) as ours:
            case(f"pymssql: encryption {level}", one(ours, "SELECT N'Ж'"), ("Ж",))
    for name, more, number in (
        ("a wrong password", {"password": "wrong"}, 18456),
        ("an unknown database", {"database": "nowhere"}, 4060),
    ):
        try:
            connect(**more)
            found = None
        except pymssql.OperationalError as error:
            found = error.args[0][0] if isinstance(error.args[0], tuple) else error.args[0]
        case(f"pymssql: {name}", found in (number, 18456), True)


def catalogue(ours):
    """The statements of the old service: a procedure of the catalogue, and its check before and after."""
    before = one(ours, CHECK, "0c06")
    with ours.cursor() as cursor:
        cursor.execute(PREP, ("0c06", 7, 2019))
    ours.commit()
    after = one(ours, CHECK, "0c06")
    case("pymssql: a check reads a time", isinstance(after[0], datetime.datetime), True)
    case("pymssql: a procedure of the catalogue moves its check", before is None or before[0] < after[0], True)
    found = refused(ours, PREP, "0c06", 77, 2019)
    case("pymssql: month 77 is refused by the database", found and found[0], 289)
    ours.rollback()


def errors(ours):
    found = refused(ours, "RAISERROR (N'нет данных за %s', 16, 1, N'июль')")
    case("pymssql: an error of one's own", found, (50000, "нет данных за июль"))
    found = refused(ours, "EXECUTE dbo.missing")
    case("pymssql: a procedure that is not there", found, (2812, "Could not find stored procedure 'dbo.missing'."))
    case("pymssql: the connection goes on", one(ours, "SELECT 1"), (1,))
    ours.rollback()


def types(ours):
    # It knows no part of a millisecond.
    moment = datetime.datetime(2026, 11, 22, 10, 20, 30, 123000)
    for kind, text, expected in (
        ("int", "7", 7),
        ("bigint", "-9223372036854775808", -(2**63)),
        ("bit", "1", True),
        ("float", "1.5", 1.5),
        ("decimal(18,2)", "-123.45", decimal.Decimal("-123.45")),
        ("decimal(38,10)", "1234567890123456789012345678.0123456789", decimal.Decimal("1234567890123456789012345678.0123456789")),
        ("money", "922337203685477.58", decimal.Decimal("922337203685477.5800")),
        ("nvarchar(20)", "N'Счёт № 5 — Їжак 日'", "Счёт № 5 — Їжак 日"),
        ("varchar(20)", "N'Счёт № 5'", "Счёт № 5"),
        ("char(4)", "'ab'", "ab  "),
        ("nvarchar(max)", f"N'{'ы' * 5000}'", "ы" * 5000),
        ("varbinary(8)", "0x00FF10", b"\x00\xff\x10"),
        ("varbinary(max)", "0x" + "AB" * 9000, b"\xab" * 9000),
        ("datetime", "'2026-11-22T10:20:30.123'", moment),
        ("datetime2(7)", "'2026-11-22T10:20:30.1234567'", datetime.datetime(2026, 11, 22, 10, 20, 30, 123456)),
        ("date", "'2026-11-22'", datetime.date(2026, 11, 22)),
        ("time(0)", "'10:20:30'", datetime.time(10, 20, 30)),
        ("smalldatetime", "'2026-11-22T10:20:00'", datetime.datetime(2026, 11, 22, 10, 20)),
        ("uniqueidentifier", "'00112233-4455-6677-8899-AABBCCDDEEFF'", uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")),
    ):
        found = one(ours, f"SELECT CAST({text} AS {kind}), CAST(NULL AS {kind})")
        case(f"pymssql: {kind}", found, (expected, None))
    columns = ", ".join(f"CAST(NULL AS int) AS c{at}" for at in range(30))
    case("pymssql: a row of nothing", one(ours, f"SELECT 1, {columns}, 2"), (1, *[None] * 30, 2))
    found = one(ours, "SELECT %s, %d, %s, %s", "д'ом", 5, None, moment)
    case("pymssql: values put into the text", found[:3], ("д'ом", 5, None))
    ours.rollback()


def transactions(ours, connect):
    with ours.cursor() as cursor:
        cursor.execute("CREATE TABLE dbo.peers (id int NOT NULL, name nvarchar(50))")
        ours.commit()
        cursor.execute("INSERT INTO dbo.peers VALUES (1, N'первый')")
        case("pymssql: rows affected", cursor.rowcount, 1)
        ours.rollback()
        cursor.execute("SELECT COUNT(*) FROM dbo.peers")
        case("pymssql: a rollback undoes", cursor.fetchone(), (0,))
        cursor.execute("INSERT INTO dbo.peers VALUES (1, N'первый')")
        ours.commit()
    with connect(database="bill_ab") as other:
        case("pymssql: a commit holds", one(other, "SELECT name FROM dbo.peers WHERE id = 1"), ("первый",))
    with connect(database="bill_ab", autocommit=True) as other:
        one(other, "UPDATE dbo.peers SET name = N'второй' OUTPUT inserted.id WHERE id = 1")
    case("pymssql: without a transaction it holds at once", one(ours, "SELECT name FROM dbo.peers"), ("второй",))
    ours.commit()


def procedures(ours):
    with ours.cursor() as cursor:
        head = "CREATE PROCEDURE dbo.peers_sum @a int, @b int, @name nvarchar(50) OUTPUT, @sum int OUTPUT AS "
        cursor.execute(head + "SET @sum = @a + @b; SET @name = N'да, ' + @name; RETURN -5")
        head = "CREATE PROCEDURE dbo.peers_rows @a int, @name nvarchar(50) AS "
        cursor.execute(head + "SELECT @name AS name, @a AS a; SELECT @a + 1 AS b WHERE @a > 0")
        ours.commit()
        found = cursor.callproc("dbo.peers_sum", (40, 2, pymssql.output(str, "Ёж"), pymssql.output(int)))
        cursor.nextset()
        case("pymssql: OUT and return value", (*found, cursor.returnvalue), (40, 2, "да, Ёж", 42, -5))
        cursor.callproc("dbo.peers_rows", (1, "Ёж"))
        rows = [cursor.fetchall()]
        while cursor.nextset():
            rows.append(cursor.fetchall())
        case("pymssql: result sets of a procedure", rows, [[("Ёж", 1)], [(2,)]])
        cursor.execute("SELECT 1 AS a; SELECT 2 AS b, N'x' AS c; SELECT 3 WHERE 1 = 0")
        sets = [cursor.fetchall()]
        while cursor.nextset():
            sets.append(cursor.fetchall())
        case("pymssql: several result sets", sets, [[(1,)], [(2, "x")], []])
    ours.commit()


def many(ours):
    with ours.cursor() as cursor:
        cursor.executemany("INSERT INTO dbo.peers VALUES (%d, %s)", [(n, f"строка {n}") for n in range(100, 150)])
        ours.commit()
        cursor.execute("SELECT COUNT(*), MIN(name) FROM dbo.peers WHERE id >= 100")
        case("pymssql: executemany", cursor.fetchone(), (50, "строка 100"))
        cursor.execute("SELECT TOP (20000) * FROM sandbox.rows")
        rows = cursor.fetchall()
        first = (rows[0][0], rows[0][2], rows[0][4], rows[0][5])
        case("pymssql: many rows", (len(rows), rows[-1][0]), (20000, 20000))
        case("pymssql: the first of them", first, (1, decimal.Decimal("0.99"), "Абонент 1", "лицевой счёт № 1"))
    with ours.cursor(as_dict=True) as cursor:
        cursor.execute("SELECT id, name FROM dbo.peers WHERE id = %d", (100,))
        case("pymssql: rows by name", cursor.fetchall(), [{"id": 100, "name": "строка 100"}])
    ours.commit()


def messages(place, host, port):
    """What a procedure prints, by the module below pymssql."""
    said = []
    ours = _mssql.connect(server=host, port=port, user=place["user"], password=place["password"], database="bill_ab")
    ours.set_msghandler(lambda state, severity, server, procedure, line, text: said.append((severity, text.decode())))
    ours.execute_non_query("PRINT N'начало'; RAISERROR(N'половина', 1, 1); PRINT N'конец'")
    case("pymssql: what is printed", said, [(0, "начало"), (1, "половина"), (0, "конец")])
    ours.close()


def cancelled(connect):
    """A query that takes too long is given up with attention, or with the connection."""
    ours = connect(timeout=1)
    began = time.monotonic()
    found = refused(ours, "WAITFOR DELAY '00:00:30'")
    case("pymssql: a timeout", (found is not None, time.monotonic() - began < 10), (True, True))
