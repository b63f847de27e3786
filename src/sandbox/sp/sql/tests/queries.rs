//! SELECT, INSERT, UPDATE, DELETE, and tables.

use super::super::Out;
use super::{batch, check, session, world};

const ROOMS: &str = "CREATE TABLE #r (id int IDENTITY PRIMARY KEY, house nvarchar(10) NOT NULL, area decimal(6,2) NULL)
INSERT #r (house, area) VALUES (N'a', 10.5), (N'a', 20), (N'b', NULL), (N'c', 5)
";

/// Each in a session that has some rooms.
#[track_caller]
fn rooms(table: &[(&str, &[&str])]) {
    let texts: Vec<String> = table.iter().map(|(statements, _)| format!("{ROOMS}{statements}")).collect();
    let answers: Vec<Vec<&str>> = table.iter().map(|(_, answers)| [&["4 rows"], *answers].concat()).collect();
    let whole: Vec<(&str, &[&str])> =
        texts.iter().zip(&answers).map(|(text, answers)| (text.as_str(), &answers[..])).collect();
    check(&whole);
}

#[test]
fn rows_are_filtered_grouped_sorted_and_cut() {
    rooms(&[
        ("SELECT id, house FROM #r WHERE area > 6 ORDER BY id DESC", &["2|a", "1|a", "2 rows"]),
        ("SELECT TOP (2) house h, area FROM #r ORDER BY area", &["b|NULL", "c|5.00", "2 rows"]),
        ("SELECT TOP 50 PERCENT id FROM #r ORDER BY 1", &["1", "2", "2 rows"]),
        ("SELECT DISTINCT house FROM #r ORDER BY house DESC", &["c", "b", "a", "3 rows"]),
        (
            "SELECT house, COUNT(*) n, SUM(area), AVG(area), MIN(area) FROM #r GROUP BY house HAVING COUNT(*) > 1",
            &["a|2|30.50|15.250000|10.50", "1 rows"],
        ),
        ("SELECT COUNT(*), COUNT(area), COUNT(DISTINCT house), MAX(house) FROM #r", &["4|3|3|c", "1 rows"]),
        ("SELECT COUNT(*), SUM(area) FROM #r WHERE 1 = 0", &["0|NULL", "1 rows"]),
        (
            "SELECT house, area FROM #r GROUP BY house",
            &[
                "error 8120 16.1 line 3: Column '#r.area' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.",
            ],
        ),
        ("SELECT id FROM #r ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", &["2", "3", "2 rows"]),
        (
            "SELECT house, ROW_NUMBER() OVER (PARTITION BY house ORDER BY id) AS n FROM #r ORDER BY id",
            &["a|1", "a|2", "b|1", "c|1", "4 rows"],
        ),
        ("SELECT id, SUM(area) OVER (ORDER BY id) FROM #r", &["1|10.50", "2|30.50", "3|30.50", "4|35.50", "4 rows"]),
        ("SELECT nothing FROM #r", &["error 207 16.1 line 3: Invalid column name 'nothing'."]),
        (
            "SELECT t.id FROM #r AS r",
            &["error 4104 16.1 line 3: The multi-part identifier \"t.id\" could not be bound."],
        ),
    ]);
}

#[test]
fn tables_are_joined_and_nested() {
    rooms(&[
        (
            "SELECT r.id, v.name FROM #r AS r JOIN (VALUES (N'a', 'first'), (N'b', 'second')) AS v(house, name) ON v.house = r.house ORDER BY r.id",
            &["1|first", "2|first", "3|second", "3 rows"],
        ),
        ("SELECT r.id, o.id FROM #r r LEFT JOIN #r o ON o.id = r.id + 3 WHERE r.id < 3", &["1|4", "2|NULL", "2 rows"]),
        (
            "SELECT id FROM #r WHERE EXISTS (SELECT * FROM #r AS o WHERE o.house = #r.house AND o.id <> #r.id)",
            &["1", "2", "2 rows"],
        ),
        (
            "SELECT id FROM #r WHERE house IN (SELECT house FROM #r WHERE area = 5) UNION ALL SELECT 9 ORDER BY 1 DESC",
            &["9", "4", "2 rows"],
        ),
        ("SELECT (SELECT MAX(area) FROM #r), d.n FROM (SELECT COUNT(*) AS n FROM #r) AS d", &["20.00|4", "1 rows"]),
        (
            "WITH big AS (SELECT id FROM #r WHERE area > 6), one(x) AS (SELECT MIN(id) FROM big) SELECT x FROM one",
            &["1", "1 rows"],
        ),
        ("SELECT 1 AS x UNION SELECT 1 EXCEPT SELECT 2", &["1", "1 rows"]),
        (
            "SELECT (SELECT id FROM #r)",
            &[
                "error 512 16.1 line 3: Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.",
            ],
        ),
        ("SELECT id FROM #r, #r AS o", &["error 209 16.1 line 3: Ambiguous column name 'id'."]),
        ("SELECT a.id FROM #r a CROSS JOIN #r b WHERE b.id = 1 AND a.id = 2", &["2", "1 rows"]),
    ]);
}

