//! What stages do with their currents, and what is left of it in the end.

use spikeconverter_graph::volume;
use spikeconverter_network::SpikingNetwork;

use super::super::graded::Graded;
use super::super::program::{End, Program, Source, Stage};
use super::{Range, Recorder, Settling, Workspace};
use crate::kernels::Threads;
use crate::kernels::fire::Steps;
use crate::kernels::graded::GradedSteps;
use crate::kernels::tile::LANES;
use crate::{SpikeCount, StepRecord};

impl Workspace {
    /// What a stage does with its current.
    pub(super) fn finish(
        &mut self,
        network: &SpikingNetwork,
        stage: &Stage,
        range: Range,
        mut recorder: Option<&mut Recorder<'_>>,
        mut settling: Option<&mut Settling<'_>>,
    ) {
        let (node, size) = (stage.node.0, stage.layout.volume());
        let mut membranes = std::mem::take(&mut self.membranes[node]);
        let constant = matches!(stage.source, Source::Constant(_));
        match &stage.end {
            End::Fire { neurons, .. } => {
                let words = stage.layout.words();
                let mut trains = std::mem::take(&mut self.trains[node]);
                let mut counts = std::mem::take(&mut self.counts[node]);
                // all steps at once, or one by one where each is shown
                let together = if recorder.is_some() { 1 } else { range.count };
                for step in (0..range.count).step_by(together) {
                    let first = match stage.source {
                        Source::Own(number) => &self.own[number][step * size..],
                        Source::Shared(id) => &self.shared[id.0][(range.first + step) * size..],
                        _ => self.values(stage.source, range, step),
                    };
                    let spikes = &mut trains[(range.first + step) * words..][..together * words];
                    let steps = Steps {
                        count: together,
                        channel: 0,
                        currents: first,
                        stride: if constant { 0 } else { size },
                        spikes,
                        words,
                        counts: &mut counts,
                    };
                    neurons.run(&mut membranes, steps);
                    if let Some(recorder) = recorder.as_mut() {
                        record(recorder, network, stage, range.number(step), spikes, &membranes);
                    }
                }
                (self.trains[node], self.counts[node]) = (trains, counts);
            }
            End::Graded(neurons) => self.fire_graded(neurons, stage, range, recorder),
            End::Pool(pool) => {
                let (mut state, mut output) =
                    (std::mem::take(&mut self.pools[node]), std::mem::take(&mut self.shared[node]));
                for step in 0..range.count {
                    let at = (range.first + step) * size;
                    let values = self.values(stage.source, range, step);
                    pool.step(&mut state, values, range.number(step), &mut output[at..at + size]);
                }
                (self.pools[node], self.shared[node]) = (state, output);
            }
            End::Read { skip, .. } => {
                let mut decoded = std::mem::take(&mut self.decoded[node]);
                for step in 0..range.count {
                    let t = range.number(step);
                    if settling.as_ref().is_some_and(|settling| settling.steps.is_some()) {
                        break;
                    }
                    for ((u, expected), &x) in decoded.iter_mut().zip(self.values(stage.source, range, step)) {
                        let current = network.coding().decode(expected, x.into(), t);
                        *u += if t > *skip { current } else { 0.0 };
                    }
                    if t <= *skip {
                        continue;
                    }
                    if decoded.is_empty() {
                        for (u, current) in membranes.iter_mut().zip(self.values(stage.source, range, step)) {
                            *u += current;
                        }
                    }
                    if let Some(settling) = &mut settling {
                        let spikes = settling.listener.hears.iter().any(|id| self.sends(*id, range.first + step));
                        let done = if decoded.is_empty() {
                            settling.stability.step(&stage.layout.plain(&membranes), spikes)
                        } else {
                            let membranes: Vec<f64> = decoded.iter().map(|(u, _)| *u).collect();
                            settling.stability.step(&stage.layout.plain(&membranes), spikes)
                        };
                        settling.steps = done.then_some(t as usize);
                    }
                }
                self.decoded[node] = decoded;
            }
            End::Share => {
                if let Source::Own(number) = stage.source {
                    let values = &self.own[number][..range.count * size];
                    self.shared[node][range.first * size..][..values.len()].copy_from_slice(values);
                }
            }
        }
        self.membranes[node] = membranes;
    }

