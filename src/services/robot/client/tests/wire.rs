//! Robot calls as they leave, and answers as they come.

use super::orchestrator::Orchestrator;
use super::shapes::{Beat, JobStatus, Level, Line};
use super::trouble::{Trouble, code};
use super::*;
use crate::error::{Error, Kind};

const JOB: &str = "5c1e0000-0000-4000-8000-000000000001";

fn ok(body: &str) -> Told {
    Told::Text(200, body.into())
}

/// Nothing of the GUID may be in what people read.
#[track_caller]
fn assert_silent(error: &Error) {
    let text = format!("{error} {error:?} {:?} {:?}", error.hint_text(), error.details());
    for spelling in [GUID.to_owned(), GUID.to_uppercase(), HEADER[6..].to_owned()] {
        assert!(!text.contains(&spelling), "{text}");
    }
}

#[tokio::test]
async fn the_first_heartbeat_says_who_it_is() {
    let server = Server::start(|_, _| ok(r#"{"HeartbeatErrorCode":0,"ErrorText":"","HasNewJob":"1","x":1}"#)).await;
    let pulse = client(&server).hears(&Beat::ready()).await.unwrap();
    assert!(pulse.has_job && pulse.asked().is_none());
    let seen = &server.seen()[0];
    assert_eq!(seen.path, "/api/robot/heartbeat");
    assert!(seen.head.contains(&format!("authorization: {HEADER}").to_lowercase()), "{}", seen.head);
    assert!(seen.head.contains("content-type: application/x-www-form-urlencoded"), "{}", seen.head);
    assert!(seen.body.starts_with(&format!("RobotGUID={GUID}&Machine=")), "{}", seen.body);
    assert!(seen.body.contains("&IP=127.0.0.1&MAC="), "{}", seen.body);
    assert!(seen.body.ends_with("&Status=2&JobGUID=&JobName=&JobType=1"), "{}", seen.body);
}

#[tokio::test]
async fn settings_say_who_the_computer_is() {
    let server = Server::start(|_, _| ok(r#"{"HeartbeatErrorCode":0}"#)).await;
    let text = |text: &str| Given::Text(text.into());
    let more = [("machine", text("РПА-1")), ("ip", text("10.0.0.7")), ("mac", text("AA-BB-CC-DD-EE-FF"))];
    client_with(&server, &more).hears(&Beat::working(JOB, "импорт")).await.unwrap();
    let body = &server.seen()[0].body;
    assert!(body.contains("&Machine=%D0%A0%D0%9F%D0%90-1&IP=10.0.0.7&MAC=AA-BB-CC-DD-EE-FF&Status=3"), "{body}");
    assert!(
        body.ends_with(&format!("&JobGUID={JOB}&JobName=%D0%B8%D0%BC%D0%BF%D0%BE%D1%80%D1%82&JobType=1")),
        "{body}"
    );
}

#[tokio::test]
async fn a_job_is_taken_with_all_its_parts() {
    let server = Server::start(|number, _| match number {
        0 => ok("\u{feff}{\"ConsumeJobErrorCode\":\"0\",\"Job\":\"{\\\"GUID\\\":\\\"J\\\"}\",\"ProcessVersion\":\"{\\\"Name\\\":\\\"n\\\"}\",\" Task \":null}"),
        1 => ok(r#"{"ConsumeJobErrorCode":102,"ErrorText":"none"}"#),
        _ => ok(r#"{"ConsumeJobErrorCode":101,"ErrorText":"none"}"#),
    })
    .await;
    let client = client(&server);
    let taken = client.consume().await.unwrap().unwrap();
    assert_eq!((&*taken.guid, &*taken.name, taken.task.is_null()), ("J", "n", true));
    assert_eq!(client.consume().await.unwrap(), None);
    let unknown = client.consume().await.unwrap_err();
    assert_eq!((unknown.code(), Trouble::of(&unknown)), (code::UNKNOWN, Trouble::Unknown));
    assert_eq!(server.seen()[0].body, format!("RobotGUID={GUID}&Status=2"));
}

#[tokio::test]
async fn whatever_answers_an_update_well_has_taken_it() {
    let server = Server::start(|number, _| ok(["[]", "", "{}", "\u{feff}[]", "well"][number])).await;
    let client = client(&server);
    for _ in 0..5 {
        client.update(JOB, JobStatus::Success).await.unwrap();
    }
    let line = Line { job: JOB.into(), version: String::new(), level: Level::Warning, text: "a&b=ё".into() };
    assert_eq!(server.seen().len(), 5);
    assert!(server.seen().iter().all(|seen| seen.head.starts_with("put /api/job/update")));
    assert_eq!(server.seen()[0].body, format!("guid={JOB}&status=4"));
    let server = Server::start(|_, _| ok("[]")).await;
    let levels = Given::Text("warning=40".into());
    let key = Given::Secret(crate::secret::Secret::new("an-account-key"));
    client_with(&server, &[("log_levels", levels), ("api_key", key)]).log(&line).await.unwrap();
    let seen = &server.seen()[0];
    assert!(seen.head.contains("authorization: basic yw4tywnjb3vudc1rzxk="), "{}", seen.head);
    let expected = format!("RobotGUID={GUID}&ProcessVersionGUID=&JobGUID={JOB}&Level=40&Message=a%26b%3D%D1%91");
    assert_eq!(seen.body, expected);
}

/// A page may be the Orchestrator's way to say yes, or that of a proxy which never asked it.
#[tokio::test]
async fn a_page_in_answer_to_an_update_is_believed_when_the_job_says_so_too() {
    let read = |status: &str| format!(r#"{{"guid":"{JOB}","status":{status}}}"#);
    for (record, is_good) in [
        (read("4"), true),
        (read("8"), false),
        // Somebody decided otherwise; nobody may look; it is a page again.
        (read("5"), true),
        ("{}".into(), true),
        ("<html>".into(), true),
    ] {
        let told = record.clone();
        let server = Server::start(move |_, seen| match seen.path.contains("read") {
            true => ok(&told),
            false => ok("<!DOCTYPE html><html>"),
        })
        .await;
        let told = client(&server).update(JOB, JobStatus::Success).await;
        assert_eq!(told.is_ok(), is_good, "{record}: {told:?}");
        if let Err(error) = told {
            assert_eq!((error.code(), Trouble::of(&error)), (code::ANSWER, Trouble::Transient(None)));
        }
    }
}

#[tokio::test]
async fn what_is_no_json_is_no_heartbeat() {
    let bodies =
        ["<html>da8bc2f0-8065-4385-b867-405e66b8e151</html>", "", "[]", "{\"HeartbeatErrorCode\":0,\"Has", "7"];
    let server = Server::start(move |number, _| ok(bodies[number])).await;
    let client = client(&server);
    for _ in bodies {
        let error = client.hears(&Beat::ready()).await.unwrap_err();
        assert_eq!((error.code(), Trouble::of(&error)), (code::ANSWER, Trouble::Transient(None)));
        assert!(error.details().iter().any(|(name, _)| *name == "beginning"));
        assert_silent(&error);
    }
}

#[tokio::test]
async fn post_is_used_after_405_and_remembered() {
    let server = Server::start(|_, seen| match seen.head.starts_with("put ") {
        true => Told::Text(405, "{}".into()),
        false => ok("[]"),
    })
    .await;
    let client = client(&server);
    client.update(JOB, JobStatus::InProgress).await.unwrap();
    client.update(JOB, JobStatus::Success).await.unwrap();
    let verbs: Vec<String> = server.seen().iter().map(|seen| seen.head[..4].to_owned()).collect();
    assert_eq!(verbs, ["put ", "post", "post"]);
    assert!(server.seen()[1].body.ends_with("status=8"));
}

#[tokio::test]
async fn post_is_never_used_without_cause() {
    let answers = [
        (404, r#"{"error":"job not found"}"#, code::NOT_FOUND),
        (500, "", code::BUSY),
        (409, r#"{"message":"wrong status"}"#, code::REFUSED),
    ];
    let server = Server::start(move |number, _| Told::Text(answers[number].0, answers[number].1.into())).await;
    let client = client(&server);
    for (_, _, code) in answers {
        assert_eq!(client.update(JOB, JobStatus::Success).await.unwrap_err().code(), code);
    }
    assert!(server.seen().iter().all(|seen| seen.head.starts_with("put ")));
    // Where neither is known, both were tried once: it may be known again later.
    let server = Server::start(|_, _| Told::Text(404, "The route api/job/update could not be found.".into())).await;
    let error = super::client(&server).update(JOB, JobStatus::Success).await.unwrap_err();
    assert_eq!((error.code(), Trouble::of(&error)), (code::BUSY, Trouble::Transient(None)));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_server_that_takes_put_again_is_asked_so() {
    // First POST alone, then PUT alone.
    let server = Server::start(|number, seen| match (number < 2, seen.head.starts_with("put ")) {
        (true, true) | (false, false) => Told::Text(405, String::new()),
        _ => ok("[]"),
    })
    .await;
    let client = client(&server);
    for _ in 0..3 {
        client.update(JOB, JobStatus::Success).await.unwrap();
    }
    let verbs: Vec<String> = server.seen().iter().map(|seen| seen.head[..4].to_owned()).collect();
    assert_eq!(verbs, ["put ", "post", "post", "put ", "put "]);
}

#[tokio::test]
async fn statuses_mean_what_they_mean() {
    for (status, head, expected, kind) in [
        (401, "", Trouble::Auth, Kind::Auth),
        (403, "", Trouble::Auth, Kind::Auth),
        (404, "", Trouble::Permanent, Kind::NotFound),
        (400, "", Trouble::Permanent, Kind::Refused),
        (422, "", Trouble::Permanent, Kind::Refused),
        (408, "", Trouble::Transient(None), Kind::Unavailable),
        (425, "", Trouble::Transient(None), Kind::Unavailable),
        (429, "Retry-After: 7\r\n", Trouble::Transient(Some(std::time::Duration::from_secs(7))), Kind::Limit),
        (500, "", Trouble::Transient(None), Kind::Unavailable),
        (
            503,
            "Date: Sun, 08 Mar 2026 18:00:00 GMT\r\nRetry-After: Sun, 08 Mar 2026 18:02:00 GMT\r\n",
            Trouble::Transient(Some(std::time::Duration::from_secs(120))),
            Kind::Unavailable,
        ),
        (304, "", Trouble::Transient(None), Kind::Protocol),
    ] {
        let body = format!("{{\"message\":\"robot {} is not welcome\"}}", GUID.to_uppercase());
        let server = Server::start(move |_, _| Told::Headed(status, head.into(), body.clone())).await;
        let error = client(&server).hears(&Beat::ready()).await.unwrap_err();
        assert_eq!((Trouble::of(&error), error.kind()), (expected, kind), "{status}: {error:?}");
        assert_silent(&error);
        assert_eq!(server.seen().len(), 1, "nothing is repeated");
    }
}

#[tokio::test]
async fn a_redirection_is_followed_at_the_same_host_alone() {
    let server = Server::start(|number, seen| match number {
        0 => Told::Headed(307, "Location: /rpa/api/job/update\r\n".into(), String::new()),
        _ if seen.path.starts_with("/rpa") => ok("[]"),
        _ => Told::Text(500, String::new()),
    })
    .await;
    client(&server).update(JOB, JobStatus::Success).await.unwrap();
    let seen = server.seen();
    assert_eq!((seen[1].path.as_str(), seen[0].body == seen[1].body), ("/rpa/api/job/update", true));
    assert!(seen[1].head.starts_with("put "));

    let other = Server::start(|_, _| ok("[]")).await;
    let to = format!("http://localhost:{}/api/job/update", other.address.port());
    let server = Server::start(move |_, _| Told::Moved(to.clone())).await;
    let error = client(&server).update(JOB, JobStatus::Success).await.unwrap_err();
    assert_eq!((error.code(), Trouble::of(&error)), (code::REDIRECTED, Trouble::Way));
    assert!(other.seen().is_empty());
    assert_silent(&error);

    let server = Server::start(|_, _| Told::Moved("/api/job/update".into())).await;
    assert_eq!(client(&server).update(JOB, JobStatus::Success).await.unwrap_err().code(), code::REDIRECTED);
}

#[tokio::test]
async fn a_page_to_log_in_is_no_answer_to_an_update() {
    let server = Server::start(|_, seen| match seen.path.as_str() {
        "/login" => ok("<html>log in</html>"),
        _ => Told::Moved("/login".into()),
    })
    .await;
    assert_eq!(client(&server).update(JOB, JobStatus::Success).await.unwrap_err().code(), code::ANSWER);
}

#[tokio::test]
async fn what_gets_no_answer_says_why() {
    let server = Server::start(|number, _| match number {
        0 => Told::Gone,
        1 => Told::Half(r#"{"HeartbeatErrorCode":0,"HasNewJob":0}"#.into()),
        _ => Told::Silence,
    })
    .await;
    let client = client_with(&server, &[("timeout", Given::Number(0.3))]);
    for expected in [code::BROKEN_OFF, code::BROKEN_OFF, code::TIMEOUT] {
        let error = client.hears(&Beat::ready()).await.unwrap_err();
        assert_eq!((error.code(), Trouble::of(&error)), (expected, Trouble::Transient(None)));
        assert_silent(&error);
    }
    let began = std::time::Instant::now();
    let error = client.consume().await.unwrap_err();
    assert!(error.message().contains("within 0.6 s") && began.elapsed().as_secs_f64() > 0.5, "{error}");
    let nobody = Client::open(&settings("http://127.0.0.1:9", &[]), &context(None)).unwrap();
    let error = nobody.hears(&Beat::ready()).await.unwrap_err();
    assert_eq!(error.code(), code::UNREACHABLE);
}

#[tokio::test]
async fn a_plain_server_is_never_told_a_secret_that_was_meant_for_tls() {
    let server = Server::start(|_, _| ok("[]")).await;
    let client = Client::open(&settings(&format!("https://{}", server.address), &[]), &context(None)).unwrap();
    assert!(client.update(JOB, JobStatus::Success).await.is_err());
    assert!(server.seen().iter().all(|seen| !seen.head.contains("authorization")));
}

#[tokio::test]
async fn the_status_on_record_is_read() {
    let answers = [r#"{"guid":"J","status":"8"}"#, r#"[{"Status":4}]"#, "[]", r#"{"guid":"J"}"#];
    let server = Server::start(move |number, _| ok(answers[number])).await;
    let client = client(&server);
    assert_eq!(client.job_status("J").await.unwrap(), JobStatus::InProgress);
    assert_eq!(client.job_status("J").await.unwrap(), JobStatus::Success);
    assert_eq!(client.job_status("J").await.unwrap_err().code(), code::NOT_FOUND);
    assert_eq!(client.job_status("J").await.unwrap_err().code(), code::ANSWER);
    assert!(server.seen()[0].head.starts_with("get /api/job/read/j "));
}

#[tokio::test]
async fn a_dry_run_sends_nothing_and_a_reader_changes_nothing() {
    let server = Server::start(|_, _| ok("[]")).await;
    let said = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = said.clone();
    let context = context(Some(Box::new(move |line| log.lock().unwrap().push(line.to_owned()))));
    let address = format!("http://{}", server.address);
    let client = Client::open(&settings(&address, &[]), &context).unwrap();
    assert!(!client.hears(&Beat::ready()).await.unwrap().has_job);
    assert_eq!(client.consume().await.unwrap(), None);
    client.update(JOB, JobStatus::Success).await.unwrap();
    let said = said.lock().unwrap().clone();
    assert_eq!(said[2], format!("would send: robot: PUT /api/job/update guid={JOB} status=4"));
    assert!(said.iter().all(|line| !line.contains(GUID)), "{said:?}");

    let reader = client_with(&server, &[("read_only", Given::Flag(true))]);
    assert_eq!(reader.update(JOB, JobStatus::Success).await.unwrap_err().code(), "robot.read_only");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn settings_that_cannot_be_are_told_without_the_guid() {
    let open = |address: &str, more: &[(&str, Given)]| Client::open(&settings(address, more), &context(None));
    for address in ["rpa:4500", "ftp://rpa", ""] {
        let error = open(address, &[]).err().unwrap();
        assert_eq!(error.kind(), Kind::Config, "{address}");
        assert_silent(&error);
    }
    assert!(open("http://rpa", &[("log_levels", Given::Text("info=x".into()))]).is_err());
    assert!(open("http://rpa", &[("proxy", Given::Text("http://".into()))]).is_err());
    assert!(open("http://rpa", &[("guid", Given::Text(" ".into()))]).is_err());
    let client = open("https://rpa", &[("insecure", Given::Flag(true)), ("guid", Given::Text(format!("{{{GUID}}}")))]);
    let client = client.unwrap();
    assert_eq!(client.guid().expose(), GUID);
    assert!(client.warning().unwrap().contains("insecure"));
    assert!(open("http://rpa", &[]).unwrap().warning().is_none());
}

#[tokio::test]
async fn a_proxy_is_used_and_never_for_this_computer() {
    let proxy = Server::start(|_, _| ok(r#"{"HeartbeatErrorCode":0}"#)).await;
    let given = [("proxy", Given::Text(proxy.address.to_string()))];
    let far = Client::open(&settings("http://rpa.invalid:4500", &given), &context(None)).unwrap();
    far.hears(&Beat::ready()).await.unwrap();
    assert!(proxy.seen()[0].head.starts_with("post http://rpa.invalid:4500/api/robot/heartbeat"));
    let server = Server::start(|_, _| ok(r#"{"HeartbeatErrorCode":0}"#)).await;
    client_with(&server, &given).hears(&Beat::ready()).await.unwrap();
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 1));
}
