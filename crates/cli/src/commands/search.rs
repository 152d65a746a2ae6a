//! `spikeconverter search`

use std::process::ExitCode;

use serde::Serialize;
use spikeconverter_data::Split;
use spikeconverter_pipeline::{Model, Search, SearchRequest, search};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::SearchArgs;
use crate::interrupt;
use crate::output::{check_output, emit, emit_json};
use crate::progress::SearchBar;

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    output: Option<String>,
    #[serde(flatten)]
    found: &'a Search,
}

pub(crate) fn run(args: &SearchArgs) -> Result<ExitCode, Failure> {
    let mut inputs = vec![args.model.model.as_path(), args.data.path()];
    inputs.extend(args.preprocess.preprocess.as_deref());
    inputs.extend(args.data.labels.as_deref());
    if let Some(output) = &args.output {
        check_output(output, "-o", &inputs)?;
    }
    let preprocessing = args.preprocess.resolve(&args.model.model)?;
    let model = Model::open(&args.model.model, args.model.input_shape.as_ref().map(|shape| shape.0.clone()))?;
    let data = args.data.open(Split::Train)?;
    let request = SearchRequest {
        max_drop: args.max_drop,
        max_latency: args.max_latency,
        objective: args.objective(),
        methods: args.methods.clone(),
        time_steps: args.time_steps.clone(),
        options: args.options(),
        calibration: args.calibration(),
        held_out: args.held_out,
        ..SearchRequest::new(&model, &data, preprocessing, interrupt::watch())
    };
    let mut bar = SearchBar::new();
    let found = search(&request, &mut |progress| bar.tell(progress))?;
    bar.finish();
    let output = args.output.as_deref().filter(|_| found.chosen.is_some());
    if let (Some(output), Some(chosen)) = (output, &found.chosen) {
        chosen.file.save(output)?;
    }
    if args.json {
        emit_json(&Answer { output: output.map(|path| path.display().to_string()), found: &found })?;
    } else {
        let next = match output {
            Some(output) => format!("Next: spikeconverter eval {} --data <test data>\n", output.display()),
            None if found.chosen.is_some() => "Nothing was written: name a file with -o\n".to_owned(),
            None => String::new(),
        };
        emit(&(text::search(&found) + &next))?;
    }
    Ok(if found.chosen.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
