//! Where things of a robot lie: all of it beside the file of the journal.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use crate::core::context::Context;
use crate::error::Result;
use crate::settings::Settings;

/// Longer names are no GUIDs.
const LONGEST: usize = 64;

/// The name of a robot in files and tables, made of its GUID, which is a password and stands in none of them.
pub fn key(guid: &str) -> String {
    digest_of(guid.trim().to_lowercase().as_str())
}

/// 16 hexadecimal digits.
fn digest_of(text: &str) -> String {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// One robot's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The journal, which other robots share.
    pub state: PathBuf,
    /// The robot's name in it: [`key`].
    pub robot: String,
}

impl Place {
    pub fn new(state: impl Into<PathBuf>, robot: impl Into<String>) -> Place {
        Place { state: state.into(), robot: robot.into() }
    }

    /// The place of the robot with these settings; `None` when nothing of it outlives the process.
    pub fn of(settings: &Settings, context: &Context) -> Result<Option<Place>> {
        let guid = settings.secret("guid").ok_or_else(|| {
            settings.wrong("guid", "it is missing").hint("copy the robot's GUID from the Orchestrator's page of robots")
        })?;
        let beside = context.configured().and_then(|(path, _)| path.parent()).unwrap_or(Path::new(""));
        let state = match settings.text("state") {
            Some(path) => Some(beside.join(path)),
            None => context.state().path().map(Path::to_owned),
        };
        let failed = |error| settings.wrong("state", error);
        let state = state.map(|path| std::path::absolute(path).map_err(failed)).transpose()?;
        Ok(state.map(|state| Place::new(state, key(guid.expose()))))
    }

    /// `robot/KEY` beside the journal.
    pub fn folder(&self) -> PathBuf {
        self.state.parent().unwrap_or(Path::new("")).join("robot").join(&self.robot)
    }

    /// The folder of all jobs' folders.
    pub fn jobs(&self) -> PathBuf {
        self.folder().join("jobs")
    }

    /// The folder of a job, by its GUID; what is no GUID cannot lead out of the folder of jobs either.
    pub fn job(&self, guid: &str) -> PathBuf {
        let guid = guid.trim().to_lowercase();
        let is_plain = guid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match is_plain && !guid.is_empty() && guid.len() <= LONGEST {
            true => self.jobs().join(guid),
            false => self.jobs().join(format!("job-{}", digest_of(&guid))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_robot_has_the_same_name_however_its_guid_is_written() {
        let name = key("DA8BC2F0-8065-4385-b867-405e66b8e151 ");
        assert_eq!(name, key("da8bc2f0-8065-4385-b867-405e66b8e151"));
        assert!(name.len() == 16 && name != key("da8bc2f0-8065-4385-b867-405e66b8e152"));
    }

    #[test]
    fn no_job_has_a_folder_outside_its_robot() {
        let place = Place::new("/var/pult/state.sqlite", "0123456789abcdef");
        assert_eq!(place.job("5C1E-AA"), place.jobs().join("5c1e-aa"));
        for strange in ["../../etc", "..", "", "a/b", r"a\b", "C:", "a.b", &"a".repeat(65)] {
            let folder = place.job(strange);
            assert_eq!(folder.parent(), Some(place.jobs().as_path()), "{strange}");
            assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("job-"), "{strange}");
        }
    }
}
