//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    pult::cli::main(std::env::args_os())
}
