//! Runs behind populations whose trains are known: what lies before these is not simulated again.
//!
//! A conversion that calibrates layer by layer runs the network up to each layer in turn. Beginning with what the layers before
//! sent, all of it costs about as much as a few runs of the whole network, instead of one for each layer.

use std::sync::Arc;

use rayon::prelude::*;
use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, SpikingNetwork};

use super::layout::Layout;
use super::program::{BLOCK, Program};
use super::run::{Recorder, Shown, Workspace};
use crate::stream_input::StreamInput;
use crate::{Batch, EngineError, StepRecord};

/// What a population sent in all steps of a streaming simulation, for each of some samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Tape(Vec<Train>);

/// The same of a sample, step after step, channels last.
#[derive(Debug, Clone, PartialEq)]
enum Train {
    Bits(Vec<u16>),
    Values(Vec<f32>),
}

impl Tape {
    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        let of_train = |train: &Train| match train {
            Train::Bits(words) => 2 * words.len(),
            Train::Values(values) => 4 * values.len(),
        };
        self.0.iter().map(of_train).sum()
    }
}

/// Is shown the steps of a population, from any thread; those of a sample come in order.
pub type Show<'s> = dyn Fn(&StepRecord<'_>) + Sync + 's;

/// A streaming network of which some populations play what they sent in an earlier run.
pub struct TapedEngine<'a> {
    network: &'a SpikingNetwork,
    program: Program,
    known: Vec<(NodeId, Arc<Tape>)>,
}

impl<'a> TapedEngine<'a> {
    /// Prepares the part of a network that its result needs behind `known` populations.
    ///
    /// # Errors
    /// [`EngineError`] when a node does not fit its inputs or is too large, the network is no streaming one, it rehearses and
    /// something is known (what a rehearsal teaches is on no tape), or a tape is not of such a population.
    pub fn new(network: &'a SpikingNetwork, known: Vec<(NodeId, Arc<Tape>)>) -> Result<Self, EngineError> {
        let refuse = |id: NodeId, reason: &str| {
            let what = network.nodes().get(id.0).map_or_else(String::new, |node| format!("node `{}`", node.name));
            Err(EngineError::Op { what, reason: reason.to_owned() })
        };
        if network.rehearsal().is_some() && !known.is_empty() {
            return refuse(NodeId(0), "what a rehearsal teaches is on no tape");
        }
        for (id, tape) in &known {
            let Some(NodeKind::Streaming(_)) = network.nodes().get(id.0).map(|node| &node.kind) else {
                return refuse(*id, "it is no streaming population, and plays no tape");
            };
            let layout = Layout::new(&network.node(*id).shape);
            let steps = network.time_steps() as usize;
            let fits = |train: &Train| match (train, crate::is_binary(network, *id)) {
                (Train::Bits(words), true) => words.len() == steps * layout.words(),
                (Train::Values(values), false) => values.len() == steps * layout.volume(),
                _ => false,
            };
            if !tape.0.iter().all(fits) {
                return refuse(*id, "its tape is of another population, or of another number of steps");
            }
        }
        let ids: Vec<NodeId> = known.iter().map(|(id, _)| *id).collect();
        Ok(Self { network, program: Program::behind(network, &ids)?, known })
    }

    /// Bytes of a population's tape, for each sample.
    pub fn tape_bytes(&self, id: NodeId) -> usize {
        let (layout, steps) = (Layout::new(&self.network.node(id).shape), self.network.time_steps() as usize);
        steps * if crate::is_binary(self.network, id) { 2 * layout.words() } else { 4 * layout.volume() }
    }

    /// Whether a population is in the part that runs.
    pub fn runs(&self, id: NodeId) -> bool {
        self.program.populations().any(|stage| stage.node == id)
    }

