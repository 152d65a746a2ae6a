//! Comparisons on the network that ships with the program.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use spikeconverter_convert::Options;
use spikeconverter_data::{Dataset, OpenOptions, Preprocessing};
use spikeconverter_engine::{Batch, Engine, ReferenceEngine};
use spikeconverter_pipeline::{
    Calibration, Cell, CellResult, CompareRequest, Comparison, ConvertRequest, Error, EvaluateRequest,
    EvaluationReport, Model, compare, convert, evaluate,
};

static GO_ON: AtomicBool = AtomicBool::new(false);

/// The demo's files, opened.
struct Demo {
    model: Model,
    train: Dataset,
    test: Dataset,
}

impl Demo {
    fn open(limit: usize) -> Self {
        let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo").join(name);
        let data = |name: &str, limit| {
            Dataset::open(file(name), &OpenOptions { limit: Some(limit), ..OpenOptions::default() }).unwrap()
        };
        Self {
            model: Model::open(&file("digits.onnx"), None).unwrap(),
            train: data("digits-train.npz", 256),
            test: data("digits-test.npz", limit),
        }
    }

    fn request<'a>(&'a self, steps: &[u32], state: Option<&'a Path>) -> CompareRequest<'a> {
        CompareRequest {
            methods: vec!["spikeconverter".into()],
            time_steps: steps.to_vec(),
            calibration: Calibration { samples: 32, ..Calibration::default() },
            state,
            ..CompareRequest::new(&self.model, &self.test, &self.train, preprocessing(), &GO_ON)
        }
    }
}

fn preprocessing() -> Preprocessing {
    Preprocessing { scale: Some(1.0 / 16.0), ..Preprocessing::default() }
}

/// A report without what differs from run to run.
fn timeless(report: &EvaluationReport) -> EvaluationReport {
    EvaluationReport { images_per_second: 0.0, ann_images_per_second: 0.0, ..report.clone() }
}

/// What cells found, without what differs from run to run.
fn figures(found: &Comparison) -> Vec<(String, u32, Option<EvaluationReport>)> {
    let of = |cell: &Cell| {
        let report = cell.measured().map(|measured| timeless(&measured.evaluation));
        (cell.method.clone(), cell.time_steps, report)
    };
    found.cells.iter().map(of).collect()
}

fn state_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    (folder, path)
}

#[test]
fn cells_are_what_conversion_and_evaluation_give() {
    let demo = Demo::open(100);
    let found = compare(&demo.request(&[4, 2, 2], None), &mut |_| ()).unwrap();
    assert_eq!(found.cells.iter().map(|cell| cell.time_steps).collect::<Vec<_>>(), [2, 4]);
    for cell in &found.cells {
        let request = ConvertRequest {
            options: Options { time_steps: cell.time_steps, ..Options::default() },
            calibration: Calibration { samples: 32, ..Calibration::default() },
            ..ConvertRequest::new(&demo.model, &demo.train, preprocessing())
        };
        let converted = convert(&request, &mut |_| ()).unwrap();
        let request = EvaluateRequest::new(&converted.file, Path::new("net.snn"), &demo.test);
        let evaluated = evaluate(&request, &mut |_| ()).unwrap().report;
        let measured = cell.measured().unwrap();
        assert_eq!(timeless(&measured.evaluation), timeless(&evaluated));
        assert_eq!(measured.layers, converted.report.layers);
        assert!(measured.conversion_seconds <= cell.seconds);
    }
    assert_eq!((found.setting.data.samples, found.setting.calibration.samples), (100, 32));
    assert!(found.fronts().iter().any(|fronts| fronts.best));
}

#[test]
fn an_interrupted_comparison_goes_on() {
    let demo = Demo::open(40);
    let (_folder, path) = state_file();
    let stop = AtomicBool::new(false);
    let request = CompareRequest { stop: &stop, ..demo.request(&[1, 2, 3], Some(&path)) };
    let stopped = compare(&request, &mut |progress| stop.store(progress.done == 1, Ordering::Relaxed));
    match stopped {
        Err(Error::Interrupted { done: 1, total: 3, state: Some(kept) }) => assert_eq!(kept, path),
        other => panic!("{other:?}"),
    }
    let mut worked_on = Vec::new();
    let found = compare(&demo.request(&[1, 2, 3], Some(&path)), &mut |progress| {
        worked_on.extend(progress.cell.map(|(_, steps)| steps));
        assert!(progress.done >= 1 || progress.cell.is_none());
    })
    .unwrap();
    worked_on.dedup();
    assert_eq!(worked_on, [2, 3]);
    assert_eq!(figures(&found), figures(&compare(&demo.request(&[1, 2, 3], None), &mut |_| ()).unwrap()));
    // all is there: nothing is worked on, and other numbers of steps go on from it
    let again = compare(&demo.request(&[1, 3], Some(&path)), &mut |progress| assert!(progress.cell.is_none())).unwrap();
    assert_eq!(again.cells, [found.cells[0].clone(), found.cells[2].clone()]);
}

