//! Many rows of named fields, held once and shared.
//!
//! A chunk (one answer of a server) keeps all its texts in one string and all its cells, 16 bytes each, in one
//! vector, so a hundred thousand rows of twenty fields are a few dozen allocations. Field names are kept once per
//! shape. Cloning, passing to a function, filtering and sorting copy no cell.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

/// What a cell holds, as its reader sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    Null,
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(&'a str),
    /// What a clock showed, in milliseconds since the beginning of 1970 as it shows that, and the zone where it hangs.
    Moment {
        at: i64,
        zone: &'a TimeZone,
    },
    /// A list or a map, as JSON text.
    Json(&'a str),
}

/// A cell's place in its chunk.
#[derive(Clone, Copy, Debug)]
enum Cell {
    Null,
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text { at: u32, len: u32 },
    Json { at: u32, len: u32 },
    Moment { zone: u16, at: i64 },
}

/// The field names of a row, in the server's order.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    names: Vec<Box<str>>,
}

impl Shape {
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| **known == *name)
    }
}

#[derive(Debug)]
struct Placed {
    shape: u32,
    first_cell: u32,
}

/// Rows that arrived together.
#[derive(Debug, Default)]
pub struct Chunk {
    shapes: Vec<Arc<Shape>>,
    rows: Vec<Placed>,
    cells: Vec<Cell>,
    text: String,
    /// The zones of its moments: hardly ever more than one.
    zones: Vec<TimeZone>,
}

impl Chunk {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        self.rows.len() * size_of::<Placed>() + self.cells.len() * size_of::<Cell>() + self.text.len()
    }

    fn shape(&self, row: usize) -> &Arc<Shape> {
        &self.shapes[self.rows[row].shape as usize]
    }

    fn field(&self, row: usize, column: usize) -> Field<'_> {
        let text = |at: u32, len: u32| &self.text[at as usize..(at + len) as usize];
        match self.cells[self.rows[row].first_cell as usize + column] {
            Cell::Null => Field::Null,
            Cell::Flag(flag) => Field::Flag(flag),
            Cell::Integer(n) => Field::Integer(n),
            Cell::Number(n) => Field::Number(n),
            Cell::Text { at, len } => Field::Text(text(at, len)),
            Cell::Json { at, len } => Field::Json(text(at, len)),
            Cell::Moment { zone, at } => Field::Moment { at, zone: &self.zones[usize::from(zone)] },
        }
    }
}

/// A chunk's texts are addressed by 32 bits; a builder refuses what would not fit.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Puts a chunk together, row by row: [`name`](Builder::name), then one value, and so on, then
/// [`end_row`](Builder::end_row).
#[derive(Debug, Default)]
pub struct Builder {
    chunk: Chunk,
    /// How many names of the last row's shape this row has repeated so far, while it repeats them.
    following: Option<usize>,
    /// The names of this row once it has left the last row's shape.
    names: Vec<Box<str>>,
    first_cell: usize,
}

impl Builder {
    pub fn new() -> Builder {
        Builder { following: Some(0), ..Builder::default() }
    }

    /// Makes room, so that large answers are not moved while they grow. More or less may come.
    pub fn reserve(&mut self, rows: usize, cells: usize, text: usize) {
        self.chunk.rows.reserve(rows);
        self.chunk.cells.reserve(cells);
        self.chunk.text.reserve(text);
    }

    /// The next row has the names of the row before it: values alone are pushed. False for the first row.
    pub fn same_names(&mut self) -> bool {
        let Some(last) = self.chunk.rows.last() else { return false };
        self.following = Some(self.chunk.shapes[last.shape as usize].names.len());
        true
    }

    /// The name of the field whose value is pushed next.
    pub fn name(&mut self, name: &str) {
        if let Some(seen) = self.following {
            let last = self.chunk.rows.last().map(|row| &self.chunk.shapes[row.shape as usize]);
            match last {
                Some(shape) if shape.names.get(seen).is_some_and(|known| **known == *name) => {
                    self.following = Some(seen + 1);
                    return;
                }
                Some(shape) => self.names.extend_from_slice(&shape.names[..seen]),
                None => {}
            }
            self.following = None;
        }
        self.names.push(name.into());
    }

