//! The command line: arguments in, tables or JSON out. What is computed is computed by `spikeconverter-pipeline`.
//!
//! Results go to standard output; progress and errors to standard error. Exit codes: 0, done (for `check`: everything
//! converts); 1, the answer is no or the operation failed; 2, wrong usage.

mod args;
mod commands;
mod error;
mod interrupt;
mod output;
mod progress;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
pub use error::Failure;

/// Runs the program with these arguments (the first is the program's name).
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // help and version are printed this way too; a closed pipe is no reason to complain
            let _ = error.print();
            return ExitCode::from(error.exit_code().clamp(0, 255) as u8);
        }
    };
    match with_threads(cli.threads, || dispatch(&cli.command)) {
        Ok(code) => code,
        Err(failure) => {
            output::complain(&failure);
            ExitCode::FAILURE
        }
    }
}

/// Runs `work` on as many threads as asked for.
fn with_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let Some(threads) = threads else { return work() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(Failure::Threads)?;
    pool.install(work)
}

fn dispatch(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Check(args) => commands::check::run(args),
        Command::Convert(args) => commands::convert::run(args),
        Command::Eval(args) => commands::eval::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Compare(args) => commands::compare::run(args),
        Command::Search(args) => commands::search::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Methods(args) => commands::methods::run(args),
        Command::Demo(args) => commands::demo::run(args),
        Command::Setup(args) => commands::setup::run(args),
    }
}
