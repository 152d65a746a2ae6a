//! A neuron's window, step by step: the example that the page on theory works out.

use spikeconverter_neuron::{Comparison, Ilif};

use super::svg::{Anchor, COLOURS, Drawing, GREY, INK, Point};

const BASE: f64 = 2.0;
const INPUTS: [(f64, &str); 4] = [(0.5, "½"), (0.0, "0"), (-0.25, "−¼"), (0.5, "½")];
const ZERO: f64 = 205.0;
const THRESHOLD: f64 = 150.0;
const STEP: f64 = 68.0;

/// The lower end of a step's bar.
fn foot(step: usize) -> Point {
    (90.0 + STEP * step as f64 + if step < INPUTS.len() { 0.0 } else { 30.0 }, ZERO)
}

/// A membrane, in thresholds, as a bar with its value above.
fn bar(svg: &mut Drawing, step: usize, membrane: f64, colour: &str, words: &str) {
    let (x, y) = foot(step);
    svg.rectangle((x - 16.0, y - THRESHOLD * membrane), (32.0, THRESHOLD * membrane), colour);
    svg.text((x, y - THRESHOLD * membrane - 6.0), Anchor::Middle, INK, words);
}

pub(super) fn draw() -> String {
    let neuron = Ilif { base: BASE, threshold: 1.0, negative: None, comparison: Comparison::AtLeast };
    let steps = INPUTS.len();
    let hand_over = BASE.powi(steps as i32 - 1);
    let mut svg = Drawing::new(680.0, 290.0, "A neuron listens for four steps and then sends the train 0100");
    let mut u = 0.0;
    for (step, (input, words)) in INPUTS.into_iter().enumerate() {
        u = neuron.accumulate(u, input);
        bar(&mut svg, step, u / hand_over, GREY, &format!("{u}"));
        let (x, y) = foot(step);
        svg.text((x, y + 20.0), Anchor::Middle, INK, words);
    }
    let mut v = u / hand_over;
    for step in steps..2 * steps {
        let (spike, after) = neuron.generate(v);
        let colour = if spike == 0 { GREY } else { COLOURS[1] };
        bar(&mut svg, step, v, colour, &format!("{v}"));
        let (x, y) = foot(step);
        svg.text((x, y + 20.0), Anchor::Middle, INK, &format!("{spike}"));
        v = after;
    }
    let (begin, end) = (foot(0).0 - 30.0, foot(2 * steps - 1).0 + 30.0);
    let turn = 0.5 * (foot(steps - 1).0 + foot(steps).0);
    svg.line((begin, ZERO), (end, ZERO), INK, false);
    svg.line((turn, 30.0), (turn, ZERO + 30.0), GREY, true);
    svg.line((turn, ZERO - THRESHOLD), (end, ZERO - THRESHOLD), COLOURS[0], true);
    svg.text((end + 4.0, ZERO - THRESHOLD + 4.0), Anchor::Start, COLOURS[0], "θ = 1");
    svg.text((turn - 12.0, 26.0), Anchor::End, INK, "listens: u ← 2 u + input");
    svg.text((turn + 12.0, 26.0), Anchor::Start, INK, "speaks: v ← 2 (v − s)");
    svg.text((begin - 6.0, ZERO + 20.0), Anchor::End, INK, "input");
    svg.text((end + 4.0, ZERO + 20.0), Anchor::Start, INK, "spikes");
    let words = "Bars are membranes, on the left divided by 8 as at the hand-over. The train 0100 reads ½.";
    svg.text((begin, ZERO + 60.0), Anchor::Start, INK, words);
    svg.finish()
}
