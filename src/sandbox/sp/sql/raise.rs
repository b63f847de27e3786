//! RAISERROR, THROW and FORMATMESSAGE: their texts, and their rules of severity.

use super::failure::{self, Answer, Failure, Reach};
use super::value::{Type, Value};

/// The longest message.
const LONGEST: usize = 2044;

/// A text with `%s`, `%d`, `%i`, `%u`, `%o`, `%x`, `%X`, widths and `%%` filled in.
///
/// # Errors
/// 2786 and 2787 where arguments and signs do not go together.
pub fn formatted(pattern: &str, arguments: &[Value]) -> Answer<String> {
    let mut text = String::new();
    let mut arguments = arguments.iter().enumerate();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            text.push('%');
            continue;
        }
        let mut sign = Sign::default();
        while let Some(flag) = chars.next_if(|c| matches!(c, '-' | '+' | '0' | '#' | ' ')) {
            sign.left |= flag == '-';
            sign.zero |= flag == '0';
            sign.plus |= flag == '+';
        }
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            let digit = digit.to_digit(10).unwrap_or_default() as usize;
            sign.width = (sign.width * 10 + digit).min(LONGEST);
        }
        if chars.next_if_eq(&'.').is_some() {
            let mut most = 0;
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                most = (most * 10 + digit.to_digit(10).unwrap_or_default() as usize).min(LONGEST);
            }
            sign.most = Some(most);
        }
        while chars.next_if(|c| matches!(c, 'I' | '6' | '4' | 'l' | 'h')).is_some() {}
        let kind = chars.next().unwrap_or(' ');
        if !"sdiuoxX".contains(kind) {
            let text = format!("Invalid format specification: '%{kind}'.");
            return Err(failure::failure(2787, 16, 1, text));
        }
        match arguments.next() {
            None => text.push_str("(null)"),
            Some((at, value)) => text.push_str(&sign.filled(kind, value, at)?),
        }
    }
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).collect::<String>() + "...";
    }
    Ok(text)
}

/// What stands between `%` and its letter.
#[derive(Default)]
struct Sign {
    left: bool,
    zero: bool,
    plus: bool,
    width: usize,
    most: Option<usize>,
}

impl Sign {
    fn filled(&self, kind: char, value: &Value, at: usize) -> Answer<String> {
        let number = value.as_integer();
        let shown = match (kind, value, number) {
            (_, Value::Null, _) => "(null)".to_owned(),
            ('s', value, _) if value.as_text().is_some() => {
                let text = value.as_text().unwrap_or_default();
                text.chars().take(self.most.unwrap_or(usize::MAX)).collect()
            }
            ('d' | 'i', _, Some(number)) if self.plus && number >= 0 => format!("+{number}"),
            ('d' | 'i', _, Some(number)) => number.to_string(),
            ('u', _, Some(number)) => (number as u32).to_string(),
            ('o', _, Some(number)) => format!("{:o}", number as u32),
            ('x', _, Some(number)) => format!("{:x}", number as u32),
            ('X', _, Some(number)) => format!("{:X}", number as u32),
            _ => {
                let (at, of) = (at + 1, "substitution parameter");
                let text =
                    format!("The data type of {of} {at} does not match the expected type of the format specification.");
                return Err(failure::failure(2786, 16, 1, text));
            }
        };
        let width = self.width;
        Ok(match (self.left, self.zero && number.is_some()) {
            (true, _) => format!("{shown:<width$}"),
            (_, true) => format!("{shown:0>width$}"),
            _ => format!("{shown:>width$}"),
        })
    }
}

/// What RAISERROR does: a message up to severity 10, an error above, the end of the connection from 20.
///
/// # Errors
/// What is wrong with the statement itself.
pub fn raised(message: &Value, severity: i64, state: i64, arguments: &[Value]) -> Answer<Failure> {
    let (number, text) = match message.as_integer() {
        Some(number) => {
            let text = format!(
                "The error number {number} is invalid, or sysmessages has no message for it: error {number}, severity \
                 {severity}, state {state} was raised, but no message with that error number was found in sys.messages."
            );
            let is_known = number == 50000;
            if !is_known {
                return Err(failure::failure(18054, 16, 1, text));
            }
            (number as i32, String::new())
        }
        None => (50000, formatted(message.as_text().unwrap_or_default(), arguments)?),
    };
    let severity = severity.clamp(0, 25) as u8;
    // A negative state is 1, one above 255 is cut.
    let state = if state < 0 { 1 } else { (state % 256) as u8 };
    let reach = if severity >= 20 { Reach::Connection } else { Reach::Statement };
    Ok(Failure { raised: true, ..failure::failure(number, severity, state, text).reach(reach) })
}

/// What THROW does.
///
/// # Errors
/// 35100 for a number below 50000.
pub fn thrown(number: i64, text: &str, state: i64) -> Answer<Failure> {
    if number < 50000 || number > i64::from(i32::MAX) {
        let text = format!(
            "Error number {number} in the THROW statement is outside the valid range. Specify an error number in the \
             valid range of 50000 to 2147483647."
        );
        return Err(failure::failure(35100, 16, 10, text));
    }
    let state = u8::try_from(state).unwrap_or(1);
    // Signs of RAISERROR are no signs here.
    Ok(Failure { raised: false, ..failure::failure(number as i32, 16, state, text).reach(Reach::Batch) })
}

/// What a message of RAISERROR may be made of.
pub fn is_message(kind: Type) -> bool {
    kind.is_text() || kind.is_number()
}
