//! `spikeconverter setup`

use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use spikeconverter_network::write_whole;

use crate::Failure;
use crate::args::{Cli, SetupArgs};
use crate::output::emit;

pub(crate) fn run(args: &SetupArgs) -> Result<ExitCode, Failure> {
    let mut cli = Cli::command();
    if let Some(shell) = args.what.completions {
        let name = cli.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut cli, name, &mut script);
        emit(&String::from_utf8_lossy(&script))?;
    }
    if let Some(folder) = &args.what.man {
        let failed = |source| Failure::Output { path: folder.clone(), option: "--man", source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        cli.build();
        let count = write_pages(&cli, folder).map_err(failed)?;
        emit(&format!("wrote {count} manual pages to {}\n", folder.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command, and those of its commands; how many there are.
fn write_pages(command: &Command, folder: &Path) -> std::io::Result<usize> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    write_whole(&folder.join(man.get_filename()), &page)?;
    let mut count = 1;
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        count += write_pages(command, folder)?;
    }
    Ok(count)
}
