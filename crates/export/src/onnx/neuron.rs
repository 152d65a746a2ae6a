//! The generation window of a population, all at once: a quantisation for base 2, the neuron's greedy steps for others up to it.

use spikeconverter_network::{Population, Transfer};
use spikeconverter_neuron::Comparison;

use super::ops::{Value, cast, clip, with_constant};
use super::writer::{Real, Writer, int};
use crate::bounds::Range;

/// Parameters of a population as constants that broadcast to its membranes.
pub(super) struct Neurons<'a> {
    pub(super) population: &'a Population,
    pub(super) steps: u32,
    /// Shape of the neurons.
    shape: Vec<usize>,
    channels: usize,
}

/// A number for each channel of a value of this shape, as a constant that broadcasts to it; one where all are equal.
pub(super) fn of_channels(shape: &[usize], of: &dyn Fn(usize) -> f64) -> (Vec<usize>, Vec<f64>) {
    let values: Vec<f64> = (0..shape.first().copied().unwrap_or(1)).map(of).collect();
    if values.iter().all(|x| *x == values[0]) {
        return (Vec::new(), vec![values[0]]);
    }
    let mut extents = vec![1; shape.len()];
    extents[0] = values.len();
    (extents, values)
}

impl<'a> Neurons<'a> {
    pub(super) fn new(population: &'a Population, shape: &[usize], steps: u32) -> Self {
        Self { population, steps, shape: shape.to_vec(), channels: shape.first().copied().unwrap_or(1) }
    }

    /// One number a channel, or one for all.
    pub(super) fn each(&self, of: impl Fn(usize) -> f64) -> (Vec<usize>, Vec<f64>) {
        of_channels(&self.shape, &of)
    }

    /// Adds the initial potential.
    pub(super) fn started(&self, w: &mut Writer, name: &str, x: &Value) -> Value {
        let (shape, initial) = self.each(|c| f64::from(self.population.initial(c)));
        if initial == [0.0] {
            return x.clone();
        }
        Value { name: with_constant(w, "Add", &format!("{name}/initial"), x, &shape, &initial), ..x.clone() }
    }

    /// Clips the membrane at the hand-over.
    pub(super) fn clamped(&self, w: &mut Writer, name: &str, v: &Value) -> Value {
        match self.population.transfer {
            Transfer::Clip { low, high } => Value { name: clip(w, &format!("{name}/clip"), v, low, high), ..v.clone() },
            Transfer::Relu | Transfer::Leaky { .. } => v.clone(),
        }
    }

    /// Whether negative membranes fire in any channel.
    pub(super) fn signed(&self) -> bool {
        self.population.transfer.is_signed()
    }

