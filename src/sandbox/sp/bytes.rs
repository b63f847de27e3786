//! Reading the bytes of a request: every read is checked, whatever a client sends.

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

pub type Read<T> = Result<T, Malformed>;

/// What is left of a request. Numbers are little-endian unless the name says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub fn new(bytes: &'a [u8]) -> Bytes<'a> {
        Bytes(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte, left where it is.
    pub fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count).ok_or(Malformed("it ends too early"))?;
        self.0 = left;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, left) = self.0.split_first_chunk().ok_or(Malformed("it ends too early"))?;
        self.0 = left;
        Ok(*taken)
    }

    pub fn u8(&mut self) -> Read<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub fn u16(&mut self) -> Read<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u16_be(&mut self) -> Read<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of up to eight bytes.
    pub fn number(&mut self, width: usize) -> Read<u64> {
        let taken = self.take(width)?;
        if width > 8 {
            return Err(Malformed("a number is too wide"));
        }
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(taken);
        Ok(u64::from_le_bytes(bytes))
    }

    /// So many characters of UTF-16.
    pub fn utf16(&mut self, characters: usize) -> Read<String> {
        Ok(utf16(self.take(characters * 2)?))
    }

    /// UTF-16 after its length in characters, one byte.
    pub fn b_varchar(&mut self) -> Read<String> {
        let length = self.u8()?;
        self.utf16(length.into())
    }
}

/// A text of UTF-16; halves of characters become replacement characters, an odd byte at the end is left out.
pub fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let mut bytes = Bytes::new(&[1, 2, 0, 3]);
        assert_eq!((bytes.u8(), bytes.u16()), (Ok(1), Ok(2)));
        assert!(bytes.u16().is_err() && bytes.u64().is_err());
        assert_eq!(bytes.u8(), Ok(3));
        assert!(bytes.is_empty());
        assert_eq!(Bytes::new(&[1, 0x1F, 4]).b_varchar(), Ok("П".to_owned()));
        assert!(Bytes::new(&[9, 0x1F, 4]).b_varchar().is_err());
        assert_eq!(utf16(&[0x3D, 0xD8, 0x00, 0xDE, 0x00, 0xD8, 0x41]), "😀\u{FFFD}");
    }
}