#[test]
fn rows_are_put_in_changed_and_taken_out() {
    rooms(&[
        (
            "INSERT #r (house) SELECT house + 'x' FROM #r WHERE id = 1 SELECT SCOPE_IDENTITY(), @@ROWCOUNT SELECT house FROM #r WHERE id = 5",
            &["1 rows", "5|1", "1 rows", "ax", "1 rows"],
        ),
        (
            "UPDATE #r SET area = area * 2, house += 'z' WHERE house = 'a' SELECT house, area FROM #r WHERE id < 3",
            &["2 rows", "az|21.00", "az|40.00", "2 rows"],
        ),
        (
            "UPDATE r SET area = v.area FROM #r AS r JOIN (VALUES (3, 7)) v(id, area) ON v.id = r.id SELECT area FROM #r WHERE id = 3",
            &["1 rows", "7.00", "1 rows"],
        ),
        (
            "DELETE FROM #r WHERE area IS NULL DELETE TOP (1) FROM #r SELECT COUNT(*) FROM #r",
            &["1 rows", "1 rows", "2", "1 rows"],
        ),
        ("DELETE r FROM #r AS r WHERE r.id > 1 SELECT id FROM #r", &["3 rows", "1", "1 rows"]),
        ("INSERT #r (house) OUTPUT inserted.id VALUES (N'n')", &["5", "1 rows"]),
        ("DELETE #r OUTPUT deleted.house WHERE id = 4", &["c", "1 rows"]),
        ("TRUNCATE TABLE #r INSERT #r (house) VALUES (N'x') SELECT id FROM #r", &["1 rows", "1", "1 rows"]),
        (
            "SELECT house, area INTO #copy FROM #r WHERE id < 3 SELECT * FROM #copy",
            &["2 rows", "a|10.50", "a|20.00", "2 rows"],
        ),
        (
            "INSERT #r (id, house) VALUES (1, N'x')",
            &[
                "error 544 16.1 line 3: Cannot insert explicit value for identity column in table '#r' when IDENTITY_INSERT is set to OFF.",
            ],
        ),
        (
            "SET IDENTITY_INSERT #r ON INSERT #r (id, house) VALUES (1, N'x') PRINT 'next'",
            &[
                "error 2627 14.1 line 3: Violation of PRIMARY KEY constraint 'PK__#r__3213E83F'. Cannot insert duplicate key in object '#r'. The duplicate key value is (1).",
                "print: next",
            ],
        ),
        (
            "INSERT #r (area) VALUES (1)",
            &[
                "error 515 16.2 line 3: Cannot insert the value NULL into column 'house', table '#r'; column does not allow nulls. INSERT fails.",
            ],
        ),
        (
            "INSERT #r (house) VALUES (N'12345678901')",
            &[
                "error 2628 16.1 line 3: String or binary data would be truncated in table '#r', column 'house'. Truncated value: '1234567890'.",
            ],
        ),
        (
            "INSERT #r VALUES (1)",
            &["error 213 16.1 line 3: Column name or number of supplied values does not match table definition."],
        ),
        ("SET NOCOUNT ON DELETE #r PRINT @@ROWCOUNT", &["print: 4"]),
        ("SET ROWCOUNT 2 SELECT id FROM #r", &["1", "2", "2 rows"]),
    ]);
}

