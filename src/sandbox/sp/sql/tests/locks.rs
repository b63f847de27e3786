//! Who waits for whom: tables, locks of applications, deadlocks.

use std::time::Duration;

use super::super::{Parameter, Session, Value};
use super::{batch, call, session, world};

async fn soon(text: &str, session: &mut Session) -> Option<Vec<String>> {
    tokio::time::timeout(Duration::from_millis(200), batch(session, text)).await.ok()
}

#[tokio::test]
async fn a_second_writer_waits_for_the_first() {
    let world = world();
    let (mut one, mut two) = (session(&world, "bill_ab"), session(&world, "bill_ab"));
    batch(&mut one, "CREATE TABLE dbo.t (a int) INSERT dbo.t VALUES (1)").await;
    batch(&mut one, "BEGIN TRAN UPDATE dbo.t SET a = 2").await;
    assert_eq!(soon("UPDATE dbo.t SET a = 3", &mut two).await, None);
    two.interrupted();
    assert_eq!(batch(&mut two, "SELECT a FROM dbo.t WITH (NOLOCK)").await, ["2", "1 rows"]);
    let late = batch(&mut two, "SET LOCK_TIMEOUT 20 SELECT a FROM dbo.t PRINT 'next'").await;
    assert_eq!(late, ["error 1222 16.51 line 1: Lock request time out period exceeded.", "print: next"]);
    let waiting = batch(&mut two, "SET LOCK_TIMEOUT -1 UPDATE dbo.t SET a = a + 5");
    let (seen, waited) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let seen =
                batch(&mut one, "SELECT blocking_session_id FROM sys.dm_exec_requests WHERE session_id = 52").await;
            batch(&mut one, "COMMIT").await;
            seen
        },
        waiting
    );
    assert_eq!((seen, waited), (vec!["51".to_owned(), "1 rows".to_owned()], vec!["1 rows".to_owned()]));
    assert_eq!(batch(&mut one, "SELECT a FROM dbo.t").await, ["7", "1 rows"]);
}

#[tokio::test]
async fn two_who_wait_for_each_other_and_one_gives_way() {
    let world = world();
    let (mut one, mut two) = (session(&world, "bill_ab"), session(&world, "bill_ab"));
    batch(&mut one, "CREATE TABLE dbo.t (a int) CREATE TABLE dbo.u (a int)").await;
    batch(&mut one, "BEGIN TRAN INSERT dbo.t VALUES (1)").await;
    batch(&mut two, "BEGIN TRAN INSERT dbo.u VALUES (1)").await;
    let (waited, victim) = tokio::join!(batch(&mut one, "INSERT dbo.u VALUES (2) COMMIT"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        batch(&mut two, "INSERT dbo.t VALUES (2) PRINT 'no'").await
    });
    assert_eq!(waited, ["1 rows", "committed"]);
    assert!(victim[0].starts_with("error 1205 13.51 line 1: Transaction (Process ID 52) was deadlocked"), "{victim:?}");
    assert_eq!(victim[1..], ["rolled back"]);
    assert_eq!(
        batch(&mut two, "SELECT (SELECT COUNT(*) FROM dbo.t), (SELECT COUNT(*) FROM dbo.u)").await,
        ["1|1", "1 rows"]
    );
}

/// EXEC sp_getapplock and its return code.
async fn get(session: &mut Session, rest: &str) -> String {
    let text = format!("DECLARE @rc int EXEC @rc = sp_getapplock N'crude:meter', {rest} SELECT @rc");
    let told = batch(session, &text).await;
    told.get(told.len() - 2).cloned().unwrap_or_default()
}

#[tokio::test]
async fn locks_of_applications() {
    let world = world();
    let (mut one, mut two) = (session(&world, "bill_ab"), session(&world, "bill_ab"));
    assert_eq!(get(&mut one, "N'Exclusive', N'Session', 0").await, "0");
    assert_eq!(get(&mut one, "N'Exclusive', N'Session', 0").await, "0");
    assert_eq!(get(&mut two, "N'Shared', N'Session', 0").await, "-1");
    assert_eq!(get(&mut two, "N'Shared', N'Session', 30").await, "-1");
    assert_eq!(get(&mut two, "N'Shared', N'Transaction', 0").await, "-999");
    assert_eq!(get(&mut two, "N'Wrong', N'Session', 0").await, "-999");
    let holder = "SELECT l.request_mode, l.request_session_id, l.resource_description, s.login_name FROM sys.dm_tran_locks AS l \
                  JOIN sys.dm_exec_sessions AS s ON s.session_id = l.request_session_id WHERE l.resource_type = N'APPLICATION' \
                  AND l.resource_database_id = DB_ID() AND l.request_status = N'GRANT' AND CHARINDEX(N'[crude:meter]', l.resource_description) > 0";
    let found = batch(&mut two, holder).await;
    assert!(found[0].starts_with("X|51|0:[crude:meter]:(") && found[0].ends_with(")|sa"), "{found:?}");
    let modes = "SELECT APPLOCK_MODE(N'public', N'crude:meter', N'Session'), APPLOCK_TEST(N'public', N'crude:meter', N'Shared', N'Session')";
    assert_eq!(batch(&mut one, modes).await, ["Exclusive|1", "1 rows"]);
    assert_eq!(batch(&mut two, modes).await, ["NoLock|0", "1 rows"]);
    // Taken twice, given back twice.
    let release = || {
        vec![
            Parameter::new("@Resource", Value::text("crude:meter")),
            Parameter::new("@LockOwner", Value::text("Session")),
        ]
    };
    assert_eq!(call(&mut one, "sys.sp_releaseapplock", release()).await, ["return 0"]);
    assert_eq!(get(&mut two, "N'Shared', N'Session', 0").await, "-1");
    let (got, _) = tokio::join!(get(&mut two, "N'Shared', N'Session', 5000"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        call(&mut one, "sp_releaseapplock", release()).await
    });
    assert_eq!(got, "1");
    let refused = call(&mut one, "sp_releaseapplock", release()).await;
    assert!(refused[0].starts_with("error 1223") && refused[1] == "return -999", "{refused:?}");
    // Gone with the session, and with a reset.
    assert_eq!(get(&mut one, "N'Exclusive', N'Session', 0").await, "-1");
    two.reset(false);
    batch(&mut one, "BEGIN TRAN").await;
    assert_eq!(get(&mut one, "N'Exclusive', N'Transaction', 0").await, "0");
    assert_eq!(get(&mut two, "N'Exclusive', N'Session', 0").await, "-1");
    batch(&mut one, "COMMIT").await;
    assert_eq!(get(&mut two, "N'Exclusive', N'Session', 0").await, "0");
    two.left();
    assert_eq!(get(&mut one, "N'Update', N'Session', 0").await, "0");
}
