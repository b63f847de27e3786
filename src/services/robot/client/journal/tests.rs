//! The journal: written by several at the same time, damaged, too full.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::outbox::{AGE, CHUNK};
use super::*;
use crate::services::robot::client::shapes::{JobStatus, Level, Line, Taken};
use crate::services::robot::client::work::{Ending, How};

const ROBOT: &str = "0123456789abcdef";
const JOB: &str = "5C1E0000-0000-4000-8000-000000000001";

fn taken(guid: &str, name: &str) -> Taken {
    Taken {
        guid: guid.into(),
        name: name.into(),
        version: "v-1".into(),
        job: json!({ "GUID": guid }),
        process_version: json!({ "Name": name }),
        task: Value::Null,
        params: json!({ "file": "счёт.xml" }),
        unreadable: None,
    }
}

fn ending(how: How) -> Ending {
    Ending { how, observed: false, took: Duration::from_millis(1500), tail: vec!["done".into()] }
}

fn line(job: &str, level: Level, text: &str) -> Line {
    Line { job: job.into(), version: "v-1".into(), level, text: text.into() }
}

fn open(path: &Path) -> Journal {
    Journal::open(path, ROBOT).unwrap()
}

/// What goes out, one after the other.
fn drained(journal: &Journal) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(item) = journal.next(false).unwrap() {
        told.push(match &item.what {
            What::Status(status) => format!("{} {}", item.job, status.word()),
            What::Line(line) => format!("{} {}: {}", item.job, line.level.word(), line.text),
            What::Dropped(count) => format!("dropped {count}"),
        });
        journal.delivered(&item).unwrap();
    }
    told
}

#[test]
fn a_job_is_followed_from_its_taking_to_its_last_status_by_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    let (agent, supervisor) = (open(&path), open(&path));
    agent.prepare().unwrap();
    assert!(supervisor.was_consuming().unwrap());
    agent.took(&taken(JOB, "import")).unwrap();
    assert!(!agent.was_consuming().unwrap(), "it has arrived");
    agent.announce(JOB).unwrap();
    agent.begin(JOB).unwrap();
    // Comparing GUIDs knows no case.
    let lower = JOB.to_lowercase();
    supervisor.process(&lower, 4711, "12:00:01").unwrap();
    supervisor.say(&line(JOB, Level::Info, "read a.xml")).unwrap();
    supervisor.progress(&lower, 50.0, "half").unwrap();
    supervisor.ended(&lower, &ending(How::Returned)).unwrap();
    supervisor.ended(&lower, &ending(How::Orphaned)).unwrap();

    let record = agent.unfinished().unwrap().remove(0);
    assert_eq!((record.phase, record.begun, record.announced), (Phase::Begun, 1, true));
    assert_eq!(record.ending.map(|ending| ending.how), Some(How::Returned), "the first is believed");
    assert_eq!(record.taken, Some(taken(JOB, "import")));
    assert_eq!(record.progress, Some((50.0, "half".into())));
    assert_eq!(agent.processes(JOB).unwrap(), [Process { pid: 4711, since: "12:00:01".into() }]);

    agent.over(JOB, &ending(How::Returned), JobStatus::Success, "", &[]).unwrap();
    assert_eq!(agent.finished(JOB).unwrap(), None);
    agent.close(JOB, JobStatus::Success).unwrap();
    assert_eq!(agent.finished(&lower).unwrap().unwrap().status, JobStatus::Success);
    assert!(agent.unfinished().unwrap().is_empty() && agent.processes(JOB).unwrap().is_empty());
    let expected = ["in_progress", "info: read a.xml", "success"].map(|what| format!("{JOB} {what}"));
    assert_eq!(drained(&agent), expected);
}

#[test]
fn statuses_of_other_jobs_go_before_lines_but_never_before_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("s.sqlite"));
    journal.say(&line("", Level::Info, "hello")).unwrap();
    for job in ["a", "b"] {
        journal.took(&taken(job, "n")).unwrap();
        journal.begin(job).unwrap();
        journal.say(&line(job, Level::Info, "works")).unwrap();
        journal.close(job, JobStatus::Failed).unwrap();
    }
    let expected =
        ["a in_progress", "b in_progress", " info: hello", "a info: works", "a failed", "b info: works", "b failed"];
    assert_eq!(drained(&journal), expected);
}

#[test]
fn a_job_that_never_began_does_not_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("s.sqlite"));
    journal.took(&taken(JOB, "n")).unwrap();
    journal.announce(JOB).unwrap();
    journal.close(JOB, JobStatus::Aborted).unwrap();
    assert_eq!(drained(&journal), [format!("{JOB} aborted")]);
}

