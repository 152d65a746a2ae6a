use serde::{Deserialize, Serialize};

/// What a streaming network's wires carry in a step, of the signal `r(t)` that they stand for. A listener makes the signal
/// again from what it received, a speaker sends what the listener cannot know:
///
/// ```text
/// rate:          received x(t):  r(t) = x(t)
/// switch:        received x(t):  r(t) = r(t-1) + x(t)
/// differential:  received x(t):  r(t) = m(t-1) + x(t);   m(t) = m(t-1) + x(t)/t
/// ```
///
/// In differential coding `m(t)` is the mean of `r(1..t)`, so that no spike says "as before". What is constant (samples,
/// biases) is sent in the first step only, by the same rules: there `r(1) = x(1)`, and later nothing.
///
/// **Switch** is derived from temporal-switch coding (B. Han, K. Roy, "Deep spiking neural network: energy efficiency
/// through time based coding", ECCV 2020): an input spike switches a current on and its opposite switches it off.
/// Confirmed: bipolar spikes, and that a synapse is accessed when they come only. The output neuron's timing is not; here
/// it is any streaming neuron whose train is sent as its changes, one pair of spikes for each run of spikes.
///
/// **Differential**: Huang et al., "Differential coding for training-free ANN-to-SNN conversion", ICML 2025.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamCoding {
    /// The signal itself.
    #[default]
    Rate,
    /// Its changes.
    Switch,
    /// Its difference from the mean so far.
    Differential,
}

impl StreamCoding {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Switch => "switch",
            Self::Differential => "differential",
        }
    }

    /// Whether what is constant acts in each step by itself.
    pub fn repeats_constants(self) -> bool {
        self == Self::Rate
    }

    /// The signal of step `t` (from 1) by what was received; `estimate`, 0 before the first step, is what is expected
    /// of the next.
    pub fn decode(self, estimate: &mut f64, received: f64, t: u32) -> f64 {
        let signal = *estimate + received;
        match self {
            Self::Rate => {}
            Self::Switch => *estimate = signal,
            Self::Differential => *estimate += received / f64::from(t),
        }
        signal
    }

    /// What to send of a signal in step `t`; `estimate` as for the listener.
    pub fn encode(self, estimate: &mut f64, signal: f64, t: u32) -> f64 {
        let sent = signal - *estimate;
        self.decode(estimate, sent, t);
        sent
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(coding: StreamCoding, signal: &[f64]) -> Vec<f64> {
        let mut estimate = 0.0;
        signal.iter().zip(1..).map(|(&r, t)| coding.encode(&mut estimate, r, t)).collect()
    }

    /// Means of 1, 1, 4 so far: 0, 1, 1.
    #[test]
    fn hand_worked() {
        let signal = [1.0, 1.0, 4.0, 0.0];
        assert_eq!(sent(StreamCoding::Rate, &signal), signal);
        assert_eq!(sent(StreamCoding::Switch, &signal), [1.0, 0.0, 3.0, -4.0]);
        assert_eq!(sent(StreamCoding::Differential, &signal), [1.0, 0.0, 3.0, -2.0]);
    }

    proptest! {
        #[test]
        fn listeners_make_the_signal_again(signal in prop::collection::vec(-4.0f64..4.0, 1..20)) {
            for coding in [StreamCoding::Rate, StreamCoding::Switch, StreamCoding::Differential] {
                let mut estimate = 0.0;
                for ((x, r), t) in sent(coding, &signal).into_iter().zip(&signal).zip(1..) {
                    prop_assert!((coding.decode(&mut estimate, x, t) - r).abs() < 1e-9);
                }
            }
        }
    }
}
