//! Every command over both transports: the native one, and this program under the name `rac` as the utility.

use std::path::PathBuf;

use pult::core::context::Context;
use pult::core::progress::Progress;
use pult::core::rows::{Field, Rows};
use pult::core::state::State;
use pult::error::Result;
use pult::sandbox::rac::{Knobs, RasServer};
use pult::services::rac::SETTINGS;
use pult::services::rac::client::{Call, Reply, Server};
use pult::services::rac::table::{self, Takes};
use pult::services::rac::wire::shape::Given as Option_;
use pult::settings::{Given, Settings};

/// One simulated server, asked in two ways.
struct Both {
    native: Server,
    utility: Server,
    _ras: RasServer,
    _folder: tempfile::TempDir,
}

/// This program under the name of the utility.
fn rac(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join(if cfg!(windows) { "rac.exe" } else { "rac" });
    let pult = env!("CARGO_BIN_EXE_pult");
    if std::fs::hard_link(pult, &path).is_err() {
        std::fs::copy(pult, &path).unwrap();
    }
    path
}

impl Both {
    async fn start(knobs: Knobs) -> Both {
        let ras = RasServer::start(knobs).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let context = Context::new(tokio::runtime::Handle::current(), Progress::new(false), State::in_memory(), None);
        let program = rac(&folder);
        let open = |transport: &str| {
            let mut settings = Settings::new("a test");
            for (name, value) in [
                ("address", ras.address()),
                ("transport", transport.to_owned()),
                ("utility", program.to_str().unwrap().to_owned()),
                ("cluster_user", "admin".to_owned()),
                ("cluster_pwd", "секрет 1".to_owned()),
                ("time_zone", "Europe/Moscow".to_owned()),
            ] {
                settings.set(SETTINGS, name, Given::Text(value)).unwrap();
            }
            Server::open(&settings, &context).unwrap()
        };
        Both { native: open("ras"), utility: open("utility"), _ras: ras, _folder: folder }
    }

    async fn run(&self, words: &str, options: &[(&str, &str)], raw: bool) -> [Result<Reply>; 2] {
        let call = call(words, options, raw);
        [self.native.run(call.clone()).await, self.utility.run(call).await]
    }

    /// Both give the same; it is given back as text. The world goes on between two questions, so what differs is asked
    /// again.
    async fn same(&self, words: &str, options: &[(&str, &str)]) -> Vec<Vec<(String, String)>> {
        let mut typed = Vec::new();
        for raw in [true, false] {
            let mut differs = Some(String::new());
            for _ in 0..5 {
                let [native, utility] = self.run(words, options, raw).await.map(|reply| cells(reply, words));
                differs = difference(&native, &utility);
                typed = native;
                if differs.is_none() {
                    break;
                }
            }
            assert_eq!(differs, None, "{words} {options:?}, raw: {raw}");
        }
        typed
    }

    /// Both are refused alike.
    async fn refused(&self, words: &str, options: &[(&str, &str)]) -> String {
        let [native, utility] = self.run(words, options, false).await.map(|reply| match reply {
            Err(error) => format!("{} {:?} {}", error.code(), error.kind(), error.message()),
            Ok(reply) => panic!("{words} {options:?} gave {reply:?}"),
        });
        assert_eq!(native, utility, "{words} {options:?}");
        native
    }
}

/// The first difference. The native one may speak a newer version, with fields that the other does not have.
fn difference(native: &[Vec<(String, String)>], utility: &[Vec<(String, String)>]) -> Option<String> {
    if native.len() != utility.len() {
        return Some(format!("{} and {} rows", native.len(), utility.len()));
    }
    native.iter().zip(utility).enumerate().find_map(|(row, (native, utility))| {
        utility.iter().find_map(|(name, value)| {
            let same = native.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            (same != Some(value)).then(|| format!("row {row}, {name}: {same:?} and {value}"))
        })
    })
}

fn call(words: &str, options: &[(&str, &str)], raw: bool) -> Call {
    let words: Vec<&str> = words.split(' ').collect();
    let (mode, command) = table::command(&words).unwrap();
    let mut call = Call::new(mode, command);
    call.raw = raw;
    for (name, text) in options {
        let option = call.option(name).unwrap();
        match option.takes {
            Takes::Flag => call.give(option, Option_::Flag),
            _ => call.give_text(option, text).unwrap(),
        }
    }
    call
}

