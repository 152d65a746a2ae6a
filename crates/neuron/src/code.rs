use serde::{Deserialize, Serialize};

/// The code of a spike train over a window of `steps` time steps: a spike at step `t` (counted from 1) weighs
/// `base^-(t-1)`, so that a train `s` of a neuron with threshold `θ` stands for `a = θ Σ_t base^-(t-1) s(t)`.
///
/// Base 1 is a rate code, base 2 a binary code with the most significant spike first, base 3 a balanced ternary one. The decoding follows from
/// unrolling the membrane equation of [`Ilif`](crate::Ilif) (Liu et al., AAAI 2022: the identical relation between
/// activation and spike train; the form here is our derivation).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowCode {
    /// Factor between the weights of neighbouring steps, in `[1, 3]`.
    pub base: f32,
    /// Number of time steps `T`.
    pub steps: u32,
}

impl WindowCode {
    /// The largest base: above it, digits −1, 0 and 1 leave gaps between the values of trains.
    pub const LARGEST_BASE: f32 = 3.0;

    /// Whether trains need spikes of both signs ([`SignedIlif`](crate::SignedIlif)): above base 2, those of one sign leave
    /// gaps between their values.
    pub fn is_signed(&self) -> bool {
        self.base > 2.0
    }

    /// Weight of a spike at step `t`, counted from 1.
    pub fn weight(&self, t: u32) -> f64 {
        f64::from(self.base).powi(1 - t as i32)
    }

    /// Weight of the last step, `base^-(T-1)`: the resolution in units of the threshold.
    pub fn resolution(&self) -> f64 {
        self.weight(self.steps)
    }

    /// Value of a train that spikes at every step, in units of the threshold: `(1 − k^-T) / (1 − k^-1)`, or `T` for
    /// base 1. Larger activations saturate.
    pub fn range(&self) -> f64 {
        (1..=self.steps).map(|t| self.weight(t)).sum()
    }

    /// What a train stands for, in units of the threshold. `spikes` holds −1, 0 or 1 a step, first step first.
    pub fn decode(&self, spikes: impl IntoIterator<Item = i8>) -> f64 {
        spikes.into_iter().zip(1..).map(|(s, t)| f64::from(s) * self.weight(t)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_code() {
        let code = WindowCode { base: 2.0, steps: 4 };
        assert_eq!(code.decode([1, 0, 1, 1]), 1.0 + 0.25 + 0.125);
        assert_eq!(code.range(), 1.875);
        assert_eq!(code.resolution(), 0.125);
    }

    #[test]
    fn rate_code() {
        let code = WindowCode { base: 1.0, steps: 5 };
        assert_eq!(code.decode([1, 0, 1, 0, 0]), 2.0);
        assert_eq!(code.range(), 5.0);
    }
}
