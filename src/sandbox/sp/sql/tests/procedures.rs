//! Procedures: their parameters, results, return codes; texts with parameters.

use super::super::{Parameter, Type, Value};
use super::{batch, call, check, session, told, world};

const ADD: &str = "CREATE PROCEDURE dbo.add_up @a int, @b int = 10, @sum int OUTPUT AS
BEGIN
  SET NOCOUNT ON
  SET @sum = @a + @b
  SELECT @a AS a, @b AS b
  RETURN 3
END";

#[tokio::test]
async fn a_procedure_takes_parameters_and_gives_results() {
    let world = world();
    let mut session = session(&world, "bill_ab");
    assert_eq!(batch(&mut session, ADD).await, [""; 0]);
    let cases: &[(&str, &[&str])] = &[
        (
            "DECLARE @s int, @rc int EXEC @rc = add_up 1, 2, @s OUTPUT SELECT @s, @rc",
            &["1|2", "return 3", "3|3", "1 rows"],
        ),
        ("DECLARE @s int EXEC dbo.add_up @sum = @s OUT, @a = 5 SELECT @s", &["5|10", "return 3", "15", "1 rows"]),
        (
            "DECLARE @s int EXEC bill_ab.dbo.add_up 1, DEFAULT, @s OUTPUT SELECT @s",
            &["1|10", "return 3", "11", "1 rows"],
        ),
        ("DECLARE @name sysname = N'add_up', @s int EXEC @name 1, 1, @s", &["1|1", "return 3"]),
        (
            "EXEC add_up 1",
            &[
                "error 201 16.4 in add_up line 0: Procedure or function 'add_up' expects parameter '@sum', which was not supplied.",
            ],
        ),
        (
            "EXEC add_up @wrong = 1",
            &["error 8145 16.2 in add_up line 0: @wrong is not a parameter for procedure add_up."],
        ),
        (
            "EXEC add_up 1, 2, 3, 4",
            &["error 8144 16.2 in add_up line 0: Procedure or function add_up has too many arguments specified."],
        ),
        ("EXEC add_up 'x', 2, 3", &["error 8114 16.5 in add_up line 0: Error converting data type varchar to int."]),
        (
            "EXEC add_up @a = 1, 2",
            &[
                "error 119 15.1 line 1: Must pass parameter number 2 and subsequent parameters as '@name = value'. After the form '@name = value' has been used, all subsequent parameters must be passed in the form '@name = value'.",
            ],
        ),
        (
            "CREATE TABLE #t (a int, b int) INSERT #t EXEC add_up 7, 8, NULL SELECT * FROM #t",
            &["1 rows", "7|8", "1 rows"],
        ),
        ("add_up 1, 2, 3", &["1|2", "return 3"]),
    ];
    for (statements, wanted) in cases {
        assert_eq!(batch(&mut session, statements).await, *wanted, "{statements}");
    }
    assert_eq!(
        batch(&mut session, ADD).await,
        ["error 2714 16.6 line 1: There is already an object named 'add_up' in the database."]
    );
    let altered = ADD.replace("CREATE", "CREATE OR ALTER").replace("RETURN 3", "RETURN 4");
    assert_eq!(batch(&mut session, &altered).await, [""; 0]);
    assert_eq!(batch(&mut session, "EXEC add_up 1, 2, 3").await, ["1|2", "return 4"]);
    assert_eq!(
        batch(&mut session, "DROP PROCEDURE dbo.add_up EXEC add_up").await,
        ["error 2812 16.62 line 1: Could not find stored procedure 'add_up'."]
    );
}

#[tokio::test]
async fn a_client_calls_by_name_and_gets_output_values() {
    let world = world();
    let mut session = session(&world, "bill_ab");
    batch(&mut session, ADD).await;
    let out = Parameter { output: true, ..Parameter::new("@sum", Value::Int(0)) };
    let given = vec![Parameter::new("@a", Value::Int(4)), out];
    assert_eq!(call(&mut session, "dbo.add_up", given).await, ["4|10", "return 3", "out @sum = 14"]);
    let found = call(&mut session, "[bill_ab].[dbo].[add_up]", vec![Parameter::new("", Value::Int(4))]).await;
    assert_eq!(
        found,
        [
            "error 201 16.4 in add_up line 0: Procedure or function 'add_up' expects parameter '@sum', which was not supplied."
        ]
    );
    assert_eq!(
        call(&mut session, "dbo.none", Vec::new()).await,
        ["error 2812 16.62 line 1: Could not find stored procedure 'dbo.none'."]
    );
}

