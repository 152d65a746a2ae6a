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

impl Train {
    /// One of silence, of a population in all steps.
    fn silent(network: &SpikingNetwork, id: NodeId) -> Self {
        match form(network, id) {
            (true, count) => Self::Bits(vec![0; count]),
            (false, count) => Self::Values(vec![0.0; count]),
        }
    }

    /// Whether it is of bits, and its words or values.
    fn form(&self) -> (bool, usize) {
        match self {
            Self::Bits(words) => (true, words.len()),
            Self::Values(values) => (false, values.len()),
        }
    }
}

/// Whether a population's trains are bits, and the words or values of one in all steps.
fn form(network: &SpikingNetwork, id: NodeId) -> (bool, usize) {
    let (layout, steps) = (Layout::new(&network.node(id).shape), network.time_steps() as usize);
    let bits = crate::is_binary(network, id);
    (bits, steps * if bits { layout.words() } else { layout.volume() })
}

/// Bytes of a train of a form.
fn bytes((bits, count): (bool, usize)) -> usize {
    count * if bits { size_of::<u16>() } else { size_of::<f32>() }
}

impl Tape {
    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|train| bytes(train.form())).sum()
    }
}

/// Is shown the steps of a population, from any thread; those of a sample come in order.
pub type ShowStep<'s> = dyn Fn(&StepRecord<'_>) + Sync + 's;

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
        if network.rehearsal().is_some() && !known.is_empty() {
            return Err(refused(network, network.output(), "what a rehearsal teaches is on no tape"));
        }
        for (id, tape) in &known {
            let Some(NodeKind::Streaming(_)) = network.nodes().get(id.0).map(|node| &node.kind) else {
                return Err(refused(network, *id, "it is no streaming population, and plays no tape"));
            };
            if tape.0.iter().any(|train| train.form() != form(network, *id)) {
                return Err(refused(network, *id, "its tape is of another population, or of another number of steps"));
            }
        }
        let ids: Vec<NodeId> = known.iter().map(|(id, _)| *id).collect();
        Ok(Self { network, program: Program::behind(network, &ids)?, known })
    }

    /// Bytes of the tape of a population that runs, for each sample.
    pub fn tape_bytes(&self, id: NodeId) -> usize {
        if self.runs(id) { bytes(form(self.network, id)) } else { 0 }
    }

    /// Whether a population is in the part that runs.
    pub fn runs(&self, id: NodeId) -> bool {
        self.program.populations().any(|stage| stage.node == id)
    }

    /// Runs the samples that the tapes are of: the network's results, and tapes of the populations of `kept`. Every step of a
    /// population that runs is shown to the function beside it.
    ///
    /// # Errors
    /// [`EngineError`] when the samples do not fit the network or the tapes, or a population of `kept` is not in the part that
    /// runs.
    pub fn run(
        &self,
        inputs: &Batch,
        kept: &[NodeId],
        show: Option<(NodeId, &ShowStep<'_>)>,
    ) -> Result<(Batch, Vec<Tape>), EngineError> {
        crate::check_samples(self.network, inputs)?;
        if let Some((id, tape)) = self.known.iter().find(|(_, tape)| tape.0.len() != inputs.count()) {
            let reason = format!("its tape is of {} samples, and there are {}", tape.0.len(), inputs.count());
            return Err(refused(self.network, *id, reason));
        }
        if let Some(id) = kept.iter().find(|id| !self.runs(**id)) {
            return Err(refused(self.network, *id, "it does not run, so that no tape can be kept"));
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
        show: Option<(NodeId, &ShowStep<'_>)>,
    ) -> (Vec<f32>, Vec<Train>) {
        let (network, program, values) = (self.network, &self.program, inputs.sample(sample));
        workspace.prepare(network, program, values);
        let input = StreamInput::new(network, values);
        if let Some(rehearsal) = network.rehearsal() {
            workspace.rehearse(network, program, (&input, values), rehearsal);
        }
        let steps = network.time_steps() as usize;
        let mut trains: Vec<Train> = kept.iter().map(|id| Train::silent(network, *id)).collect();
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
                workspace.keep(*id, train, before, block);
            }
        }
        (workspace.result(network, program, network.time_steps()), trains)
    }
}

/// An error about a node, which may not be there.
fn refused(network: &SpikingNetwork, id: NodeId, reason: impl Into<String>) -> EngineError {
    let what = match network.nodes().get(id.0) {
        Some(node) => format!("node `{}`", node.name),
        None => format!("node number {}", id.0),
    };
    EngineError::Op { what, reason: reason.into() }
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
    fn keep(&self, id: NodeId, train: &mut Train, before: usize, block: usize) {
        match train {
            Train::Bits(words) => {
                let size = self.trains[id.0].len() / BLOCK;
                words[before * size..][..block * size].copy_from_slice(&self.trains[id.0][..block * size]);
            }
            Train::Values(values) => {
                let size = self.shared[id.0].len() / BLOCK;
                values[before * size..][..block * size].copy_from_slice(&self.shared[id.0][..block * size]);
            }
        }
    }
}

#[cfg(test)]
mod tests;
