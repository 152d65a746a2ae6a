use std::fmt::Write as _;

use spikeconverter_pipeline::{NirDescription, NirReport};

use super::table::{Table, percent_if, shape, thousands};

/// What a NIR file holds.
pub fn nir_description(description: &NirDescription) -> String {
    let mut facts = Table::new(&["<", "<"]);
    facts.row(["neurons".to_owned(), thousands(description.neurons as u64)]);
    facts.row(["numbers".to_owned(), thousands(description.parameters as u64)]);
    for (name, value) in &description.metadata {
        // names of populations stand in lines
        facts.row([name.clone(), value.replace('\n', ", ")]);
    }
    let mut nodes = Table::new(&["<node", "<kind", "sends", "<hears", "<parameters"]);
    for node in &description.nodes {
        let parameters = node.parameters.iter().map(|(name, extents, same)| match same {
            Some(value) => format!("{name} {value}"),
            None => format!("{name} {}", shape(extents)),
        });
        nodes.row([
            node.name.clone(),
            node.kind.to_owned(),
            shape(&node.shape),
            node.hears.join(", "),
            parameters.collect::<Vec<_>>().join(", "),
        ]);
    }
    format!("{}\n{}", facts.render().trim_start(), nodes.render())
}

/// What came of running a NIR file.
pub fn nir_evaluation(report: &NirReport) -> String {
    let mut text = String::new();
    // writing to a string does not fail
    let _ = writeln!(text, "accuracy {}", percent_if(report.accuracy));
    let images = thousands(report.images as u64);
    let _ = writeln!(text, "{images} samples, T = {} steps, {}", report.time_steps, report.semantics);
    let _ = writeln!(text, "spikes: {:.3} a neuron\n", report.spikes_per_neuron);
    let mut layers = Table::new(&["<node", "neurons", "spikes a neuron"]);
    for layer in &report.layers {
        layers.row([layer.name.clone(), layer.neurons.to_string(), format!("{:.3}", layer.spikes_per_neuron)]);
    }
    text + &layers.render()
}
