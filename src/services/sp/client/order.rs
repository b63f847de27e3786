//! What is asked for, held against the catalogue: everything that is wrong with it at once, by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::run::Order;
use crate::error::{Error, did_you_mean};
use crate::services::sp::catalogue::{Catalogue, Code, Entity, Period};

/// An order that can be carried out.
#[derive(Debug)]
pub(super) struct Checked<'a> {
    pub codes: Vec<&'a Code>,
    /// One entity, or none for a whole data source.
    pub entity: Option<&'a Entity>,
    pub period: Option<Period>,
    pub undated_only: bool,
    /// What the user should know and is no mistake.
    pub notes: Vec<String>,
}

/// What is wrong, by field, and what may be done.
#[derive(Default)]
struct Wrong {
    fields: BTreeMap<&'static str, String>,
    hint: Option<String>,
}

impl Wrong {
    fn add(&mut self, field: &'static str, message: String, hint: Option<String>) {
        let said = self.fields.entry(field).or_default();
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(&message);
        if self.hint.is_none() {
            self.hint = hint;
        }
    }

    fn into_error(self) -> Option<Error> {
        let all: Vec<String> = self.fields.iter().map(|(field, message)| format!("`{field}`: {message}")).collect();
        if all.is_empty() {
            return None;
        }
        let fields = self.fields.into_iter().map(|(field, message)| (field.to_owned(), Value::from(message)));
        let error = Error::input("sp.order", all.join("; ")).detail("fields", Value::Object(fields.collect()));
        Some(match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }
}

/// Holds an order against the catalogue. The error `sp.order` says what is wrong with each field, in its detail `fields`.
pub(super) fn check<'a>(catalogue: &'a Catalogue, order: &Order) -> Result<Checked<'a>, Error> {
    let mut wrong = Wrong::default();
    let codes = codes(catalogue, order, &mut wrong);
    let entity = entity(catalogue, order, &codes, &mut wrong);
    let period = period(catalogue, order, &mut wrong);
    let mut notes = Vec::new();
    let given = order.month.is_some() || order.year.is_some();
    let needs = needs_month(catalogue, order, entity, &codes);
    if order.undated_only && entity.is_some_and(|entity| entity.dated) {
        let message = format!("{} needs a month", order.name.as_deref().unwrap_or_default());
        wrong.add("undated_only", message, None);
    } else if needs && !given {
        let what = match entity {
            Some(entity) => format!("{} needs a month", entity.name),
            None => "a whole data source has entities that need a month".to_owned(),
        };
        let hint = match entity {
            Some(_) => "give `month` and `year`".to_owned(),
            None => "give `month` and `year`, or `undated_only` for all that needs none".to_owned(),
        };
        wrong.add("month", what.clone(), Some(hint));
        wrong.add("year", what, None);
    } else if !needs && given {
        let what = entity.map_or_else(|| "what is asked for".to_owned(), |entity| entity.name.clone());
        notes.push(format!("the month is not used: {what} has none"));
    }
    match wrong.into_error() {
        Some(error) => Err(error),
        None => Ok(Checked { codes, entity, period, undated_only: order.undated_only, notes }),
    }
}

/// Whether the catalogue has the entity and the codes of an order, whatever the month. The error is `sp.order`.
pub(super) fn exists(catalogue: &Catalogue, order: &Order) -> Result<(), Error> {
    let mut wrong = Wrong::default();
    let codes = codes(catalogue, order, &mut wrong);
    entity(catalogue, order, &codes, &mut wrong);
    wrong.into_error().map_or(Ok(()), Err)
}

/// Whether anything of it is dated; of an unknown name nobody can say.
fn needs_month(catalogue: &Catalogue, order: &Order, entity: Option<&Entity>, codes: &[&Code]) -> bool {
    if order.name.is_some() {
        return entity.is_some_and(|entity| entity.dated);
    }
    let members = || catalogue.waves.iter().flatten().filter_map(|name| catalogue.entity(name));
    !order.undated_only && members().any(|entity| entity.dated && codes.iter().any(|code| entity.is_in(&code.group)))
}

