//! Rows kept in a file while they arrive: appended in pieces, forced to the disk when a checkpoint says so, cut back to the
//! checkpoint when the process was killed behind it, and read again as often as it takes.
//!
//! A piece is its length, its checksum and the packed rows. The file has a name of its own inside, by which a checkpoint
//! knows that it speaks of this file; and whoever writes holds a lock on it, so that nobody else does.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use crate::core::packed;
use crate::core::rows::Rows;

const MAGIC: &[u8; 12] = b"pult rows 1\n";
const HEAD: u64 = MAGIC.len() as u64 + 16;
/// Longer pieces are none: a length that says so is torn.
const LONGEST: u32 = 1 << 30;
/// So many bytes are gathered before they are written.
const GATHERED: usize = 1 << 20;

/// The file, held by this process alone.
#[derive(Debug)]
pub struct Spool {
    file: File,
    path: PathBuf,
    id: uuid::Uuid,
    /// What is not in the file yet.
    gathered: Vec<u8>,
    /// Where the next piece is written.
    end: u64,
}

impl Spool {
    /// Takes the file, new or with whatever it holds. `WouldBlock` when another process has it.
    pub fn take(path: &Path) -> io::Result<Spool> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        // On Windows the folder's rights hold.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut head = [0; HEAD as usize];
        let id = match file.read_exact(&mut head) {
            Ok(()) if head.starts_with(MAGIC) => uuid::Uuid::from_slice(&head[MAGIC.len()..]).unwrap_or_default(),
            Ok(()) => uuid::Uuid::nil(),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => uuid::Uuid::nil(),
            Err(error) => return Err(error),
        };
        let end = file.seek(SeekFrom::End(0))?;
        Ok(Spool { file, path: path.to_owned(), id, gathered: Vec::new(), end })
    }

    /// The name inside the file; a checkpoint keeps it beside the place.
    pub fn id(&self) -> String {
        self.id.simple().to_string()
    }

    /// Forgets all rows, and gives the file another name inside.
    pub fn begin(&mut self) -> io::Result<()> {
        self.id = uuid::Uuid::new_v4();
        self.gathered.clear();
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(MAGIC)?;
        self.file.write_all(self.id.as_bytes())?;
        self.end = HEAD;
        Ok(())
    }

    /// Goes on behind `end`, where [`sync`](Spool::sync) stood; what follows it is torn away. False, and nothing done, when
    /// the file is not the one of that name or is shorter.
    pub fn go_on(&mut self, id: &str, end: u64) -> io::Result<bool> {
        if self.id.is_nil() || self.id() != id || end < HEAD || end > self.end {
            return Ok(false);
        }
        self.gathered.clear();
        self.file.set_len(end)?;
        self.end = self.file.seek(SeekFrom::Start(end))?;
        Ok(true)
    }

    /// Adds a piece.
    pub fn append(&mut self, rows: &Rows) -> io::Result<()> {
        let start = self.gathered.len();
        self.gathered.extend_from_slice(&[0; 8]);
        packed::pack(rows, &mut self.gathered);
        let piece = &self.gathered[start + 8..];
        let length = u32::try_from(piece.len()).ok().filter(|length| *length < LONGEST);
        let Some(length) = length else {
            self.gathered.truncate(start);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "one answer holds more than 1 GB"));
        };
        let check = checksum(piece);
        self.gathered[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.gathered[start + 4..start + 8].copy_from_slice(&check.to_le_bytes());
        match self.gathered.len() < GATHERED {
            true => Ok(()),
            false => self.flush(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // After a reading, or a write that failed half-way, the file stands elsewhere.
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&self.gathered)?;
        self.end += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// Forces everything to the disk, and tells where the file ends now.
    pub fn sync(&mut self) -> io::Result<u64> {
        self.flush()?;
        self.file.sync_data()?;
        Ok(self.end)
    }

    /// Reads all pieces from the beginning. What is added must be added afterwards.
    pub fn pieces(&mut self) -> io::Result<Pieces<'_>> {
        self.flush()?;
        self.file.seek(SeekFrom::Start(HEAD))?;
        Ok(Pieces { left: self.end - HEAD, file: io::BufReader::with_capacity(1 << 18, &self.file), bytes: Vec::new() })
    }

    /// Removes the file; what is added later is nowhere.
    pub fn clear(&mut self) {
        // What cannot be removed is in nobody's way, and is empty.
        let _ = self.file.set_len(0);
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A spool that nobody goes on with: it is gone with the one who uses it.
#[derive(Debug)]
pub struct Scratch(Spool);

impl Scratch {
    pub fn begin(path: &Path) -> io::Result<Scratch> {
        let mut spool = Spool::take(path)?;
        spool.begin()?;
        // Whoever is killed leaves nothing behind; on Windows, where an open file keeps its name, a part file.
        #[cfg(unix)]
        std::fs::remove_file(path)?;
        Ok(Scratch(spool))
    }
}

impl Deref for Scratch {
    type Target = Spool;

    fn deref(&self) -> &Spool {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Spool {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// The pieces of a spool, one after another.
#[derive(Debug)]
pub struct Pieces<'a> {
    file: io::BufReader<&'a File>,
    left: u64,
    bytes: Vec<u8>,
}

impl Iterator for Pieces<'_> {
    type Item = io::Result<Rows>;

    fn next(&mut self) -> Option<io::Result<Rows>> {
        match self.left {
            0 => None,
            _ => Some(self.read()),
        }
    }
}

impl Pieces<'_> {
    fn read(&mut self) -> io::Result<Rows> {
        let torn = || io::Error::new(io::ErrorKind::InvalidData, "the part file is damaged");
        let mut head = [0; 8];
        self.file.read_exact(&mut head)?;
        let [a, b, c, d, e, f, g, h] = head;
        let (length, check) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let all = u64::from(length) + 8;
        if length >= LONGEST || all > self.left {
            return Err(torn());
        }
        self.left -= all;
        self.bytes.resize(length as usize, 0);
        self.file.read_exact(&mut self.bytes)?;
        if checksum(&self.bytes) != check {
            return Err(torn());
        }
        packed::unpack(&self.bytes).map(Rows::from).ok_or_else(torn)
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::tests::rows::{Made, rows_of, shown};

    fn piece(from: i64) -> Rows {
        rows_of(
            &(from..from + 3)
                .map(|n| vec![Some(Made::Integer(n)), Some(Made::Text("é".repeat(5)))])
                .collect::<Vec<_>>(),
        )
    }

    fn read(spool: &mut Spool) -> Vec<String> {
        spool.pieces().unwrap().flat_map(|rows| shown(&rows.unwrap())).collect()
    }

    #[test]
    fn it_goes_on_at_the_checkpoint_wherever_it_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/deals.part");
        let mut spool = Spool::take(&path).unwrap();
        spool.begin().unwrap();
        spool.append(&piece(0)).unwrap();
        let (id, end) = (spool.id(), spool.sync().unwrap());
        spool.append(&piece(3)).unwrap();
        let whole = spool.sync().unwrap();
        drop(spool);
        let bytes = std::fs::read(&path).unwrap();
        for length in end..=whole {
            std::fs::write(&path, &bytes[..length as usize]).unwrap();
            let mut spool = Spool::take(&path).unwrap();
            assert!(spool.go_on(&id, end).unwrap());
            assert_eq!(read(&mut spool), shown(&piece(0)));
            spool.append(&piece(3)).unwrap();
            assert_eq!(spool.sync().unwrap(), whole);
            drop(spool);
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn another_file_a_shorter_one_and_one_in_use_are_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deals.part");
        std::fs::write(&path, "something else that is longer than the head of a spool").unwrap();
        let mut spool = Spool::take(&path).unwrap();
        assert!(!spool.go_on(&spool.id(), HEAD).unwrap());
        spool.begin().unwrap();
        spool.append(&piece(0)).unwrap();
        let (id, end) = (spool.id(), spool.sync().unwrap());
        assert_eq!(Spool::take(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(!spool.go_on(&id, end + 1).unwrap() && !spool.go_on("0", end).unwrap());
        spool.clear();
        assert!(!path.exists());
        let mut other = Spool::take(&path).unwrap();
        assert!(!other.go_on(&id, end).unwrap());
    }

    #[test]
    fn a_damaged_piece_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deals.part");
        let mut spool = Spool::take(&path).unwrap();
        spool.begin().unwrap();
        spool.append(&piece(0)).unwrap();
        let (id, end) = (spool.id(), spool.sync().unwrap());
        drop(spool);
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let mut spool = Spool::take(&path).unwrap();
        assert!(spool.go_on(&id, end).unwrap());
        assert!(spool.pieces().unwrap().next().unwrap().is_err());
    }
}
