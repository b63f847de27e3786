//! The ids of an entity: holes as a real portal has them, found by arithmetic instead of a list.
//!
//! Ids come in blocks of 64 of which a fixed number is in use; which ones, one of 256 masks says. So the n-th id and the
//! number of ids below a bound cost the same for a hundred rows and for ten million.

use crate::sandbox::mix::mix;

/// Which ids hold a row.
#[derive(Clone)]
pub struct Ids {
    rows: u64,
    per_block: u64,
    blocks_per_run: u64,
    gap: u64,
    salt: u64,
    last: u64,
    masks: std::sync::Arc<Masks>,
}

/// 256 ways to fill a block, and the places of the set bits of each.
pub struct Masks {
    bits: [u64; 256],
    places: [[u8; 64]; 256],
}

impl Masks {
    /// Masks with `filled` of 64 bits set.
    pub fn new(filled: u64, seed: u64) -> Masks {
        let mut masks = Masks { bits: [0; 256], places: [[0; 64]; 256] };
        for (number, (bits, places)) in masks.bits.iter_mut().zip(masks.places.iter_mut()).enumerate() {
            let mut order: [u8; 64] = std::array::from_fn(|place| place as u8);
            for left in (1..64).rev() {
                order.swap(left, (mix(seed ^ ((number as u64) << 8) ^ left as u64) % (left as u64 + 1)) as usize);
            }
            for place in &order[..filled as usize] {
                *bits |= 1 << place;
            }
            let set = (0..64).filter(|place| *bits >> place & 1 == 1);
            for (slot, place) in places.iter_mut().zip(set) {
                *slot = place;
            }
        }
        masks
    }
}

impl Ids {
    /// `rows` ids in blocks filled as `masks` say, with a jump of `gap` ids after every `gap_every` blocks.
    pub fn new(rows: u64, masks: std::sync::Arc<Masks>, gap: u64, gap_every: u64, salt: u64) -> Ids {
        let per_block = u64::from(masks.bits[0].count_ones()).max(1);
        let no_jumps = gap == 0 || gap_every == 0;
        // Bounds far beyond use keep the arithmetic inside 64 bits.
        let (gap, gap_every) = (gap.min(1 << 30), gap_every.min(1 << 40));
        let mut ids = Ids {
            rows,
            per_block,
            blocks_per_run: if no_jumps { 1 << 40 } else { gap_every },
            gap: if no_jumps { 0 } else { gap },
            salt,
            last: 0,
            masks,
        };
        ids.last = rows.checked_sub(1).map_or(0, |place| ids.at(place));
        ids
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.rows
    }

    fn mask(&self, block: u64) -> usize {
        (mix(self.salt ^ block) & 255) as usize
    }

    /// The id at a place, counted from 0. Only for places below [`Ids::len`].
    pub fn at(&self, place: u64) -> u64 {
        let block = place / self.per_block;
        let bit = self.masks.places[self.mask(block)][(place % self.per_block) as usize];
        1 + block * 64 + block / self.blocks_per_run * self.gap + u64::from(bit)
    }

    /// How many ids are smaller than `id`: the place where it is or would be.
    pub fn below(&self, id: u64) -> u64 {
        let Some(offset) = id.checked_sub(1) else { return 0 };
        let run = self.blocks_per_run * 64 + self.gap;
        let inside = offset % run;
        let block = offset / run * self.blocks_per_run + (inside / 64).min(self.blocks_per_run);
        if block > self.rows {
            return self.rows;
        }
        let full = block * self.per_block;
        if inside >= self.blocks_per_run * 64 {
            return full.min(self.rows);
        }
        let lower = (1u64 << (inside % 64)) - 1;
        (full + u64::from((self.masks.bits[self.mask(block)] & lower).count_ones())).min(self.rows)
    }

    /// Whether the id holds a row.
    pub fn holds(&self, id: u64) -> bool {
        let place = self.below(id);
        place < self.rows && self.at(place) == id
    }

    /// The last id, 0 when there is none.
    pub fn last(&self) -> u64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn places_and_ids_agree_with_and_without_jumps() {
        for (filled, gap, every) in [(57, 0, 0), (64, 0, 0), (3, 0, 0), (57, 1000, 5)] {
            let ids = Ids::new(5000, Arc::new(Masks::new(filled, 7)), gap, every, 9);
            let mut previous = 0;
            for place in 0..5000 {
                let id = ids.at(place);
                assert!(id > previous && ids.holds(id));
                assert_eq!(ids.below(id), place);
                for hole in previous + 1..id {
                    assert!(!ids.holds(hole));
                    assert_eq!(ids.below(hole), place);
                }
                previous = id;
            }
            assert_eq!(ids.below(u64::MAX), 5000);
            assert_eq!((ids.below(0), ids.last()), (0, previous));
        }
    }
}
