//! Everything about the script language that is not a service.

pub mod bridge;
pub mod catalogue;
pub mod check;
pub mod closures;
pub mod convert;
pub mod engine;
pub mod folders;
pub mod gathered;
pub mod imports;
pub mod method_call;
pub mod modules;
pub mod options;
pub mod output;
pub mod reference;
pub mod report;
pub mod rows;
pub mod session;
pub mod show;
pub mod stop;
pub mod threads;
pub mod values;
