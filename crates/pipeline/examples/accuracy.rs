//! Converts and evaluates every classifier that a preprocessing file lists, over several window lengths, and writes a
//! Markdown table. `bench/accuracy` runs it.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program that prints a table and its progress

use std::error::Error;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use spikeconverter_convert::{Base, Granularity, Options, WeightCalibration, Weights};
use spikeconverter_data::{DataReference, Dataset, ModelEntry, OpenOptions, PreprocessFile};
use spikeconverter_network::Encoding;
use spikeconverter_pipeline::{
    Calibration, ConvertRequest, EvaluateRequest, EvaluationReport, Model, convert, evaluate,
};

/// Accuracy of converted networks over the window's length, as a Markdown table.
#[derive(Parser)]
#[command(name = "bench/accuracy")]
#[allow(clippy::struct_excessive_bools)] // flags
struct Arguments {
    /// Models to run, by the names of their tables; all that have test data unless given
    #[arg(long, value_delimiter = ',')]
    models: Vec<String>,
    /// Window lengths
    #[arg(long, value_delimiter = ',', default_value = "2,3,4,5,6,8,16")]
    time_steps: Vec<u32>,
    /// Delays, each with every window that is longer, instead of populations that fire when their window is over
    #[arg(long, value_delimiter = ',')]
    delays: Vec<u32>,
    /// Have results after N steps, by layers of shorter windows, or, with delays, by layers that fire earlier
    #[arg(long)]
    max_latency: Option<u32>,
    /// Neurons for each activation
    #[arg(long, default_value_t = 1)]
    copies: u32,
    /// The first N test samples only
    #[arg(long)]
    limit: Option<usize>,
    /// At most this many calibration samples
    #[arg(long, default_value_t = 1024)]
    calibrate: usize,
    /// Seed of the choice of calibration samples
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Base of the code for all layers instead of the best for each
    #[arg(long)]
    base: Option<f32>,
    /// One threshold a layer instead of one a channel
    #[arg(long)]
    layer_thresholds: bool,
    /// Truncate instead of rounding
    #[arg(long)]
    no_half_step: bool,
    /// Do not correct means
    #[arg(long)]
    no_bias_correction: bool,
    /// How weights are calibrated: none, layer or network, instead of what suits the window
    #[arg(long, value_parser = weight_calibration)]
    weight_calibration: Option<WeightCalibration>,
    /// Samples enter as 8-bit pixels (models with other data are left out)
    #[arg(long)]
    pixels: bool,
    /// Numbers of the spiking network: f32 or i8, which implies pixels and base 2
    #[arg(long, default_value = "f32", value_parser = weights)]
    weights: Weights,
    /// Fail where the gap is larger than this many points
    #[arg(long)]
    max_gap: Option<f64>,
    /// Write the table here as well
    #[arg(long)]
    out: Option<PathBuf>,
    /// Rows a..b-1 of the calibration data, for trials, instead of the test data
    #[arg(long, num_args = 2)]
    held_out: Vec<usize>,
    /// Calibrate on made-up samples instead of the calibration data
    #[arg(long)]
    synthetic: bool,
    /// The preprocessing file, instead of models/preprocessing.toml in $SPIKECONVERTER_DATA
    #[arg(long)]
    preprocess: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let file =
        match &arguments.preprocess {
            Some(file) => file.clone(),
            None => Path::new(&std::env::var_os("SPIKECONVERTER_DATA").ok_or(
                "SPIKECONVERTER_DATA is not set; it must name the folder that holds models/preprocessing.toml",
            )?)
            .join("models/preprocessing.toml"),
        };
    let models = PreprocessFile::read(&file)?;
    if let Some(unknown) = arguments.models.iter().find(|name| !models.models().contains_key(*name)) {
        return Err(format!("{} has no model `{unknown}`", file.display()).into());
    }
    let mut table = head(arguments);
    print!("{table}");
    for (name, entry) in models.models() {
        if !arguments.models.is_empty() && !arguments.models.contains(name) {
            continue;
        }
        let (Some(onnx), Some(test), Some(calibrate)) = (&entry.file, &entry.test, &entry.calibrate) else {
            eprintln!("{name}: left out, no test or calibration data");
            continue;
        };
        let model = Model::open(onnx, None)?;
        let (test, train) = match *arguments.held_out {
            [first, last] => (part(calibrate, first..last)?, part(calibrate, 0..first)?),
            _ => (open(test, arguments.limit)?, open(calibrate, None)?),
        };
        let train = if arguments.synthetic {
            let layout = entry.preprocessing.layout;
            Dataset::synthetic(model.input_shape(), layout, arguments.calibrate, arguments.seed)?
        } else {
            train
        };
        if pixels(arguments) && test.integer_range().is_none() {
            eprintln!("{name}: left out, its data are no 8-bit pixels");
            continue;
        }
        for &time_steps in &arguments.time_steps {
            let delays = arguments.delays.iter().copied().filter(|&delay| delay <= time_steps).map(Some);
            let delays: Vec<Option<u32>> = if arguments.delays.is_empty() { vec![None] } else { delays.collect() };
            for delay in delays {
                let line = measure(arguments, name, entry, &model, (&train, &test), (time_steps, delay))?;
                print!("{line}");
                table.push_str(&line);
            }
        }
    }
    if let Some(out) = &arguments.out {
        std::fs::write(out, table).map_err(|error| format!("cannot write {}: {error}", out.display()))?;
    }
    Ok(())
}

