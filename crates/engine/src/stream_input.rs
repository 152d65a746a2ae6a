use spikeconverter_network::{Encoding, SpikingNetwork};
use spikeconverter_neuron::{Phases, PoissonTrains};

/// What a sample sends into a streaming network in each step.
pub(crate) enum StreamInput {
    /// The sample itself; in the first step only where the wires' coding makes it last.
    Analog { repeats: bool },
    /// Binary digits of pixels, again and again.
    Pixels,
    /// Random spikes.
    Poisson(PoissonTrains),
}

impl StreamInput {
    pub(crate) fn new(network: &SpikingNetwork, sample: &[f32]) -> Self {
        match network.encoding() {
            Encoding::Analog => Self::Analog { repeats: network.coding().repeats_constants() },
            Encoding::Pixels => Self::Pixels,
            Encoding::Poisson { seed } => Self::Poisson(PoissonTrains::new(seed, sample.iter().copied())),
        }
    }

    /// What element number `element`, whose value is `x`, sends in step `t` (from 1).
    pub(crate) fn value(&self, element: usize, x: f32, t: u32) -> f32 {
        match self {
            Self::Analog { repeats } => {
                if *repeats || t == 1 {
                    x
                } else {
                    0.0
                }
            }
            Self::Pixels => {
                let digit = Phases { period: Encoding::PIXEL_STEPS }.digit(t);
                // a digit is sent once in a period and counts for all of it
                f32::from(x as u8 & (1 << digit)) * Encoding::PIXEL_STEPS as f32
            }
            Self::Poisson(trains) => {
                let largest = Encoding::LARGEST_PIXEL;
                if trains.fires(element, t, f64::from(x) / f64::from(largest)) { largest } else { 0.0 }
            }
        }
    }

    /// Spikes of each element in `steps` steps; none of currents.
    pub(crate) fn spikes(&self, sample: &[f32], steps: u32) -> Vec<u32> {
        let fires = |element, x, t| u32::from(self.value(element, x, t) != 0.0);
        let count = |(element, &x): (usize, &f32)| (1..=steps).map(|t| fires(element, x, t)).sum();
        match self {
            Self::Analog { .. } => vec![0; sample.len()],
            _ => sample.iter().enumerate().map(count).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 192 = 11000000: two spikes of 1024 and 512 in each 8 steps, 192 a step on average.
    #[test]
    fn pixels_are_weighted_spikes() {
        let sent: Vec<f32> = (1..=9).map(|t| StreamInput::Pixels.value(0, 192.0, t)).collect();
        assert_eq!(sent, [1024.0, 512.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1024.0]);
        assert_eq!(StreamInput::Pixels.spikes(&[192.0, 0.0, 255.0], 16), [4, 0, 16]);
    }

    #[test]
    fn poisson_trains_of_the_extremes_are_certain() {
        let input = StreamInput::Poisson(PoissonTrains::new(0, [0.0, 255.0]));
        assert_eq!(input.spikes(&[0.0, 255.0], 50), [0, 50]);
        assert_eq!(input.value(1, 255.0, 3), 255.0);
    }

    #[test]
    fn currents_last() {
        let of = |repeats| [1, 2].map(|t| StreamInput::Analog { repeats }.value(0, 0.5, t));
        assert_eq!((of(true), of(false)), ([0.5, 0.5], [0.5, 0.0]));
    }
}
