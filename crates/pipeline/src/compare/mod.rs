//! Comparison: every method over several `T`, on one trained network, one calibration set and one cost model.
//!
//! A *cell* is a method at a `T`. The trained network runs once over the test samples, calibration samples are read once, and
//! each cell is converted and evaluated beside them. A cell that cannot be converted says why and does not stop the others.
//! With a state file, finished cells outlive an interruption.

mod cell;
mod forecast;
mod front;
mod raster;
mod record;
mod setting;
mod state;
mod test_set;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use spikeconverter_convert::{MethodInfo, Options, methods};
use spikeconverter_data::{Dataset, Preprocessing};

use self::cell::Bench;
use self::forecast::{Forecast, Work};
use self::state::State;
use crate::convert::known_method;
use crate::{Calibration, Error, Model, Phase, Result};

pub use self::front::{Fronts, fronts};
pub use self::raster::{Raster, RasterLayer, SpikeTrain};
pub use self::record::{Cell, CellResult, Comparison, FIGURES, Measured, Row, Skipped};
pub use self::setting::{SampleSet, Setting};

/// What is to be compared, and how.
#[derive(Debug, Clone)]
pub struct CompareRequest<'a> {
    /// The trained network.
    pub model: &'a Model,
    /// Test samples, labelled or not.
    pub data: &'a Dataset,
    /// Samples to calibrate on.
    pub calibration_data: &'a Dataset,
    /// How the trained network wants its samples.
    pub preprocessing: Preprocessing,
    /// The methods, by their names in the table; all that need no training where empty.
    pub methods: Vec<String>,
    /// The numbers of time steps.
    pub time_steps: Vec<u32>,
    /// The methods' options but for `time_steps`.
    pub options: Options,
    /// Which samples to calibrate on.
    pub calibration: Calibration,
    /// Test samples, counted from 0, of which some neurons' spikes are kept.
    pub raster_images: Vec<usize>,
    /// Where finished cells are kept, and found again.
    pub state: Option<&'a Path>,
    /// Set from outside to stop between two batches.
    pub stop: &'a AtomicBool,
}

impl<'a> CompareRequest<'a> {
    /// A request with the defaults: all methods, T 1, 2, 4, 8, 16 and 32, spikes of the first sample, nothing kept.
    pub fn new(
        model: &'a Model,
        data: &'a Dataset,
        calibration_data: &'a Dataset,
        preprocessing: Preprocessing,
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            model,
            data,
            calibration_data,
            preprocessing,
            methods: Vec::new(),
            time_steps: vec![1, 2, 4, 8, 16, 32],
            options: Options::default(),
            calibration: Calibration::default(),
            raster_images: vec![0],
            state: None,
            stop,
        }
    }
}

/// How far a comparison is.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareProgress<'a> {
    /// What is being done.
    pub phase: Phase,
    /// The cell that is worked on; absent while samples are read.
    pub cell: Option<(&'a str, u32)>,
    /// Cells finished, those of an earlier run included.
    pub done: usize,
    /// Cells in all.
    pub total: usize,
    /// Share of the expected work that is done, 0 to 1.
    pub fraction: f64,
    /// Seconds left, as soon as a cell was measured.
    pub seconds_left: Option<f64>,
}

