//! Things of one kind with a number, a GUID and a name each, found by any of them.

use std::collections::{BTreeMap, HashMap};

/// What all things have. The number counts up from 1, as in the tables of the real server.
#[derive(Clone, Debug, Default)]
pub struct Base {
    pub id: u64,
    pub guid: String,
    pub name: String,
    pub description: String,
    pub created: f64,
    pub updated: f64,
}

/// A thing that has a [`Base`].
pub trait Thing {
    /// What it is called in messages.
    const WORD: &'static str;

    fn base(&self) -> &Base;
    fn base_mut(&mut self) -> &mut Base;
}

pub struct Table<T> {
    rows: BTreeMap<u64, T>,
    guids: HashMap<String, u64>,
    last: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { rows: BTreeMap::new(), guids: HashMap::new(), last: 0 }
    }
}

impl<T: Thing> Table<T> {
    /// Adds a thing; its number.
    pub fn insert(&mut self, mut thing: T) -> u64 {
        self.last += 1;
        let base = thing.base_mut();
        base.id = self.last;
        self.guids.insert(base.guid.to_ascii_lowercase(), self.last);
        self.rows.insert(self.last, thing);
        self.last
    }

    pub fn get(&self, id: u64) -> Option<&T> {
        self.rows.get(&id)
    }

    pub fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        self.rows.get_mut(&id)
    }

    /// By its GUID in any case.
    pub fn by_guid(&self, guid: &str) -> Option<u64> {
        self.guids.get(&guid.trim().to_ascii_lowercase()).copied()
    }

    /// By its GUID in any case, or the newest of this name.
    pub fn find(&self, key: &str) -> Option<u64> {
        let named = || self.rows.iter().rev().find(|(_, thing)| thing.base().name == key.trim()).map(|(id, _)| *id);
        self.by_guid(key).or_else(named)
    }

    /// The GUID of one, or nothing.
    pub fn guid(&self, id: u64) -> String {
        self.get(id).map(|thing| thing.base().guid.clone()).unwrap_or_default()
    }

    /// The name of one, or nothing.
    pub fn name(&self, id: u64) -> &str {
        self.get(id).map_or("", |thing| &thing.base().name)
    }

    pub fn remove(&mut self, id: u64) -> Option<T> {
        let thing = self.rows.remove(&id)?;
        self.guids.remove(&thing.base().guid.to_ascii_lowercase());
        Some(thing)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.rows.values_mut()
    }
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.rows.retain(|_, thing| keep(thing));
        let rows = &self.rows;
        self.guids.retain(|_, id| rows.contains_key(id));
    }
}
