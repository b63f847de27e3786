//! A certificate of the simulator's own, signed by itself when first needed.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::{self, ServerConfig};

pub struct Certificate {
    pub pem: String,
    pub tls: Arc<ServerConfig>,
}

impl Certificate {
    /// For the names of this machine.
    pub fn new() -> Result<Certificate, String> {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).map_err(|error| error.to_string())?;
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key.into()))
            .map_err(|error| error.to_string())?;
        Ok(Certificate { pem: cert.pem(), tls: Arc::new(tls) })
    }
}
