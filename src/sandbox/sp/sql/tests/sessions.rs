//! The schema `sandbox`, and options of sessions.

use super::super::Session;
use super::{batch, check, session, world};

#[tokio::test]
async fn switches_are_read_and_changed_by_a_procedure() {
    let world = world();
    let mut session = session(&world, "hcs");
    let found =
        batch(&mut session, "EXEC sandbox.knobs @changes = N'{\"latency_ms\": 5, \"hang\": {\"next\": 2}}'").await;
    assert!(found[0].contains("\"latency_ms\":5.0") && found[0].contains("\"user\":\"sa\""), "{found:?}");
    assert_eq!(world.hub.knobs().hang.next, 2);
    let found = batch(&mut session, "EXEC sandbox.knobs N'{\"nothing\": 1}'").await;
    assert!(found[0].starts_with("error 50000 16.1 in sandbox.knobs") && found[0].contains("nothing"), "{found:?}");
    let found = batch(&mut session, "EXEC sandbox.sessions").await;
    assert!(found[0].starts_with("51|sa|hcs|desk|tests|0|"), "{found:?}");
    assert_eq!(batch(&mut session, "EXEC sandbox.forget EXEC sandbox.calls").await, ["return 0", "0 rows", "return 0"]);
    assert_eq!(batch(&mut session, "EXEC sandbox.drop_connections").await, ["stop Disconnect"]);
}

#[test]
fn a_database_that_is_not_there_lets_nobody_in() {
    let refused = Session::new(world(), 60, "sa", "nowhere").err().map(|said| (said.number, said.severity));
    assert_eq!(refused, Some((4060, 11)));
}

#[test]
fn options() {
    check(&[
        (
            "SET LANGUAGE British PRINT @@LANGUAGE SELECT MONTH('02.01.2019')",
            &[
                "language British",
                "info 5703 0.1: Changed language setting to British.",
                "print: British",
                "1",
                "1 rows",
            ],
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE SELECT transaction_isolation_level FROM sys.dm_exec_sessions",
            &["4", "1 rows"],
        ),
        ("SET ANSI_NULLS, QUOTED_IDENTIFIER OFF PRINT SESSIONPROPERTY('ANSI_NULLS')", &["print: 0"]),
        ("SET TEXTSIZE 100 SET LOCK_TIMEOUT 50 SELECT @@TEXTSIZE, @@LOCK_TIMEOUT", &["100|50", "1 rows"]),
        ("SET NOTHING ON", &["error 195 15.5 line 1: 'NOTHING' is not a recognized SET option."]),
        ("SET CONTEXT_INFO 0x0102 SELECT CONTEXT_INFO()", &["0x0102", "1 rows"]),
    ]);
}
