//! Calendars: resources whose text is JSON with dates of working and of other days.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use serde_json::Value;

use super::answer;
use super::date;

/// The days that differ from the week's usual ones: Monday to Friday are working days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    pub working: BTreeSet<Date>,
    pub off: BTreeSet<Date>,
}

/// The longest time without a working day that is looked through.
const LONGEST: usize = 3660;

const WORKING: &[&str] = &["working", "work", "workdays", "working_days", "working_dates"];
const OFF: &[&str] =
    &["non_working", "nonworking", "holidays", "weekends", "days_off", "off", "non_working_days", "non_working_dates"];

impl Calendar {
    /// Reads the text of a resource: an object with lists of dates under `working` and `non_working` (or words like
    /// these), an object of dates with true and false, or a list of days off. The error says what is wrong.
    pub fn read(text: &str) -> Result<Calendar, String> {
        let value: Value = match text.trim().trim_start_matches('\u{feff}') {
            "" => return Ok(Calendar::default()),
            text => serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?,
        };
        let mut calendar = Calendar::default();
        match &value {
            Value::Array(list) => calendar.off = dates(list)?,
            Value::Object(map) => {
                for (name, value) in map {
                    calendar.add(name, value)?;
                }
            }
            _ => return Err("it is neither a map nor a list".into()),
        }
        Ok(calendar)
    }

    fn add(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let plain: String = name.trim().to_lowercase().chars().filter(|c| !"_- ".contains(*c)).collect();
        let is = |words: &[&str]| words.iter().any(|word| word.replace('_', "") == plain);
        match value {
            Value::Array(list) if is(WORKING) => self.working.extend(dates(list)?),
            Value::Array(list) if is(OFF) => self.off.extend(dates(list)?),
            value => {
                let Some(day) = date::read(name).map(|at| at.date()) else {
                    // Names, years and the like.
                    return Ok(());
                };
                let works = match value.as_str().map(str::to_lowercase) {
                    Some(word) if is_word(&word, WORKING) => Some(true),
                    Some(word) if is_word(&word, OFF) || word == "holiday" => Some(false),
                    _ => answer::number(value).map(|number| number != 0),
                };
                let works = works.ok_or_else(|| format!("{name}: neither a working day nor another one"))?;
                let days = if works { &mut self.working } else { &mut self.off };
                days.insert(day);
            }
        }
        Ok(())
    }

    pub fn is_working(&self, day: Date) -> bool {
        if self.working.contains(&day) {
            return true;
        }
        !self.off.contains(&day) && !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    /// The first working day behind this one; `None` when there is none for ten years.
    pub fn next_working(&self, day: Date) -> Option<Date> {
        day.series(jiff::Span::new().days(1)).skip(1).take(LONGEST).find(|day| self.is_working(*day))
    }
}

fn is_word(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.replace('_', "") == word.replace(['_', '-', ' '], ""))
}

fn dates(list: &[Value]) -> Result<BTreeSet<Date>, String> {
    let read = list.iter().map(|value| {
        // A day with its name: {"date": "2026-01-01", "name": "New Year"}.
        let text = answer::words(answer::first(value, &["date", "day"]).or(Some(value)));
        date::read(&text).map(|at| at.date()).ok_or_else(|| format!("{value} is no date"))
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_working_days_unless_something_is_said() {
        let text =
            r#"{"name":"RU 2026","year":2026,"working":["2026-11-01"],"non-working":["2026-11-04","05.11.2026"]}"#;
        let calendar = Calendar::read(text).unwrap();
        let works = |day| calendar.is_working(date(2026, 11, day));
        assert!(works(1) && works(2) && works(6), "a Sunday that is worked, a Monday, a Friday");
        assert!(!works(4) && !works(5) && !works(7) && !works(8));
        assert_eq!(calendar.next_working(date(2026, 11, 3)), Some(date(2026, 11, 6)));
        assert_eq!(calendar.next_working(date(2026, 10, 31)), Some(date(2026, 11, 1)));
    }

    #[test]
    fn calendars_are_read_in_several_shapes() {
        let expected = Calendar::read(r#"{"holidays":["2026-11-04"],"workdays":["2026-11-07"]}"#).unwrap();
        for text in [
            r#"{"2026-11-04":false,"2026-11-07":true}"#,
            r#"{"2026-11-04":"holiday","07.11.2026":"working"}"#,
            r#"{"2026-11-04":0,"2026-11-07":"1"}"#,
            r#"{"days_off":[{"date":"2026-11-04","name":"x"}],"Working":["2026-11-07T00:00:00"]}"#,
        ] {
            assert_eq!(Calendar::read(text), Ok(expected.clone()), "{text}");
        }
        assert_eq!(Calendar::read(r#"["2026-11-04"]"#).unwrap().off.len(), 1);
        assert_eq!(Calendar::read(" "), Ok(Calendar::default()));
        for wrong in ["7", "{oops", r#"["soon"]"#, r#"{"2026-11-04":[]}"#] {
            assert!(Calendar::read(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*") {
            let _ = Calendar::read(&text);
        }
    }
}
