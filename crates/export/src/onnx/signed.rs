//! Populations of bases above 2, whose spikes have both signs: the nearest digit in every step.

use spikeconverter_network::Transfer;

use super::neuron::Neurons;
use super::ops::{Value, cast, clip, with_constant};
use super::writer::{Real, Writer, int};

impl Neurons<'_> {
    /// The activation of membranes, which such neurons send, not the membrane's own magnitude.
    fn activation(&self, w: &mut Writer, name: &str, v: &Value) -> Value {
        let clamped = self.clamped(w, name, v);
        let slope = |c: usize| f64::from(self.population.transfer.slope(c));
        match &self.population.transfer {
            Transfer::Relu => Value { name: clip(w, &format!("{name}/relu"), &clamped, Some(0.0), None), ..clamped },
            Transfer::Clip { .. } => clamped,
            Transfer::Leaky { .. } => {
                let side = |w: &mut Writer, what: &str, low, high| Value {
                    name: clip(w, &format!("{name}/{what}"), &clamped, low, high),
                    ..clamped.clone()
                };
                let (above, below) = (side(w, "above", Some(0.0), None), side(w, "below", Some(f32::MIN), Some(0.0)));
                let (shape, slopes) = self.each(slope);
                let below = with_constant(w, "Mul", &format!("{name}/slope"), &below, &shape, &slopes);
                Value { name: w.node("Add", &format!("{name}/leaky"), &[&above.name, &below], Vec::new()), ..clamped }
            }
        }
    }

    /// The spikes −1, 0 or 1 of each step: `s ← [v ≥ ½θ] − [v ≤ −½θ]`, `v ← k·(v − θ·s)`, from the activation of membranes.
    pub(super) fn signed_digits(&self, w: &mut Writer, name: &str, membranes: &Value) -> Vec<Value> {
        let mut v = self.activation(w, name, membranes);
        let theta = |c: usize| f64::from(self.population.threshold(c));
        let spikes = (1..=self.steps).map(|t| {
            let of = |what: &str| format!("{name}@{t}/{what}");
            let mut side = |what: &str, operator: &str, sign: f64| {
                let (shape, halves) = self.each(|c| sign * 0.5 * theta(c));
                let half = w.reals(&of(&format!("{what}/threshold")), &shape, v.real, halves.into_iter());
                let fires = w.node(operator, &of(&format!("{what}/fires")), &[&v.name, &half], Vec::new());
                w.node("Cast", &of(what), &[&fires], vec![int("to", v.real.code() as usize)])
            };
            let (plus, minus) = (side("plus", "GreaterOrEqual", 1.0), side("minus", "LessOrEqual", -1.0));
            let spike = Value { name: w.node("Sub", &of("spike"), &[&plus, &minus], Vec::new()), ..v.clone() };
            if t < self.steps {
                let (shape, thresholds) = self.each(theta);
                let taken = with_constant(w, "Mul", &of("taken"), &spike, &shape, &thresholds);
                v.name = w.node("Sub", &of("rest"), &[&v.name, &taken], Vec::new());
                v.name = with_constant(w, "Mul", &of("leak"), &v, &[], &[f64::from(self.population.base)]);
            }
            spike
        });
        spikes.collect()
    }

    /// What a spike sends in its step, without the step's weight.
    pub(super) fn sent(&self, w: &mut Writer, name: &str, spike: &Value) -> Value {
        let (shape, amplitudes) = self.each(|c| f64::from(self.population.amplitude(c)));
        let spike = cast(w, spike, Real::Single);
        Value { name: with_constant(w, "Mul", name, &spike, &shape, &amplitudes), ..spike }
    }

    /// The decoded trains of a whole window.
    pub(super) fn signed_sum(&self, w: &mut Writer, name: &str, membranes: &Value) -> Value {
        let code = self.population.code(self.steps);
        let spikes = self.signed_digits(w, name, membranes);
        let weighted = spikes.into_iter().zip(1..).map(|(spike, t)| match t {
            1 => spike,
            t => {
                let of = format!("{name}@{t}/weighted");
                Value { name: with_constant(w, "Mul", &of, &spike, &[], &[code.weight(t)]), ..spike }
            }
        });
        let weighted: Vec<Value> = weighted.collect();
        let sum = weighted.into_iter().reduce(|sum, more| Value {
            name: w.node("Add", &format!("{name}/sum"), &[&sum.name, &more.name], Vec::new()),
            ..sum
        });
        self.sent(w, name, &sum.unwrap_or_else(|| membranes.clone()))
    }
}
