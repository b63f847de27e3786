//! Portals that are broken, away, somebody else, or dangerous to talk to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::program::{CODE, Program, TOKEN, all_fail, pult};
use crate::servers::{Secure, Server, http, nobody};

const READ: &str = "b24.call(\"crm.deal.get\", #{ID: 7})";
const CHANGE: &str = "b24.call(\"crm.deal.add\", #{fields: #{TITLE: \"x\"}})";

fn at(webhook: &str, code: &str) -> Program {
    pult(&["eval", code]).portal(webhook, "timeout = 5")
}

#[test]
fn answers_that_are_none() {
    const PAGE: &str =
        "<!DOCTYPE html><html><head><title>Вход</title></head><body>Авторизация на портале</body></html>";
    const BAD: &str = "<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>";
    let html = |status: &str, page: &str| Server::answering(status, "text/html; charset=utf-8", page);
    let json = |status: &str, body: &str| Server::answering(status, "application/json", body);
    let servers = [
        html("200 OK", PAGE),
        html("500 Internal Server Error", BAD),
        html("502 Bad Gateway", BAD),
        html("404 Not Found", BAD),
        json("200 OK", "{\"result\":[{\"ID\":\"7\",\"TIT"),
        json("200 OK", ""),
        json("200 OK", "{\"hello\":\"world\"}"),
        json("200 OK", "[1, 2, 3]"),
        json("401 Unauthorized", "{\"error\":\"NO_AUTH_FOUND\",\"error_description\":\"Wrong authorization data\"}"),
        html("401 Unauthorized", BAD),
        json(
            "403 Forbidden",
            "{\"error\":\"insufficient_scope\",\"error_description\":\"The request requires higher privileges\"}",
        ),
        Server::raw("SSH-2.0-OpenSSH_9.6\r\n"),
        Server::raw(
            http("302 Found", "text/html", "").replace("Connection", "Location: /auth/?login=yes\r\nConnection"),
        ),
        Server::raw(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"result\":[{\"ID\"",
        ),
        Server::raw(
            b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{\"result\":\"\xff\"}".to_vec(),
        ),
    ];
    let one = |at_: usize| at(&servers[at_].webhook(), READ);
    let place = "the portal answered with status";
    all_fail([
        (
            "HTML with 200",
            one(0),
            4,
            &["crm.deal.get", place, "200 and no JSON", "Авторизация", "a proxy or a login page", "eval:1:5"][..],
        ),
        ("HTML with 500", one(1), 4, &["status 500", "Bad Gateway", "try again later"]),
        ("HTML with 502", one(2), 4, &["status 502", "Bad Gateway nginx", "try again later"]),
        ("HTML with 404", one(3), 4, &["status 404", "no Bitrix24 portal"]),
        ("half a JSON", one(4), 4, &["breaks off after 25 bytes", "try again"]),
        ("nothing", one(5), 4, &["no JSON: nothing", "login page"]),
        ("another JSON", one(6), 4, &["hello"]),
        ("a list", one(7), 4, &["[1, 2, 3]"]),
        ("401", one(8), 4, &["NO_AUTH_FOUND", "Wrong authorization data", "check the webhook"]),
        ("401 from a gateway", one(9), 4, &["status 401"]),
        ("a right that is missing", one(10), 4, &["insufficient_scope", "higher privileges", "give the webhook"]),
        ("no HTTP at all", one(11), 4, &["crm.deal.get", "127.0.0.1"]),
        ("a way to the login page", one(12), 4, &["redirects to a page", "open the portal in a browser"]),
        ("an answer that ends too early", one(13), 4, &["broke before the answer was complete", "try again"]),
    ]);
    // What is not UTF-8 inside a good answer is no reason to lose the rest.
    let ended = one(14).ended();
    ended.works("a byte that is no text", "\u{fffd}");
}

#[test]
fn a_change_whose_outcome_is_unknown_says_so() {
    let servers = [
        Server::answering("502 Bad Gateway", "text/html", "<h1>502</h1>"),
        Server::answering("200 OK", "application/json", "{\"result\":"),
        Server::raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"result\""),
    ];
    let look = &["it may have been done", "look in the portal before repeating it"][..];
    all_fail(servers.iter().map(|server| ("a change", at(&server.webhook(), CHANGE), 4, look)));
    // Whatever may have been carried out is not repeated.
    assert!(servers.iter().all(|server| server.asked() == 1));
}

