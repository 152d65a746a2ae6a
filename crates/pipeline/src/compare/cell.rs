//! One cell: converted on the common calibration samples, evaluated beside the trained network's results.

use std::time::{Duration, Instant};

use spikeconverter_convert::{MethodInfo, Options};
use spikeconverter_engine::{EngineError, EvaluationReport, Evaluator, TrainedResults};
use spikeconverter_network::SnnFile;

use super::raster;
use super::setting::{Fingerprint, SampleSet, Setting};
use super::test_set::TestSet;
use super::{Cell, CellResult, CompareRequest, Measured, Watch};
use crate::convert::{Prepared, convert_prepared};
use crate::evaluate::{batch_size, check_labels};
use crate::model::parameters;
use crate::stop::check_stop;
use crate::{ConvertRequest, EngineChoice, Error, Evaluation, Result, SampleFeed};

/// What all cells share.
pub(super) struct Bench<'a> {
    setting: Setting,
    prepared: Prepared,
    /// The test samples, once for each way of feeding them that a network has asked for.
    sets: Vec<TestSet<'a>>,
    /// The trained network's results, batch by batch; empty before the first cell.
    trained: Vec<TrainedResults>,
}

impl<'a> Bench<'a> {
    /// Reads calibration and test samples.
    pub(super) fn open(request: &CompareRequest<'a>) -> Result<Self> {
        let CompareRequest { model, data, calibration_data, .. } = *request;
        let prepared = Prepared::new(&conversion(request, "", request.options.clone()), &mut |_| ())?;
        let feed = prepared.feed.clone();
        feed.check_pixels(data, model.path())?;
        check_labels(data, &feed.preprocessing, model.graph(), model.path())?;

        let mut of_data = Fingerprint::default();
        let mut set = TestSet::new(feed.clone(), data, model.input_shape(), batch_size(model.graph()));
        set.each(model.path(), |_, pair, _| {
            check_stop(request.stop)?;
            of_data.values(pair.trained.data());
            of_data.labels(pair.labels.as_deref().unwrap_or_default());
            Ok(())
        })?;
        let mut of_calibration = Fingerprint::default();
        of_calibration.values(prepared.samples.data());
        let mut options = request.options.record();
        options.remove("time_steps");
        options.insert("seed".into(), request.calibration.seed.to_string());
        let setting = Setting {
            program: env!("CARGO_PKG_VERSION").into(),
            source: model.name(),
            source_sha256: model.sha256().into(),
            input_shape: model.input_shape().to_vec(),
            outputs: model.classes(),
            parameters: parameters(model.graph()),
            ann_macs: model.graph().macs(),
            preprocessing: feed.preprocessing,
            data: SampleSet::new(data, data.len(), of_data),
            calibration: SampleSet::new(calibration_data, prepared.samples.count(), of_calibration),
            options,
            raster_images: request.raster_images.clone(),
        };
        Ok(Self { setting, prepared, sets: vec![set], trained: Vec::new() })
    }

    pub(super) fn setting(&self) -> &Setting {
        &self.setting
    }

    pub(super) fn into_setting(self) -> Setting {
        self.setting
    }

    /// Converts and evaluates. What the method or its network cannot do is the cell's result; what concerns all cells is an
    /// error.
    pub(super) fn run(
        &mut self,
        request: &CompareRequest<'a>,
        info: &MethodInfo,
        time_steps: u32,
        watch: &mut Watch<'_, '_>,
    ) -> Result<Cell> {
        check_stop(request.stop)?;
        let started = Instant::now();
        let mut trained_for = Duration::ZERO;
        let measured = self.measure(request, info, time_steps, started, &mut trained_for, watch);
        let result = match measured {
            Ok(measured) => CellResult::Measured(Box::new(measured)),
            Err(Error::Convert { source, .. }) => CellResult::Failed(source.to_string()),
            Err(Error::Engine { source, .. }) => CellResult::Failed(source.to_string()),
            Err(error) => return Err(error),
        };
        let seconds = started.elapsed().saturating_sub(trained_for).as_secs_f64();
        Ok(Cell { method: info.name.into(), time_steps, seconds, result })
    }

