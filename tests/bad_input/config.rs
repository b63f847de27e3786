//! Configurations that are wrong, and connections that are not there.

use std::fmt::Write as _;

use crate::program::{CODE, TOKEN, all_fail, pult};
use crate::servers::Server;

const CALL: &str = "b24.call(\"profile\")";

#[test]
fn three_mistakes_are_shown_at_once_with_their_places() {
    let config = "[b24.main]\n\
                  webhook = { env = \"B24_WEBHOOK\" }\n\
                  plan = \"enterprize\"\n\
                  timeout = \"long\"\n\
                  webhok = \"https://portal.bitrix24.ru/rest/1/k3yOfTheHouse77/\"\n";
    pult(&["eval", "1"]).file("pult.toml", config).ended().fails(
        "three mistakes",
        2,
        &[
            "3 mistakes",
            "pult.toml:3:8",
            "did you mean `enterprise`?",
            "pult.toml:4:11",
            "expected a number of seconds, found a text",
            "pult.toml:5:1",
            "did you mean `webhook`?",
        ],
    );
}

#[test]
fn mistakes_of_one_kind() {
    let one = |text: &str| pult(&["eval", "1"]).file("pult.toml", text);
    let plain = format!("webhook = \"https://p.bitrix24.ru/rest/1/{CODE}/\"\n");
    let torn = format!("[b24.main\n{plain}");
    let unquoted = format!("[b24.main]\nwebhook = https://p.bitrix24.ru/rest/1/{CODE}/\n");
    let twice = format!("[b24.main]\n{plain}{plain}");
    let loose = plain.clone();
    let colon = format!("[b24.main]\nclient_secret: \"{TOKEN}\"\n");
    let as_name = format!("[b24.main]\nwebhook = {{ env = \"https://p.bitrix24.ru/rest/1/{CODE}/\" }}\n");
    all_fail([
        ("a bracket that is not closed", one(&torn), 2, &["pult.toml:1:"][..]),
        ("an address without quotes", one(&unquoted), 2, &["pult.toml:2:", "quotes"]),
        ("a setting twice", one(&twice), 2, &["a second time", "pult.toml:3:1"]),
        ("a setting outside", one(&loose), 2, &["stands in no connection", "[b24.main]"]),
        ("a colon", one(&colon), 2, &["not by `:`", "pult.toml:2:"]),
        ("the secret as the name of a variable", one(&as_name), 2, &["not the name of an environment variable"]),
        ("an unknown service", one("[b42.main]\n"), 2, &["unknown service `b42`", "did you mean `b24`?"]),
        ("a connection that is none", one("b24 = 5\n"), 2, &["[b24.main]"]),
        (
            "--config to a missing file",
            pult(&["--config", "nowhere.toml", "eval", "1"]),
            2,
            &["nowhere.toml does not exist"],
        ),
        ("--config to a folder", pult(&["--config", "x", "eval", "1"]).folder("x"), 2, &["x is a folder"]),
        (
            "unknown profile",
            pult(&["--profile", "tset", "eval", "1"]).file("pult.toml", "[profiles.test.b24.main]\n"),
            2,
            &["no profile `tset`", "did you mean `test`?"],
        ),
        ("a profile of no file", pult(&["--profile", "test", "eval", "1"]), 2, &["no profile `test`", "pult init"]),
    ]);
}

#[test]
fn other_encodings() {
    let cp1251 = b"# \xcf\xee\xf0\xf2\xe0\xeb\n[b24.main]\nplan = \"box\"\n";
    let utf16: Vec<u8> = "\u{feff}[b24.main]\nplan = \"box\"\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let one = |bytes: &[u8]| pult(&["eval", "1"]).file("pult.toml", bytes);
    all_fail([
        ("pult.toml in cp1251", one(cp1251), 2, &["is not UTF-8", "line 1", "Windows-1251", "save it as UTF-8"][..]),
        ("pult.toml in UTF-16", one(&utf16), 2, &["UTF-16", "save it as UTF-8"]),
        ("pult.toml with a byte of nothing", one(b"[b24.main]\nplan = \"bo\0x\"\n"), 2, &["pult.toml:2:"]),
    ]);
    one("\u{feff}[b24.main]\r\nplan = \"box\"\r\n".as_bytes()).ended().works("pult.toml as Notepad saves it", "1");
}

