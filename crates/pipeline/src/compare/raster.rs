//! Spikes of a few neurons, step by step, for people to look at.

use serde::{Deserialize, Serialize};
use spikeconverter_data::Dataset;
use spikeconverter_engine::{Batch, ClockedEngine, Engine, EngineError, FoldedEngine, StreamingEngine};
use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::{Schedule, Simulation, SpikingNetwork};

use crate::pairs::Pairs;
use crate::{Result, SampleFeed, trains};

/// Neurons shown of a population.
const NEURONS: usize = 8;

/// Spikes of some neurons on one sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raster {
    /// The sample, counted from 0 among the test samples.
    pub image: usize,
    /// Its label, if it has one.
    pub label: Option<u32>,
    /// Steps from the sample's first input to the result.
    pub steps: u32,
    /// The populations, in topological order.
    pub layers: Vec<RasterLayer>,
}

/// Spikes of some neurons of a population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RasterLayer {
    /// Name of the population.
    pub name: String,
    /// First step in which it can fire, counted from 1.
    pub first_step: u32,
    /// Last step in which it can fire.
    pub last_step: u32,
    /// Neurons of the whole population.
    pub neurons: usize,
    /// Neurons spread evenly over the population, in ascending order.
    pub trains: Vec<SpikeTrain>,
}

/// The spikes of a neuron.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpikeTrain {
    /// Number of the neuron in row-major order of the population's shape.
    pub neuron: usize,
    /// Step, counted from 1 at the sample's first input, and what was sent, in quanta: 1, or −1 for a
    /// negative spike, unless the population sends several at once or spikes of several sizes.
    pub spikes: Vec<(u32, i32)>,
}

/// The spikes of some neurons of `network` on these rows of `data`; engine errors are the caller's to name.
pub(super) fn record(
    network: &SpikingNetwork,
    feed: &SampleFeed,
    data: &Dataset,
    rows: &[usize],
) -> Result<std::result::Result<Vec<Raster>, EngineError>> {
    let mut rasters = Vec::new();
    for &row in rows {
        let one = data.select(row..row + 1)?;
        let Some(pair) = Pairs::new(&one, feed, network.input_shape(), 1)?.next()? else { continue };
        let layers = pair.and_then(|pair| of_sample(network, pair.spiking()));
        let label = one.labels().and_then(|labels| labels.first().copied());
        let steps = Schedule::new(network).latency_steps;
        match layers {
            Ok(layers) => rasters.push(Raster { image: row, label, steps, layers }),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(rasters))
}

fn of_sample(network: &SpikingNetwork, sample: &Batch) -> std::result::Result<Vec<RasterLayer>, EngineError> {
    let schedule = Schedule::new(network);
    let place: Vec<NodeId> = network.spiking().collect();
    let mut layers: Vec<RasterLayer> = place
        .iter()
        .map(|&id| {
            let node = network.node(id);
            let neurons = volume(&node.shape);
            let before = schedule.timing(id).emits_at;
            let trains = spread(neurons).map(|neuron| SpikeTrain { neuron, spikes: Vec::new() });
            RasterLayer {
                name: node.name.clone(),
                first_step: before + 1,
                last_step: before + node.kind.window(network.time_steps()),
                neurons,
                trains: trains.collect(),
            }
        })
        .collect();
    let place_of = |id: NodeId| place.iter().position(|&p| p == id);
    match network.simulation() {
        Simulation::Window => {
            FoldedEngine::new(network)?.run(sample, &mut |id, codes| {
                let Some(layer) = place_of(id).map(|at| &mut layers[at]) else { return };
                for train in &mut layer.trains {
                    let spikes = trains::spikes(network, id, codes.sample(0)[train.neuron]);
                    let steps = (layer.first_step..).zip(spikes).filter(|(_, spike)| *spike != 0);
                    train.spikes = steps.map(|(step, spike)| (step, spike.into())).collect();
                }
            })?;
        }
        Simulation::Stream => {
            ClockedEngine::new(network)?.record(sample, &mut |step| {
                let Some(layer) = place_of(step.node).map(|at| &mut layers[at]) else { return };
                for train in &mut layer.trains {
                    let sent = step.spikes[train.neuron];
                    if sent != 0 {
                        train.spikes.push((layer.first_step - 1 + step.step, sent));
                    }
                }
            })?;
        }
    }
    Ok(layers)
}

/// Up to [`NEURONS`] of `count` neurons, evenly spread.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(NEURONS);
    (0..shown).map(move |i| (2 * i + 1) * count / (2 * shown))
}
