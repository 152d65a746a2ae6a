//! `spikeconverter eval`

use std::fmt::Write as _;
use std::process::ExitCode;

use spikeconverter_data::Split;
use spikeconverter_network::{Simulation, SnnFile};
use spikeconverter_pipeline::{EngineChoice, EvaluateRequest, EvaluationReport, UntilStable, evaluate};

use crate::Failure;
use crate::args::{EngineArg, EvalArgs};
use crate::output::{emit, emit_json};
use crate::progress::Bars;
use crate::table::{Table, metric, percent, percent_if, points_if, thousands};

pub(crate) fn run(args: &EvalArgs) -> Result<ExitCode, Failure> {
    let file = SnnFile::load(&args.network)?;
    let data = args.data.open(Split::Test)?;
    let request = EvaluateRequest {
        engine: match args.engine {
            EngineArg::Auto => EngineChoice::Auto,
            EngineArg::Folded => EngineChoice::Folded,
            EngineArg::Clocked => EngineChoice::Clocked,
            EngineArg::Reference => EngineChoice::Reference,
        },
        batch: args.batch,
        until_stable: args.until_stable.map(|steps| UntilStable { steps }),
        ..EvaluateRequest::new(&file, &args.network, &data)
    };
    let mut bars = Bars::new();
    let evaluated = evaluate(&request, &mut |progress| bars.tell(progress))?;
    bars.finish();
    if args.json {
        emit_json(&evaluated.report)?;
    } else {
        emit(&text(&evaluated.report))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(report: &EvaluationReport) -> String {
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
            "T = {} steps a window{}, {} stages: result after {} steps, one image every {}",
            report.time_steps,
            report.delay_steps.map_or_else(String::new, |delay| format!(", fired {delay} steps into it")),
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
