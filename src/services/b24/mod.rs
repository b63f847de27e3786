//! Bitrix24.

pub mod wire;
