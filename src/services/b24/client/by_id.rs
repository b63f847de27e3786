//! Known ids: one command for each, or fifty in one command where the method's list takes them.

use std::collections::HashMap;

use serde_json::json;

use super::Params;
use super::batches::{Commands, Part};
use super::lists::{self, set};
use super::outcomes::{self, Answer, Outcomes};
use super::portal::Portal;
use crate::core::rows::{Field, Row, Rows};
use crate::error::{Error, Kind, Result};
use crate::services::b24::wire::check;
use crate::services::b24::wire::envelope;
use crate::services::b24::wire::methods::{self, Family};

/// Ids in one command: a page.
const PAGE: usize = 50;

/// How ids become calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Via {
    /// A `.list` that takes ids by fifties, anything else for each id.
    #[default]
    Method,
    /// The `.list` beside a `.get`: fifty times fewer commands; its rows are nearly those of `.get`.
    List,
    /// Each id in a command of its own.
    Each,
}

/// What goes with the ids.
#[derive(Clone, Debug, Default)]
pub struct ById {
    /// The id's parameter, where it is not the method's usual one.
    pub id_field: Option<String>,
    /// Further parameters.
    pub params: Params,
    pub via: Via,
}

impl Portal {
    /// What the method gives for each id, in the order of the ids. An id given twice is asked for once. One that a list
    /// does not have is a `b24.NOT_FOUND`.
    pub async fn get_by_id(&self, method: &str, ids: Vec<String>, options: ById) -> Result<Outcomes> {
        methods::check_name(method)?;
        check_ids(method, &ids)?;
        let params = check::checked(method, options.params)?;
        let list = match options.via {
            Via::Each => None,
            Via::Method => {
                methods::family(method).filter(|_| options.id_field.is_none()).map(|found| (method.to_owned(), found))
            }
            Via::List => Some(list_beside(method)?),
        };
        let takes_ids = list.and_then(|(list, family)| Some((list, family, family.by_ids?)));
        let (asked, places) = once_each(&ids);
        let answers = match takes_ids {
            Some((list, family, select)) => self.ids_by_list(&list, &family, select, &asked, params).await?,
            None => self.one_by_one(method, options.id_field.as_deref(), &asked, params).await?,
        };
        Ok(Outcomes { answers: places.into_iter().map(|place| answers[place].clone()).collect(), ids: Some(ids) })
    }

    /// The ids of a branch's `.list`, then `.get` for each of them: `crm.deal` reads `crm.deal.list` and `crm.deal.get`.
    pub async fn list_and_get(&self, branch: &str, filter: Params, id_field: Option<String>) -> Result<Outcomes> {
        let (list, get) = (format!("{branch}.list"), format!("{branch}.get"));
        methods::check_name(&list)?;
        let Some(family) = methods::family(&list) else { return Err(no_list(&list)) };
        let mut params = filter;
        if check::parameter(&params, "select").is_none() && !family.filter_id.is_empty() {
            set(&mut params, "select", json!([family.filter_id]));
        }
        let Answer::Rows(rows) = self.get_all(&list, params.clone()).await?.answer else {
            return Err(no_list(&list));
        };
        let ids: Vec<String> = rows.iter().filter_map(|row| id_of(&row, family.answer_id)).collect();
        if ids.is_empty() {
            return Ok(Outcomes { ids: Some(ids), answers: Vec::new() });
        }
        // Smart processes need their type in both calls.
        let entity = check::parameter(&params, "entityTypeId").map(|kind| json!({ "entityTypeId": kind }));
        self.get_by_id(&get, ids, ById { id_field, params: entity.unwrap_or_default(), via: Via::Each }).await
    }

