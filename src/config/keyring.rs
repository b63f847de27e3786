//! Secrets that the operating system keeps: the Credential Manager of Windows.
//!
//! Elsewhere there is none that is worth its weight: on Linux the secret service needs a desktop session, which servers
//! do not have, and sixty crates more.

#[cfg(windows)]
pub(super) fn password(service: &str, user: &str) -> Result<String, (String, Option<String>)> {
    use keyring_core::api::CredentialStoreApi;

    let found = windows_native_keyring_store::Store::new()
        .and_then(|store| store.build(service, user, None))
        .and_then(|entry| entry.get_password());
    // The store joins the two by a full stop, the user first.
    found.map_err(|error| match error {
        keyring_core::Error::NoEntry => (
            format!("the Credential Manager has nothing under {user}.{service}"),
            Some(format!("store it by `cmdkey /generic:{user}.{service} /user:{user} /pass`")),
        ),
        // Some of these errors carry the bytes of the secret; their message does not show them.
        other => (format!("the Credential Manager did not give {user}.{service}: {other}"), None),
    })
}

#[cfg(not(windows))]
pub(super) fn password(_service: &str, _user: &str) -> Result<String, (String, Option<String>)> {
    let hint = "use `{ env = \"NAME\" }` or `{ file = \"path\" }`";
    Err(("`keyring` works on Windows only".to_owned(), Some(hint.to_owned())))
}