#[test]
fn webhooks() {
    let one = |webhook: &str| pult(&["eval", CALL]).portal(webhook, "");
    let at = |place: &str| format!("{place}/rest/1/{CODE}/");
    let home = "https://portal.bitrix24.ru";
    let wrong = &["`webhook`:", "[b24.main] in pult.toml", "https://portal.bitrix24.ru/rest/1/code/"];
    all_fail([
        (
            "a method at the end",
            one(&(at(home) + "crm.deal.list.json")),
            2,
            &["leave the method's name out", wrong[0], wrong[1]][..],
        ),
        ("no address at all", one("my portal"), 2, &["no complete address", wrong[0], wrong[2]]),
        ("an address without https", one(&at("portal.bitrix24.ru")), 2, &["no complete address", wrong[0]]),
        ("http to a foreign host", one(&at("http://portal.bitrix24.ru")), 2, &["must begin with https://", wrong[1]]),
        ("ftp", one(&at("ftp://portal.bitrix24.ru")), 2, &["must begin with https://"]),
        ("without a code", one("https://company.bitrix24.ru/rest/1/"), 2, &["missing from its path"]),
        ("with a question", one(&(at(home) + "?auth=1")), 2, &["without `?`"]),
        ("with a user", one(&at(&format!("https://me:{TOKEN}@portal.bitrix24.ru"))), 2, &["without a user name"]),
        ("nothing", one(""), 2, &["[b24.main] in pult.toml", "B24_WEBHOOK is empty", "set B24_WEBHOOK"]),
    ]);
    let portal = Server::answering("200 OK", "application/json", "{\"result\":7}");
    one(portal.webhook().trim_end_matches('/')).ended().works("without a slash at the end", "7");
    one(&format!("  {}\n", portal.webhook())).ended().works("with spaces around it", "7");
}

#[test]
fn connections_that_are_not_there() {
    let two = "[b24.north]\nwebhook = { env = \"NORTH\" }\n[b24.south]\nwebhook = { env = \"SOUTH\" }\n";
    let call = |code: &str| pult(&["eval", code]);
    all_fail([
        ("nothing configured", call(CALL), 2, &["b24 is not configured", "pult init", "--sandbox", "eval:1:5"][..]),
        ("an empty file", call(CALL).file("pult.toml", ""), 2, &["no [b24.main] in", "add the section [b24.main]"]),
        (
            "two and none is main",
            call(CALL).file("pult.toml", two),
            2,
            &["several connections", "b24.connect(\"north\")"],
        ),
        (
            "unknown name",
            call("b24.connect(\"nroth\")").file("pult.toml", two),
            2,
            &["no [b24.nroth] in", "did you mean `north`?"],
        ),
        (
            "a variable that is not set",
            call("b24.connect(\"north\").call(\"profile\")").file("pult.toml", two),
            2,
            &["NORTH is not set", "set NORTH before pult starts"],
        ),
        (
            "a file that is not there",
            call(CALL).file("pult.toml", "[b24.main]\nwebhook = { file = \"secret.txt\" }\n"),
            2,
            &["secret.txt"],
        ),
        (
            "OAuth without tokens",
            call(CALL).file("pult.toml", "[b24.main]\nportal = \"https://portal.bitrix24.ru\"\n"),
            2,
            &["OAuth tokens", "access_token"],
        ),
    ]);
    let unused = pult(&["eval", "1 + 1"]).file("pult.toml", two).ended();
    unused.works("a missing secret of a connection that is not used", "2");
    assert_eq!(unused.err, "");
}

#[test]
fn a_secret_in_plain_text_is_told_of_and_not_shown() {
    let portal = Server::answering("200 OK", "application/json", "{\"result\":7}");
    let config = format!("[b24.main]\nwebhook = \"{}\"\n", portal.webhook());
    let ended = pult(&["eval", CALL]).file("pult.toml", config).ended();
    ended.works("a secret in plain text", "7");
    assert!(ended.err.contains("plain text") && ended.err.contains("env ="), "{}", ended.err);
}

