//! Rows of one kind in the order in which they came, found by their ids.

use std::collections::{BTreeMap, HashMap};

use super::ids::Id;

pub struct Table<T> {
    rows: BTreeMap<u64, (Id, T)>,
    places: HashMap<Id, u64>,
    next: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { rows: BTreeMap::new(), places: HashMap::new(), next: 0 }
    }
}

impl<T> Table<T> {
    pub fn insert(&mut self, id: Id, row: T) {
        self.remove(id);
        self.places.insert(id, self.next);
        self.rows.insert(self.next, (id, row));
        self.next += 1;
    }

    pub fn get(&self, id: Id) -> Option<&T> {
        self.rows.get(self.places.get(&id)?).map(|(_, row)| row)
    }

    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        self.rows.get_mut(self.places.get(&id)?).map(|(_, row)| row)
    }

    pub fn remove(&mut self, id: Id) -> Option<T> {
        let place = self.places.remove(&id)?;
        self.rows.remove(&place).map(|(_, row)| row)
    }

    pub fn holds(&self, id: Id) -> bool {
        self.places.contains_key(&id)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Id, &T)> {
        self.rows.values().map(|(id, row)| (*id, row))
    }

    pub fn ids(&self) -> impl DoubleEndedIterator<Item = Id> {
        self.rows.values().map(|(id, _)| *id)
    }

    /// The oldest row's id.
    pub fn first(&self) -> Option<Id> {
        self.ids().next()
    }
}
