use std::time::Instant;

use spikeconverter_data::Dataset;
use spikeconverter_engine::{EngineError, Evaluation, EvaluationReport, Evaluator, TrainedResults};
use spikeconverter_network::{Schedule, SnnFile};

use super::samples::{Deal, read};
use super::space::too_slow;
use super::{Candidate, Figures, Interval, SearchRequest, SearchSetting, TrialResult};
use crate::convert::{Prepared, convert_prepared, name_of};
use crate::evaluate::{batch_size, check_labels};
use crate::memory::peak_bytes;
use crate::pairs::Pair;
use crate::stop::check_stop;
use crate::{ConvertRequest, EngineChoice, Error, Phase, Result, SampleFeed};

/// Memory that samples to measure on may take.
const HELD_OUT_BYTES: usize = 1 << 30;
/// Fewer samples than this to fit, choose or confirm on are too few.
const FEWEST: usize = 8;

/// How many samples of the parts a round uses.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) fitted: usize,
    pub(super) measured: usize,
}

/// Samples in batches, with what the trained network says of them.
struct Measuring {
    pairs: Vec<Pair>,
    /// As far as was needed.
    trained: Vec<TrainedResults>,
}

impl Measuring {
    fn new(pairs: Vec<Pair>) -> Self {
        Self { pairs, trained: Vec::new() }
    }

    fn count(&self) -> usize {
        self.pairs.iter().map(|pair| pair.trained.count()).sum()
    }
}

/// What all candidates share.
pub(super) struct Bench<'a> {
    data: &'a Dataset,
    prepared: Prepared,
    choosing: Measuring,
    confirming: Measuring,
    /// Images of the choosing part that were looked at in the largest round, and those the trained network gets right.
    trained: Option<(u64, u64)>,
    /// Networks that may be confirmed.
    kept: Vec<(Candidate, SnnFile)>,
}

impl<'a> Bench<'a> {
    /// Deals the samples out and reads them.
    pub(super) fn open(request: &SearchRequest<'a>) -> Result<Self> {
        let SearchRequest { model, data, .. } = *request;
        let file = model.path();
        let feed = SampleFeed::new(&request.preprocessing, model, data, request.options.encoding)?;
        check_labels(data, &feed.preprocessing, model.graph(), file)?;
        let shape = model.input_shape();
        let bytes = 4 * shape.iter().product::<usize>() * if feed.lowest_pixel.is_some() { 2 } else { 1 };
        let held_out = request.held_out.min(HELD_OUT_BYTES / bytes.max(1));
        let fit = request.calibration.count(data.len(), peak_bytes(model.graph()));
        let deal = Deal::new(data.len(), fit, held_out, request.calibration.seed);
        if [&deal.fit, &deal.choosing, &deal.confirming].iter().any(|part| part.len() < FEWEST) {
            return Err(Error::TooFewSamples { path: data.path().to_owned(), samples: data.len(), wanted: 3 * FEWEST });
        }
        let size = batch_size(model.graph());
        let measuring = |rows: &[usize]| read(data, &feed, shape, rows, size, file).map(Measuring::new);
        let (choosing, confirming) = (measuring(&deal.choosing)?, measuring(&deal.confirming)?);
        check_stop(request.stop)?;
        let conversion = conversion(request, &Candidate { method: String::new(), options: request.options.clone() });
        let prepared = Prepared::of_rows(&conversion, &deal.fit, &mut |_| ())?;
        Ok(Self { data, prepared, choosing, confirming, trained: None, kept: Vec::new() })
    }

    /// Samples to fit on.
    pub(super) fn fitted(&self) -> usize {
        self.prepared.samples.count()
    }

    /// Samples to compare on.
    pub(super) fn choosing(&self) -> usize {
        self.choosing.count()
    }

    /// What was asked for.
    pub(super) fn setting(&self, request: &SearchRequest<'_>) -> SearchSetting {
        let labelled = self.choosing.pairs.iter().all(|pair| pair.labels.is_some());
        let accuracy = self.trained.map(|(images, right)| right as f64 / images.max(1) as f64);
        SearchSetting {
            source: request.model.name(),
            data: name_of(self.data.path()),
            labelled,
            ann_accuracy: accuracy.filter(|_| labelled),
            max_drop: request.max_drop,
            max_latency: request.max_latency,
            objective: request.objective,
            fitted: self.fitted(),
            choosing: self.choosing.count(),
            confirming: self.confirming.count(),
            seed: request.calibration.seed,
        }
    }

    /// Converts a candidate on some samples and measures it on others. What it cannot do itself is the result; what concerns all
    /// is an error. Its network is kept where it may be confirmed.
    pub(super) fn run(
        &mut self,
        request: &SearchRequest<'_>,
        candidate: &Candidate,
        part: Part,
        keep: bool,
        told: &mut dyn FnMut(Phase),
    ) -> Result<TrialResult> {
        match self.try_candidate(request, candidate, part, keep, told) {
            Err(Error::Convert { source, .. }) => Ok(TrialResult::Failed(source.to_string())),
            Err(Error::Engine { source, .. }) => Ok(TrialResult::Failed(source.to_string())),
            other => other,
        }
    }

