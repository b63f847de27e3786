//! `b24.export` in processes that are killed: the file is that of an undisturbed run.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pult::sandbox::b24::{Knobs, Portal};
use serde_json::json;

const SCRIPT: &str = r#"
    let done = b24.export("crm.deal.list", #{ select: ["ID", "TITLE", "OPPORTUNITY", "DATE_CREATE"] }, args[0]);
    print(`${done.rows} ${done.resumed}`);
"#;
const ROWS: u64 = 30_000;

/// A folder with a script, its connection, and the state file of all processes that run it.
struct Place {
    folder: tempfile::TempDir,
    portal: Portal,
    _runtime: tokio::runtime::Runtime,
}

impl Place {
    fn new() -> Place {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let changes = json!({ "rows": { "deals": ROWS }, "limits": false, "latency_ms": 5 });
        let portal = runtime.block_on(Portal::start(Knobs::default().merged(&changes).unwrap())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = "[b24.main]\nwebhook = { env = \"PULT_TEST_WEBHOOK\" }\nrequests_per_second = 20\nburst = 3\n";
        std::fs::write(folder.path().join("pult.toml"), config).unwrap();
        std::fs::write(folder.path().join("export.rhai"), SCRIPT).unwrap();
        Place { folder, portal, _runtime: runtime }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, file: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_pult"))
            .args(["run", "export.rhai", file])
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("PULT_TEST_WEBHOOK", self.portal.webhook())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap()
    }

    /// Runs to the end: how many rows were written, and how many of them had been read before.
    fn finish(&self, file: &str) -> (u64, u64) {
        let done = self.start(file).wait_with_output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(done.status.success(), "{said}");
        let numbers: Vec<u64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
        (numbers[0], numbers[1])
    }

    /// Runs for so long, and is killed then; false when it had come to its end.
    fn kill(&self, file: &str, after: Duration) -> bool {
        let mut child = self.start(file);
        std::thread::sleep(after);
        let came_to_its_end = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        !came_to_its_end
    }
}

/// Numbers below one that are random enough, and the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn same(a: &Path, b: &Path) -> bool {
    std::fs::read(a).unwrap() == std::fs::read(b).unwrap()
}

/// What stands beside the script.
fn files(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn killed_and_resumed(ending: &str, kills: usize) {
    let place = Place::new();
    // Sheets and tables have the name of the file.
    let undisturbed = format!("undisturbed/deals.{ending}");
    let began = Instant::now();
    assert_eq!(place.finish(&undisturbed), (ROWS, 0));
    let took = began.elapsed();
    let (file, mut random, mut left) = (format!("deals.{ending}"), Random(kills as u64), kills);
    let mut resumed_once = false;
    while left > 0 {
        if place.kill(&file, took.mul_f64(random.next() * 0.5)) {
            left -= 1;
        } else {
            assert!(same(&place.path(&file), &place.path(&undisturbed)), "after {} kills", kills - left);
        }
        // Killed just before its end, it may have its name already; then it is whole.
        assert!(!place.path(&file).exists() || same(&place.path(&file), &place.path(&undisturbed)));
        // A table would join the database that is there.
        let _ = std::fs::remove_file(place.path(&file));
        resumed_once |= place.path(&format!("{file}.rows.part")).metadata().is_ok_and(|part| part.len() > 100);
    }
    assert_eq!(place.finish(&file).0, ROWS);
    assert!(same(&place.path(&file), &place.path(&undisturbed)));
    assert!(resumed_once, "nothing was ever left to be gone on with");
    assert_eq!(files(&place), [file.as_str(), "export.rhai", "pult.toml"]);
}

#[test]
fn killed_at_twenty_moments_the_file_is_that_of_an_undisturbed_run() {
    killed_and_resumed("csv", 20);
}

#[test]
fn so_are_a_book_and_a_database() {
    killed_and_resumed("xlsx", 5);
    killed_and_resumed("db", 5);
}
