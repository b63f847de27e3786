//! The rows of one entity: those made from their ids, and what was created, changed or deleted since.

use super::cell::Cell;
use super::ids::Ids;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Values that were set, by column.
pub type Changes = BTreeMap<usize, Cell<'static>>;

/// One entity's rows.
pub struct Table {
    ids: Ids,
    deleted: BTreeSet<u64>,
    changed: HashMap<u64, Changes>,
    created: BTreeMap<u64, Changes>,
    next: u64,
    /// Rises with every change; a remembered list is good for one version.
    pub version: u64,
}

impl Table {
    /// A table of seeded rows.
    pub fn new(ids: Ids) -> Table {
        let next = ids.last() + 1;
        Table { ids, deleted: BTreeSet::new(), changed: HashMap::new(), created: BTreeMap::new(), next, version: 0 }
    }

    /// The ids the seed gave.
    pub fn seeded(&self) -> &Ids {
        &self.ids
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.ids.len() - self.deleted.len() as u64 + self.created.len() as u64
    }

    /// Whether there is such a row.
    pub fn holds(&self, id: u64) -> bool {
        self.created.contains_key(&id) || (!self.deleted.contains(&id) && self.ids.holds(id))
    }

    /// What was set in a row since the seed, and whether it was created since.
    pub fn changes(&self, id: u64) -> Option<(&Changes, bool)> {
        if let Some(row) = self.created.get(&id) {
            return Some((row, true));
        }
        self.changed.get(&id).map(|row| (row, false))
    }

    /// Adds a row; its id is beyond all others, as auto-increment gives it.
    pub fn add(&mut self, row: Changes) -> u64 {
        let id = self.next;
        self.next += 1;
        self.version += 1;
        self.created.insert(id, row);
        id
    }

    /// Sets values of a row; false when there is no such row.
    pub fn change(&mut self, id: u64, values: Changes) -> bool {
        if !self.holds(id) {
            return false;
        }
        self.version += 1;
        let row = self.created.get_mut(&id);
        row.unwrap_or_else(|| self.changed.entry(id).or_default()).extend(values);
        true
    }

    /// Deletes a row; false when there was none.
    pub fn delete(&mut self, id: u64) -> bool {
        if !self.holds(id) {
            return false;
        }
        self.version += 1;
        if self.created.remove(&id).is_none() {
            self.deleted.insert(id);
            self.changed.remove(&id);
        }
        true
    }

    /// The n-th row, counted from 0.
    pub fn at(&self, place: u64) -> Option<u64> {
        let alive = self.ids.len() - self.deleted.len() as u64;
        if place >= alive {
            return self.created.keys().nth((place - alive) as usize).copied();
        }
        let mut seeded = place;
        for gone in &self.deleted {
            if self.ids.below(*gone) > seeded {
                break;
            }
            seeded += 1;
        }
        Some(self.ids.at(seeded))
    }

    /// How many rows have a smaller id.
    pub fn below(&self, id: u64) -> u64 {
        let gone = self.deleted.range(..id).count() as u64;
        self.ids.below(id) - gone + self.created.range(..id).count() as u64
    }

    /// `count` ids from a place on, upwards.
    pub fn upwards(&self, place: u64, count: u64) -> Vec<u64> {
        let Some(first) = self.at(place) else { return Vec::new() };
        let seeded = (self.ids.below(first)..self.ids.len())
            .map(|place| self.ids.at(place))
            .filter(|id| !self.deleted.contains(id));
        seeded.chain(self.created.range(first..).map(|(id, _)| *id)).take(count as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ids::Masks;
    use super::*;
    use std::sync::Arc;

    #[test]
    fn places_follow_deletions_and_additions() {
        let mut table = Table::new(Ids::new(300, Arc::new(Masks::new(40, 1)), 0, 0, 3));
        let mut model: Vec<u64> = table.upwards(0, 1000);
        assert_eq!(model.len(), 300);
        for place in [299, 0, 0, 17, 100] {
            assert!(table.delete(model.remove(place)));
        }
        let added = table.add(Changes::new());
        model.push(added);
        assert!(added > model[model.len() - 2]);
        assert!(table.delete(added) && !table.delete(added));
        model.pop();
        model.push(table.add(Changes::new()));
        assert_eq!(table.len(), model.len() as u64);
        assert_eq!(table.upwards(0, 1000), model);
        assert_eq!(table.upwards(290, 1000), model[290..]);
        for (place, id) in model.iter().enumerate() {
            assert_eq!(table.at(place as u64), Some(*id));
            assert_eq!(table.below(*id), place as u64);
        }
    }
}
