//! The values of seeded rows: each follows from the seed, its column and its id.

use super::cell::{Cell, Type, ZONE};
use super::schema::{Column, Gen, Kind};
use super::world::World;
use crate::sandbox::mix::mix;
use serde_json::{Value, json};
use std::borrow::Cow;

/// When the first seeded row was made (2019-01-01 in Moscow), and over how many seconds the rest followed.
const FIRST_MADE: i64 = 1_546_290_000;
const MADE_OVER: i64 = 214_000_000;
const DAY: i64 = 86_400;
/// Funnel and stage of a deal are drawn from one number, so that they agree; it is keyed by no column.
const FUNNEL_KEY: usize = 200;
const FUNNEL_STAGES: &[&str] = &["NEW", "PREPARATION", "EXECUTING", "FINAL_INVOICE", "WON", "LOSE"];
const RENEWAL_STAGES: &[&str] = &["C1:NEW", "C1:EXECUTING", "C1:WON", "C1:LOSE"];

impl World {
    fn draw(&self, kind: Kind, key: usize, id: u64) -> u64 {
        mix(self.seed ^ (kind as u64) << 56 ^ (key as u64) << 48 ^ id)
    }

    fn made(&self, kind: Kind, id: u64) -> i64 {
        let last = self.table(kind).seeded().last().max(1) as i64;
        FIRST_MADE + (id as i64).saturating_mul(MADE_OVER) / last
    }

    /// What the seed gave a row in a column.
    pub fn seeded(&self, kind: Kind, place: usize, id: u64) -> Cell<'static> {
        let column = &kind.columns()[place];
        self.generated(&column.gen_, column, kind, place, id)
    }

    fn generated(&self, gen_: &'static Gen, column: &Column, kind: Kind, place: usize, id: u64) -> Cell<'static> {
        let draw = self.draw(kind, place, id);
        match gen_ {
            Gen::Id => Cell::Int(id as i64),
            Gen::Null => Cell::Null,
            Gen::Const(text) => constant(column.kind, text),
            Gen::Pick(choices) => constant(column.kind, pick(choices, draw)),
            Gen::Phrase(lists, numbered) => phrase(lists, numbered.then_some(id), draw),
            Gen::Numbered(before, after) => Cell::Text(Cow::Owned(format!("{before}{id}{after}"))),
            Gen::Range(from, to) => in_range(column.kind, from + (draw % (to - from + 1) as u64) as i64),
            Gen::Ref(other) => {
                let ids = self.table(*other).seeded();
                if ids.len() == 0 { Cell::Null } else { Cell::Int(ids.at(draw % ids.len()) as i64) }
            }
            Gen::Created => Cell::Moment(self.made(kind, id)),
            Gen::Modified => Cell::Moment(self.made(kind, id) + (draw % (60 * DAY as u64)) as i64),
            Gen::Later(days) => Cell::Moment((self.made(kind, id) / DAY + days) * DAY - ZONE),
            Gen::Sometimes(percent, inner) if mix(draw) % 100 < *percent => {
                self.generated(inner, column, kind, place, id)
            }
            Gen::Sometimes(..) => Cell::Null,
            Gen::Phones => part(
                "PHONE",
                id,
                draw,
                format!("+7 9{:02} {:03}-{:02}-{:02}", draw % 100, draw / 100 % 1000, draw / 1000 % 100, id % 100),
            ),
            Gen::Emails => part("EMAIL", id, draw, format!("client{id}@example.com")),
            Gen::Funnel => Cell::Int(i64::from(self.is_renewal(kind, id))),
            Gen::Stage if self.is_renewal(kind, id) => constant(Type::Status, pick(RENEWAL_STAGES, draw)),
            Gen::Stage => constant(Type::Status, pick(FUNNEL_STAGES, draw)),
            Gen::Has(other) => {
                let place = kind.column(other).unwrap_or(place);
                Cell::Char(!matches!(self.seeded(kind, place, id), Cell::Null))
            }
            Gen::Ended(stage) => ended(&self.seeded(kind, *stage, id)),
            Gen::Person(other) => self.card(&self.seeded(kind, *other, id)),
            Gen::EntityType(number) => Cell::Int(*number),
            Gen::Json(text) => Cell::Json(serde_json::from_str(text).unwrap_or(Value::Null)),
        }
    }

    fn is_renewal(&self, kind: Kind, id: u64) -> bool {
        self.draw(kind, FUNNEL_KEY, id).is_multiple_of(5)
    }

    /// What a task shows of a user.
    pub fn card(&self, user: &Cell) -> Cell<'static> {
        let id = user.number().unwrap_or(0);
        let row = self.row(Kind::User, id as u64);
        let word = |name| Kind::User.column(name).map_or(String::new(), |column| row.cell(column).text().into_owned());
        let name = format!("{} {}", word("NAME"), word("LAST_NAME"));
        let link = format!("/company/personal/user/{id}/");
        Cell::Json(
            json!({"id": id.to_string(), "name": name, "link": link, "icon": "/bitrix/images/tasks/default_avatar.png"}),
        )
    }

    /// What a column of a new row holds when the caller does not say.
    pub fn default_of(kind: Kind, place: usize, user: u64, now: i64) -> Cell<'static> {
        let column = &kind.columns()[place];
        match &column.gen_ {
            Gen::Const(text) => constant(column.kind, text),
            Gen::Pick(choices) => constant(column.kind, choices.first().copied().unwrap_or_default()),
            Gen::Stage => constant(Type::Status, "NEW"),
            Gen::Funnel => Cell::Int(0),
            Gen::Range(..) if column.kind == Type::Money => Cell::Money(0),
            Gen::Ref(Kind::User) => Cell::Int(user as i64),
            Gen::Created | Gen::Modified => Cell::Moment(now),
            _ => Cell::Null,
        }
    }
}

