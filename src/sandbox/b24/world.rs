//! The portal's data: rows that follow from a seed, and everything that happened to them since.

use super::cell::Cell;
use super::ids::{Ids, Masks};
use super::knobs::Knobs;
use super::php::{self, Scalars};
use super::schema::{Gen, Kind, SHAPES, Source};
use super::table::{Changes, Table};
use crate::sandbox::mix::mix;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// All tables and what hangs on them.
pub struct World {
    pub(super) seed: u64,
    tables: Vec<Table>,
    /// Ids found by a filter and order, for the version of the table they were found in.
    found: Mutex<HashMap<String, Found>>,
    /// Printed rows by the shape they are printed in: a seeded row that nothing changed prints the same for ever.
    printed: Mutex<Printed>,
    /// Product rows that were set, by deal.
    pub product_rows: BTreeMap<u64, Vec<Value>>,
    /// Number of the next phone or address inside a row.
    next_part: u64,
}

/// The version of the table that was searched, and what was found.
type Found = (u64, Arc<Vec<u64>>);

/// Printed rows, bounded by their bytes.
#[derive(Default)]
struct Printed {
    shapes: HashMap<Vec<u8>, HashMap<u64, Box<[u8]>>>,
    bytes: usize,
}

/// One row, ready to be read.
pub struct Row<'a> {
    world: &'a World,
    kind: Kind,
    id: u64,
    changes: Option<(&'a Changes, bool)>,
}

impl World {
    /// The world as the knobs seed it. Costs the same for a hundred rows and for millions.
    pub fn new(knobs: &Knobs) -> World {
        let filled = ((knobs.density * 64.0).round() as u64).clamp(1, 64);
        let sparse = Arc::new(Masks::new(filled, knobs.seed));
        let dense = Arc::new(Masks::new(64, knobs.seed));
        let table = |number: usize, source: &Source| {
            let salt = mix(knobs.seed ^ (number as u64) << 32);
            Table::new(match source {
                Source::Seeded { count, holes: true } => {
                    Ids::new(count(&knobs.rows), sparse.clone(), knobs.gap, knobs.gap_every, salt)
                }
                Source::Seeded { count, holes: false } => Ids::new(count(&knobs.rows), dense.clone(), 0, 0, salt),
                Source::Fixed(_) => Ids::new(0, dense.clone(), 0, 0, salt),
            })
        };
        let tables = SHAPES.iter().enumerate().map(|(number, shape)| table(number, &shape.source)).collect();
        let mut world = World {
            seed: knobs.seed,
            tables,
            found: Mutex::default(),
            printed: Mutex::default(),
            product_rows: BTreeMap::new(),
            next_part: 5_000_000,
        };
        world.fill_fixed();
        world
    }

    fn fill_fixed(&mut self) {
        for shape in SHAPES {
            let Source::Fixed(text) = shape.source else { continue };
            let rows: Vec<Map<String, Value>> = serde_json::from_str(text).unwrap_or_default();
            for row in rows {
                let values = row.iter().filter_map(|(name, value)| {
                    let column = shape.kind.column(name)?;
                    Some((column, shape.columns[column].kind.read(value)))
                });
                let values = values.collect();
                self.tables[shape.kind as usize].add(values);
            }
        }
    }

