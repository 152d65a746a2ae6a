//! Neuron models: the equations, one file each, literally as their documentation states them. No tensors, no files.
//!
//! The reference engine runs these functions as they stand; faster engines are tested against it.

mod code;
mod ilif;
mod integrate_fire;

pub use code::WindowCode;
pub use ilif::{Ilif, NegativeBranch};
pub use integrate_fire::{IntegrateFire, Reset};