    fn try_candidate(
        &mut self,
        request: &SearchRequest<'_>,
        candidate: &Candidate,
        part: Part,
        keep: bool,
        told: &mut dyn FnMut(Phase),
    ) -> Result<TrialResult> {
        check_stop(request.stop)?;
        if let Some(latency_steps) = too_slow(request, candidate) {
            return Ok(TrialResult::TooSlow { latency_steps });
        }
        told(Phase::Fitting);
        let started = Instant::now();
        let prepared = self.prepared.first(part.fitted);
        let file = convert_prepared(&conversion(request, candidate), &prepared, &mut |_| ())?.file;
        let latency_steps = Schedule::new(&file.network).latency_steps;
        if request.max_latency.is_some_and(|most| latency_steps > most) {
            return Ok(TrialResult::TooSlow { latency_steps });
        }
        told(Phase::Evaluating);
        let evaluation = measure(request, &file, &mut self.choosing, part.measured)?;
        if self.trained.is_none_or(|(images, _)| images <= evaluation.images) {
            self.trained = Some((evaluation.images, evaluation.ann_correct));
        }
        let figures = figures(&file, &evaluation, part.fitted, started);
        if keep {
            self.kept.push((candidate.clone(), file));
        }
        Ok(TrialResult::Measured(figures))
    }

    /// Measures a network that was kept on samples of its own.
    pub(super) fn confirm(
        &mut self,
        request: &SearchRequest<'_>,
        candidate: &Candidate,
    ) -> Result<Option<(SnnFile, Figures)>> {
        let started = Instant::now();
        let Some(at) = self.kept.iter().position(|(kept, _)| kept == candidate) else { return Ok(None) };
        let (_, file) = self.kept.swap_remove(at);
        let all = self.confirming.count();
        let evaluation = measure(request, &file, &mut self.confirming, all)?;
        let figures = figures(&file, &evaluation, self.fitted(), started);
        Ok(Some((file, figures)))
    }
}

/// Runs a network over the first `count` samples, whole batches of them.
fn measure(request: &SearchRequest<'_>, file: &SnnFile, measuring: &mut Measuring, count: usize) -> Result<Evaluation> {
    let failed = |source: EngineError| Error::Engine { file: request.model.path().to_owned(), source };
    let feed = SampleFeed::of(file, request.model.path())?;
    let engine = EngineChoice::Auto.prepare(&file.network).map_err(failed)?;
    let evaluator = Evaluator::new(&file.network, &file.ann, engine.as_ref()).map_err(failed)?;
    let mut evaluation = evaluator.empty();
    for (i, pair) in measuring.pairs.iter().enumerate() {
        if evaluation.images >= count as u64 {
            break;
        }
        check_stop(request.stop)?;
        if measuring.trained.len() <= i {
            measuring.trained.push(evaluator.run_trained(&pair.trained).map_err(failed)?);
        }
        let offset = feed.preprocessing.label_offset;
        let counted = evaluator.evaluate_beside(&measuring.trained[i], pair.spiking(), pair.labels.as_deref(), offset);
        evaluation.merge(&counted.map_err(failed)?).map_err(failed)?;
    }
    Ok(evaluation)
}

/// The figures of an evaluation.
fn figures(file: &SnnFile, evaluation: &Evaluation, fitted: usize, started: Instant) -> Figures {
    let report = EvaluationReport::new(&file.network, evaluation, &file.provenance.method, "");
    let drop = if evaluation.labelled > 0 {
        let (lost, won) = (
            evaluation.ann_correct.saturating_sub(evaluation.both_correct),
            evaluation.snn_correct.saturating_sub(evaluation.both_correct),
        );
        Interval::paired(lost, won, evaluation.labelled)
    } else {
        Interval::proportion(evaluation.images.saturating_sub(evaluation.agree), evaluation.images)
    };
    Figures {
        images: evaluation.images,
        drop,
        agreement: report.agreement,
        accuracy: report.snn_accuracy,
        latency_steps: report.latency_steps,
        spikes_per_image: report.spikes_per_image,
        spikes_per_neuron: report.spikes_per_neuron,
        energy_joule: report.snn_energy_joule,
        ann_energy_joule: report.ann_energy_joule,
        fitted,
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// The conversion of a candidate.
fn conversion<'a>(request: &SearchRequest<'a>, candidate: &Candidate) -> ConvertRequest<'a> {
    ConvertRequest {
        model: request.model,
        data: request.data,
        preprocessing: request.preprocessing.clone(),
        method: candidate.method.clone(),
        options: candidate.options.clone(),
        calibration: request.calibration,
        stop: request.stop,
    }
}
