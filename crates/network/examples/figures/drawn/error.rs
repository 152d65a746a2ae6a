//! How far a window is from the activation, over its length and the base of its code.

use spikeconverter_neuron::{Comparison, Ilif, SignedIlif, WindowCode};

use super::svg::{Anchor, COLOURS, Drawing, GREY, INK, Point};

const BASES: [f64; 5] = [1.0, 1.2, 1.5, 2.0, 3.0];
const LONGEST: u32 = 10;
/// Exponents of the vertical axis, base 10.
const DECADES: (i32, i32) = (-6, 0);
/// Standard deviations that values go to, and values in each.
const REACH: u32 = 5;
const DENSITY: u32 = 100;

/// Positive values with their weights in a normal distribution, so that what is left of them is a ReLU.
fn values() -> impl Iterator<Item = (f64, f64)> {
    (0..REACH * DENSITY).map(|i| {
        let value = (f64::from(i) + 0.5) / f64::from(DENSITY);
        (value, (-0.5 * value * value).exp())
    })
}

/// What a neuron sends for a membrane.
fn sent(neuron: &Ilif<f64>, code: WindowCode, membrane: f64) -> f64 {
    if code.is_signed() {
        let weight = |step| neuron.threshold * code.weight(step);
        return (1..=code.steps).fold(0.0, |sent, step| SignedIlif { weight: weight(step) }.generate(membrane, sent).1);
    }
    let half = 0.5 * neuron.threshold * code.weight(code.steps);
    let mut v = Ilif::half_step(membrane, half, half);
    (1..=code.steps)
        .map(|step| {
            let (spike, after) = neuron.generate(v);
            v = after;
            neuron.threshold * f64::from(spike) * code.weight(step)
        })
        .sum()
}

/// Mean square of what is sent minus the activation, relative to that of the activation, with the best threshold.
fn error(base: f64, steps: u32) -> f64 {
    let code = WindowCode { base: base as f32, steps };
    let reach: f64 = (1..=steps).map(|step| code.weight(step)).sum();
    let of = |range: f64| {
        let threshold = range / reach;
        let neuron = Ilif { base, threshold, negative: None, comparison: Comparison::AtLeast };
        let (mut wrong, mut all) = (0.0, 0.0);
        for (value, weight) in values() {
            wrong += weight * (sent(&neuron, code, value) - value).powi(2);
            all += weight * value * value;
        }
        wrong / all
    };
    (4..=64).map(|i| of(0.1 * f64::from(i))).fold(f64::INFINITY, f64::min)
}

pub(super) fn draw() -> String {
    let (left, top, width, height) = (70.0, 20.0, 460.0, 280.0);
    let title = "Relative mean square error of a window over its length, for five bases: the larger the base, the smaller the error";
    let mut svg = Drawing::new(680.0, 350.0, title);
    let (lowest, highest) = DECADES;
    let y = |exponent: f64| top + height * (f64::from(highest) - exponent) / f64::from(highest - lowest);
    let x = |steps: u32| left + width * f64::from(steps - 1) / f64::from(LONGEST - 1);
    for exponent in lowest..=highest {
        let at = y(f64::from(exponent));
        svg.line((left, at), (left + width, at), "#dddddd", false);
        let words = if exponent == 0 { "1".to_owned() } else { format!("1e{exponent}") };
        svg.text((left - 8.0, at + 4.0), Anchor::End, GREY, &words);
    }
    for steps in 1..=LONGEST {
        svg.text((x(steps), top + height + 18.0), Anchor::Middle, GREY, &steps.to_string());
    }
    svg.text((left + 0.5 * width, top + height + 40.0), Anchor::Middle, INK, "T, steps of a window");
    for (base, colour) in BASES.into_iter().zip(COLOURS) {
        let exponents = (1..=LONGEST).map(|steps| (x(steps), error(base, steps).log10()));
        let shown = exponents.take_while(|(_, exponent)| *exponent >= f64::from(lowest));
        let points: Vec<Point> = shown.map(|(at, exponent)| (at, y(exponent))).collect();
        svg.curve(&points, colour);
        let (last, end) = points[points.len() - 1];
        svg.text((last + 12.0, end + 4.0), Anchor::Start, colour, &format!("k = {base}"));
    }
    svg.finish()
}
