use serde::{Deserialize, Serialize};
use spikeconverter_graph::ops::MaxPool;
use spikeconverter_neuron::{Comparison, Ilif, NegativeBranch, SignedIlif, SignedTrain, WindowCode};

/// What a population makes of its membrane potential `v` at the hand-over: the activation it stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// `max(v, 0)`: negative membranes never fire.
    Relu,
    /// `clamp(v, low, high)`; a bound that the code's range cannot reach is not needed and absent.
    Clip {
        /// Lower bound; absent: none. Negative values fire negative spikes.
        low: Option<f32>,
        /// Upper bound; absent: none.
        high: Option<f32>,
    },
    /// `v` for positive membranes, `slope · v` for negative ones: one slope, or one a channel. Slope 1 is a linear
    /// population, which transmits its membrane with signed spikes.
    Leaky {
        /// Slope of the negative side.
        slope: Vec<f32>,
    },
}

impl Transfer {
    /// A population without nonlinearity: signed spikes transmit the membrane itself.
    pub fn linear() -> Self {
        Self::Leaky { slope: vec![1.0] }
    }

    /// Slope of the negative side in a channel; 0 where negative membranes never fire.
    pub fn slope(&self, channel: usize) -> f32 {
        match self {
            Self::Relu => 0.0,
            Self::Clip { low, .. } => {
                if low.is_some_and(|low| low >= 0.0) {
                    0.0
                } else {
                    1.0
                }
            }
            Self::Leaky { slope } => of_channel(slope, channel),
        }
    }

    /// Whether negative spikes can occur.
    pub fn is_signed(&self) -> bool {
        match self {
            Self::Relu => false,
            Self::Clip { .. } => self.slope(0) != 0.0,
            Self::Leaky { slope } => slope.iter().any(|&s| s != 0.0),
        }
    }

    /// Whether `v ≤ w` implies `f(v) ≤ f(w)`, so that a maximum may be taken before instead of after.
    pub fn is_monotone(&self) -> bool {
        match self {
            Self::Relu | Self::Clip { .. } => true,
            Self::Leaky { slope } => slope.iter().all(|&s| s >= 0.0),
        }
    }

    /// Lower and upper bound of the membrane; infinite where there is none.
    pub fn bounds(&self) -> (f32, f32) {
        match self {
            Self::Clip { low, high } => (low.unwrap_or(f32::NEG_INFINITY), high.unwrap_or(f32::INFINITY)),
            Self::Relu | Self::Leaky { .. } => (f32::NEG_INFINITY, f32::INFINITY),
        }
    }

    /// The membrane after clamping (the only part that is not in the firing rule itself).
    pub fn clamp(&self, v: f64) -> f64 {
        match self {
            Self::Clip { low, high } => {
                let v = low.map_or(v, |low| v.max(f64::from(low)));
                high.map_or(v, |high| v.min(f64::from(high)))
            }
            Self::Relu | Self::Leaky { .. } => v,
        }
    }

    /// The activation itself, `f(v)`.
    pub fn apply(&self, v: f64, channel: usize) -> f64 {
        let v = self.clamp(v);
        if v < 0.0 { v * f64::from(self.slope(channel)) } else { v }
    }
}

/// A population of spiking neurons: accumulates what its synapses deliver, then generates its spike trains.
///
/// Neurons are grouped in channels, the first axis of the population's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Population {
    /// The activation it stands for.
    pub transfer: Transfer,
    /// Inverse leak `k` of generation, in `[1, 3]`; above 2, its spikes have [both signs](Self::has_signed_digits).
    pub base: f32,
    /// Threshold `θ > 0` in units of the activation: one, or one a channel.
    pub threshold: Vec<f32>,
    /// Whether half a resolution step is added at the hand-over (rounding instead of truncation).
    pub half_step: bool,
    /// Membrane potential that is injected with the first input step, in units of the activation: none (empty), or
    /// one a channel. Bias correction lands here.
    pub initial: Vec<f32>,
    /// Maximum over windows of accumulated membranes, taken at the hand-over: the neurons accumulate at the pool's
    /// input, and fire at its result. Exact since the transfer is monotone: `max(f(v)) = f(max(v))`.
    pub pool: Option<MaxPool>,
    /// What a spike at step 1 counts for the readers: absent, the threshold itself. Integer networks have `2^(T-1)` here,
    /// so that a train stands for its code and thresholds are in units of the membrane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amplitude: Option<f32>,
    /// Whether a membrane at its threshold fires; absent in files: it does.
    #[serde(default, skip_serializing_if = "is_default")]
    pub comparison: Comparison,
    /// Steps of its window, where these are fewer than the network's `T`; absent: `T`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Steps that it listens before it fires, in a network [whose populations generate while they
    /// listen](crate::SpikingNetwork::is_online); absent: the network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<u32>,
}

