//! Statements and procedures, with a driver that nobody here wrote.

use std::time::Duration;

use futures_util::TryStreamExt;
use tiberius::numeric::Numeric;
use tiberius::time::{Date, DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};
use tiberius::{
    ColumnData, Command, EncryptionLevel, IsolationLevel, Query, QueryItem, QueryStream, Row, ToSql, Uuid, error::Error,
};

use super::driver::{Connected, config, connect, server};
use crate::sandbox::sp::SqlServer;

async fn connected() -> (SqlServer, Connected) {
    let server = server(|_| ()).await;
    let client = connect(config(&server, EncryptionLevel::Off)).await.unwrap();
    (server, client)
}

/// Runs a batch that tells nothing of interest.
async fn run(client: &mut Connected, text: &str) {
    client.simple_query(text).await.unwrap().into_results().await.unwrap();
}

async fn number(client: &mut Connected, text: &str) -> i32 {
    client.simple_query(text).await.unwrap().into_row().await.unwrap().unwrap().get(0).unwrap()
}

/// A value as the protocol has it.
struct Cell(ColumnData<'static>);

impl ToSql for Cell {
    fn to_sql(&self) -> ColumnData<'_> {
        self.0.clone()
    }
}

fn refused<T>(outcome: Result<T, Error>) -> (u32, u8, String) {
    match outcome.err() {
        Some(Error::Server(error)) => (error.code(), error.class(), error.message().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_procedure_by_name_gives_rows_out_values_and_a_return_code() {
    let (server, mut client) = connected().await;
    let body = "SELECT @name AS name, @n AS n; SET @twice = @n * 2; SET @said = N'да, ' + @name; RETURN -3";
    run(
        &mut client,
        &format!(
            "CREATE PROCEDURE dbo.reckon @name nvarchar(50), @n int, @twice int OUTPUT, @said nvarchar(60) OUTPUT AS {body}"
        ),
    )
    .await;
    let mut command = Command::new("dbo.reckon");
    command.bind_param("@name", "Иван");
    command.bind_param("@n", 21);
    command.bind_out_param("@twice", 0i32);
    command.bind_out_param("@said", "");
    let result = command.exec(&mut client).await.unwrap().into_command_result().await.unwrap();
    assert_eq!(result.return_code() as i32, -3);
    assert_eq!(result.try_return_value::<i32>("@twice").unwrap(), Some(42));
    assert_eq!(result.try_return_value::<&str>("@said").unwrap(), Some("да, Иван"));
    let rows = result.to_query_result(0).unwrap();
    assert_eq!((rows[0].get::<&str, _>("name"), rows[0].get::<i32, _>("n")), (Some("Иван"), Some(21)));
    let call = &server.hub().calls()[1];
    assert_eq!((call.kind, call.text.as_str(), call.outcome.as_str()), ("rpc", "dbo.reckon", "ok"));
    assert_eq!(call.parameters["@name"], "Иван");
    let mut missing = Command::new("dbo.missing");
    missing.bind_param("@a", 1);
    let outcome = missing.exec(&mut client).await.unwrap().into_command_result().await;
    assert_eq!(refused(outcome), (2812, 16, "Could not find stored procedure 'dbo.missing'.".into()));
    assert_eq!(server.hub().calls()[2].outcome, "2812");
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
}

#[tokio::test]
async fn every_type_goes_there_and_comes_back() {
    let (_server, mut client) = connected().await;
    let (long, bytes) = ("ы".repeat(9000), vec![7u8; 9000]);
    let late = DateTime2::new(Date::new(5), Time::new(1, 7));
    let sent = [
        ("bit", ColumnData::Bit(Some(true))),
        ("tinyint", ColumnData::U8(Some(200))),
        ("smallint", ColumnData::I16(Some(-5))),
        ("int", ColumnData::I32(Some(-7))),
        ("bigint", ColumnData::I64(Some(i64::MIN))),
        ("real", ColumnData::F32(Some(1.5))),
        ("float", ColumnData::F64(Some(2.25))),
        ("decimal(18,4)", ColumnData::Numeric(Some(Numeric::new_with_scale(-1234567, 4)))),
        ("nvarchar(20)", ColumnData::String(Some("Ёлка".into()))),
        ("nvarchar(max)", ColumnData::String(Some(long.into()))),
        ("varbinary(max)", ColumnData::Binary(Some(bytes.into()))),
        ("uniqueidentifier", ColumnData::Guid(Some(Uuid::from_u128(0x00112233_4455_6677_8899_AABBCCDDEEFF)))),
        ("date", ColumnData::Date(Some(Date::new(739_941)))),
        ("time(3)", ColumnData::Time(Some(Time::new(1_234, 3)))),
        ("datetime", ColumnData::DateTime(Some(DateTime::new(46_000, 300)))),
        ("smalldatetime", ColumnData::SmallDateTime(Some(SmallDateTime::new(46_000, 61)))),
        ("datetime2(7)", ColumnData::DateTime2(Some(late))),
        ("datetimeoffset(7)", ColumnData::DateTimeOffset(Some(DateTimeOffset::new(late, 180)))),
    ];
    for (kind, value) in sent {
        let text = format!("SELECT CAST(@P1 AS {kind}), CAST(NULL AS {kind})");
        let stream = client.query(text, &[&Cell(value.clone())]).await.unwrap();
        let row = stream.into_row().await.unwrap().unwrap();
        let cells: Vec<_> = row.cells().map(|(_, cell)| cell.clone()).collect();
        assert_eq!(cells[0], value, "{kind}");
        assert_eq!(std::mem::discriminant(&cells[1]), std::mem::discriminant(&cells[0]), "{kind}");
        let missing = format!("{:?}", cells[1]);
        assert!(missing.contains("None"), "{kind}: {missing}");
    }
}

#[tokio::test]
async fn money_and_texts_of_the_code_page_arrive() {
    let (_server, mut client) = connected().await;
    let text = "SELECT CAST(-922337203685477.5808 AS money), CAST(1.5 AS smallmoney), CAST(N'Счёт №' AS varchar(20)), \
                CAST('ab' AS char(4)), CAST(N'<a/>' AS xml), CAST(N'т' AS ntext), CAST('t' AS text), CAST(0x01 AS binary(3))";
    let row = client.simple_query(text).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!((row.get::<f64, _>(0), row.get::<f64, _>(1)), (Some(-922337203685477.6), Some(1.5)));
    assert_eq!((row.get::<&str, _>(2), row.get::<&str, _>(3)), (Some("Счёт №"), Some("ab  ")));
    let cells: Vec<_> = row.cells().map(|(_, cell)| cell.clone()).collect();
    assert!(matches!(&cells[4], ColumnData::Xml(Some(xml)) if xml.to_string() == "<a/>"), "{:?}", cells[4]);
    assert_eq!((row.get::<&str, _>(5), row.get::<&str, _>(6)), (Some("т"), Some("t")));
    assert_eq!(row.get::<&[u8], _>(7), Some(&[1u8, 0, 0][..]));
}

#[tokio::test]
async fn messages_and_errors_leave_the_connection_usable() {
    let (_server, mut client) = connected().await;
    let text = "PRINT N'работаю'; RAISERROR(N'нет данных: %d', 16, 3, 7)";
    let Err(Error::Server(error)) = results(client.simple_query(text).await).await else { panic!() };
    assert_eq!((error.code(), error.class(), error.state(), error.line()), (50000, 16, 3, 1));
    assert_eq!((error.message(), error.server()), ("нет данных: 7", "SANDBOX"));
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
    let missing = results(client.query("SELECT * FROM dbo.nothing WHERE a = @P1", &[&1]).await).await;
    assert_eq!(refused(missing), (208, 16, "Invalid object name 'dbo.nothing'.".into()));
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
}

/// All rows, or the error wherever it comes.
async fn results(stream: Result<QueryStream<'_>, Error>) -> Result<Vec<Vec<Row>>, Error> {
    stream?.into_results().await
}

#[tokio::test]
async fn several_result_sets_keep_their_order() {
    let (_server, mut client) = connected().await;
    let text = "SELECT 1 AS a; SELECT 2 AS b, N'x' AS c WHERE 1 = 0; SELECT 3 AS d";
    let results = client.simple_query(text).await.unwrap().into_results().await.unwrap();
    let shapes: Vec<_> = results.iter().map(|rows| rows.len()).collect();
    assert_eq!(shapes, [1, 0, 1]);
    let mut names = Vec::new();
    let mut stream = client.simple_query(text).await.unwrap();
    while let Some(item) = stream.try_next().await.unwrap() {
        if let QueryItem::Metadata(metadata) = item {
            names.push(metadata.columns().iter().map(|column| column.name().to_owned()).collect::<Vec<_>>().join(","));
        }
    }
    assert_eq!(names, ["a", "b,c", "d"]);
}

#[tokio::test]
async fn a_long_statement_is_cancelled_and_the_connection_goes_on() {
    let (server, mut client) = connected().await;
    let waits = client.simple_query("WAITFOR DELAY '00:01:00'");
    assert!(tokio::time::timeout(Duration::from_millis(100), waits).await.is_err());
    client.cancel_query().await.unwrap();
    assert_eq!(number(&mut client, "SELECT 1").await, 1);
    assert_eq!(server.hub().calls()[0].outcome, "attention");
}

#[tokio::test]
async fn transactions_of_the_protocol_hold_and_undo_what_was_done() {
    let (_server, mut client) = connected().await;
    run(&mut client, "CREATE TABLE dbo.kept (a int)").await;
    client.begin_transaction_with_isolation(IsolationLevel::Serializable).await.unwrap();
    run(&mut client, "INSERT INTO dbo.kept VALUES (1)").await;
    assert_eq!(number(&mut client, "SELECT @@TRANCOUNT").await, 1);
    client.save_transaction("before").await.unwrap();
    run(&mut client, "INSERT INTO dbo.kept VALUES (2)").await;
    run(&mut client, "ROLLBACK TRANSACTION before").await;
    client.commit_transaction().await.unwrap();
    assert_eq!(number(&mut client, "SELECT COUNT(*) FROM dbo.kept").await, 1);
    client.begin_transaction().await.unwrap();
    run(&mut client, "DELETE FROM dbo.kept").await;
    client.rollback_transaction().await.unwrap();
    assert_eq!(number(&mut client, "SELECT COUNT(*) FROM dbo.kept").await, 1);
    assert_eq!(number(&mut client, "SELECT @@TRANCOUNT").await, 0);
    // By statements too; the driver has to follow.
    run(&mut client, "BEGIN TRANSACTION; DELETE FROM dbo.kept").await;
    run(&mut client, "ROLLBACK").await;
    assert_eq!(number(&mut client, "SELECT COUNT(*) FROM dbo.kept").await, 1);
}

#[tokio::test]
async fn a_connection_that_goes_takes_its_transaction_along() {
    let (server, mut client) = connected().await;
    run(&mut client, "CREATE TABLE dbo.kept (a int)").await;
    run(&mut client, "BEGIN TRANSACTION; INSERT INTO dbo.kept VALUES (1)").await;
    drop(client);
    let mut other = connect(config(&server, EncryptionLevel::Required)).await.unwrap();
    let count = tokio::time::timeout(Duration::from_secs(5), number(&mut other, "SELECT COUNT(*) FROM dbo.kept")).await;
    assert_eq!(count, Ok(0));
}

#[tokio::test]
async fn a_lost_connection_looks_lost() {
    let (server, mut client) = connected().await;
    let (waits, ()) = tokio::join!(client.simple_query("WAITFOR DELAY '00:01:00'"), async {
        while server.hub().clients()[0].status != "running" {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.hub().drop_connections();
    });
    assert!(matches!(waits.err(), Some(Error::Io { .. })));
    assert_eq!(server.hub().calls()[0].outcome, "lost");
}

#[tokio::test]
async fn many_rows_of_ten_types_arrive_as_they_were_made() {
    let (_server, mut client) = connected().await;
    let text = "SELECT TOP (20000) * FROM sandbox.rows";
    let stream = client.simple_query(text).await.unwrap();
    let mut rows = stream.into_row_stream();
    let mut count = 0;
    while let Some(row) = rows.try_next().await.unwrap() {
        if count % 7919 == 2 {
            assert_eq!(row.get::<i32, _>("id"), Some(count + 1));
            assert_eq!(row.get::<i64, _>("big"), Some((i64::from(count) + 1) * 1_000_000_007));
            let amount = row.get::<Numeric, _>("amount").unwrap();
            let sign = if count % 3 == 2 { -1 } else { 1 };
            assert_eq!((amount.value(), amount.scale()), (sign * (i128::from(count) * 101 + 99), 2));
            assert_eq!(row.get::<f64, _>("money"), Some(f64::from(count) * 1.2345));
            assert_eq!(row.get::<&str, _>("name"), Some(format!("Абонент {}", count + 1).as_str()));
            assert_eq!(row.get::<&str, _>("note"), Some(format!("лицевой счёт № {}", count + 1).as_str()));
            let cells: Vec<_> = row.cells().map(|(_, cell)| cell.clone()).collect();
            let ticks = count as u32 * 300 + count as u32 % 300;
            assert_eq!(cells[6], ColumnData::DateTime(Some(DateTime::new(43_829, ticks))));
            let ticks = count as u64 * 10_000_001;
            let changed = DateTime2::new(Date::new(737_424), Time::new(ticks, 7));
            assert_eq!(cells[7], ColumnData::DateTime2(Some(changed)));
            assert_eq!(row.get::<bool, _>("flag"), Some(count % 2 == 1));
            assert!(row.get::<Uuid, _>("code").is_some());
        }
        count += 1;
    }
    assert_eq!(count, 20000);
}

#[tokio::test]
async fn parameters_of_a_statement_are_what_the_log_shows() {
    let (server, mut client) = connected().await;
    let mut query = Query::new("SELECT @P1 + @P2");
    query.bind(40);
    query.bind(2);
    let row = query.query(&mut client).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(row.get::<i32, _>(0), Some(42));
    let call = &server.hub().calls()[0];
    assert_eq!((call.kind, call.text.as_str(), call.login.as_str()), ("sql", "SELECT @P1 + @P2", "sa"));
    assert_eq!(call.parameters, serde_json::json!({"@P1": 40, "@P2": 2}));
    run(&mut client, "EXEC sandbox.forget").await;
    assert_eq!(server.hub().calls(), []);
}