/// Test 74.
#[test]
fn a_damaged_row_is_set_aside_and_the_rest_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.sqlite");
    let journal = open(&path);
    for job in ["a", "b", "c"] {
        journal.took(&taken(job, "n")).unwrap();
    }
    for text in ["one", "two", "three", "four"] {
        journal.say(&line("", Level::Info, text)).unwrap();
    }
    let damage = rusqlite::Connection::open(&path).unwrap();
    damage
        .execute_batch(
            "UPDATE robot_jobs SET taken = substr(taken, 1, 20) WHERE job = 'a';
             UPDATE robot_jobs SET phase = 'eaten' WHERE job = 'b';
             UPDATE robot_outbox SET body = '{\"level\":' WHERE seq = 1;
             UPDATE robot_outbox SET kind = 'picture' WHERE seq = 2;
             UPDATE robot_outbox SET body = x'00ff' WHERE seq = 3;",
        )
        .unwrap();
    let left = journal.unfinished().unwrap();
    assert_eq!(
        left.iter().map(|job| (job.guid.as_str(), job.taken.is_some())).collect::<Vec<_>>(),
        [("a", false), ("c", true)]
    );
    assert_eq!(drained(&journal), [" info: four"]);
    let aside = journal.aside().unwrap();
    let from: Vec<&str> = aside.iter().map(|(source, ..)| source.as_str()).collect();
    assert_eq!(from, ["robot_jobs", "robot_jobs", "robot_outbox", "robot_outbox", "robot_outbox"]);
    assert!(aside[1].2.contains("eaten") && aside[3].2.contains("picture"), "{aside:?}");
    assert_eq!(journal.unfinished().unwrap().len(), 2, "nothing is set aside twice");
    assert_eq!(journal.aside().unwrap().len(), 5);
}

/// Test 81.
#[test]
fn a_flood_of_lines_loses_the_least_grave_and_oldest_and_never_a_status() {
    let folder = tempfile::tempdir().unwrap();
    const ROOM: usize = 4 * 1024 * 1024;
    let journal = Journal { room: ROOM as i64, ..open(&folder.path().join("s.sqlite")) };
    journal.took(&taken(JOB, "n")).unwrap();
    journal.announce(JOB).unwrap();
    let long = "x".repeat(CHUNK - 100);
    let bytes = ROOM + ROOM / 4;
    let flood: Vec<Line> = (0..bytes / CHUNK)
        .map(|n| line(JOB, if n % 4 == 0 { Level::Warning } else { Level::Debug }, &format!("{n} {long}")))
        .collect();
    for some in flood.chunks(50) {
        journal.say_all(some).unwrap();
    }
    journal.begin(JOB).unwrap();
    journal.close(JOB, JobStatus::Success).unwrap();
    let left = journal.waiting(u32::MAX).unwrap();
    let size: usize = left.iter().map(|item| if let What::Line(line) = &item.what { line.text.len() } else { 0 }).sum();
    assert!(size < ROOM && size > ROOM / 2, "{size}");
    let count = |level: Level| {
        let is = |item: &&Item| matches!(&item.what, What::Line(line) if line.level == level);
        left.iter().filter(is).count()
    };
    assert_eq!(count(Level::Warning), flood.len().div_ceil(4), "the graver ones are all there");
    let dropped = flood.len() - count(Level::Warning) - count(Level::Debug);
    let told: Vec<&What> = left.iter().map(|item| &item.what).filter(|what| matches!(what, What::Dropped(_))).collect();
    assert_eq!(told, [&What::Dropped(dropped as i64)]);
    let statuses: Vec<&Item> = left.iter().filter(|item| matches!(item.what, What::Status(_))).collect();
    assert_eq!(statuses.len(), 2);
}

