//! Things found by their ids and listed in the order in which they came.

use std::collections::{BTreeMap, HashMap};

use super::row::Id;

pub struct Book<T> {
    places: HashMap<Id, u64>,
    things: BTreeMap<u64, T>,
    next: u64,
}

impl<T> Default for Book<T> {
    fn default() -> Self {
        Book { places: HashMap::new(), things: BTreeMap::new(), next: 0 }
    }
}

impl<T> Book<T> {
    pub fn add(&mut self, id: Id, thing: T) {
        self.places.insert(id, self.next);
        self.things.insert(self.next, thing);
        self.next += 1;
    }

    pub fn get(&self, id: Id) -> Option<&T> {
        self.things.get(self.places.get(&id)?)
    }

    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        self.things.get_mut(self.places.get(&id)?)
    }

    pub fn remove(&mut self, id: Id) -> Option<T> {
        self.things.remove(&self.places.remove(&id)?)
    }

    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.things.values()
    }

    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.things.values_mut()
    }
}
