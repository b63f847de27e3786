//! Values, types, functions.

use super::super::{Out, Type};
use super::{check, session, world};

#[test]
fn arithmetic_keeps_the_types_of_t_sql() {
    check(&[
        ("SELECT 1", &["1", "1 rows"]),
        ("SELECT 7/2, 7%2, 7.0/2, -7/2, 2*3+4, 2*(3+4), 1+2-3", &["3|1|3.500000|-3|10|14|0", "1 rows"]),
        ("SELECT 2.0/3, 1.5*1.5, 1.10+2.205, 10%3.5", &["0.666666|2.25|3.305|3.0", "1 rows"]),
        ("SELECT 1e3, 1.5e-5, 1e20, 0.1e0+0.2e0", &["1000|1.5e-005|1e+020|0.3", "1 rows"]),
        ("SELECT $1.50, $2*3, CAST(1.005 AS money), CAST('1,234.5' AS money)", &["1.50|6.00|1.01|1234.50", "1 rows"]),
        ("SELECT 5&3, 5|3, 5^3, ~5", &["1|7|6|-6", "1 rows"]),
        (
            "SELECT -2147483648, 2147483648, 9223372036854775807",
            &["-2147483648|2147483648|9223372036854775807", "1 rows"],
        ),
        ("SELECT 'a'+'b', N'ё'+'ж', 'a'+NULL, 1+NULL", &["ab|ёж|NULL|NULL", "1 rows"]),
        ("SELECT 1+'2', '3'*4, 'x'+CAST(1 AS varchar(5))", &["3|12|x1", "1 rows"]),
        (
            "SELECT 2147483647 + 1",
            &["error 8115 16.2 line 1: Arithmetic overflow error converting expression to data type int."],
        ),
        ("SELECT 1/0", &["error 8134 16.1 line 1: Divide by zero error encountered."]),
        ("SELECT 0x0A, 0xABC, 0x", &["0x0A|0x0ABC|0x", "1 rows"]),
    ]);
}

#[test]
fn conversions_and_their_styles() {
    check(&[
        (
            "DECLARE @d datetime = '20190712 15:43:09.943'
             SELECT CONVERT(varchar(30), @d), CONVERT(varchar(30), @d, 104), CONVERT(varchar(30), @d, 112),
               CONVERT(varchar(30), @d, 120), CONVERT(varchar(30), @d, 121), CONVERT(varchar(30), @d, 126),
               CONVERT(varchar(30), @d, 20), CONVERT(varchar(30), @d, 23)",
            &[
                "Jul 12 2019  3:43PM|12.07.2019|20190712|2019-07-12 15:43:09|2019-07-12 15:43:09.943|\
                 2019-07-12T15:43:09.943|2019-07-12 15:43:09|2019-07-12",
                "1 rows",
            ],
        ),
        (
            "SELECT CAST('20190701' AS date), CAST('2019-07-01T10:20:30.1234567' AS datetime2), CAST('10:20' AS time(0)),
               CONVERT(date, '01.07.2019', 104), CAST('2019-07-01 10:00 +03:00' AS datetimeoffset(0))",
            &["2019-07-01|2019-07-01 10:20:30.1234567|10:20:00|2019-07-01|2019-07-01 10:00:00 +03:00", "1 rows"],
        ),
        ("SET DATEFORMAT dmy SELECT MONTH('02.01.2019'), MONTH('20190102'), MONTH(CAST('2019-01-02' AS datetime))", &["1|1|2", "1 rows"]),
        ("SELECT CAST(123 AS varchar(2)), CAST('abcdef' AS varchar(3)), CAST(12.5 AS int), CAST(-12.5 AS int), CAST($12.5 AS int)", &["*|abc|12|-12|13", "1 rows"]),
        ("SELECT TRY_CAST('x' AS int), TRY_CONVERT(date, '20191301'), CAST(NULL AS int), CAST('' AS int)", &["NULL|NULL|NULL|0", "1 rows"]),
        ("SELECT CAST('x' AS int)", &["error 245 16.1 line 1: Conversion failed when converting the varchar value 'x' to data type int."]),
        ("SELECT CAST('2019-13-01' AS date)", &["error 241 16.1 line 1: Conversion failed when converting date and/or time from character string."]),
        (
            "SELECT CAST('20191301' AS datetime)",
            &["error 242 16.3 line 1: The conversion of a varchar data type to a datetime data type resulted in an out-of-range value."],
        ),
        (
            "SELECT DATEFROMPARTS(2019, 77, 1)",
            &["error 289 16.1 line 1: Cannot construct data type date, some of the arguments have values which are not valid."],
        ),
        ("SELECT CAST(300 AS tinyint)", &["error 220 16.2 line 1: Arithmetic overflow error for data type tinyint, value = 300."]),
        ("SELECT CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)", &["6F9619FF-8B86-D011-B42D-00C04FC964FF", "1 rows"]),
        ("SELECT CAST(1 AS varbinary(4)), CAST('Ж' AS varbinary(4)), CAST(N'Ж' AS varbinary(4))", &["0x00000001|0xC6|0x1604", "1 rows"]),
        ("SELECT CAST(99.995 AS decimal(5,2)), CAST(1.2345 AS decimal(4,1)), CAST(-0.5 AS decimal(3,0))", &["100.00|1.2|-1", "1 rows"]),
    ]);
}

