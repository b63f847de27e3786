//! What is asked of counters of resource use and of limits.

use std::collections::BTreeMap;

use super::ask::{Acts, Answer, Ask, Outcome, named};
use super::chance::ticks;
use super::row::{NIL, Row};
use super::session::Session;
use super::texts::Fail;
use super::world::{Cluster, Counter, Ground, own_id};
use crate::services::rac::table::COUNTER_VALUE;

pub const ACTS: Acts = &[
    ("counters", counters),
    ("counter info", counter),
    ("create or change counter", put_counter),
    ("remove counter", remove_counter),
    ("limits", limits),
    ("limit info", limit),
    ("create or change limit", put_limit),
    ("remove limit", remove_limit),
    ("counter values", values),
    ("clear counter", clear),
    ("accumulated values", accumulated),
];

fn counters<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.counters.iter().map(|counter| &counter.row).collect()))
}

fn counter<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    named(cluster.counters.iter().map(|counter| &counter.row), &ask.text(), Fail::NoCounter)
}

fn put_counter<'w>(cluster: &'w mut Cluster, ground: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let written = ask.row()?;
    let name = written.text("name").to_owned();
    if name.is_empty() {
        return Err(Fail::NoName);
    }
    match cluster.counters.iter_mut().find(|counter| counter.row.text("name") == name) {
        Some(counter) => counter.row.change(written),
        None => {
            let row = Row::fresh(written);
            cluster.counters.push(Counter { row, values: Vec::new(), accumulated: Vec::new() });
        }
    }
    count(cluster, &name, ground.clock.now());
    Ok(Answer::Void)
}

fn remove_counter<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let name = ask.text();
    let at = cluster.counters.iter().position(|counter| counter.row.text("name") == name);
    cluster.counters.remove(at.ok_or(Fail::NoCounter)?);
    Ok(Answer::Void)
}

fn limits<'w>(cluster: &'w mut Cluster, _: &mut Ground, _: &mut Ask<'_>) -> Outcome<'w> {
    Ok(Answer::Many(cluster.limits.iter().collect()))
}

fn limit<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    named(&cluster.limits, &ask.text(), Fail::NoLimit)
}

fn put_limit<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let written = ask.row()?;
    let name = written.text("name");
    if name.is_empty() {
        return Err(Fail::NoName);
    }
    match cluster.limits.iter_mut().find(|limit| limit.text("name") == name) {
        Some(limit) => limit.change(written),
        None => cluster.limits.push(Row::fresh(written)),
    }
    Ok(Answer::Void)
}

fn remove_limit<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let name = ask.text();
    let at = cluster.limits.iter().position(|limit| limit.text("name") == name);
    cluster.limits.remove(at.ok_or(Fail::NoLimit)?);
    Ok(Answer::Void)
}

/// The counter that is asked for, and the objects.
fn asked<'w>(cluster: &'w mut Cluster, ask: &mut Ask<'_>) -> Result<(&'w mut Counter, String), Fail> {
    let name = ask.text();
    let counter = cluster.counters.iter_mut().find(|counter| counter.row.text("name") == name);
    Ok((counter.ok_or(Fail::NoCounter)?, ask.text()))
}

fn values<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (counter, filter) = asked(cluster, ask)?;
    Ok(Answer::Many(counter.values.iter().filter(|row| is_object(row, &filter)).collect()))
}

fn accumulated<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (counter, filter) = asked(cluster, ask)?;
    Ok(Answer::Many(counter.accumulated.iter().filter(|row| is_object(row, &filter)).collect()))
}

fn clear<'w>(cluster: &'w mut Cluster, _: &mut Ground, ask: &mut Ask<'_>) -> Outcome<'w> {
    let (counter, filter) = asked(cluster, ask)?;
    counter.values.retain(|row| !is_object(row, &filter));
    counter.accumulated.retain(|row| !is_object(row, &filter));
    Ok(Answer::Void)
}

/// `type=value` pairs: all parts between `;` hold, of each part one alternative between `|`.
fn matches(filter: &str, value: impl Fn(&str) -> Option<String>) -> bool {
    let holds = |pair: &str| pair.split_once('=').is_some_and(|(kind, wanted)| value(kind).as_deref() == Some(wanted));
    filter.split(';').filter(|part| !part.is_empty()).all(|part| part.split('|').any(holds))
}

