//! `session`: what this run has done so far.

use rhai::plugin::*;
use rhai::{Map, NativeCallContext};

use crate::core::rows::Rows;
use crate::script::bridge::{Thrown, host, throw};
use crate::script::convert;

#[export_module]
pub mod session {
    /// What was sent and read so far: rows `service`, `did`, one for each service that was used.
    ///
    /// ```rhai
    /// b24.count("crm.deal.list");
    /// assert_eq(session::summary()[0].service, "b24");
    /// ```
    #[rhai_fn(return_raw)]
    pub fn summary(call: NativeCallContext) -> Thrown<Rows> {
        let mut rows = crate::core::rows::Builder::new();
        let columns = ["service".to_owned(), "did".to_owned()];
        for (service, did) in host(&call).context.summary() {
            let line = Map::from_iter([("service".into(), service.into()), ("did".into(), did.into())]);
            convert::push_row(&mut rows, &line.into(), Some(&columns)).or_else(|error| throw(&call, error))?;
        }
        Ok(rows.finish().into())
    }

    /// Whether this is a dry run (`--dry-run`): changes are only told of, so nothing that waits for them may wait.
    ///
    /// ```rhai
    /// assert(!session::is_dry_run());
    /// ```
    pub fn is_dry_run(call: NativeCallContext) -> bool {
        host(&call).context.is_dry_run()
    }

    /// The version of `pult`.
    pub fn version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }
}
