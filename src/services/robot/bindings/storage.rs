//! The Orchestrator's storage: folders and files.

use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};
use serde_json::json;

use super::given;
use crate::core::rows::Rows;
use crate::error::{Error, Kind};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::services::robot::client::{self, Client, Options};

fn made(guid: Option<String>) -> Dynamic {
    guid.map_or(Dynamic::UNIT, Dynamic::from)
}

/// A folder by its GUID or name.
async fn folder(api: &Client, about: &str) -> crate::error::Result<String> {
    api.guid_of("folder", about).await
}

/// Storage in scripts.
#[export_module]
pub mod storage {
    pub type Robot = super::super::Robot;

    /// The folders of the storage, as Rows.
    ///
    /// ```rhai
    /// assert("name" in robot.folders().columns);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn folders(call: NativeCallContext, robot: &mut Robot) -> Thrown<Rows> {
        let api = robot.api(&call)?;
        wait(&call, async { given::table(&api.list("folder.list", None, &Options::new()).await?) })
    }

    /// Makes a folder; its GUID.
    ///
    /// ```rhai
    /// let folder = robot.create_folder("made by the reference");
    /// robot.delete_folder(folder);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn create_folder(call: NativeCallContext, robot: &mut Robot, name: &str) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        wait(&call, api.make("folder.create", &client::options(json!({ "name": name })))).map(made)
    }

    /// Makes a folder inside another one (its GUID or name); its GUID.
    #[rhai_fn(name = "create_folder", return_raw, pure)]
    pub fn create_folder_in(call: NativeCallContext, robot: &mut Robot, name: &str, parent: &str) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        let making = async {
            let parent = folder(&api, parent).await?;
            api.make("folder.create", &client::options(json!({ "name": name, "parent": parent }))).await
        };
        wait(&call, making).map(made)
    }

    /// Removes a folder, by its GUID or name.
    #[rhai_fn(return_raw, pure)]
    pub fn delete_folder(call: NativeCallContext, robot: &mut Robot, about: &str) -> Thrown<()> {
        let api = robot.api(&call)?;
        let deleting = async { api.call("folder.delete", Some(&folder(&api, about).await?), &Options::new()).await };
        wait(&call, deleting).map(drop)
    }

    /// The files of a folder (its GUID or name), as Rows. No page describes this call: not every Orchestrator has it.
    #[rhai_fn(return_raw, pure)]
    pub fn files(call: NativeCallContext, robot: &mut Robot, about: &str) -> Thrown<Rows> {
        let api = robot.api(&call)?;
        let listing = async {
            let folder = folder(&api, about).await?;
            given::table(&api.list("file.list", Some(&folder), &Options::new()).await?)
        };
        wait(&call, listing)
    }

    /// Sends a file of this computer to the storage; the stored file's GUID.
    ///
    /// # Options
    /// - `folder`: where to, by its GUID or name
    /// - `name`: what it is called there; usually as here
    ///
    /// ```rhai
    /// fs::write("report.txt", "всё хорошо");
    /// let file = robot.upload("report.txt", #{ folder: "Документы" });
    /// robot.download(file, "back.txt");
    /// assert_eq(fs::read("back.txt"), "всё хорошо");
    /// ```
    #[rhai_fn(name = "upload", return_raw, pure)]
    pub fn upload_with(call: NativeCallContext, robot: &mut Robot, path: &str, options: Map) -> Thrown<Dynamic> {
        let api = robot.api(&call)?;
        let mut options = given::options(&call, &options)?;
        let full = host(&call).folders.resolve(path).or_else(|error| throw(&call, error))?;
        let Some(name) = full.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            return throw(&call, Error::new(Kind::File, "robot.file", format!("`{path}` names no file")));
        };
        let into = given::own_text(&mut options, "folder").or_else(|error| throw(&call, error))?;
        options.entry("name").or_insert_with(|| name.into());
        options.insert("file".into(), full.to_string_lossy().into_owned().into());
        let sending = async {
            if let Some(about) = into {
                options.insert("folder".into(), folder(&api, &about).await?.into());
            }
            api.make("file.create", &options).await
        };
        wait(&call, sending).map(made)
    }

    /// Sends a file of this computer to the storage's uppermost folder; the stored file's GUID.
    #[rhai_fn(return_raw, pure)]
    pub fn upload(call: NativeCallContext, robot: &mut Robot, path: &str) -> Thrown<Dynamic> {
        upload_with(call, robot, path, Map::new())
    }

    /// Keeps a stored file (by its GUID) on this computer; its size in bytes.
    #[rhai_fn(return_raw, pure)]
    pub fn download(call: NativeCallContext, robot: &mut Robot, guid: &str, path: &str) -> Thrown<i64> {
        let api = robot.api(&call)?;
        let full = host(&call).folders.resolve(path).or_else(|error| throw(&call, error))?;
        let size = wait(&call, api.download_file(guid, &full))?;
        Ok(size as i64)
    }

    /// Removes a stored file, by its GUID.
    #[rhai_fn(return_raw, pure)]
    pub fn delete_file(call: NativeCallContext, robot: &mut Robot, guid: &str) -> Thrown<()> {
        let api = robot.api(&call)?;
        wait(&call, api.call("file.delete", Some(guid), &Options::new())).map(drop)
    }
}
