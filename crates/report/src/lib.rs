//! Reports that people read: one self-contained HTML file, which works from disk and without a network, on paper and with a
//! screen reader, light and dark.
//!
//! A [`Page`] is plain data: sections of text, tables and charts. [`Page::to_html`] knows nothing of spikes;
//! [`comparison`] and [`explanation`] say what their pages show. [`text`] has the same and other results for terminals.
//!
//! ```
//! use spikeconverter_report::{Column, Page, Section, Table};
//!
//! # fn main() -> Result<(), spikeconverter_report::RenderError> {
//! let table = Table {
//!     caption: "Accuracy".into(),
//!     head: Column::list(&["<network", "%"]),
//!     rows: vec![vec!["trained".into(), "91.7".into()], vec!["spiking".into(), "91.2".into()]],
//! };
//! let section = Section { title: "What was lost".into(), tables: vec![table], ..Section::default() };
//! let page = Page { title: "A <small> report".into(), sections: vec![section], ..Page::default() };
//! let html = page.to_html()?;
//! assert!(html.contains("A &lt;small&gt; report") && html.contains("91.2"));
//! # Ok(())
//! # }
//! ```

mod chart;
mod comparison;
mod explanation;
mod format;
mod page;
pub mod text;

pub use chart::{
    Axis, AxisFormat, Chart, Curve, Curves, Figure, Point, Profile, ProfileChoice, Profiles, RasterChoice, RasterRows,
    Rasters, Reference,
};
pub use comparison::comparison;
pub use explanation::explanation;
pub use page::{Column, Fact, Page, RenderError, Section, Table, Tile};