#[tokio::test]
async fn a_text_with_parameters_is_a_scope_of_its_own() {
    let world = world();
    let mut session = session(&world, "bill_ab");
    let mut outs = Vec::new();
    let given = vec![
        Parameter::new("@P1", Value::text("0c06")),
        Parameter { output: true, kind: Type::Int, ..Parameter::new("@P2", Value::Int(1)) },
    ];
    let text = "SET FORCEPLAN ON SET DATEFORMAT dmy SET @P2 = @P2 + 41 SELECT @P1, @@NESTLEVEL";
    session.execute_sql(text, "@P1 nvarchar(4000), @P2 int OUTPUT", given, &mut outs).await.unwrap();
    assert_eq!(told(&outs), ["0c06|1", "1 rows", "return 0", "out @P2 = 42"]);
    assert_eq!(batch(&mut session, "SELECT MONTH('02.01.2019')").await, ["2", "1 rows"]);
    let mut outs = Vec::new();
    session.execute_sql("SELECT FROM", "", Vec::new(), &mut outs).await.unwrap();
    assert_eq!(told(&outs), ["error 156 15.1 line 1: Incorrect syntax near the keyword 'FROM'."]);
}

#[test]
fn texts_are_executed() {
    check(&[
        ("EXEC('SELECT 1 PRINT ''x''')", &["1", "1 rows", "print: x"]),
        (
            "DECLARE @t nvarchar(50) = N'SELECT @a * 2' EXEC sp_executesql @t, N'@a int', @a = 21",
            &["42", "1 rows", "return 0"],
        ),
        (
            "DECLARE @n int EXEC sp_executesql N'SET @n = 5', N'@n int OUTPUT', @n OUTPUT SELECT @n",
            &["return 0", "5", "1 rows"],
        ),
        (
            "EXEC sp_executesql 'SELECT 1'",
            &[
                "error 214 16.2 in sp_executesql line 1: Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.",
            ],
        ),
        (
            "EXEC('USE master SELECT DB_NAME()') SELECT DB_NAME()",
            &["database master", "master", "1 rows", "database bill_ab", "bill_ab", "1 rows"],
        ),
        ("EXEC('CREATE TABLE #x (a int)') SELECT * FROM #x", &["error 208 16.1 line 1: Invalid object name '#x'."]),
        (
            "DECLARE @pult_return int; SET FORCEPLAN ON; EXECUTE @pult_return = [sys].[sp_who]; SET FORCEPLAN OFF; SELECT @pult_return AS pult_return;",
            &["51|0|running|sa|desk|0    |bill_ab|DECLARE|0", "1 rows", "return 0", "0", "1 rows"],
        ),
    ]);
}

#[tokio::test]
async fn errors_name_the_procedure_and_its_line_and_nesting_ends() {
    let world = world();
    let mut session = session(&world, "bill_ab");
    batch(&mut session, "CREATE PROCEDURE fails AS\nPRINT 'a'\nSELECT 1/0\nPRINT 'b'\nRAISERROR('own', 16, 2)").await;
    let found = batch(&mut session, "EXEC fails").await;
    let wanted = [
        "print: a",
        "error 8134 16.1 in fails line 3: Divide by zero error encountered.",
        "print: b",
        "error 50000 16.2 in fails line 5: own",
        "return 0",
    ];
    assert_eq!(found, wanted);
    let found = batch(&mut session, "BEGIN TRY EXEC fails END TRY BEGIN CATCH PRINT ERROR_PROCEDURE() END CATCH").await;
    assert_eq!(found.last().map(String::as_str), Some("print: fails"));
    batch(&mut session, "CREATE PROCEDURE deep AS EXEC deep").await;
    let found = batch(&mut session, "EXEC deep PRINT 'no'").await;
    assert_eq!(
        found,
        [
            "error 217 16.1 in deep line 1: Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32)."
        ]
    );
}
