use std::fmt::Write as _;

use spikeconverter_network::Simulation;
use spikeconverter_pipeline::EvaluationReport;

use super::description::{fired, shorter};
use super::table::{Table, metric, percent, percent_if, points_if, thousands};

/// Said where the trained network is no better than guessing.
pub const AT_CHANCE: &str = "\
The trained network itself is right no more often than guessing here. Are samples prepared as for its training (convert with
--scale, --mean, --std, --channels, --resize or --preprocess), and are the labels its own?
";

/// What an evaluation found.
pub fn evaluation(report: &EvaluationReport) -> String {
    let mut sides = Table::new(&["<", "ANN", "SNN", "<"]);
    sides.row([
        "accuracy".into(),
        percent_if(report.ann_accuracy),
        percent_if(report.snn_accuracy),
        match report.gap() {
            Some(gap) => format!("gap {} points, agreement {}", points_if(Some(gap)), percent(report.agreement)),
            None => format!("no labels; agreement {}", percent(report.agreement)),
        },
    ]);
    sides.row([
        "operations a sample".into(),
        format!("{}MAC", metric(report.ann_macs_per_image)),
        format!("{}SynOp", metric(report.synops_per_image)),
        match report.input_macs_per_image {
            macs if macs > 0.0 => format!("and {}MAC of the analog input, in the SNN's energy", metric(macs)),
            _ => "multiply-accumulates; accumulates, one a spike and synapse".into(),
        },
    ]);
    sides.row([
        "energy a sample".into(),
        format!("{}J", metric(report.ann_energy_joule)),
        format!("{}J", metric(report.snn_energy_joule)),
        "estimate at 45 nm: 4.6 pJ a MAC, 0.9 pJ a SynOp, no memory".into(),
    ]);
    let mut text = sides.render();
    // writing to a string does not fail
    let _ = writeln!(
        text,
        "\n{} on the {} engine, {} samples, {:.0} samples/s (ANN {:.0})",
        report.method,
        report.engine,
        thousands(report.images),
        report.images_per_second,
        report.ann_images_per_second
    );
    let _ = match report.schedule {
        Simulation::Window => writeln!(
            text,
            "T = {} steps a window{}{}, {} stages: result after {} steps, one image every {}",
            report.time_steps,
            shorter(report.least_window_steps),
            fired(report.delay_steps, report.least_delay_steps),
            report.stages,
            report.latency_steps,
            report.period_steps
        ),
        Simulation::Stream => writeln!(
            text,
            "T = {} steps, {} stages at once (stream): result after {} steps, one image every {}",
            report.time_steps, report.stages, report.latency_steps, report.period_steps
        ),
    };
    if let Some(used) = report.steps_used {
        let _ = writeln!(
            text,
            "stopped when the class was stable: {:.1} steps a sample on average (min {}, median {}, max {})",
            used.mean, used.min, used.median, used.max
        );
    }
    let _ = writeln!(
        text,
        "spikes: {:.3} a neuron, {} a sample, {}",
        report.spikes_per_neuron,
        thousands(report.spikes_per_image.round() as u64),
        match report.bits_per_spike {
            1 => "1 bit a spike".to_owned(),
            bits => format!("{bits} bits a spike (signed or of several sizes)"),
        }
    );
    text
}
