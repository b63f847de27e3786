//! The records of what an administrator lays down: rules, profiles with their lists, counters, limits, settings.

use super::Shape::{Date, Number, OrZero, Quoted, Text, Uuid, Words};
use super::words::*;
use super::{Line, Record, Shape, Slot, Wire, line, slot};

/// The word for a counter that collects during each call.
pub const CURRENT_CALL: &str = "current-call";

/// What counters measure and limits limit, in the order of the protocol.
const MEASURES: [&str; 11] = [
    "duration",
    "cpu-time",
    "duration-dbms",
    "service",
    "memory",
    "read",
    "write",
    "dbms-bytes",
    "call",
    "number-of-active-sessions",
    "number-of-sessions",
];
/// The same in the order of the utility's output.
const PRINTED: [&str; 11] = [
    "duration",
    "cpu-time",
    "memory",
    "read",
    "write",
    "duration-dbms",
    "dbms-bytes",
    "service",
    "call",
    "number-of-active-sessions",
    "number-of-sessions",
];

/// The measures among other values of a record.
const fn measured_slots<const N: usize>(before: &[Slot], wire: Wire, after: &[Slot]) -> [Slot; N] {
    let mut slots = [before[0]; N];
    let mut at = 0;
    while at < N {
        slots[at] = match at {
            _ if at < before.len() => before[at],
            _ if at < before.len() + MEASURES.len() => slot(MEASURES[at - before.len()], wire),
            _ => after[at - before.len() - MEASURES.len()],
        };
        at += 1;
    }
    slots
}

/// And among its lines.
const fn measured_lines<const N: usize>(before: &[Line], shape: Shape, after: &[Line]) -> [Line; N] {
    let mut lines = [before[0]; N];
    let mut at = 0;
    while at < N {
        lines[at] = match at {
            _ if at < before.len() => before[at],
            _ if at < before.len() + PRINTED.len() => line(PRINTED[at - before.len()], shape),
            _ => after[at - before.len() - PRINTED.len()],
        };
        at += 1;
    }
    lines
}

pub static RULE: Record = Record {
    name: "rule",
    slots: &[
        slot("rule", Wire::Uuid),
        slot("object-type", Wire::Text),
        slot("infobase-name", Wire::Text),
        slot("rule-type", Wire::Int).first(1),
        slot("application-ext", Wire::Text),
        slot("priority", Wire::Int),
    ],
    lines: &[
        line("rule", Uuid),
        line("object-type", Quoted),
        line("infobase-name", Text),
        line("rule-type", Words(&RULE_TYPE)),
        line("application-ext", Text),
        line("priority", Number),
    ],
};

pub static PROFILE: Record = Record {
    name: "profile",
    slots: &[
        slot("name", Wire::Text),
        slot("descr", Wire::Text),
        slot("directory", Wire::Bool),
        slot("com", Wire::Bool),
        slot("addin", Wire::Bool),
        slot("app", Wire::Bool),
        slot("inet", Wire::Bool),
        slot("config", Wire::Bool),
        slot("priv", Wire::Bool),
        slot("module", Wire::Bool),
        slot("crypto", Wire::Bool),
        slot("right-extension", Wire::Bool),
        slot("right-extension-definition-roles", Wire::Text),
        slot("all-modules-extension", Wire::Bool),
        slot("modules-available-for-extension", Wire::Text),
        slot("modules-not-available-for-extension", Wire::Text),
        slot("privileged-mode-roles", Wire::Text).since(9),
    ],
    lines: &[
        line("name", Text),
        line("descr", Text),
        line("config", Words(&YES_NO)),
        line("priv", Words(&YES_NO)),
        line("directory", Words(&ACCESS)),
        line("com", Words(&ACCESS)),
        line("addin", Words(&ACCESS)),
        line("module", Words(&ACCESS)),
        line("app", Words(&ACCESS)),
        line("inet", Words(&ACCESS)),
        line("crypto", Words(&YES_NO)),
        line("right-extension", Words(&YES_NO)),
        line("right-extension-definition-roles", Text),
        line("all-modules-extension", Words(&YES_NO)),
        line("modules-available-for-extension", Text),
        line("modules-not-available-for-extension", Text),
        line("privileged-mode-roles", Text).since(9),
    ],
};

pub static DIRECTORY: Record = Record {
    name: "virtual directory",
    slots: &[
        slot("profile", Wire::Text),
        slot("alias", Wire::Text),
        slot("physicalPath", Wire::Text),
        slot("allowedRead", Wire::Bool),
        slot("allowedWrite", Wire::Bool),
        slot("descr", Wire::Text),
    ],
    lines: &[
        line("alias", Text),
        line("descr", Text),
        line("physicalPath", Text),
        line("allowedRead", Words(&YES_NO)),
        line("allowedWrite", Words(&YES_NO)),
    ],
};

