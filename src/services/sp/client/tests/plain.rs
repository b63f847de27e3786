//! Plain SQL over kept connections.

use super::*;

#[tokio::test]
async fn connections_are_kept_while_nothing_is_left_in_them() {
    let server = server(|_| ()).await;
    let sql = sql(&server, &[]);
    let place = sql.way().place().unwrap();
    for (request, kept) in [
        (text("SELECT 1", &[]), 1),
        (text("SELECT 2", &[]), 1),
        (text("BEGIN TRANSACTION", &[]), 0),
        (text("SELECT 1", &[]), 1),
        (Request::Batch("SELECT 1".into()), 0),
    ] {
        query(&sql, request.clone()).await.unwrap();
        assert_eq!(sql.pool().at_rest(&place), kept, "{request:?}");
    }
    assert!(server.hub().calls().len() >= 5);
}

#[tokio::test]
async fn at_most_so_many_connections_stand_at_once() {
    let server = server(|_| ()).await;
    let sql = sql(&server, &[("max_connections", Given::Integer(2))]);
    let jobs = (0..6).map(|_| query(&sql, text("WAITFOR DELAY '00:00:00.050'; SELECT 1", &[])));
    let watch = async {
        let mut most = 0;
        for _ in 0..40 {
            most = most.max(server.hub().clients().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        most
    };
    let (done, most) = tokio::join!(futures_util::future::join_all(jobs), watch);
    assert!(done.iter().all(Result::is_ok));
    assert!((1..=2).contains(&most), "{most}");
    let place = sql.way().place().unwrap();
    let other = Place { database: Some("hcs".into()), ..place.clone() };
    for place in [&place, &other, &other] {
        sql.query(&Call::default(), place, text("SELECT 1", &[]), &How::default()).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(server.hub().clients().len() <= 2);
}

#[tokio::test]
async fn a_connection_that_was_lost_at_rest_is_replaced_for_reading() {
    let server = server(|_| ()).await;
    let sql = sql(&server, &[]);
    query(&sql, text("SELECT 1", &[])).await.unwrap();
    server.hub().drop_connections();
    assert_eq!(query(&sql, text("SELECT 2 AS n", &[])).await.unwrap().sets[0].len(), 1);
    server.hub().drop_connections();
    let error = query(&sql, text("UPDATE dbo.t SET a = 1", &[])).await.unwrap_err();
    assert!(["sp.lost", "sp.208"].contains(&error.code()), "{error:?}");
}

#[tokio::test]
async fn what_takes_too_long_is_ended_at_the_server() {
    let server = server(|_| ()).await;
    let sql = sql(&server, &[]);
    let how = How { timeout: Some(Duration::from_millis(100)) };
    let error = query_how(&sql, text("WAITFOR DELAY '00:01:00'", &[]), &how).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("sp.timeout", Kind::Timeout));
    assert_eq!(sql.pool().at_rest(&sql.way().place().unwrap()), 1, "the connection is as good as before");
    query(&sql, text("SELECT 1", &[])).await.unwrap();
    assert_eq!(server.hub().clients().len(), 1);
}

#[tokio::test]
async fn what_is_given_up_is_ended_at_the_server() {
    let server = server(|_| ()).await;
    let sql = sql(&server, &[]);
    let (place, call) = (sql.way().place().unwrap(), Call::default());
    let how = How::default();
    let job = sql.query(&call, &place, text("WAITFOR DELAY '00:01:00'", &[]), &how);
    assert!(tokio::time::timeout(Duration::from_millis(300), job).await.is_err());
    call.leave().await;
    assert_eq!(sql.pool().at_rest(&place), 1);
}

#[tokio::test]
async fn what_may_change_something_is_refused_where_nothing_may_be_changed() {
    let server = server(|_| ()).await;
    let sql = sql(&server, &[("read_only", Given::Flag(true))]);
    assert!(sql.way().place().unwrap().read_only);
    for request in [
        Request::Batch("SELECT 1".into()),
        text("SELECT 1 DELETE FROM t", &[]),
        Request::Procedure { name: "dbo.p".into(), params: vec![] },
    ] {
        let error = query(&sql, request).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("sp.read_only", Kind::Refused));
    }
    assert!(server.hub().calls().is_empty());
    query(&sql, text("SELECT 1", &[])).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_tells_of_changes_and_sends_what_reads() {
    let server = server(|_| ()).await;
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = told.clone();
    let would: Box<Would> = Box::new(move |line: &str| log.lock().unwrap().push(line.to_owned()));
    let sql = Sql::open(&settings(&server, &[]), &context(Some(would)), Arc::new(Tds)).unwrap();
    let call =
        Request::Procedure { name: "dbo.p".into(), params: vec![param("code", Value::Text("0c06".into()), false)] };
    assert!(query(&sql, call).await.unwrap().sets.is_empty());
    query(&sql, text("UPDATE t SET a = @a", &[("a", Value::Integer(1))])).await.unwrap();
    assert_eq!(query(&sql, text("SELECT 1", &[])).await.unwrap().sets.len(), 1);
    assert_eq!(
        *told.lock().unwrap(),
        ["would send: sp: EXECUTE dbo.p @code = N'0c06'", "would send: sp: UPDATE t SET a = @a [@a = 1]"]
    );
}

#[tokio::test]
async fn a_stream_holds_the_server_back_and_leaves_nothing_behind() {
    let server = server(|_| ()).await;
    let sql = sql(&server, &[]);
    let place = sql.way().place().unwrap();
    let mut stream = sql.stream(&place, text("SELECT TOP (100000) * FROM sandbox.rows", &[]), &How::default()).unwrap();
    for _ in 0..10 {
        stream.next().await.unwrap().unwrap();
    }
    drop(stream);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.hub().clients().len(), 0, "the server was told by the end of the connection");
    let mut stream = sql.stream(&place, text("SELECT TOP (5000) * FROM sandbox.rows", &[]), &How::default()).unwrap();
    let mut count = 0;
    while let Some(row) = stream.next().await {
        row.unwrap();
        count += 1;
    }
    assert_eq!(count, 5000);
    let mut stream = sql.stream(&place, text("SELECT 1 AS a; SELECT 2 AS b", &[]), &How::default()).unwrap();
    stream.next().await.unwrap().unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap_err().code(), "sp.several_sets");
}