    /// The value of the field named last. `false` when the chunk is full.
    pub fn push(&mut self, field: Field<'_>) -> Result<(), TooLarge> {
        let cell = match field {
            Field::Null => Cell::Null,
            Field::Flag(flag) => Cell::Flag(flag),
            Field::Integer(n) => Cell::Integer(n),
            Field::Number(n) => Cell::Number(n),
            Field::Text(text) => {
                let (at, len) = self.keep(text)?;
                Cell::Text { at, len }
            }
            Field::Json(text) => {
                let (at, len) = self.keep(text)?;
                Cell::Json { at, len }
            }
            Field::Moment { at, zone } => Cell::Moment { zone: self.zone(zone)?, at },
        };
        self.chunk.cells.push(cell);
        Ok(())
    }

    fn keep(&mut self, text: &str) -> Result<(u32, u32), TooLarge> {
        let at = self.chunk.text.len();
        if at + text.len() > u32::MAX as usize || self.chunk.cells.len() >= u32::MAX as usize {
            return Err(TooLarge);
        }
        self.chunk.text.push_str(text);
        Ok((at as u32, text.len() as u32))
    }

    fn zone(&mut self, zone: &TimeZone) -> Result<u16, TooLarge> {
        let known = self.chunk.zones.iter().position(|known| known == zone);
        let place = known.unwrap_or_else(|| {
            self.chunk.zones.push(zone.clone());
            self.chunk.zones.len() - 1
        });
        u16::try_from(place).map_err(|_| TooLarge)
    }

    pub fn end_row(&mut self) {
        let shape = match self.following {
            Some(seen) => match self.chunk.rows.last() {
                Some(last) if self.chunk.shapes[last.shape as usize].names.len() == seen => last.shape,
                Some(last) => {
                    let names = self.chunk.shapes[last.shape as usize].names[..seen].to_vec();
                    self.intern(names)
                }
                None => self.intern(Vec::new()),
            },
            None => {
                let names = std::mem::take(&mut self.names);
                self.intern(names)
            }
        };
        self.chunk.rows.push(Placed { shape, first_cell: self.first_cell as u32 });
        self.first_cell = self.chunk.cells.len();
        self.following = Some(0);
    }

    fn intern(&mut self, names: Vec<Box<str>>) -> u32 {
        let known = self.chunk.shapes.iter().position(|shape| shape.names == names);
        known.unwrap_or_else(|| {
            self.chunk.shapes.push(Arc::new(Shape { names }));
            self.chunk.shapes.len() - 1
        }) as u32
    }

    pub fn len(&self) -> usize {
        self.chunk.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.chunk.rows.is_empty()
    }

    /// A field of a row that is finished.
    pub fn get(&self, row: usize, name: &str) -> Option<Field<'_>> {
        self.chunk.rows.get(row)?;
        let column = self.chunk.shape(row).position(name)?;
        Some(self.chunk.field(row, column))
    }

    /// Takes back all rows from this one on.
    pub fn truncate(&mut self, rows: usize) {
        if let Some(first) = self.chunk.rows.get(rows) {
            self.first_cell = first.first_cell as usize;
            self.chunk.cells.truncate(self.first_cell);
            self.chunk.rows.truncate(rows);
        }
    }

    pub fn finish(mut self) -> Chunk {
        self.chunk.cells.shrink_to_fit();
        self.chunk.text.shrink_to_fit();
        self.chunk.rows.shrink_to_fit();
        self.chunk
    }
}

/// One row; cheap to clone.
#[derive(Clone, Debug)]
pub struct Row {
    chunk: Arc<Chunk>,
    at: u32,
    /// The columns of the list that it was taken from.
    columns: Arc<[Box<str>]>,
}

