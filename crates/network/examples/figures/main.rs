//! Draws the figures of the book, from the neurons and schedules that networks have:
//!
//!     cargo run -p spikeconverter-network --example figures -- docs/src/images
//!
//! `tests/figures.rs` holds the drawings in the book to it.

mod drawn;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder] = arguments.as_slice() else {
        return Err("usage: figures FOLDER".into());
    };
    for (name, svg) in drawn::figures()? {
        std::fs::write(Path::new(folder).join(name), svg)?;
    }
    Ok(())
}
