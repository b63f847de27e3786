//! Transactions: what is rolled back, and what the client is told.

use super::{batch, check, session, world};

const TABLE: &str = "CREATE TABLE #t (a int) INSERT #t VALUES (1)\n";

#[test]
fn changes_are_taken_back() {
    let cases: &[(&str, &[&str])] = &[
        (
            "BEGIN TRAN INSERT #t VALUES (2) ROLLBACK SELECT a FROM #t",
            &["began", "1 rows", "rolled back", "1", "1 rows"],
        ),
        (
            "BEGIN TRAN INSERT #t VALUES (2) COMMIT SELECT COUNT(*) FROM #t",
            &["began", "1 rows", "committed", "2", "1 rows"],
        ),
        (
            "BEGIN TRAN BEGIN TRAN PRINT @@TRANCOUNT COMMIT PRINT @@TRANCOUNT ROLLBACK PRINT @@TRANCOUNT",
            &["began", "print: 2", "print: 1", "rolled back", "print: 0"],
        ),
        (
            "BEGIN TRAN SAVE TRAN here DELETE #t ROLLBACK TRAN here SELECT a FROM #t COMMIT",
            &["began", "1 rows", "1", "1 rows", "committed"],
        ),
        (
            "BEGIN TRAN CREATE TABLE dbo.x (a int) DROP TABLE #t ROLLBACK SELECT OBJECT_ID('dbo.x') SELECT a FROM #t",
            &["began", "rolled back", "NULL", "1 rows", "1", "1 rows"],
        ),
        (
            "BEGIN TRAN DELETE #t SELECT CAST('x' AS int)",
            &[
                "began",
                "1 rows",
                "error 245 16.1 line 2: Conversion failed when converting the varchar value 'x' to data type int.",
                "rolled back",
            ],
        ),
        (
            "BEGIN TRAN BEGIN TRY SELECT CAST('x' AS int) END TRY BEGIN CATCH PRINT XACT_STATE() END CATCH COMMIT",
            &[
                "began",
                "0 rows",
                "print: -1",
                "error 3930 16.1 line 2: The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.",
                "error 3998 16.1 line 1: Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.",
                "rolled back",
            ],
        ),
        ("COMMIT", &["error 3902 16.1 line 2: The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."]),
        (
            "ROLLBACK",
            &["error 3903 16.1 line 2: The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."],
        ),
        (
            "SET IMPLICIT_TRANSACTIONS ON DELETE #t PRINT @@TRANCOUNT ROLLBACK",
            &["began", "1 rows", "print: 1", "rolled back"],
        ),
    ];
    let texts: Vec<String> = cases.iter().map(|(text, _)| format!("{TABLE}{text}")).collect();
    let answers: Vec<Vec<&str>> = cases.iter().map(|(_, answers)| [&["1 rows"], *answers].concat()).collect();
    let whole: Vec<(&str, &[&str])> =
        texts.iter().zip(&answers).map(|(text, answers)| (text.as_str(), &answers[..])).collect();
    check(&whole);
}

#[tokio::test]
async fn a_client_that_goes_leaves_nothing_and_a_reset_begins_anew() {
    let world = world();
    let (mut one, mut two) = (session(&world, "bill_ab"), session(&world, "bill_ab"));
    batch(&mut one, "CREATE TABLE dbo.t (a int)").await;
    batch(&mut one, "BEGIN TRAN INSERT dbo.t VALUES (1)").await;
    one.left();
    assert_eq!(batch(&mut two, "SELECT COUNT(*) FROM dbo.t").await, ["0", "1 rows"]);
    let mut outs = Vec::new();
    two.begin(4, "", &mut outs).await.unwrap();
    batch(&mut two, "SET DATEFORMAT dmy CREATE TABLE #x (a int) INSERT dbo.t VALUES (1)").await;
    two.reset(false);
    assert_eq!(two.transaction(), 0);
    assert_eq!(batch(&mut two, "SELECT COUNT(*), MONTH('02.01.2019') FROM dbo.t").await, ["0|2", "1 rows"]);
    two.commit("", &mut outs).await.unwrap();
    assert!(format!("{:?}", outs.last()).contains("3902"), "{outs:?}");
}

#[tokio::test]
async fn an_attention_leaves_the_transaction_open_unless_xact_abort_is_on() {
    let world = world();
    let mut session = session(&world, "bill_ab");
    for (option, open) in [("OFF", true), ("ON", false)] {
        let text = format!("SET XACT_ABORT {option} BEGIN TRAN EXEC('SET LANGUAGE British WAITFOR DELAY ''01:00''')");
        let mut outs = Vec::new();
        tokio::select! {
            _ = session.batch(&text, &mut outs) => panic!("it waits for an hour"),
            () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {}
        }
        session.interrupted();
        assert_eq!(session.transaction() != 0, open, "XACT_ABORT {option}");
        assert_eq!(batch(&mut session, "SELECT @@LANGUAGE, @@NESTLEVEL").await, ["us_english|0", "1 rows"]);
        session.reset(false);
    }
}
