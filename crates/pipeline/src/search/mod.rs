//! Search: the cheapest conversion whose loss of accuracy stays within a bound.
//!
//! A *candidate* is a method with its options. Candidates race by successive halving (Jamieson, Talwalkar, AISTATS 2016) on
//! three parts of the calibration samples, dealt out by the seed: they are converted on the first (*fit*), compared on the
//! second (*choosing*), and the one that is taken is measured once more on the third (*confirming*). A round gives each
//! candidate four times the samples of the round before, of both parts, and lets a quarter of the candidates go on: front by
//! front of the Pareto order of cost and drop, without those whose interval says that they cannot stay within the bound.
//!
//! In the last round, with all samples, candidates are taken by their cost, the cheapest first, until one stays within the bound
//! on the second part and on the third; those that would cost more are not run. Its drop and interval are thus of samples that
//! neither fitted nor chose it (where several had to be tried, [`Chosen::attempts`] says so). Test samples are never seen.
//!
//! What calibrates all layers together takes minutes. Until the last round such a candidate stands for itself by a *sketch*,
//! the same with weights calibrated layer by layer, whose drop counts as what all together may leave of it.

mod bench;
mod interval;
mod race;
mod record;
mod samples;
mod space;

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use spikeconverter_convert::Options;
use spikeconverter_data::{Dataset, Preprocessing};

use self::bench::{Bench, Part};
pub use self::interval::Interval;
use self::race::{Standing, front, survivors};
pub use self::record::{Chosen, Figures, Search, SearchSetting, Trial, TrialResult};
pub use self::space::Candidate;
use self::space::candidates;
use crate::{Calibration, Error, Model, Phase, Result};

/// Samples and candidates grow and shrink by this from round to round.
const FACTOR: usize = 4;
/// Rounds at most.
const MOST_ROUNDS: u32 = 3;
/// Fewer choosing samples than this make no round of their own.
const FEWEST_CHOOSING: usize = 48;
/// Candidates that go on at least, where there are as many.
const FEWEST_SURVIVORS: usize = 5;

/// What is minimised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Estimated energy of a sample.
    #[default]
    Energy,
    /// Steps from a sample's first input to its result.
    Latency,
    /// Spikes of a sample.
    Spikes,
}

/// What is searched for, and on what.
#[derive(Debug, Clone)]
pub struct SearchRequest<'a> {
    /// The trained network.
    pub model: &'a Model,
    /// Calibration samples, labelled or not; those that the network was trained on exaggerate its loss.
    pub data: &'a Dataset,
    /// How the trained network wants its samples.
    pub preprocessing: Preprocessing,
    /// The most accuracy that may be lost, as a share of samples; without labels, the most disagreement with the trained
    /// network.
    pub max_drop: f64,
    /// The most steps from a sample's first input to its result.
    pub max_latency: Option<u32>,
    /// What is minimised.
    pub objective: Objective,
    /// Methods, by their names in the table; empty: a choice of them.
    pub methods: Vec<String>,
    /// Window lengths and numbers of steps; empty: a choice of them.
    pub time_steps: Vec<u32>,
    /// What all candidates have in common.
    pub options: Options,
    /// How many samples conversions are fitted on, and the seed of all choices.
    pub calibration: Calibration,
    /// Samples that candidates are compared and confirmed on, half of them each.
    pub held_out: usize,
    /// Set from outside to stop between two batches.
    pub stop: &'a AtomicBool,
}

impl<'a> SearchRequest<'a> {
    /// A request with the defaults: half a point, least energy, 1024 samples to fit on and 2048 to measure on.
    pub fn new(model: &'a Model, data: &'a Dataset, preprocessing: Preprocessing, stop: &'a AtomicBool) -> Self {
        Self {
            model,
            data,
            preprocessing,
            max_drop: 0.005,
            max_latency: None,
            objective: Objective::Energy,
            methods: Vec::new(),
            time_steps: Vec::new(),
            options: Options::default(),
            calibration: Calibration::default(),
            held_out: 2048,
            stop,
        }
    }
}

/// How far a search is.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchProgress<'a> {
    /// What is being done.
    pub phase: Phase,
    /// The round, counted from 1, and rounds in all. 0 while samples are read.
    pub round: (u32, u32),
    /// The candidate that is worked on.
    pub candidate: Option<&'a Candidate>,
    /// Candidates of the round that are done.
    pub done: usize,
    /// Candidates of the round.
    pub total: usize,
}

