//! Simulators of the outside systems on loopback addresses, stateful and with data in them.
//!
//! They follow what is known of the real systems, not what our clients need: clients that nobody here wrote run
//! against them unchanged.

pub mod b24;
mod certificate;
mod fault;
pub mod folder;
mod http;
mod log;
mod mix;
pub mod rac;
pub mod robot;
pub mod sp;
mod utility;
pub mod veil;

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::settings::{Given, Settings as Connection};
use certificate::Certificate;
use utility::Utility;

/// The switches of all simulators.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Settings {
    pub b24: b24::Knobs,
    pub rac: rac::Knobs,
    pub robot: robot::Knobs,
    pub sp: sp::Knobs,
    pub veil: veil::Knobs,
}

impl Settings {
    /// The usual switches with these changes, each `simulator.switch=value`.
    pub fn parse(changes: &[String]) -> Result<Settings> {
        let mut all = json!(Settings::default());
        for change in changes {
            let (path, value) = change
                .split_once('=')
                .ok_or_else(|| wrong(format!("`{change}` sets nothing")).hint("write it as b24.latency_ms=100"))?;
            let place = place(&mut all, path)?;
            // A text needs no quotes.
            *place = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        }
        serde_json::from_value(all).map_err(|error| {
            wrong(format!("a switch does not take this value: {error}"))
                .hint("`pult sandbox --knobs` lists the switches")
        })
    }

    /// `b24.latency_ms=0`, one a line.
    pub fn listed(&self) -> String {
        let mut lines = Vec::new();
        list("", &json!(self), &mut lines);
        lines.join("\n")
    }
}

fn place<'a>(all: &'a mut Value, path: &str) -> Result<&'a mut Value> {
    let mut place = all;
    for step in path.split('.') {
        let known: Vec<String> = place.as_object().into_iter().flat_map(Map::keys).cloned().collect();
        place = place.get_mut(step).ok_or_else(|| {
            let hint = did_you_mean(step, known.iter().map(String::as_str))
                .unwrap_or_else(|| "`pult sandbox --knobs` lists the switches".into());
            wrong(format!("there is no switch `{path}`")).hint(hint)
        })?;
    }
    Ok(place)
}

fn list(prefix: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                list(&name, value, lines);
            }
        }
        value => lines.push(format!("{prefix}={value}")),
    }
}

fn wrong(message: String) -> Error {
    Error::new(Kind::Usage, "sandbox.switch", message)
}

fn busy(simulator: &str, port: u16, error: &std::io::Error) -> Error {
    let message = format!("the {simulator} simulator cannot listen on port {port}: {error}");
    Error::new(Kind::Usage, "sandbox.port", message)
        .hint(format!("choose another with --set {simulator}.port=…, or 0 for any"))
}

/// All simulators, running until dropped.
pub struct Sandbox {
    b24: b24::Portal,
    rac: rac::RasServer,
    robot: robot::Orchestrator,
    sp: sp::SqlServer,
    veil: veil::Controller,
    utility: Option<Utility>,
    certificates: Option<Certificates>,
}

/// Files with the certificates of those that have any.
struct Certificates {
    robot: Certificate,
    veil: Certificate,
    sp: Certificate,
}

impl Sandbox {
    pub async fn start(settings: &Settings) -> Result<Sandbox> {
        let b24 = b24::Portal::start(settings.b24.clone()).await;
        let b24 = b24.map_err(|error| busy("b24", settings.b24.port, &error))?;
        let rac = rac::RasServer::start(settings.rac.clone()).await;
        let rac = rac.map_err(|error| busy("rac", settings.rac.port, &error))?;
        let robot = robot::Orchestrator::start(settings.robot.clone()).await;
        let robot = robot.map_err(|error| busy("robot", settings.robot.port, &error))?;
        let sp = sp::SqlServer::start(settings.sp.clone()).await;
        let sp = sp.map_err(|error| busy("sp", settings.sp.port, &error))?;
        let veil = veil::Controller::start(settings.veil.clone()).await;
        let veil = veil.map_err(|error| busy("veil", settings.veil.port, &error))?;
        Ok(Sandbox { b24, rac, robot, sp, veil, utility: None, certificates: None })
    }