    /// The entity's table.
    pub fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }

    /// The entity's table, to be changed.
    pub fn table_mut(&mut self, kind: Kind) -> &mut Table {
        &mut self.tables[kind as usize]
    }

    /// A row, whether it exists or not: see [`Table::holds`].
    pub fn row(&self, kind: Kind, id: u64) -> Row<'_> {
        Row { world: self, kind, id, changes: self.table(kind).changes(id) }
    }

    /// The ids an expensive search gave, remembered until the table changes.
    pub fn remembered(&self, kind: Kind, key: String, search: impl FnOnce() -> Vec<u64>) -> Arc<Vec<u64>> {
        const MOST: usize = 64;
        let version = self.table(kind).version;
        let lock = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, ids)) = lock().get(&key)
            && *at == version
        {
            return ids.clone();
        }
        let ids = Arc::new(search());
        let mut found = lock();
        if found.len() >= MOST {
            found.clear();
        }
        found.insert(key, (version, ids.clone()));
        ids
    }

    /// Appends rows as `print` prints them, each after `between`; tells where each stands. `shape` names the way of printing:
    /// rows that are as the seed made them are printed once for each shape.
    pub fn print_each(
        &self,
        out: &mut Vec<u8>,
        (kind, shape): (Kind, Vec<u8>),
        ids: &[u64],
        between: u8,
        print: impl Fn(&mut Vec<u8>, &Row),
    ) -> Vec<Range<usize>> {
        const MOST_BYTES: usize = 192 << 20;
        // Cards of people follow the users' table, so rows with them are not for keeping.
        let keep = !kind.columns().iter().any(|column| matches!(column.gen_, Gen::Person(_)));
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        if printed.bytes > MOST_BYTES {
            *printed = Printed::default();
        }
        let mut added = 0;
        let known = printed.shapes.entry(shape).or_default();
        let mut places = Vec::with_capacity(ids.len());
        for (number, id) in ids.iter().enumerate() {
            if number > 0 {
                out.push(between);
            }
            let from = out.len();
            let row = self.row(kind, *id);
            match known.get(id).filter(|_| row.changes.is_none()) {
                Some(bytes) => out.extend_from_slice(bytes),
                None => {
                    print(out, &row);
                    if keep && row.changes.is_none() {
                        added += out.len() - from;
                        known.insert(*id, out[from..].into());
                    }
                }
            }
            places.push(from..out.len());
        }
        printed.bytes += added;
        places
    }

    /// Some product row or phone gets a number of its own.
    pub fn new_part(&mut self) -> u64 {
        self.next_part += 1;
        self.next_part
    }

    /// Number of rows, a hash of all their values in any order, and the sum of the ids.
    pub fn checksum(&self, kind: Kind) -> Value {
        let ids = self.table(kind).upwards(0, u64::MAX);
        let mut out = Vec::new();
        let (mut hash, mut sum) = (0u64, 0u64);
        for id in &ids {
            out.clear();
            let row = self.row(kind, *id);
            for place in 0..kind.columns().len() {
                php::cell(&mut out, &row.cell(place), Scalars::Text);
                out.push(b',');
            }
            let digest = out
                .iter()
                .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
            hash = hash.wrapping_add(digest);
            sum = sum.wrapping_add(*id);
        }
        json!({"count": ids.len(), "hash": format!("{hash:016x}"), "id_sum": sum, "first": ids.first(), "last": ids.last()})
    }

    /// One step of the changes under way: a deal is added and another deleted, both by the seed and the step's number.
    pub fn disturb(&mut self, step: u64, now: i64) {
        let draw = mix(self.seed ^ 0xC4A6E5 ^ step << 20);
        let count = self.table(Kind::Deal).len();
        if count > 0
            && let Some(id) = self.table(Kind::Deal).at(draw % count)
        {
            self.table_mut(Kind::Deal).delete(id);
        }
        let mut row: Changes = (0..Kind::Deal.columns().len())
            .map(|place| (place, World::default_of(Kind::Deal, place, 1, now)))
            .collect();
        if let Some(title) = Kind::Deal.column("TITLE") {
            row.insert(title, Cell::Text(Cow::Owned(format!("Сделка на ходу № {step}"))));
        }
        self.table_mut(Kind::Deal).add(row);
    }
}

impl<'a> Row<'a> {
    /// The entity.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value in a column.
    pub fn cell(&self, place: usize) -> Cell<'a> {
        match self.changes {
            None => self.world.seeded(self.kind, place, self.id),
            Some((changes, created)) => match (changes.get(&place), &self.kind.columns()[place].gen_) {
                (_, Gen::Id) => Cell::Int(self.id as i64),
                (_, Gen::Person(other)) => self.world.card(&self.cell(*other)),
                (_, Gen::Ended(stage)) => super::seed::ended(&self.cell(*stage)),
                (_, Gen::Has(other)) => Cell::Char(!matches!(self.named(other), Cell::Null)),
                (Some(cell), _) => cell.clone(),
                (None, Gen::EntityType(_) | Gen::Json(_)) => self.world.seeded(self.kind, place, self.id),
                (None, _) if created => Cell::Null,
                (None, _) => self.world.seeded(self.kind, place, self.id),
            },
        }
    }

    /// The value of a column by name; empty when there is no such column.
    pub fn named(&self, name: &str) -> Cell<'a> {
        self.kind.column(name).map_or(Cell::Null, |place| self.cell(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_the_same_each_time_and_differs_by_seed() {
        let sum = |seed| {
            let mut knobs = Knobs { seed, ..Knobs::default() };
            knobs.rows.deals = 500;
            World::new(&knobs).checksum(Kind::Deal)
        };
        assert_eq!(sum(1), sum(1));
        assert_ne!(sum(1)["hash"], sum(2)["hash"]);
        assert_eq!(sum(2)["count"], 500);
    }

    #[test]
    fn a_stage_belongs_to_its_funnel() {
        let world = World::new(&Knobs::default());
        for id in world.table(Kind::Deal).upwards(0, 500) {
            let row = world.row(Kind::Deal, id);
            let renewal = row.named("STAGE_ID").text().starts_with("C1:");
            assert_eq!(row.named("CATEGORY_ID"), Cell::Int(i64::from(renewal)));
        }
    }

    #[test]
    fn changes_under_way_keep_the_number_of_deals() {
        let mut world = World::new(&Knobs::default());
        let before = world.checksum(Kind::Deal);
        (0..50).for_each(|step| world.disturb(step, 0));
        let after = world.checksum(Kind::Deal);
        assert_eq!(before["count"], after["count"]);
        assert_ne!(before["id_sum"], after["id_sum"]);
    }
}