#[test]
fn secrets_do_not_come_out_by_any_door() {
    let portal = Server::answering("200 OK", "application/json", "{\"result\":{\"a\":1}}");
    let mut failures = String::new();
    for code in [
        "print(env(\"B24_WEBHOOK\")); b24.call(\"profile\"); print(env(\"B24_WEBHOOK\")); debug(env(\"B24_WEBHOOK\"))",
        "b24.call(\"profile\"); throw env(\"B24_WEBHOOK\")",
        "b24.call(\"profile\"); throw #{message: env(\"B24_WEBHOOK\"), error: env(\"B24_WEBHOOK\")}",
        "b24.call(\"profile\"); #{address: env(\"B24_WEBHOOK\")}",
        "b24.call(\"profile\"); [#{address: env(\"B24_WEBHOOK\")}]",
        "b24.call(\"profile\"); log::warn(env(\"B24_WEBHOOK\"))",
        "b24.call(\"profile\"); fs::read(env(\"B24_WEBHOOK\"))",
        "b24.call(\"profile\"); import env(\"B24_WEBHOOK\") as x",
        "b24.call(\"profile\"); b24.call(env(\"B24_WEBHOOK\"))",
        "b24.call(\"profile\"); json::parse(env(\"B24_WEBHOOK\"))",
        "print(env(\"B24_WEBHOOK\") + env(\"B24_WEBHOOK\"))",
        "[#{a: env(\"LONG\"), b: [env(\"LONG\")]}]",
        "#{a: env(\"LONG\"), b: [env(\"LONG\")]}",
        "b24",
        "b24.connect(\"main\")",
    ] {
        // Too long for a table's cell.
        let long = format!("https://{}.ru/rest/1/{CODE}/", "portal".repeat(5));
        let other = "[b24.other]\nwebhook = { env = \"LONG\" }";
        let ended = pult(&["eval", code]).portal(&portal.webhook(), other).env("LONG", &long).ended();
        println!("── {code}\n{}{}", ended.out, ended.err);
        if format!("{}{}", ended.out, ended.err).contains(&CODE[..6]) {
            let _ = writeln!(failures, "{code}:\n{}{}", ended.out, ended.err);
        }
    }
    let odd = format!("{TOKEN}\"\\quoted");
    let config = "[b24.main]\nportal = \"https://p.bitrix24.ru\"\naccess_token = { env = \"ODD\" }\n";
    for form in ["--json", "--csv", "--color=never"] {
        let program = pult(&["eval", form, "b24.connect(\"main\"); [#{p: env(\"ODD\"), q: [env(\"ODD\")]}]"]);
        let ended = program.file("pult.toml", config).env("ODD", &odd).ended();
        println!("── {form}\n{}{}", ended.out, ended.err);
        if ended.code != Some(0) || ended.out.contains(TOKEN) {
            let _ = writeln!(failures, "{form}:\n{}{}", ended.out, ended.err);
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn changes_that_may_not_be_made() {
    let portal = Server::answering("200 OK", "application/json", "{\"result\":7}");
    let add = "b24.call(\"crm.deal.add\", #{fields: #{TITLE: \"x\"}})";
    let many = "b24.call(\"crm.deal.delete\", [#{ID: 1}, #{ID: 2}])";
    let batch = "b24.call_batch(#{halt: 0, cmd: #{a: \"crm.deal.delete?ID=1\"}})";
    let raw = "b24.raw(\"batch\", #{cmd: #{a: \"crm.deal.delete?ID=1\"}})";
    let one = |code: &str| pult(&["eval", code]).portal(&portal.webhook(), "read_only = true");
    let says = &["read-only", "[b24.main] in pult.toml", "read_only"][..];
    all_fail([
        ("read_only and a change", one(add), 4, says),
        ("read_only and many changes", one(many), 4, says),
        ("read_only and a batch", one(batch), 4, says),
        ("read_only and a raw batch", one(raw), 4, says),
    ]);
    assert_eq!(portal.asked(), 0);
    one(CALL).ended().works("read_only and no change", "7");
    assert_eq!(portal.asked(), 1);
}
