//! Versions of the protocol and what each of them has.

/// As a client asks for it: 0x71000001 is 7.1, 0x74000004 is 7.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32);

impl Version {
    pub const V7_1: Version = Version(0x7100_0000);
    pub const V7_2: Version = Version(0x7200_0000);
    pub const V7_3: Version = Version(0x7300_0000);
    pub const V7_3_B: Version = Version(0x730B_0000);
    pub const V7_4: Version = Version(0x7400_0004);
    /// Strict encryption; otherwise 7.4.
    pub const V8: Version = Version(0x0800_0000);

    /// What the server speaks with a client that asks for this; `None` when that is too old.
    pub fn agreed(asked: u32) -> Option<Version> {
        match Version(asked) {
            Version::V8 => Some(Version::V8),
            asked if asked < Version::V7_1 => None,
            asked => Some(asked.min(Version::V7_4)),
        }
    }

    fn has(self, since: Version) -> bool {
        self == Version::V8 || self >= since
    }

    /// Headers before requests, long counts and line numbers, the types with `max`, xml.
    pub fn is_7_2(self) -> bool {
        self.has(Version::V7_2)
    }

    /// date, time, datetime2, datetimeoffset.
    pub fn has_dates(self) -> bool {
        self.has(Version::V7_3)
    }

    /// Rows that say in a bitmap what of them is NULL.
    pub fn has_null_bitmap(self) -> bool {
        self.has(Version::V7_3_B)
    }

    /// The answer to features that a client asks for.
    pub fn has_features(self) -> bool {
        self.has(Version(0x7400_0000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_what_it_asks_for_up_to_the_newest() {
        assert_eq!(Version::agreed(0x7500_0000), Some(Version::V7_4));
        assert_eq!(Version::agreed(0x7100_0001), Some(Version(0x7100_0001)));
        assert_eq!((Version::agreed(0x7000_0000), Version::agreed(0)), (None, None));
        assert!(Version::V8.has_null_bitmap() && !Version(0x730A_0003).has_null_bitmap());
        assert!(Version(0x730A_0003).has_dates() && !Version(0x7209_0002).has_dates());
    }
}
