//! Populations: membranes become codes, in one division or in the neuron's own steps.

use spikeconverter_network::{Population, Transfer};

use super::ops::{Place, maxima, plane};
use super::text::{Arrays, Code, Int};
use super::{Generated, Steps};
use crate::ExportError;
use crate::bounds;

/// A population as it is written down.
pub(super) struct Neurons<'a> {
    pub(super) population: &'a Population,
    /// The node's name in the network.
    pub(super) node: &'a str,
    /// What its constants are named after.
    pub(super) owner: &'a str,
    /// Its number among the populations.
    pub(super) number: usize,
    /// The network's prefix.
    pub(super) prefix: &'a str,
    pub(super) steps: u32,
    pub(super) form: Steps,
    /// Whether the membranes hold the initial potentials already.
    pub(super) started: bool,
}

impl Neurons<'_> {
    /// Defines `owner_fire`, which makes codes (`output`) of membranes (`x`).
    pub(super) fn define(&self, x: &Place, output: &Place, arrays: &mut Arrays, code: &mut Code) -> Generated {
        let function = format!("{}_fire", self.owner);
        code.open(&format!("static void {function}(void)"));
        let shape = &output.shape;
        if let Some(pool) = &self.population.pool {
            let opened = maxima(code, pool, x, shape, x.int);
            let out = plane(&shape[1..], 1);
            code.line(&format!("const int32_t n = (c * {} + oy) * {} + ox;", out[0], out[1]));
            self.neuron("best", x, output, arrays, code)?;
            code.close_all(opened);
        } else {
            let channels = shape.first().copied().unwrap_or(1);
            let inner = spikeconverter_graph::volume(shape) / channels;
            code.count("c", channels);
            code.count("i", inner);
            code.line(&format!("const int32_t n = c * {inner} + i;"));
            self.neuron(&format!("{}[n]", x.name), x, output, arrays, code)?;
            code.close_all(2);
        }
        code.close();
        Ok(format!("{function}();"))
    }

    /// A number of each channel: an array, or the number itself where all are equal.
    fn each(&self, arrays: &mut Arrays, int: Int, what: &str, channels: usize, of: impl Fn(usize) -> i64) -> String {
        let values: Vec<i64> = (0..channels).map(of).collect();
        if values.iter().all(|v| *v == values[0]) {
            return format!("({})", values[0]);
        }
        let name = format!("{}_{what}", self.owner);
        arrays.array(int, &name, values.into_iter());
        format!("{name}[c]")
    }

    fn neuron(
        &self,
        membrane: &str,
        x: &Place,
        output: &Place,
        arrays: &mut Arrays,
        code: &mut Code,
    ) -> Result<(), ExportError> {
        let Self { population, steps, .. } = *self;
        let channels = output.shape.first().copied().unwrap_or(1);
        let first = f64::from(1u32 << (steps - 1));
        let unit = |c: usize| (f64::from(population.threshold(c)) / first) as i64;
        let sign = |c: usize| match population.transfer.slope(c) {
            0.0 => 0,
            slope if slope > 0.0 => -1,
            _ => 1,
        };
        // any unit where negative membranes never fire
        let negative_unit =
            |c: usize| if sign(c) == 0 { 1 } else { (f64::from(population.negative_threshold(c)) / first) as i64 };
        let largest_unit = (0..channels).map(|c| unit(c).max(negative_unit(c))).max().unwrap_or(1);
        let initial = bounds::of_constants(&population.initial).magnitude();
        let mut magnitude = x.range.magnitude().saturating_add(initial).saturating_add(i128::from(largest_unit));
        if self.form == Steps::Spikes {
            // twice the membrane, and once more in every step
            magnitude = magnitude.saturating_mul(4 << steps);
        }
        let int = Int::computing(magnitude)
            .ok_or_else(|| ExportError::node(self.node, "its membranes can exceed the integers of 64 bits"))?
            .name();

        let unit = self.each(arrays, Int::I32, "unit", channels, unit);
        let start = if self.started || initial == 0 {
            String::new()
        } else {
            let initial = self.each(arrays, Int::I32, "initial", channels, |c| population.initial(c) as i64);
            format!(" + {initial}")
        };
        code.line(&format!("{int} v = ({int}){membrane}{start};"));
        if let Transfer::Clip { low, high } = &population.transfer {
            for (bound, operator) in [(low, '<'), (high, '>')] {
                if let Some(bound) = bound {
                    code.open(&format!("if (v {operator} ({}))", *bound as i64));
                    code.line(&format!("v = ({});", *bound as i64));
                    code.close();
                }
            }
        }
        let negative = population.transfer.is_signed().then(|| {
            (
                self.each(arrays, Int::I32, "negative_unit", channels, negative_unit),
                self.each(arrays, Int::I8, "sign", channels, sign),
            )
        });
        code.line("int32_t code = 0;");
        match self.form {
            Steps::Folded => self.divide(int, &unit, negative.as_ref(), code),
            Steps::Spikes => self.generate(int, &unit, negative.as_ref(), code),
        }
        code.line(&format!("{}[n] = ({})code;", output.name, output.int.name()));
        code.line(&format!("{}_WATCH({}, n, code);", self.prefix.to_uppercase(), self.number));
        Ok(())
    }

    /// `⌊(|v| + ½)/unit⌋`, at most the window's largest code.
    fn divide(&self, int: &str, unit: &str, negative: Option<&(String, String)>, code: &mut Code) {
        let largest = (1 << self.steps) - 1;
        let half = |unit: &str| if self.population.half_step { format!(" + {unit} / 2") } else { String::new() };
        let digits = |code: &mut Code, v: &str, unit: &str, sign: &str| {
            code.line(&format!("const {int} digits = ({v}{}) / {unit};", half(unit)));
            code.line(&format!("code = {sign}(int32_t)(digits > {largest} ? {largest} : digits);"));
        };
        code.open("if (v > 0)");
        digits(code, "v", unit, "");
        if let Some((unit, sign)) = negative {
            code.otherwise("else if (v < 0)");
            digits(code, "-v", unit, &format!("{sign} * "));
        }
        code.close();
    }

    /// `s = [v ≥ θ]`, `v = 2·(v − θ·s)`, with twice the membrane so that half a resolution step is an integer.
    fn generate(&self, int: &str, unit: &str, negative: Option<&(String, String)>, code: &mut Code) {
        let steps = self.steps;
        code.line("v *= 2;");
        if self.population.half_step {
            code.open("if (v > 0)");
            code.line(&format!("v += {unit};"));
            if let Some((unit, sign)) = negative {
                code.otherwise(&format!("else if (v < 0 && {sign} != 0)"));
                code.line(&format!("v -= {unit};"));
            }
            code.close();
        }
        let threshold = |unit: &str| format!("({int}){unit} * {}", 1u64 << steps);
        code.line(&format!("const {int} threshold = {};", threshold(unit)));
        if let Some((unit, _)) = negative {
            code.line(&format!("const {int} negative_threshold = {};", threshold(unit)));
        }
        code.count("t", steps as usize);
        code.line("int32_t spike = 0;");
        code.open("if (v >= threshold)");
        code.line("spike = 1;");
        code.line("v -= threshold;");
        if let Some((_, sign)) = negative {
            code.otherwise(&format!("else if ({sign} != 0 && v <= -negative_threshold)"));
            code.line(&format!("spike = {sign};"));
            code.line("v += negative_threshold;");
        }
        code.close();
        code.line("v *= 2;");
        code.line("code = 2 * code + spike;");
        code.close();
    }
}
