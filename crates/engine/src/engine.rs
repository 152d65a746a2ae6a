use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, Simulation, SpikingNetwork};

use crate::kernels::vectors::{truncated, vectorised};
use crate::{Batch, EngineError, Stopped, UntilStable};

/// Runs a spiking network on samples. Every engine gives the same spikes: the reference engine is the definition, and
/// one suite of tests holds the others to it.
pub trait Engine: Send + Sync {
    /// Name of the engine, as options and reports call it.
    fn name(&self) -> &'static str;

    /// Runs the samples through the network and returns its result for each.
    ///
    /// `watch` is shown the spike trains: samples come in groups, in order, and for each group it is called once for each
    /// population, in topological order (an engine may take all samples as one group). It sees, for each sample and
    /// neuron, a *code*, whose binary digits are the spikes (step `T` is the last digit, a spike at step 1 counts
    /// `2^(T-1)`), negated where the spikes are negative. A window's spikes all have one sign, unless the network
    /// [has signed trains](SpikingNetwork::has_signed_trains): codes are then [`SignedTrain`]s. Of a streaming network,
    /// whose trains may be long, a code is what was sent in all, in quanta of the population, positive less negative ones
    /// (weighted spikes count their binary digits): [`StreamingPopulation::unit`] is what it stands for, where spikes are
    /// all alike it is their number, and [`StreamingEngine::record`] shows each step.
    ///
    /// [`SignedTrain`]: spikeconverter_neuron::SignedTrain
    /// [`StreamingPopulation::unit`]: spikeconverter_network::StreamingPopulation::unit
    ///
    /// # Errors
    /// [`EngineError`] when the samples do not fit the network.
    fn run(&self, inputs: &Batch, watch: &mut dyn FnMut(NodeId, &Batch<i32>)) -> Result<Batch, EngineError>;

    /// Runs the samples like [`run`](Self::run) and also shows, for the populations of a streaming network whose codes are
    /// not their numbers of spikes, these numbers, in the same groups and order.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn run_counting(
        &self,
        inputs: &Batch,
        watch: &mut dyn FnMut(NodeId, &Batch<i32>),
        count: &mut dyn FnMut(NodeId, &Batch<SpikeCount>),
    ) -> Result<Batch, EngineError> {
        // the codes of windows say all
        let _ = count;
        self.run(inputs, watch)
    }

    /// Runs the samples for their results alone.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn infer(&self, inputs: &Batch) -> Result<Batch, EngineError> {
        self.run(inputs, &mut |_, _| {})
    }
}

/// The spikes of a neuron of a streaming network on a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpikeCount {
    /// Spikes of either sign, those of a rehearsal included: a burst counts each of its spikes, a spike of several sizes counts once.
    pub spikes: u32,
    /// Negative ones among these.
    pub negative: u32,
}

impl SpikeCount {
    /// Counts the spikes of a step.
    pub(crate) fn add(&mut self, spikes: u32, negative: bool) {
        self.spikes += spikes;
        self.negative += if negative { spikes } else { 0 };
    }
}

/// Whether a population's trains are bits: spikes all alike, one or none in a step.
pub(crate) fn is_binary(network: &SpikingNetwork, id: NodeId) -> bool {
    let node = network.node(id);
    matches!(&node.kind, NodeKind::Streaming(population) if population.is_binary(&node.shape, network.coding()))
}

/// Whether a population's codes are its numbers of spikes: it is binary, and all its spikes are in them.
pub(crate) fn codes_count_spikes(network: &SpikingNetwork, id: NodeId) -> bool {
    is_binary(network, id) && network.rehearsal().is_none()
}

/// Is shown a population's codes of some samples, and the steps that each of these took.
pub type WatchStopped<'a> = dyn FnMut(NodeId, &Batch<i32>, &[u32]) + 'a;

/// What a population did in one step of a streaming simulation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepRecord<'a> {
    /// The population.
    pub node: NodeId,
    /// Number of the sample, from 0.
    pub sample: usize,
    /// The step, counted from 1.
    pub step: u32,
    /// The quanta that each neuron sent (0: none; 1: a spike of a neuron with spikes all alike), in row-major order of the
    /// population's shape.
    pub spikes: &'a [i32],
    /// The membranes after the step: of a window, those that generate (where neurons are online, what is left of the
    /// activation of what was heard).
    pub membranes: &'a [f64],
}

/// An engine that shows every step of a network, so that engines can be compared spike by spike.
pub trait StreamingEngine: Engine {
    /// Runs the samples one after the other like [`Engine::run`] and shows every population in every step of its own, 1 to
    /// `T`. Steps of a population come in order; how those of different populations interleave is the engine's affair.
    ///
    /// # Errors
    /// [`EngineError`] when the samples do not fit the network, or it has windows, whose steps only the reference engine takes
    /// one by one.
    fn record(&self, inputs: &Batch, show: &mut dyn FnMut(&StepRecord<'_>)) -> Result<Batch, EngineError>;

    /// Runs the samples like [`Engine::run_counting`], each until its class is stable. `watch` is also told how many steps each
    /// sample of the group took; the numbers of spikes are those of these steps.
    ///
    /// # Errors
    /// As [`record`](Self::record), and when the network has several read-outs.
    fn run_until_stable(
        &self,
        inputs: &Batch,
        rule: UntilStable,
        watch: &mut WatchStopped<'_>,
        count: &mut dyn FnMut(NodeId, &Batch<SpikeCount>),
    ) -> Result<Stopped, EngineError>;
}

/// Refuses a network whose time passes in another way than `engine` simulates.
pub(crate) fn check_simulation(
    engine: &'static str,
    network: &SpikingNetwork,
    wanted: Simulation,
) -> Result<(), EngineError> {
    if network.simulation() == wanted {
        return Ok(());
    }
    Err(EngineError::Simulation { engine, wanted: wanted.name(), found: network.simulation().name() })
}

/// Refuses a network that is not of whole windows: what folds a window into one pass needs all of it before anything is sent.
pub(crate) fn check_whole_windows(engine: &'static str, network: &SpikingNetwork) -> Result<(), EngineError> {
    check_simulation(engine, network, Simulation::Window)?;
    if network.is_online() {
        return Err(EngineError::Online { engine, delay: network.delay(), steps: network.time_steps() });
    }
    Ok(())
}

/// Checks that samples fit the network's input; where they enter as spikes also that they are integers 0..=255.
pub(crate) fn check_samples(network: &SpikingNetwork, inputs: &Batch) -> Result<(), EngineError> {
    let what = || format!("input `{}`", network.nodes()[0].name);
    if inputs.shape() != network.input_shape() {
        let (expected, found) = (network.input_shape().to_vec(), inputs.shape().to_vec());
        return Err(EngineError::InputShape { what: what(), expected, found });
    }
    // all at once in vectors, one by one only to name what is wrong
    let pixels = network.encoding().takes_pixels();
    let fits = |x: &f32| if pixels { truncated(*x, 255.0) as f32 == *x } else { x.is_finite() };
    let all = vectorised(
        #[inline(always)]
        || inputs.data().iter().fold(true, |all, x| all & fits(x)),
    );
    let bad = if all { None } else { inputs.data().iter().find(|x| !fits(x)) };
    match bad {
        Some(value) => Err(EngineError::InputValue {
            what: what(),
            value: value.to_string(),
            wanted: if pixels { "integers from 0 to 255" } else { "finite numbers" },
        }),
        None => Ok(()),
    }
}
