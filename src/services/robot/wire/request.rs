//! What is sent: verb, path, fields, and whose key goes with it.

use super::form::Fields;
use super::shapes::{Beat, JobStatus, Level, Line};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    pub fn word(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Delete => "DELETE",
        }
    }

    /// In either case.
    pub fn from_word(word: &str) -> Option<Verb> {
        [Verb::Get, Verb::Post, Verb::Put, Verb::Delete].into_iter().find(|verb| verb.word().eq_ignore_ascii_case(word))
    }

    /// The other of both verbs by which servers take updates.
    pub fn other(self) -> Option<Verb> {
        match self {
            Verb::Put => Some(Verb::Post),
            _ => None,
        }
    }
}

/// Whose key a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The robot's GUID.
    Robot,
    /// The account's API key; the GUID where there is none.
    Account,
}

/// One request without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// As people know it: `robot.heartbeat`.
    pub what: String,
    pub verb: Verb,
    /// From the `/api/` on; names in it are encoded already.
    pub path: String,
    /// Sent as a form, except by GET and DELETE, which send them in the query.
    pub fields: Fields,
    pub whose: Whose,
    /// It changes something at the Orchestrator.
    pub changes: bool,
}

/// Who a robot says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here {
    pub machine: String,
    pub ip: String,
    pub mac: String,
}

/// What a robot's job always is: given by the Orchestrator.
const ORCHESTRATED: &str = "1";

fn fields(given: &[(&str, &str)]) -> Fields {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Request {
    fn of_robot(what: &str, verb: Verb, path: &str, given: &[(&str, &str)]) -> Request {
        let (what, path) = (what.to_owned(), path.to_owned());
        Request { what, verb, path, fields: fields(given), whose: Whose::Robot, changes: true }
    }

    pub fn heartbeat(robot: &str, here: &Here, beat: &Beat) -> Request {
        let status = (beat.status as i64).to_string();
        let given = [
            ("RobotGUID", robot),
            ("Machine", &here.machine),
            ("IP", &here.ip),
            ("MAC", &here.mac),
            ("Status", &status),
            ("JobGUID", &beat.job),
            ("JobName", &beat.name),
            ("JobType", ORCHESTRATED),
        ];
        Request::of_robot("robot.heartbeat", Verb::Post, "/api/robot/heartbeat", &given)
    }

    pub fn consume(robot: &str) -> Request {
        let given = [("RobotGUID", robot), ("Status", "2")];
        Request::of_robot("robot.consume", Verb::Post, "/api/robot/consumeNextJob", &given)
    }

    pub fn update(job: &str, status: JobStatus) -> Request {
        let status = status.number().to_string();
        Request::of_robot("robot.update", Verb::Put, "/api/job/update", &[("guid", job), ("status", &status)])
    }

    /// `number` is what the Orchestrator calls the line's level.
    pub fn log(robot: &str, line: &Line, number: i64) -> Request {
        let number = number.to_string();
        let given = [
            ("RobotGUID", robot),
            ("ProcessVersionGUID", &line.version),
            ("JobGUID", &line.job),
            ("Level", &number),
            ("Message", &line.text),
        ];
        let whose = Whose::Account;
        Request { whose, ..Request::of_robot("robot.log", Verb::Post, "/api/log/create", &given) }
    }

    pub fn job(job: &str) -> Request {
        Request {
            whose: Whose::Account,
            changes: false,
            ..Request::of_robot(
                "robot.job_status",
                Verb::Get,
                &format!("/api/job/read/{}", super::address::part(job)),
                &[],
            )
        }
    }

    /// For people: `POST /api/robot/heartbeat Status=2 …`. Secrets are not masked here.
    pub fn told(&self) -> String {
        let mut told = format!("{} {}", self.verb.word(), self.path);
        for (name, value) in &self.fields {
            told.push_str(&format!(" {name}={value}"));
        }
        told
    }
}

/// Numbers of the levels of the log, where the Orchestrator has others than usual: `info=1 critical=2`. The error says
/// what is wrong.
pub fn levels(text: &str) -> Result<Vec<(Level, i64)>, String> {
    let mut numbers: Vec<(Level, i64)> =
        super::shapes::LEVELS.iter().map(|(level, _, number)| (*level, *number)).collect();
    for pair in text.split([' ', ',', ';']).filter(|pair| !pair.is_empty()) {
        let read = pair.split_once('=').and_then(|(word, number)| {
            let level = Level::from_word(&word.trim().to_lowercase())?;
            Some((level, number.trim().parse::<i64>().ok()?))
        });
        let (level, number) = read.ok_or_else(|| format!("`{pair}` is no level and its number"))?;
        if let Some(known) = numbers.iter_mut().find(|(known, _)| *known == level) {
            known.1 = number;
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::super::form::encoded;
    use super::*;

    #[test]
    fn the_first_heartbeat_is_that_of_the_description() {
        let here = Here { machine: "RPA-01".into(), ip: "10.0.0.7".into(), mac: "AA-BB-CC-00-11-22".into() };
        let request = Request::heartbeat("g", &here, &Beat::ready());
        assert_eq!((request.verb, &*request.path), (Verb::Post, "/api/robot/heartbeat"));
        assert_eq!(
            encoded(&request.fields),
            "RobotGUID=g&Machine=RPA-01&IP=10.0.0.7&MAC=AA-BB-CC-00-11-22&Status=2&JobGUID=&JobName=&JobType=1"
        );
        let working = Request::heartbeat("g", &here, &Beat::working("j", "счёт"));
        assert!(encoded(&working.fields).ends_with("Status=3&JobGUID=j&JobName=%D1%81%D1%87%D1%91%D1%82&JobType=1"));
    }

    #[test]
    fn the_other_calls_of_a_robot_spell_their_fields_as_the_examples_do() {
        assert_eq!(Request::consume("g").told(), "POST /api/robot/consumeNextJob RobotGUID=g Status=2");
        assert_eq!(Request::update("j", JobStatus::InProgress).told(), "PUT /api/job/update guid=j status=8");
        assert_eq!(Request::job("a/b").told(), "GET /api/job/read/a%2Fb");
        let line = Line { job: "j".into(), version: String::new(), level: Level::Error, text: "да".into() };
        let told = Request::log("g", &line, 3).told();
        assert_eq!(told, "POST /api/log/create RobotGUID=g ProcessVersionGUID= JobGUID=j Level=3 Message=да");
    }

    #[test]
    fn levels_may_have_other_numbers() {
        let numbers = levels("info=10, debug=50").unwrap();
        assert_eq!((numbers[0], numbers[1], numbers[4]), ((Level::Info, 10), (Level::Critical, 2), (Level::Debug, 50)));
        for wrong in ["info", "info=x", "fatal=1"] {
            assert!(levels(wrong).is_err(), "{wrong}");
        }
    }
}
