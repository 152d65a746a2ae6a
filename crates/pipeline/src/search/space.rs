//! What is searched.

use serde::Serialize;
use spikeconverter_convert::{
    Base, Granularity, Method, Options, WeightCalibration, Weights, least_window_latency, window_latency,
};
use spikeconverter_network::{NetworkBuilder, Simulation};

use super::{Objective, SearchRequest};
use crate::convert::known_method;
use crate::{Error, Result};

/// Methods that are searched unless others are asked for: windows, and of the streaming methods those that need the fewest
/// steps.
const METHODS: [&str; 5] = ["spikeconverter", "dcgs", "ecmt", "group", "li2021-light"];
/// Window lengths that are tried unless others are asked for.
const WINDOWS: [u32; 6] = [2, 3, 4, 5, 6, 8];
/// Lengths of streaming simulations that are tried unless others are asked for.
const STREAMS: [u32; 5] = [4, 8, 16, 32, 64];
/// The longest window in which weights calibrated against the network's result are tried: at T = 4 they win nothing where that was
/// measured (bench/ACCURACY.md).
const LONGEST_NETWORK_CALIBRATION: u32 = 3;

/// The longest window in which two neurons for each activation are tried.
const LONGEST_COPIED: u32 = 6;
/// The longest window in which spikes of both signs in base 3 are tried: with more steps base 2 is fine enough.
const LONGEST_TERNARY: u32 = 5;
/// Windows of one length may be longer than the latency by one part in this many for shorter ones to be chosen layer by layer.
const SHORTENED_SHARE: u32 = 2;
/// The shortest window in which populations that fire after two of its steps are tried.
const SHORTEST_DELAYED: u32 = 6;

/// A method with its options.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The method's name.
    pub method: String,
    /// Its options.
    pub options: Options,
}

impl Candidate {
    /// Whether another converts alike: what it leaves open may be what the other asks for.
    pub(super) fn same(&self, other: &Self) -> bool {
        let said = |one: &Self| {
            let weight_calibration = Some(one.options.implied_weight_calibration());
            Options { weight_calibration, ..one.options.clone() }
        };
        self.method == other.method && said(self) == said(other)
    }

    /// The same with weights calibrated layer by layer, where it calibrates all layers together: that takes minutes, and is left
    /// to the last round. `None` for other candidates.
    pub(super) fn sketch(&self) -> Option<Self> {
        let takes = known_method(&self.method).is_ok_and(|m| m.info().options.contains(&"--weight-calibration"));
        let all_together = takes && self.options.implied_weight_calibration() == WeightCalibration::Network;
        all_together.then(|| Self {
            method: self.method.clone(),
            options: Options { weight_calibration: Some(WeightCalibration::Layer), ..self.options.clone() },
        })
    }

    /// The flags of `convert` that ask for it.
    pub fn flags(&self) -> String {
        format!("--method {}{}", self.method, self.options.flags())
    }
}

/// All candidates of a request, the cheapest methods first.
pub(super) fn candidates(request: &SearchRequest<'_>) -> Result<Vec<Candidate>> {
    let mut names: Vec<&str> = request.methods.iter().map(String::as_str).collect();
    if names.is_empty() {
        names.extend(METHODS);
    }
    let mut candidates = Vec::new();
    for name in names {
        let method = known_method(name)?;
        let info = method.info();
        if info.needs_training {
            return Err(Error::NeedsTraining { method: name.into() });
        }
        let stream = info.schedule == Simulation::Stream.name();
        let hurries = request.max_latency.is_some() || request.objective == Objective::Latency;
        for time_steps in time_steps(request, stream) {
            let options = Options { time_steps, ..request.options.clone() };
            let variants = if stream { vec![options] } else { of_window(method, &options, hurries) };
            let variants = variants.into_iter().map(|options| within(request, method, options));
            candidates.extend(variants.map(|options| Candidate { method: name.into(), options }));
        }
    }
    if candidates.is_empty() { Err(Error::NothingToSearch) } else { Ok(candidates) }
}

/// The options with windows of the layers' own, where windows of one length are too long for the latency that is asked for and are
/// not far from it.
fn within(request: &SearchRequest<'_>, method: &dyn Method, options: Options) -> Options {
    let Some(most) = request.max_latency else { return options };
    let windows = options.weights == Weights::F32 && options.delay.is_none() && options.max_latency.is_none();
    if !windows || !method.info().options.contains(&"--max-latency") {
        return options;
    }
    let near = most.saturating_add(most / SHORTENED_SHARE);
    // what cannot be converted at all is said by its conversion
    let latency = window_latency(request.model.graph(), &options);
    let too_long = latency.is_ok_and(|latency| most < latency && latency <= near)
        && least_window_latency(request.model.graph(), &options).is_ok_and(|least| least <= most);
    Options { max_latency: too_long.then_some(most), ..options }
}

