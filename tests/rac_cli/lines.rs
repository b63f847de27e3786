//! Command lines that need no server.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::program::{FAILED, Ran, pult, rac, rac_in, run};

const ID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

/// Nothing on standard output, this on standard error.
#[track_caller]
fn refused(ran: &Ran, message: &str) {
    assert_eq!((ran.out(), ran.err(), ran.code), ("", message, FAILED));
}

#[test]
fn arguments_that_are_not_understood() {
    refused(&rac("cluster info"), "Error parsing option: cluster\n");
    refused(&rac("cluster list --cluster-user=cadmin"), "Error parsing option: --cluster-user=cadmin\n");
    refused(
        &rac_in(&format!("cluster update --cluster={ID} --cluster-pwd=hush-hush"), &[("PULT_RAC_LANG", "ru")]),
        "Ошибка разбора параметра: --cluster-pwd=***\n",
    );
    // The utility reads all arguments before it looks for a server.
    refused(&rac("connection list 127.0.0.1:1 --cluster=x"), "Error parsing option: cluster\n");
}

#[test]
fn help_and_version_succeed_on_standard_output() {
    let version = rac("--version");
    assert_eq!((version.out(), version.err(), version.code), ("8.3.27.1936\n", "", Some(0)));
    assert_eq!(rac_in("-v", &[("PULT_RAC_VERSION", "8.3.21.1895")]).out(), "8.3.21.1895\n");
    assert_eq!(rac_in("-v", &[("PULT_RAC_PROTOCOL", "16.0")]).out(), "8.5.1.1150\n");
    for line in ["", "help", "-?", "localhost:1545"] {
        let help = rac(line);
        assert_eq!((help.err(), help.code), ("", Some(0)), "{line}");
        assert!(help.out().contains("\n\trac help [options] [arguments]\n"), "{line}: {}", help.out());
    }
    let mode = rac("help session");
    assert!(mode.out().contains("\n\trac session [command] [options] [arguments]\n"));
    for line in ["session", "session --help", "session bring", "h session", "localhost session list -h"] {
        assert_eq!(rac(line), mode, "{line}");
    }
}

#[test]
fn the_locale_decides_the_language() {
    let by = |env: &[(&str, &str)]| rac_in("cluster info", env).err().to_owned();
    let none = ("PULT_RAC_LANG", "");
    assert_eq!(by(&[none, ("PULT_RAC_LANG", "RU")]), "Ошибка разбора параметра: cluster\n");
    if cfg!(not(windows)) {
        assert_eq!(by(&[none, ("LC_ALL", "ru_RU.UTF-8")]), "Ошибка разбора параметра: cluster\n");
        assert_eq!(by(&[none, ("LC_ALL", "C.UTF-8"), ("LANG", "ru_RU.UTF-8")]), "Error parsing option: cluster\n");
    }
    refused(&rac_in("cluster list", &[("PULT_RAC_LANG", "fr")]), "PULT_RAC_LANG=fr: ru, en\n");
}

#[test]
fn windows_pages_and_line_ends() {
    let windows = [("PULT_RAC_LANG", "ru"), ("PULT_RAC_ENCODING", "cp866"), ("PULT_RAC_NEWLINE", "crlf")];
    let ran = rac_in("session info", &windows);
    assert_eq!(
        ran.err,
        b"\x8e\xe8\xa8\xa1\xaa\xa0 \xe0\xa0\xa7\xa1\xae\xe0\xa0 \xaf\xa0\xe0\xa0\xac\xa5\xe2\xe0\xa0: cluster\r\n"
    );
    let help = rac_in("help lock", &windows).out;
    assert_eq!(
        help.iter().filter(|&&byte| byte == b'\n').count(),
        help.windows(2).filter(|end| end == b"\r\n").count()
    );
    assert!(help.windows(11).any(|part| part == b"\r\n\x90\xa5\xa6\xa8\xac:\r\n\r"), "Режим:");
}

#[test]
fn a_server_that_is_not_there() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (language, first) in [("ru", "Ошибка соединения с сервером"), ("en", "Error connecting to server")]
    {
        let ran = rac_in(&format!("127.0.0.1:{port} cluster list"), &[("PULT_RAC_LANG", language)]);
        let mut lines = ran.err().lines();
        assert_eq!((ran.out(), ran.code, lines.next()), ("", FAILED, Some(first)));
        assert!(lines.next().is_some_and(|system| !system.is_empty()), "{}", ran.err());
    }
}

#[test]
fn the_program_under_the_name_of_the_utility() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rac", "RAC.exe"] {
        let copy = folder.path().join(name);
        if std::fs::hard_link(pult(), &copy).is_err() {
            std::fs::copy(pult(), &copy).unwrap();
        }
        assert_eq!(run(&copy, &["--version"], &[]).out(), "8.3.27.1936\n");
        refused(&run(&copy, &["cluster", "info"], &[]), "Error parsing option: cluster\n");
    }
}

#[test]
fn flags_of_ours_are_not_lost_before_the_word() {
    let ran = run(pult(), &["--dry-run", "rac", "cluster", "list"], &[]);
    assert_eq!((ran.out(), ran.code), ("", Some(2)));
    assert!(ran.err().contains("usage.rac"), "{}", ran.err());
}

#[test]
fn whoever_has_read_enough_is_not_told() {
    let mut command = Command::new(pult());
    let mut child =
        command.args(["rac", "help", "infobase"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert_eq!(said, "");
}
