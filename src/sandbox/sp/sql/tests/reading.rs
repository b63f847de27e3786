//! Reading: nothing that a client sends makes the reader panic, hang or run out of stack.

use proptest::prelude::*;

use super::super::parse;
use super::{batch, session, world};

/// Pieces of which almost-T-SQL is made.
const PIECES: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "(",
    ")",
    "*",
    ",",
    "'a'",
    "N'ж'",
    "@x",
    "@@ERROR",
    "1",
    "1.5",
    "0xA",
    "$3",
    "BEGIN",
    "END",
    "TRY",
    "CATCH",
    "IF",
    "ELSE",
    "WHILE",
    "CREATE",
    "TABLE",
    "PROCEDURE",
    "AS",
    "EXEC",
    "INSERT",
    "INTO",
    "VALUES",
    "SET",
    "=",
    "+",
    "-",
    "CASE",
    "WHEN",
    "THEN",
    "NOT",
    "NULL",
    "IN",
    "EXISTS",
    "CAST",
    "int",
    "nvarchar",
    "max",
    "[q]",
    "\"d\"",
    "--c\n",
    "/*",
    "*/",
    ";",
    "UNION",
    "JOIN",
    "ON",
    "ORDER",
    "BY",
    "TOP",
    "OVER",
    "WITH",
    ".",
    "BREAK",
    "RETURN",
    "THROW",
    "RAISERROR",
];

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = parse::batch(&text, true);
        let _ = parse::formals(&text);
        let _ = parse::name(&text);
    }

    #[test]
    fn any_pieces_are_read_or_refused(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        let _ = parse::batch(&pieces.join(" "), false);
    }
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let deep = [
        format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("SELECT {}1", "- ".repeat(100_000)),
        format!("SELECT 1 WHERE {}1 = 1", "NOT (".repeat(5000)),
        format!("{}PRINT 1", "BEGIN ".repeat(100_000)),
        format!("{}PRINT 1", "WHILE 1 = 1 ".repeat(100_000)),
        format!("SELECT {}", "CASE WHEN 1 = ".repeat(5000)),
        format!("SELECT * FROM {}", "(SELECT * FROM ".repeat(5000)),
    ];
    for text in deep {
        assert_eq!(parse::batch(&text, true).unwrap_err().number, 191, "{}", &text[..40]);
    }
}

#[tokio::test]
async fn what_is_long_but_flat_is_fine() {
    let world = world();
    let mut session = session(&world, "");
    let sum = format!("SELECT {}0", "1 + ".repeat(20_000));
    assert_eq!(batch(&mut session, &sum).await, ["20000", "1 rows"]);
    let any = format!("SELECT 1 WHERE {}1 = 1", "1 = 2 OR ".repeat(20_000));
    assert_eq!(batch(&mut session, &any).await, ["1", "1 rows"]);
    let nested = format!("SELECT {}1{}", "(1 + ".repeat(40), ")".repeat(40));
    assert_eq!(batch(&mut session, &nested).await, ["41", "1 rows"]);
    let queries = format!("SELECT {}1{}", "(SELECT ".repeat(24), ")".repeat(24));
    assert_eq!(batch(&mut session, &queries).await, ["1", "1 rows"]);
    let chosen = format!(
        "DECLARE @x int = 999 {} PRINT 'none'",
        (0..1000).map(|n| format!("IF @x = {n} PRINT {n} ELSE ")).collect::<String>()
    );
    assert_eq!(batch(&mut session, &chosen).await, ["print: 999"]);
    let comments = "/* a /* b */ c */ SELECT 1 -- end";
    assert_eq!(batch(&mut session, comments).await, ["1", "1 rows"]);
}

#[tokio::test]
async fn memory_and_time_have_an_end() {
    let world = world();
    let mut session = session(&world, "");
    let found =
        batch(&mut session, "SELECT LEN(REPLICATE(REPLICATE(CAST('a' AS varchar(max)), 8000) + 'b', 100000))").await;
    assert!(found[0].starts_with("error 701"), "{found:?}");
    let grows = "DECLARE @s varchar(max) = REPLICATE('a', 8000) WHILE 1 = 1 SET @s = @s + @s";
    assert!(batch(&mut session, grows).await[0].starts_with("error 701"));
    let mut outs = Vec::new();
    let endless = session.batch("WHILE 1 = 1 SET NOCOUNT ON", &mut outs);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(100), endless).await.is_err());
    session.interrupted();
    // NOCOUNT was set by the batch itself, and stays.
    assert_eq!(batch(&mut session, "SELECT 1").await, ["1"]);
}