    /// Puts a `rac` beside the administration server: this program under another name, until the sandbox is dropped.
    pub fn place_utility(&mut self, program: &Path) -> Result<&Path> {
        let utility = Utility::place(program).map_err(|error| {
            let message = format!("`rac` cannot be put beside the sandbox: {error}");
            Error::new(Kind::Usage, "sandbox.utility", message)
                .hint("the folder for temporary files has to be writable")
        })?;
        Ok(self.utility.insert(utility).path())
    }

    /// Writes the certificates of the controller, the Orchestrator and the SQL Server into files, until the sandbox is dropped.
    pub fn place_certificates(&mut self) -> Result<()> {
        let failed = |error: String| {
            let message = format!("a simulator's certificate cannot be written: {error}");
            Error::new(Kind::Usage, "sandbox.certificate", message)
                .hint("the folder for temporary files has to be writable")
        };
        let place = |simulator, pem| Certificate::place(simulator, pem).map_err(|error| failed(error.to_string()));
        let robot = place("robot", self.robot.certificate().map_err(|error| failed(error.to_owned()))?)?;
        let veil = place("veil", self.veil.certificate().map_err(|error| failed(error.to_owned()))?)?;
        let sp = place("sp", self.sp.certificate().map_err(|error| failed(error.to_string()))?)?;
        self.certificates = Some(Certificates { robot, veil, sp });
        Ok(())
    }

    /// The controller of virtual machines, for tests that look at what it was asked.
    pub fn veil(&self) -> &veil::Controller {
        &self.veil
    }

    /// The administration server, for tests that look at what it was asked.
    pub fn rac(&self) -> &rac::RasServer {
        &self.rac
    }

    /// The Orchestrator, for tests that steer it and look at what it was asked.
    pub fn robot(&self) -> &robot::Orchestrator {
        &self.robot
    }

    /// The SQL Server, for tests that look at what it was asked.
    pub fn sp(&self) -> &sp::SqlServer {
        &self.sp
    }

    /// Where each simulator listens; the keys are stable.
    pub fn json(&self) -> Value {
        let mut rac = json!({ "address": self.rac.address() });
        if let Some(utility) = &self.utility {
            rac["utility"] = json!(utility.path());
        }
        let mut veil = json!({ "address": self.veil.address(), "token": self.veil.token() });
        let mut sp = json!({ "address": self.sp.address(), "user": self.sp.user(), "password": self.sp.password() });
        let mut robot = json!({ "address": self.robot.address(), "guid": self.robot.guid() });
        if let Some(certificates) = &self.certificates {
            robot["ca"] = json!(certificates.robot.path());
            veil["ca"] = json!(certificates.veil.path());
            sp["ca"] = json!(certificates.sp.path());
        }
        json!({ "b24": { "webhook": self.b24.webhook() }, "rac": rac, "robot": robot, "sp": sp, "veil": veil })
    }

    /// The same for people.
    pub fn addresses(&self) -> Vec<(String, String)> {
        let utility = self.utility.iter().map(|utility| ("rac utility".into(), utility.path().display().to_string()));
        let certificates = self.certificates.iter().flat_map(|placed| {
            [("robot certificate", &placed.robot), ("sp certificate", &placed.sp), ("veil certificate", &placed.veil)]
                .map(|(name, certificate)| (name.into(), certificate.path().display().to_string()))
        });
        let servers = [
            ("b24".into(), self.b24.webhook()),
            ("rac".into(), self.rac.address()),
            ("robot".into(), self.robot.address()),
            ("robot guid".into(), self.robot.guid()),
            ("sp".into(), self.sp.address()),
            ("sp login".into(), format!("{} / {}", self.sp.user(), self.sp.password())),
            ("veil".into(), self.veil.address()),
            ("veil token".into(), self.veil.token()),
        ];
        servers.into_iter().chain(utility).chain(certificates).collect()
    }

