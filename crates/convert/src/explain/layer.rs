use spikeconverter_engine::kernels::{Compiled, compile};
use spikeconverter_engine::{Batch, EngineError, generate};
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{Population, Transfer};
use spikeconverter_neuron::SignedTrain;

use super::split::Split;
use crate::calibrate::{in_activation_units, scaled, sum};

/// The population of an activation, or its copies, and what it stands for.
pub(super) struct Layer {
    pub(super) id: NodeId,
    /// Where what it sends is read: the population, or the mean of its copies.
    pub(super) sends: NodeId,
    /// Its other copies.
    pub(super) others: Vec<(NodeId, Population)>,
    /// The trained network's node whose value it transmits, and the one whose value is its membrane before a maximum.
    pub(super) target: NodeId,
    pub(super) membrane: NodeId,
    /// In units of the activation.
    pub(super) population: Population,
    transfer: Transfer,
    pool: Option<Compiled>,
    /// What its membranes and decoded trains are in these units: one factor, or one a channel.
    membrane_unit: Vec<f32>,
    sent_unit: Vec<f32>,
}

impl Layer {
    /// `placed` is the population as placement made it, whose transfer is the activation function itself.
    pub(super) fn new(
        id: NodeId,
        target: NodeId,
        membrane: NodeId,
        population: &Population,
        placed: &Population,
        shapes: &[&[usize]],
    ) -> Result<Self, EngineError> {
        let pool = placed.pool.as_ref().map(|pool| compile(&Op::MaxPool(pool.clone()), shapes)).transpose()?;
        let (membrane_unit, sent_unit) = (vec![1.0], vec![1.0]);
        let (population, transfer) = (population.clone(), placed.transfer.clone());
        let (sends, others) = (id, Vec::new());
        Ok(Self { id, sends, others, target, membrane, population, transfer, pool, membrane_unit, sent_unit })
    }

    /// Adds a population for the same activation; `mean` is where all of them are read.
    pub(super) fn join(&mut self, id: NodeId, population: &Population, mean: NodeId) {
        self.others.push((id, population.clone()));
        self.sends = mean;
    }

    /// All its populations.
    pub(super) fn populations(&self) -> impl Iterator<Item = (NodeId, &Population)> {
        let others = self.others.iter().map(|(id, population)| (*id, population));
        std::iter::once((self.id, &self.population)).chain(others)
    }

    /// The mean of a parameter over its populations.
    fn mean(&self, of: impl Fn(&Population) -> f32) -> f32 {
        self.populations().map(|(_, population)| of(population)).sum::<f32>() / (1 + self.others.len()) as f32
    }