    /// The operator by which a positive membrane fires.
    fn reaches(&self) -> &'static str {
        match self.population.comparison {
            Comparison::AtLeast => "GreaterOrEqual",
            Comparison::Above => "Greater",
        }
    }

    /// The operator by which a negative membrane fires.
    fn falls_to(&self) -> &'static str {
        match self.population.comparison {
            Comparison::AtLeast => "LessOrEqual",
            Comparison::Above => "Less",
        }
    }

    /// The sign of what a negative membrane sends, 0 where it sends nothing.
    pub(super) fn sign(&self, channel: usize) -> f64 {
        let slope = self.population.transfer.slope(channel);
        if slope == 0.0 || self.population.negative_threshold(channel).is_infinite() {
            0.0
        } else {
            -f64::from(slope.signum())
        }
    }

    /// Threshold of negative membranes; any number where they never fire.
    pub(super) fn negative_threshold(&self, channel: usize) -> f64 {
        let threshold = f64::from(self.population.negative_threshold(channel));
        if threshold.is_finite() { threshold } else { 1.0 }
    }

    /// The decoded trains that membranes give, and the name of their codes, where these are values.
    pub(super) fn generate(
        &self,
        w: &mut Writer,
        name: &str,
        v: &Value,
        codes: Option<Range>,
    ) -> (Value, Option<String>) {
        if self.population.has_signed_digits() {
            return (self.signed_sum(w, name, v), None);
        }
        let v = self.clamped(w, name, v);
        if self.population.base == 2.0 {
            let (sent, code) = self.quantise(w, name, &v, codes);
            (sent, Some(code))
        } else {
            (self.expand(w, name, &v), None)
        }
    }

    /// Base 2: the code is the membrane in units of the resolution, rounded and clipped; its value is `name/code`, and
    /// `name` what it stands for.
    fn quantise(&self, w: &mut Writer, name: &str, v: &Value, codes: Option<Range>) -> (Value, String) {
        let resolution = self.population.code(self.steps).resolution();
        let unit = |c: usize| f64::from(self.population.threshold(c)) * resolution;
        let negative_unit = |c: usize| self.negative_threshold(c) * resolution;
        let sent = |c: usize| f64::from(self.population.amplitude(c)) * resolution;
        let plain = (0..self.channels).all(|c| sent(c) == 1.0);
        let coded = format!("{name}/code");
        // the last operator has the population's own name where codes stand for themselves
        let code = if plain { name } else { coded.as_str() };
        let y = if !self.signed() {
            self.digits(w, code, name, v, &unit)
        } else if (0..self.channels).all(|c| self.sign(c) == -1.0 && unit(c) == negative_unit(c)) {
            let sign = w.node("Sign", &format!("{name}/sign"), &[&v.name], Vec::new());
            let magnitude = Value { name: w.node("Abs", &format!("{name}/abs"), &[&v.name], Vec::new()), ..v.clone() };
            let digits = self.digits(w, &format!("{name}/digits"), name, &magnitude, &unit);
            w.node("Mul", code, &[&sign, &digits], Vec::new())
        } else {
            let minus = w.node("Neg", &format!("{name}/minus"), &[&v.name], Vec::new());
            let minus = Value { name: minus, ..v.clone() };
            let positive = self.digits(w, &format!("{name}/positive"), &format!("{name}/positive"), v, &unit);
            let negative = format!("{name}/negative");
            let negative = self.digits(w, &negative, &negative, &minus, &negative_unit);
            let (shape, signs) = self.each(|c| self.sign(c));
            let negative = Value { name: negative, ..v.clone() };
            let negative = with_constant(w, "Mul", &format!("{name}/signs"), &negative, &shape, &signs);
            w.node("Add", code, &[&positive, &negative], Vec::new())
        };
        let y = cast(w, &Value { name: y, range: codes, ..v.clone() }, Real::Single);
        let code = y.name.clone();
        if plain {
            return (y, code);
        }
        let (shape, sent) = self.each(sent);
        (Value { name: with_constant(w, "Mul", name, &y, &shape, &sent), ..y }, code)
    }

    /// `⌊v/unit + ½⌋` (without the half where the population truncates) within the window's codes; 0 for negative `v`. In
    /// integers the half is the unit's, rounded down, and added first: the same, without a fraction. Where a membrane at its
    /// threshold does not fire: `⌈·⌉ − 1`.
    fn digits(&self, w: &mut Writer, code: &str, name: &str, v: &Value, unit: &dyn Fn(usize) -> f64) -> String {
        let half = self.population.half_step;
        let mut v = v.clone();
        if half && v.range.is_some() {
            let (shape, halves) = self.each(|c| (unit(c) / 2.0).floor());
            v.name = with_constant(w, "Add", &format!("{name}/half"), &v, &shape, &halves);
        }
        let (shape, units) = self.each(unit);
        if units != [1.0] {
            v.name = with_constant(w, "Div", &format!("{name}/divide"), &v, &shape, &units);
        }
        if half && v.range.is_none() {
            v.name = with_constant(w, "Add", &format!("{name}/half"), &v, &[], &[0.5]);
        }
        let largest = ((1u32 << self.steps) - 1) as f32;
        if self.population.comparison == Comparison::Above {
            v.name = w.node("Ceil", &format!("{name}/ceil"), &[&v.name], Vec::new());
            v.name = with_constant(w, "Sub", &format!("{name}/below"), &v, &[], &[1.0]);
            return clip(w, code, &v, Some(0.0), Some(largest));
        }
        v.name = clip(w, &format!("{name}/saturate"), &v, Some(0.0), Some(largest));
        w.node("Floor", code, &[&v.name], Vec::new())
    }

    /// Any base: the neuron's own steps.
    fn expand(&self, w: &mut Writer, name: &str, v: &Value) -> Value {
        let (shape, amplitudes) = self.each(|c| f64::from(self.population.amplitude(c)));
        let sum = self.greedy(w, &format!("{name}/positive"), v, &|c| f64::from(self.population.threshold(c)));
        let sum = if self.signed() {
            let minus = w.node("Neg", &format!("{name}/minus"), &[&v.name], Vec::new());
            let minus = Value { name: minus, ..v.clone() };
            let negative = self.greedy(w, &format!("{name}/negative"), &minus, &|c| self.negative_threshold(c));
            let (shape, signs) = self.each(|c| self.sign(c));
            let negative = with_constant(w, "Mul", &format!("{name}/signs"), &negative, &shape, &signs);
            Value { name: w.node("Add", &format!("{name}/sum"), &[&sum.name, &negative], Vec::new()), ..sum }
        } else {
            sum
        };
        let sum = cast(w, &sum, Real::Single);
        Value { name: with_constant(w, "Mul", name, &sum, &shape, &amplitudes), range: None, ..sum }
    }

    /// `Σ_t k^-(t-1) s(t)` of the positive membranes; the half resolution step alone never fires.
    fn greedy(&self, w: &mut Writer, name: &str, v: &Value, threshold: &dyn Fn(usize) -> f64) -> Value {
        let code = self.population.code(self.steps);
        let mut v = Value { name: clip(w, &format!("{name}/rectify"), v, Some(0.0), None), ..v.clone() };
        if self.population.half_step {
            let (shape, halves) = self.each(|c| 0.5 * code.resolution() * threshold(c));
            v.name = with_constant(w, "Add", &format!("{name}/half"), &v, &shape, &halves);
        }
        let (shape, thresholds) = self.each(threshold);
        let theta = w.reals(&format!("{name}/threshold"), &shape, v.real, thresholds.into_iter());
        let mut sum: Option<Value> = None;
        for t in 1..=self.steps {
            let of = |what: &str| format!("{name}/t{t}/{what}");
            let spike = w.node(self.reaches(), &of("fires"), &[&v.name, &theta], Vec::new());
            let spike = w.node("Cast", &of("spike"), &[&spike], vec![int("to", v.real.code() as usize)]);
            let spike = Value { name: spike, ..v.clone() };
            let weight = code.weight(t);
            let weighted = if weight == 1.0 {
                spike.name.clone()
            } else {
                with_constant(w, "Mul", &of("weighted"), &spike, &[], &[weight])
            };
            let total = match sum {
                None => weighted,
                Some(so_far) => w.node("Add", &of("sum"), &[&so_far.name, &weighted], Vec::new()),
            };
            sum = Some(Value { name: total, ..v.clone() });
            if t < self.steps {
                let taken = w.node("Mul", &of("taken"), &[&spike.name, &theta], Vec::new());
                v.name = w.node("Sub", &of("rest"), &[&v.name, &taken], Vec::new());
                if self.population.base != 1.0 {
                    v.name = with_constant(w, "Mul", &of("leak"), &v, &[], &[f64::from(self.population.base)]);
                }
            }
        }
        sum.unwrap_or(v)
    }

    /// The membrane with half a resolution step added, away from zero.
    pub(super) fn rounded(&self, w: &mut Writer, name: &str, v: &Value) -> Value {
        let half = 0.5 * self.population.code(self.steps).resolution();
        let mut side = |operator: &str, sign: f64, threshold: &dyn Fn(usize) -> f64| {
            let own = format!("{name}/round/{operator}");
            let zero = w.reals("zero", &[], v.real, std::iter::once(0.0));
            let is = w.node(operator, &own, &[&v.name, &zero], Vec::new());
            let is = w.node("Cast", &own, &[&is], vec![int("to", v.real.code() as usize)]);
            let (shape, halves) = self.each(|c| sign * half * threshold(c));
            with_constant(w, "Mul", &own, &Value { name: is, ..v.clone() }, &shape, &halves)
        };
        let up = side("Greater", 1.0, &|c| f64::from(self.population.threshold(c)));
        let mut sum = vec![v.name.clone(), up];
        if self.signed() {
            sum.push(side("Less", -1.0, &|c| if self.sign(c) == 0.0 { 0.0 } else { self.negative_threshold(c) }));
        }
        let mut name_of = v.name.clone();
        for term in &sum[1..] {
            name_of = w.node("Add", &format!("{name}/round"), &[&name_of, term], Vec::new());
        }
        Value { name: name_of, ..v.clone() }
    }

    /// One step of generation: what is sent, in `f32`, and the membrane afterwards (as it was in the last step, after which
    /// nobody needs it).
    pub(super) fn step(&self, w: &mut Writer, name: &str, v: &Value, last: bool) -> (Value, Value) {
        let of = |what: &str| format!("{name}/{what}");
        let population = self.population;
        let mut side = |operator: &str, sign: f64, threshold: &dyn Fn(usize) -> f64| {
            let (shape, thresholds) = self.each(|c| sign * threshold(c));
            let theta = w.reals(&of("threshold"), &shape, v.real, thresholds.into_iter());
            let fires = w.node(operator, &of("fires"), &[&v.name, &theta], Vec::new());
            let spike = w.node("Cast", &of("spike"), &[&fires], vec![int("to", v.real.code() as usize)]);
            (Value { name: spike, ..v.clone() }, theta)
        };
        let mut sides = vec![side(self.reaches(), 1.0, &|c| f64::from(population.threshold(c)))];
        if self.signed() {
            // a membrane never falls to a threshold of minus infinity
            let threshold = |c: usize| if self.sign(c) == 0.0 { f64::INFINITY } else { self.negative_threshold(c) };
            sides.push(side(self.falls_to(), -1.0, &threshold));
        }
        let mut sent: Option<Value> = None;
        let mut after = v.clone();
        for (i, (spike, theta)) in sides.iter().enumerate() {
            let own = if i + 1 == sides.len() && sides.len() == 1 { name.to_owned() } else { of("sent") };
            let amplitude = |c: usize| f64::from(population.amplitude(c)) * if i == 0 { 1.0 } else { self.sign(c) };
            let (shape, amplitudes) = self.each(amplitude);
            let amplitude = Value { name: with_constant(w, "Mul", &own, spike, &shape, &amplitudes), ..v.clone() };
            sent = Some(match sent {
                None => amplitude,
                Some(so_far) => {
                    Value { name: w.node("Add", name, &[&so_far.name, &amplitude.name], Vec::new()), ..so_far }
                }
            });
            if !last {
                // an infinite threshold times no spike is no number
                let theta = self.finite(w, &of("finite"), v, theta, i);
                let taken = w.node("Mul", &of("taken"), &[&spike.name, &theta], Vec::new());
                after.name = w.node("Sub", &of("rest"), &[&after.name, &taken], Vec::new());
            }
        }
        if !last && population.base != 1.0 {
            after.name = with_constant(w, "Mul", &of("leak"), &after, &[], &[f64::from(population.base)]);
        }
        let sent = sent.map_or_else(|| v.clone(), |sent| cast(w, &sent, Real::Single));
        (sent, after)
    }

    /// The thresholds of a side as they are subtracted.
    fn finite(&self, w: &mut Writer, name: &str, v: &Value, theta: &str, side: usize) -> String {
        if side == 0 || (0..self.channels).all(|c| self.sign(c) != 0.0) {
            return theta.to_owned();
        }
        let (shape, thresholds) = self.each(|c| if self.sign(c) == 0.0 { 0.0 } else { -self.negative_threshold(c) });
        w.reals(name, &shape, v.real, thresholds.into_iter())
    }
}