    /// Neurons of every other kind.
    fn fire_graded(&mut self, neurons: &Graded, stage: &Stage, range: Range, mut recorder: Option<&mut Recorder<'_>>) {
        let (node, layout) = (stage.node.0, stage.layout);
        let (size, words) = (layout.volume(), if neurons.bits { layout.words() } else { 0 });
        let mut state = std::mem::take(&mut self.graded[node]);
        let (mut trains, mut shared) = (std::mem::take(&mut self.trains[node]), std::mem::take(&mut self.shared[node]));
        let size = if neurons.bits { 0 } else { size };
        // all steps at once, or one by one where each is shown
        let together = if recorder.is_some() { 1 } else { range.count };
        for step in (0..range.count).step_by(together) {
            let at = range.first + step;
            let mut steps = GradedSteps {
                first: range.number(step),
                currents: (step..step + together).map(|step| self.values(stage.source, range, step)).collect(),
                values: &mut shared[at * size..][..together * size],
                spikes: &mut trains[at * words..][..together * words],
            };
            neurons.run(&mut state, &mut steps);
            if let Some(recorder) = recorder.as_mut() {
                let (sample, step) = (recorder.sample, range.number(step));
                let (quanta, membranes) = neurons.last(&state);
                let record = StepRecord { node: stage.node, sample, step, spikes: &quanta, membranes: &membranes };
                (recorder.show)(&record);
            }
        }
        self.graded[node] = state;
        (self.trains[node], self.shared[node]) = (trains, shared);
    }

    /// What each neuron of a population sent, in row-major order.
    pub(in crate::clocked) fn codes(&self, stage: &Stage, plain: &mut [i32]) {
        match &stage.end {
            End::Graded(neurons) => neurons.codes(&self.graded[stage.node.0], plain),
            _ => stage.layout.give(&self.counts[stage.node.0], plain),
        }
    }

    /// The spikes of each neuron of a population whose codes are not their number, in row-major order.
    pub(in crate::clocked) fn counts(&self, stage: &Stage, plain: &mut [SpikeCount]) {
        if let End::Graded(neurons) = &stage.end {
            neurons.counts(&self.graded[stage.node.0], plain);
        }
    }

    /// The network's result after so many steps.
    pub(in crate::clocked) fn result(&self, network: &SpikingNetwork, program: &Program, steps: u32) -> Vec<f32> {
        let mut values: Vec<Vec<f32>> = vec![Vec::new(); network.nodes().len()];
        for stage in &program.stages {
            let End::Read { skip, .. } = stage.end else { continue };
            let steps = steps - skip;
            let mut plain = vec![0.0; volume(&network.node(stage.node).shape)];
            let decoded = &self.decoded[stage.node.0];
            if decoded.is_empty() {
                stage.layout.give(&self.membranes[stage.node.0], &mut plain);
                for x in &mut plain {
                    *x /= steps as f32;
                }
            } else {
                let means: Vec<f32> = decoded.iter().map(|(u, _)| (u / f64::from(steps)) as f32).collect();
                stage.layout.give(&means, &mut plain);
            }
            values[stage.node.0] = plain;
        }
        for (i, kernel) in program.heads.iter().enumerate() {
            if let Some(kernel) = kernel {
                let node = &network.nodes()[i];
                let mut result = vec![0.0; volume(&node.shape)];
                let inputs: Vec<&[f32]> = node.inputs.iter().map(|input| values[input.0].as_slice()).collect();
                kernel.run_unchecked(&inputs, &mut result, Threads::One);
                values[i] = result;
            }
        }
        std::mem::take(&mut values[network.output().0])
    }
}

fn record(
    recorder: &mut Recorder<'_>,
    network: &SpikingNetwork,
    stage: &Stage,
    step: u32,
    words: &[u16],
    membranes: &[f32],
) {
    let count = volume(&network.node(stage.node).shape);
    let places = || (0..count).map(|n| stage.layout.place(n));
    let spikes: Vec<i32> = places().map(|at| i32::from(words[at / LANES] >> (at % LANES) & 1)).collect();
    let membranes: Vec<f64> = places().map(|at| f64::from(membranes[at])).collect();
    let sample = recorder.sample;
    (recorder.show)(&StepRecord { node: stage.node, sample, step, spikes: &spikes, membranes: &membranes });
}
