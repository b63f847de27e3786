//! Words that the utility has for numbers.

use super::Words;

const fn words(words: &'static [(i64, &'static str)]) -> Words {
    Words { words, is_flag: false }
}

const fn flag(no: &'static str, yes: &'static str) -> [(i64, &'static str); 2] {
    [(0, no), (1, yes)]
}

pub static YES_NO: Words = Words { words: &flag("no", "yes"), is_flag: true };
pub static ON_OFF: Words = Words { words: &flag("off", "on"), is_flag: true };
pub static ZERO_ONE: Words = Words { words: &flag("0", "1"), is_flag: true };
pub static ALLOW_DENY: Words = words(&flag("deny", "allow"));
pub static ANALYZE: Words = words(&flag("not-analyze", "analyze"));
pub static ACCESS: Words = words(&flag("list", "full"));
pub static BALANCING: Words = words(&flag("performance", "memory"));
pub static USING: Words = words(&flag("normal", "main"));
/// Up to 8.3.21 the main manager is called like the others.
pub static USING_OLD: Words = words(&[(0, "normal"), (1, "normal")]);
pub static DEDICATE: Words = words(&flag("none", "all"));
pub static USE: Words = words(&[(0, "not-used"), (1, "used"), (2, "auto")]);
/// That 1 is the hardware key is inferred.
pub static LICENSE_TYPE: Words = words(&flag("soft", "HASP"));
pub static RULE_TYPE: Words = words(&[(0, "never"), (1, "auto"), (2, "always")]);
pub static GROUP: Words = words(&flag("users", "data-separation"));
pub static FILTER_TYPE: Words = words(&[(0, "all-selected"), (1, "all-but-selected"), (2, "all")]);
/// That 1 is the low priority is inferred.
pub static ACTION: Words =
    words(&[(0, "none"), (1, "set-low-priority-thread"), (2, "interrupt-current-call"), (3, "interrupt-session")]);
/// These go as texts.
pub static DBMS: &[&str] = &["MSSQLServer", "PostgreSQL", "IBMDB2", "OracleDatabase"];
/// How a connection uses its infobase, its database, and a thread. Other numbers were not seen.
pub static INFOBASE_MODE: Words = words(&flag("shared", "exclusive"));
pub static DATABASE_MODE: Words = words(&[(0, "none"), (2, "exclusive")]);
pub static THREAD_MODE: Words = words(&[(0, "client")]);
