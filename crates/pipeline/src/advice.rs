//! What other settings of a conversion would win, measured.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use spikeconverter_convert::{
    Base, CalibrationRule, ConvertError, Granularity, MethodInfo, Options, Parts, RecipeInfo, WeightCalibration,
    Weights, method,
};
use spikeconverter_data::Dataset;
use spikeconverter_graph::Graph;
use spikeconverter_network::{NetworkBuilder, Simulation, SnnFile};

use crate::calibration::{choose_rows, gather};
use crate::memory::peak_bytes;
use crate::stop::check_conversion;
use crate::{Calibration, Error, EvaluateRequest, Progress, Result, SampleFeed, evaluate};

/// Samples that a trial is calibrated on at most.
const TRIAL_SAMPLES: usize = 512;
/// Fewer samples than this show nothing.
const FEWEST_SAMPLES: usize = 16;

/// A change of settings and what it wins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Advice {
    /// In one sentence.
    pub sentence: String,
    /// Accuracy that it wins (without labels: agreement with the trained network), as a share of samples.
    pub gain: f64,
    /// Samples that it was measured on; it was calibrated on others.
    pub samples: u64,
    /// The command that applies it.
    pub command: String,
}

/// A change to try: what it is, and the options with it.
struct Trial {
    what: String,
    options: Options,
}

/// Tries what may help a network. Half of the data calibrates, the other half tells; labels are used for telling only.
pub(crate) fn advise(
    file: &SnnFile,
    path: &Path,
    data: &Dataset,
    feed: &SampleFeed,
    graph: &Graph,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Advice>> {
    let half = data.len() / 2;
    let known = method(&file.provenance.method).zip(Options::of_record(&file.provenance.options));
    let Some((method, options)) = known.filter(|_| half >= FEWEST_SAMPLES) else { return Ok(Vec::new()) };
    let (calibrate, measure) = (data.select(0..half)?, data.select(half..data.len())?);
    let count = Calibration { samples: TRIAL_SAMPLES, ..Calibration::default() }.count(half, peak_bytes(graph));
    let rows = choose_rows(half, count, 0);
    let samples = gather(&calibrate, feed, file.network.input_shape(), &rows, stop, progress)?;
    let mut right = |file: &SnnFile| -> Result<(f64, u64)> {
        let report =
            evaluate(&EvaluateRequest { stop, ..EvaluateRequest::new(file, path, &measure) }, progress)?.report;
        Ok((report.snn_accuracy.unwrap_or(report.agreement), report.images))
    };
    let (now, images) = right(file)?;
    let mut advice = Vec::new();
    let info = method.info();
    let trials = if info.schedule == Simulation::Stream.name() {
        trials_of_stream(&info, &options)
    } else {
        trials_of_window(&info, &options)
    };
    for Trial { what, options } in trials {
        let network = match method.convert(graph, &samples, &options, &mut |_, _| check_conversion(stop)) {
            Ok(converted) => converted,
            // not every part combines with every other
            Err(ConvertError::Option { .. }) => continue,
            Err(ConvertError::Stopped) => return Err(Error::Stopped),
            Err(source) => return Err(Error::Convert { file: path.to_owned(), source: Box::new(source) }),
        };
        let changed = SnnFile { network: network.network, ..file.clone() };
        let gain = right(&changed)?.0 - now;
        if gain > 0.0 {
            advice.push(Advice {
                sentence: format!("{what} wins {:.1} points on {images} samples.", 100.0 * gain),
                gain,
                samples: images,
                command: command(file, &options),
            });
        }
    }
    advice.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    Ok(advice)
}

/// Changes that a windowed method's options leave room for.
fn trials_of_window(info: &MethodInfo, options: &Options) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut trial = |option: &str, what: String, options: Options| {
        if info.options.contains(&option) {
            trials.push(Trial { what, options });
        }
    };
    let real = options.weights == Weights::F32;
    if options.thresholds == Some(Granularity::Layer) {
        let thresholds = Some(Granularity::Channel);
        trial("--thresholds", "A threshold a channel".into(), Options { thresholds, ..options.clone() });
    }
    if !options.half_step {
        let rounding = Options { half_step: true, ..options.clone() };
        trial("--no-half-step", "Rounding instead of truncating".into(), rounding);
    }
    if !options.bias_correction {
        let corrected = Options { bias_correction: true, ..options.clone() };
        trial("--no-bias-correction", "Correcting biases".into(), corrected);
    }
    if options.implied_weight_calibration() < WeightCalibration::Network {
        let weight_calibration = Some(WeightCalibration::Network);
        let options = Options { weight_calibration, ..options.clone() };
        trial("--weight-calibration", "Calibrating weights against the network's result".into(), options);
    }
    if !real {
        let options = Options { weights: Weights::F32, ..options.clone() };
        trial("--weights", "Keeping weights in floating point".into(), options);
    }
    if real {
        let copies = options.copies + 1;
        let what = if copies == 2 { "A second neuron".to_owned() } else { format!("{copies} neurons") };
        trial("--copies", format!("{what} for each activation"), Options { copies, ..options.clone() });
    }
    let one_sign = match options.implied_base() {
        Base::Auto => true,
        Base::Fixed(base) => base <= 2.0,
    };
    let hears_all = options.delay.is_none_or(|delay| delay >= options.time_steps);
    if real && one_sign && options.half_step && hears_all {
        let options = Options { base: Base::Fixed(3.0), ..options.clone() };
        trial("--base", "Spikes of both signs in base 3".into(), options);
    }
    let longer = options.time_steps + 1;
    if longer <= NetworkBuilder::MOST_WINDOW_STEPS {
        trial("--time-steps", format!("A window of {longer} steps"), Options { time_steps: longer, ..options.clone() });
    }
    trials
}

/// Changes that a streaming method's options leave room for.
fn trials_of_stream(info: &MethodInfo, options: &Options) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut trial = |what: String, options: Options| trials.push(Trial { what, options });
    let own = info.recipe.map(|recipe: RecipeInfo| recipe.thresholds);
    if options.thresholds.or(own) == Some(Granularity::Layer) {
        trial("A threshold a channel".into(), Options { thresholds: Some(Granularity::Channel), ..options.clone() });
    }
    let corrects = options.parts.calibration.or(info.recipe.map(|recipe| recipe.calibration_rule));
    if corrects == Some(CalibrationRule::None) {
        let parts = Parts { calibration: Some(CalibrationRule::Bias), ..options.parts };
        trial("Correcting biases layer by layer".into(), Options { parts, ..options.clone() });
    }
    let longer = 2 * options.time_steps;
    if longer <= NetworkBuilder::MOST_STREAMING_STEPS {
        trial(format!("A simulation of {longer} steps"), Options { time_steps: longer, ..options.clone() });
    }
    trials
}

/// The command that converts with these options.
fn command(file: &SnnFile, options: &Options) -> String {
    let mut command = format!("spikeconverter convert {} --data <training data>", file.provenance.source);
    if file.provenance.method != "spikeconverter" {
        command.push_str(" --method ");
        command.push_str(&file.provenance.method);
    }
    command.push_str(&options.flags());
    command.push_str(" -o net.snn");
    command
}
