//! Samples that are tried before they run.

use spikeconverter_network::SpikingNetwork;
use spikeconverter_neuron::Rehearsal;

use super::super::program::{BLOCK, End, Program, Stage};
use super::{Shown, Workspace};
use crate::stream_input::StreamInput;

impl Workspace {
    /// Tries a sample, all layers at once or level by level, and keeps what the populations learnt from it. A rehearsal runs
    /// whole, also where the sample itself may end early.
    pub(in crate::clocked) fn rehearse(
        &mut self,
        network: &SpikingNetwork,
        program: &Program,
        input: (&StreamInput, &[f32]),
        rehearsal: Rehearsal,
    ) {
        let levels = network.levels();
        let deepest = levels.iter().copied().max().unwrap_or(0);
        let turns = if rehearsal.is_sequential() { 1..=deepest } else { deepest..=deepest };
        let steps = rehearsal.steps() as usize;
        for turn in turns {
            for before in (0..steps).step_by(BLOCK) {
                let steps = (before, BLOCK.min(steps - before));
                let plays = |stage: &Stage| levels[stage.node.0] <= turn;
                self.run_block(network, program, input, steps, Shown::default(), &plays);
            }
            for stage in &program.stages {
                if let End::Graded(neurons) = &stage.end {
                    neurons.learn(&mut self.graded[stage.node.0], rehearsal, turn);
                }
                self.restart(stage);
            }
        }
    }

    /// Back to before the first step; spikes stay counted.
    fn restart(&mut self, stage: &Stage) {
        let node = stage.node.0;
        match &stage.end {
            End::Graded(neurons) => neurons.restart(&mut self.graded[node]),
            End::Pool(pool) => pool.prepare(&mut self.pools[node]),
            End::Read { initial, .. } => self.membranes[node].clone_from(initial),
            // neurons of networks that rehearse are graded; what is shared is written anew in each block
            End::Fire { .. } | End::Share => {}
        }
    }
}
