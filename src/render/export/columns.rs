//! What the columns of a file hold: said by whoever knows, or seen in the rows.
//!
//! Servers send numbers, dates and flags as texts. Where a column is known to hold numbers, its texts are read as such,
//! but only when nothing of them gets lost: a text that is no number, or has more digits than a float, stays a text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::core::clock;
use crate::core::order::cell_text;
use crate::core::rows::{Field, Row, Rows, Shape};

/// In milliseconds.
const DAY: i64 = 86_400_000;

/// Smaller whole numbers are floats as well.
const EXACT: u64 = 1 << 53;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Text,
    /// Whole numbers of 64 bits.
    Integer,
    /// Numbers of at most fifteen digits.
    Number,
    /// True and false; `Y`, `N`, `1` and `0` are read as such.
    Flag,
    Day,
    Moment,
    /// Lists and maps.
    Json,
}

/// Each with its name.
const NAMES: &[(Holds, &str)] = &[
    (Holds::Text, "text"),
    (Holds::Integer, "integer"),
    (Holds::Number, "number"),
    (Holds::Flag, "flag"),
    (Holds::Day, "date"),
    (Holds::Moment, "datetime"),
    (Holds::Json, "json"),
];

impl Holds {
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    pub fn named(name: &str) -> Option<Holds> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(holds, _)| *holds)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }
}

/// What is known of columns by their names.
pub type Types = HashMap<String, Holds>;

/// A cell as a file takes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Empty,
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    Flag(bool),
    Day(Date),
    /// What a clock showed, in milliseconds, and how many seconds east of UTC it hung, where that is known.
    Moment {
        at: i64,
        east: Option<i32>,
    },
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: Box<str>,
    pub holds: Holds,
    /// Somebody said what it holds, so its texts are read as that.
    pub said: bool,
    /// No value of it has to be written as a text instead.
    pub fits: bool,
    /// Some moments in it know where their clock hung.
    zoned: bool,
    /// Some do not.
    local: bool,
    seen: bool,
    /// It has whole numbers that no float has.
    large: bool,
}

impl Column {
    /// Its moments are points in time; `None` where some of them are and others are not.
    pub fn is_zoned(&self) -> Option<bool> {
        (!self.zoned || !self.local).then_some(self.zoned)
    }

    /// The field as this column has it; a text where it is something else.
    pub fn value<'a>(&self, field: Field<'a>) -> Value<'a> {
        let text = |field| Value::Text(cell_text(field));
        match (field, self.holds) {
            (Field::Null, _) => Value::Empty,
            (field, Holds::Text | Holds::Json) => text(field),
            // Nobody said that its texts are anything else.
            (Field::Text(_), _) if !self.said => text(field),
            (Field::Text(""), _) => Value::Empty,
            (Field::Text(written), holds) => parsed(written, holds).unwrap_or(Value::Text(written.into())),
            (Field::Flag(flag), Holds::Flag) => Value::Flag(flag),
            (Field::Integer(n), Holds::Integer) => Value::Integer(n),
            (Field::Integer(n @ 0..=1), Holds::Flag) if self.said => Value::Flag(n == 1),
            (Field::Integer(n), Holds::Number) if n.unsigned_abs() < EXACT => Value::Number(n as f64),
            (Field::Number(n), Holds::Number) => Value::Number(n),
            (Field::Moment { at, zone }, Holds::Moment) => {
                Value::Moment { at, east: Some(clock::moment(at, zone).offset().seconds()) }
            }
            (field, _) => text(field),
        }
    }

    /// Learns from a value what the column holds, and whether all of them are that.
    fn see(&mut self, field: Field<'_>) {
        let seen = match field {
            Field::Null => return,
            Field::Flag(_) => Holds::Flag,
            Field::Integer(_) => Holds::Integer,
            Field::Number(_) => Holds::Number,
            Field::Text(_) => Holds::Text,
            Field::Moment { .. } => Holds::Moment,
            Field::Json(_) => Holds::Json,
        };
        if !self.said && !self.seen {
            self.holds = seen;
        } else if !self.said && (self.holds, seen) == (Holds::Integer, Holds::Number) {
            self.holds = Holds::Number;
            self.fits &= !self.large;
        }
        self.seen = true;
        self.large |= matches!(field, Field::Integer(n) if n.unsigned_abs() >= EXACT);
        match self.holds {
            Holds::Text | Holds::Json => return,
            Holds::Moment => {}
            holds if holds == seen => return,
            _ => {}
        }
        match self.value(field) {
            Value::Text(_) => self.fits = false,
            Value::Moment { east, .. } => {
                self.zoned |= east.is_some();
                self.local |= east.is_none();
            }
            _ => {}
        }
    }
}

