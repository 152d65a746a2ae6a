use spikeconverter_network::Simulation;
use spikeconverter_pipeline::{EvaluationReport, Fronts, RasterLayer, SpikeTrain};

use super::{One, View};
use crate::{
    Axis, AxisFormat, Chart, Curve, Curves, Figure, Point, Profile, ProfileChoice, Profiles, RasterChoice, RasterRows,
    Rasters, Reference, Section,
};

/// Steps of a population whose spikes are shown: beyond, marks run into each other, and pages grow by megabytes.
const MOST_STEPS: u32 = 64;

impl View<'_> {
    pub(super) fn curves(&self) -> Section {
        let caption = |cost: &str| {
            format!(
                "A line for each method, a point for each T. The broad line is the Pareto front: the best {} for that \
                 {cost}. Click a method to see it alone.",
                self.score()
            )
        };
        let latency = Axis { name: "end-to-end latency, steps".into(), log: true, format: AxisFormat::Plain };
        let energy = Axis { name: "energy a sample".into(), log: true, format: AxisFormat::Joule };
        let score = self.score();
        Section {
            title: format!("{}{} against cost", score[..1].to_uppercase(), &score[1..]),
            figures: vec![
                Figure {
                    title: format!("{}{} against latency", score[..1].to_uppercase(), &score[1..]),
                    caption: caption("latency"),
                    chart: self.chart(latency, false, |one| one.latency_steps.into(), |fronts| fronts.latency),
                },
                Figure {
                    title: format!("{}{} against energy", score[..1].to_uppercase(), &score[1..]),
                    caption: format!("{} The star is the trained network.", caption("energy")),
                    chart: self.chart(energy, true, |one| one.snn_energy_joule, |fronts| fronts.energy),
                },
            ],
            ..Section::default()
        }
    }

    fn chart(
        &self,
        x: Axis,
        energy: bool,
        cost: impl Fn(&EvaluationReport) -> f64,
        on_front: impl Fn(&Fronts) -> bool,
    ) -> Chart {
        let curve = |name: &String| {
            let own = self.measured.iter().filter(|one| one.cell.method == *name);
            let point = |one: &One<'_>| Point {
                x: cost(one.evaluation()),
                y: one.measured.score(),
                label: one.steps(),
                front: on_front(&one.fronts),
            };
            Curve { name: name.clone(), points: own.map(point).collect() }
        };
        let series: Vec<Curve> = self.series.iter().map(curve).collect();
        let points = || series.iter().flat_map(|curve| &curve.points);
        let mut front: Vec<[f64; 2]> = points().filter(|point| point.front).map(|point| [point.x, point.y]).collect();
        front.sort_by(|a, b| a[0].total_cmp(&b[0]));
        front.dedup();
        // from the cheapest point on, the best that was paid for stays at hand
        if let (Some(&last), Some(dearest)) = (front.last(), points().map(|point| point.x).max_by(f64::total_cmp)) {
            front.push([dearest, last[1]]);
        }
        let trained = self.first().and_then(|evaluation| {
            Some(Reference {
                name: "trained network".into(),
                x: energy.then_some(evaluation.ann_energy_joule),
                y: evaluation.ann_accuracy?,
            })
        });
        let y = Axis { name: self.score().into(), log: false, format: AxisFormat::Percent };
        Chart::Curves(Curves { x, y, series, front, reference: trained })
    }

    pub(super) fn layers(&self) -> Section {
        let rates = self.profiles("firing rate, spikes a neuron and step", false, |one| {
            let steps = f64::from(one.cell.time_steps);
            let values = one.evaluation().layers.iter().map(|layer| Some(layer.spikes_per_neuron / steps)).collect();
            Profile { name: one.cell.method.clone(), values, lows: Vec::new() }
        });
        let thresholds = self.profiles("threshold, in units of the activation", true, |one| {
            let layers = &one.evaluation().layers;
            let spread = layers.iter().any(|layer| layer.threshold_min < layer.threshold_max);
            let lows = layers.iter().map(|layer| Some(layer.threshold_min.into()));
            Profile {
                name: one.cell.method.clone(),
                values: layers.iter().map(|layer| Some(layer.threshold_max.into())).collect(),
                lows: if spread { lows.collect() } else { Vec::new() },
            }
        });
        let figure = |title: &str, caption: &str, chart| Figure { title: title.into(), caption: caption.into(), chart };
        Section {
            title: "Layer by layer".into(),
            figures: vec![
                figure(
                    "Firing rates",
                    "Mean number of spikes that a neuron of each population sends in a step of its own window, or of the whole \
                     simulation in streaming methods.",
                    rates,
                ),
                figure(
                    "Thresholds",
                    "The largest threshold of each population, and where channels differ the smallest, dotted. In base-2 \
                     windows the threshold weighs the first spike; in rate codes every one.",
                    thresholds,
                ),
            ],
            ..Section::default()
        }
    }

    /// A line for each method, at the `T` that is chosen.
    fn profiles(&self, name: &str, log: bool, profile: impl Fn(&One<'_>) -> Profile) -> Chart {
        let choice = |&steps: &u32| {
            let at: Vec<&One<'_>> = self.measured.iter().filter(|one| one.cell.time_steps == steps).collect();
            let names = |one: &One<'_>| one.evaluation().layers.iter().map(|layer| layer.name.clone()).collect();
            // methods may place populations differently: places are those of the one that has most
            let places: Vec<String> = at.iter().map(|one| names(one)).max_by_key(Vec::len).unwrap_or_default();
            let series = at.iter().map(|one| spread(&profile(one), &names(one), &places)).collect();
            ProfileChoice { name: format!("T = {steps}"), places, series }
        };
        let y = Axis { name: name.into(), log, format: AxisFormat::Plain };
        let choices: Vec<ProfileChoice> = self.steps.iter().map(choice).collect();
        let first = self.shown_first();
        Chart::Profiles(Profiles { places: "layer".into(), y, choose: "Time steps".into(), choices, first })
    }

    /// The `T` of the best cell, where a reader begins.
    fn shown_first(&self) -> usize {
        let best = self.best().map(|one| one.cell.time_steps);
        self.steps.iter().position(|&steps| Some(steps) == best).unwrap_or_default()
    }

    pub(super) fn rasters(&self) -> Section {
        let mut choices = Vec::new();
        let mut cut = false;
        for one in &self.measured {
            for raster in &one.measured.rasters {
                let layers: Vec<RasterRows> = raster.layers.iter().map(rows).collect();
                let shown = layers.iter().map(|layer| layer.active[1]).max().unwrap_or(raster.steps);
                cut |= raster.layers.iter().zip(&layers).any(|(layer, shown)| shown.active[1] < layer.last_step);
                choices.push(RasterChoice {
                    series: one.cell.method.clone(),
                    variant: one.steps(),
                    sample: match raster.label {
                        Some(label) => format!("{} (label {label})", raster.image),
                        None => raster.image.to_string(),
                    },
                    steps: if one.evaluation().schedule == Simulation::Stream { shown } else { raster.steps },
                    layers,
                });
            }
        }
        let before = self.measured.iter().take_while(|one| !one.fronts.best).map(|one| one.measured.rasters.len());
        let first = before.sum::<usize>().min(choices.len().saturating_sub(1));
        let note = format!(
            "Of populations that can fire for longer, the first {MOST_STEPS} steps are shown; the comparison's state file has \
             the spikes of all."
        );
        Section {
            title: "Spikes".into(),
            text: if cut { vec![note] } else { Vec::new() },
            figures: vec![Figure {
                title: "Spike raster".into(),
                caption: "A row for each of some neurons, evenly spread over each population, and a mark for each spike. The \
                          shaded areas are the steps in which a population can fire: one window behind the other, or all of \
                          the time."
                    .into(),
                chart: Chart::Rasters(Rasters { choices, first }),
            }],
            ..Section::default()
        }
    }
}

