use serde::{Deserialize, Serialize};
use spikeconverter_neuron::{IntegrateFire, Reset, WindowCode};

use crate::population::{check_parameters, of_channel};

/// A population of integrate-and-fire neurons that listens and fires in every step. A spike carries `θ`, so that the
/// spike rate times `θ` is the activation it stands for (a ReLU clipped at `θ`).
///
/// Neurons are grouped in channels, the first axis of the population's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamingPopulation {
    /// Threshold `θ > 0` in units of the activation: one, or one a channel.
    pub threshold: Vec<f32>,
    /// What becomes of the membrane when a neuron fires.
    pub reset: Reset,
    /// Membrane potential before the first step, in units of the activation: none (empty: 0), one, or one a channel.
    pub initial: Vec<f32>,
}

impl StreamingPopulation {
    /// The neuron model in a channel, with membranes of type `f64`.
    pub fn neuron(&self, channel: usize) -> IntegrateFire<f64> {
        IntegrateFire { threshold: f64::from(self.threshold(channel)), reset: self.reset }
    }

    /// Threshold of a channel.
    pub fn threshold(&self, channel: usize) -> f32 {
        of_channel(&self.threshold, channel)
    }

    /// Membrane potential of a channel before the first step.
    pub fn initial(&self, channel: usize) -> f32 {
        if self.initial.is_empty() { 0.0 } else { of_channel(&self.initial, channel) }
    }

    /// The code of its trains in a simulation of `steps` time steps: a rate code. The value of a train is its number of
    /// spikes times `θ / steps`.
    pub fn code(&self, steps: u32) -> WindowCode {
        WindowCode { base: 1.0, steps }
    }

    /// Checks all parameters for `channels` channels.
    pub(crate) fn check(&self, channels: usize) -> Result<(), String> {
        check_parameters(&self.threshold, &self.initial, channels)
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::{MaxPool, Window};

    use super::*;
    use crate::{Encoding, NetworkBuilder, NodeKind, Population, Transfer};

    fn streaming(threshold: f32) -> NodeKind {
        NodeKind::Streaming(StreamingPopulation { threshold: vec![threshold], reset: Reset::Subtract, initial: vec![] })
    }

    fn windowed() -> NodeKind {
        NodeKind::Population(Population {
            transfer: Transfer::Relu,
            base: 2.0,
            threshold: vec![1.0],
            half_step: false,
            initial: Vec::new(),
            pool: None,
            amplitude: None,
        })
    }

    #[test]
    fn a_network_is_windowed_or_streaming() {
        let mut stream = NetworkBuilder::streaming(32, "x", vec![1, 4]).unwrap();
        let error = stream.add("p", windowed(), &[stream.input()]).unwrap_err().to_string();
        assert!(error.contains("`p`") && error.contains("never both"), "{error}");
        let p = stream.add("p", streaming(1.0), &[stream.input()]).unwrap();
        let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
        let error = stream.add("max", NodeKind::MaxPool(pool), &[p]).unwrap_err().to_string();
        assert!(error.contains("`max`") && error.contains("average pooling"), "{error}");
        let mut window = NetworkBuilder::new(4, "x", vec![1, 4], Encoding::Analog).unwrap();
        let error = window.add("p", streaming(1.0), &[window.input()]).unwrap_err().to_string();
        assert!(error.contains("never both"), "{error}");
    }

    #[test]
    fn streaming_parameters_are_checked() {
        for steps in [0, 4097] {
            assert!(NetworkBuilder::streaming(steps, "x", vec![2]).is_err());
        }
        assert!(NetworkBuilder::streaming(4096, "x", vec![2]).is_ok());
        let mut b = NetworkBuilder::streaming(8, "x", vec![2]).unwrap();
        for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(b.add("p", streaming(bad), &[b.input()]).is_err());
        }
        let three = StreamingPopulation { threshold: vec![1.0; 3], reset: Reset::Zero, initial: vec![] };
        assert!(b.add("p", NodeKind::Streaming(three.clone()), &[b.input()]).is_err());
        let initial = StreamingPopulation { threshold: vec![1.0; 2], initial: vec![f32::NAN], ..three };
        assert!(b.add("p", NodeKind::Streaming(initial), &[b.input()]).is_err());
    }
}
