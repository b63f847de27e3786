//! `pult robot import`: the old three-line settings file as a section of `pult.toml`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::{Global, eprint_line, print_line};
use crate::config::{self, Config, FILE_NAME};
use crate::error::{Error, Kind, Result};
use crate::script::report::Report;
use crate::secret;
use crate::services;
use crate::services::robot::NAME;
use crate::services::robot::wire::old::{self, Old};

#[derive(Args, Debug)]
pub struct Options {
    /// The old file: GUID, address, log off (0 or 1), each on its line.
    file: PathBuf,
    /// What the robot is called in pult.toml.
    #[arg(long, default_value = "main")]
    name: String,
    /// Append the section to pult.toml, and put the GUID into a file that you alone can read.
    #[arg(long)]
    write: bool,
}

pub fn import(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    let old = read(&options.file)?;
    if !options.write || global.dry_run {
        let variable = variable(&options.name);
        print_line(section(&options.name, &old, &format!("{{ env = \"{variable}\" }}")).trim_end())?;
        eprint_line(&format!(
            "nothing was written; the GUID belongs into the variable {variable}, or --write puts it into a file"
        ));
        return Ok(0);
    }
    let path = match Config::find(global.config.as_deref(), None) {
        Some(path) => path,
        None => PathBuf::from(FILE_NAME),
    };
    let guid = write(&path, &options.name, &old)?;
    print_line(&format!(
        "written: {} in {}; the GUID is in {}",
        config::title(NAME, &options.name),
        path.display(),
        guid.display()
    ))?;
    print_line(&format!("look whether all is well: pult robot doctor {}", options.name))?;
    Ok(0)
}

fn read(path: &Path) -> Result<Old> {
    let wrong = |why: String| Error::new(Kind::Usage, "robot.import", format!("{} {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| {
        wrong(format!("cannot be read: {error}"))
            .hint("it lies with the old framework's logs, in the folder \"Sherpa RPA Python\" of %APPDATA%")
    })?;
    let old = old::read(&bytes).map_err(|why| {
        wrong(format!("is no settings file of a robot: {why}"))
            .hint("its lines are: the robot's GUID, the Orchestrator's address, 0 or 1 for the log off")
    })?;
    secret::hide(&old.guid);
    Ok(old)
}

/// Appends the section and writes the GUID into a file of its own, whose path is answered. Nothing that is there is
/// changed or overwritten.
fn write(path: &Path, name: &str, old: &Old) -> Result<PathBuf> {
    let before = if path.exists() { Config::load(path, &services::known(), None)? } else { Config::default() };
    if before.connections(NAME).any(|known| known == name) {
        let error = Error::new(
            Kind::Usage,
            "robot.import",
            format!("{} has {} already", path.display(), config::title(NAME, name)),
        );
        return Err(error.hint("nothing was changed; choose another name with --name"));
    }
    let file = format!("robot-{}.guid", file_word(name));
    let guid = path.parent().unwrap_or(Path::new("")).join(&file);
    write_private(&guid, &old.guid).map_err(|error| {
        let failed = failed(&guid, &error);
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => failed.hint("nothing was changed; move that file away first"),
            _ => failed.hint("check the folder's permissions"),
        }
    })?;
    let section = section(name, old, &format!("{{ file = {} }}", toml::Value::from(file)));
    let appended = File::options().create(true).append(true).open(path);
    let appended = appended.and_then(|mut out| out.write_all(format!("\n{section}").as_bytes()));
    if let Err(error) = appended {
        // Half of a section does no good, and a later try must not stumble over the GUID's file.
        let _ = std::fs::remove_file(&guid);
        return Err(failed(path, &error).hint("check the file's permissions"));
    }
    Ok(guid)
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, "robot.import", format!("{} cannot be written: {error}", path.display()))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// The section's text, with a reference in place of the GUID.
fn section(name: &str, old: &Old, reference: &str) -> String {
    format!(
        "{}\naddress = {}\nguid = {reference}\n# At the end of `pult robot --once` on Windows.\nlogoff = {}\n",
        config::title(NAME, name),
        toml::Value::from(old.address.as_str()),
        old.logoff,
    )
}

/// The usual variable of a robot's GUID.
fn variable(name: &str) -> String {
    match name {
        "main" => "ROBOT_GUID".to_owned(),
        name => format!("ROBOT_{}_GUID", file_word(name).to_uppercase().replace('-', "_")),
    }
}

/// A name as a part of a file's name.
fn file_word(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const GUID: &str = "0a1b2c3d-1111-2222-3333-444455556666";

    fn old() -> Old {
        Old { guid: GUID.into(), address: "http://10.0.0.1:4500".into(), logoff: true }
    }

    #[test]
    fn a_section_is_appended_once_and_loads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pult.toml");
        std::fs::write(&path, "[fs]\nallow = []\n").unwrap();
        let guid = write(&path, "счета 1", &old()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("[fs]\n") && !text.contains(GUID), "{text}");
        let config = Config::load(&path, &services::known(), None).unwrap();
        let settings = config.connection(NAME, "счета 1").unwrap();
        assert_eq!(settings.secret("guid").map(Secret::expose), Some(GUID));
        assert_eq!((settings.text("address"), settings.flag("logoff")), (Some("http://10.0.0.1:4500"), true));
        assert_eq!(config.warnings().len(), 0);
        let error = write(&path, "счета 1", &old()).unwrap_err();
        assert!(error.message().contains("already"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        // Neither is a GUID's file of somebody else.
        std::fs::write(folder.path().join("robot-two.guid"), "x").unwrap();
        assert!(write(&path, "two", &old()).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert!(guid.ends_with("robot-счета_1.guid"));
    }

    #[test]
    fn a_section_that_is_printed_has_no_guid() {
        let text = section("main", &old(), "{ env = \"ROBOT_GUID\" }");
        assert!(text.starts_with("[robot.main]\n") && text.contains("logoff = true") && !text.contains(GUID));
        assert_eq!((variable("main"), variable("RPA-01")), ("ROBOT_GUID".into(), "ROBOT_RPA_01_GUID".into()));
    }

    #[test]
    fn the_old_file_is_read_and_its_guid_masked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.txt");
        let guid = "99990000-1111-2222-3333-444455556666";
        std::fs::write(&path, format!("{guid}\r\nhttp://10.0.0.1:4500")).unwrap();
        let old = read(&path).unwrap();
        // A missing third line means: log off.
        assert_eq!((old.guid.as_str(), old.address.as_str(), old.logoff), (guid, "http://10.0.0.1:4500", true));
        assert_eq!(secret::mask(guid), "***");
        std::fs::write(&path, "no guid").unwrap();
        assert!(read(&path).unwrap_err().message().contains("settings.txt is no settings file"));
    }
}
