//! The simulator's certificates, each signed by itself, made when first needed.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio_rustls::rustls::{self, ServerConfig};

use super::knobs::Which;

pub struct Certificates {
    /// All of them: a client that trusts these goes by what else is wrong with them.
    pub pem: String,
    own: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    wrong_host: Arc<ServerConfig>,
}

impl Certificates {
    pub fn new() -> Result<Certificates, String> {
        let here = ["localhost", "127.0.0.1"];
        let mut pem = String::new();
        let mut made = |names: &[&str], is_expired: bool| -> Result<Arc<ServerConfig>, String> {
            let (text, tls) = certificate(names, is_expired)?;
            pem.push_str(&text);
            Ok(tls)
        };
        let own = made(&here, false)?;
        let expired = made(&here, true)?;
        let wrong_host = made(&["orchestrator.example"], false)?;
        Ok(Certificates { pem, own, expired, wrong_host })
    }

    pub fn tls(&self, which: Which) -> Arc<ServerConfig> {
        match which {
            Which::Own => self.own.clone(),
            Which::Expired => self.expired.clone(),
            Which::WrongHost => self.wrong_host.clone(),
        }
    }
}

fn certificate(names: &[&str], is_expired: bool) -> Result<(String, Arc<ServerConfig>), String> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut wanted = CertificateParams::new(names).map_err(|error| error.to_string())?;
    if is_expired {
        (wanted.not_before, wanted.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    }
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let signed = wanted.self_signed(&key).map_err(|error| error.to_string())?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![signed.der().clone()], key.into()))
        .map_err(|error| error.to_string())?;
    Ok((signed.pem(), Arc::new(tls)))
}