impl Row {
    pub fn get(&self, name: &str) -> Option<Field<'_>> {
        let column = self.chunk.shape(self.at as usize).position(name)?;
        Some(self.chunk.field(self.at as usize, column))
    }

    /// Whether the list that it was taken from has this column; a server leaves out what is empty.
    pub fn is_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| **column == *name)
    }

    /// The shape of this row; equal shapes of one chunk are the same allocation.
    pub fn shape(&self) -> &Arc<Shape> {
        self.chunk.shape(self.at as usize)
    }

    /// The value of the field at this place of the shape; nothing behind its last one.
    pub fn at(&self, place: usize) -> Field<'_> {
        match place < self.shape().names.len() {
            true => self.chunk.field(self.at as usize, place),
            false => Field::Null,
        }
    }

    pub fn fields(&self) -> impl Iterator<Item = (&str, Field<'_>)> {
        let row = self.at as usize;
        self.chunk.shape(row).names().enumerate().map(move |(column, name)| (name, self.chunk.field(row, column)))
    }
}

/// Which rows of the chunks, in which order.
#[derive(Debug)]
enum Order {
    /// All of them as they came; the running total of rows before each chunk.
    AsTheyCame(Vec<usize>),
    /// (chunk, row) of each.
    Picked(Vec<(u32, u32)>),
}

/// A list of rows; cheap to clone.
#[derive(Clone, Debug)]
pub struct Rows(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    chunks: Vec<Arc<Chunk>>,
    order: Order,
    columns: Arc<[Box<str>]>,
}

impl Default for Rows {
    fn default() -> Rows {
        Rows::new(Vec::new())
    }
}

impl From<Chunk> for Rows {
    fn from(chunk: Chunk) -> Rows {
        Rows::new(vec![Arc::new(chunk)])
    }
}

impl Rows {
    pub fn new(chunks: Vec<Arc<Chunk>>) -> Rows {
        let columns = columns_of(&chunks);
        let mut before = Vec::with_capacity(chunks.len() + 1);
        let mut total = 0;
        for chunk in &chunks {
            before.push(total);
            total += chunk.len();
        }
        before.push(total);
        Rows(Arc::new(Inner { chunks, order: Order::AsTheyCame(before), columns }))
    }

    /// No rows, but columns: what a query found nothing with.
    pub fn none(columns: impl IntoIterator<Item = impl Into<Box<str>>>) -> Rows {
        let columns = columns.into_iter().map(Into::into).collect();
        Rows(Arc::new(Inner { chunks: Vec::new(), order: Order::AsTheyCame(vec![0]), columns }))
    }

    /// Pages of one list, put together without copying their cells.
    pub fn joined(pages: &[Rows]) -> Rows {
        match pages.iter().all(|page| matches!(page.0.order, Order::AsTheyCame(_))) {
            true => Rows::new(pages.iter().flat_map(|page| page.0.chunks.iter().cloned()).collect()),
            false => pages.iter().fold(Rows::default(), |all, page| all.and(page)),
        }
    }

