//! Every command of the tutorial runs, in the order of the page, in one folder that starts empty.

use std::path::Path;

use crate::common::run;

/// The lines of the page's `sh` blocks.
fn commands(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            _ if line.starts_with("```") => inside = false,
            _ if inside => lines.push(line.trim().to_owned()),
            _ => {}
        }
    }
    lines
}

#[test]
fn the_tutorial_runs() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/tutorial.md");
    let commands = commands(&std::fs::read_to_string(page).unwrap());
    assert!(commands.len() >= 8, "{commands:?}");
    let folder = tempfile::tempdir().unwrap();
    for command in commands {
        let arguments = command.strip_prefix("spikeconverter ").unwrap_or_else(|| panic!("what is `{command}`?"));
        let run = run(folder.path(), arguments);
        assert_eq!(run.code, 0, "`{command}`: {}", run.err);
        assert!(!run.out.is_empty(), "`{command}` says nothing");
    }
}
