//! The identical relation, in `f64`: from the trains of one run, what every membrane at the hand-over must have been, and
//! whether another run's trains are what such membranes give.

use std::ops::AddAssign;

use spikeconverter_engine::{Batch, literal};
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{NodeKind, Population, SpikingNetwork, Transfer};

use crate::generator::magnitudes;
use crate::harness::Run;

/// How many neurons of a run differ from another's, over how many whose inputs agree.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Difference {
    pub(crate) compared: usize,
    pub(crate) different: usize,
}

impl AddAssign for Difference {
    fn add_assign(&mut self, other: Self) {
        self.compared += other.compared;
        self.different += other.different;
    }
}

/// A node's result for one sample: its values, and bounds for the sums of magnitudes that they were added up from.
struct Values {
    values: Vec<f64>,
    magnitudes: Vec<f64>,
}

/// Checks `run` against `reference` on every sample: in each population whose ancestors all have the same trains in both,
/// each code must be one that a membrane within `rounding` times the magnitude of its sum from the true membrane gives. The
/// result must be as close.
///
/// # Errors
/// A sentence that names the first neuron that is not.
pub(crate) fn compare(
    network: &SpikingNetwork,
    samples: &Batch,
    reference: &Run,
    run: &Run,
    rounding: f64,
) -> Result<Difference, String> {
    let mut difference = Difference::default();
    for sample in 0..samples.count() {
        difference += one_sample(network, samples.sample(sample), sample, reference, run, rounding)?;
    }
    Ok(difference)
}

fn one_sample(
    network: &SpikingNetwork,
    pixels: &[f32],
    sample: usize,
    reference: &Run,
    run: &Run,
    rounding: f64,
) -> Result<Difference, String> {
    let mut nodes: Vec<Option<Values>> = Vec::new();
    let mut difference = Difference::default();
    for id in network.ids() {
        let node = network.node(id);
        let inputs: Option<Vec<&Values>> = node.inputs.iter().map(|i| nodes[i.0].as_ref()).collect();
        // a node below a difference has other inputs in the two runs: nothing to compare
        let Some(inputs) = inputs else {
            nodes.push(None);
            continue;
        };
        let result = match &node.kind {
            NodeKind::Input(_) => {
                let values: Vec<f64> = pixels.iter().map(|&x| f64::from(x)).collect();
                Some(Values { magnitudes: values.iter().map(|x| x.abs()).collect(), values })
            }
            NodeKind::Synapse(op) | NodeKind::Head(op) => Some(apply(network, id, op, &inputs)),
            NodeKind::MaxPool(pool) => Some(apply(network, id, &Op::MaxPool(pool.clone()), &inputs)),
            NodeKind::Population(population) => {
                let membranes = accumulated(network, id, population, inputs[0]);
                let codes = [reference, run].map(|r| r.codes[&id].sample(sample));
                difference.compared += codes[0].len();
                let count = differing(network, id, population, &membranes, codes, rounding)
                    .map_err(|reason| format!("`{}` ({id:?}), sample {sample}, {reason}", node.name))?;
                difference.different += count;
                (count == 0).then(|| decoded(network, id, population, codes[0]))
            }
            NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => unreachable!("a windowed network"),
            NodeKind::Readout(readout) => {
                let Values { mut values, mut magnitudes } = Values { ..inputs[0].copy() };
                let inner = values.len() / readout.initial.len().max(1);
                for (i, &initial) in readout.initial.iter().enumerate() {
                    values[i * inner..][..inner].iter_mut().for_each(|v| *v += f64::from(initial));
                    magnitudes[i * inner..][..inner].iter_mut().for_each(|v| *v += f64::from(initial.abs()));
                }
                for ((&found, value), magnitude) in run.output.sample(sample).iter().zip(&values).zip(&magnitudes) {
                    // the result itself is rounded to f32
                    let tolerance = (rounding + f64::from(f32::EPSILON)) * magnitude;
                    if (f64::from(found) - value).abs() > tolerance {
                        return Err(format!("sample {sample}: the result {found} should be {value} ± {tolerance:e}"));
                    }
                }
                None
            }
        };
        nodes.push(result);
    }
    Ok(difference)
}