pub static COM_CLASS: Record = Record {
    name: "COM class",
    slots: &[
        slot("profile", Wire::Text),
        slot("name", Wire::Text),
        slot("fileName", Wire::Text),
        // The id of the class, as a text.
        slot("id", Wire::Text),
        slot("host", Wire::Text),
        slot("descr", Wire::Text),
    ],
    lines: &[line("name", Text), line("descr", Text), line("fileName", Text), line("id", Uuid), line("host", Text)],
};

pub static ADDIN: Record = Record { name: "add-in", slots: HASHED, lines: HASHED_LINES };
pub static MODULE: Record = Record { name: "external module", slots: HASHED, lines: HASHED_LINES };

const HASHED: &[Slot] =
    &[slot("profile", Wire::Text), slot("name", Wire::Text), slot("hash", Wire::Text), slot("descr", Wire::Text)];
const HASHED_LINES: &[Line] = &[line("name", Text), line("descr", Text), line("hash", Text)];

pub static APPLICATION: Record = Record {
    name: "application",
    slots: &[
        slot("profile", Wire::Text),
        slot("name", Wire::Text),
        slot("wild", Wire::Text),
        slot("descr", Wire::Text),
    ],
    lines: &[line("name", Text), line("descr", Text), line("wild", Text)],
};

pub static RESOURCE: Record = Record {
    name: "internet resource",
    slots: &[
        slot("profile", Wire::Text),
        slot("name", Wire::Text),
        slot("url", Wire::Text),
        slot("port", Wire::Int),
        slot("protocol", Wire::Text),
        slot("descr", Wire::Text),
    ],
    lines: &[line("name", Text), line("descr", Text), line("protocol", Text), line("url", Text), line("port", Number)],
};

pub static COUNTER: Record = Record {
    name: "counter",
    slots: &measured_slots::<17>(
        &[
            slot("name", Wire::Text),
            slot("collection-time", Wire::Long),
            slot("group", Wire::Byte),
            slot("filter-type", Wire::Byte),
            slot("filter", Wire::Text),
        ],
        Wire::Byte,
        &[slot("descr", Wire::Text)],
    ),
    lines: &measured_lines::<17>(
        &[
            line("name", Text),
            line("collection-time", OrZero(CURRENT_CALL)),
            line("group", Words(&GROUP)),
            line("filter-type", Words(&FILTER_TYPE)),
            line("filter", Text),
        ],
        Words(&ANALYZE),
        &[line("descr", Text)],
    ),
};

pub static LIMIT: Record = Record {
    name: "limit",
    slots: &measured_slots::<16>(
        &[slot("name", Wire::Text), slot("counter", Wire::Text), slot("action", Wire::Byte)],
        Wire::Long,
        &[slot("error-message", Wire::Text), slot("descr", Wire::Text)],
    ),
    lines: &measured_lines::<16>(
        &[line("name", Text), line("counter", Text), line("action", Words(&ACTION))],
        Number,
        &[line("error-message", Text), line("descr", Text)],
    ),
};

/// Never seen but empty: inferred.
pub static COUNTER_VALUE: Record = Record {
    name: "counter value",
    slots: &measured_slots::<14>(
        &[slot("object", Wire::Text), slot("collection-time", Wire::Long)],
        Wire::Long,
        &[slot("time", Wire::Time).since(9)],
    ),
    lines: &measured_lines::<14>(
        &[line("object", Text), line("collection-time", Number)],
        Number,
        &[line("time", Date).since(9)],
    ),
};

pub static SETTING: Record = Record {
    name: "service setting",
    slots: &[
        slot("setting", Wire::Uuid),
        slot("service-name", Wire::Text),
        slot("infobase-name", Wire::Text),
        slot("service-data-dir", Wire::Text),
        slot("active", Wire::Bool),
        slot("unknown", Wire::Byte),
    ],
    lines: &[
        line("setting", Uuid),
        line("service-name", Quoted),
        line("infobase-name", Text),
        line("service-data-dir", Text),
        line("active", Words(&YES_NO)),
    ],
};

pub static TRANSFER: Record = Record {
    name: "directory for transfer",
    slots: &[
        slot("service-name", Wire::Text),
        slot("infobase-name", Wire::Text),
        slot("source", Wire::Text),
        slot("target", Wire::Text),
    ],
    lines: &[line("service-name", Quoted), line("infobase-name", Quoted), line("source", Text), line("target", Text)],
};

/// What the last number says is not known; the storage that an infobase has of itself has 1, no id and no name.
pub static STORAGE: Record = Record {
    name: "storage",
    slots: &[slot("storage", Wire::Uuid), slot("name", Wire::Text), slot("unknown", Wire::Int)],
    lines: &[line("storage", Uuid), line("name", Text)],
};
