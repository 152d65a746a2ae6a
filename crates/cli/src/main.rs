//! The `spikeconverter` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    spikeconverter_cli::run(std::env::args_os())
}