#[test]
fn variables_tables_and_loops() {
    rooms(&[
        ("DECLARE @s nvarchar(20) = N'' SELECT @s = @s + house FROM #r ORDER BY id DESC PRINT @s", &["print: cbaa"]),
        (
            "DECLARE @n int, @m int = 5 SELECT @n = COUNT(*), @m += 1 FROM #r SET @n *= 2 SELECT @n, @m",
            &["8|6", "1 rows"],
        ),
        (
            "DECLARE @t TABLE (a int PRIMARY KEY, b int DEFAULT 7) INSERT @t (a) VALUES (1), (2) UPDATE @t SET b = 8 WHERE a = 2 SELECT * FROM @t",
            &["2 rows", "1 rows", "1|7", "2|8", "2 rows"],
        ),
        (
            "DECLARE @i int = 0 WHILE @i < 10 BEGIN SET @i += 1 IF @i = 2 CONTINUE IF @i > 3 BREAK PRINT @i END",
            &["print: 1", "print: 3"],
        ),
        ("IF 1 = 2 PRINT 'a' ELSE IF 1 = 1 BEGIN PRINT 'b' END ELSE PRINT 'c'", &["print: b"]),
        ("DECLARE @x int DECLARE @y varchar(2) = 'abc' SELECT @x, @y", &["NULL|ab", "1 rows"]),
        ("DROP TABLE #r SELECT * FROM #r", &["error 208 16.1 line 3: Invalid object name '#r'."]),
        (
            "DROP TABLE IF EXISTS #r, #none DROP TABLE #none",
            &[
                "error 3701 11.5 line 3: Cannot drop the table '#none', because it does not exist or you do not have permission.",
            ],
        ),
        (
            "CREATE TABLE #r (a int)",
            &["error 2714 16.6 line 3: There is already an object named '#r' in the database."],
        ),
        (
            "CREATE TABLE dbo.t (a int CHECK (a > 0)) INSERT dbo.t VALUES (0)",
            &[
                "error 547 16.0 line 3: The INSERT statement conflicted with the CHECK constraint \"CK__t__24927208\". The conflict occurred in table \"dbo.t\".",
            ],
        ),
        (
            "USE master SELECT DB_NAME() USE nowhere",
            &[
                "database master",
                "master",
                "1 rows",
                "error 911 16.1 line 3: Database 'nowhere' does not exist. Make sure that the name is entered correctly.",
            ],
        ),
    ]);
}

#[tokio::test]
async fn temporary_tables_are_a_sessions_own_and_others_are_everybodys() {
    let world = world();
    let (mut one, mut two) = (session(&world, "bill_ab"), session(&world, "master"));
    assert_eq!(
        batch(&mut one, "CREATE TABLE #t (a int) CREATE TABLE dbo.shared (a int) INSERT dbo.shared VALUES (5)").await,
        ["1 rows"]
    );
    assert_eq!(batch(&mut one, "SELECT COUNT(*) FROM #t").await, ["0", "1 rows"]);
    assert_eq!(batch(&mut two, "SELECT a FROM bill_ab.dbo.shared").await, ["5", "1 rows"]);
    assert_eq!(batch(&mut two, "SELECT * FROM #t").await, ["error 208 16.1 line 1: Invalid object name '#t'."]);
}

#[tokio::test]
async fn rows_for_measurements_are_described_unless_they_meet_other_sql() {
    let world = world();
    let mut session = session(&world, "");
    assert_eq!(
        batch(&mut session, "SELECT TOP (1000000) * FROM sandbox.rows").await,
        ["1000000 rows of 10 columns", "1000000 rows"]
    );
    assert_eq!(
        batch(&mut session, "SELECT TOP (5) name, id FROM sandbox.rows").await,
        ["5 rows of 2 columns", "5 rows"]
    );
    let found = batch(&mut session, "SELECT id, amount, name FROM sandbox.rows WHERE id IN (1, 3)").await;
    assert_eq!(found, ["1|0.99|Абонент 1", "3|-3.01|Абонент 3", "2 rows"]);
    let mut outs = Vec::new();
    session.batch("SELECT TOP (1) flag FROM sandbox.rows", &mut outs).await.unwrap();
    assert!(matches!(&outs[1], Out::Rows { count: 1, columns } if *columns == [8]), "{outs:?}");
}

#[test]
fn views_tell_what_there_is() {
    check(&[
        ("SELECT name FROM sys.databases WHERE database_id < 5", &["master", "tempdb", "model", "msdb", "4 rows"]),
        (
            "SELECT COUNT(*) FROM sys.procedures AS p JOIN sys.schemas s ON s.schema_id = p.schema_id WHERE s.name = 'crude'",
            &["20", "1 rows"],
        ),
        (
            "CREATE TABLE dbo.told (a int NOT NULL, b nvarchar(7))\nSELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'told'",
            &["a|int|NO|NULL", "b|nvarchar|YES|7", "2 rows"],
        ),
        (
            "SELECT session_id, login_name, host_name, program_name, status FROM sys.dm_exec_sessions",
            &["51|sa|desk|tests|running", "1 rows"],
        ),
        (
            "SELECT ROUTINE_NAME FROM INFORMATION_SCHEMA.ROUTINES WHERE ROUTINE_SCHEMA = 'heap' AND ROUTINE_NAME LIKE '%crude[_]meter'",
            &["sp_load_to_heap_from_crude_meter", "1 rows"],
        ),
        ("EXEC sp_who", &["51|0|running|sa|desk|0    |bill_ab|EXEC|0", "1 rows", "return 0"]),
        ("EXEC sp_tables @table_name = 'journal'", &["bill_ab|mng|journal|TABLE|NULL", "1 rows", "return 0"]),
    ]);
}