    /// A configuration whose main connections are the simulators.
    pub fn config(&self) -> Result<Config> {
        let mut config = Config::default();
        let mut b24 = Connection::new("the sandbox");
        b24.set(crate::services::b24::SETTINGS, "webhook", Given::Text(self.b24.webhook()))
            .map_err(|(message, _)| wrong(message))?;
        config.add("b24", "main", b24);
        let mut rac = Connection::new("the sandbox");
        rac.set(crate::services::rac::SETTINGS, "address", Given::Text(self.rac.address()))
            .map_err(|(message, _)| wrong(message))?;
        config.add("rac", "main", rac);
        let mut robot = Connection::new("the sandbox");
        for (name, value) in [
            ("address", Given::Text(self.robot.address())),
            ("guid", Given::Text(self.robot.guid())),
            // Robot and Orchestrator have one clock.
            ("test_clock", Given::Number(self.robot.speed())),
        ] {
            robot.set(crate::services::robot::SETTINGS, name, value).map_err(|(message, _)| wrong(message))?;
        }
        config.add("robot", "main", robot);
        let mut sp = Connection::new("the sandbox");
        for (name, value) in [
            ("address", Given::Text(self.sp.address())),
            ("user", Given::Text(self.sp.user())),
            ("password", Given::Text(self.sp.password())),
            // Its certificate is signed by nobody, and the connection does not leave this machine.
            ("insecure", Given::Flag(true)),
        ] {
            sp.set(crate::services::sp::SETTINGS, name, value).map_err(|(message, _)| wrong(message))?;
        }
        config.add("sp", "main", sp);
        let mut veil = Connection::new("the sandbox");
        // Plain HTTP: nothing has to be signed, and no file has to be written.
        for (name, value) in [("address", format!("http://{}", self.veil.address())), ("token", self.veil.token())] {
            veil.set(crate::services::veil::SETTINGS, name, Given::Text(value))
                .map_err(|(message, _)| wrong(message))?;
        }
        config.add("veil", "main", veil);
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_set_by_their_path_and_misspelt_ones_are_named() {
        let settings = Settings::parse(&["b24.latency_ms=100".into(), "b24.code=abc".into()]).unwrap();
        assert_eq!((settings.b24.latency_ms, settings.b24.code.as_str()), (100.0, "abc"));
        let error = Settings::parse(&["b24.latency=1".into()]).unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean `latency_ms`?"));
        assert!(Settings::parse(&["b24.rows.deals=many".into()]).is_err());
        let listed = Settings::default().listed();
        assert!(listed.contains("b24.bucket_size=50") && listed.contains("sp.scale=0.001"));
    }

    #[tokio::test]
    async fn a_sandbox_says_where_the_sql_server_is_and_who_may_come_in() {
        let sandbox = Sandbox::start(&Settings::parse(&["sp.user=pult".into()]).unwrap()).await.unwrap();
        let sp = json!({"address": sandbox.sp().address(), "user": "pult", "password": sandbox.sp().password()});
        assert_eq!(sandbox.json()["sp"], sp);
        assert!(sandbox.addresses().contains(&("sp".into(), sandbox.sp().address())));
    }

    #[tokio::test]
    async fn a_sandbox_says_where_the_orchestrator_is_and_its_clock_is_the_robots() {
        let mut sandbox = Sandbox::start(&Settings::parse(&["robot.speed=50".into()]).unwrap()).await.unwrap();
        sandbox.place_certificates().unwrap();
        let robot = sandbox.json()["robot"].clone();
        assert_eq!(robot["address"], json!(sandbox.robot().address()));
        assert_eq!(robot["guid"], "da8bc2f0-8065-4385-b867-405e66b8e151");
        let pem = std::fs::read_to_string(robot["ca"].as_str().unwrap()).unwrap();
        assert_eq!(pem.matches("-----BEGIN CERTIFICATE-----").count(), 3);
        sandbox.config().unwrap();
    }

    #[tokio::test]
    async fn a_sandbox_says_where_the_controller_is_and_takes_its_certificate_along() {
        let mut sandbox = Sandbox::start(&Settings::default()).await.unwrap();
        assert_eq!(sandbox.json()["veil"].get("ca"), None);
        sandbox.place_certificates().unwrap();
        let path = std::path::PathBuf::from(sandbox.json()["veil"]["ca"].as_str().unwrap());
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        let veil = sandbox.json()["veil"].clone();
        assert_eq!((&veil["address"], &veil["ca"]), (&json!(sandbox.veil().address()), &json!(path)));
        assert!(veil["token"].as_str().unwrap().starts_with("jwt "));
        sandbox.config().unwrap();
        drop(sandbox);
        assert!(!path.exists());
    }
}
