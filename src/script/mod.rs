//! Everything about the script language that is not a service.

pub mod bridge;
pub mod catalogue;
pub mod convert;
pub mod engine;
pub mod folders;
pub mod imports;
pub mod modules;
pub mod output;
pub mod report;
pub mod rows;
pub mod session;
pub mod show;
pub mod stop;
pub mod values;
