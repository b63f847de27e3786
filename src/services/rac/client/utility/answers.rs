//! What the utility printed, as the answer to a call.

use super::harmless;
use crate::core::rows::{Field, Row, Rows};
use crate::error::Result;
use crate::services::rac::client::Call;
use crate::services::rac::client::complete::Named;
use crate::services::rac::table::{Answer, Shape, Takes};
use crate::services::rac::wire::parse::{self, Printed, Style};
use crate::services::rac::wire::shape::Given;

/// Reads what the utility printed for a call.
pub fn read(call: &Call, text: &str, style: Style<'_>) -> Result<Printed> {
    let expected = match (call.command.answer, call.record()) {
        (Answer::One(_) | Answer::Many(_), Some(record)) => Answer::Many(record),
        (answer, _) => answer,
    };
    match parse::answer(text, &expected, style) {
        Ok(Printed::Rows(rows)) => Ok(Printed::Rows(only(call, rows))),
        Err(error) if !call.command.changes() => Err(harmless(error)),
        other => other,
    }
}

/// The records that were asked for: the utility takes some conditions and prints everything all the same.
fn only(call: &Call, rows: Rows) -> Rows {
    let (Answer::Many(_), Some(record)) = (call.command.answer, call.record()) else { return rows };
    let is_shown = |name: &str| record.lines.iter().any(|line| line.key == name && line.shape == Shape::Uuid);
    let conditions: Vec<(&str, String)> = call
        .all_given()
        .iter()
        .filter_map(|(option, given)| match (option.takes, given) {
            (Takes::Id(_), Given::Id(id)) if is_shown(option.name) => Some((option.name, id.to_string())),
            _ => None,
        })
        .collect();
    // Licenses show their owners alone.
    let is_wanted =
        |row: &Row| conditions.iter().all(|(name, id)| row.get(name).is_none_or(|field| field == Field::Text(id)));
    match conditions.is_empty() {
        true => rows,
        false => rows.pick(rows.iter().enumerate().filter(|(_, row)| is_wanted(row)).map(|(at, _)| at)),
    }
}

/// The ids and names in a list of things that have both.
pub fn named(call: &Call, text: &str) -> Result<Vec<Named>> {
    let Printed::Rows(rows) = read(call, text, Style::Raw)? else { return Ok(Vec::new()) };
    let named = |row: Row| {
        let (_, Field::Text(id)) = row.fields().next()? else { return None };
        let Field::Text(name) = row.get("name")? else { return None };
        Some(Named { id: id.parse().ok()?, name: name.to_owned() })
    };
    Ok(rows.iter().filter_map(named).collect())
}