#[test]
fn the_state_of_another_comparison_is_refused() {
    let demo = Demo::open(20);
    let (folder, path) = state_file();
    compare(&demo.request(&[1], Some(&path)), &mut |_| ()).unwrap();
    let kept = std::fs::read(&path).unwrap();
    let refused = |request: &CompareRequest<'_>, told: &str| {
        let error = compare(request, &mut |_| ()).unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("state.json") && error.contains("--resume"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), kept);
    };
    let same = demo.request(&[1], Some(&path));
    let fewer = Calibration { samples: 16, ..same.calibration };
    refused(&CompareRequest { calibration: fewer, ..same.clone() }, "other calibration samples");
    refused(&CompareRequest { raster_images: vec![3], ..same.clone() }, "rasters of other images");
    let options = Options { bias_correction: false, ..Options::default() };
    refused(&CompareRequest { options, ..same.clone() }, "other options");
    let preprocessing = Preprocessing { mean: vec![0.5], ..preprocessing() };
    refused(&CompareRequest { preprocessing, ..same.clone() }, "other preprocessing");
    refused(&Demo::open(19).request(&[1], Some(&path)), "other test samples");

    for text in ["{}", "", "{\"spikeconverter_comparison\": 1}"] {
        let other = folder.path().join("other.json");
        std::fs::write(&other, text).unwrap();
        let error = compare(&CompareRequest { state: Some(&other), ..same.clone() }, &mut |_| ()).unwrap_err();
        assert!(matches!(error, Error::State { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), text);
    }
    let nowhere = folder.path().join("nowhere/state.json");
    let error = compare(&CompareRequest { state: Some(&nowhere), ..same }, &mut |_| ()).unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
}

/// A window has at most 16 steps.
#[test]
fn a_cell_that_cannot_be_converted_says_why_and_the_others_go_on() {
    let demo = Demo::open(20);
    let (_folder, path) = state_file();
    for run in 0..2 {
        let mut worked_on = Vec::new();
        let found = compare(&demo.request(&[2, 17], Some(&path)), &mut |progress| {
            worked_on.extend(progress.cell.map(|(_, steps)| steps));
        })
        .unwrap();
        assert!(found.cells[0].measured().is_some());
        match &found.cells[1].result {
            CellResult::Failed(reason) => assert!(reason.contains("17") && reason.contains("1 to 16"), "{reason}"),
            CellResult::Measured(_) => panic!("a window of 17 steps"),
        }
        // what failed is tried again, what was found is not
        assert_eq!(worked_on.contains(&2), run == 0);
        assert!(worked_on.contains(&17));
    }
}

/// The spikes shown are those of the literal simulation, each in its population's window.
#[test]
fn rasters_show_the_literal_spikes() {
    let demo = Demo::open(10);
    let request = CompareRequest { raster_images: vec![3, 0], ..demo.request(&[4], None) };
    let found = compare(&request, &mut |_| ()).unwrap();
    let rasters = &found.cells[0].measured().unwrap().rasters;
    assert_eq!(rasters.iter().map(|raster| raster.image).collect::<Vec<_>>(), [3, 0]);
    let request = ConvertRequest {
        options: Options { time_steps: 4, ..Options::default() },
        calibration: Calibration { samples: 32, ..Calibration::default() },
        ..ConvertRequest::new(&demo.model, &demo.train, preprocessing())
    };
    let network = convert(&request, &mut |_| ()).unwrap().file.network;
    for raster in rasters {
        let one = demo.test.select(raster.image..raster.image + 1).unwrap();
        let shape = demo.model.input_shape();
        let batch = one.batches(&preprocessing(), shape, 1, spikeconverter_data::Stage::Normalised).unwrap().next();
        let sample = Batch::new(1, shape.to_vec(), batch.unwrap().unwrap().inputs).unwrap();
        let mut layers = raster.layers.iter();
        let mut seen = 0;
        ReferenceEngine::new(&network)
            .run(&sample, &mut |_, codes| {
                let layer = layers.next().unwrap();
                assert_eq!(layer.last_step - layer.first_step, 3);
                for train in &layer.trains {
                    let code =
                        train.spikes.iter().fold(0, |code, (step, sign)| code + (sign << (layer.last_step - step)));
                    assert_eq!(code, codes.sample(0)[train.neuron], "{} {}", layer.name, train.neuron);
                    seen += train.spikes.len();
                }
            })
            .unwrap();
        assert!(layers.next().is_none() && seen > 0);
        let result = raster.layers.iter().map(|layer| layer.last_step).max().unwrap();
        assert_eq!(raster.steps, result);
        assert_eq!(raster.label, one.labels().map(|labels| labels[0]));
    }
}

#[test]
fn what_cannot_be_compared_is_said_before_any_work() {
    let demo = Demo::open(5);
    let request = |methods: &[&str]| CompareRequest {
        methods: methods.iter().map(|&name| name.to_owned()).collect(),
        ..demo.request(&[1], None)
    };
    let error = |request: &CompareRequest<'_>| compare(request, &mut |_| panic!("work")).unwrap_err();
    assert!(matches!(error(&request(&["spikeconverter", "none"])), Error::Method { .. }));
    assert!(matches!(error(&demo.request(&[], None)), Error::NothingToCompare));
    let beyond = CompareRequest { raster_images: vec![5], ..demo.request(&[1], None) };
    assert!(error(&beyond).to_string().contains("5 samples"));
}
