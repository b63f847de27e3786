//! With a driver that nobody here wrote.

use std::time::Duration;

use tiberius::{AuthMethod, Client, Config, EncryptionLevel, error::Error};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use crate::sandbox::sp::{Encryption, Knobs, SqlServer};

pub type Connected = Client<Compat<TcpStream>>;

pub async fn server(change: impl FnOnce(&mut Knobs)) -> SqlServer {
    let mut knobs = Knobs::default();
    change(&mut knobs);
    SqlServer::start(knobs).await.unwrap()
}

pub fn config(server: &SqlServer, encryption: EncryptionLevel) -> Config {
    let mut config = Config::new();
    let (host, port) = server.address().rsplit_once(':').map(|(h, p)| (h.to_owned(), p.parse().unwrap())).unwrap();
    config.host(host);
    config.port(port);
    config.authentication(AuthMethod::sql_server(server.user(), server.password()));
    config.encryption(encryption);
    config.trust_cert();
    config
}

pub async fn connect(config: Config) -> Result<Connected, Error> {
    let stream = TcpStream::connect(config.get_addr()).await.unwrap();
    Client::connect(config, stream.compat_write()).await
}

async fn one(client: &mut Connected) -> i32 {
    let row = client.simple_query("SELECT 1").await.unwrap().into_row().await.unwrap().unwrap();
    row.get(0).unwrap()
}

#[tokio::test]
async fn every_kind_of_encryption_that_both_sides_can_agree_on_lets_a_client_in() {
    use EncryptionLevel as Level;
    for (knob, levels) in [
        (Encryption::Off, &[Level::NotSupported, Level::Strict][..]),
        (Encryption::Login, &[Level::NotSupported, Level::Off, Level::On, Level::Required, Level::Strict]),
        (Encryption::On, &[Level::NotSupported, Level::Off, Level::On, Level::Required, Level::Strict]),
        (Encryption::Required, &[Level::Off, Level::On, Level::Required, Level::Strict]),
    ] {
        let server = server(|knobs| knobs.encryption = knob).await;
        for level in levels {
            let mut client =
                connect(config(&server, *level)).await.unwrap_or_else(|e| panic!("{knob:?} {level:?}: {e}"));
            assert_eq!(one(&mut client).await, 1, "{knob:?} {level:?}");
            let is_encrypted = server.hub().clients()[0].encrypted;
            let login_alone = knob == Encryption::Login && *level == Level::Off;
            assert_eq!(is_encrypted, *level != Level::NotSupported && !login_alone, "{knob:?} {level:?}");
            client.close().await.unwrap();
            while !server.hub().clients().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
}

#[tokio::test]
async fn who_will_not_encrypt_is_sent_away_where_that_is_required() {
    let insists = server(|knobs| knobs.encryption = Encryption::Required).await;
    assert!(connect(config(&insists, EncryptionLevel::NotSupported)).await.is_err());
    let has_none = server(|knobs| knobs.encryption = Encryption::Off).await;
    assert!(connect(config(&has_none, EncryptionLevel::Required)).await.is_err());
}

#[tokio::test]
async fn the_certificate_can_be_trusted_by_itself() {
    let server = server(|_| ()).await;
    let mut trusting = config(&server, EncryptionLevel::Required);
    trusting = {
        let mut fresh = Config::new();
        fresh.host("localhost");
        fresh.port(trusting.get_addr().rsplit_once(':').unwrap().1.parse().unwrap());
        fresh.authentication(AuthMethod::sql_server(server.user(), server.password()));
        fresh.trust_cert_ca_bundle(server.certificate().unwrap());
        fresh
    };
    assert_eq!(one(&mut connect(trusting).await.unwrap()).await, 1);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_database_are_refused_as_a_server_does() {
    let server = server(|_| ()).await;
    let refusal = async |change: &dyn Fn(&mut Config)| {
        let mut config = config(&server, EncryptionLevel::Off);
        change(&mut config);
        match connect(config).await {
            Err(Error::Server(error)) => (error.code(), error.class(), error.state(), error.message().to_owned()),
            other => panic!("{other:?}"),
        }
    };
    let login = |user: &str| (18456, 14, 1, format!("Login failed for user '{user}'."));
    assert_eq!(refusal(&|c| c.authentication(AuthMethod::sql_server("sa", "wrong"))).await, login("sa"));
    assert_eq!(refusal(&|c| c.authentication(AuthMethod::sql_server("Иван", "Sandbox-1"))).await, login("Иван"));
    let (code, class, _, text) = refusal(&|c| c.database("nowhere")).await;
    assert_eq!((code, class), (4060, 11));
    assert_eq!(text, "Cannot open database \"nowhere\" requested by the login. The login failed.");
    server.hub().change(&serde_json::json!({"refuse_login": {"next": 1}})).unwrap();
    assert_eq!(refusal(&|_| ()).await, login("sa"));
    assert_eq!(server.hub().clients(), []);
    assert_eq!(one(&mut connect(config(&server, EncryptionLevel::Off)).await.unwrap()).await, 1);
}