#[test]
fn lines_of_a_week_ago_are_dropped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let state = Arc::new(State::at(folder.path().join("s.sqlite")));
    let now = Arc::new(AtomicI64::new(1_000_000_000_000));
    let clock = now.clone();
    let journal = Journal::with(state, ROBOT, Arc::new(move || clock.load(Ordering::Relaxed))).unwrap();
    journal.took(&taken(JOB, "n")).unwrap();
    journal.announce(JOB).unwrap();
    journal.say(&line(JOB, Level::Critical, "old")).unwrap();
    now.fetch_add(AGE + 1, Ordering::Relaxed);
    journal.say(&line(JOB, Level::Debug, "new")).unwrap();
    journal.drop_old().unwrap();
    journal.drop_old().unwrap();
    let item = |journal: &Journal| journal.waiting(9).unwrap().into_iter().find(|item| item.job.is_empty()).unwrap();
    let told = item(&journal);
    assert_eq!(told.what, What::Dropped(1));
    // One more is dropped while the first is told of.
    now.fetch_add(AGE + 1, Ordering::Relaxed);
    journal.drop_old().unwrap();
    journal.delivered(&told).unwrap();
    assert_eq!(item(&journal).what, What::Dropped(1));
    assert_eq!(drained(&journal), [format!("{JOB} in_progress"), "dropped 1".into()]);
}

#[test]
fn a_long_text_goes_out_in_pieces_and_masked() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("s.sqlite"));
    crate::secret::hide("tr0ub4dor&3");
    let lines: Vec<String> = (0..2000).map(|n| format!("строка {n} tr0ub4dor&3")).collect();
    journal.say(&line("", Level::Info, &lines.join("\n"))).unwrap();
    journal.say(&line("", Level::Info, &"я".repeat(CHUNK))).unwrap();
    let texts: Vec<String> = journal
        .waiting(99)
        .unwrap()
        .into_iter()
        .map(|item| match item.what {
            What::Line(line) => line.text,
            what => panic!("{what:?}"),
        })
        .collect();
    assert!(texts.iter().all(|text| text.len() <= CHUNK && !text.contains("tr0ub4dor")));
    let (letters, rows): (Vec<_>, Vec<_>) = texts.iter().cloned().partition(|text| text.starts_with('я'));
    assert_eq!(rows.join("\n"), lines.join("\n").replace("tr0ub4dor&3", "***"));
    assert_eq!(letters.concat(), "я".repeat(CHUNK));
}

#[test]
fn what_is_refused_for_good_is_kept_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("s.sqlite"));
    journal.took(&taken(JOB, "n")).unwrap();
    journal.close(JOB, JobStatus::Failed).unwrap();
    let item = journal.next(false).unwrap().unwrap();
    journal.postponed(&item, true).unwrap();
    let again = journal.next(false).unwrap().unwrap();
    assert_eq!((again.attempts, again.doubtful), (1, true));
    journal.dead(&again, "409: the job is over").unwrap();
    assert_eq!(journal.next(false).unwrap(), None);
    assert_eq!(
        journal.dead_letters().unwrap(),
        [(JOB.to_owned(), "status failed".to_owned(), "409: the job is over".to_owned())]
    );
}

#[test]
fn a_thousand_finished_jobs_are_remembered_for_each_robot() {
    let folder = tempfile::tempdir().unwrap();
    let state = Arc::new(State::at(folder.path().join("s.sqlite")));
    let now = Arc::new(AtomicI64::new(0));
    let clock = now.clone();
    let wall: Wall = Arc::new(move || clock.fetch_add(1, Ordering::Relaxed));
    let (one, other) = (Journal::with(state.clone(), "one", wall.clone()).unwrap(), Journal::with(state, "two", wall));
    let other = other.unwrap();
    other.took(&taken("job-0", "n")).unwrap();
    other.close("job-0", JobStatus::Stopped).unwrap();
    for n in 0..1003 {
        one.took(&taken(&format!("job-{n}"), "n")).unwrap();
        one.close(&format!("job-{n}"), JobStatus::Success).unwrap();
    }
    assert_eq!((one.finished("job-2").unwrap(), one.finished("job-3").unwrap().is_some()), (None, true));
    assert_eq!(other.finished("job-0").unwrap().map(|job| job.status), Some(JobStatus::Stopped));
    assert_eq!(
        one.history(2).unwrap().iter().map(|job| job.guid.as_str()).collect::<Vec<_>>(),
        ["job-1002", "job-1001"]
    );
}

#[test]
fn several_write_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.sqlite");
    open(&path).took(&taken(JOB, "n")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let journal = open(&path);
                for n in 0..50 {
                    journal.say(&line(JOB, Level::Info, &n.to_string())).unwrap();
                }
            });
        }
    });
    assert_eq!(open(&path).depth().unwrap(), 200);
}

/// Test 73, the journal's part.
#[test]
fn what_cannot_be_written_is_said_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let error = Journal::open(&file.join("s.sqlite"), ROBOT).err().unwrap();
    assert_eq!(error.code(), "robot.journal");
    assert!(error.message().contains("s.sqlite") && error.hint_text().unwrap().contains("state"), "{error}");
}