fn parsed(text: &str, holds: Holds) -> Option<Value<'_>> {
    match holds {
        Holds::Integer => integer(text).map(Value::Integer),
        Holds::Number => number(text).map(Value::Number),
        Holds::Flag => match text {
            "Y" | "1" | "true" => Some(Value::Flag(true)),
            "N" | "0" | "false" => Some(Value::Flag(false)),
            _ => None,
        },
        Holds::Day => day(text).map(Value::Day),
        Holds::Moment => moment(text),
        Holds::Text | Holds::Json => None,
    }
}

/// A number without a sign or zeros before it that would be lost.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    whole == 1 || (whole > 1 && digits[0] != b'0')
}

fn integer(text: &str) -> Option<i64> {
    (is_plain(text) && text != "-0").then(|| text.parse().ok()).flatten()
}

fn number(text: &str) -> Option<f64> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let rest = text.bytes().filter(|byte| !byte.is_ascii_digit());
    // Fifteen digits always survive the way to a float and back.
    let is_number = is_plain(text)
        && digits <= 15
        && rest.skip(usize::from(text.starts_with('-'))).eq(text.contains('.').then_some(b'.'));
    (is_number && text.ends_with(|c: char| c.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Two digits of a text in which everything else stands where it should.
fn digits(bytes: &[u8], from: usize, many: usize) -> Option<i32> {
    let digits = bytes.get(from..from + many)?;
    digits.iter().try_fold(0, |n, byte| byte.is_ascii_digit().then(|| n * 10 + i32::from(byte - b'0')))
}

/// `2026-02-26`, or that with the time behind it that says nothing: midnight, there or in UTC.
fn day(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let is_midnight = |text| match moment(text) {
        Some(Value::Moment { at, east }) => {
            [0, i64::from(east.unwrap_or(0))].iter().any(|east| (at - east * 1000) % DAY == 0)
        }
        _ => false,
    };
    let is_day = bytes.len() == 10 || (bytes.get(10) == Some(&b'T') && is_midnight(text));
    if !is_day || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(bytes, 0, 4)?, digits(bytes, 5, 2)?, digits(bytes, 8, 2)?);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// `2026-02-26T03:32:24+03:00`, with a space instead of the `T`, with `Z` instead of the hours, or without any.
fn moment(text: &str) -> Option<Value<'static>> {
    let bytes = text.as_bytes();
    let is_moment = matches!(bytes.len(), 19 | 20 | 25)
        && matches!(bytes[10], b'T' | b' ')
        && bytes[13] == b':'
        && bytes[16] == b':';
    if !is_moment {
        return None;
    }
    let date = day(text.get(..10)?)?;
    let (hour, minute, second) = (digits(bytes, 11, 2)?, digits(bytes, 14, 2)?, digits(bytes, 17, 2)?);
    let of_day = |hour: i32, minute: i32| (hour < 24 && minute < 60).then_some(hour * 3600 + minute * 60);
    let east = match (bytes.len(), bytes.get(19)) {
        (20, Some(b'Z')) => Some(0),
        (25, Some(sign @ (b'+' | b'-'))) if bytes[22] == b':' => {
            let east = of_day(digits(bytes, 20, 2)?, digits(bytes, 23, 2)?)?;
            Some(if *sign == b'-' { -east } else { east })
        }
        (19, _) => None,
        _ => return None,
    };
    let seconds = of_day(hour, minute)? + (second < 60).then_some(second)?;
    Some(Value::Moment { at: clock::of(date.at(0, 0, 0, 0)) + i64::from(seconds) * 1000, east })
}

/// For each column its place in a row.
type InRow = Arc<[Option<usize>]>;

/// Where the columns stand in the rows of each shape.
#[derive(Debug, Default)]
pub struct Places {
    shapes: Vec<(Arc<Shape>, InRow)>,
    last: usize,
}

impl Places {
    /// For each column its place in this row.
    pub fn of(&mut self, row: &Row, columns: &[Column]) -> InRow {
        let shape = row.shape();
        if let Some((known, places)) = self.shapes.get(self.last)
            && Arc::ptr_eq(known, shape)
        {
            return places.clone();
        }
        // Each answer of a server has shapes of its own; those that say the same are one here.
        self.last = match self.shapes.iter().position(|(known, _)| known == shape) {
            Some(known) => {
                self.shapes[known].0 = shape.clone();
                known
            }
            None => {
                let place = |column: &Column| shape.names().position(|name| *name == *column.name);
                self.shapes.push((shape.clone(), columns.iter().map(place).collect()));
                self.shapes.len() - 1
            }
        };
        self.shapes[self.last].1.clone()
    }
}

/// Looks at all rows before a file is begun: which columns there are, and what they hold.
#[derive(Debug, Default)]
pub struct Survey {
    types: Types,
    columns: Vec<Column>,
    names: HashMap<Box<str>, usize>,
    /// The columns of the fields of each shape.
    shapes: Vec<(Arc<Shape>, Vec<usize>)>,
    last: usize,
}

impl Survey {
    /// `types`: what is known of columns; `first`: columns that there are in any case, before all others.
    pub fn new(types: Types, first: &[&str]) -> Survey {
        let mut survey = Survey { types, ..Survey::default() };
        first.iter().for_each(|name| {
            survey.column(name);
        });
        survey
    }

    /// Makes columns of these names, behind those that the rows have; names that are written otherwise there are meant.
    pub fn has(&mut self, names: &[&str]) {
        let bare = |name: &str| name.replace('_', "").to_lowercase();
        for name in names {
            if !self.columns.iter().any(|column| bare(&column.name) == bare(name)) {
                self.column(name);
            }
        }
    }

    fn column(&mut self, name: &str) -> usize {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let said = self.types.get(name).copied();
        self.columns.push(Column {
            name: name.into(),
            holds: said.unwrap_or(Holds::Text),
            said: said.is_some(),
            fits: true,
            zoned: false,
            local: false,
            seen: false,
            large: false,
        });
        self.names.insert(name.into(), self.columns.len() - 1);
        self.columns.len() - 1
    }

    fn shape(&mut self, shape: &Arc<Shape>) {
        if self.shapes.get(self.last).is_some_and(|(known, _)| Arc::ptr_eq(known, shape)) {
            return;
        }
        self.last = match self.shapes.iter().position(|(known, _)| known == shape) {
            Some(known) => {
                self.shapes[known].0 = shape.clone();
                known
            }
            None => {
                let columns = shape.names().map(|name| self.column(name)).collect();
                self.shapes.push((shape.clone(), columns));
                self.shapes.len() - 1
            }
        };
    }

    pub fn see(&mut self, rows: &Rows) {
        if rows.is_empty() {
            rows.columns().iter().for_each(|name| {
                self.column(name);
            });
        }
        for row in rows.iter() {
            self.shape(row.shape());
            for (place, &column) in self.shapes[self.last].1.iter().enumerate() {
                self.columns[column].see(row.at(place));
            }
        }
    }

    pub fn columns(self) -> Vec<Column> {
        self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::json::read_rows;
    use crate::core::rows::Builder;

    fn column(holds: Holds) -> Column {
        let mut survey = Survey::new(Types::from([("c".to_owned(), holds)]), &["c"]);
        survey.see(&Rows::default());
        survey.columns().remove(0)
    }

    fn read(text: &str, holds: Holds) -> String {
        format!("{:?}", column(holds).value(Field::Text(text)))
    }

    #[test]
    fn texts_are_read_when_nothing_of_them_is_lost() {
        for (text, holds, value) in [
            ("37", Holds::Integer, "Integer(37)"),
            ("-9223372036854775808", Holds::Integer, "Integer(-9223372036854775808)"),
            ("", Holds::Integer, "Empty"),
            ("10.50", Holds::Number, "Number(10.5)"),
            ("-0.5", Holds::Number, "Number(-0.5)"),
            ("Y", Holds::Flag, "Flag(true)"),
            ("0", Holds::Flag, "Flag(false)"),
            ("2026-02-26", Holds::Day, "Day(2026-02-26)"),
            ("2026-02-26T03:00:00+03:00", Holds::Day, "Day(2026-02-26)"),
            ("2026-02-26T00:00:00+03:00", Holds::Day, "Day(2026-02-26)"),
            ("2026-02-26T00:00:00", Holds::Day, "Day(2026-02-26)"),
            ("2026-02-26T15:30:00+03:00", Holds::Day, "Text(\"2026-02-26T15:30:00+03:00\")"),
            ("1970-01-01T03:00:01+03:00", Holds::Moment, "Moment { at: 10801000, east: Some(10800) }"),
            ("1970-01-01 00:00:01", Holds::Moment, "Moment { at: 1000, east: None }"),
            ("1970-01-01T00:00:01Z", Holds::Moment, "Moment { at: 1000, east: Some(0) }"),
        ] {
            assert_eq!(read(text, holds), value, "{text}");
        }
    }

    #[test]
    fn what_would_lose_something_stays_a_text() {
        for (text, holds) in [
            ("007", Holds::Integer),
            ("+7", Holds::Integer),
            ("-0", Holds::Integer),
            ("9223372036854775808", Holds::Integer),
            ("1.0", Holds::Integer),
            (" 1", Holds::Integer),
            ("1234567890.1234567", Holds::Number),
            ("1.2.3", Holds::Number),
            ("1-2", Holds::Number),
            ("-", Holds::Number),
            ("1.", Holds::Number),
            (".5", Holds::Number),
            ("1e5", Holds::Number),
            ("NaN", Holds::Number),
            ("yes", Holds::Flag),
            ("2026-02-30", Holds::Day),
            ("2026-02-26 03:00:00", Holds::Day),
            ("2026-02-26T24:00:00+03:00", Holds::Moment),
            ("2026-02-26T03:00:00+0300", Holds::Moment),
            ("вчера, в полдень..", Holds::Moment),
            ("2026-02-26T03:00:0é", Holds::Moment),
        ] {
            assert_eq!(read(text, holds), format!("Text({text:?})"), "{text}");
        }
    }

    #[test]
    fn columns_are_what_was_said_else_what_was_seen() {
        let mut rows = Builder::new();
        let text = r#"[{"ID":"1","N":1,"X":null},{"ID":"x","N":2.5,"X":[1],"LATE":true},{"ID":"","LATE":"so"}]"#;
        read_rows(text, &mut rows).unwrap();
        let mut survey = Survey::new(Types::from([("ID".to_owned(), Holds::Integer)]), &["X"]);
        survey.see(&rows.finish().into());
        let columns = survey.columns();
        let shown: Vec<String> =
            columns.iter().map(|column| format!("{} {} {}", column.name, column.holds.name(), column.fits)).collect();
        assert_eq!(shown, ["X json true", "ID integer false", "N number true", "LATE flag false"]);
        // Texts of a column of which nobody said anything are not read.
        assert_eq!(columns[3].value(Field::Text("Y")), Value::Text("Y".into()));
    }

    #[test]
    fn whole_numbers_that_no_float_has_are_not_made_floats() {
        let mut rows = Builder::new();
        read_rows(r#"[{"N":9007199254740993},{"N":2.5}]"#, &mut rows).unwrap();
        let rows = Rows::from(rows.finish());
        let mut survey = Survey::default();
        survey.see(&rows);
        let column = survey.columns().remove(0);
        assert!(!column.fits);
        assert_eq!(column.value(rows.get(0).unwrap().at(0)), Value::Text("9007199254740993".into()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,26}|[0-9T:+Z .é-]{17,26}") {
            for name in Holds::names() {
                read(&text, Holds::named(name).unwrap());
            }
        }
    }
}