#[test]
fn portals_that_are_not_there() {
    let refused = nobody();
    let unknown = format!("https://no-such-portal.invalid/rest/1/{CODE}/");
    all_fail([
        (
            "a refused connection",
            at(&refused, READ),
            4,
            &["cannot be reached", "/rest/***/***/", "refused", "check the portal's address"][..],
        ),
        (
            "an unknown host",
            at(&unknown, READ),
            4,
            &["https://no-such-portal.invalid/rest/***/***/ cannot be reached", "check the portal's address"],
        ),
        (
            "http behind https",
            at(&refused.replace("http://127.0.0.1", "https://localhost"), READ),
            4,
            &["cannot be reached"],
        ),
    ]);
    let plain = Server::answering("200 OK", "application/json", "{\"result\":7}");
    let secure = plain.webhook().replace("http://", "https://");
    at(&secure, READ).ended().fails("https to a server without it", 4, &["cannot be reached"]);
}

#[test]
fn a_portal_that_never_answers() {
    let server = Server::raw("");
    let one = |code: &str| pult(&["eval", code]).portal(&server.webhook(), "timeout = 1").ended();
    let change = one(CHANGE);
    change.fails(
        "a silent portal and a change",
        4,
        &["no answer from http://127.0.0.1", "within 1 s", "it may have been done"],
    );
    assert_eq!(server.asked(), 1);
    let read = one(READ);
    read.fails("a silent portal", 4, &["no answer from", "within 1 s", "raise `timeout`"]);
    assert!(change.took < Duration::from_secs(5) && read.took < Duration::from_secs(20), "{:?}", read.took);
    one("timeout(1, || b24.call(\"crm.deal.get\", #{ID: 7}))").fails(
        "a script's own deadline",
        1,
        &["not finished within 1 s"],
    );
}

#[test]
fn certificates() {
    let server = Secure::start("localhost", 2090);
    let one = |settings: &str| pult(&["eval", READ]).portal(&server.webhook(), settings).file("ca.pem", &server.pem);
    let says = &["the certificate of https://localhost", "cannot be trusted", "`ca`", "`insecure = true`"][..];
    one("").ended().fails("a certificate that nobody knows", 4, says);
    let trusted = one("ca = \"ca.pem\"").ended();
    trusted.works("`ca`", "7");
    assert_eq!(trusted.err, "");
    let insecure = one("insecure = true").ended();
    insecure.works("`insecure`", "7");
    for word in ["warning: ", "[b24.main] in pult.toml", "`insecure`", "`ca`"] {
        assert!(insecure.err.contains(word), "{word} is not in {}", insecure.err);
    }
    assert_eq!(insecure.err.matches("warning: ").count(), 1, "{}", insecure.err);
    all_fail([
        (
            "a `ca` that is not there",
            one("ca = \"other.pem\""),
            2,
            &["`ca`", "other.pem", "[b24.main] in pult.toml"][..],
        ),
        ("a `ca` that is none", one("ca = \"pult.toml\""), 2, &["`ca`", "no certificate in the file", "PEM"]),
        ("a `ca` that is a folder", one("ca = \".\""), 2, &["`ca`"]),
    ]);
}

#[test]
fn certificates_of_others_and_of_yesterday() {
    let old = Secure::start("localhost", 2020);
    let foreign = Secure::start("portal.example", 2090);
    let one = |server: &Secure| {
        pult(&["eval", READ]).portal(&server.webhook(), "ca = \"ca.pem\"").file("ca.pem", &server.pem)
    };
    all_fail([
        (
            "an expired certificate",
            one(&old),
            4,
            &["the certificate of https://localhost", "expired", "must be renewed"][..],
        ),
        (
            "a certificate of another name",
            one(&foreign),
            4,
            &["the certificate of https://localhost", "portal.example", "by the name"],
        ),
    ]);
}

#[test]
fn tokens_that_are_no_longer_good() {
    let expired = Server::answering(
        "401 Unauthorized",
        "application/json",
        "{\"error\":\"expired_token\",\"error_description\":\"The access token provided has expired\"}",
    );
    let portal = expired.webhook().split("/rest").next().unwrap().to_owned();
    let tokens = |more: &str| {
        let config = format!("[b24.main]\nportal = \"{portal}\"\naccess_token = {{ env = \"ACCESS\" }}\n{more}");
        let program = pult(&["eval", READ]).file("pult.toml", config);
        program
            .env("ACCESS", &format!("{TOKEN}1"))
            .env("REFRESH", &format!("{TOKEN}2"))
            .env("KEY", &format!("{TOKEN}3"))
    };
    let renewing = format!(
        "client_id = \"local.1\"\nclient_secret = {{ env = \"KEY\" }}\nrefresh_token = {{ env = \"REFRESH\" }}\nauth_server = \"{portal}\"\n"
    );
    all_fail([
        ("an expired token", tokens(""), 4, &["expired", "client_id, client_secret and refresh_token"][..]),
        ("a token that is not renewed", tokens(&renewing), 4, &["renewing the token", "log in again"]),
        ("a token without its application", tokens("refresh_token = { env = \"REFRESH\" }\n"), 2, &["client_id"]),
    ]);
}