/// A population's rows, as far as they are shown.
fn rows(layer: &RasterLayer) -> RasterRows {
    let last = layer.last_step.min(layer.first_step.saturating_add(MOST_STEPS - 1));
    let shown = |train: &SpikeTrain| train.spikes.iter().copied().filter(|&(step, _)| step <= last).collect();
    RasterRows {
        name: layer.name.clone(),
        active: [layer.first_step, last],
        rows: layer.trains.iter().map(|train| (train.neuron, shown(train))).collect(),
    }
}

/// A profile over the places of another network: values where names agree.
fn spread(profile: &Profile, names: &[String], places: &[String]) -> Profile {
    let at = |values: &[Option<f64>]| -> Vec<Option<f64>> {
        let value = |place: &String| values.get(names.iter().position(|name| name == place)?).copied().flatten();
        places.iter().map(value).collect()
    };
    Profile {
        name: profile.name.clone(),
        values: at(&profile.values),
        lows: if profile.lows.is_empty() { Vec::new() } else { at(&profile.lows) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_trains_are_cut() {
        let layer = |first_step, last_step| RasterLayer {
            name: "p".into(),
            first_step,
            last_step,
            neurons: 9,
            trains: vec![SpikeTrain { neuron: 4, spikes: vec![(11, 1), (74, -1), (75, 1)] }],
        };
        let long = rows(&layer(11, 138));
        assert_eq!((long.active, long.rows), ([11, 74], vec![(4, vec![(11, 1), (74, -1)])]));
        assert_eq!(rows(&layer(50, 80)).active, [50, 80]);
    }
}