#[test]
fn null_is_neither_true_nor_false() {
    check(&[
        ("IF NULL = NULL PRINT 'yes' ELSE PRINT 'no'", &["print: no"]),
        ("IF NOT (NULL = 1) PRINT 'yes' ELSE PRINT 'no'", &["print: no"]),
        ("IF 1 IN (2, NULL) PRINT 'yes' ELSE PRINT 'no'", &["print: no"]),
        ("IF 1 NOT IN (2, NULL) PRINT 'yes' ELSE PRINT 'no'", &["print: no"]),
        ("IF NULL IS NULL AND 1 IS NOT NULL PRINT 'yes'", &["print: yes"]),
        (
            "SELECT CASE WHEN NULL > 1 THEN 'a' ELSE 'b' END, CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END",
            &["b|two", "1 rows"],
        ),
        (
            "SELECT ISNULL(NULL, 5), COALESCE(NULL, NULL, 'x'), NULLIF(1, 1), NULLIF(1, 2), IIF(1 > 2, 'a', 'b')",
            &["5|x|NULL|1|b", "1 rows"],
        ),
        ("IF 'ABC' = 'abc  ' AND N'Ёж' = N'ёж' PRINT 'same'", &["print: same"]),
        (
            "IF 'abc' LIKE 'A%' AND 'a_c' LIKE 'a[_]c' AND 'abc' NOT LIKE '[^a]%' AND '5%' LIKE '5!%' ESCAPE '!' PRINT 'like'",
            &["print: like"],
        ),
        ("IF 5 BETWEEN 1 AND 5 AND 6 NOT BETWEEN 1 AND 5 PRINT 'between'", &["print: between"]),
    ]);
}

#[test]
fn functions_of_texts() {
    check(&[
        (
            "SELECT LEN('ab  '), DATALENGTH('ab  '), DATALENGTH(N'ab'), LEFT('abc', 2), RIGHT('abc', 2), SUBSTRING('abcdef', 2, 3)",
            &["2|4|4|ab|bc|bcd", "1 rows"],
        ),
        (
            "SELECT REPLACE('aXbxc', 'x', '-'), REPLICATE('ab', 3), UPPER(N'ёж'), LOWER('ABC'), LTRIM('  a '), RTRIM(' a  ') + '|'",
            &["a-b-c|ababab|ЁЖ|abc|a | a|", "1 rows"],
        ),
        (
            "SELECT CHARINDEX('B', 'abc'), CHARINDEX('b', 'abcb', 3), CONCAT('a', NULL, 1, N'б'), STR(12.5, 6, 1), STR(123, 2)",
            &["2|4|a1б|  12.5|**", "1 rows"],
        ),
        (
            "SELECT STUFF('abcdef', 2, 3, 'X'), REVERSE('abc'), QUOTENAME('a]b'), ASCII('Ж'), CHAR(198), NCHAR(1046), SPACE(2) + 'x'",
            &["aXef|cba|[a]]b]|198|Ж|Ж|  x", "1 rows"],
        ),
        (
            "SELECT FORMATMESSAGE('%s has %d rows, %5d|%-4d|%04d|%x %%', 'meter', 3, 7, 8, 9, 255)",
            &["meter has 3 rows,     7|8   |0009|ff %", "1 rows"],
        ),
        ("SELECT LEN(REPLICATE('a', 9000)), LEN(REPLICATE(CAST('a' AS varchar(max)), 9000))", &["8000|8000", "1 rows"]),
        ("SELECT value FROM STRING_SPLIT('a,b', ',')", &["a", "b", "2 rows"]),
    ]);
}