    pub fn len(&self) -> usize {
        match &self.0.order {
            Order::AsTheyCame(before) => before.last().copied().unwrap_or(0),
            Order::Picked(picked) => picked.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All field names that occur, in the order of their first occurrence.
    pub fn columns(&self) -> &[Box<str>] {
        &self.0.columns
    }

    fn place(&self, index: usize) -> Option<(u32, u32)> {
        match &self.0.order {
            Order::AsTheyCame(before) => {
                if index >= *before.last()? {
                    return None;
                }
                let chunk = before.partition_point(|&start| start <= index) - 1;
                Some((chunk as u32, (index - before[chunk]) as u32))
            }
            Order::Picked(picked) => picked.get(index).copied(),
        }
    }

    pub fn get(&self, index: usize) -> Option<Row> {
        let (chunk, at) = self.place(index)?;
        Some(Row { chunk: self.0.chunks[chunk as usize].clone(), at, columns: self.0.columns.clone() })
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row> + '_ {
        (0..self.len()).map(|index| self.get(index).unwrap_or_else(|| unreachable!("the index is below len")))
    }

    /// The rows at these places, in this order; places that do not exist are left out.
    pub fn pick(&self, indices: impl IntoIterator<Item = usize>) -> Rows {
        let picked = indices.into_iter().filter_map(|index| self.place(index)).collect();
        Rows(Arc::new(Inner {
            chunks: self.0.chunks.clone(),
            order: Order::Picked(picked),
            columns: self.0.columns.clone(),
        }))
    }

    /// Single rows put together again, without copying their cells.
    pub fn of(rows: Vec<Row>) -> Rows {
        let mut chunks: Vec<Arc<Chunk>> = Vec::new();
        let picked = rows.into_iter().map(|row| {
            // Neighbours mostly come from the same chunk.
            let known = chunks.iter().rposition(|chunk| Arc::ptr_eq(chunk, &row.chunk));
            let chunk = known.unwrap_or_else(|| {
                chunks.push(row.chunk);
                chunks.len() - 1
            });
            (chunk as u32, row.at)
        });
        let order = Order::Picked(picked.collect());
        let columns = columns_of(&chunks);
        Rows(Arc::new(Inner { chunks, order, columns }))
    }

    /// These rows, then those.
    pub fn and(&self, other: &Rows) -> Rows {
        let offset = self.0.chunks.len() as u32;
        let chunks: Vec<Arc<Chunk>> = self.0.chunks.iter().chain(&other.0.chunks).cloned().collect();
        if let (Order::AsTheyCame(_), Order::AsTheyCame(_)) = (&self.0.order, &other.0.order) {
            return Rows::new(chunks);
        }
        let mut picked: Vec<(u32, u32)> = (0..self.len()).filter_map(|index| self.place(index)).collect();
        picked.extend((0..other.len()).filter_map(|index| other.place(index)).map(|(chunk, at)| (chunk + offset, at)));
        let columns = columns_of(&chunks);
        Rows(Arc::new(Inner { chunks, order: Order::Picked(picked), columns }))
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = Each;

    fn into_iter(self) -> Each {
        Each { rows: self, at: 0 }
    }
}

/// The steps through all rows, holding on to them.
pub struct Each {
    rows: Rows,
    at: usize,
}

impl Iterator for Each {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let row = self.rows.get(self.at)?;
        self.at += 1;
        Some(row)
    }
}

fn columns_of(chunks: &[Arc<Chunk>]) -> Arc<[Box<str>]> {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut columns = Vec::new();
    for name in chunks.iter().flat_map(|chunk| &chunk.shapes).flat_map(|shape| &shape.names) {
        if seen.insert(name) {
            columns.push(name.clone());
        }
    }
    columns.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Rows {
        let mut builder = Builder::new();
        for (id, title) in [(1, "раз"), (2, "два"), (3, "три")] {
            builder.name("ID");
            builder.push(Field::Integer(id)).unwrap();
            builder.name("TITLE");
            builder.push(Field::Text(title)).unwrap();
            if id == 2 {
                builder.name("PHONE");
                builder.push(Field::Json("[1]")).unwrap();
            }
            builder.end_row();
        }
        builder.finish().into()
    }

    #[test]
    fn rows_of_one_shape_share_their_names() {
        let rows = sample();
        assert_eq!(rows.len(), 3);
        let columns: Vec<&str> = rows.columns().iter().map(AsRef::as_ref).collect();
        assert_eq!(columns, ["ID", "TITLE", "PHONE"]);
        let (first, second, third) = (rows.get(0).unwrap(), rows.get(1).unwrap(), rows.get(2).unwrap());
        assert!(Arc::ptr_eq(first.shape(), third.shape()));
        assert!(!Arc::ptr_eq(first.shape(), second.shape()));
        assert_eq!(first.get("PHONE"), None);
        assert_eq!(second.get("PHONE"), Some(Field::Json("[1]")));
        assert_eq!(third.get("TITLE"), Some(Field::Text("три")));
    }

    #[test]
    fn picking_and_joining_copy_no_cell() {
        let rows = sample();
        let picked = rows.pick([2, 0, 9]);
        let ids = |rows: &Rows| rows.iter().map(|row| format!("{:?}", row.get("ID"))).collect::<Vec<_>>();
        assert_eq!(ids(&picked), ["Some(Integer(3))", "Some(Integer(1))"]);
        assert_eq!(picked.and(&rows).len(), 5);
        assert_eq!(rows.and(&rows).get(5).unwrap().get("ID"), Some(Field::Integer(3)));
        assert!(Arc::ptr_eq(&picked.get(0).unwrap().chunk, &rows.get(0).unwrap().chunk));
    }

    #[test]
    fn a_shorter_row_after_a_longer_one_has_a_shape_of_its_own() {
        let mut builder = Builder::new();
        for names in [&["A", "B"][..], &["A"], &[], &["A", "B"]] {
            for name in names {
                builder.name(name);
                builder.push(Field::Null).unwrap();
            }
            builder.end_row();
        }
        let rows: Rows = builder.finish().into();
        let widths: Vec<usize> = rows.iter().map(|row| row.fields().count()).collect();
        assert_eq!(widths, [2, 1, 0, 2]);
    }

    #[test]
    fn moments_keep_their_zone_and_cells_their_size() {
        assert_eq!(size_of::<Cell>(), 16);
        let (utc, east) = (TimeZone::UTC, TimeZone::fixed(jiff::tz::offset(3)));
        let mut builder = Builder::new();
        for (at, zone) in [(1, &utc), (2, &east), (3, &utc)] {
            builder.name("at");
            builder.push(Field::Moment { at, zone }).unwrap();
            builder.end_row();
        }
        let rows: Rows = builder.finish().into();
        assert_eq!(rows.0.chunks[0].zones.len(), 2);
        assert_eq!(rows.get(1).unwrap().get("at"), Some(Field::Moment { at: 2, zone: &east }));
        assert_eq!(rows.get(2).unwrap().get("at"), Some(Field::Moment { at: 3, zone: &utc }));
    }

    #[test]
    fn pages_are_put_together_and_nothing_can_have_columns() {
        let (page, picked) = (sample(), sample().pick([1]));
        assert_eq!(Rows::joined(&[page.clone(), page.clone()]).len(), 6);
        assert_eq!(Rows::joined(&[page, picked.clone()]).get(3).unwrap().get("ID"), Some(Field::Integer(2)));
        let none = Rows::none(["a", "b"]);
        assert_eq!((none.len(), none.columns().len()), (0, 2));
        assert_eq!(none.and(&picked).len(), 1);
    }

    #[test]
    fn rows_can_be_looked_at_and_taken_back_while_a_chunk_is_made() {
        let mut builder = Builder::new();
        for id in 1..=3 {
            builder.name("ID");
            builder.push(Field::Integer(id)).unwrap();
            builder.end_row();
        }
        assert_eq!(builder.get(2, "ID"), Some(Field::Integer(3)));
        assert_eq!((builder.get(3, "ID"), builder.get(0, "X")), (None, None));
        builder.truncate(1);
        builder.truncate(9);
        builder.name("ID");
        builder.push(Field::Integer(7)).unwrap();
        builder.end_row();
        let rows: Rows = builder.finish().into();
        let ids: Vec<_> = rows.iter().map(|row| format!("{:?}", row.get("ID").unwrap())).collect();
        assert_eq!(ids, ["Integer(1)", "Integer(7)"]);
    }

    #[test]
    fn no_rows_at_all() {
        let rows = Rows::default();
        assert!(rows.is_empty() && rows.get(0).is_none() && rows.columns().is_empty());
    }
}
