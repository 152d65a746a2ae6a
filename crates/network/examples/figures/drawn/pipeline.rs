//! When the populations of a windowed network speak, image after image.

use spikeconverter_graph::ops::{Linear, Op};
use spikeconverter_graph::{NodeId, Tensor};
use spikeconverter_network::{
    Encoding, NetworkBuilder, NetworkError, NodeKind, Population, Readout, Schedule, SpikingNetwork,
};

use super::svg::{Anchor, COLOURS, Drawing, GREY, INK};

const STEPS: u32 = 8;
const POPULATIONS: usize = 3;
const IMAGES: u32 = 3;
const LEFT: f64 = 110.0;
const ROW: f64 = 34.0;
/// Width of a step.
const STEP: f64 = 10.0;
/// Steps that the axis has.
const AXIS: u32 = 52;

/// A chain of populations.
fn chain() -> Result<SpikingNetwork, NetworkError> {
    let synapse = || -> Result<NodeKind, NetworkError> {
        Ok(NodeKind::Synapse(Op::Linear(Linear { weight: Tensor::new(vec![1, 1], vec![1.0])?, bias: None })))
    };
    let mut builder = NetworkBuilder::new(STEPS, "input", vec![1], Encoding::Analog)?;
    let mut last = builder.input();
    for number in 1..=POPULATIONS {
        last = builder.add(format!("synapses {number}"), synapse()?, &[last])?;
        let population = Population { ..Population::default() };
        last = builder.add(format!("population {number}"), NodeKind::Population(population), &[last])?;
    }
    last = builder.add("synapses", synapse()?, &[last])?;
    let readout = builder.add("read-out", NodeKind::Readout(Readout::default()), &[last])?;
    builder.finish(readout)
}

pub(super) fn draw(delay: Option<u32>) -> Result<String, NetworkError> {
    let network = chain()?.with_delay(delay)?;
    let schedule = Schedule::new(&network);
    let x = |step: u32| LEFT + STEP * f64::from(step);
    let words = format!("T = {STEPS}, three populations; a box is a population that speaks of an image");
    let title = format!("{POPULATIONS} populations work one behind the other; {words}");
    let mut svg = Drawing::new(LEFT + STEP * f64::from(AXIS) + 20.0, 290.0, &title);
    let shown: Vec<NodeId> =
        network.ids().filter(|&id| !matches!(network.node(id).kind, NodeKind::Synapse(_))).collect();
    let mut top = 40.0;
    // behind the boxes
    let result = x(schedule.latency_steps);
    svg.line((result, 22.0), (result, top + ROW * shown.len() as f64), INK, true);
    for id in shown {
        let (node, timing) = (network.node(id), schedule.timing(id));
        let listens = matches!(node.kind, NodeKind::Readout(_));
        let (begin, length) = if listens { (timing.listens_at, timing.listens_for) } else { (timing.emits_at, STEPS) };
        svg.text((LEFT - 10.0, top + 18.0), Anchor::End, INK, &node.name);
        for (image, colour) in (0..IMAGES).zip(COLOURS) {
            let from = begin + image * schedule.period;
            svg.rectangle((x(from) + 1.0, top), (STEP * f64::from(length) - 2.0, ROW - 8.0), colour);
            let words = format!("{} {}", if listens { "hears" } else { "image" }, image + 1);
            svg.text((x(from) + 0.5 * STEP * f64::from(length), top + 18.0), Anchor::Middle, "#ffffff", &words);
        }
        top += ROW;
    }
    for step in (0..=AXIS).step_by(STEPS as usize) {
        svg.line((x(step), top), (x(step), top + 5.0), GREY, false);
        svg.text((x(step), top + 20.0), Anchor::Middle, GREY, &step.to_string());
    }
    svg.line((x(0), top), (x(AXIS), top), GREY, false);
    svg.text((LEFT - 10.0, top + 20.0), Anchor::End, GREY, "step");
    let first = format!("first result after {} steps", schedule.latency_steps);
    svg.text((result + 6.0, 28.0), Anchor::Start, INK, &first);
    svg.text((LEFT, top + 48.0), Anchor::Start, INK, &words);
    Ok(svg.finish())
}
