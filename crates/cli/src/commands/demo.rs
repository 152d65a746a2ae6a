//! `spikeconverter demo`: a network that ships with the program, converted and evaluated over the window's length.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde::Serialize;
use spikeconverter_convert::Options;
use spikeconverter_data::{Dataset, OpenOptions, Preprocessing};
use spikeconverter_pipeline::{
    CompareRequest, ConvertRequest, EvaluateRequest, EvaluationReport, Model, compare, convert, evaluate,
};

use crate::Failure;
use crate::args::DemoArgs;
use crate::commands::compare::write_report;
use crate::interrupt;
use crate::output::{check_output, emit, emit_json};
use crate::progress::ComparisonBar;
use spikeconverter_report::text::{Table, percent, percent_if, points_if};

/// The network and its images; `demo/README.md` says where they come from.
const FILES: [(&str, &[u8]); 3] = [
    ("digits.onnx", include_bytes!("../../../../demo/digits.onnx")),
    ("digits-train.npz", include_bytes!("../../../../demo/digits-train.npz")),
    ("digits-test.npz", include_bytes!("../../../../demo/digits-test.npz")),
];
/// Pixels are 0 to 16.
const SCALE: f64 = 1.0 / 16.0;
/// Methods of the report, few enough for a short wait: windows, and streams of plain, burst, signed and graded spikes.
const METHODS: [&str; 7] = ["spikeconverter", "rueckauer2017", "li2021-light", "bu2022", "li2022", "snm", "dcgs"];
/// Window lengths shown.
const TIME_STEPS: [u32; 6] = [1, 2, 3, 4, 6, 8];
/// Those of the report.
const REPORTED: [u32; 4] = [2, 4, 8, 16];

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    model: &'static str,
    calibration_samples: usize,
    rows: Vec<EvaluationReport>,
    seconds: f64,
}

pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    if let Some(report) = &args.report {
        check_output(report, "--report", &[])?;
    }
    let temporary = tempfile::tempdir().map_err(Failure::Temporary)?;
    let folder = args.write.as_deref().unwrap_or(temporary.path());
    write_files(folder)?;
    let model = Model::open(&folder.join("digits.onnx"), None)?;
    let open = |name: &str| Dataset::open(folder.join(name), &OpenOptions::default());
    let (train, test) = (open("digits-train.npz")?, open("digits-test.npz")?);
    let preprocessing = Preprocessing { scale: Some(SCALE), ..Preprocessing::default() };
    let (mut rows, mut calibration_samples) = (Vec::new(), 0);
    for time_steps in TIME_STEPS {
        let request = ConvertRequest {
            options: Options { time_steps, ..Options::default() },
            ..ConvertRequest::new(&model, &train, preprocessing.clone())
        };
        let converted = convert(&request, &mut |_| ())?;
        calibration_samples = converted.report.calibration.samples;
        let request = EvaluateRequest::new(&converted.file, Path::new("the demo's network"), &test);
        rows.push(evaluate(&request, &mut |_| ())?.report);
    }
    if let Some(report) = &args.report {
        let request = CompareRequest {
            methods: METHODS.map(str::to_owned).to_vec(),
            time_steps: REPORTED.to_vec(),
            ..CompareRequest::new(&model, &test, &train, preprocessing, interrupt::watch())
        };
        let mut bar = ComparisonBar::new();
        write_report(report, &compare(&request, &mut |progress| bar.tell(progress))?)?;
    }
    let answer = Answer { model: "digits.onnx", calibration_samples, rows, seconds: started.elapsed().as_secs_f64() };
    if args.json {
        emit_json(&answer)?;
    } else {
        emit(&text(&answer, args.write.as_deref(), args.report.as_deref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_files(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|source| Failure::Output {
        path: folder.to_owned(),
        option: "--write",
        source,
    })?;
    for (name, bytes) in FILES {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(|source| Failure::Output { path, option: "--write", source })?;
    }
    Ok(())
}

fn text(answer: &Answer, written: Option<&Path>, report: Option<&Path>) -> String {
    let mut table = Table::new(&["T", "ANN", "SNN", "gap", "agreement", "spikes/neuron", "latency", "energy SNN/ANN"]);
    for row in &answer.rows {
        table.row([
            row.time_steps.to_string(),
            percent_if(row.ann_accuracy),
            percent_if(row.snn_accuracy),
            points_if(row.gap()),
            percent(row.agreement),
            format!("{:.3}", row.spikes_per_neuron),
            format!("{} steps", row.latency_steps),
            format!("{:.2}", row.snn_energy_joule / row.ann_energy_joule),
        ]);
    }
    let images = answer.rows.first().map_or(0, |row| row.images);
    let folder = written.map_or_else(|| "digits".to_owned(), |folder| folder.display().to_string());
    let first = match written {
        Some(_) => format!("spikeconverter check {folder}/digits.onnx"),
        None => format!("spikeconverter demo --write {folder}        # puts the model and its images there"),
    };
    format!(
        "A convolutional network for handwritten digits with max-pooling and a residual block, converted by\n\
         SpikeConverter on {} images and tested on {images} others, each image as the network sees it and as spikes:\n\n\
         {}\n\
         T: steps a window. gap: ANN minus SNN in points. energy: estimate at 45 nm, 4.6 pJ a multiply-accumulate\n\
         against 0.9 pJ a synaptic operation, no memory. Took {:.1} s.\n{}\n\
         Next:\n  {first}\n  \
         spikeconverter convert {folder}/digits.onnx --data {folder}/digits-train.npz --scale 1/16 -T 4 -o digits.snn\n  \
         spikeconverter eval digits.snn --data {folder}/digits-test.npz\n",
        answer.calibration_samples,
        table.render(),
        answer.seconds,
        report.map(|report| format!("{} methods compared: {}\n", METHODS.len(), report.display())).unwrap_or_default(),
    )
}
