//! The driver itself.

use super::*;

#[tokio::test]
async fn every_way_of_encryption_leads_to_a_session() {
    for (offered, ways) in [
        (Encryption::Off, &[Encrypt::Off, Encrypt::On, Encrypt::Strict][..]),
        (Encryption::Login, &[Encrypt::Off, Encrypt::Login, Encrypt::On, Encrypt::Required, Encrypt::Strict]),
        (Encryption::Required, &[Encrypt::Login, Encrypt::On, Encrypt::Required, Encrypt::Strict]),
    ] {
        let server = server(|knobs| knobs.encryption = offered).await;
        for encrypt in ways {
            let place = Place { encrypt: *encrypt, ..place(&server) };
            let mut connection = Tds.connect(&place).await.unwrap_or_else(|e| panic!("{offered:?} {encrypt:?}: {e:?}"));
            let (seen, error) = all(connection.as_mut(), &text("SELECT 1 AS one", &[])).await;
            assert_eq!((seen, error.is_none()), (vec!["columns one".into(), "rows 1".into()], true));
        }
    }
}

#[tokio::test]
async fn what_keeps_a_session_from_coming_about_says_what_to_do() {
    let server = server(|knobs| knobs.encryption = Encryption::Off).await;
    let good = place(&server);
    let user = |user: &str| Login::User { user: user.into(), password: Secret::new("wrong-word") };
    for (place, code, kind, hint) in [
        (
            Place { login: user("sa"), encrypt: Encrypt::Off, ..good.clone() },
            "sp.18456",
            Kind::Auth,
            "`user` and `password`",
        ),
        (
            Place { database: Some("nowhere".into()), encrypt: Encrypt::Off, ..good.clone() },
            "sp.4060",
            Kind::Auth,
            "name of the database",
        ),
        (Place { encrypt: Encrypt::Required, ..good.clone() }, "sp.encryption", Kind::Refused, "`encrypt = \"login\"`"),
        (Place { port: Some(1), ..good.clone() }, "sp.unreachable", Kind::Unavailable, "check the port"),
        (
            Place { encrypt: Encrypt::Strict, trust: Trust::System, ..good.clone() },
            "sp.certificate",
            Kind::Unavailable,
            "`ca`",
        ),
    ] {
        let error = Tds.connect(&place).await.err().unwrap();
        assert_eq!((error.code(), error.kind()), (code, kind), "{error:?}");
        assert!(error.hint_text().unwrap().contains(hint), "{error:?}");
        assert!(!error.message().contains("wrong-word") && !error.message().contains("Config::"), "{error:?}");
    }
}

#[tokio::test]
async fn a_port_where_something_else_listens_is_told_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = Place {
        host: "127.0.0.1".into(),
        port: Some(listener.local_addr().unwrap().port()),
        connect_timeout: Duration::from_millis(200),
        ..place(&server(|_| ()).await)
    };
    let error = Tds.connect(&silent).await.err().unwrap();
    assert_eq!((error.code(), error.may_retry()), ("sp.unreachable", Retry::Safe));
    assert!(error.message().ends_with("it does not answer"), "{error:?}");
    let answering = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = Tds.connect(&Place { connect_timeout: Duration::from_secs(5), ..silent }).await.err().unwrap();
    assert!(["sp.protocol", "sp.unreachable"].contains(&error.code()), "{error:?}");
    answering.abort();
}

