//! Seconds of turning a file of session records, as the utility prints them, into rows: the middle of many runs.

use std::time::Instant;

use pult::services::rac::table::SESSION;
use pult::services::rac::wire::parse::{self, Style};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let text = std::fs::read_to_string(&arguments[0])?;
    let zone = jiff::tz::TimeZone::system();
    let mut walls = Vec::new();
    let mut records = 0;
    for _ in 0..25 {
        let began = Instant::now();
        records = parse::rows(&text, &SESSION, Style::Typed(&zone)).map_err(|error| error.to_string())?.len();
        walls.push(began.elapsed());
    }
    walls.sort();
    println!("{:.1} {records}", walls[walls.len() / 2].as_secs_f64() * 1000.0);
    Ok(())
}
