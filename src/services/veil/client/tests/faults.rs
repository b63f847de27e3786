//! What goes wrong, and what is sent again.

use super::*;

const STARTING: &str = "<html>starting</html>";

fn html(status: u16) -> Told {
    Told::Headed(status, "Content-Type: text/html\r\n".into(), STARTING.into())
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    let server = Server::start(|number, _| if number == 0 { Told::Gone } else { accepted() }).await;
    controller(&server).call(asked("start", json!({}))).await.unwrap();
    let keys: Vec<Option<String>> = server.seen().iter().map(key).collect();
    assert_eq!(keys.len(), 2);
    assert!(keys[0].is_some() && keys[0] == keys[1]);
}

#[tokio::test]
async fn a_change_without_a_key_is_not_sent_again_once_it_may_have_been_carried_out() {
    for call in ["rename", "change_template"] {
        let server = Server::start(|_, _| Told::Gone).await;
        let options = if call == "rename" { json!({ "verbose_name": "x" }) } else { json!({}) };
        let error = controller(&server).call(asked(call, options)).await.unwrap_err();
        assert_eq!((server.seen().len(), error.may_retry()), (1, Retry::Unknown), "{call}");
        assert!(error.hint_text().unwrap().contains("look before repeating"), "{error:?}");
    }
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_is_not_told_as_if_nothing_had_happened() {
    let server = Server::start(|number, _| match number {
        0 => Told::Gone,
        _ => bad(400, "50001", "Wrong state"),
    })
    .await;
    let error = controller(&server).call(asked("start", json!({}))).await.unwrap_err();
    assert_eq!((error.code(), error.may_retry()), ("veil.refused", Retry::Unknown));
    assert!(error.hint_text().unwrap().contains("earlier answer"));
}

#[tokio::test]
async fn a_controller_that_starts_or_is_upgraded_is_waited_for() {
    let server = Server::start(|number, _| match number {
        0 => html(503),
        1 => Told::Headed(418, "Retry-After: 1\r\n".into(), "{}".into()),
        _ => accepted(),
    })
    .await;
    let began = std::time::Instant::now();
    controller(&server).call(asked("rename", json!({ "verbose_name": "x" }))).await.unwrap();
    assert_eq!(server.seen().len(), 3);
    assert!(began.elapsed().as_millis() >= 1000, "the controller asked for a second");
}

#[tokio::test]
async fn tries_come_to_an_end() {
    let server = Server::start(|_, _| html(503)).await;
    let mut call = asked("start", json!({}));
    call.how.tries = Some(2);
    let error = controller(&server).call(call).await.unwrap_err();
    assert_eq!((server.seen().len(), error.code(), error.may_retry()), (2, "veil.starting", Retry::Safe));
}

#[tokio::test]
async fn an_unknown_address_and_a_refusal_are_final() {
    for (told, code) in [
        (("50004", 500), "veil.no_such_address"),
        (("50009", 400), "veil.locked"),
        (("invalid", 401), "veil.unauthorized"),
        (("x", 403), "veil.forbidden"),
        (("x", 404), "veil.not_found"),
    ] {
        let server = Server::start(move |_, _| bad(told.1, told.0, "no")).await;
        let error = controller(&server).call(asked("start", json!({}))).await.unwrap_err();
        assert_eq!((error.code(), server.seen().len(), error.may_retry()), (code, 1, Retry::Useless));
        assert_eq!(error.http_status(), Some(told.1));
    }
}

#[tokio::test]
async fn a_token_that_ran_out_is_named_as_such() {
    let server =
        Server::start(|_, _| Told::Text(401, "\"{'detail': 'Signature has expired.', 'code': 'invalid'}\"".into()))
            .await;
    let token = [("token", Given::Text("eyJ0.eyJleHAiOjE3MDAwMDAwMDB9.x".into()))];
    let error = controller_with(&server, &token).call(asked("start", json!({}))).await.unwrap_err();
    assert!(error.message().contains("Signature has expired"), "{error:?}");
    assert_eq!(
        error.hint_text(),
        Some("the token ran out on 2023-11-14 at 22:13 UTC; make a new one in Security → Users")
    );
}

#[tokio::test]
async fn a_user_logs_in_once_and_again_when_the_session_is_over() {
    let server = Server::start(|number, seen| match (seen.path.as_str(), number) {
        ("/auth/", _) => ok(json!({ "token": format!("t0ken-{number}") })),
        (_, 3) => bad(401, "invalid", "Signature has expired."),
        _ => accepted(),
    })
    .await;
    let mut settings = Settings::new("test");
    for (name, text) in
        [("address", format!("http://{}", server.address)), ("user", "op".into()), ("password", "s3cret".into())]
    {
        settings.set(SETTINGS, name, Given::Text(text)).unwrap();
    }
    let controller = Controller::open(&settings, &context(None)).unwrap();
    for _ in 0..3 {
        controller.call(asked("start", json!({}))).await.unwrap();
    }
    let paths: Vec<String> = server.seen().iter().map(|seen| seen.path.split('?').next().unwrap().to_owned()).collect();
    assert_eq!(paths.iter().filter(|path| *path == "/auth/").count(), 2, "{paths:?}");
    assert!(server.seen().last().unwrap().head.contains("authorization: jwt t0ken-4"));
    assert_eq!(server.seen()[0].json(), json!({ "username": "op", "password": "s3cret", "ldap": false }));
}

#[tokio::test]
async fn a_user_whom_nobody_knows_is_told_so() {
    let server = Server::start(|_, _| bad(400, "invalid", "Unable to log in")).await;
    let mut settings = Settings::new("test");
    for (name, text) in
        [("address", format!("http://{}", server.address)), ("user", "op".into()), ("password", "s3cret".into())]
    {
        settings.set(SETTINGS, name, Given::Text(text)).unwrap();
    }
    let error = Controller::open(&settings, &context(None)).unwrap().call(asked("start", json!({}))).await.unwrap_err();
    assert_eq!((error.code(), server.seen().len()), ("veil.login", 1));
}

#[tokio::test]
async fn answers_are_used_again_until_something_changes() {
    let server =
        Server::start(|_, seen| if seen.path.contains("start") { accepted() } else { ok(json!({ "a": 1 })) }).await;
    let controller = controller_with(&server, &[("cache", Given::Number(60.0))]);
    let how = How::default();
    let usage = || controller.raw_good(Request::get("clusters/1/usage/"), &how);
    for _ in 0..3 {
        usage().await.unwrap();
    }
    assert_eq!(server.seen().len(), 1);
    controller.call(asked("start", json!({}))).await.unwrap();
    usage().await.unwrap();
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn an_address_that_is_too_long_is_refused_before_sending() {
    let server = Server::start(|_, _| ok(json!({}))).await;
    let controller = controller_with(&server, &[("url_max_length", Given::Integer(200))]);
    let request = Request::get("domains/").with("name", "x".repeat(300));
    let error = controller.raw(request, &How::default()).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), ("veil.url_too_long", Kind::Input));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_controller_that_is_not_there_is_given_up_soon() {
    let mut settings = Settings::new("test");
    for (name, text) in [("address", "http://127.0.0.1:1"), ("token", "t0ken")] {
        settings.set(SETTINGS, name, Given::Text(text.into())).unwrap();
    }
    let began = std::time::Instant::now();
    let error = Controller::open(&settings, &context(None)).unwrap().call(asked("start", json!({}))).await.unwrap_err();
    assert_eq!((error.code(), error.may_retry()), ("veil.unreachable", Retry::Safe));
    assert!(error.message().starts_with("domain.start: 127.0.0.1:1 cannot be reached"), "{error:?}");
    assert!(began.elapsed().as_secs() < 5);
}

#[tokio::test]
async fn a_command_inside_a_machine_runs_once_and_has_its_time() {
    let server = Server::start(|_, _| Told::Gone).await;
    let error = controller(&server).call(asked("guest_exec", json!({ "path": "setup.exe" }))).await.unwrap_err();
    assert_eq!((server.seen().len(), error.may_retry()), (1, Retry::Unknown), "{error:?}");
    // It says itself how long it may take: longer than other answers.
    let server = Server::start(|_, _| Told::Late(900, json!({ "guest-exec": { "exitcode": 0 } }).to_string())).await;
    let controller = controller_with(&server, &[("timeout", Given::Number(0.4))]);
    let command = |call: &str, options: Value| controller.call(asked(call, options));
    assert!(command("guest_exec", json!({ "path": "setup.exe", "timeout": 5 })).await.is_ok());
    let error = command("rename", json!({ "verbose_name": "x" })).await.unwrap_err();
    assert_eq!((error.code(), server.seen().len()), ("veil.no_answer", 2), "{error:?}");
}

#[tokio::test]
async fn half_a_download_leaves_what_was_there() {
    let server = Server::start(|_, seen| match seen.path.as_str() {
        path if path.ends_with("/download/") => ok(json!({ "download_url": "/download/1/" })),
        "/download/1/" => Told::Half("0123456789".into()),
        _ => ok(json!({ "id": VM, "size": 10 })),
    })
    .await;
    let (controller, iso) = (controller(&server), entity("iso").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.iso");
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let error = controller.download(iso, VM, &path).await.unwrap_err();
    assert_eq!((error.code(), names()), ("veil.broken_off", 0), "{error:?}");
    std::fs::write(&path, "old").unwrap();
    controller.download(iso, VM, &path).await.unwrap_err();
    assert_eq!((names(), std::fs::read_to_string(&path).unwrap().as_str()), (1, "old"));
}
