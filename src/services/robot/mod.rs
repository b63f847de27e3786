//! The robot of an Orchestrator: takes work, does it in processes of their own, and never loses a result.
//!
//! [`wire`] knows what robot and Orchestrator say to each other and is pure; [`client`] holds the journal, the outbox, the
//! spacing of heartbeats and the processes of jobs. The algorithm itself is `stdlib/robot.rhai`.

mod bindings;
pub mod client;
pub mod table;
pub mod wire;

use rhai::{Dynamic, Engine, Module};

use crate::services::Service;
use crate::settings::{Setting, Type, setting};

pub use bindings::scripted;

/// The section of `pult.toml`, and the object in scripts.
pub const NAME: &str = "robot";

/// The Orchestrator and its robots.
pub struct Robots;

impl Service for Robots {
    fn name(&self) -> &'static str {
        NAME
    }

    fn summary(&self) -> &'static str {
        "robots: work taken from an Orchestrator, done by scripts of any kind; queues, resources, logs"
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn page(&self) -> &'static str {
        include_str!("page.md")
    }

    fn register(&self, engine: &mut Engine, globals: &mut Module) {
        bindings::register(engine, globals);
    }

    fn plain(&self, value: &Dynamic) -> Option<Dynamic> {
        bindings::plain(value)
    }
}

/// What a connection may be told, beside what all services take (`read_only`). One connection is one robot.
pub const SETTINGS: &[Setting] = &[
    setting("address", Type::Text, "The Orchestrator: scheme, host and port.", "\"http://192.168.1.111:4500\""),
    setting("guid", Type::Secret, "The robot's GUID, which is its password as well.", "{ env = \"ROBOT_GUID\" }"),
    setting(
        "api_key",
        Type::Secret,
        "The account's key for everything that is no robot's own call; default: the GUID.",
        "{ env = \"ORCHESTRATOR_KEY\" }",
    ),
    setting("ca", Type::Text, "A file with further certificates (PEM) to trust.", "\"company-ca.pem\""),
    setting("insecure", Type::Flag, "Talk to an Orchestrator whose certificate cannot be verified.", "false"),
    setting("proxy", Type::Text, "The HTTP proxy; default: the one of the system.", "\"http://proxy:3128\""),
    setting("timeout", Type::Seconds, "Longest wait for an answer; default 15, twice that for taking a job.", "15"),
    setting("connect_timeout", Type::Seconds, "Longest wait for a connection; default 5.", "5"),
    setting(
        "scripts",
        Type::Text,
        "The folder of the jobs' scripts; default: scripts beside pult.toml.",
        "\"scripts\"",
    ),
    setting("logoff", Type::Flag, "Log off from Windows when there is no more work (`--once` alone).", "false"),
    setting("poll", Type::Seconds, "Pause between two questions for work; default and least 10.", "10"),
    setting("strict_spacing", Type::Flag, "Keep 10 s between heartbeats after a job as well.", "false"),
    setting("stop_grace", Type::Seconds, "How long a job may take to stop when asked; default: for ever.", "60"),
    setting("stop_escalate", Type::Flag, "Kill a job that is not over by then; default true.", "true"),
    setting(
        "stop_result",
        Type::Choice(&["observed", "always"]),
        "A job that ends well after a request to stop: stopped if it noticed the request (default), or always.",
        "\"observed\"",
    ),
    setting("job_timeout", Type::Seconds, "Longest time of a job; default: none.", "3600"),
    setting(
        "max_memory",
        Type::Integer,
        "Most memory of a job with all its processes, in MB; default: no limit.",
        "1024",
    ),
    setting("max_operations", Type::Integer, "Most operations of a Rhai job; default: no limit.", "1000000000"),
    setting("give_up", Type::Seconds, "How long `--once` tries to reach the Orchestrator; default 300.", "300"),
    setting(
        "shutdown_grace",
        Type::Seconds,
        "How long a job may go on when the agent is told to end; default 30.",
        "30",
    ),
    setting(
        "max_offline",
        Type::Seconds,
        "A job is asked to stop after so long without an answer; default: never.",
        "3600",
    ),
    setting(
        "on_interrupt",
        Type::Choice(&["fail", "rerun"]),
        "A job whose machine went down: failed (default), or run once more.",
        "\"fail\"",
    ),
    setting("max_reruns", Type::Integer, "How often a job is run once more at most; default 1.", "1"),
    setting(
        "on_repeat",
        Type::Choice(&["report", "run"]),
        "A job that is handed out again after its end: its status is sent again (default), or it is run again.",
        "\"report\"",
    ),
    setting(
        "unreadable_task",
        Type::Choice(&["fail", "text"]),
        "A task that is no JSON: the job fails (default), or is given the text.",
        "\"fail\"",
    ),
    setting(
        "log_levels",
        Type::Text,
        "The Orchestrator's numbers of levels.",
        "\"info=1 critical=2 error=3 warning=4 debug=5\"",
    ),
    setting(
        "take_by",
        Type::Choice(&["auto", "filter", "last_task"]),
        "How a task is taken: by the filter that takes it at once, where there is one (default), by it alone, or by lastTask.",
        "\"auto\"",
    ),
    setting("log_output", Type::Flag, "Send what jobs print to the Orchestrator's log; default true.", "true"),
    setting(
        "python",
        Type::Text,
        "What runs .py; default: py -3 or python on Windows, else python3.",
        "\"C:\\\\Python313\\\\python.exe\"",
    ),
    setting("oscript", Type::Text, "What runs .os; default: oscript.", "\"oscript\""),
    setting("powershell", Type::Text, "What runs .ps1; default: pwsh, or powershell on Windows.", "\"pwsh\""),
    setting("shell", Type::Text, "What runs .sh; default: sh, or bash on Windows.", "\"bash\""),
    setting("machine", Type::Text, "The computer's name in heartbeats; default: its own.", "\"RPA-01\""),
    setting(
        "ip",
        Type::Text,
        "The address in heartbeats; default: the one used to reach the Orchestrator.",
        "\"10.0.0.7\"",
    ),
    setting(
        "mac",
        Type::Text,
        "The MAC address in heartbeats; default: that of the same interface.",
        "\"AA-BB-CC-DD-EE-FF\"",
    ),
    setting("state", Type::Text, "The file of journal and outbox; default: the program's own.", "\"robot.sqlite\""),
    setting(
        "test_clock",
        Type::Number,
        "How much faster the agent's clock runs, for tests against a simulator on this computer; default 1.",
        "1",
    ),
];