fn is_object(row: &Row, filter: &str) -> bool {
    let object = row.text("object");
    matches(filter, |kind| {
        let kind = if kind == "user" { "userName" } else { kind };
        let pair = object.split(';').filter_map(|pair| pair.split_once('=')).find(|(known, _)| *known == kind);
        pair.map(|(_, value)| value.to_owned())
    })
}

/// What is measured, and where sessions have it: during the call that runs, lately, and in all.
const MEASURES: [(&str, [&str; 3]); 9] = [
    ("duration", ["duration-current", "duration-last-5min", "duration-all"]),
    ("cpu-time", ["cpu-time-current", "cpu-time-last-5min", "cpu-time-total"]),
    ("duration-dbms", ["duration-current-dbms", "duration-last-5min-dbms", "duration-all-dbms"]),
    ("service", ["duration-current-service", "duration-last-5min-service", "duration-all-service"]),
    ("memory", ["memory-current", "memory-last-5min", "memory-total"]),
    ("read", ["read-current", "read-last-5min", "read-total"]),
    ("write", ["write-current", "write-last-5min", "write-total"]),
    ("dbms-bytes", ["dbms-bytes-last-5min", "dbms-bytes-last-5min", "dbms-bytes-all"]),
    ("call", ["calls-last-5min", "calls-last-5min", "calls-all"]),
];

pub fn count_all(cluster: &mut Cluster, now: i64) {
    let names: Vec<String> = cluster.counters.iter().map(|counter| counter.row.text("name").to_owned()).collect();
    cluster.sessions.all_mut().for_each(|session| session.live(now));
    names.iter().for_each(|name| count(cluster, name, now));
}

/// Counts what the sessions have used so far.
fn count(cluster: &mut Cluster, name: &str, now: i64) {
    let Some(counter) = cluster.counters.iter_mut().find(|counter| counter.row.text("name") == name) else { return };
    let by_user = counter.row.int("group") == 0;
    let lately = if counter.row.int("collection-time") == 0 { 0 } else { 1 };
    let (mut values, mut accumulated) = (BTreeMap::new(), BTreeMap::new());
    for session in cluster.sessions.all() {
        let base = cluster.infobases.iter().find(|base| own_id(base) == session.infobase);
        let base = base.map_or("", |base| base.text("name"));
        if !is_counted(&counter.row, session, base) {
            continue;
        }
        let object = match by_user {
            true => format!("infobase={base};userName={}", session.row.text("user-name")),
            false => format!("infobase={base};data-separation={}", session.row.text("data-separation")),
        };
        for (rows, column) in [(&mut values, lately), (&mut accumulated, 2)] {
            let row = rows.entry(object.clone()).or_insert_with(|| empty(&object, &counter.row, now));
            add(row, &counter.row, session, column);
        }
    }
    counter.values = values.into_values().collect();
    counter.accumulated = accumulated.into_values().collect();
}

fn is_counted(counter: &Row, session: &Session, base: &str) -> bool {
    let is_selected = matches(counter.text("filter"), |kind| match kind {
        "infobase" => Some(base.to_owned()),
        "user" => Some(session.row.text("user-name").to_owned()),
        "data-separation" => Some(session.row.text("data-separation").to_owned()),
        _ => None,
    });
    match counter.int("filter-type") {
        0 => is_selected,
        1 => !is_selected,
        _ => true,
    }
}

fn empty(object: &str, counter: &Row, now: i64) -> Row {
    let time = counter.int("collection-time");
    Row::new(&COUNTER_VALUE).with("object", object).with("collection-time", time).with("time", ticks(now))
}

fn add(row: &mut Row, counter: &Row, session: &Session, column: usize) {
    let measured = MEASURES.iter().map(|(measure, columns)| (*measure, session.row.int(columns[column])));
    let is_active = session.connection != NIL;
    let counted = [("number-of-active-sessions", i64::from(is_active)), ("number-of-sessions", 1)];
    for (measure, more) in measured.chain(counted) {
        if counter.int(measure) != 0 {
            row.set(measure, row.int(measure) + more);
        }
    }
}