    fn measure(
        &mut self,
        request: &CompareRequest<'a>,
        info: &MethodInfo,
        time_steps: u32,
        started: Instant,
        trained_for: &mut Duration,
        watch: &mut Watch<'_, '_>,
    ) -> Result<Measured> {
        let options = Options { time_steps, ..request.options.clone() };
        let conversion = conversion(request, info.name, options.clone());
        let converted = convert_prepared(&conversion, &self.prepared, &mut |_| watch.fitting(started))?;
        check_stop(request.stop)?;
        let file = converted.file;
        let feed = SampleFeed::of(&file, request.model.path())?;
        let evaluating = Instant::now();
        let mut told = |seen: u64, trained_for: Duration| {
            // the trained network's time is nobody's own
            watch.evaluating(started + trained_for, evaluating + trained_for, share(seen, request.data.len()));
        };
        let (evaluation, engine) = self.evaluate(request, &file, feed.clone(), trained_for, &mut told)?;
        let failed = |source: EngineError| Error::Engine { file: request.model.path().to_owned(), source };
        let rasters = raster::record(&file.network, &feed, request.data, &request.raster_images)?.map_err(failed)?;
        Ok(Measured {
            evaluation: EvaluationReport::new(&file.network, &evaluation, info.name, engine),
            options,
            conversion_seconds: converted.report.seconds,
            layers: converted.report.layers,
            rasters,
        })
    }

    /// Runs the network over the test samples; the counts, and the engine's name.
    fn evaluate(
        &mut self,
        request: &CompareRequest<'a>,
        file: &SnnFile,
        feed: SampleFeed,
        trained_for: &mut Duration,
        told: &mut dyn FnMut(u64, Duration),
    ) -> Result<(Evaluation, &'static str)> {
        let path = request.model.path();
        let failed = |source| Error::Engine { file: path.to_owned(), source };
        let engine = EngineChoice::Auto.prepare(&file.network).map_err(failed)?;
        let evaluator = Evaluator::new(&file.network, &file.ann, engine.as_ref()).map_err(failed)?;
        let mut evaluation = evaluator.empty();
        let Self { sets, trained, .. } = self;
        set_for(sets, request, feed)?.each(path, |i, pair, feed| {
            check_stop(request.stop)?;
            if trained.len() <= i {
                let started = Instant::now();
                trained.push(evaluator.run_trained(&pair.trained).map_err(failed)?);
                *trained_for += started.elapsed();
            }
            let offset = feed.preprocessing.label_offset;
            let counted = evaluator.evaluate_beside(&trained[i], pair.spiking(), pair.labels.as_deref(), offset);
            evaluation.merge(&counted.map_err(failed)?).map_err(failed)?;
            told(evaluation.images, *trained_for);
            Ok(())
        })?;
        Ok((evaluation, engine.name()))
    }
}

/// The test samples as networks of this feed take them.
fn set_for<'s, 'a>(
    sets: &'s mut Vec<TestSet<'a>>,
    request: &CompareRequest<'a>,
    feed: SampleFeed,
) -> Result<&'s mut TestSet<'a>> {
    let known = sets.iter().position(|set| set.feed == feed);
    if known.is_none() {
        feed.check_pixels(request.data, request.model.path())?;
        let CompareRequest { model, data, .. } = *request;
        sets.push(TestSet::new(feed, data, model.input_shape(), batch_size(model.graph())));
    }
    let at = known.unwrap_or(sets.len() - 1);
    Ok(&mut sets[at])
}

/// The conversion of a cell.
fn conversion<'a>(request: &CompareRequest<'a>, method: &str, options: Options) -> ConvertRequest<'a> {
    ConvertRequest {
        model: request.model,
        data: request.calibration_data,
        preprocessing: request.preprocessing.clone(),
        method: method.into(),
        options,
        calibration: request.calibration,
        stop: request.stop,
    }
}

fn share(seen: u64, all: usize) -> f64 {
    seen as f64 / all.max(1) as f64
}