#[test]
fn functions_of_numbers_and_dates() {
    check(&[
        ("SELECT ABS(-5), ROUND(2.345, 2), ROUND(1250, -2), ROUND(2.5, 0, 1), FLOOR(-1.5), CEILING(1.2), SIGN(-3), POWER(2, 10)", &["5|2.350|1300|2.0|-2|2|-1|1024", "1 rows"]),
        (
            "SELECT DATEADD(month, 1, CAST('20190131' AS date)), DATEADD(day, -1, CAST('20190301' AS datetime)), DATEADD(hh, 25, '20190101')",
            &["2019-02-28|Feb 28 2019 12:00AM|Jan  2 2019  1:00AM", "1 rows"],
        ),
        (
            "SELECT DATEDIFF(day, '20190101', '20190301'), DATEDIFF(month, '20190131', '20190201'), DATEDIFF(year, '20181231', '20190101'),
               DATEDIFF(second, '20190101 10:00', '20190101 10:01:05')",
            &["59|1|1|65", "1 rows"],
        ),
        (
            "SELECT YEAR('20190712'), MONTH('20190712'), DAY('20190712'), DATEPART(weekday, '20190712'), DATEPART(quarter, '20190712'),
               DATENAME(month, '20190712'), EOMONTH('20190212'), DATEFROMPARTS(2019, 7, 1)",
            &["2019|7|12|6|3|July|2019-02-28|2019-07-01", "1 rows"],
        ),
        ("IF ABS(DATEDIFF(second, GETDATE(), SYSDATETIME())) < 2 AND GETUTCDATE() > '20260101' PRINT 'now'", &["print: now"]),
        ("SELECT CAST('20190712' AS datetime) + 1, CAST('20190712' AS datetime) - 1.5", &["Jul 13 2019 12:00AM|Jul 10 2019 12:00PM", "1 rows"]),
        ("SELECT CAST('20190712' AS date) + 1", &["error 206 16.2 line 1: Operand type clash: date is incompatible with int"]),
    ]);
}

#[test]
fn what_the_server_tells_of_itself() {
    check(&[
        (
            "SELECT DB_NAME(), SUSER_SNAME(), USER_NAME(), HOST_NAME(), APP_NAME(), @@SERVERNAME, @@LANGUAGE",
            &["bill_ab|sa|dbo|desk|tests|SANDBOX|us_english", "1 rows"],
        ),
        ("SELECT @@TRANCOUNT, XACT_STATE(), @@NESTLEVEL, @@ERROR, @@ROWCOUNT, @@SPID", &["0|0|0|0|0|51", "1 rows"]),
        (
            "SELECT SERVERPROPERTY('ProductMajorVersion'), SESSIONPROPERTY('ARITHABORT'), LEFT(@@VERSION, 20)",
            &["15|1|Microsoft SQL Server", "1 rows"],
        ),
        (
            "IF OBJECT_ID('heap.meter') IS NOT NULL AND OBJECT_ID('heap.nothing') IS NULL PRINT OBJECT_NAME(OBJECT_ID('heap.meter'))",
            &["print: meter"],
        ),
        ("SELECT @@NOTHING", &["error 137 15.2 line 1: Must declare the scalar variable \"@@NOTHING\"."]),
        ("SELECT NOTHING(1)", &["error 195 15.10 line 1: 'NOTHING' is not a recognized built-in function name."]),
        ("SELECT LEN(1, 2)", &["error 174 15.1 line 1: The len function requires 1 argument(s)."]),
    ]);
}

#[tokio::test]
async fn columns_have_the_types_of_t_sql_without_a_row() {
    let cases = [
        ("1", Type::Int),
        ("1.25", Type::Decimal { precision: 3, scale: 2 }),
        ("1e0", Type::Float),
        ("N'ab'", Type::NVarChar(Some(2))),
        ("'ab'", Type::VarChar(Some(2))),
        ("NULL", Type::Int),
        ("1 + 2.50", Type::Decimal { precision: 4, scale: 2 }),
        ("CAST('x' AS nvarchar(7)) + 'ab'", Type::NVarChar(Some(9))),
        ("GETDATE()", Type::DateTime),
        ("NEWID()", Type::Guid),
        ("COUNT(*)", Type::Int),
        ("SUM(CAST(1 AS money))", Type::Money),
        ("AVG(1.5)", Type::Decimal { precision: 38, scale: 6 }),
        ("CASE WHEN 1 = 1 THEN 1 ELSE 2.5 END", Type::Decimal { precision: 11, scale: 1 }),
        ("CAST(1 AS bigint)", Type::BigInt),
        ("ISNULL(NULL, CAST(1 AS bit))", Type::Bit),
    ];
    let world = world();
    let mut session = session(&world, "");
    for (expression, wanted) in cases {
        let mut outs = Vec::new();
        session.batch(&format!("SELECT {expression} AS x WHERE 1 = 0"), &mut outs).await.unwrap();
        let Some(Out::Columns(columns)) = outs.first() else { panic!("{expression}: {outs:?}") };
        assert_eq!((columns[0].name.as_str(), columns[0].kind), ("x", wanted), "{expression}");
    }
}
