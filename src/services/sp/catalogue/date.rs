//! Months of a year.

use std::fmt;

use jiff::civil::Date;

/// A month: compared as numbers, never as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Period {
    /// `None` when there is no such month.
    pub fn new(year: i64, month: i64) -> Option<Period> {
        let (year, month) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?);
        ((1..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Period { year, month })
    }

    /// `2018-01`.
    pub fn parse(text: &str) -> Option<Period> {
        let (year, month) = text.split_once('-')?;
        let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = digits(year, 4) && digits(month, 2);
        fits.then(|| Period::new(year.parse().ok()?, month.parse().ok()?)).flatten()
    }

    /// The month that this machine's calendar shows.
    pub fn current() -> Period {
        let today = jiff::Zoned::now();
        Period { year: today.year(), month: today.month() }
    }

    /// Its first day.
    pub fn start(self) -> Date {
        Date::constant(self.year, self.month, 1)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}