#[tokio::test]
async fn the_words_of_the_server_before_an_error_are_in_the_error() {
    let server = server(|_| ()).await;
    let error =
        query(&sql(&server, &[]), Request::Batch("PRINT 'step 1'; RAISERROR('no', 16, 1)".into())).await.unwrap_err();
    let said = error.details().iter().find(|(name, _)| *name == "messages").map(|(_, value)| value.to_string());
    assert_eq!(said.as_deref(), Some("[\"step 1\"]"));
}

#[tokio::test]
async fn an_empty_result_has_columns() {
    let server = server(|_| ()).await;
    let outcome = query(&sql(&server, &[]), text("SELECT 1 AS a, 2 AS b WHERE 1 = 0", &[])).await.unwrap();
    let columns: Vec<&str> = outcome.sets[0].columns().iter().map(AsRef::as_ref).collect();
    assert_eq!((outcome.sets[0].len(), columns), (0, vec!["a", "b"]));
}

#[tokio::test]
async fn a_batch_that_talks_too_much_is_cut_short() {
    let server = server(|_| {}).await;
    let loud = "DECLARE @i int = 0; WHILE @i < 3000 BEGIN PRINT 'again'; SET @i = @i + 1 END";
    let outcome = query(&sql(&server, &[]), Request::Batch(loud.into())).await.unwrap();
    assert_eq!(outcome.messages.len(), 2001);
    assert_eq!(outcome.messages[2000].text, "… what the server says from here on is not kept");
}