    /// Finds the units in which decoded trains are nearest to the activations wanted, in the mean square.
    pub(super) fn find_units(&mut self, wanted: &Batch, sent: &Batch) {
        let channels = wanted.shape().first().copied().unwrap_or(1);
        let inner = (wanted.volume() / channels).max(1);
        let mut sums = vec![(0.0f64, 0.0f64); channels];
        for (row, (wanted, sent)) in wanted.data().chunks(inner).zip(sent.data().chunks(inner)).enumerate() {
            let (product, power) = &mut sums[row % channels];
            for (&a, &q) in wanted.iter().zip(sent) {
                *product += f64::from(a) * f64::from(q);
                *power += f64::from(q) * f64::from(q);
            }
        }
        let ratio = |(product, power): (f64, f64)| Some(product / power).filter(|r| r.is_finite() && *r > 0.0);
        let whole = sums.iter().fold((0.0, 0.0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        // a channel that was silent has the layer's
        let typical = ratio(whole).unwrap_or(1.0);
        self.sent_unit = sums.iter().map(|&of| ratio(of).unwrap_or(typical) as f32).collect();
        let units = self.sent_unit.iter().enumerate();
        self.membrane_unit =
            units.map(|(c, unit)| unit * self.population.amplitude(c) / self.population.threshold(c)).collect();
        self.population = in_activation_units(&self.population, &self.membrane_unit);
    }

    /// Decoded trains in units of the activation.
    pub(super) fn decoded(&self, sent: &Batch) -> Batch {
        scaled(sent, &self.sent_unit)
    }

    /// Membranes in units of the activation.
    pub(super) fn membranes(&self, membranes: &Batch) -> Batch {
        scaled(membranes, &self.membrane_unit)
    }

    /// The activation function on membranes of the trained network.
    pub(super) fn activation(&self, membranes: &Batch) -> Result<Batch, EngineError> {
        let mut pooled = self.pooled(membranes)?;
        for_channels(&mut pooled, |channel, values| {
            for v in values {
                *v = self.transfer.apply(f64::from(*v), channel) as f32;
            }
        });
        Ok(pooled)
    }

    /// What the population makes of membranes of the trained network.
    pub(super) fn spiking(&self, membranes: &Batch, steps: u32) -> Result<Batch, EngineError> {
        let membranes = self.pooled(membranes)?;
        let mut all = None;
        for (_, population) in self.populations() {
            all = Some(sum(all, &generate(population, steps, membranes.clone())?.0));
        }
        let share = 1.0 / (1 + self.others.len()) as f32;
        Ok(all.map_or(membranes, |all| scaled(&all, &[share])))
    }

    fn pooled(&self, membranes: &Batch) -> Result<Batch, EngineError> {
        self.pool.as_ref().map_or_else(|| Ok(membranes.clone()), |pool| pool.run(&[membranes]))
    }

    /// What the population would send, as its readers take it, if it sent its membranes' activations. Membranes are in units
    /// of the activation.
    pub(super) fn analog(&self, membranes: &Batch) -> Batch {
        let mut sent = membranes.clone();
        for_channels(&mut sent, |channel, values| {
            let initial = self.mean(|population| population.initial(channel));
            let unit = self.sent_unit.get(channel).or(self.sent_unit.first()).copied().unwrap_or(1.0);
            for v in values {
                *v = self.transfer.apply(f64::from(*v + initial), channel) as f32 / unit;
            }
        });
        sent
    }

    pub(super) fn apply(&self, v: f64, channel: usize) -> f64 {
        self.transfer.apply(v, channel)
    }
}

fn for_channels(batch: &mut Batch, mut f: impl FnMut(usize, &mut [f32])) {
    let channels = batch.shape().first().copied().unwrap_or(1);
    let inner = (batch.volume() / channels).max(1);
    batch.data_mut().chunks_mut(inner).enumerate().for_each(|(row, values)| f(row % channels, values));
}

/// What is counted of a layer.
pub(super) struct Tally {
    pub(super) split: Split,
    /// Spikes, and windows at the end of the code's range, of each neuron.
    pub(super) spikes: Vec<u64>,
    pub(super) saturated: Vec<u64>,
    pub(super) windows: u64,
    /// Samples that are right where only this layer spikes, and where only this layer is analog.
    pub(super) alone: u64,
    pub(super) analog: u64,
    /// Whether the latter could be tried.
    pub(super) analog_known: bool,
}

impl Tally {
    pub(super) fn new(shape: &[usize]) -> Self {
        let neurons = volume(shape);
        Self {
            split: Split::new(shape.first().copied().unwrap_or(1)),
            spikes: vec![0; neurons],
            saturated: vec![0; neurons],
            windows: 0,
            alone: 0,
            analog: 0,
            analog_known: true,
        }
    }

    /// Adds the parts of a batch's error. `real` are the activations without weight rounding, where there is some.
    pub(super) fn add_error(
        &mut self,
        layer: &Layer,
        steps: u32,
        wanted: &Batch,
        membranes: &Batch,
        sent: &Batch,
        real: Option<&Batch>,
    ) {
        let channels = wanted.shape().first().copied().unwrap_or(1);
        let inner = (wanted.volume() / channels).max(1);
        let range = layer.population.code(steps).range();
        let mean = |of: &dyn Fn(&Population) -> f32| f64::from(layer.mean(of));
        let parameters: Vec<[f64; 2]> =
            (0..channels).map(|c| [mean(&|p| p.threshold(c)), mean(&|p| p.initial(c))]).collect();
        for at in 0..wanted.data().len() {
            let channel = at / inner % channels;
            let [threshold, initial] = parameters[channel];
            let full = threshold * range;
            let v = f64::from(membranes.data()[at]) + initial;
            let passed = layer.apply(v, channel);
            let real = real.map_or(passed, |real| f64::from(real.data()[at]));
            let sent = f64::from(sent.data()[at]);
            // in a window all input comes first
            let values = [f64::from(wanted.data()[at]), real, passed, passed.clamp(-full, full), sent];
            self.split.add(channel, values, sent);
        }
    }

    /// Counts the spikes in a population's codes, [`SignedTrain`]s where it has signed digits.
    pub(super) fn add_codes(&mut self, population: &Population, codes: &Batch<i32>, steps: u32) {
        let (signed, steps) = (population.has_signed_digits(), population.window(steps));
        let full = if signed { (3i32.pow(steps) - 1) / 2 } else { (1i32 << steps) - 1 };
        self.windows += codes.count() as u64;
        for sample in codes.samples() {
            for ((code, spikes), saturated) in sample.iter().zip(&mut self.spikes).zip(&mut self.saturated) {
                let count = if signed { SignedTrain::count(*code).0 } else { code.unsigned_abs().count_ones() };
                *spikes += u64::from(count);
                *saturated += u64::from(code.abs() == full);
            }
        }
    }
}
