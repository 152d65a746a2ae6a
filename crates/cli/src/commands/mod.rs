//! The commands, a file each: arguments in, the pipeline's answer out, as text or JSON.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod demo;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod inspect;
pub(crate) mod methods;
pub(crate) mod nir;
pub(crate) mod search;
pub(crate) mod setup;
