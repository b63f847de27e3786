//! What `--sandbox` needs for robots: a configuration for the processes of jobs, and scripts for the jobs that wait.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::config::{Config, FILE_NAME};
use crate::error::{Error, Kind, Result};
use crate::sandbox::folder::Folder;
use crate::services::robot::{NAME, SETTINGS};
use crate::settings::Given;

/// Scripts for the simulator's jobs, by the names of process versions.
const SCRIPTS: &[(&str, &str)] = &[
    ("invoices.rhai", include_str!("samples/invoices.rhai")),
    ("hello.rhai", include_str!("samples/hello.rhai")),
    ("patience.rhai", include_str!("samples/patience.rhai")),
];

/// A private folder, removed when dropped.
pub struct Stage {
    file: PathBuf,
    _folder: Folder,
}

impl Stage {
    /// Puts the folder of scripts into the connections of robots, and writes all connections into a file.
    pub fn place(config: &mut Config) -> Result<Stage> {
        let folder = Folder::new().map_err(|error| failed(&error))?;
        let scripts = folder.path().join("scripts");
        let names: Vec<String> = config.connections(NAME).map(str::to_owned).collect();
        for name in &names {
            let mut settings = config.connection(NAME, name)?.clone();
            if !settings.has("scripts") {
                let put = settings.set(SETTINGS, "scripts", Given::Text(scripts.display().to_string()));
                put.map_err(|(message, _)| Error::new(Kind::Config, "sandbox.robot", message))?;
                config.add(NAME, name, settings);
            }
        }
        let file = folder.path().join(FILE_NAME);
        write_all(&file, &scripts, &config.written()).map_err(|error| failed(&error))?;
        Ok(Stage { file, _folder: folder })
    }

    /// The configuration's file.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

fn write_all(file: &Path, scripts: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())?;
    std::fs::create_dir(scripts)?;
    SCRIPTS.iter().try_for_each(|(name, text)| std::fs::write(scripts.join(name), text))
}

fn failed(error: &std::io::Error) -> Error {
    let message = format!("the folder for the sandbox's jobs cannot be written: {error}");
    Error::new(Kind::File, "sandbox.robot", message).hint("the folder for temporary files has to be writable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services;
    use crate::settings::Settings;

    #[test]
    fn jobs_find_their_configuration_and_their_scripts() {
        let mut config = Config::default();
        let mut settings = Settings::new("the sandbox");
        settings.set(SETTINGS, "guid", Given::Text("77770000-1111-2222-3333-444455556666".into())).unwrap();
        config.add(NAME, "main", settings);
        let stage = Stage::place(&mut config).unwrap();
        let read = Config::load(stage.file(), &services::known(), None).unwrap();
        for config in [&config, &read] {
            let settings = config.connection(NAME, "main").unwrap();
            assert!(Path::new(settings.text("scripts").unwrap()).join("hello.rhai").is_file());
            assert_eq!(settings.secret("guid").unwrap().expose(), "77770000-1111-2222-3333-444455556666");
        }
        let folder = stage.file().parent().unwrap().to_owned();
        drop(stage);
        assert!(!folder.exists());
    }
}
