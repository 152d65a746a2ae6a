use spikeconverter_network::{Encoding, Simulation};
use spikeconverter_pipeline::{Description, SampleFeed, ScheduleSummary};

use super::table::{Table, figures, metric, shape, thousands};

/// What a converted network is.
pub fn description(description: &Description) -> String {
    let Description { provenance, schedule, .. } = description;
    let mut facts = Table::new(&["<", "<"]);
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact("source", format!("{} (sha256 {})", provenance.source, provenance.source_sha256));
    fact("method", provenance.method.clone());
    let options = provenance.options.iter().map(|(name, value)| format!("{name} {value}"));
    fact("options", options.collect::<Vec<_>>().join(", "));
    fact("calibrated on", format!("{} samples of {}", provenance.calibration.samples, provenance.calibration.data));
    fact("made by", format!("spikeconverter {}", provenance.program));
    fact(
        "input",
        format!(
            "{} {}, {}",
            description.input,
            shape(&description.input_shape),
            entry(description.encoding, &description.schedule)
        ),
    );
    fact("weights", description.weights.into());
    fact("preprocessing", preprocessing(&description.feed));
    fact("outputs", description.outputs.to_string());
    fact("schedule", timing(schedule));
    fact("neurons", thousands(description.neurons as u64));
    fact(
        "trained network",
        format!(
            "{} parameters, {}MAC a sample",
            thousands(description.parameters as u64),
            metric(description.ann_macs as f64)
        ),
    );
    if !description.head.is_empty() {
        fact("on the read-out", description.head.join(", "));
    }
    let mut layers =
        Table::new(&["<layer", "shape", "neurons", "base", "threshold", "to", "<transfer", "listens at", "fires at"]);
    for layer in &description.layers {
        let pooled = if layer.max_pool { " of max-pool" } else { "" };
        let window = layer.window_steps.map_or_else(String::new, |steps| format!(", window of {steps}"));
        layers.row([
            layer.name.clone(),
            shape(&layer.shape),
            layer.neurons.to_string(),
            figures(layer.base),
            figures(layer.threshold_min),
            figures(layer.threshold_max),
            format!("{}{pooled}{window}", layer.transfer),
            layer.listens_at.to_string(),
            layer.emits_at.to_string(),
        ]);
    }
    format!("{}\n{}", facts.render().trim_start(), layers.render())
}

/// When populations fire, where that is within their windows.
pub(super) fn fired(most: Option<u32>, least: Option<u32>) -> String {
    match (most, least) {
        (None, _) => String::new(),
        (Some(most), None) => format!(", fired {most} steps into it"),
        (Some(most), Some(least)) => format!(", fired {least} to {most} steps into it"),
    }
}

/// Windows of layers that are shorter than `T`.
pub(super) fn shorter(least: Option<u32>) -> String {
    least.map_or_else(String::new, |least| format!(" (some shorter, {least} at least)"))
}

/// The schedule in words.
pub(super) fn timing(schedule: &ScheduleSummary) -> String {
    if schedule.kind == Simulation::Stream.name() {
        return format!(
            "{}: T = {} steps, {} stages at once, result after {} steps, a new sample every {}",
            schedule.kind, schedule.time_steps, schedule.stages, schedule.latency_steps, schedule.period_steps
        );
    }
    let delay = fired(schedule.delay_steps, schedule.least_delay_steps);
    format!(
        "{}: T = {} steps a window{}{delay}, {} stages, result after {} steps, a new sample every {}",
        schedule.kind,
        schedule.time_steps,
        shorter(schedule.least_window_steps),
        schedule.stages,
        schedule.latency_steps,
        schedule.period_steps
    )
}

fn entry(encoding: Encoding, schedule: &ScheduleSummary) -> &'static str {
    match encoding {
        Encoding::Analog if schedule.kind == Simulation::Stream.name() => "as an analog current in every step",
        Encoding::Analog => "as an analog current in the first step",
        Encoding::Pixels if schedule.kind == Simulation::Stream.name() => "8-bit pixels as 8 weighted spikes, repeated",
        Encoding::Pixels => "8-bit pixels as 8 binary spikes each",
        Encoding::Poisson { .. } => "8-bit pixels as Poisson trains",
    }
}

/// The preprocessing, as its JSON without what is left out.
fn preprocessing(feed: &SampleFeed) -> String {
    serde_json::to_string(&feed.preprocessing).unwrap_or_default()
}
