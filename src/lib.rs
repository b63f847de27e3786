//! `pult`: a scriptable runtime for 1C clusters, VeiL, Bitrix24, SQL Server procedures and RPA robots.
//!
//! `core` is the native engine (limits, batches, repeats, rows) and knows neither Rhai nor any outside system;
//! `services` holds one folder for each outside system over it; `script` embeds Rhai; `sandbox` imitates the outside
//! systems; `web` is the service over `sp`; `cli`, `repl` and `render` are what a person meets.

pub mod cli;
pub mod config;
pub mod core;
pub mod error;
pub mod render;
pub mod repl;
pub mod sandbox;
pub mod script;
pub mod secret;
pub mod services;
pub mod settings;
pub mod text_file;
pub mod web;
