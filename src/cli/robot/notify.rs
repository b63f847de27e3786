//! Telling systemd that the agent is ready, alive, or about to end: the datagrams of `sd_notify`.

use std::time::Duration;

/// Who started the agent, where that is a manager that wants to hear of it.
pub struct Manager {
    #[cfg(unix)]
    way: unix::Way,
    watchdog: Option<Duration>,
}

/// What the environment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    /// `NOTIFY_SOCKET`: a path, or `@` and an abstract name.
    socket: String,
    /// `WATCHDOG_USEC`, where it is meant for this process.
    watchdog: Option<Duration>,
}

impl Told {
    fn read(variable: impl Fn(&str) -> Option<String>, pid: u32) -> Option<Told> {
        let socket = variable("NOTIFY_SOCKET").filter(|socket| socket.starts_with(['/', '@']))?;
        let for_us = variable("WATCHDOG_PID").is_none_or(|meant| meant.parse() == Ok(pid));
        let watchdog = variable("WATCHDOG_USEC").filter(|_| for_us).and_then(|micros| micros.parse().ok());
        Some(Told { socket, watchdog: watchdog.filter(|micros| *micros > 0).map(Duration::from_micros) })
    }
}

impl Manager {
    /// The one that the environment names; none where there is none, or where its socket cannot be used.
    pub fn of_environment() -> Option<Manager> {
        Manager::at(Told::read(|name| std::env::var(name).ok(), std::process::id())?)
    }

    /// How often it wants to hear that the agent is alive; twice as often as it would give up.
    pub fn period(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 2)
    }

    pub fn ready(&self) {
        self.send("READY=1");
    }

    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// One line for `systemctl status`.
    pub fn status(&self, text: &str) {
        self.send(&format!("STATUS={}", text.replace('\n', " ")));
    }
}

#[cfg(not(unix))]
impl Manager {
    /// There is no such manager.
    fn at(_told: Told) -> Option<Manager> {
        None
    }

    fn send(&self, _text: &str) {}
}

#[cfg(unix)]
mod unix {
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::{Manager, Told};

    pub struct Way {
        socket: UnixDatagram,
        to: SocketAddr,
    }

    impl Manager {
        pub(super) fn at(told: Told) -> Option<Manager> {
            let to = match told.socket.strip_prefix('@') {
                Some(name) => abstract_address(name)?,
                None => SocketAddr::from_pathname(&told.socket).ok()?,
            };
            let socket = UnixDatagram::unbound().ok()?;
            // A manager that does not listen must not hold the agent up.
            socket.set_nonblocking(true).ok()?;
            Some(Manager { way: Way { socket, to }, watchdog: told.watchdog })
        }

        /// What the manager does not take is lost: nobody else could be told.
        pub(super) fn send(&self, text: &str) {
            let _ = self.way.socket.send_to_addr(text.as_bytes(), &self.way.to);
        }
    }

    #[cfg(target_os = "linux")]
    fn abstract_address(name: &str) -> Option<SocketAddr> {
        use std::os::linux::net::SocketAddrExt;
        SocketAddr::from_abstract_name(name).ok()
    }

    /// Only Linux has addresses that are no files.
    #[cfg(not(target_os = "linux"))]
    fn abstract_address(_name: &str) -> Option<SocketAddr> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_believed_where_it_speaks_to_us() {
        let told = |socket: Option<&str>, pid: Option<&str>, micros: Option<&str>| {
            let of = |name: &str| match name {
                "NOTIFY_SOCKET" => socket.map(str::to_owned),
                "WATCHDOG_PID" => pid.map(str::to_owned),
                _ => micros.map(str::to_owned),
            };
            Told::read(of, 7)
        };
        assert_eq!(told(None, None, Some("5")), None);
        assert_eq!(told(Some("relative"), None, None), None);
        let some = |watchdog| Some(Told { socket: "/run/x".into(), watchdog });
        let limit = Duration::from_secs(120);
        assert_eq!(told(Some("/run/x"), Some("7"), Some("120000000")), some(Some(limit)));
        assert_eq!(told(Some("/run/x"), None, Some("120000000")), some(Some(limit)));
        assert_eq!(told(Some("/run/x"), Some("8"), Some("120000000")), some(None));
        assert_eq!(told(Some("/run/x"), None, Some("0")), some(None));
    }

    #[cfg(unix)]
    #[test]
    fn a_manager_hears_what_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let listening = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        let told = Told { socket: path.display().to_string(), watchdog: Some(Duration::from_secs(10)) };
        let manager = Manager::at(told).unwrap();
        assert_eq!(manager.period(), Some(Duration::from_secs(5)));
        manager.ready();
        manager.status("one\ntwo");
        manager.stopping();
        let heard = || {
            let mut bytes = [0; 100];
            let length = listening.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..length].to_vec()).unwrap()
        };
        assert_eq!([heard(), heard(), heard()], ["READY=1", "STATUS=one two", "STOPPING=1"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_socket_is_one_too() {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let name = format!("pult-test-{}", std::process::id());
        let listening = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Manager::at(Told { socket: format!("@{name}"), watchdog: None }).unwrap().alive();
        let mut bytes = [0; 20];
        let length = listening.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"WATCHDOG=1");
    }
}
