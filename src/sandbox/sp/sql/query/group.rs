//! GROUP BY and HAVING.

use std::collections::HashMap;

use super::key_of_row;
use super::order::Sorted;
use super::select::Listed;
use crate::sandbox::sp::sql::ast::{Order, Select};
use crate::sandbox::sp::sql::eval::{Env, Scope};
use crate::sandbox::sp::sql::failure::Answer;
use crate::sandbox::sp::sql::out::Column;
use crate::sandbox::sp::sql::table::Row;

impl Env<'_> {
    pub(super) fn grouped(
        &self,
        select: &Select,
        order: &[Order],
        columns: &[Column],
        listed: &[Listed],
        rows: Vec<Row>,
        scope: &Scope,
    ) -> Answer<Sorted> {
        let mut groups: Vec<Vec<Row>> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for row in rows {
            let inside = Scope { row: &row, ..*scope };
            let key = select.group.iter().map(|by| self.value(by, &inside)).collect::<Answer<Row>>()?;
            let at = *places.entry(key_of_row(&key)).or_insert(groups.len());
            if at == groups.len() {
                groups.push(Vec::new());
            }
            groups[at].push(row);
        }
        // Without GROUP BY there is one group, even of nothing.
        if groups.is_empty() && select.group.is_empty() {
            groups.push(Vec::new());
        }
        let mut sorted = Sorted::default();
        for group in &groups {
            let first = group.first().map_or(&[][..], |row| row);
            let inside = Scope { row: first, group: Some(group), ..*scope };
            let holds = select.having.as_ref().map_or(Ok(Some(true)), |having| self.test(having, &inside))?;
            if holds != Some(true) {
                continue;
            }
            let out = self.items(listed, columns, &inside)?;
            let keys = self.sort_keys(order, columns, &out, &inside)?;
            sorted.push(keys, out);
        }
        sorted.sort(self, order)?;
        Ok(sorted)
    }
}