/// Simulators in a process of their own, whose counters can be looked at.
struct Sandbox {
    process: std::process::Child,
    webhook: String,
}

impl Sandbox {
    fn start() -> Sandbox {
        let mut process = Command::new(env!("CARGO_BIN_EXE_pult"))
            .args(["sandbox", "--json", "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).unwrap();
        Sandbox { process, webhook: addresses["b24"]["webhook"].as_str().unwrap().to_owned() }
    }

    fn counters(&self) -> Value {
        let host = self.webhook.split('/').nth(2).unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET /_sandbox/counters HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

#[test]
fn a_dry_run_sends_no_change() {
    let sandbox = Sandbox::start();
    let script = "
        b24.call(\"crm.deal.add\", #{fields: #{TITLE: \"x\"}});
        b24.call(\"crm.deal.update\", [#{ID: 1, fields: #{TITLE: \"y\"}}, #{ID: 2, fields: #{TITLE: \"z\"}}]);
        b24.call_each([[\"crm.deal.delete\", #{ID: 1}]]);
        b24.call_batch(#{halt: 0, cmd: #{a: \"crm.deal.delete?ID=1\"}});
        b24.raw(\"crm.deal.delete\", #{ID: 1});
        b24.v3(\"tasks.task.add\", #{fields: #{title: \"x\"}});
        print(b24.call(\"crm.deal.get\", #{ID: 1}).ID);";
    let program = pult(&["run", "--dry-run", "script.rhai"]).file("script.rhai", script);
    let ended = program.portal(&sandbox.webhook, "").ended();
    println!("{}{}", ended.out, ended.err);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let would: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("would send: b24: ")).collect();
    assert_eq!(would.len(), 7, "{}", ended.out);
    assert!(ended.out.ends_with("\n1\n"), "{}", ended.out);
    let counters = sandbox.counters();
    assert_eq!(counters["writes_by_method"], serde_json::json!({}), "{counters}");
    assert_eq!(counters["requests"], 1, "{counters}");
    let code = sandbox.webhook.trim_end_matches('/').rsplit('/').next().unwrap();
    assert!(!ended.out.contains(code) && !ended.err.contains(code));
}

#[test]
fn what_a_server_sends_does_not_drive_the_terminal() {
    let evil = "\\u001b[2J\\u001b]0;owned\\u0007\\u009b31mred\\u0000\\u0008\\r\\nover\\u202etxt";
    let row = format!("{{\"ID\":\"1\",\"TITLE\":\"{evil}\",\"{evil}\":\"2\"}}");
    let list = Server::answering("200 OK", "application/json", &format!("{{\"result\":[{row}],\"total\":1}}"));
    let one = Server::answering("200 OK", "application/json", &format!("{{\"result\":{row}}}"));
    let text = Server::answering("200 OK", "application/json", &format!("{{\"result\":\"{evil}\"}}"));
    let fault = Server::answering(
        "400 Bad Request",
        "application/json",
        &format!("{{\"error\":\"X{evil}\",\"error_description\":\"no{evil}\"}}"),
    );
    let page = Server::raw(http("200 OK", "text/html", "<p>\x1b[2J\x1b]0;owned\x07</p>"));
    let get = "b24.get_all(\"crm.deal.list\")";
    // What a script prints as a plain text is its own affair: it may be a file, or colours of its own.
    let shown = [
        (&list, get.to_owned()),
        (&list, format!("{get}.show()")),
        (&list, format!("{get}[0]")),
        (&list, format!("{get}.to_array()")),
        (&list, format!("{get}.group_by(\"TITLE\")")),
        (&one, READ.to_owned()),
        (&one, format!("[{READ}]")),
        (&one, format!("{READ}.keys()")),
        (&text, format!("log::info({READ})")),
        (&text, format!("throw {READ}")),
        (&fault, READ.to_owned()),
        (&page, READ.to_owned()),
        (&fault, format!("try {{ {READ} }} catch (err) {{ throw err }}")),
    ];
    let mut failures = String::new();
    for (server, code) in shown {
        let ended = at(&server.webhook(), &code).ended();
        println!("── {code}\n{}{}", ended.out, ended.err);
        let wild = |c: char| c.is_control() && !matches!(c, '\n' | '\t') || c == '\u{202e}';
        if ended.code.is_none() || format!("{}{}", ended.out, ended.err).contains(wild) {
            failures += &format!("── {code}: {:?}\n{:?}\n{:?}\n", ended.code, ended.out, ended.err);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
