//! Times as cron writes them: five fields (minute, hour, day, month, day of the week) of `*`, numbers, ranges, lists and
//! steps.

use jiff::ToSpan;
use jiff::civil::DateTime;

use super::clock::{civil, unix};

/// Least and greatest value of each field; Sunday is 0 and 7.
const BOUNDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
/// Nothing is looked for further away: 29 February comes within eight years.
const FURTHEST_DAYS: u32 = 366 * 9;

#[derive(Clone, Debug, PartialEq)]
pub struct Cron {
    /// A bit for each value.
    fields: [u64; 5],
    /// Whether day of the month and day of the week are restricted: then one of them is enough.
    either_day: bool,
}

impl Cron {
    pub fn read(text: &str) -> Result<Cron, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() != BOUNDS.len() {
            return Err(format!("`{text}` has not five fields"));
        }
        let mut fields = [0; 5];
        for ((word, bounds), field) in words.iter().zip(BOUNDS).zip(&mut fields) {
            *field = values(word, bounds).ok_or_else(|| format!("`{word}` is no field of a cron line"))?;
        }
        // Sunday is Sunday.
        fields[4] |= (fields[4] >> 7) & 1;
        Ok(Cron { fields, either_day: !words[2].starts_with('*') && !words[4].starts_with('*') })
    }

    fn holds(&self, field: usize, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.fields[field] >> value & 1 == 1)
    }

    fn is_day(&self, at: DateTime) -> bool {
        let day = self.holds(2, at.day());
        let week = self.holds(4, at.weekday().to_sunday_zero_offset());
        self.holds(3, at.month()) && if self.either_day { day || week } else { day && week }
    }

    /// The first time after that one, in Unix seconds.
    pub fn next(&self, after: f64) -> Option<f64> {
        let first = civil(after);
        let mut day = first.date();
        for _ in 0..FURTHEST_DAYS {
            if self.is_day(day.at(0, 0, 0, 0)) {
                let times = (0..24).filter(|&hour| self.holds(1, hour)).flat_map(|hour| {
                    (0..60).filter(|&minute| self.holds(0, minute)).map(move |minute| day.at(hour, minute, 0, 0))
                });
                if let Some(at) = times.into_iter().find(|&at| at > first) {
                    return unix(at);
                }
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }
}

/// The bits of one field.
fn values(word: &str, (least, greatest): (u32, u32)) -> Option<u64> {
    let mut bits = 0;
    for piece in word.split(',') {
        let (range, step) = match piece.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|&step| step > 0)?),
            None => (piece, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, greatest),
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
            None if piece.contains('/') => (range.parse().ok()?, greatest),
            None => (range.parse().ok()?, range.parse().ok()?),
        };
        if from < least || to > greatest || from > to {
            return None;
        }
        bits |= (from..=to).step_by(step).fold(0, |bits, value| bits | 1 << value);
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::super::clock::{date, read_date};
    use super::*;

    fn next(cron: &str, after: &str) -> String {
        Cron::read(cron).unwrap().next(read_date(after).unwrap()).map(date).unwrap_or_default()
    }

    #[test]
    fn the_next_time_is_found() {
        // 2026-11-22 is a Sunday.
        for (cron, after, wanted) in [
            ("* * * * *", "2026-11-22 12:00:00", "2026-11-22 12:01:00"),
            ("*/15 * * * *", "2026-11-22 12:46:10", "2026-11-22 13:00:00"),
            ("30 2 * * 1-5", "2026-11-22 12:00:00", "2026-11-23 02:30:00"),
            ("0 0 1 1,7 *", "2026-11-22 12:00:00", "2027-01-01 00:00:00"),
            ("0 12 13 * 5", "2026-11-22 12:00:00", "2026-11-27 12:00:00"),
            ("0 0 * * 7", "2026-11-22 00:00:00", "2026-11-29 00:00:00"),
            ("0 0 29 2 *", "2026-11-22 12:00:00", "2028-02-29 00:00:00"),
            ("5/20 8-10 * * *", "2026-11-22 08:45:00", "2026-11-22 09:05:00"),
            ("0 0 31 2 *", "2026-11-22 12:00:00", ""),
        ] {
            assert_eq!(next(cron, after), wanted, "{cron}");
        }
    }

    #[test]
    fn what_is_no_cron_line_is_refused() {
        for wrong in ["", "* * * *", "60 * * * *", "* * 0 * *", "a * * * *", "5-2 * * * *", "*/0 * * * *"] {
            assert!(Cron::read(wrong).is_err(), "{wrong}");
        }
    }
}
