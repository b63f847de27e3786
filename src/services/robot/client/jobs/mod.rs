//! Jobs carried out by processes of their own: which file a job is, what runs it, and what it is told.

pub mod inside;
pub mod interpreter;
pub mod order;
mod running;
mod script;
pub mod supervise;

use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use self::interpreter::{RHAI, Way};
use self::order::{Errand, JobFile};
use self::running::Process;
use super::place::Place;
use super::shapes::Taken;
use super::work::{Order, Running, Workshop};
use crate::core::context::Context;
use crate::error::{Error, Kind, Result};
use crate::secret;
use crate::settings::Settings;

/// As many folders of jobs that are over are kept for people.
const KEPT: usize = 20;

/// Where scripts lie, beside `pult.toml`, when nobody says otherwise.
const SCRIPTS: &str = "scripts";

/// One robot's jobs.
pub struct Jobs {
    /// The connection's name.
    name: String,
    settings: Settings,
    context: Context,
    scripts: PathBuf,
}

/// A script, and how it is run.
struct Script {
    file: PathBuf,
    is_own: bool,
    way: Way,
}

impl Jobs {
    /// For the connection of this name. Looks at no file.
    pub fn open(name: &str, settings: &Settings, context: &Context) -> Result<Jobs> {
        let beside = context.configured().and_then(|(path, _)| path.parent()).unwrap_or(Path::new(""));
        let scripts = beside.join(settings.text("scripts").unwrap_or(SCRIPTS));
        Ok(Jobs { name: name.into(), settings: settings.clone(), context: context.clone(), scripts })
    }

    /// The folder of scripts.
    pub fn scripts(&self) -> &Path {
        &self.scripts
    }

    fn script(&self, taken: &Taken) -> Result<Script, String> {
        let name = &taken.name;
        if let Some(wrong) = script::unsafe_name(name) {
            return Err(format!("{name:?} cannot be the name of a script: {wrong}"));
        }
        let file = script::find(&self.scripts, name)?;
        let is_own = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(RHAI));
        let way = match is_own {
            true => self.own()?,
            false => interpreter::way(&file, &self.settings)?,
        };
        Ok(Script { file, is_own, way })
    }

    /// This program, set up as the agent is.
    fn own(&self) -> Result<Way, String> {
        let program = self.context.program().map_err(|error| format!("this program cannot be found: {error}"))?;
        let mut before = vec!["--quiet".to_owned()];
        if let Some((path, profile)) = self.context.configured() {
            before.extend(["--config".into(), dunce::simplified(path).display().to_string()]);
            before.extend(profile.into_iter().flat_map(|profile| ["--profile".into(), profile.to_owned()]));
        }
        before.extend(["robot".into(), "job".into()]);
        Ok(Way { program, before, takes_file: true })
    }

    fn address(&self) -> &str {
        self.settings.text("address").unwrap_or_default()
    }

    /// Makes the job's folder with the file that tells the job about itself.
    fn prepare(&self, order: &Order) -> std::io::Result<JobFile> {
        let place = Place::new(&order.state, &order.robot);
        let folder = std::path::absolute(place.job(&order.taken.guid))?;
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        forget_old(&place.jobs());
        make_private(&folder)?;
        let taken = &order.taken;
        let job = JobFile {
            guid: taken.guid.clone(),
            name: taken.name.clone(),
            job: taken.job.clone(),
            version: taken.process_version.clone(),
            task: taken.task.clone(),
            params: taken.params.clone(),
            robot: self.name.clone(),
            address: self.address().to_owned(),
            folder,
            state: std::path::absolute(&order.state)?,
            key: order.robot.clone(),
            version_guid: taken.version.clone(),
            before: order.before,
        };
        order::write(&job.files().job(), &job)?;
        Ok(job)
    }

    /// What the job finds in its environment.
    fn variables(&self, job: &JobFile) -> Vec<(String, String)> {
        let files = job.files();
        let of_task = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| job.task.get(name)?.as_str());
            found.unwrap_or_default().to_owned()
        };
        let params = if job.params.is_null() { "{}".to_owned() } else { job.params.to_string() };
        let path = |path: PathBuf| path.display().to_string();
        [
            ("PULT_JOB_GUID", job.guid.clone()),
            ("PULT_JOB_NAME", job.name.clone()),
            ("PULT_JOB_FILE", path(files.job())),
            ("PULT_TASK_GUID", of_task(["guid", "GUID"])),
            ("PULT_TASK_NAME", of_task(["name", "Name"])),
            ("PULT_PARAMS", params),
            ("PULT_STOP_FILE", path(files.stop())),
            ("PULT_ROBOT", self.name.clone()),
            ("PULT_ROBOT_ADDRESS", self.address().to_owned()),
            // What Python prints is seen when it is printed, and is UTF-8 on Windows as well.
            ("PYTHONUNBUFFERED", "1".into()),
            ("PYTHONIOENCODING", "utf-8".into()),
            ("PYTHONUTF8", "1".into()),
        ]
        .into_iter()
        .filter(|(_, value)| value.len() <= LONGEST_VARIABLE && !value.contains('\0'))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    fn errand(&self, order: &Order, script: Script, job: &JobFile) -> Errand {
        let Script { file, is_own, way } = script;
        let mut args = way.before;
        if is_own && let Some(most) = order.limits.operations {
            args.splice(0..0, ["--max-operations".to_owned(), most.to_string()]);
        }
        args.extend(way.takes_file.then(|| file.display().to_string()));
        let secrets = ["guid", "api_key"].iter().filter_map(|name| self.settings.secret(name));
        Errand {
            job: job.guid.clone(),
            version: order.taken.version.clone(),
            program: way.program,
            args,
            folder: file.parent().unwrap_or(&self.scripts).to_path_buf(),
            variables: self.variables(job),
            // A script of ours is the robot, with its configuration; others are not.
            withheld: if is_own { Vec::new() } else { secrets.map(|secret| secret.expose().to_owned()).collect() },
            secrets: secret::known(),
            is_own,
            files: job.files(),
            limits: order.limits,
            log_output: !self.settings.has("log_output") || self.settings.flag("log_output"),
            state: job.state.clone(),
            robot: job.key.clone(),
        }
    }
}

/// Systems refuse longer ones; the file and the standard input hold all of it.
const LONGEST_VARIABLE: usize = 30_000;

/// Removes the folders of the oldest jobs.
fn forget_old(jobs: &Path) {
    let Ok(folders) = std::fs::read_dir(jobs) else { return };
    let mut folders: Vec<_> = folders
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
        })
        .collect();
    folders.sort();
    let surplus = (folders.len() + 1).saturating_sub(KEPT);
    for (_, folder) in folders.into_iter().take(surplus) {
        // One that somebody looks into stays until the next time.
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// A folder for its owner alone: parameters of tasks may be anything.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

impl Workshop for Jobs {
    fn fault(&self, taken: &Taken) -> Option<String> {
        self.script(taken).err()
    }

    fn begin<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Box<dyn Running>>> {
        async move {
            let script = match self.script(&order.taken) {
                Ok(script) => script,
                Err(why) => return Ok(Box::new(Process::never(why)) as Box<dyn Running>),
            };
            let failed = |error: std::io::Error| {
                Error::new(Kind::File, "robot.job_folder", format!("no folder for the job: {error}"))
                    .hint("the folder `robot` beside the state file must be writable")
            };
            let job = self.prepare(order).map_err(failed)?;
            let program = self.context.program().map_err(failed)?;
            let running = Process::begin(&program, &self.errand(order, script, &job)).await?;
            Ok(Box::new(running) as Box<dyn Running>)
        }
        .boxed()
    }
}
