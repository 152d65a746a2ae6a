use serde::{Deserialize, Serialize};

/// How a streaming network tries a sample before it runs it, to find the neurons whose spikes came too early or too late.
///
/// **Residual membranes** (SRP; Hao et al., "Reducing ANN-SNN conversion error through residual membrane potential", AAAI
/// 2023): all layers run `steps` steps, then all membranes begin anew; a neuron whose membrane ended at `V ≤ least·θ` has
/// sent more than it should have, and stays silent from then on. Published: `least = 10⁻³`.
///
/// **Offset spikes** (COS; Hao et al., "Bridging the gap between ANNs and SNNs by calibrating offset spikes", ICLR 2023):
/// layer after layer runs `steps` steps behind the ones before it, which are corrected already, and then corrects the
/// potential that it begins with:
///
/// ```text
/// V < 0, and it fired:  u(0) ← u(0) − max(θ, min over firing steps of u − 0.999·θ)      one spike less
/// V ≥ θ:                u(0) ← u(0) + max(θ, 1.001·θ − max over silent steps of u)      one spike more
/// ```
///
/// with `u` before the reset. A neuron that fires in every step has none to add.
///
/// In either, neurons that send negative spikes on their own ([`NegativeSpikes::Slope`](crate::NegativeSpikes)) learn nothing: a
/// membrane that ends below 0 is no sign of a spike too many there. The papers' networks have none.
///
/// The published code runs each layer `steps + T` steps before the next one's turn; here the layers before run again for it,
/// `steps` steps a layer and `T` at the end, which are the same spikes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rehearsal {
    /// Neurons that sent too much are silenced.
    Residual {
        /// Steps of the rehearsal.
        steps: u32,
        /// The membrane, as a share of the threshold, above which a neuron is heard.
        least: f32,
    },
    /// Initial potentials are corrected, layer by layer.
    OffsetSpikes {
        /// Steps of each layer's rehearsal.
        steps: u32,
    },
}

/// What a neuron did in a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rehearsed {
    lowest_firing: f64,
    highest_silent: f64,
}

impl Default for Rehearsed {
    fn default() -> Self {
        Self { lowest_firing: f64::INFINITY, highest_silent: f64::NEG_INFINITY }
    }
}

impl Rehearsed {
    /// Takes note of a step with membrane `u` before the reset.
    pub fn observe(&mut self, u: f64, fires: bool) {
        if fires {
            self.lowest_firing = self.lowest_firing.min(u);
        } else {
            self.highest_silent = self.highest_silent.max(u);
        }
    }
}

impl Rehearsal {
    /// Steps of a rehearsal.
    pub fn steps(self) -> u32 {
        match self {
            Self::Residual { steps, .. } | Self::OffsetSpikes { steps } => steps,
        }
    }

    /// Whether layers rehearse one after the other.
    pub fn is_sequential(self) -> bool {
        matches!(self, Self::OffsetSpikes { .. })
    }

    /// The potential that a neuron of threshold `θ` begins with after a rehearsal from `initial` that ended with
    /// `membrane`, and whether it is heard.
    pub fn outcome(self, threshold: f64, initial: f64, membrane: f64, rehearsed: Rehearsed) -> (f64, bool) {
        let Rehearsed { lowest_firing, highest_silent } = rehearsed;
        match self {
            Self::Residual { least, .. } => (initial, membrane > f64::from(least) * threshold),
            Self::OffsetSpikes { .. } if membrane < 0.0 && lowest_firing.is_finite() => {
                (initial - threshold.max(lowest_firing - 0.999 * threshold), true)
            }
            Self::OffsetSpikes { .. } if membrane >= threshold && highest_silent.is_finite() => {
                (initial + threshold.max(1.001 * threshold - highest_silent), true)
            }
            Self::OffsetSpikes { .. } => (initial, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(rehearsal: Rehearsal, membrane: f64, steps: &[(f64, bool)]) -> (f64, bool) {
        let mut rehearsed = Rehearsed::default();
        for &(u, fires) in steps {
            rehearsed.observe(u, fires);
        }
        rehearsal.outcome(2.0, 1.0, membrane, rehearsed)
    }

    #[test]
    fn residual_membranes_silence() {
        let rehearsal = Rehearsal::Residual { steps: 4, least: 0.25 };
        assert_eq!([0.75, 0.5, -1.0].map(|v| outcome(rehearsal, v, &[]).1), [true, false, false]);
        assert_eq!(outcome(rehearsal, 0.75, &[]).0, 1.0);
    }

    /// θ = 2, from 1.
    #[test]
    fn offset_spikes_move_the_beginning() {
        let rehearsal = Rehearsal::OffsetSpikes { steps: 3 };
        let fired = [(3.0, true), (9.0, true), (-1.0, false)];
        // 3 − 1.998 is less than θ
        assert_eq!(outcome(rehearsal, -0.5, &fired), (-1.0, true));
        // 7 − 1.998
        assert_eq!(outcome(rehearsal, -0.5, &[(7.0, true)]), (1.0 - (7.0 - 0.999 * 2.0), true));
        assert_eq!(outcome(rehearsal, -0.5, &[(-1.0, false)]), (1.0, true), "it sent nothing");
        assert_eq!(outcome(rehearsal, 0.5, &fired), (1.0, true), "it sent what it should");
        // 2.002 + 1
        assert_eq!(outcome(rehearsal, 2.0, &fired), (1.0 + (1.001 * 2.0 + 1.0), true));
        assert_eq!(outcome(rehearsal, 2.0, &[(1.5, false)]), (3.0, true));
        assert_eq!(outcome(rehearsal, 2.0, &[(3.0, true)]), (1.0, true), "it fires always");
    }
}