#[tokio::test]
async fn a_procedure_gives_sets_messages_out_values_and_its_code_in_order() {
    let server = server(|_| ()).await;
    let mut connection = Tds.connect(&place(&server)).await.unwrap();
    let made = Request::Batch(
        "CREATE PROCEDURE dbo.tells @a int, @b nvarchar(20) = NULL, @sum decimal(18, 2) OUTPUT, @word nvarchar(20) OUTPUT AS BEGIN
            PRINT N'начало';
            SELECT @a AS a, @b AS b, 1;
            SET @sum = @a + 0.25;
            SET @word = @word + N'!';
            SELECT 2 AS c WHERE 1 = 0;
            RAISERROR('nearly', 0, 1) WITH NOWAIT;
            RETURN -3;
        END"
        .into(),
    );
    let (_, error) = all(connection.as_mut(), &made).await;
    assert!(error.is_none(), "{error:?}");
    let call = Request::Procedure {
        name: "dbo.tells".into(),
        params: vec![
            param("a", Value::Integer(2), false),
            param("b", Value::Text("два".into()), false),
            param("sum", Value::Decimal("0".into()), true),
            param("word", Value::Text("да".into()), true),
        ],
    };
    let (seen, error) = all(connection.as_mut(), &call).await;
    assert!(error.is_none(), "{error:?}");
    let (mut outs, rest): (Vec<String>, Vec<String>) = seen.into_iter().partition(|event| event.starts_with("out"));
    outs.sort();
    // A server may convert an exact number to the text as which it was asked for; the digits are the same.
    assert_eq!(
        outs.iter().map(|out| out.replace("Decimal", "Text")).collect::<Vec<_>>(),
        ["out sum Text(\"2.25\")", "out word Text(\"да!\")"]
    );
    assert_eq!(
        rest,
        ["message начало", "columns a b column_3", "rows 2,два,1", "columns c", "message nearly", "returned -3"]
    );
    assert!(connection.is_clean());
}

#[tokio::test]
async fn what_precedes_an_error_is_told_and_the_session_goes_on() {
    let server = server(|_| ()).await;
    let mut connection = Tds.connect(&place(&server)).await.unwrap();
    let failing =
        Request::Batch("SELECT 7 AS n; PRINT 'still here'; RAISERROR(N'не сошлось', 16, 3); SELECT 8 AS n".into());
    let (seen, error) = all(connection.as_mut(), &failing).await;
    assert_eq!(seen, ["columns n", "rows 7", "message still here", "columns n", "rows 8"]);
    let error = error.unwrap();
    assert_eq!((error.code(), error.message()), ("sp.50000", "не сошлось"));
    assert!(error.details().iter().any(|(name, value)| *name == "state" && *value == 3));
    let (seen, error) = all(connection.as_mut(), &text("SELECT 1 AS one", &[])).await;
    assert_eq!((seen.len(), error.is_none()), (2, true));
}

#[tokio::test]
async fn a_batch_counts_what_its_statements_touched_and_settings_last() {
    let server = server(|_| ()).await;
    let mut connection = Tds.connect(&place(&server)).await.unwrap();
    let batch = Request::Batch(
        "CREATE TABLE #t (id int NOT NULL, name nvarchar(20) NULL);
         INSERT INTO #t VALUES (1, N'раз'), (2, NULL), (3, N'три');
         UPDATE #t SET name = N'?' WHERE id > 1;
         DELETE FROM #t WHERE id = 9;
         SELECT id, name FROM #t ORDER BY id;"
            .into(),
    );
    let (seen, error) = all(connection.as_mut(), &batch).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["affected 3", "affected 2", "columns id name", "rows 1,раз 2,? 3,?"]);
    let (seen, error) = all(connection.as_mut(), &Request::Batch("SELECT COUNT(*) AS n FROM #t".into())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(seen, ["columns n", "rows 3"]);
}

