use std::fmt::Write as _;

use spikeconverter_pipeline::{Chosen, Interval, Objective, Search, Trial, TrialResult};

use super::table::{Table, metric, percent, points_if, thousands};

/// What a search found.
pub fn search(found: &Search) -> String {
    let setting = &found.setting;
    let mut text = front(found);
    let kept = |result: fn(&TrialResult) -> bool| found.trials.iter().filter(move |trial| result(&trial.result));
    let slow = kept(|result| matches!(result, TrialResult::TooSlow { .. })).count();
    // writing to a string does not fail
    let _ = writeln!(
        text,
        "\nPareto front of {} and drop, of {} candidates{}; each as measured in its last round. Drop: {} in points, with its 95 % \
         interval\nsamples of {}: {} to fit on, {} to choose on, {} to confirm on",
        objective(setting.objective),
        found.trials.len(),
        if slow > 0 { format!(", {slow} of them too slow") } else { String::new() },
        if setting.labelled { "accuracy lost" } else { "disagreement with the trained network" },
        setting.data,
        thousands(setting.fitted as u64),
        thousands(setting.choosing as u64),
        thousands(setting.confirming as u64),
    );
    for trial in &found.trials {
        if let TrialResult::Failed(reason) = &trial.result {
            let _ = writeln!(text, "not converted: {}: {reason}", trial.candidate.flags());
        }
    }
    match &found.chosen {
        Some(chosen) => text.push_str(&verdict(found, chosen)),
        None => {
            let _ = writeln!(
                text,
                "\nNone stays within {:.2} points{}: allow a larger --max-drop{}.",
                100.0 * setting.max_drop,
                setting.max_latency.map_or_else(String::new, |most| format!(" and {most} steps")),
                if setting.max_latency.is_some() { " or --max-latency" } else { ", or try longer windows with -T" },
            );
        }
    }
    text
}

/// The candidates on the Pareto front, the cheapest first.
fn front(found: &Search) -> String {
    let mut table = Table::new(&[
        "<candidate",
        "latency",
        "spikes/neuron",
        "energy",
        "SNN/ANN",
        "drop",
        "from",
        "to",
        "samples",
        "<",
    ]);
    let chosen = found.chosen.as_ref().map(|chosen| chosen.trial);
    let mut trials: Vec<(usize, &Trial)> = found.trials.iter().enumerate().filter(|(_, trial)| trial.front).collect();
    trials.sort_by(|(_, a), (_, b)| {
        let cost = |trial: &Trial| trial.figures().map_or(0.0, |figures| figures.cost(found.setting.objective));
        cost(a).total_cmp(&cost(b))
    });
    for (at, trial) in trials {
        let Some(figures) = trial.figures() else { continue };
        let Interval { estimate, low, high } = figures.drop;
        table.row([
            trial.candidate.flags(),
            figures.latency_steps.to_string(),
            format!("{:.3}", figures.spikes_per_neuron),
            format!("{}J", metric(figures.energy_joule)),
            format!("{:.2}", figures.energy_joule / figures.ann_energy_joule),
            points_if(Some(estimate)),
            points_if(Some(low)),
            points_if(Some(high)),
            figures.images.to_string(),
            if chosen == Some(at) { "chosen".into() } else { String::new() },
        ]);
    }
    table.render()
}

/// What was chosen, and how sure that is.
fn verdict(found: &Search, chosen: &Chosen) -> String {
    let (setting, figures) = (&found.setting, &chosen.figures);
    let Interval { estimate, low, high } = figures.drop;
    let points = |share: f64| points_if(Some(share));
    let (bound, images) = (100.0 * setting.max_drop, thousands(figures.images));
    let sure = if high <= setting.max_drop {
        format!("The whole interval lies within the {bound:.2} points allowed.")
    } else {
        format!(
            "The interval reaches beyond the {bound:.2} points allowed: the drop may be up to {}. More samples (--held-out) \
             would tell.",
            points(high)
        )
    };
    let tried = match chosen.attempts {
        1 => String::new(),
        more => format!(" ({} cheaper ones failed there, so that the interval is a little too short)", more - 1),
    };
    format!(
        "\nchosen: {}\ndrop {}, 95 % interval {} to {}, on {images} samples that neither fitted nor chose it{tried}; agreement \
         {}\n{sure}\nlatency {} steps; {:.3} spikes a neuron; {}J a sample, {:.2} of the trained network's; found in {:.0} s\n",
        chosen.candidate.flags(),
        points(estimate),
        points(low),
        points(high),
        percent(figures.agreement),
        figures.latency_steps,
        figures.spikes_per_neuron,
        metric(figures.energy_joule),
        figures.energy_joule / figures.ann_energy_joule,
        found.seconds,
    )
}

fn objective(objective: Objective) -> &'static str {
    match objective {
        Objective::Energy => "energy",
        Objective::Latency => "latency",
        Objective::Spikes => "spikes",
    }
}