    /// Runs the samples that the tapes are of: the network's results, and tapes of the populations of `kept`. `show` is shown
    /// every step of a population.
    ///
    /// # Errors
    /// [`EngineError`] when the samples do not fit the network or the tapes, or a population of `kept` is not in the part that
    /// runs.
    pub fn run(
        &self,
        inputs: &Batch,
        kept: &[NodeId],
        show: Option<(NodeId, &Show<'_>)>,
    ) -> Result<(Batch, Vec<Tape>), EngineError> {
        crate::check_samples(self.network, inputs)?;
        let wrong = self.known.iter().find(|(_, tape)| tape.0.len() != inputs.count());
        if let Some((id, tape)) = wrong {
            let what = format!("node `{}`", self.network.node(*id).name);
            let reason = format!("its tape is of {} samples, and there are {}", tape.0.len(), inputs.count());
            return Err(EngineError::Op { what, reason });
        }
        if let Some(id) = kept.iter().find(|id| !self.runs(**id)) {
            let what = format!("node `{}`", self.network.node(*id).name);
            return Err(EngineError::Op { what, reason: "it does not run, so that no tape can be kept".to_owned() });
        }
        let samples: Vec<(Vec<f32>, Vec<Train>)> = (0..inputs.count())
            .into_par_iter()
            .map_init(Workspace::default, |workspace, sample| self.sample(workspace, inputs, sample, kept, show))
            .collect();
        let mut output = Vec::new();
        let mut tapes: Vec<Tape> = kept.iter().map(|_| Tape(Vec::with_capacity(inputs.count()))).collect();
        for (result, trains) in samples {
            output.extend(result);
            tapes.iter_mut().zip(trains).for_each(|(tape, train)| tape.0.push(train));
        }
        let shape = self.network.node(self.network.output()).shape.clone();
        Ok((Batch::new(inputs.count(), shape, output)?, tapes))
    }

    fn sample(
        &self,
        workspace: &mut Workspace,
        inputs: &Batch,
        sample: usize,
        kept: &[NodeId],
        show: Option<(NodeId, &Show<'_>)>,
    ) -> (Vec<f32>, Vec<Train>) {
        let (network, program, values) = (self.network, &self.program, inputs.sample(sample));
        workspace.prepare(network, program, values);
        let input = StreamInput::new(network, values);
        if let Some(rehearsal) = network.rehearsal() {
            workspace.rehearse(network, program, (&input, values), rehearsal);
        }
        let steps = network.time_steps() as usize;
        let mut trains: Vec<Train> = kept.iter().map(|id| self.blank(*id)).collect();
        let mut shown = |record: &StepRecord<'_>| {
            if let Some((_, show)) = show {
                show(record);
            }
        };
        let mut recorder = show.map(|(only, _)| Recorder { sample, only: Some(only), show: &mut shown });
        for before in (0..steps).step_by(BLOCK) {
            let block = BLOCK.min(steps - before);
            for (id, tape) in &self.known {
                workspace.play(network, *id, &tape.0[sample], before, block);
            }
            let shown = Shown::to(recorder.as_mut());
            workspace.run_block(network, program, (&input, values), (before, block), shown, &|_| true);
            for (id, train) in kept.iter().zip(&mut trains) {
                workspace.keep(*id, train, block);
            }
        }
        (workspace.result(network, program, network.time_steps()), trains)
    }

    /// An empty tape of a population on a sample.
    fn blank(&self, id: NodeId) -> Train {
        let (layout, steps) = (Layout::new(&self.network.node(id).shape), self.network.time_steps() as usize);
        if crate::is_binary(self.network, id) {
            Train::Bits(Vec::with_capacity(steps * layout.words()))
        } else {
            Train::Values(Vec::with_capacity(steps * layout.volume()))
        }
    }
}

impl Workspace {
    /// Puts a block of a known train where readers look for it.
    fn play(&mut self, network: &SpikingNetwork, id: NodeId, train: &Train, before: usize, block: usize) {
        let layout = Layout::new(&network.node(id).shape);
        match train {
            Train::Bits(words) => {
                let size = layout.words();
                self.trains[id.0].resize(BLOCK * size, 0);
                self.trains[id.0][..block * size].copy_from_slice(&words[before * size..][..block * size]);
            }
            Train::Values(values) => {
                let size = layout.volume();
                self.shared[id.0].resize(BLOCK * size, 0.0);
                self.shared[id.0][..block * size].copy_from_slice(&values[before * size..][..block * size]);
            }
        }
    }

    /// Keeps what a population sent in a block.
    fn keep(&self, id: NodeId, train: &mut Train, block: usize) {
        match train {
            Train::Bits(words) => {
                words.extend_from_slice(&self.trains[id.0][..block * (self.trains[id.0].len() / BLOCK)]);
            }
            Train::Values(values) => {
                values.extend_from_slice(&self.shared[id.0][..block * (self.shared[id.0].len() / BLOCK)]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
