//! Running a NIR file by the interpreter.

use std::path::Path;

use rayon::prelude::*;
use spikeconverter_export::nir::{Instructions, Target};
use spikeconverter_nir::{Array, Graph, GraphError, Interpreter, Semantics};

use super::graph_error;
use crate::{Error, Result};

/// A graph with all that it takes to run it.
pub(super) struct Run {
    pub(super) time_steps: u32,
    skip: u32,
    pub(super) semantics: Semantics,
    initial: Vec<(String, Array)>,
    pub(super) sample: Option<(Vec<usize>, Vec<usize>)>,
    pub(super) preprocessing: Option<String>,
}

/// What a sample left behind.
pub(super) struct Ran {
    /// The mean of what left over the steps that are read.
    pub(super) output: Vec<f64>,
    /// For each node that fires the spikes of each neuron.
    pub(super) codes: Vec<Vec<f64>>,
}

impl Run {
    /// As the file's metadata say, unless told otherwise.
    pub(super) fn new(
        path: &Path,
        graph: &Graph,
        target: Option<Target>,
        dt: Option<f64>,
        time_steps: Option<u32>,
    ) -> Result<Self> {
        let own = Instructions::of(graph);
        let mut semantics = match (target, &own) {
            (Some(target), _) => target.semantics(),
            (None, Some(own)) => own.semantics,
            (None, None) => Semantics::default(),
        };
        semantics.dt = dt.unwrap_or(semantics.dt);
        let Some(time_steps) = time_steps.or(own.as_ref().map(|own| own.time_steps)) else {
            return Err(Error::NirSteps { file: path.to_owned() });
        };
        let skip = own.as_ref().map_or(0, |own| own.skip).min(time_steps.saturating_sub(1));
        // importers begin at 0
        let initial = match (&own, target) {
            (Some(own), None) => own.initial.clone(),
            _ => Vec::new(),
        };
        let (sample, preprocessing) = own.map_or((None, None), |own| (own.sample, own.preprocessing));
        Ok(Self { time_steps, skip, semantics, initial, sample, preprocessing })
    }

    fn begin(&self, run: &mut Interpreter<'_>) -> std::result::Result<(), GraphError> {
        run.restart();
        self.initial.iter().try_for_each(|(name, membranes)| run.set_membranes(name, membranes.data()))
    }

    /// Runs samples side by side, a prepared graph a thread.
    pub(super) fn samples<'g>(
        &self,
        graph: &'g Graph,
        samples: &[&[f32]],
    ) -> std::result::Result<Vec<Ran>, GraphError> {
        let of = |run: &mut Option<Interpreter<'g>>, sample: &&[f32]| {
            let run = match run {
                Some(run) => run,
                None => run.insert(Interpreter::new(graph, self.semantics)?),
            };
            self.sample(run, sample)
        };
        samples.par_iter().map_init(|| None, of).collect()
    }

    fn sample(&self, run: &mut Interpreter<'_>, sample: &[f32]) -> std::result::Result<Ran, GraphError> {
        self.begin(run)?;
        let input: Vec<f64> = match &self.sample {
            Some((_, order)) => {
                order.iter().map(|&place| f64::from(sample.get(place).copied().unwrap_or(0.0))).collect()
            }
            None => sample.iter().map(|&x| f64::from(x)).collect(),
        };
        let mut codes: Vec<Vec<f64>> = run.spikes().map(|sent| vec![0.0; sent.len()]).collect();
        let mut output: Vec<f64> = Vec::new();
        for step in 0..self.time_steps {
            let sent = run.step(&input)?;
            if step >= self.skip {
                output.resize(sent.len(), 0.0);
                output.iter_mut().zip(sent).for_each(|(sum, x)| *sum += x);
            }
            for (code, sent) in codes.iter_mut().zip(run.spikes()) {
                code.iter_mut().zip(sent).for_each(|(sum, x)| *sum += x);
            }
        }
        let read = f64::from(self.time_steps - self.skip);
        for sum in &mut output {
            *sum /= read;
        }
        Ok(Ran { output, codes })
    }
}

/// What a NIR network made of a sample: the mean of what left, and the spikes of each node that fires.
pub type NirRun = (Vec<f64>, Vec<(String, Vec<f64>)>);

/// Runs one sample after the other: for each the mean of what leaves, and the spikes of each node that fires, in the order of
/// the file. What the comparison with other programs calls.
///
/// # Errors
/// As [`evaluate_nir`](super::evaluate_nir).
pub fn run_nir(path: &Path, target: Option<Target>, samples: &[&[f32]]) -> Result<Vec<NirRun>> {
    let graph = Graph::read(path)?;
    let run = Run::new(path, &graph, target, None, None)?;
    let failed = |source| graph_error(path, source);
    let names: Vec<String> =
        Interpreter::new(&graph, run.semantics).map_err(failed)?.spiking().map(|(name, _)| name.to_owned()).collect();
    let ran = run.samples(&graph, samples).map_err(failed)?;
    Ok(ran.into_iter().map(|ran| (ran.output, names.iter().cloned().zip(ran.codes).collect())).collect())
}
