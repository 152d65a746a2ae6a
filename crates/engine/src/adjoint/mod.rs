//! Operations seen from their results: what calibration needs to change weights.

mod gradient;
mod unfold;

pub use gradient::Adjoint;
pub use unfold::Unfolding;
