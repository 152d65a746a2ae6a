//! The book: every command of the tutorial and of the page on exports runs, in the order of the page, in one folder; links
//! lead somewhere; messages that are explained are messages of the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Parser, Tag, TagEnd};

use crate::common::{demo_folder, run};
use crate::nir::write_streaming_network;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files with this ending in a folder and the folders in it.
fn found(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(found(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Where the links and images of a page lead, in this repository.
fn links(page: &str) -> Vec<String> {
    let targets = Parser::new(page).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    });
    targets.filter(|target| !target.contains("://")).collect()
}

/// The words of each piece of a page that such a tag opens.
fn marked(page: &str, wanted: impl Fn(&Tag<'_>) -> bool) -> Vec<String> {
    let (mut pieces, mut end): (Vec<String>, _) = (Vec::new(), None);
    for event in Parser::new(page) {
        match event {
            Event::Start(tag) if wanted(&tag) => {
                end = Some(tag.to_end());
                pieces.push(String::new());
            }
            Event::End(tag) if end == Some(tag) => end = None,
            Event::Text(words) | Event::Code(words) if end.is_some() => {
                pieces.last_mut().unwrap().push_str(&words);
            }
            _ => {}
        }
    }
    pieces
}

/// What the headings of a page are called in links.
fn anchors(page: &str) -> Vec<String> {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let anchor = |c| if c == ' ' { '-' } else { char::to_ascii_lowercase(&c) };
    let headings = marked(page, |tag| matches!(tag, Tag::Heading { .. }));
    headings.iter().map(|heading| heading.chars().filter(kept).map(anchor).collect()).collect()
}

/// The lines of the page's `sh` blocks.
fn commands(page: &str) -> Vec<String> {
    let shell = |tag: &Tag<'_>| matches!(tag, Tag::CodeBlock(CodeBlockKind::Fenced(kind)) if &**kind == "sh");
    marked(page, shell).iter().flat_map(|block| block.lines()).map(str::to_owned).collect()
}

/// Runs the commands of a page in a folder.
fn follow(page: &str, folder: &Path, at_least: usize) {
    let commands = commands(&read(&root().join("docs/src").join(page)));
    assert!(commands.len() >= at_least, "{commands:?}");
    for command in commands {
        let arguments = command.strip_prefix("spikeconverter ").unwrap_or_else(|| panic!("what is `{command}`?"));
        let run = run(folder, arguments);
        assert_eq!(run.code, 0, "`{command}`: {}", run.err);
        assert!(!run.out.is_empty(), "`{command}` says nothing");
    }
}

#[test]
fn the_tutorial_runs() {
    follow("tutorial.md", tempfile::tempdir().unwrap().path(), 14);
}

#[test]
fn networks_are_written_for_other_programs_as_the_page_says() {
    let folder = demo_folder();
    write_streaming_network(&folder.path().join("stream.snn"));
    follow("export.md", folder.path(), 10);
}

#[test]
fn links_lead_somewhere_and_every_page_is_in_the_summary() {
    let book = root().join("docs/src");
    let mut pages: BTreeMap<PathBuf, String> =
        found(&book, "md").into_iter().map(|path| (path.clone(), read(&path))).collect();
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "demo/README.md", "scripts/oracle/README.md"] {
        pages.insert(root().join(name), read(&root().join(name)));
    }
    let mut checked = 0;
    for (path, page) in &pages {
        for link in links(page) {
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{} links to {link}, which is not there", path.display());
            let known = heading.is_empty() || anchors(&read(&target)).iter().any(|anchor| anchor == heading);
            assert!(known, "{} links to {link}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 150, "{checked} links");
    let listed = links(&pages[&book.join("SUMMARY.md")]);
    for page in
        pages.keys().filter_map(|path| path.strip_prefix(&book).ok()).filter(|page| *page != Path::new("SUMMARY.md"))
    {
        assert!(listed.iter().any(|link| Path::new(link) == page), "{} is not in the summary", page.display());
    }
}

/// Three dots stand for what differs from case to case.
#[test]
fn explained_messages_are_messages_of_the_program() {
    let sources = found(&root().join("crates"), "rs")
        .into_iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "src"));
    let mut text = String::new();
    for source in sources {
        // strings that go on in the next line
        let mut lines = read(&source);
        while let Some(at) = lines.find("\\\n") {
            let rest = lines[at + 2..].trim_start().to_owned();
            lines.truncate(at);
            lines.push_str(&rest);
        }
        text.push_str(&lines);
    }
    let page = read(&root().join("docs/src/troubleshooting.md"));
    let mut strong = false;
    let messages = Parser::new(&page).filter_map(|event| {
        match event {
            Event::Start(Tag::Strong) => strong = true,
            Event::End(TagEnd::Strong) => strong = false,
            Event::Code(message) if strong => return Some(message),
            _ => {}
        }
        None
    });
    let messages: Vec<CowStr<'_>> = messages.collect();
    assert!(messages.len() > 25, "{messages:?}");
    for message in messages {
        for part in message.split("...").map(|part| part.trim_matches([' ', '(', ')', ':', ',', ';', '`'])) {
            assert!(part.len() < 4 || text.contains(part), "no message has `{part}`, of `{message}`");
        }
    }
}
