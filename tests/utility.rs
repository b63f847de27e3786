//! The utility transport against a `rac` that behaves as told: this very program, started under an address that names
//! the behaviour. So it is the same on every system.

use std::io::Write;
use std::process::exit;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pult::error::{Error, Kind, Retry};
use pult::services::rac::SETTINGS;
use pult::services::rac::client::Call;
use pult::services::rac::client::utility::{Argument, Utility, read};
use pult::services::rac::table;
use pult::services::rac::wire::parse::{Printed, Style};
use pult::settings::{Given, Settings};

/// Addresses that begin so are for the fake.
const FAKE: &str = "fake.";

const SUMMARY: &str =
    "infobase : 717bdda7-2f60-4577-b262-f1fc8c0e472c\nname     : Торговля\ndescr    : \"Описание\"\n\n";

const TESTS: &[(&str, fn())] = &[
    ("answers_are_decoded_and_read", answers_are_decoded_and_read),
    ("failures_are_told_by_what_was_said", failures_are_told_by_what_was_said),
    ("passwords_do_not_come_back", passwords_do_not_come_back),
    ("what_hangs_is_stopped", what_hangs_is_stopped),
    ("what_is_dropped_is_stopped", what_is_dropped_is_stopped),
    ("only_so_many_run_at_once", only_so_many_run_at_once),
    ("much_is_read_from_both_outputs", much_is_read_from_both_outputs),
    ("what_is_no_program_is_told", what_is_no_program_is_told),
    ("half_an_answer_is_none", half_an_answer_is_none),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(behaviour) = arguments.first().and_then(|first| first.strip_prefix(FAKE)) {
        exit(fake(behaviour, &arguments[1..]));
    }
    if arguments.iter().any(|argument| argument == "--list") {
        TESTS.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    let wanted = |name: &str| {
        let mut filters = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(filter.as_str()))
    };
    for (name, test) in TESTS.iter().filter(|(name, _)| wanted(name)) {
        test();
        println!("test {name} ... ok");
    }
}

/// What a `rac` does that was started with an address of this name; the result is its exit code.
fn fake(behaviour: &str, arguments: &[String]) -> i32 {
    let mut out = std::io::stdout().lock();
    let mut say = |bytes: &[u8]| out.write_all(bytes).and_then(|()| out.flush()).unwrap();
    match behaviour {
        "utf8" => say(SUMMARY.as_bytes()),
        "cp866" => say(
            b"infobase : 717bdda7-2f60-4577-b262-f1fc8c0e472c\r\nname     : \x92\xae\xe0\xa3\r\ndescr    : \r\n\r\n",
        ),
        "cp1251" => say(
            b"infobase : 717bdda7-2f60-4577-b262-f1fc8c0e472c\r\nname     : \xd2\xee\xf0\xe3\r\ndescr    : \r\n\r\n",
        ),
        "arguments" => say(arguments.join("\n").as_bytes()),
        "nothing" => {}
        "half" => say(&SUMMARY.as_bytes()[..60]),
        "help" => {
            say("1C:Enterprise 8.3 Remote Administrative Client Utility © 1C-Soft LLC 1996-2022\n".as_bytes());
            return 255;
        }
        "refusal" => {
            return complain("Ошибка операции администрирования\nАдминистратор кластера не аутентифицирован\n", 255);
        }
        "windows" => {
            std::io::stderr().write_all(b"\x91\xa5\xa0\xad\xe1 \xe1 \xe3\xaa\xa0\xa7\xa0\xad\xad\xeb\xac \xa8\xa4\xa5\xad\xe2\xa8\xe4\xa8\xaa\xa0\xe2\xae\xe0\xae\xac \xad\xa5 \xad\xa0\xa9\xa4\xa5\xad\r\n").unwrap();
            return -1;
        }
        "echo" => return complain(&format!("Error parsing option: {}\n", arguments.last().unwrap()), 255),
        "silent" => return 255,
        "crash" => return if cfg!(windows) { -1_073_741_819 } else { std::process::abort() },
        "hang" => std::thread::sleep(Duration::from_secs(60)),
        "slow" => std::thread::sleep(Duration::from_millis(300)),
        "mark" => {
            std::thread::sleep(Duration::from_millis(700));
            std::fs::write(arguments.last().unwrap(), "ran to its end").unwrap();
        }
        "much" => {
            complain(&"x".repeat(1 << 20), 0);
            say("y".repeat(4 << 20).as_bytes());
        }
        other => panic!("{other}"),
    }
    0
}

fn complain(text: &str, code: i32) -> i32 {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
    code
}

fn utility(settings: &[(&str, Given)]) -> Utility {
    let mut all = Settings::new("a test");
    let program = std::env::current_exe().unwrap();
    all.set(SETTINGS, "utility", Given::Text(program.to_str().unwrap().into())).unwrap();
    for (name, given) in settings {
        all.set(SETTINGS, name, given.clone()).unwrap();
    }
    Utility::open(&all).unwrap()
}

