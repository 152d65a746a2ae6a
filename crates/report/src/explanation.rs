//! What an explanation's page shows.

use spikeconverter_pipeline::{ErrorParts, ExplainReport, Explanation, LayerExplanation};

use crate::format::{percent, thousands};
use crate::{
    Axis, AxisFormat, Chart, Column, Fact, Figure, Page, Profile, ProfileChoice, Profiles, Section, Table, Tile,
};

/// A part of a layer's error.
type Part = fn(&ErrorParts) -> f64;

/// The parts of an error, by the names they have everywhere.
const PARTS: [(&str, Part); 5] = [
    ("inherited", |error| error.inherited),
    ("clipping", |error| error.clipping),
    ("quantisation", |error| error.quantisation),
    ("unevenness", |error| error.unevenness),
    ("weight rounding", |error| error.weight_rounding),
];
/// What a layer does to accuracy.
const COST: &str = "cost where only it spikes";
const RECOVERED: &str = "won where only it is analog";
/// What a histogram counts.
const NEURONS: &str = "neurons";

/// The page of an explanation.
pub fn explanation(report: &ExplainReport) -> Page {
    let found = &report.explanation;
    let mut sections = vec![errors(found), accuracy(found)];
    if !report.advice.is_empty() {
        sections.push(advice(report));
    }
    sections.extend([rates(found), wrong(found), setting(report)]);
    let parts = shown_parts(found).into_iter().map(|(name, _)| name);
    Page {
        title: format!("Where the accuracy of {} went", report.name),
        lead: lead(report),
        tiles: tiles(report),
        series: parts.chain([NEURONS, COST, RECOVERED]).map(str::to_owned).collect(),
        sections,
        foot: format!(
            "Written by spikeconverter {}. Charts: Apache ECharts, Apache License 2.0.",
            env!("CARGO_PKG_VERSION")
        ),
    }
}

fn right(found: &Explanation) -> &'static str {
    if found.labelled { "accuracy" } else { "agreement" }
}

fn lead(report: &ExplainReport) -> String {
    let found = &report.explanation;
    let lost = 100.0 * (found.ann_accuracy - found.snn_accuracy);
    format!(
        "Trained and spiking network side by side on {} samples: {}. Layer by layer, what of the difference comes from where, and \
         what it costs.",
        thousands(found.samples),
        if found.labelled {
            format!("{lost:.2} points of accuracy are lost")
        } else {
            format!("they disagree on {lost:.2} % of them (there are no labels)")
        },
    )
}

fn tiles(report: &ExplainReport) -> Vec<Tile> {
    let found = &report.explanation;
    let mut tiles = Vec::new();
    let mut tile = |label: &str, value: String, note: String| tiles.push(Tile { label: label.into(), value, note });
    if found.labelled {
        tile("Trained network", percent(found.ann_accuracy), "accuracy".into());
    }
    tile("Spiking network", percent(found.snn_accuracy), format!("{}, T = {}", right(found), report.time_steps));
    tile("Agreement", percent(found.agreement), "of both networks".into());
    let recovered = |layer: &&LayerExplanation| layer.accuracy_recovered.unwrap_or(f64::NEG_INFINITY);
    if let Some(layer) = found.layers.iter().max_by(|a, b| recovered(a).total_cmp(&recovered(b)))
        && let Some(won) = layer.accuracy_recovered
    {
        tile("Dearest layer", layer.name.clone(), format!("{:+.2} points where only it is analog", 100.0 * won));
    }
    if let Some(best) = report.advice.first() {
        tile("Best advice", format!("{:+.1} points", 100.0 * best.gain), best.sentence.clone());
    }
    tiles
}

/// The parts that some layer has: windows have no unevenness, networks of real numbers no rounding.
fn shown_parts(found: &Explanation) -> Vec<(&'static str, Part)> {
    let has = |part: &Part| found.layers.iter().any(|layer| part(&layer.error) != 0.0);
    PARTS.into_iter().filter(|(_, part)| has(part)).collect()
}

fn errors(found: &Explanation) -> Section {
    let parts = shown_parts(found);
    let series = parts.iter().map(|(name, part)| profile(name, found, |layer| Some(part(&layer.error))));
    let mut names = vec!["<layer", "error"];
    names.extend(parts.iter().map(|(name, _)| *name));
    names.extend(["cosine", "worst channel", "its error"]);
    let rows = found.layers.iter().map(|layer| {
        let mut row = vec![layer.name.clone(), percent(layer.error.total)];
        row.extend(parts.iter().map(|(_, part)| percent(part(&layer.error))));
        row.extend([
            format!("{:.4}", layer.cosine),
            layer.worst_channel.to_string(),
            percent(layer.worst_channel_error),
        ]);
        row
    });
    Section {
        title: "Where the error comes from".into(),
        text: vec![
            "The error of a layer is the mean square of what it sends minus the trained network's activation, relative to the \
             latter. Its parts add up to it; a negative one takes error of the others back."
                .into(),
            "Inherited: already in what the layer reads. Clipping: above the range of its code. Quantisation: between what its \
             code can tell. Unevenness: what the order of spikes changed; nothing in windows, which wait for all input. Weight \
             rounding: by weights that are integers."
                .into(),
        ],
        figures: vec![figure(
            "Error by layer, in its parts",
            "A line for each part, in the order of the layers. Click a part to see it alone.",
            found,
            "share of the activation's mean square",
            series.collect(),
        )],
        tables: vec![Table {
            caption: "The error of each layer. Cosine: of the angle between what is sent and the activation.".into(),
            head: Column::list(&names),
            rows: rows.collect(),
        }],
        ..Section::default()
    }
}

