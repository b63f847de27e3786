//! The records of what an administrator lays down: rules, profiles with their lists, counters, limits, settings.

use super::Shape::{Date, Number, OrZero, Quoted, Text, Uuid, Words};
use super::words::*;
use super::{Line, Record, Slot, Wire, line, slot};

/// The word for a counter that collects during each call.
pub const CURRENT_CALL: &str = "current-call";

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
    slots: &[
        slot("name", Wire::Text),
        slot("collection-time", Wire::Long),
        slot("group", Wire::Byte),
        slot("filter-type", Wire::Byte),
        slot("filter", Wire::Text),
        slot("duration", Wire::Byte),
        slot("cpu-time", Wire::Byte),
        slot("duration-dbms", Wire::Byte),
        slot("service", Wire::Byte),
        slot("memory", Wire::Byte),
        slot("read", Wire::Byte),
        slot("write", Wire::Byte),
        slot("dbms-bytes", Wire::Byte),
        slot("call", Wire::Byte),
        slot("number-of-active-sessions", Wire::Byte),
        slot("number-of-sessions", Wire::Byte),
        slot("descr", Wire::Text),
    ],
    lines: &[
        line("name", Text),
        line("collection-time", OrZero(CURRENT_CALL)),
        line("group", Words(&GROUP)),
        line("filter-type", Words(&FILTER_TYPE)),
        line("filter", Text),
        line("duration", Words(&ANALYZE)),
        line("cpu-time", Words(&ANALYZE)),
        line("memory", Words(&ANALYZE)),
        line("read", Words(&ANALYZE)),
        line("write", Words(&ANALYZE)),
        line("duration-dbms", Words(&ANALYZE)),
        line("dbms-bytes", Words(&ANALYZE)),
        line("service", Words(&ANALYZE)),
        line("call", Words(&ANALYZE)),
        line("number-of-active-sessions", Words(&ANALYZE)),
        line("number-of-sessions", Words(&ANALYZE)),
        line("descr", Text),
    ],
};

pub static LIMIT: Record = Record {
    name: "limit",
    slots: &[
        slot("name", Wire::Text),
        slot("counter", Wire::Text),
        slot("action", Wire::Byte),
        slot("duration", Wire::Long),
        slot("cpu-time", Wire::Long),
        slot("duration-dbms", Wire::Long),
        slot("service", Wire::Long),
        slot("memory", Wire::Long),
        slot("read", Wire::Long),
        slot("write", Wire::Long),
        slot("dbms-bytes", Wire::Long),
        slot("call", Wire::Long),
        slot("number-of-active-sessions", Wire::Long),
        slot("number-of-sessions", Wire::Long),
        slot("error-message", Wire::Text),
        slot("descr", Wire::Text),
    ],
    lines: &[
        line("name", Text),
        line("counter", Text),
        line("action", Words(&ACTION)),
        line("duration", Number),
        line("cpu-time", Number),
        line("memory", Number),
        line("read", Number),
        line("write", Number),
        line("duration-dbms", Number),
        line("dbms-bytes", Number),
        line("service", Number),
        line("call", Number),
        line("number-of-active-sessions", Number),
        line("number-of-sessions", Number),
        line("error-message", Text),
        line("descr", Text),
    ],
};

/// Never seen but empty: inferred.
pub static COUNTER_VALUE: Record = Record {
    name: "counter value",
    slots: &[
        slot("object", Wire::Text),
        slot("collection-time", Wire::Long),
        slot("duration", Wire::Long),
        slot("cpu-time", Wire::Long),
        slot("duration-dbms", Wire::Long),
        slot("service", Wire::Long),
        slot("memory", Wire::Long),
        slot("read", Wire::Long),
        slot("write", Wire::Long),
        slot("dbms-bytes", Wire::Long),
        slot("call", Wire::Long),
        slot("number-of-active-sessions", Wire::Long),
        slot("number-of-sessions", Wire::Long),
        slot("time", Wire::Time).since(9),
    ],
    lines: &[
        line("object", Text),
        line("collection-time", Number),
        line("duration", Number),
        line("cpu-time", Number),
        line("memory", Number),
        line("read", Number),
        line("write", Number),
        line("duration-dbms", Number),
        line("dbms-bytes", Number),
        line("service", Number),
        line("call", Number),
        line("number-of-active-sessions", Number),
        line("number-of-sessions", Number),
        line("time", Date).since(9),
    ],
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
