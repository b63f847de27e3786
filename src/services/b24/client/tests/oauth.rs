//! Tokens: renewed once for everybody, kept, and given up for good reasons only.

use super::server::{Seen, fails};
use super::*;

fn renewal(access: &str) -> Reply {
    Reply::Text(200, json!({ "access_token": access, "refresh_token": "refresh-2", "expires_in": 3600 }).to_string())
}

fn open(server: &Server, refresh: &str, context: &Context) -> Portal {
    let address = format!("http://{}", server.address);
    let pairs = [
        ("portal", text(address.clone())),
        ("auth_server", text(address)),
        ("client_id", text("local.app")),
        ("client_secret", text("app-secret")),
        ("access_token", text("token-old")),
        ("refresh_token", text(refresh)),
    ];
    Portal::open(&settings(&pairs), context).unwrap()
}

fn is_renewal(seen: &Seen) -> bool {
    seen.path.starts_with("/oauth/token/")
}

#[tokio::test]
async fn twenty_calls_share_one_renewal_and_its_tokens_are_kept() {
    let server = Server::start(|_, seen| match () {
        () if is_renewal(seen) => renewal("token-new"),
        () if seen.body.contains("token-old") => fails(401, "expired_token", "The access token provided has expired."),
        () => ok(json!(seen.json()["auth"])),
    })
    .await;
    let context = context(None);
    let portal = open(&server, "refresh-1", &context);
    let calls = (0..20).map(|n| portal.call("crm.deal.update", json!({ "ID": n })));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap().get(), r#""token-new""#);
    }
    let renewals: Vec<Seen> = server.seen().into_iter().filter(is_renewal).collect();
    assert_eq!(renewals.len(), 1);
    assert!(
        renewals[0]
            .path
            .contains("grant_type=refresh_token&client_id=local.app&client_secret=app-secret&refresh_token=refresh-1")
    );
    assert_eq!(server.seen()[0].body, r#"{"ID":0,"auth":"token-old"}"#);
    assert_eq!(server.seen()[0].path, "/rest/crm.deal.update");
    // A later run goes on with the kept pair, unless the settings hold a newer login.
    open(&server, "refresh-1", &context).call("crm.deal.get", json!({})).await.unwrap();
    assert_eq!(server.seen().into_iter().filter(is_renewal).count(), 1);
    open(&server, "refresh-9", &context).call("crm.deal.get", json!({})).await.unwrap();
    let last = server.seen().into_iter().rfind(is_renewal).unwrap();
    assert!(last.path.ends_with("refresh-9"));
}

#[tokio::test]
async fn a_dead_refresh_token_is_told_to_everybody() {
    let server = Server::start(|_, seen| match is_renewal(seen) {
        true => fails(400, "invalid_grant", "Invalid grant"),
        false => fails(401, "expired_token", "expired"),
    })
    .await;
    let portal = open(&server, "refresh-1", &context(None));
    let calls = (0..5).map(|_| portal.call("profile", json!({})));
    for answer in futures_util::future::join_all(calls).await {
        let error = answer.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("b24.invalid_grant", Kind::Auth));
        assert!(error.hint_text().unwrap().contains("log in again"));
    }
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_too_is_an_error_and_no_loop() {
    let server = Server::start(|_, seen| match is_renewal(seen) {
        true => renewal("token-new"),
        false => fails(401, "invalid_token", "no"),
    })
    .await;
    let error = open(&server, "refresh-1", &context(None)).call("profile", json!([1])).await.unwrap_err();
    assert_eq!(error.code(), "b24.invalid_token");
    assert_eq!(server.seen().len(), 3);
    assert_eq!(server.seen()[2].path, "/rest/profile?auth=token-new");
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_take_the_new_tokens_away() {
    let server = Server::start(|_, seen| match is_renewal(seen) {
        true => Reply::Late(150, json!({ "access_token": "token-new", "refresh_token": "refresh-2" }).to_string()),
        false if seen.body.contains("token-old") => fails(401, "expired_token", "expired"),
        false => ok(json!(1)),
    })
    .await;
    let portal = open(&server, "refresh-1", &context(None));
    let first = portal.call("profile", json!({}));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), first).await.is_err());
    portal.call("profile", json!({})).await.unwrap();
    assert_eq!(server.seen().into_iter().filter(is_renewal).count(), 1);
}

#[tokio::test]
async fn what_another_process_renewed_is_used_and_not_renewed_again() {
    let server = Server::start(|_, seen| match () {
        () if seen.path.ends_with("refresh_token=refresh-1") => renewal("token-new"),
        () if is_renewal(seen) => fails(400, "invalid_grant", "Invalid grant"),
        () if seen.body.contains("token-old") => fails(401, "expired_token", "The access token provided has expired."),
        () => ok(json!(seen.json()["auth"])),
    })
    .await;
    // Two connections over one state file, as two processes have them.
    let context = context(None);
    let (one, other) = (open(&server, "refresh-1", &context), open(&server, "refresh-1", &context));
    assert_eq!(other.call("profile", json!({})).await.unwrap().get(), r#""token-new""#);
    assert_eq!(one.call("profile", json!({})).await.unwrap().get(), r#""token-new""#);
    assert_eq!(server.seen().into_iter().filter(is_renewal).count(), 1);
}