/// A ReLU in a code of base 2 with threshold 1 and rounding, and nothing else.
impl Default for Population {
    fn default() -> Self {
        Self {
            transfer: Transfer::Relu,
            base: 2.0,
            threshold: vec![1.0],
            half_step: true,
            initial: Vec::new(),
            pool: None,
            amplitude: None,
            comparison: Comparison::AtLeast,
            steps: None,
            delay: None,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form that serde calls
fn is_default(comparison: &Comparison) -> bool {
    *comparison == Comparison::default()
}

impl Population {
    /// The neuron model in a channel, with membranes of type `f64`.
    pub fn neuron(&self, channel: usize) -> Ilif<f64> {
        let slope = self.transfer.slope(channel);
        let negative = (slope != 0.0).then(|| NegativeBranch {
            threshold: f64::from(self.negative_threshold(channel)),
            spike: if slope > 0.0 { -1 } else { 1 },
        });
        Ilif {
            base: f64::from(self.base),
            threshold: f64::from(self.threshold(channel)),
            negative,
            comparison: self.comparison,
        }
    }

    /// Threshold of a channel.
    pub fn threshold(&self, channel: usize) -> f32 {
        of_channel(&self.threshold, channel)
    }

    /// What a spike of a channel at step 1 counts for its readers.
    pub fn amplitude(&self, channel: usize) -> f32 {
        self.amplitude.unwrap_or_else(|| self.threshold(channel))
    }

    /// Threshold of negative membranes in a channel, `θ/|slope|`; infinite where they never fire.
    pub fn negative_threshold(&self, channel: usize) -> f32 {
        self.threshold(channel) / self.transfer.slope(channel).abs()
    }

    /// Initial membrane potential of a channel.
    pub fn initial(&self, channel: usize) -> f32 {
        if self.initial.is_empty() { 0.0 } else { of_channel(&self.initial, channel) }
    }

    /// Whether its trains have spikes of both signs whatever its transfer, since its base is above 2: it then is a
    /// [`SignedIlif`] that hears all before it fires.
    pub fn has_signed_digits(&self) -> bool {
        WindowCode { base: self.base, steps: 1 }.is_signed()
    }

    /// Whether it can send negative spikes when it has heard all before it fires.
    pub fn is_signed(&self) -> bool {
        self.has_signed_digits() || self.transfer.is_signed()
    }

    /// Steps of its window in a network of `steps` time steps.
    pub fn window(&self, steps: u32) -> u32 {
        self.steps.unwrap_or(steps)
    }

    /// The code of its trains in a network of `steps` time steps.
    pub fn code(&self, steps: u32) -> WindowCode {
        WindowCode { base: self.base, steps: self.window(steps) }
    }

    /// The membrane with which generation starts, for an accumulated (and pooled) membrane `v`: clamped, and with half a
    /// resolution step where the population rounds.
    pub fn hand_over(&self, v: f64, channel: usize, steps: u32) -> f64 {
        let v = self.transfer.clamp(v);
        if !self.half_step {
            return v;
        }
        let half = 0.5 * self.code(steps).resolution();
        // a membrane that never fires is not rounded
        let of = |threshold: f32| if threshold.is_finite() { half * f64::from(threshold) } else { 0.0 };
        Ilif::half_step(v, of(self.threshold(channel)), of(self.negative_threshold(channel)))
    }

    /// The spike train that an accumulated (and pooled) membrane `v` gives, as a code: its binary digits are the
    /// spikes, the last step's last, negated where the spikes are negative; a [`SignedTrain`] where it has signed digits.
    pub fn encode(&self, v: f64, channel: usize, steps: u32) -> i32 {
        if self.has_signed_digits() {
            let (activation, code) = (self.transfer.apply(v, channel), self.code(steps));
            let train = (1..=code.steps).fold((0, 0.0), |(train, sent), t| {
                let neuron = SignedIlif { weight: f64::from(self.threshold(channel)) * code.weight(t) };
                let (spike, sent) = neuron.generate(activation, sent);
                (SignedTrain::push(train, spike), sent)
            });
            return train.0;
        }
        let neuron = self.neuron(channel);
        let mut v = self.hand_over(v, channel, steps);
        (0..self.window(steps)).fold(0, |code, _| {
            let (spike, after) = neuron.generate(v);
            v = after;
            2 * code + i32::from(spike)
        })
    }

    /// The activation that a code stands for.
    pub fn decode(&self, code: i32, channel: usize, steps: u32) -> f64 {
        if self.has_signed_digits() {
            return self.decode_signed(code, channel, steps);
        }
        let digits = (0..self.window(steps)).rev().map(|digit| ((code.abs() >> digit) & 1) as i8 * code.signum() as i8);
        f64::from(self.amplitude(channel)) * self.code(steps).decode(digits)
    }

    /// The activation that a [`SignedTrain`] stands for: the code of an online population, or of one with signed digits.
    pub fn decode_signed(&self, code: i32, channel: usize, steps: u32) -> f64 {
        f64::from(self.amplitude(channel)) * SignedTrain::decode(code, self.code(steps))
    }

    /// Smallest and largest threshold.
    pub fn threshold_range(&self) -> (f32, f32) {
        self.threshold.iter().fold((f32::INFINITY, 0.0), |(low, high), &t| (low.min(t), high.max(t)))
    }

    /// Shape of the generating neurons, for accumulating neurons of shape `input`.
    pub(crate) fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        self.pool.as_ref().map_or_else(|| Ok(input.to_vec()), |pool| pool.output_shape(input))
    }

    /// Checks all parameters for `channels` channels, in a network of `steps` time steps and that delay.
    pub(crate) fn check(&self, channels: usize, steps: u32, delay: u32) -> Result<(), String> {
        let early = delay < steps;
        if let Some(own) = self.delay {
            if !early {
                return Err(format!(
                    "has a delay of {own} steps in a network whose populations hear all before they fire"
                ));
            }
            if !(1..=steps).contains(&own) {
                return Err(format!("has a delay of {own} steps; with windows of {steps} steps it has 1 to {steps}"));
            }
        }
        if let Some(own) = self.steps {
            if early {
                return Err("has a window of its own in a network whose populations fire before they heard all".into());
            }
            if !(1..=steps).contains(&own) {
                return Err(format!("has a window of {own} steps in a network of windows of 1 to {steps}"));
            }
        }
        if (early || self.has_signed_digits()) && self.comparison != Comparison::AtLeast {
            return Err("must exceed its thresholds to fire, which neurons with spikes of both signs do not".into());
        }
        if !(1.0..=WindowCode::LARGEST_BASE).contains(&self.base) {
            return Err(format!("base {} lies outside [1, {}]", self.base, WindowCode::LARGEST_BASE));
        }
        if self.has_signed_digits() && !self.half_step {
            return Err(format!("truncates, and neurons of base {} round to the nearest", self.base));
        }
        check_parameters(&self.threshold, &self.initial, channels, None)?;
        if let Some(bad) = self.amplitude.filter(|a| !(a.is_finite() && *a > 0.0)) {
            return Err(format!("amplitude {bad} is not a positive number"));
        }
        match &self.transfer {
            Transfer::Leaky { slope } if !fits(slope.len(), channels) => {
                Err(format!("{} slopes for {channels} channels", slope.len()))
            }
            Transfer::Leaky { slope } if slope.iter().any(|s| !s.is_finite()) => Err("a slope is not a number".into()),
            Transfer::Leaky { .. } if (0..channels).any(|c| self.negative_threshold(c) == 0.0) => {
                Err("a slope is so steep that its negative threshold is 0".into())
            }
            Transfer::Clip { low, high }
                if low.is_some_and(f32::is_nan)
                    || high.is_some_and(f32::is_nan)
                    || matches!((low, high), (Some(l), Some(h)) if l > h) =>
            {
                Err(format!("clips to {low:?}..{high:?}"))
            }
            transfer if self.pool.is_some() && !transfer.is_monotone() => {
                Err("takes a maximum before a transfer that is not monotone".into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a list has one entry, or one a channel.
fn fits(entries: usize, channels: usize) -> bool {
    entries == 1 || entries == channels
}

/// Checks the thresholds and initial potentials of a population; with `neurons`, lists may have one entry a neuron.
pub(crate) fn check_parameters(
    threshold: &[f32],
    initial: &[f32],
    channels: usize,
    neurons: Option<usize>,
) -> Result<(), String> {
    let fits = |entries: usize| fits(entries, channels) || Some(entries) == neurons;
    if !fits(threshold.len()) || !(initial.is_empty() || fits(initial.len())) {
        let (thresholds, potentials) = (threshold.len(), initial.len());
        return Err(format!("{thresholds} thresholds and {potentials} initial potentials for {channels} channels"));
    }
    if let Some(bad) = threshold.iter().find(|t| !(t.is_finite() && **t > 0.0)) {
        return Err(format!("threshold {bad} is not a positive number"));
    }
    match initial.iter().find(|v| !v.is_finite()) {
        Some(bad) => Err(format!("initial membrane potential {bad} is not a number")),
        None => Ok(()),
    }
}

/// The entry of a channel in a list of one entry, or one a channel.
pub(crate) fn of_channel(values: &[f32], channel: usize) -> f32 {
    if let [only] = values { *only } else { values[channel] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population(transfer: Transfer) -> Population {
        Population { transfer, half_step: false, ..Population::default() }
    }

    #[test]
    fn relu_truncates_and_saturates() {
        let p = population(Transfer::Relu);
        let transmitted = |v| p.decode(p.encode(v, 0, 3), 0, 3);
        assert_eq!([-1.0, 0.3, 1.0, 1.3, 9.0].map(transmitted), [0.0, 0.25, 1.0, 1.25, 1.75]);
    }

    #[test]
    fn an_amplitude_of_its_own_is_what_readers_get() {
        let p = Population { threshold: vec![40.0], amplitude: Some(4.0), ..population(Transfer::Relu) };
        // in three bits the unit is 10 of the membrane and 1 of what is sent
        let transmitted = |v| p.decode(p.encode(v, 0, 3), 0, 3);
        assert_eq!([9.0, 10.0, 59.0, 900.0].map(transmitted), [0.0, 1.0, 5.0, 7.0]);
    }

    #[test]
    fn half_a_step_rounds() {
        let p = Population { half_step: true, ..population(Transfer::linear()) };
        let transmitted = |v| p.decode(p.encode(v, 0, 3), 0, 3);
        assert_eq!([-0.4, 0.1, 0.125, 0.9].map(transmitted), [-0.5, 0.0, 0.25, 1.0]);
    }

    #[test]
    fn leaky_slopes_of_either_sign() {
        for slope in [0.25f32, -0.5] {
            let p = population(Transfer::Leaky { slope: vec![slope] });
            assert_eq!(p.decode(p.encode(-2.0, 0, 4), 0, 4), -2.0 * f64::from(slope));
        }
    }

    #[test]
    fn clips_on_both_sides() {
        let p = population(Transfer::Clip { low: Some(-0.5), high: Some(1.25) });
        let transmitted = |v| p.decode(p.encode(v, 0, 4), 0, 4);
        assert_eq!([-3.0, -0.25, 1.5].map(transmitted), [-0.5, -0.25, 1.25]);
    }
}
