"""python-tds: the protocol once more, in Python alone; its TLS is OpenSSL."""

import datetime
import decimal
import uuid

import pytds
from common import case

VERSIONS = {"7.1": 0x71000000, "7.2": 0x72090002, "7.3": 0x730A0003, "7.4": 0x74000004}


def run(place):
    host, port = place["address"].rsplit(":", 1)

    def connect(**more):
        options = {"dsn": host, "port": int(port), "user": place["user"], "password": place["password"]}
        return pytds.connect(**options | {"database": "bill_ab", "autocommit": True} | more)

    for name, version in VERSIONS.items():
        with connect(tds_version=version) as ours:
            case(f"python-tds: TDS {name}", one(ours, "SELECT 1"), (1,))
    encryption(connect, place["ca"])
    with connect() as ours:
        types(ours)
        errors(ours)
        procedures(ours)
    with connect(autocommit=False) as ours:
        transactions(ours)


def one(ours, statement, values=()):
    with ours.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def encryption(connect, authority):
    for login_alone in (False, True):
        # It looks for the name by a call that newer pyOpenSSL has no longer.
        with connect(cafile=authority, enc_login_only=login_alone, validate_host=False) as ours:
            name = "the login is encrypted" if login_alone else "everything is encrypted"
            case(f"python-tds: {name}", one(ours, "SELECT N'Ж'"), ("Ж",))


def types(ours):
    for value in (
        5,
        -(2**62),
        True,
        1.5,
        decimal.Decimal("-123.45"),
        "Счёт № 5 — 日",
        "ы" * 5000,
        pytds.Binary(b"\x00\xff"),
        pytds.Binary(b"\xab" * 9000),
        datetime.datetime(2026, 11, 22, 10, 20, 30, 123456),
        datetime.date(2026, 11, 22),
        datetime.time(10, 20, 30),
        uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
        None,
    ):
        name = type(value).__name__
        case(f"python-tds: {name} as a parameter", one(ours, "SELECT %s, 1", (value,)), (value, 1))
    zone = datetime.timezone(datetime.timedelta(hours=3))
    found = one(ours, "SELECT CAST('2026-11-22T10:20:30+03:00' AS datetimeoffset(0))")[0]
    case("python-tds: datetimeoffset", found, datetime.datetime(2026, 11, 22, 10, 20, 30, tzinfo=zone))
    found = one(ours, "SELECT CAST(1.5 AS money), CAST(N'<a/>' AS xml), CAST(7 AS sql_variant), CAST(N'т' AS ntext)")
    case("python-tds: money, xml, sql_variant, ntext", found, (decimal.Decimal("1.5"), "<a/>", 7, "т"))


def errors(ours):
    for statement, number in (("RAISERROR (N'нет', 16, 1)", 50000), ("EXECUTE dbo.missing", 2812)):
        try:
            one(ours, statement)
            found = None
        except pytds.Error as error:
            found = error.msg_no
        case(f"python-tds: error {number}", found, number)
    case("python-tds: the connection goes on", one(ours, "SELECT 1"), (1,))


def procedures(ours):
    with ours.cursor() as cursor:
        cursor.execute("CREATE PROCEDURE dbo.pytds_twice @a int, @b int OUTPUT AS SET @b = 2 * @a; RETURN -3")
        found = cursor.callproc("dbo.pytds_twice", (21, pytds.output(param_type="int")))
        case("python-tds: OUT and return value", (found, cursor.get_proc_return_status()), ([21, 42], -3))
        cursor.execute("CREATE PROCEDURE dbo.pytds_rows @a int AS SELECT @a AS a; SELECT @a + 1 AS b, N'ё' AS c; RETURN 4")
        cursor.callproc("dbo.pytds_rows", (1,))
        rows = [cursor.fetchall()]
        while cursor.nextset():
            rows.append(cursor.fetchall())
        found = (rows, cursor.get_proc_return_status())
        case("python-tds: result sets of a procedure", found, ([[(1,)], [(2, "ё")]], 4))


def transactions(ours):
    with ours.cursor() as cursor:
        cursor.execute("CREATE TABLE dbo.pytds (a int)")
        ours.commit()
        cursor.execute("INSERT INTO dbo.pytds VALUES (1)")
        ours.rollback()
        cursor.execute("SELECT COUNT(*) FROM dbo.pytds")
        case("python-tds: a rollback undoes", cursor.fetchone(), (0,))
        cursor.executemany("INSERT INTO dbo.pytds VALUES (%s)", [(1,), (2,)])
        ours.commit()
        cursor.execute("SELECT SUM(a) FROM dbo.pytds")
        case("python-tds: a commit holds", cursor.fetchone(), (3,))