/// The latency of a candidate of a windowed method, if it is more than is asked for: it need not be converted then.
pub(super) fn too_slow(request: &SearchRequest<'_>, candidate: &Candidate) -> Option<u32> {
    let most = request.max_latency.filter(|_| candidate.options.max_latency.is_none())?;
    let windowed = known_method(&candidate.method).is_ok_and(|m| m.info().schedule == Simulation::Window.name());
    let latency = windowed.then(|| window_latency(request.model.graph(), &candidate.options).ok())??;
    (latency > most).then_some(latency)
}

fn time_steps(request: &SearchRequest<'_>, stream: bool) -> Vec<u32> {
    let usual: &[u32] = if stream { &STREAMS } else { &WINDOWS };
    let asked = if request.time_steps.is_empty() { usual } else { &request.time_steps };
    let longest = if stream { NetworkBuilder::MOST_STREAMING_STEPS } else { NetworkBuilder::MOST_WINDOW_STEPS };
    // a stream's latency is known before anything runs
    let longest = request.max_latency.filter(|_| stream).map_or(longest, |most| most.min(longest));
    let mut steps: Vec<u32> = asked.iter().copied().filter(|steps| *steps <= longest).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// The settings of a windowed method that may matter at a window's length, where the method takes them and the request leaves
/// them open. Bases up to 2 are not among them: a conversion chooses one itself, layer by layer. Where latency counts
/// (`hurries`), spikes are spent on it as well.
fn of_window(method: &dyn Method, options: &Options, hurries: bool) -> Vec<Options> {
    let takes = |option: &str| method.info().options.contains(&option);
    let mut variants = vec![options.clone()];
    if takes("--thresholds") && options.thresholds.is_none() {
        variants.push(Options { thresholds: Some(Granularity::Layer), ..options.clone() });
    }
    let open = options.weight_calibration.is_none() && options.time_steps <= LONGEST_NETWORK_CALIBRATION;
    if open && takes("--weight-calibration") && options.implied_weight_calibration() < WeightCalibration::Network {
        variants.push(Options { weight_calibration: Some(WeightCalibration::Network), ..options.clone() });
    }
    // neither integer networks nor neurons that truncate have any of what follows
    if !hurries || options.weights != Weights::F32 || !options.half_step {
        return variants;
    }
    let steps = options.time_steps;
    let hears_all = options.delay.is_none_or(|delay| delay >= steps);
    if takes("--base") && options.base == Base::Auto && hears_all && steps <= LONGEST_TERNARY {
        variants.push(Options { base: Base::Fixed(3.0), ..options.clone() });
    }
    if takes("--copies") && options.copies == 1 && hears_all && steps <= LONGEST_COPIED {
        variants.push(Options { copies: 2, ..options.clone() });
    }
    if takes("--delay") && options.delay.is_none() && steps >= SHORTEST_DELAYED {
        variants.push(Options { delay: Some(2), ..options.clone() });
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(time_steps: u32, weight_calibration: Option<WeightCalibration>) -> Candidate {
        let options = Options { time_steps, weight_calibration, ..Options::default() };
        Candidate { method: "spikeconverter".into(), options }
    }

    /// Neurons and signed spikes are spent where latency counts, and where nothing else was asked for.
    #[test]
    fn latency_is_bought() {
        let method = known_method("spikeconverter").unwrap();
        let of = |options: &Options, hurries| -> Vec<(Base, u32, Option<u32>)> {
            let variants = of_window(method, options, hurries);
            let kinds = variants.iter().map(|options| (options.base, options.copies, options.delay));
            kinds.filter(|&kind| kind != (Base::Auto, 1, None)).collect()
        };
        let [short, long] = [3, 8].map(|time_steps| Options { time_steps, ..Options::default() });
        assert_eq!(of(&short, true), [(Base::Fixed(3.0), 1, None), (Base::Auto, 2, None)]);
        assert_eq!(of(&long, true), [(Base::Auto, 1, Some(2))]);
        assert!(of(&short, false).is_empty() && of(&long, false).is_empty());
        let integers = Options { weights: Weights::I8, ..long };
        assert!(of(&integers, true).is_empty());
        let fs = known_method("fs-neurons").unwrap();
        let plain = |options: &Options| (options.base, options.copies, options.delay) == (Base::Auto, 1, None);
        assert!(of_window(fs, &short, true).iter().all(plain));
    }

    /// At T = 3 weights are calibrated layer by layer unless asked for otherwise, at T = 2 all together.
    #[test]
    fn sketches_are_what_is_calibrated_layer_by_layer() {
        let (layer, network) = (Some(WeightCalibration::Layer), Some(WeightCalibration::Network));
        assert_eq!(candidate(3, network).sketch(), Some(candidate(3, layer)));
        assert_eq!(candidate(2, None).sketch(), Some(candidate(2, layer)));
        assert_eq!(candidate(3, None).sketch(), None);
        assert_eq!(candidate(2, layer).sketch(), None);
        assert!(candidate(3, None).same(&candidate(3, network).sketch().unwrap()));
        assert!(!candidate(3, None).same(&candidate(3, network)) && !candidate(3, None).same(&candidate(4, None)));
        let stream = Candidate { method: "ltb".into(), options: Options::default() };
        assert_eq!(stream.sketch(), None);
    }
}