/// `Y` for a stage that ends a deal, won or lost.
pub fn ended(stage: &Cell) -> Cell<'static> {
    let stage = stage.text();
    Cell::Char(stage.ends_with("WON") || stage.ends_with("LOSE"))
}

fn pick(choices: &[&'static str], draw: u64) -> &'static str {
    if choices.is_empty() { "" } else { choices[(draw % choices.len() as u64) as usize] }
}

fn constant(kind: Type, text: &'static str) -> Cell<'static> {
    match kind {
        Type::Text | Type::Status => Cell::Text(Cow::Borrowed(text)),
        Type::Char => Cell::Char(text == "Y"),
        other => other.read(&Value::from(text)),
    }
}

fn phrase(lists: &[&[&'static str]], number: Option<u64>, draw: u64) -> Cell<'static> {
    if let ([only], None) = (lists, number) {
        return Cell::Text(Cow::Borrowed(pick(only, draw)));
    }
    let mut text = String::with_capacity(96);
    for (place, list) in lists.iter().enumerate() {
        if place > 0 {
            text.push(' ');
        }
        text.push_str(pick(list, draw >> (place * 16)));
    }
    if let Some(number) = number {
        text.push_str(" № ");
        text.push_str(&number.to_string());
    }
    Cell::Text(Cow::Owned(text))
}

fn in_range(kind: Type, number: i64) -> Cell<'static> {
    match kind {
        Type::Money => Cell::Money(number),
        Type::Text => Cell::Text(Cow::Owned(number.to_string())),
        _ => Cell::Int(number),
    }
}

fn part(kind: &str, id: u64, draw: u64, value: String) -> Cell<'static> {
    let place = if draw.is_multiple_of(3) { "MOBILE" } else { "WORK" };
    Cell::Json(
        json!([{"ID": (id * 4 + u64::from(kind == "EMAIL")).to_string(), "VALUE_TYPE": place, "VALUE": value, "TYPE_ID": kind}]),
    )
}
