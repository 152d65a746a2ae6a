//! Results as plain text, for terminals: tables and sentences, which the command line and the Python package print.

mod check;
mod comparison;
mod conversion;
mod description;
mod evaluation;
mod explanation;
mod export;
mod methods;
mod nir;
mod search;
mod table;

pub use check::check;
pub use comparison::comparison;
pub use conversion::conversion;
pub use description::description;
pub use evaluation::{AT_CHANCE, evaluation};
pub use explanation::explanation;
pub use export::{export, verdict};
pub use methods::{method, parts};
pub use nir::{nir_description, nir_evaluation};
pub use search::search;
pub use table::{Table, percent, percent_if, points_if};