fn run(utility: &Utility, behaviour: &str, arguments: &[Argument]) -> Result<String, Error> {
    wait(utility.run(&format!("{FAKE}{behaviour}"), arguments))
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn fails(behaviour: &str) -> Error {
    run(&utility(&[]), behaviour, &[]).unwrap_err()
}

fn list() -> Call {
    let (mode, command) = table::command(&["infobase", "summary", "list"]).unwrap();
    Call::new(mode, command)
}

fn name_in(text: &str) -> String {
    let Ok(Printed::Rows(rows)) = read(&list(), text, Style::Raw) else { panic!("{text}") };
    format!("{:?}", rows.get(0).unwrap().get("name").unwrap())
}

fn answers_are_decoded_and_read() {
    assert_eq!(name_in(&run(&utility(&[]), "utf8", &[]).unwrap()), "Text(\"Торговля\")");
    assert_eq!(name_in(&run(&utility(&[]), "cp866", &[]).unwrap()), "Text(\"Торг\")");
    let cp1251 = utility(&[("encoding", Given::Text("cp1251".into()))]);
    assert_eq!(name_in(&run(&cp1251, "cp1251", &[]).unwrap()), "Text(\"Торг\")");
    assert_eq!(run(&utility(&[]), "nothing", &[]).unwrap(), "");
    // Each argument arrives as it is, whatever is in it.
    let texts = ["--name=a b", "--descr=\"q\" 'x' $HOME %PATH% & | > \\", "--error-message=строка\nещё"];
    let arguments: Vec<Argument> = texts.iter().map(|text| Argument::plain(*text)).collect();
    assert_eq!(run(&utility(&[]), "arguments", &arguments).unwrap(), texts.join("\n"));
}

fn failures_are_told_by_what_was_said() {
    assert_eq!(fails("refusal").code(), "rac.cluster_auth");
    assert_eq!(fails("windows").code(), "rac.session_not_found");
    assert_eq!(fails("silent").code(), "rac.silent");
    assert_eq!(fails("help").code(), "rac.help_printed");
    let crash = fails("crash");
    assert_eq!((crash.code(), crash.kind(), crash.may_retry()), ("rac.crashed", Kind::Unavailable, Retry::Unknown));
    assert!(crash.details().iter().any(|(name, _)| *name == "utility"), "{crash:?}");
    let safe = wait(utility(&[]).ask(&format!("{FAKE}crash"), &list())).unwrap_err();
    assert_eq!(safe.may_retry(), Retry::Safe);
}

fn passwords_do_not_come_back() {
    let error = run(&utility(&[]), "echo", &[Argument::secret("cluster-pwd", "x1")]).unwrap_err();
    assert_eq!((error.code(), error.message()), ("rac.option", "Error parsing option: --cluster-pwd=***"));
}

fn what_hangs_is_stopped() {
    let utility = utility(&[("timeout", Given::Number(0.3))]);
    let begin = Instant::now();
    let error = run(&utility, "hang", &[]).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("rac.no_answer", Kind::Timeout));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

fn what_is_dropped_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let arguments = [Argument::plain(mark.to_str().unwrap())];
    let utility = utility(&[]);
    let address = format!("{FAKE}mark");
    wait(async {
        let dropped = tokio::time::timeout(Duration::from_millis(200), utility.run(&address, &arguments)).await;
        assert!(dropped.is_err());
    });
    std::thread::sleep(Duration::from_millis(1200));
    assert!(!mark.exists());
}

fn only_so_many_run_at_once() {
    let two = Arc::new(utility(&[("connections", Given::Integer(2))]));
    let begin = Instant::now();
    wait(async {
        let runs = (0..4).map(|_| {
            let two = two.clone();
            async move { two.run(&format!("{FAKE}slow"), &[]).await.unwrap() }
        });
        futures_util::future::join_all(runs).await;
    });
    // Two after two, each of 0.3 s.
    assert!(begin.elapsed() >= Duration::from_millis(600), "{:?}", begin.elapsed());
}

fn much_is_read_from_both_outputs() {
    assert_eq!(run(&utility(&[]), "much", &[]).unwrap().len(), 4 << 20);
}

fn what_is_no_program_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rac.exe");
    std::fs::write(&file, "no program").unwrap();
    let of = |path: &std::path::Path| {
        let utility = utility(&[("utility", Given::Text(path.to_str().unwrap().into()))]);
        run(&utility, "utf8", &[]).unwrap_err()
    };
    assert_eq!(of(&file).code(), "rac.not_executable");
    let gone = of("no-such-rac-anywhere".as_ref());
    assert_eq!((gone.code(), gone.may_retry()), ("rac.no_utility", Retry::Safe));
}

fn half_an_answer_is_none() {
    let half = run(&utility(&[]), "half", &[]).unwrap();
    let error = read(&list(), &half, Style::Raw).unwrap_err();
    assert_eq!((error.code(), error.kind(), error.may_retry()), ("rac.half_printed", Kind::Protocol, Retry::Safe));
}
