//! All randomness of the simulators: what follows from a seed comes again.

/// What splitmix64 adds from number to number.
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A well-mixed number from a number (splitmix64).
pub fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(STEP);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
