//! Robots, jobs and their history for people: a page that refreshes itself, and the same as text.

use std::fmt::Write;

use super::clock::{civil, date};
use super::page::Page;
use super::things::{Job, status};
use super::world::World;

/// Jobs shown, the newest first.
const JOBS: usize = 50;
const ROBOT_STATUS: [&str; 4] = ["Disconnected", "Unlicensed", "Ready", "Working"];

/// One table: its title, its columns, its rows.
struct Shown {
    title: String,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

fn tables(world: &World) -> Vec<Shown> {
    let robots = world.robots.iter().filter(|robot| !robot.deleted).map(|robot| {
        let seen = robot.last_seen.map_or_else(|| "never".to_owned(), |at| format!("{:.0} s ago", world.now - at));
        let shown = usize::try_from(world.shown_status(robot)).unwrap_or(0);
        let status = ROBOT_STATUS.get(shown).copied().unwrap_or("unknown");
        let status = if robot.active { status.to_owned() } else { format!("{status}, inactive") };
        vec![
            robot.base.name.clone(),
            robot.base.guid.clone(),
            status,
            seen,
            robot.machine.clone(),
            robot.job_name.clone(),
        ]
    });
    let jobs = world.jobs.iter().rev().take(JOBS).map(|job| {
        let name = world.versions.name(job.version).to_owned();
        let (robot, status) = (world.robots.name(job.robot).to_owned(), status::word(job.status).to_owned());
        vec![job.base.guid.clone(), name, robot, world.tasks.name(job.task).to_owned(), status, history(job)]
    });
    let queues = world.queues.iter().map(|queue| {
        let of = |status| {
            let meant = world.tasks.iter().filter(|task| task.queue == queue.base.id && status == task.status);
            meant.count().to_string()
        };
        [queue.base.name.clone()].into_iter().chain((0..=6).map(of)).collect()
    });
    let broken = world.watch.broken.iter().map(|text| vec![text.clone()]);
    let count = format!("Jobs ({} of {})", world.jobs.len().min(JOBS), world.jobs.len());
    let robot_columns = &["name", "GUID", "status", "seen", "machine", "works on"];
    let task_columns =
        &["name", "New", "InProgress", "Success", "Failed", "Failed (business)", "Postponed", "Abandoned"];
    vec![
        Shown { title: "Robots".to_owned(), columns: robot_columns, rows: robots.collect() },
        Shown {
            title: count,
            columns: &["GUID", "version", "robot", "task", "status", "history"],
            rows: jobs.collect(),
        },
        Shown { title: "Queues".to_owned(), columns: task_columns, rows: queues.collect() },
        Shown { title: "Broken invariants".to_owned(), columns: &["what"], rows: broken.collect() },
    ]
}

/// `08:00:01 Pending, 08:00:05 In_Progress (robot)`.
fn history(job: &Job) -> String {
    let step = |step: &super::things::Step| {
        format!("{} {} ({})", civil(step.at).strftime("%H:%M:%S"), status::word(step.to), step.by)
    };
    job.history.iter().map(step).collect::<Vec<_>>().join(", ")
}

/// `GET /`.
pub fn page(world: &mut World) -> Page {
    let mut html = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" \
         content=\"2\"><title>Orchestrator (simulated)</title><style>body{font:14px system-ui,sans-serif;margin:2em}\
         table{border-collapse:collapse;margin-bottom:2em}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left;\
         vertical-align:top}th{background:#eee}</style></head><body><h1>Orchestrator (simulated)</h1>\n",
    );
    let _ = writeln!(html, "<p>{}, {} times faster than ours</p>", date(world.now), world.clock.speed());
    for table in tables(world) {
        let _ = write!(html, "<h2>{}</h2>\n<table><tr>", escaped(&table.title));
        table.columns.iter().for_each(|name| html.extend(["<th>", name, "</th>"]));
        html.push_str("</tr>\n");
        for row in &table.rows {
            html.push_str("<tr>");
            row.iter().for_each(|cell| html.extend(["<td>", &escaped(cell), "</td>"]));
            html.push_str("</tr>\n");
        }
        html.push_str("</table>\n");
    }
    html.push_str("</body></html>\n");
    Page::text(200, "text/html; charset=utf-8", html)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `GET /_sandbox/table`: the same as text.
pub fn table(world: &mut World) -> Page {
    let mut text = format!("{}\n", date(world.now));
    for table in tables(world) {
        let _ = writeln!(text, "\n{}", table.title);
        let columns: Vec<String> = table.columns.iter().map(|&name| name.to_owned()).collect();
        let rows = || [&columns].into_iter().chain(&table.rows);
        let width = |column: usize| rows().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns.len()).map(|column| width(column).unwrap_or(0)).collect();
        for row in rows() {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
            let _ = writeln!(text, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
    Page::text(200, "text/plain; charset=utf-8", text)
}
