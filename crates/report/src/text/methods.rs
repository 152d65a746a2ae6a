use std::fmt::Write as _;

use spikeconverter_convert::{
    CalibrationRule, Combination, InitialRule, MaxPoolRule, MethodInfo, NeuronRule, Part, RecipeInfo, RehearsalRule,
    ThresholdRule,
};

/// The parts, and what goes with each neuron model.
pub fn parts(combinations: &[Combination]) -> String {
    fn list<P: Part>(option: &str, text: &mut String) {
        let _ = writeln!(text, "{option}");
        for part in P::ALL {
            let _ = writeln!(text, "  {:22}{}", part.name(), wrapped(part.summary(), 86, 24));
        }
        text.push('\n');
    }
    fn names<P: Part>(parts: &[P]) -> String {
        if parts.len() == P::ALL.len() {
            return "any".to_owned();
        }
        parts.iter().map(|part| part.name()).collect::<Vec<_>>().join(", ")
    }
    // writing to a string does not fail
    let mut text = String::new();
    list::<NeuronRule>("--neuron", &mut text);
    list::<ThresholdRule>("--threshold-rule", &mut text);
    list::<InitialRule>("--initial", &mut text);
    list::<CalibrationRule>("--calibration-rule", &mut text);
    list::<MaxPoolRule>("--max-pool", &mut text);
    list::<RehearsalRule>("--rehearsal", &mut text);
    text.push_str("What combines with each neuron model, whatever the method\n");
    for combination in combinations {
        let levels = combination.levels.map(|(least, most, usual)| format!("{least} to {most}, {usual} unless said"));
        let fields = [
            ("--levels", levels.unwrap_or_else(|| "none".to_owned())),
            ("--threshold-rule", names(&combination.threshold_rules)),
            ("--initial", names(&combination.initial)),
            ("--calibration-rule", names(&combination.calibration_rules)),
            ("--max-pool", names(&combination.max_pools)),
            ("--rehearsal", names(&combination.rehearsals)),
        ];
        let _ = writeln!(text, "  {}", combination.neuron.name());
        for (option, value) in fields {
            let _ = writeln!(text, "    {option:20}{}", wrapped(&value, 86, 24));
        }
    }
    text
}

/// A row of the table of methods.
pub fn method(info: &MethodInfo) -> String {
    let needs = match (info.needs_calibration, info.needs_training) {
        (true, true) => "calibration samples, and a network trained for it",
        (true, false) => "calibration samples",
        (false, true) => "a network trained for it",
        (false, false) => "nothing but the trained network",
    };
    let year = info.year.to_string();
    let options = if info.options.is_empty() { "none".to_owned() } else { info.options.join(", ") };
    let recipe = info.recipe.as_ref().map(recipe).unwrap_or_default();
    let fields = [
        ("paper", info.paper),
        ("year", &year),
        ("neuron", info.neuron),
        ("code", info.code),
        ("schedule", info.schedule),
        ("needs", needs),
        ("structures published", info.structures_published),
        ("structures here", info.structures_here),
        ("parts", &recipe),
        ("options", &options),
        ("published figures", info.figures),
        ("when to use it", info.when),
    ];
    let mut text = format!("{}\n", info.name);
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        // writing to a string does not fail
        let _ = writeln!(text, "  {name:22}{}", wrapped(value, 86, 24));
    }
    text
}

/// The parts of a streaming method, as the options that would choose them.
fn recipe(recipe: &RecipeInfo) -> String {
    let steps = recipe.rehearsal_steps.map_or(String::new(), |steps| format!(" --rehearsal-steps {steps}"));
    let levels = recipe.levels.map_or(String::new(), |levels| format!(" --levels {levels}"));
    format!(
        "--neuron {}{levels} (fires at membrane {} threshold) --threshold-rule {} --thresholds {} --initial {} \
         --calibration-rule {} --max-pool {} --rehearsal {}{steps}",
        recipe.neuron.name(),
        recipe.comparison,
        recipe.threshold_rule.name(),
        recipe.thresholds.name(),
        recipe.initial.name(),
        recipe.calibration_rule.name(),
        Part::name(recipe.max_pool),
        recipe.rehearsal.name(),
    )
}

/// Text broken into lines of at most `width` characters, all but the first indented.
fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}