fn open(reference: &DataReference, limit: Option<usize>) -> Result<Dataset, spikeconverter_data::Error> {
    Dataset::open(&reference.path, &OpenOptions { limit, ..reference.options.clone() })
}

/// Some rows of what a reference names.
fn part(reference: &DataReference, rows: Range<usize>) -> Result<Dataset, spikeconverter_data::Error> {
    let first = reference.options.range.as_ref().map_or(0, |range| range.start);
    let range = Some(first + rows.start..first + rows.end);
    Dataset::open(&reference.path, &OpenOptions { range, ..reference.options.clone() })
}

/// Head of the table, below a line that says what was asked for.
fn head(arguments: &Arguments) -> String {
    let mut options = options(arguments, 1, None).record();
    if arguments.weight_calibration.is_none() {
        options.insert("weight_calibration".into(), "as suits T".into());
    }
    let told = options.iter().filter(|(name, _)| *name != "time_steps").map(|(name, value)| format!("{name} {value}"));
    format!(
        "Method spikeconverter; {}; seed {}. Gap: ANN minus SNN, points.\n\n\
         | model | T | δ | ANN % | SNN % | gap | agreement % | spikes/neuron | latency, steps | energy SNN/ANN \
         | test images | calibration images | conversion, s | samples/s |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        told.collect::<Vec<_>>().join(", "),
        arguments.seed
    )
}

fn options(arguments: &Arguments, time_steps: u32, delay: Option<u32>) -> Options {
    Options {
        time_steps,
        delay,
        copies: arguments.copies,
        // beside delays, whole windows stay as they are
        max_latency: arguments.max_latency.filter(|_| delay.is_none_or(|delay| delay < time_steps)),
        base: arguments.base.map_or(Base::Auto, Base::Fixed),
        thresholds: arguments.layer_thresholds.then_some(Granularity::Layer),
        half_step: !arguments.no_half_step,
        bias_correction: !arguments.no_bias_correction,
        weight_calibration: arguments.weight_calibration,
        encoding: if pixels(arguments) { Encoding::Pixels } else { Encoding::Analog },
        weights: arguments.weights,
        ..Options::default()
    }
}

/// Whether samples enter as pixels.
fn pixels(arguments: &Arguments) -> bool {
    arguments.pixels || arguments.weights == Weights::I8
}

fn weights(text: &str) -> Result<Weights, String> {
    let all = [Weights::F32, Weights::I8];
    all.into_iter().find(|weights| weights.name() == text).ok_or_else(|| "must be f32 or i8".into())
}

fn weight_calibration(text: &str) -> Result<WeightCalibration, String> {
    let named = |name: &WeightCalibration| name.name() == text;
    WeightCalibration::ALL.into_iter().find(named).ok_or_else(|| "must be none, layer or network".into())
}

/// Converts and evaluates; a line of the table.
fn measure(
    arguments: &Arguments,
    name: &str,
    entry: &ModelEntry,
    model: &Model,
    (train, test): (&Dataset, &Dataset),
    (time_steps, delay): (u32, Option<u32>),
) -> Result<String, Box<dyn Error>> {
    let request = ConvertRequest {
        options: options(arguments, time_steps, delay),
        calibration: Calibration { samples: arguments.calibrate, seed: arguments.seed, ..Calibration::default() },
        ..ConvertRequest::new(model, train, entry.preprocessing.clone())
    };
    let converted = convert(&request, &mut |_| ())?;
    let report: EvaluationReport =
        evaluate(&EvaluateRequest::new(&converted.file, model.path(), test), &mut |_| ())?.report;
    let mut line = String::new();
    if let (Some(most), Some(gap)) = (arguments.max_gap, report.gap())
        && 100.0 * gap > most
    {
        return Err(format!("{name} at T = {time_steps}: a gap of {:.2} points, more than {most}", 100.0 * gap).into());
    }
    writeln!(
        line,
        "| {name} | {time_steps} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.3} | {} | {:.2} | {} | {} | {:.1} | {:.0} |",
        delay.unwrap_or(time_steps),
        percent(report.ann_accuracy),
        percent(report.snn_accuracy),
        percent(report.gap()),
        100.0 * report.agreement,
        report.spikes_per_neuron,
        report.latency_steps,
        report.snn_energy_joule / report.ann_energy_joule,
        report.images,
        converted.report.calibration.samples,
        converted.report.seconds,
        report.images_per_second,
    )?;
    Ok(line)
}

/// NaN where there are no labels, which prints as such.
fn percent(share: Option<f64>) -> f64 {
    100.0 * share.unwrap_or(f64::NAN)
}
