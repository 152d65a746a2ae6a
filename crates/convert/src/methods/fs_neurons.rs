use spikeconverter_engine::Batch;
use spikeconverter_graph::Graph;
use spikeconverter_network::{NodeKind, Population};
use spikeconverter_neuron::Comparison;

use super::{Method, MethodInfo};
use crate::calibrate::fixed;
use crate::lower::lower;
use crate::{Base, Conversion, ConvertError, Options, Weights};

/// Few-spikes neurons (C. Stöckl, W. Maass, "Optimized spiking neurons can classify images with high accuracy through temporal
/// coding with two spikes", Nature Machine Intelligence 2021), for ReLU:
///
/// ```text
/// v(1) = the weighted sum, after all input has come;   for t = 1..T:
/// s(t) = [v(t) > α·2^-t];   v(t+1) = v(t) − α·2^-t s(t);   the neuron has sent Σ_t α·2^-t s(t)
/// ```
///
/// the binary digits of the activation, most significant first: a window in base 2 with threshold `α/2` that truncates.
///
/// # Confirmed of the paper, and ours
/// Confirmed, by the authors' code: the strict comparison; these coefficients for ReLU, one `α` for all layers (25, with 10 steps, for its networks).
/// Not taken over: coefficients optimised for other activations. Ours: `α` is the largest activation of any layer on the calibration samples; signed spikes where activations
/// can be negative; maxima of membranes and trains.
#[derive(Debug, Clone, Copy, Default)]
pub struct FsNeurons;

impl Method for FsNeurons {
    fn info(&self) -> MethodInfo {
        MethodInfo {
            name: "fs-neurons",
            paper: "Stöckl and Maass, Optimized Spiking Neurons Can Classify Images with High Accuracy Through Temporal Coding \
                    with Two Spikes, Nature Machine Intelligence 2021",
            year: 2021,
            neuron: "few-spikes neuron: accumulate, then send binary digits",
            code: "binary window, first spike most significant",
            schedule: "window",
            needs_calibration: true,
            needs_training: false,
            structures_published: "convolution, depthwise, linear, residual, batch normalisation; ReLU, SiLU and sigmoid",
            structures_here: "as spikeconverter",
            options: &["--time-steps", "--input"],
            figures: "ResNet-50 on CIFAR-10: 92.5 with 1.36 spikes a neuron (authors' repository); on ImageNet 75.47 on a part of \
                      the images; no comparable network here",
            when: "Where windows are long enough, weights must stay as they are and all neurons must have the same \
                   threshold: it is one number for the whole network, found in a pass of the trained one. The neuron \
                   accumulates, then sends binary digits; spikes are plain, and latency is a window for each layer. \
                   The range of the widest layer leaves few digits to the others, so that short windows transmit \
                   nothing: both networks measured here are at guessing at T = 4, and close to the trained ones from T \
                   = 8 on. `spikeconverter` has the same code with a threshold a channel, and is as close with half \
                   the steps.",
            recipe: None,
        }
    }

    fn convert(
        &self,
        graph: &Graph,
        calibration: &Batch,
        options: &Options,
        progress: &mut dyn FnMut(usize, usize) -> Result<(), ConvertError>,
    ) -> Result<Conversion, ConvertError> {
        let own = Options { base: Base::Fixed(2.0), half_step: false, bias_correction: false, ..options.clone() };
        own.check()?;
        own.check_no_delay()?;
        own.check_no_copies()?;
        own.check_window()?;
        if own.weights != Weights::F32 {
            let reason = "integer networks are converted by --method spikeconverter".to_owned();
            return Err(ConvertError::Option { option: "--weights", reason });
        }
        if calibration.count() == 0 {
            return Err(ConvertError::NoCalibration);
        }
        let lowered = lower(graph, own.time_steps, own.encoding)?;
        let layers = lowered.network.populations().count();
        let largest = fixed::largest_activation(&lowered, graph, calibration)?;
        let threshold = 0.5 * if largest > 0.0 { largest } else { 1.0 };
        let network = lowered.network.with_kinds(|_, kind| match kind {
            NodeKind::Population(population) => {
                let comparison = Comparison::Above;
                NodeKind::Population(Population { threshold: vec![threshold], comparison, ..population.clone() })
            }
            other => other.clone(),
        })?;
        fixed::report_on(&network, &lowered, graph, calibration, &mut |done| progress(done, layers))
    }
}
