//! What a robot tells of its computer: name, address, MAC.

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use network_interface::{NetworkInterface, NetworkInterfaceConfig};
use tokio::net::{UdpSocket, lookup_host};

use crate::core::context::Context;
use crate::services::robot::wire::request::Here;
use crate::settings::Settings;

/// A notebook changes its network; nobody needs that to be seen within a heartbeat.
const FRESH: Duration = Duration::from_secs(60);
/// A name server that does not answer must not delay what is sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds it out, where the settings do not say it.
pub struct Whereabouts {
    machine: String,
    ip: Option<String>,
    mac: Option<String>,
    host: String,
    port: u16,
    known: Mutex<Option<(Instant, Here)>>,
}

impl Whereabouts {
    /// `host` and `port` are those of the Orchestrator.
    pub fn new(settings: &Settings, context: &Context, host: &str, port: u16) -> Whereabouts {
        let given = |name: &str| settings.text(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Whereabouts {
            machine: given("machine").or_else(|| name(context)).unwrap_or_else(|| "unknown".into()),
            ip: given("ip"),
            mac: given("mac"),
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            known: Mutex::default(),
        }
    }

    /// As it was found out last. What cannot be found out is empty.
    pub async fn here(&self) -> Here {
        let known = self.known().clone();
        match known {
            Some((_, here)) => here,
            None => self.look().await,
        }
    }

    /// Finds it out again when that is more than [`FRESH`] ago.
    pub async fn refresh(&self) {
        let is_fresh = self.known().as_ref().is_some_and(|(at, _)| at.elapsed() < FRESH);
        if !is_fresh {
            self.look().await;
        }
    }

    async fn look(&self) -> Here {
        let here = self.found().await;
        *self.known() = Some((Instant::now(), here.clone()));
        here
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<(Instant, Here)>> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    async fn found(&self) -> Here {
        let machine = self.machine.clone();
        if let (Some(ip), Some(mac)) = (&self.ip, &self.mac) {
            return Here { machine, ip: ip.clone(), mac: mac.clone() };
        }
        let local = match &self.ip {
            Some(ip) => ip.parse().ok(),
            None => tokio::time::timeout(PATIENCE, towards(&self.host, self.port)).await.ok().flatten(),
        };
        let mac = self.mac.clone().or_else(|| local.and_then(mac_of));
        let ip = self.ip.clone().or_else(|| local.map(|ip| ip.to_string()));
        Here { machine, ip: ip.unwrap_or_default(), mac: mac.unwrap_or_default() }
    }
}

/// The computer's name.
fn name(context: &Context) -> Option<String> {
    let of_system = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let variable = |name| context.variable(name);
    let name = variable("COMPUTERNAME").or_else(of_system).or_else(|| variable("HOSTNAME"))?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The address from which this computer would talk to that one. Connecting a datagram socket sends nothing.
async fn towards(host: &str, port: u16) -> Option<IpAddr> {
    for there in lookup_host((host, port)).await.ok()? {
        let any = if there.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        let Ok(socket) = UdpSocket::bind(any).await else { continue };
        if socket.connect(there).await.is_ok()
            && let Ok(local) = socket.local_addr()
        {
            return Some(local.ip());
        }
    }
    None
}

/// The MAC address of the interface that has this address: `AA-BB-CC-DD-EE-FF`.
fn mac_of(ip: IpAddr) -> Option<String> {
    let interfaces = NetworkInterface::show().ok()?;
    let has_it = |interface: &&NetworkInterface| interface.addr.iter().any(|addr| addr.ip() == ip);
    // A loopback interface has none, or zeros: then that of the first card that has one.
    let own = interfaces.iter().find(has_it).and_then(|interface| pairs(interface.mac_addr.as_deref()?));
    own.or_else(|| interfaces.iter().find_map(|interface| pairs(interface.mac_addr.as_deref()?)))
}

/// Upper-case pairs joined by `-`; `None` for zeros and for what is no address.
fn pairs(mac: &str) -> Option<String> {
    let digits: String = mac.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_uppercase();
    if digits.len() != 12 || digits.chars().all(|digit| digit == '0') {
        return None;
    }
    let pairs: Vec<&str> = (0..6).map(|pair| &digits[pair * 2..pair * 2 + 2]).collect();
    Some(pairs.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_address_is_written_in_pairs() {
        assert_eq!(pairs("00:1a:2b:3c:4d:5e").as_deref(), Some("00-1A-2B-3C-4D-5E"));
        assert_eq!((pairs("00:00:00:00:00:00"), pairs("00:1a"), pairs("")), (None, None, None));
    }

    #[tokio::test]
    async fn the_address_is_that_of_the_way_there() {
        assert_eq!(towards("127.0.0.1", 9).await, Some("127.0.0.1".parse().unwrap()));
        assert_eq!(towards("no-such-host.invalid", 9).await, None);
    }
}