/// Who is told how far a search is.
type Tell<'a> = &'a mut dyn FnMut(&SearchProgress<'_>);

/// Searches for the cheapest conversion within a bound of accuracy lost.
///
/// # Errors
/// When a method does not exist or needs training, no candidate is left by the request, there are too few samples, the data do
/// not suit the model, or [`SearchRequest::stop`] was set. What concerns a single candidate is in the result.
pub fn search(request: &SearchRequest<'_>, progress: Tell<'_>) -> Result<Search> {
    run(request, progress).map_err(|error| match error {
        Error::Stopped => Error::SearchInterrupted,
        error => error,
    })
}

fn run(request: &SearchRequest<'_>, progress: Tell<'_>) -> Result<Search> {
    let started = Instant::now();
    let space = candidates(request)?;
    progress(&SearchProgress { phase: Phase::Reading, round: (0, 0), candidate: None, done: 0, total: space.len() });
    let mut bench = Bench::open(request)?;
    let rounds = rounds(bench.choosing());
    let mut trials: Vec<Trial> = space.into_iter().map(Trial::new).collect();
    let mut racing: Vec<usize> = (0..trials.len()).collect();
    // one round alone has nobody to leave behind
    let races = (rounds - 1).max(1);
    for round in 1..=races {
        let share = FACTOR.pow(rounds - round);
        let part = Part { fitted: bench.fitted().div_ceil(share), measured: bench.choosing().div_ceil(share) };
        let mut seen: Vec<(Candidate, TrialResult)> = Vec::new();
        for (done, &at) in racing.iter().enumerate() {
            let trial = &mut trials[at];
            let sketch = if rounds > 1 { trial.candidate.sketch() } else { None };
            let (candidate, total) = (sketch.as_ref().unwrap_or(&trial.candidate), racing.len());
            let mut told = |phase| {
                let round = (round, rounds);
                progress(&SearchProgress { phase, round, candidate: Some(candidate), done, total });
            };
            let same = seen.iter().find(|(other, _)| other.same(candidate)).map(|(_, result)| result.clone());
            let result = match same {
                Some(result) => result,
                None => bench.run(request, candidate, part, rounds == 1, &mut told)?,
            };
            seen.push((candidate.clone(), result.clone()));
            (trial.sketched, trial.result, trial.round) = (sketch.is_some(), result, round);
        }
        let keep = racing.len().div_ceil(FACTOR).max(FEWEST_SURVIVORS);
        let standings: Vec<_> = racing.iter().map(|&at| trials[at].standing(request.objective)).collect();
        racing = survivors(&standings, request.max_drop, keep).into_iter().map(|i| racing[i]).collect();
    }
    let chosen = settle(request, &mut bench, &mut trials, racing, rounds, progress)?;
    mark_front(&mut trials, request.objective);
    Ok(Search { setting: bench.setting(request), trials, chosen, seconds: started.elapsed().as_secs_f64() })
}

/// Rounds that so many choosing samples make.
fn rounds(choosing: usize) -> u32 {
    (1..MOST_ROUNDS).take_while(|&more| choosing / FACTOR.pow(more) >= FEWEST_CHOOSING).count() as u32 + 1
}

/// Marks the trials on the Pareto front of cost and drop, each as its last round showed it. Sketches are not what their
/// candidates ask for, and are on no front.
fn mark_front(trials: &mut [Trial], objective: Objective) {
    let standing = |trial: &Trial| trial.standing(objective).filter(|_| !trial.sketched);
    let standings: Vec<Option<Standing>> = trials.iter().map(standing).collect();
    for (trial, is) in trials.iter_mut().zip(front(&standings)) {
        trial.front = is;
    }
}

/// The last round: candidates that are left are converted on all samples to fit on, the cheapest first, until one stays within
/// the bound on all samples to choose on, and then on samples of its own. Dearer ones are not run.
fn settle(
    request: &SearchRequest<'_>,
    bench: &mut Bench<'_>,
    trials: &mut [Trial],
    mut racing: Vec<usize>,
    rounds: u32,
    progress: Tell<'_>,
) -> Result<Option<Chosen>> {
    let cost = |at: &usize| trials[*at].standing(request.objective).map_or(f64::INFINITY, |standing| standing.cost);
    racing.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    let (all, total) = (Part { fitted: bench.fitted(), measured: bench.choosing() }, racing.len());
    let mut attempts = 0;
    for (done, &at) in racing.iter().enumerate() {
        let candidate = trials[at].candidate.clone();
        let mut told = |phase| {
            progress(&SearchProgress { phase, round: (rounds, rounds), candidate: Some(&candidate), done, total });
        };
        let trial = &mut trials[at];
        // one round alone has shown all there is to see
        if trial.round != rounds {
            let result = bench.run(request, &candidate, all, true, &mut told)?;
            (trial.sketched, trial.result, trial.round) = (false, result, rounds);
        }
        if trial.figures().is_none_or(|figures| figures.drop.estimate > request.max_drop) {
            continue;
        }
        let Some((file, figures)) = bench.confirm(request, &candidate)? else { continue };
        attempts += 1;
        if figures.drop.estimate <= request.max_drop {
            return Ok(Some(Chosen { candidate, figures, attempts, trial: at, file }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_make_few_rounds() {
        assert_eq!([0, 100, 191, 192, 767, 768, 100_000].map(rounds), [1, 1, 1, 2, 2, 3, 3]);
    }

    fn trial(energy_joule: f64, drop: f64, sketched: bool) -> Trial {
        let mut trial = Trial::new(Candidate { method: String::new(), options: Options::default() });
        let figures = Figures {
            images: 100,
            drop: Interval { estimate: drop, low: drop - 0.1, high: drop + 0.1 },
            agreement: 1.0,
            accuracy: None,
            latency_steps: 1,
            spikes_per_image: 1.0,
            spikes_per_neuron: 1.0,
            energy_joule,
            ann_energy_joule: 1.0,
            fitted: 10,
            seconds: 0.0,
        };
        (trial.result, trial.sketched) = (TrialResult::Measured(figures), sketched);
        trial
    }

    /// A sketch stands for what all layers together may leave of its drop, and is on no front.
    #[test]
    fn sketches_are_hoped_for() {
        let standing = |drop: f64, sketched| trial(1.0, drop, sketched).standing(Objective::Energy).unwrap().drop;
        assert_eq!(standing(0.5, false).estimate, 0.5);
        let hoped = standing(0.5, true);
        assert_eq!((hoped.estimate, hoped.high), (0.3, 0.36));
        // what is won already is not made smaller
        assert_eq!(standing(-0.2, true).estimate, -0.2);
        let mut trials = [trial(1.0, 0.1, true), trial(2.0, 0.1, false), trial(3.0, 0.2, false)];
        mark_front(&mut trials, Objective::Energy);
        assert_eq!(trials.map(|trial| trial.front), [false, true, false]);
    }
}
