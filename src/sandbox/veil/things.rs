//! What the controller knows of its objects; how they are shown is in `show`.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::ids::Id;

/// `user_power_state`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    Off = 1,
    Suspended = 2,
    On = 3,
}

impl Power {
    /// As filters and messages write it.
    pub fn word(self) -> &'static str {
        match self {
            Power::Off => "OFF",
            Power::Suspended => "SUSPENDED",
            Power::On => "ON",
        }
    }
}

/// A USB device of the client's computer, led over the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Usb {
    pub uuid: Id,
    pub host: String,
    pub service: i64,
}

/// A virtual machine.
#[derive(Clone, Debug)]
pub struct Domain {
    pub name: String,
    pub description: String,
    pub node: Id,
    pub pool: Id,
    pub parent: Option<Id>,
    pub template: bool,
    pub thin: bool,
    pub power: Power,
    /// When it was switched on.
    pub on_since: f64,
    pub created: f64,
    pub modified: f64,
    pub cpu: u32,
    pub memory: u32,
    pub os_type: Cow<'static, str>,
    pub os_version: Cow<'static, str>,
    pub remote_access: bool,
    /// What the guest calls itself; empty is the name.
    pub hostname: String,
    /// The directory it is a member of.
    pub ad: String,
    pub usb: Vec<Usb>,
    /// Its drives, and what is in them.
    pub cdroms: Vec<(Id, Option<Id>)>,
    pub disks: Vec<Id>,
    pub infs: Vec<Id>,
    /// The snapshot that was taken last, and the one it was set back to.
    pub snapshot: Option<Id>,
    pub applied: Option<Id>,
    /// Fields that were given and mean nothing to the simulator; they are shown instead of the usual values.
    pub given: Map<String, Value>,
}

impl Domain {
    pub fn is_windows(&self) -> bool {
        self.os_type == "Windows"
    }

    pub fn hostname(&self) -> &str {
        if self.hostname.is_empty() { &self.name } else { &self.hostname }
    }
}

/// A virtual disk.
#[derive(Clone, Debug)]
pub struct Disk {
    pub name: String,
    pub description: String,
    /// GiB.
    pub size: f64,
    pub pool: Id,
    pub domain: Option<Id>,
    pub created: f64,
    pub modified: f64,
    pub target_bus: Cow<'static, str>,
    pub driver_cache: Cow<'static, str>,
}

/// A network interface of a machine.
#[derive(Clone, Debug)]
pub struct Inf {
    pub domain: Id,
    pub network: Option<Id>,
    pub mac: String,
    pub driver: String,
    pub link: String,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub name: String,
    pub cpu: u32,
    /// MiB.
    pub memory: u32,
    pub ballooning: bool,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub name: String,
    pub kind: &'static str,
    /// MiB.
    pub size: i64,
    pub nodes: Vec<Id>,
}

/// A file of the library or an ISO image.
#[derive(Clone, Debug)]
pub struct File {
    pub is_iso: bool,
    pub filename: String,
    pub status: &'static str,
    /// Bytes.
    pub size: u64,
    pub pool: Id,
    /// The machine a backup was made of.
    pub domain: Option<Id>,
    pub created: f64,
    pub assignment: &'static str,
    pub incremental: bool,
    /// Where the controller is to fetch it from.
    pub url: String,
    pub can_upload: bool,
    pub can_download: bool,
    /// What was uploaded; seeded files are made of their size.
    pub content: Option<Bytes>,
}

#[derive(Clone, Debug)]
pub struct Tag {
    pub name: String,
    pub colour: String,
}

/// The state of a machine at a moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub name: String,
    pub description: String,
    pub domain: Id,
    pub parent: Option<Id>,
    pub created: f64,
    /// MiB.
    pub size: i64,
    pub with_memory: bool,
    /// What it sets back.
    pub cpu: u32,
    pub memory: u32,
}

#[derive(Clone, Debug)]
pub struct Network {
    pub name: String,
    pub vlan: u32,
}

/// A user of the controller. Their ids are whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub number: i64,
    pub name: String,
    pub read_only: bool,
    /// Wrong passwords in a row.
    pub failed: u64,
}
