use spikeconverter_convert::{MethodInfo, method};
use spikeconverter_pipeline::SampleSet;

use super::View;
use crate::format::{metric, shape, thousands};
use crate::{Column, Fact, Section, Table};

impl View<'_> {
    pub(super) fn methods(&self) -> Section {
        let infos: Vec<MethodInfo> = {
            let mut names: Vec<&str> = self.found.cells.iter().map(|cell| cell.method.as_str()).collect();
            names.dedup();
            names.iter().filter_map(|name| Some(method(name)?.info())).collect()
        };
        let rows = infos.iter().map(|info| {
            vec![
                info.name.to_owned(),
                info.paper.to_owned(),
                info.neuron.to_owned(),
                info.code.to_owned(),
                info.schedule.to_owned(),
                if info.needs_calibration { "calibration samples".into() } else { "nothing".into() },
            ]
        });
        Section {
            title: "Methods".into(),
            tables: vec![Table {
                caption: "The methods compared, by their rows in the table of methods.".into(),
                head: Column::list(&["<method", "<paper", "<neuron", "<code", "<schedule", "<needs"]),
                rows: rows.collect(),
            }],
            ..Section::default()
        }
    }

    pub(super) fn setting(&self) -> Section {
        let setting = &self.found.setting;
        let set = |set: &SampleSet| {
            format!("{} of {} samples of {}", thousands(set.samples as u64), thousands(set.available as u64), set.name)
        };
        let preprocessing = serde_json::to_value(&setting.preprocessing).unwrap_or_default();
        let words = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut facts = vec![
            Fact::new("Model", setting.source.clone()),
            Fact::new("SHA-256 of its file", setting.source_sha256.clone()),
            Fact::new("Input, outputs", format!("{}; {} outputs", shape(&setting.input_shape), setting.outputs)),
            Fact::new(
                "Size",
                format!(
                    "{} parameters, {} a sample",
                    thousands(setting.parameters as u64),
                    metric(setting.ann_macs as f64, "MAC")
                ),
            ),
            Fact::new("Test samples", set(&setting.data)),
            Fact::new("SHA-256 of them, preprocessed, and their labels", setting.data.sha256.clone()),
            Fact::new("Calibration samples", set(&setting.calibration)),
            Fact::new("SHA-256 of them, as networks take them", setting.calibration.sha256.clone()),
        ];
        let fields = preprocessing.as_object().into_iter().flatten().filter(|(_, value)| !is_empty(value));
        facts.extend(
            fields.map(|(name, value)| Fact::new(format!("Preprocessing: {}", name.replace('_', " ")), words(value))),
        );
        facts.extend(
            setting
                .options
                .iter()
                .map(|(name, value)| Fact::new(format!("Option: {}", name.replace('_', " ")), value.clone())),
        );
        facts.push(Fact::new("Program", format!("spikeconverter {}", setting.program)));
        Section {
            title: "Setting and provenance".into(),
            text: vec![
                "T is the length of a population's window in windowed methods, where layers work one window behind another: the \
                 end-to-end latency is several windows. In streaming methods all layers work in every step, and T is the \
                 latency."
                    .into(),
                "Energy is an estimate for 45 nm (Horowitz, ISSCC 2014): 4.6 pJ a multiply-accumulate, 0.9 pJ a synaptic \
                 operation; memory traffic and the neurons' own updates are not part of it."
                    .into(),
                "Options are those asked for; each method uses those that it knows.".into(),
            ],
            facts,
            ..Section::default()
        }
    }
}

/// Whether a field says nothing: it is absent, or a list of nothing.
fn is_empty(value: &serde_json::Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}