/// Names and values; those that differ from one moment to the next are left out of what is compared.
fn cells(reply: Result<Reply>, words: &str) -> Vec<Vec<(String, String)>> {
    const RESTLESS: &[&str] = &["last", "current", "duration", "cpu", "took"];
    let text = |field: Field<'_>| match field {
        // The utility prints three decimals.
        Field::Number(n) => format!("{n:.3}"),
        // And whole seconds.
        Field::Moment { at, zone } => format!("{} {zone:?}", at.div_euclid(1000)),
        field => format!("{field:?}"),
    };
    let cells = |rows: Rows| {
        let row = |row: pult::core::rows::Row| {
            let cells = row.fields().filter(|(name, _)| !RESTLESS.iter().any(|part| name.contains(part)));
            cells.map(|(name, field)| (name.to_owned(), text(field))).collect()
        };
        rows.iter().map(row).collect()
    };
    match reply.unwrap_or_else(|error| panic!("{words}: {error:?}")) {
        Reply::Rows(rows) => cells(rows),
        Reply::Row(row) => cells(Rows::of(vec![row])),
        Reply::Nothing => Vec::new(),
        Reply::Text(text) | Reply::Id(text) => vec![vec![("".to_owned(), text)]],
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

fn knobs() -> Knobs {
    Knobs { cluster_admin: "admin:секрет 1".into(), sessions: 30, ..Knobs::default() }
}

/// The first value of this name.
fn first(rows: &[Vec<(String, String)>], name: &str) -> String {
    let (_, value) = rows[0].iter().find(|(known, _)| known == name).unwrap();
    value.trim_start_matches("Text(\"").trim_end_matches("\")").to_owned()
}

#[test]
fn lists_and_records_are_the_same() {
    run(async {
        let both = Both::start(knobs()).await;
        both.same("agent version", &[]).await;
        both.same("agent admin list", &[]).await;
        both.same("cluster list", &[]).await;
        both.same("cluster info", &[]).await;
        both.same("cluster admin list", &[]).await;
        for (words, key) in [
            ("manager", "manager"),
            ("server", "server"),
            ("process", "process"),
            ("infobase summary", "infobase"),
            ("connection", "connection"),
            ("session", "session"),
        ] {
            let list = both.same(&format!("{words} list"), &[]).await;
            let id = first(&list, key);
            both.same(&format!("{words} info"), &[(key, &id)]).await;
        }
        let base = first(&both.same("infobase summary list", &[]).await, "name");
        both.same("infobase info", &[("infobase", &base)]).await;
        both.same("session list", &[("infobase", &base)]).await;
        both.same("session list", &[("licenses", "")]).await;
        both.same("process list", &[("licenses", "")]).await;
        both.same("connection list", &[("infobase", &base)]).await;
        both.same("service list", &[]).await;
        both.same("lock list", &[]).await;
        both.same("lock list", &[("infobase", &base)]).await;
        both.same("profile list", &[]).await;
        both.same("counter list", &[]).await;
        both.same("limit list", &[]).await;
        let server = first(&both.same("server list", &[]).await, "server");
        both.same("rule list", &[("server", &server)]).await;
        both.same("process list", &[("server", &server)]).await;
        both.same("service-setting list", &[("server", &server)]).await;
    });
}

#[test]
fn conditions_that_the_utility_does_not_know_are_kept_all_the_same() {
    run(async {
        let both = Both::start(knobs()).await;
        let connections = both.same("connection list", &[]).await;
        let process = first(&connections, "process");
        let of_process = both.same("connection list", &[("process", &process)]).await;
        assert!(!of_process.is_empty() && of_process.len() < connections.len());
        let locks = both.same("lock list", &[]).await;
        let held = locks.iter().find(|lock| lock.iter().any(|(name, value)| name == "session" && value != "Null"));
        let session = first(std::slice::from_ref(held.unwrap()), "session");
        let of_session = both.same("lock list", &[("session", &session)]).await;
        assert!(!of_session.is_empty() && of_session.len() < locks.len());
    });
}

#[test]
fn refusals_are_the_same() {
    run(async {
        let both = Both::start(knobs()).await;
        let nobody = "11111111-2222-3333-4444-555555555555";
        for (words, options, code) in [
            ("session list", &[("cluster_user", "x"), ("cluster_pwd", "y")][..], "rac.cluster_auth"),
            ("session info", &[("session", nobody)], "rac.session_not_found"),
            ("session terminate", &[("session", nobody)], "rac.session_not_found"),
            ("connection info", &[("connection", nobody)], "rac.connection_not_found"),
            ("infobase info", &[("infobase", nobody)], "rac.infobase_not_found"),
            ("infobase info", &[("infobase", "nowhere")], "rac.infobase_not_found"),
            ("cluster info", &[("cluster", nobody)], "rac.cluster_not_found"),
            ("cluster info", &[("cluster", "Main cluster of nobody")], "rac.cluster_not_found"),
        ] {
            let refused = both.refused(words, options).await;
            assert!(refused.starts_with(code), "{words}: {refused}");
        }
    });
}

#[test]
fn what_one_way_changes_the_other_way_sees() {
    run(async {
        let both = Both::start(knobs()).await;
        let run = async |server: &Server, words: &str, options: &[(&str, &str)]| {
            server
                .run(call(words, options, false))
                .await
                .unwrap_or_else(|error| panic!("{words} at {}: {error:?}", server.address()))
        };
        let base = first(&both.same("infobase summary list", &[]).await, "name");
        for server in [&both.utility, &both.native] {
            run(server, "infobase summary update", &[("infobase", &base), ("descr", "Опись \"в кавычках\"")]).await;
            let list = both.same("infobase summary list", &[]).await;
            assert_eq!(list[0].last().unwrap().1, "Text(\"Опись \\\"в кавычках\\\"\")");
            run(server, "infobase summary update", &[("infobase", &base), ("descr", "")]).await;
            assert_eq!(both.same("infobase summary list", &[]).await[0].last().unwrap().1, "Text(\"\")");

            let lock = [
                ("infobase", base.as_str()),
                ("sessions_deny", "on"),
                ("denied_from", "2026-03-01T10:00:00"),
                ("denied_message", "Работы до 18:00\nи позже"),
                ("permission_code", "0012"),
            ];
            run(server, "infobase update", &lock).await;
            let info = both.same("infobase info", &[("infobase", &base)]).await;
            assert_eq!(first(&info, "sessions_deny"), "Flag(true)");
            assert_eq!(first(&info, "permission_code"), "0012");
            run(server, "infobase update", &[("infobase", &base), ("sessions_deny", "off"), ("denied_from", "")]).await;
            assert_eq!(first(&both.same("infobase info", &[("infobase", &base)]).await, "denied_from"), "Null");

            let Reply::Id(rule) = run(
                server,
                "rule insert",
                &[
                    ("server", &first(&both.same("server list", &[]).await, "server")),
                    ("position", "0"),
                    ("object_type", "Connection"),
                    ("rule_type", "always"),
                ],
            )
            .await
            else {
                panic!("no id")
            };
            assert_eq!(rule.len(), 36);
            let session = first(&both.same("session list", &[]).await, "session");
            run(server, "session terminate", &[("session", &session), ("error_message", "пора")]).await;
            assert!(both.refused("session info", &[("session", &session)]).await.starts_with("rac.session_not_found"));

            run(server, "profile update", &[("name", "p 1"), ("config", "yes"), ("descr", "x")]).await;
            run(server, "profile acl com update", &[("profile", "p 1"), ("name", "Excel"), ("descr", "таблицы")]).await;
            let list = both.same("profile acl com list", &[("profile", "p 1")]).await;
            assert_eq!((list.len(), first(&list, "name")), (1, "Excel".to_owned()));
            run(server, "profile acl com remove", &[("profile", "p 1"), ("name", "Excel")]).await;
            assert!(both.same("profile acl com list", &[("profile", "p 1")]).await.is_empty());
            run(server, "profile remove", &[("name", "p 1")]).await;
        }
    });
}
