//! What goes over the wire, without the wire: addresses, parameters, envelopes, batches, the table of methods and the
//! table of errors. Everything here is pure.

pub mod address;
pub mod batch;
pub mod check;
pub mod envelope;
pub mod errors;
pub mod methods;
pub mod query;