fn accuracy(found: &Explanation) -> Section {
    Section {
        title: format!("What each layer costs in {}", right(found)),
        text: vec![
            "Measured twice: on the trained network with only this layer spiking, and on the spiking network with only this \
             layer analog. The first shows what a layer does by itself, the second what it does in company."
                .into(),
        ],
        figures: vec![figure(
            "Cost by layer",
            "Points lost where only this layer spikes, and points won back where only it does not.",
            found,
            &format!("{} of samples", right(found)),
            vec![
                profile(COST, found, |layer| Some(layer.accuracy_cost)),
                profile(RECOVERED, found, |layer| layer.accuracy_recovered),
            ],
        )],
        ..Section::default()
    }
}

fn advice(report: &ExplainReport) -> Section {
    let rows = report.advice.iter().map(|advice| {
        vec![
            advice.sentence.clone(),
            format!("{:+.2}", 100.0 * advice.gain),
            thousands(advice.samples),
            advice.command.clone(),
        ]
    });
    Section {
        title: "What would win it back".into(),
        text: vec![
            "Each change was made and measured: converted on one half of the samples, without labels, and evaluated on the other \
             half."
                .into(),
        ],
        tables: vec![Table {
            caption: "Changes that win something, the most first.".into(),
            head: Column::list(&["<change", "points", "samples", "<command"]),
            rows: rows.collect(),
        }],
        ..Section::default()
    }
}

fn rates(found: &Explanation) -> Section {
    let places = |bins: usize| (0..bins).map(|i| format!("{} to {} %", 100 * i / bins, 100 * (i + 1) / bins)).collect();
    let choices: Vec<ProfileChoice> = found
        .layers
        .iter()
        .map(|layer| {
            let histogram = &layer.firing_rates.histogram;
            let values = histogram.iter().map(|&neurons| Some(neurons as f64)).collect();
            let series = vec![Profile { name: NEURONS.into(), values, lows: Vec::new() }];
            ProfileChoice { name: layer.name.clone(), places: places(histogram.len()), series }
        })
        .collect();
    let figures = if choices.is_empty() {
        Vec::new()
    } else {
        let y = Axis { name: "neurons".into(), log: false, format: AxisFormat::Plain };
        let chart = Profiles { places: "spikes a step".into(), y, choose: "Layer".into(), choices, first: 0 };
        vec![Figure {
            title: "Firing rates".into(),
            caption: "How many neurons of a layer fire how often: spikes a step, on average over the samples.".into(),
            chart: Chart::Profiles(chart),
        }]
    };
    let rows = found.layers.iter().map(|layer| {
        vec![
            layer.name.clone(),
            thousands(layer.neurons as u64),
            format!("{:.4}", layer.firing_rates.mean),
            thousands(layer.dead_neurons as u64),
            thousands(layer.saturated_neurons as u64),
        ]
    });
    Section {
        title: "How often neurons fire".into(),
        figures,
        tables: vec![Table {
            caption: "Rate: spikes of a neuron and step. Dead: neurons that never fired. Saturated: neurons that sent all their \
                      code can say for half of the samples and more."
                .into(),
            head: Column::list(&["<layer", "neurons", "rate", "dead", "saturated"]),
            rows: rows.collect(),
        }],
        ..Section::default()
    }
}

fn wrong(found: &Explanation) -> Section {
    let class = |class: Option<i64>| class.map_or_else(|| "–".to_owned(), |class| class.to_string());
    let rows = found.worst.iter().map(|sample| {
        vec![
            sample.index.to_string(),
            class(sample.label),
            class(sample.ann),
            class(sample.snn),
            percent(sample.difference),
        ]
    });
    Section {
        title: "The most wrong samples".into(),
        tables: vec![Table {
            caption: "First those with another class than the trained network's, the furthest off first. Off by: distance of the \
                      results, relative to the trained network's."
                .into(),
            head: Column::list(&["<sample", "label", "trained", "spiking", "off by"]),
            rows: rows.collect(),
        }],
        ..Section::default()
    }
}

fn setting(report: &ExplainReport) -> Section {
    Section {
        title: "Setting".into(),
        facts: vec![
            Fact::new("Network", report.name.clone()),
            Fact::new("Method", report.method.clone()),
            Fact::new("T", report.time_steps.to_string()),
            Fact::new("Samples", format!("{} of {}", thousands(report.explanation.samples), report.data_name)),
        ],
        ..Section::default()
    }
}

/// A line over the layers.
fn profile(name: &str, found: &Explanation, value: impl Fn(&LayerExplanation) -> Option<f64>) -> Profile {
    Profile { name: name.into(), values: found.layers.iter().map(value).collect(), lows: Vec::new() }
}

/// Lines over the layers.
fn figure(title: &str, caption: &str, found: &Explanation, axis: &str, series: Vec<Profile>) -> Figure {
    let places = found.layers.iter().map(|layer| layer.name.clone()).collect();
    let y = Axis { name: axis.into(), log: false, format: AxisFormat::Percent };
    let choices = vec![ProfileChoice { name: title.into(), places, series }];
    let chart = Profiles { places: "layer".into(), y, choose: String::new(), choices, first: 0 };
    Figure { title: title.into(), caption: caption.into(), chart: Chart::Profiles(chart) }
}
