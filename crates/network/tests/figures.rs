//! The drawings in the book are what the example `figures` draws.

#[path = "../examples/figures/drawn/mod.rs"]
mod drawn;

use std::path::Path;

#[test]
fn the_book_has_the_figures_that_are_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/images");
    for (name, svg) in drawn::figures().unwrap() {
        let kept = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            kept == svg,
            "{name} is another: `cargo run -p spikeconverter-network --example figures -- docs/src/images`"
        );
    }
}
