//! One process: all that it prints, and how it ended.

use std::process::ExitStatus;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;

use crate::services::rac::wire::errors::Exit;

/// The most bytes of an answer: a hundred thousand sessions.
const MOST: u64 = 256 << 20;
/// The most bytes of what is wrong.
const MOST_SAID: u64 = 64 << 10;

/// A process that has ended.
pub struct Ended {
    pub status: ExitStatus,
    pub printed: Vec<u8>,
    /// On standard error.
    pub said: Vec<u8>,
}

/// Why it was not waited for.
pub enum Trouble {
    TooLarge,
    Read(std::io::Error),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Trouble {
        Trouble::Read(error)
    }
}

/// Reads both outputs side by side, since a full one would stop the process, and waits for its end.
pub async fn collect(child: &mut Child) -> Result<Ended, Trouble> {
    let (printed, said) = (child.stdout.take(), child.stderr.take());
    let (printed, said, status) = tokio::try_join!(all(printed), beginning(said), ended(child))?;
    Ok(Ended { status, printed, said })
}

async fn ended(child: &mut Child) -> Result<ExitStatus, Trouble> {
    Ok(child.wait().await?)
}

async fn all(from: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.take(MOST + 1).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 > MOST { Err(Trouble::TooLarge) } else { Ok(bytes) }
}

/// The rest is read as well, and forgotten.
async fn beginning(from: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(MOST_SAID).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

#[cfg(unix)]
pub fn exit(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal) => Exit::Signal(signal),
        None => Exit::Code(status.code().unwrap_or_default()),
    }
}

#[cfg(not(unix))]
pub fn exit(status: ExitStatus) -> Exit {
    Exit::Code(status.code().unwrap_or_default())
}