#[tokio::test]
async fn messages_come_while_the_server_still_works() {
    let server = server(|_| ()).await;
    let mut connection = Tds.connect(&place(&server)).await.unwrap();
    for request in [
        Request::Batch("RAISERROR('now', 0, 1) WITH NOWAIT; WAITFOR DELAY '00:01:00'".into()),
        text("RAISERROR('now', 0, 1) WITH NOWAIT; WAITFOR DELAY '00:01:00'", &[]),
    ] {
        let mut answer = connection.run(&request).await.unwrap();
        let first = tokio::time::timeout(Duration::from_secs(20), answer.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(shown(&first), "message now");
        assert!(tokio::time::timeout(Duration::from_millis(50), answer.next()).await.is_err());
        drop(answer);
        assert!(!connection.is_clean());
        connection.cancel().await.unwrap();
        assert!(connection.is_clean());
    }
    let (seen, _) = all(connection.as_mut(), &text("SELECT 2 AS two", &[])).await;
    assert_eq!(seen, ["columns two", "rows 2"]);
}

#[tokio::test]
async fn parameters_keep_their_names_and_their_values() {
    let server = server(|_| ()).await;
    let mut connection = Tds.connect(&place(&server)).await.unwrap();
    let long = "ж".repeat(5000);
    let moment = jiff::civil::date(2019, 7, 12).at(15, 43, 9, 943_000_100);
    let params = [
        ("flag", Value::Flag(true), "true"),
        ("n", Value::Integer(-7), "-7"),
        ("big", Value::Integer(1 << 60), "1152921504606846976"),
        ("x", Value::Number(0.1), "0.1"),
        ("t", Value::Text("O'Brien; DROP TABLE x --".into()), "O'Brien; DROP TABLE x --"),
        ("long", Value::Text(long.clone()), &long),
        ("d", Value::Decimal("-1234567890123456789.0123".into()), "-1234567890123456789.0123"),
        ("b", Value::Binary(vec![0, 255]), "0x00FF"),
        ("day", Value::Date(moment.date()), "2019-07-12"),
        ("at", Value::Moment(moment), "2019-07-12 15:43:09.9430001"),
        ("nothing", Value::Null, ""),
    ];
    for (name, value, expected) in params {
        let (seen, error) = all(connection.as_mut(), &text(&format!("SELECT @{name} AS v"), &[(name, value)])).await;
        assert!(error.is_none(), "{name}: {error:?}");
        assert_eq!(seen, ["columns v".to_owned(), format!("rows {expected}")], "{name}");
    }
}

#[tokio::test]
async fn a_transaction_and_another_database_are_noticed() {
    let server = server(|_| ()).await;
    let mut connection = Tds.connect(&place(&server)).await.unwrap();
    assert!(connection.session().is_some());
    connection.begin().await.unwrap();
    assert!(!connection.is_clean());
    connection.rollback().await.unwrap();
    assert!(connection.is_clean());
    connection.begin().await.unwrap();
    connection.commit().await.unwrap();
    assert!(connection.is_clean());
    let (_, error) = all(connection.as_mut(), &Request::Batch("USE master".into())).await;
    assert!(error.is_none() && !connection.is_clean(), "{error:?}");
}

#[tokio::test]
async fn rows_come_in_pages_and_many_of_them() {
    let server = server(|_| ()).await;
    let mut connection = Tds.connect(&place(&server)).await.unwrap();
    let request = text("SELECT TOP (2500) * FROM sandbox.rows", &[]);
    let mut answer = connection.run(&request).await.unwrap();
    let mut pages = Vec::new();
    while let Some(event) = answer.next().await.unwrap() {
        if let Event::Rows(rows) = event {
            pages.push(rows.len());
        }
    }
    drop(answer);
    assert_eq!(pages.iter().sum::<usize>(), 2500);
    assert!(pages.iter().all(|page| *page <= 1000), "{pages:?}");
    assert!(connection.is_clean());
}

#[tokio::test]
async fn a_lost_connection_is_told_as_one() {
    let server = server(|_| ()).await;
    let mut connection = Tds.connect(&place(&server)).await.unwrap();
    server.hub().drop_connections();
    let request = text("SELECT 1", &[]);
    let mut answer = connection.run(&request).await.unwrap();
    let error = answer.next().await.unwrap_err();
    assert_eq!((error.code(), error.kind(), error.may_retry()), ("sp.lost", Kind::Unavailable, Retry::Unknown));
    drop(answer);
    assert!(!connection.is_clean());
    assert!(connection.cancel().await.is_err());
}
