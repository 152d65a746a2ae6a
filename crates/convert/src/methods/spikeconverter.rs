use spikeconverter_engine::Batch;
use spikeconverter_graph::Graph;

use super::{Method, MethodInfo};
use crate::calibrate::{calibrate, correct, turns};
use crate::copies::copied;
use crate::lower::lower;
use crate::online::online;
use crate::quantise::quantise;
use crate::windows;
use crate::{Conversion, ConvertError, Options, Weights};

/// SpikeConverter: temporal separation and inverse-leaky neurons (F. Liu, W. Zhao, Y. Chen, Z. Wang, L. Jiang, AAAI
/// 2022, 36(2):1692-1701).
///
/// A population first accumulates its inputs for `T` steps without firing, then fires for `T` steps without input:
///
/// ```text
/// accumulate:  u ← k·u + Σ_i w_i θ_i s_i(t)
/// hand over:   v ← u·k^-(T-1) (+ ½ θ k^-(T-1))
/// generate:    s(t) = [v ≥ θ];   v ← k·(v − θ·s(t))
/// ```
///
/// so that the decoded train `θ Σ_t k^-(t-1) s(t)` is the activation up to the code's resolution and range.
///
/// # Confirmed of the paper, and ours
/// Confirmed (by secondary sources; the authors published no code): accumulation before generation, a damping
/// coefficient above 1, and that threshold and coefficient minimise a defined conversion error. Headline: T = 16 with
/// the accuracy of the trained network on VGG-16, ResNet-20/34 and MobileNet-v2.
///
/// Ours, by derivation and experiment: the error (mean square of transmitted minus trained activation on calibration
/// samples, see `threshold`), thresholds a channel, the half step that rounds (`half_step`), initial membrane
/// potentials of least error (`bias_correction`), signed generation for layers without a ReLU and for
/// leaky ones, the maximum on membranes and on trains, 8-bit pixels as their own 8 spikes, and clipping at the
/// hand-over for ReLU6, integer networks (`quantise`), generation before the window is over (`online`), with delays by layer,
/// bases above 2 with the nearest digit of −1, 0 and 1, and several neurons for each activation (`copies`). Figures printed in the paper are not confirmed and therefore not quoted.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpikeConverter;

impl Method for SpikeConverter {
    fn info(&self) -> MethodInfo {
        MethodInfo {
            name: "spikeconverter",
            paper: "Liu et al., SpikeConverter: An Efficient Conversion Framework Zipping the Gap between Artificial \
                    Neural Networks and Spiking Neural Networks, AAAI 2022",
            year: 2022,
            neuron: "inverse-leaky integrate-and-fire (iLIF), accumulate then generate",
            code: "base-k window, k in [1, 3], first spike most significant; both signs above 2",
            schedule: "window",
            needs_calibration: true,
            needs_training: false,
            structures_published: "VGG, ResNet, MobileNet-v2 (named in the abstract; the rules are not confirmed)",
            structures_here: "convolution (grouped, depthwise, dilated, transposed), linear, residual, concatenation, \
                              average and max pooling, ReLU, any clip, leaky and parametric ReLU, layers without \
                              activation, biases of any size",
            options: &[
                "--time-steps",
                "--base",
                "--thresholds",
                "--no-half-step",
                "--no-bias-correction",
                "--weight-calibration",
                "--delay",
                "--max-latency",
                "--copies",
                "--input",
                "--weights",
            ],
            figures: "not confirmed",
            when: "The first choice wherever a result may wait: from T = 4 on no method measured here agrees with the \
                   trained network on more samples, with plain binary spikes and little energy. A neuron needs its \
                   membrane doubled in each step (or times another base), a signal that ends the accumulation, and a \
                   second membrane where samples follow each other; no other method makes integer networks \
                   (`--weights`). Calibration is a walk through both networks, and takes longer where short windows \
                   calibrate weights as well. Its price is latency, a window for each layer, of which `--delay` saves \
                   a part, `--base` 3 another for spikes of both signs, and `--copies` a third for more neurons; for \
                   results after a few steps use `dcgs` or `group`.",
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
        options.check()?;
        options.check_window()?;
        if calibration.count() == 0 {
            return Err(ConvertError::NoCalibration);
        }
        let mut lowered = copied(lower(graph, options.time_steps, options.encoding)?, options.copies)?;
        options.check_latency(&lowered)?;
        options.check_maxima(&lowered)?;
        let (layers, populations) = (lowered.layers(), lowered.network.populations().count());
        let fitting = turns(options) * layers;
        match options.weights {
            Weights::F32 => {
                let choosing = if windows::are_chosen(&lowered, options) { layers + populations } else { 0 };
                let all = choosing + fitting + options.online_turns(populations);
                if choosing > 0 {
                    let mut done = 0;
                    let mut tried = |counts: bool| {
                        done += usize::from(counts);
                        progress(done, all)
                    };
                    lowered = windows::chosen(lowered, graph, calibration, options, &mut tried)?;
                }
                let mut fitted = |done| progress(choosing + done, all);
                let windows = calibrate(&lowered, graph, calibration, options, &mut fitted)?;
                let mut done = choosing + fitting;
                let mut tried = |counts: bool| {
                    done += usize::from(counts);
                    progress(done, all)
                };
                match options.online_delay() {
                    Some(delay) => online(windows, &lowered, graph, calibration, delay, options, &mut tried),
                    None => Ok(windows),
                }
            }
            Weights::I8 => {
                let mut float = |done| progress(done, fitting + layers);
                let float = calibrate(&lowered, graph, calibration, options, &mut float)?;
                let quantised = quantise(&float.network, &lowered.targets)?;
                let mut integers = |done| progress(fitting + done, fitting + layers);
                let conversion = correct(&quantised, graph, calibration, options.bias_correction, &mut integers)?;
                // engines would run it, and slowly: nobody would notice
                conversion.network.is_integer().then_some(conversion).ok_or_else(|| {
                    let reason = "its numbers cannot all be made integers; convert it with --weights f32";
                    ConvertError::Network(reason.into())
                })
            }
        }
    }
}
