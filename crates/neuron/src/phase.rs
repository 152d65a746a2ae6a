use serde::{Deserialize, Serialize};

/// Weighted spikes (J. Kim, H. Kim, S. Huh, J. Lee, K. Choi, "Deep neural networks with weighted spikes", Neurocomputing
/// 2018, 311:373-386): a spike's weight is that of a binary digit, by the phase of a period of `K` steps in which it comes.
///
/// ```text
/// w(t) = 2^-(1 + ((t-1) mod K)),   threshold θ·w(t),   a spike carries θ·w(t)
/// ```
///
/// Confirmed: the weights, and `K = 8` for pixels. Not confirmed, and derived: the comparison with `θ·w(t)` and its
/// subtraction. Here as everywhere a train stands for its mean over the steps, so that biases and samples act as in any
/// streaming network: a period carries `θ·(1 − 2^-K)` at most, a step on average a `K`-th of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Steps of a period, `K ≥ 1`.
    pub period: u32,
}

impl Phases {
    /// Place of the binary digit that spikes of step `t` (from 1) are, the least significant being 0.
    pub fn digit(self, t: u32) -> u32 {
        self.period - 1 - (t - 1) % self.period
    }

    /// Weight of a spike at step `t`, counted from 1.
    pub fn weight(self, t: u32) -> f64 {
        f64::from(1 << self.digit(t)) * self.unit()
    }

    /// Weight of the least significant spike, `2^-K`.
    pub fn unit(self) -> f64 {
        0.5f64.powi(self.period as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_begins_again() {
        let phases = Phases { period: 3 };
        assert_eq!([1, 2, 3, 4, 5].map(|t| phases.weight(t)), [0.5, 0.25, 0.125, 0.5, 0.25]);
        assert_eq!([1, 2, 3, 4].map(|t| phases.digit(t)), [2, 1, 0, 2]);
    }
}