/// Who is told how far a comparison is.
type Tell<'a> = &'a mut dyn FnMut(&CompareProgress<'_>);

/// Compares methods over numbers of time steps.
///
/// # Errors
/// When a method does not exist or needs training, the data do not suit the model, the state file is of another comparison or
/// cannot be written, or [`CompareRequest::stop`] was set. What concerns a single cell is in the result.
pub fn compare(request: &CompareRequest<'_>, progress: Tell<'_>) -> Result<Comparison> {
    let (chosen, skipped) = choose(&request.methods)?;
    let mut steps = request.time_steps.clone();
    steps.sort_unstable();
    steps.dedup();
    // short simulations first: cheap, and what they take tells what longer ones will
    let keys: Vec<(MethodInfo, u32)> = steps.iter().flat_map(|&t| chosen.iter().map(move |m| (m.clone(), t))).collect();
    if keys.is_empty() {
        return Err(Error::NothingToCompare);
    }
    if let Some(&image) = request.raster_images.iter().find(|&&image| image >= request.data.len()) {
        return Err(Error::RasterImage { path: request.data.path().to_owned(), image, samples: request.data.len() });
    }
    let total = keys.len();
    let reading = |done: usize| CompareProgress {
        phase: Phase::Reading,
        cell: None,
        done,
        total,
        fraction: 0.0,
        seconds_left: None,
    };
    progress(&reading(0));
    let interrupted = |done: usize| {
        move |error| match error {
            Error::Stopped => Error::Interrupted { done, total, state: request.state.map(Path::to_owned) },
            error => error,
        }
    };
    let mut bench = Bench::open(request).map_err(interrupted(0))?;
    let mut state = State::open(request.state, bench.setting())?;
    let works: Vec<Work> = keys.iter().map(|(info, t)| Work::new(info, *t)).collect();
    let mut forecast = Forecast::new(works);
    for (at, (info, t)) in keys.iter().enumerate() {
        if let Some(cell) = state.measured(info.name, *t) {
            forecast.skip(at, cell);
        }
    }
    progress(&reading(state.done(&keys)));
    for (at, (info, t)) in keys.iter().enumerate() {
        if state.measured(info.name, *t).is_some() {
            continue;
        }
        let done = state.done(&keys);
        let mut watch = Watch { forecast: &forecast, at, done, total, cell: (info.name, *t), tell: progress };
        watch.begin();
        let cell = bench.run(request, info, *t, &mut watch).map_err(interrupted(state.done(&keys)))?;
        forecast.learn(at, &cell);
        state.add(cell)?;
    }
    Ok(Comparison { setting: bench.into_setting(), skipped, cells: state.into_cells(&chosen, &steps) })
}

/// The rows of the table that are asked for, in its order, and those that are left out.
fn choose(names: &[String]) -> Result<(Vec<MethodInfo>, Vec<Skipped>)> {
    for name in names {
        if known_method(name)?.info().needs_training {
            return Err(Error::NeedsTraining { method: name.clone() });
        }
    }
    let asked = |info: &MethodInfo| names.is_empty() || names.iter().any(|name| name == info.name);
    let (skipped, chosen): (Vec<_>, Vec<_>) =
        methods().iter().map(|method| method.info()).filter(asked).partition(|info| info.needs_training);
    let reason = || "needs a network trained for it".to_owned();
    Ok((chosen, skipped.iter().map(|info| Skipped { method: info.name.into(), reason: reason() }).collect()))
}

/// Tells how far a cell is.
struct Watch<'a, 'f> {
    forecast: &'a Forecast,
    at: usize,
    done: usize,
    total: usize,
    cell: (&'static str, u32),
    tell: &'a mut (dyn FnMut(&CompareProgress<'_>) + 'f),
}

impl Watch<'_, '_> {
    fn begin(&mut self) {
        self.tell(Phase::Fitting, self.forecast.left(self.at, 0.0, None));
    }

    /// Layers fitted since `started`.
    fn fitting(&mut self, started: Instant) {
        self.tell(Phase::Fitting, self.forecast.left(self.at, started.elapsed().as_secs_f64(), None));
    }

    /// `share` of the samples evaluated since `evaluating`, in a cell that began at `started`.
    fn evaluating(&mut self, started: Instant, evaluating: Instant, share: f64) {
        let evaluated = (evaluating.elapsed().as_secs_f64(), share);
        self.tell(Phase::Evaluating, self.forecast.left(self.at, started.elapsed().as_secs_f64(), Some(evaluated)));
    }

    fn tell(&mut self, phase: Phase, left: forecast::Left) {
        (self.tell)(&CompareProgress {
            phase,
            cell: Some(self.cell),
            done: self.done,
            total: self.total,
            fraction: left.fraction,
            seconds_left: left.seconds,
        });
    }
}
