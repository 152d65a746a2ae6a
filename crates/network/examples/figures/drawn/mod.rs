//! The figures, a file each.

mod error;
mod pipeline;
mod svg;
mod window;

use spikeconverter_network::NetworkError;

/// All of them: names and contents of their files.
pub(crate) fn figures() -> Result<Vec<(&'static str, String)>, NetworkError> {
    Ok(vec![
        ("window.svg", window::draw()),
        ("error.svg", error::draw()),
        ("pipeline.svg", pipeline::draw(None)?),
        ("pipeline-delay.svg", pipeline::draw(Some(2))?),
    ])
}