impl Values {
    fn copy(&self) -> Self {
        Self { values: self.values.clone(), magnitudes: self.magnitudes.clone() }
    }
}

fn apply(network: &SpikingNetwork, id: NodeId, op: &Op, inputs: &[&Values]) -> Values {
    let shapes: Vec<&[usize]> = network.node(id).inputs.iter().map(|i| network.node(*i).shape.as_slice()).collect();
    let with = |op: &Op, part: fn(&Values) -> &[f64]| {
        let inputs: Vec<(&[usize], &[f64])> = shapes.iter().zip(inputs).map(|(s, v)| (*s, part(v))).collect();
        literal::apply(op, &inputs, true).expect("shapes fit")
    };
    Values { values: with(op, |v| &v.values), magnitudes: with(&magnitudes(op), |v| &v.magnitudes) }
}

/// Membranes at the hand-over, pooled where the population pools.
fn accumulated(network: &SpikingNetwork, id: NodeId, population: &Population, input: &Values) -> Values {
    let mut membranes = input.copy();
    let shape = &network.node(network.node(id).inputs[0]).shape;
    let inner = volume(&shape[1..]);
    for (n, (v, m)) in membranes.values.iter_mut().zip(&mut membranes.magnitudes).enumerate() {
        let initial = f64::from(population.initial(n / inner));
        *v += initial;
        *m += initial.abs();
    }
    match &population.pool {
        Some(pool) => apply(network, id, &Op::MaxPool(pool.clone()), &[&membranes]),
        None => membranes,
    }
}

fn decoded(network: &SpikingNetwork, id: NodeId, population: &Population, codes: &[i32]) -> Values {
    let inner = volume(&network.node(id).shape[1..]);
    let decode = |(n, &code): (usize, &i32)| population.decode(code, n / inner, network.time_steps());
    let values: Vec<f64> = codes.iter().enumerate().map(decode).collect();
    Values { magnitudes: values.iter().map(|v| v.abs()).collect(), values }
}

/// How many neurons have other codes in the two runs.
///
/// # Errors
/// When a neuron's code in the second run is further from its membrane than rounding explains.
fn differing(
    network: &SpikingNetwork,
    id: NodeId,
    population: &Population,
    membranes: &Values,
    codes: [&[i32]; 2],
    rounding: f64,
) -> Result<usize, String> {
    let inner = volume(&network.node(id).shape[1..]);
    let mut different = 0;
    for (n, (&v, &magnitude)) in membranes.values.iter().zip(&membranes.magnitudes).enumerate() {
        let tolerance = rounding * magnitude;
        let (low, high) = codes_within(population, n / inner, network.time_steps(), v, tolerance);
        let [reference, found] = [codes[0][n], codes[1][n]];
        if !(low..=high).contains(&found) {
            return Err(format!(
                "neuron {n}: code {found:b} (reference {reference:b}) for a membrane of {v} ± {tolerance:e}, which gives \
                 {low:b} to {high:b}; {population:?}"
            ));
        }
        different += usize::from(reference != found);
    }
    Ok(different)
}

/// Smallest and largest code of membranes within `tolerance` of `v`. Codes rise with positive membranes, and rise or fall
/// with negative ones as the slope's sign is, so that they are extreme at the ends or at 0.
fn codes_within(population: &Population, channel: usize, steps: u32, v: f64, tolerance: f64) -> (i32, i32) {
    // rounding happens before and after a membrane is clipped
    let v = population.transfer.clamp(v);
    let free = match population.transfer {
        Transfer::Clip { low, .. } => Transfer::Clip { low: low.filter(|low| *low >= 0.0).map(|_| 0.0), high: None },
        ref other => other.clone(),
    };
    let free = Population { transfer: free, ..population.clone() };
    let encode = |v: f64| free.encode(v, channel, steps);
    let (low, high) = (v - tolerance, v + tolerance);
    let ends = [encode(low), encode(high), encode(if low < 0.0 && high > 0.0 { 0.0 } else { v })];
    ends.iter().fold((ends[0], ends[0]), |(low, high), &code| (low.min(code), high.max(code)))
}