fn codes<'a>(catalogue: &'a Catalogue, order: &Order, wrong: &mut Wrong) -> Vec<&'a Code> {
    let mut codes: Vec<&Code> = Vec::new();
    if order.codes.is_empty() {
        let hint = format!("codes of the catalogue: {}", listed(catalogue));
        wrong.add("codes", "the code of a data source is missing".to_owned(), Some(hint));
    }
    for key in &order.codes {
        match catalogue.code(key) {
            Some(code) if codes.iter().any(|known| known.key == code.key) => {}
            Some(code) => codes.push(code),
            None => {
                let near = did_you_mean(key, catalogue.codes().iter().map(|code| code.key.as_str()));
                let hint = near.unwrap_or_else(|| format!("codes of the catalogue: {}", listed(catalogue)));
                wrong.add("codes", format!("there is no code `{key}`"), Some(hint));
            }
        }
    }
    codes
}

fn listed(catalogue: &Catalogue) -> String {
    catalogue.codes().iter().map(|code| code.key.as_str()).collect::<Vec<_>>().join(", ")
}

fn entity<'a>(catalogue: &'a Catalogue, order: &Order, codes: &[&Code], wrong: &mut Wrong) -> Option<&'a Entity> {
    let name = order.name.as_ref()?;
    let Some(entity) = catalogue.entity(name) else {
        let near = did_you_mean(name, catalogue.entities().iter().map(|entity| entity.name.as_str()));
        let hint = near.unwrap_or_else(|| "`sp.names(code)` lists them".to_owned());
        wrong.add("name", format!("there is no entity `{name}`"), Some(hint));
        return None;
    };
    let lost: Vec<&str> =
        codes.iter().filter(|code| !entity.is_in(&code.group)).map(|code| code.key.as_str()).collect();
    if !lost.is_empty() {
        let groups: Vec<&str> =
            entity.groups.iter().filter_map(|key| catalogue.group(key)).map(|g| g.title.text("en")).collect();
        let message =
            format!("`{name}` is not available for {}: it exists in {} alone", lost.join(", "), groups.join(", "));
        wrong.add("name", message, Some(format!("`sp.names(\"{}\")` lists what is", lost[0])));
    }
    Some(entity)
}

/// Year and month as numbers, within the catalogue's bounds, both ends in.
fn period(catalogue: &Catalogue, order: &Order, wrong: &mut Wrong) -> Option<Period> {
    let month = order.month.map(i64::from);
    let year = order.year.map(i64::from);
    if let Some(month) = month.filter(|month| !(1..=12).contains(month)) {
        wrong.add("month", format!("{month} is not a month"), Some("months are 1 to 12".to_owned()));
    }
    let (first, last) = (catalogue.min_period, catalogue.last_period());
    let bounds = || Some(format!("months from {first} to {last} can be asked for"));
    if let Some(year) = year.filter(|year| !(i64::from(first.year)..=i64::from(last.year)).contains(year)) {
        let side = if year < i64::from(first.year) { "before" } else { "after" };
        let bound = if side == "before" { first } else { last };
        wrong.add("year", format!("{year} is {side} {bound}"), bounds());
        return None;
    }
    match (year, month) {
        (Some(year), Some(month)) => {
            let period = Period::new(year, month)?;
            if period < first {
                wrong.add("month", format!("{period} is before {first}"), bounds());
            } else if period > last {
                wrong.add("month", format!("{period} is in the future: after {last}"), bounds());
            }
            Some(period)
        }
        (Some(_), None) => {
            wrong.add("month", "it is missing beside `year`".to_owned(), None);
            None
        }
        (None, Some(_)) => {
            wrong.add("year", "it is missing beside `month`".to_owned(), None);
            None
        }
        (None, None) => None,
    }
}