    async fn one_by_one(
        &self,
        method: &str,
        id_field: Option<&str>,
        ids: &[&str],
        params: Params,
    ) -> Result<Vec<Result<Answer>>> {
        let id_field = id_field.unwrap_or_else(|| methods::id_parameter(method));
        check::no_id(method, id_field, &params)?;
        let commands = Commands::of(method);
        let mut made = Vec::with_capacity(ids.len());
        for id in ids {
            // In front: methods that take their parameters by place take the id first.
            let with_id = match &params {
                Params::Array(places) => [json!(id)].iter().chain(places).cloned().collect(),
                Params::Object(named) => {
                    let id = [(id_field.to_owned(), json!(id))];
                    Params::Object(id.into_iter().chain(named.clone()).collect())
                }
                _ => json!({ id_field: id }),
            };
            if methods::changes(method) && self.only_tells(method, &with_id)? {
                continue;
            }
            made.push(commands.command(&with_id));
        }
        if made.is_empty() {
            return Ok(ids.iter().map(|_| Ok(Answer::Json(outcomes::nothing()))).collect());
        }
        let bar = self.bar(method, Some(made.len()));
        Ok(self.run(&made, &bar, &|at, part: Part<'_>| self.plain(&made[at], part)).await)
    }

    async fn ids_by_list(
        &self,
        list: &str,
        family: &Family,
        select: &[&str],
        ids: &[&str],
        mut params: Params,
    ) -> Result<Vec<Result<Answer>>> {
        check::no_id(list, family.filter_id, &params)?;
        if !select.is_empty() && check::parameter(&params, "select").is_none() {
            set(&mut params, "select", json!(select));
        }
        // At most a page of rows can come, so the portal need not count them.
        set(&mut params, "start", json!(-1));
        let commands = Commands::of(list);
        let among = format!("@{}", family.filter_id);
        let made: Vec<_> = ids
            .chunks(PAGE)
            .map(|ids| {
                let mut params = params.clone();
                filter_too(&mut params, &among, json!(ids));
                commands.command(&params)
            })
            .collect();
        let bar = self.bar(list, Some(made.len()));
        let read = |_, part: Part<'_>| match envelope::list_in(part.result, Some(family)) {
            Some(_) => lists::page(part.result, None, Some(family)).map(|page| page.map(|page| Rows::from(page.chunk))),
            None => Ok(None),
        };
        let pages = self.run(&made, &bar, &read).await;
        let mut answers = Vec::with_capacity(ids.len());
        for (ids, page) in ids.chunks(PAGE).zip(pages) {
            let found = page.map(|rows| rows.unwrap_or_default());
            self.0.counters.rows.add(found.as_ref().map_or(0, Rows::len));
            match_rows(list, family, ids, found, &mut answers);
        }
        Ok(answers)
    }
}

/// The rows of a page beside the ids that were asked for.
fn match_rows(list: &str, family: &Family, ids: &[&str], page: Result<Rows>, answers: &mut Vec<Result<Answer>>) {
    let rows = match page {
        Ok(rows) => rows,
        Err(error) => return answers.extend(ids.iter().map(|_| Err(error.clone()))),
    };
    let by_id: HashMap<String, Row> =
        rows.iter().filter_map(|row| Some((id_of(&row, family.answer_id)?, row))).collect();
    answers.extend(ids.iter().map(|id| {
        match by_id.get(plain(id)) {
            Some(row) => Ok(Answer::Row(row.clone())),
            None => {
                Err(Error::new(Kind::NotFound, "b24.NOT_FOUND", format!("{list}: there is no row with the id {id}"))
                    .hint("check the id: there is no such thing, or it may not be seen"))
            }
        }
    }));
}

/// `007` and ` 7 ` are 7 for the portal.
fn plain(id: &str) -> &str {
    let trimmed = id.trim();
    match trimmed.trim_start_matches('0') {
        digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits,
        _ => trimmed,
    }
}

fn id_of(row: &Row, name: &str) -> Option<String> {
    match row.get(name)? {
        Field::Integer(id) => Some(id.to_string()),
        Field::Text(id) => Some(id.to_owned()),
        _ => None,
    }
}

fn no_list(list: &str) -> Error {
    Error::new(Kind::Protocol, "b24.no_list", format!("{list} gave something else than a list"))
        .hint("give a branch of methods that has .list and .get, such as crm.deal")
}

/// `crm.deal.list` for `crm.deal.get`.
fn list_beside(method: &str) -> Result<(String, Family)> {
    let branch = method.rsplit_once('.').map_or(method, |(branch, _)| branch);
    let list = format!("{branch}.list");
    match methods::family(&list) {
        Some(family) if family.by_ids.is_some() => Ok((list, family)),
        _ => Err(Error::input("b24.no_id_list", format!("{list} is not known to take a list of ids"))
            .hint("leave the option out: each id then has a command of its own")),
    }
}

fn check_ids(method: &str, ids: &[String]) -> Result<()> {
    if ids.is_empty() {
        return Err(Error::input("b24.nothing_to_do", format!("{method}: the list of ids is empty"))
            .hint("check that the list has ids before calling"));
    }
    match ids.iter().position(|id| id.trim().is_empty()) {
        Some(place) => Err(Error::input("b24.empty_id", format!("{method}: the id number {place} is empty"))
            .hint("take empty ids out of the list")),
        None => Ok(()),
    }
}

/// The ids without repetitions, and for each given id its place among them.
fn once_each(ids: &[String]) -> (Vec<&str>, Vec<usize>) {
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(ids.len());
    let mut asked = Vec::new();
    let places = ids.iter().map(|id| {
        *seen.entry(id).or_insert_with(|| {
            asked.push(id.as_str());
            asked.len() - 1
        })
    });
    let places = places.collect();
    (asked, places)
}

/// A further condition among those of the filter.
fn filter_too(params: &mut Params, name: &str, value: Params) {
    if params.is_null() {
        *params = json!({});
    }
    let Some(map) = params.as_object_mut() else { return };
    let filter = match map.keys().find(|key| key.eq_ignore_ascii_case("filter")).cloned() {
        Some(key) => map.entry(key),
        None => map.entry("filter"),
    };
    let filter = filter.or_insert_with(|| json!({}));
    if !filter.is_object() {
        *filter = json!({});
    }
    if let Some(filter) = filter.as_object_mut() {
        match filter.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned() {
            Some(key) => filter.insert(key, value),
            None => filter.insert(name.to_owned(), value),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_join_the_users() {
        for (params, with) in [
            (json!({"FILTER": {"@id": 5, "A": 1}}), r#"{"FILTER":{"@id":[1],"A":1}}"#),
            (Params::Null, r#"{"filter":{"@ID":[1]}}"#),
            (json!({"filter": []}), r#"{"filter":{"@ID":[1]}}"#),
        ] {
            let mut params = params;
            filter_too(&mut params, "@ID", json!([1]));
            assert_eq!(params.to_string(), with);
        }
    }
}
