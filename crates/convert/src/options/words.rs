//! Options from words and back, as records, the command line and other programs write them.

use std::collections::BTreeMap;
use std::str::FromStr;

use spikeconverter_network::Encoding;

use super::{Base, Granularity, Options, WeightCalibration, Weights};
use crate::ConvertError;
use crate::streaming::{Part, Parts};

/// Words by the names of options.
type Words = BTreeMap<String, String>;

impl Options {
    /// The options as words, for the record of where a network comes from.
    pub fn record(&self) -> BTreeMap<String, String> {
        let base = match self.implied_base() {
            Base::Auto => "auto".to_owned(),
            Base::Fixed(base) => base.to_string(),
        };
        let thresholds = self.thresholds.map_or("method", Granularity::name);
        let encoding = match self.encoding {
            Encoding::Analog => "analog",
            Encoding::Pixels => "pixels",
            Encoding::Poisson { .. } => "poisson",
        };
        let mut record = BTreeMap::from([
            ("time_steps".into(), self.time_steps.to_string()),
            ("base".into(), base),
            ("thresholds".into(), thresholds.into()),
            ("half_step".into(), self.half_step.to_string()),
            ("bias_correction".into(), self.bias_correction.to_string()),
            ("weight_calibration".into(), self.implied_weight_calibration().name().into()),
            ("encoding".into(), encoding.into()),
            ("weights".into(), self.weights.name().into()),
            ("percentile".into(), self.percentile.to_string()),
        ]);
        if let Some(delay) = self.delay {
            record.insert("delay".into(), delay.to_string());
        }
        if let Some(most) = self.max_latency {
            record.insert("max_latency".into(), most.to_string());
        }
        if self.copies > 1 {
            record.insert("copies".into(), self.copies.to_string());
        }
        for (option, value) in self.parts.named() {
            record.insert(option.trim_start_matches('-').replace('-', "_"), value);
        }
        record
    }

    /// The options of a [`record`](Self::record); `None` where it is not one.
    pub fn of_record(record: &BTreeMap<String, String>) -> Option<Self> {
        const ALWAYS: [&str; 8] =
            ["time_steps", "base", "thresholds", "half_step", "bias_correction", "encoding", "weights", "percentile"];
        if !ALWAYS.iter().all(|name| record.contains_key(*name)) {
            return None;
        }
        let mut words = record.clone();
        // networks made before there was a choice kept their weights
        words.entry("weight_calibration".into()).or_insert_with(|| WeightCalibration::None.name().into());
        options(&words).and_then(|options| options.check().map(|()| options)).ok()
    }

    /// The options that words ask for, by the names of a [`record`](Self::record), `seed` being that of random input spikes. What
    /// is absent is as it is unless said; other names are left alone. Ranges are not checked.
    ///
    /// # Errors
    /// [`ConvertError::Option`] naming the option whose word is none of its choices.
    pub fn of_words(words: &BTreeMap<String, String>) -> Result<Self, ConvertError> {
        options(words)
    }

    /// The options as flags of the command line, each after a space; what is as it is unless said is left out.
    pub fn flags(&self) -> String {
        let usual = Self { time_steps: self.time_steps, ..Self::default() };
        let mut flags = format!(" -T {}", self.time_steps);
        let mut flag = |wanted: bool, text: &str| {
            if wanted {
                flags.push(' ');
                flags.push_str(text);
            }
        };
        if let Base::Fixed(base) = self.base {
            flag(self.weights == Weights::F32, &format!("--base {base}"));
        }
        if let Some(granularity) = self.thresholds.filter(|&granularity| granularity != Granularity::Channel) {
            flag(true, &format!("--thresholds {}", granularity.name()));
        }
        flag(!self.half_step, "--no-half-step");
        flag(!self.bias_correction, "--no-bias-correction");
        let calibration = self.implied_weight_calibration();
        let unusual = calibration != usual.implied_weight_calibration();
        flag(unusual, &format!("--weight-calibration {}", calibration.name()));
        if let Some(delay) = self.delay {
            flag(true, &format!("--delay {delay}"));
        }
        if let Some(most) = self.max_latency {
            flag(true, &format!("--max-latency {most}"));
        }
        flag(self.copies > 1, &format!("--copies {}", self.copies));
        flag(self.encoding == Encoding::Pixels && self.weights == Weights::F32, "--input pixels");
        if let Encoding::Poisson { seed } = self.encoding {
            flag(true, &format!("--input poisson --seed {seed}"));
        }
        flag(self.weights == Weights::I8, "--weights i8");
        flag(self.percentile != usual.percentile, &format!("--percentile {}", self.percentile));
        for (option, value) in self.parts.named() {
            flag(true, &format!("{option} {value}"));
        }
        flags
    }
}

/// The options that the words ask for.
fn options(words: &Words) -> Result<Options, ConvertError> {
    let usual = Options::default();
    let text = |name: &str| words.get(name).map(String::as_str);
    let weights = named(words, "--weights", &Weights::ALL, Weights::name)?.unwrap_or(usual.weights);
    let thresholds = match text("thresholds") {
        Some("method") => None,
        _ => named(words, "--thresholds", &Granularity::ALL, Granularity::name)?,
    };
    Ok(Options {
        time_steps: number(words, "--time-steps")?.unwrap_or(usual.time_steps),
        base: match text("base") {
            None | Some("auto") => Base::Auto,
            Some(_) => Base::Fixed(number(words, "--base")?.unwrap_or(2.0)),
        },
        thresholds,
        half_step: number(words, "--half-step")?.unwrap_or(usual.half_step),
        bias_correction: number(words, "--bias-correction")?.unwrap_or(usual.bias_correction),
        weight_calibration: named(words, "--weight-calibration", &WeightCalibration::ALL, WeightCalibration::name)?,
        delay: number(words, "--delay")?,
        max_latency: number(words, "--max-latency")?,
        copies: number(words, "--copies")?.unwrap_or(usual.copies),
        encoding: match text("encoding") {
            None => weights.usual_encoding(),
            Some("analog") => Encoding::Analog,
            Some("pixels") => Encoding::Pixels,
            Some("poisson") => Encoding::Poisson { seed: number(words, "--seed")?.unwrap_or(0) },
            Some(other) => return Err(refused("--input", other, "analog, pixels, poisson")),
        },
        weights,
        percentile: number(words, "--percentile")?.unwrap_or(usual.percentile),
        parts: Parts {
            neuron: part(words, "--neuron")?,
            levels: number(words, "--levels")?,
            threshold: part(words, "--threshold-rule")?,
            initial: part(words, "--initial")?,
            calibration: part(words, "--calibration-rule")?,
            pool: part(words, "--max-pool")?,
            rehearsal: part(words, "--rehearsal")?,
            rehearsal_steps: number(words, "--rehearsal-steps")?,
            skip_steps: number(words, "--skip-steps")?,
        },
    })
}

/// The word of an option, which records name without dashes.
fn word<'a>(words: &'a Words, option: &str) -> Option<&'a str> {
    words.get(&option.trim_start_matches('-').replace('-', "_")).map(String::as_str)
}

fn number<N: FromStr>(words: &Words, option: &'static str) -> Result<Option<N>, ConvertError> {
    let parse = |text: &str| text.parse().map_err(|_| refused(option, text, std::any::type_name::<N>()));
    word(words, option).map(parse).transpose()
}

fn named<C: Copy>(
    words: &Words,
    option: &'static str,
    all: &[C],
    name: fn(C) -> &'static str,
) -> Result<Option<C>, ConvertError> {
    let find = |text: &str| {
        let found = all.iter().copied().find(|choice| name(*choice) == text);
        found.ok_or_else(|| {
            refused(option, text, &all.iter().map(|choice| name(*choice)).collect::<Vec<_>>().join(", "))
        })
    };
    word(words, option).map(find).transpose()
}

fn part<P: Part>(words: &Words, option: &'static str) -> Result<Option<P>, ConvertError> {
    named(words, option, P::ALL, P::name)
}

fn refused(option: &'static str, text: &str, choices: &str) -> ConvertError {
    let reason = match choices {
        "bool" => format!("`{text}` is neither `true` nor `false`"),
        "u32" | "u64" => format!("`{text}` is no whole number of at least 0"),
        "f32" | "f64" => format!("`{text}` is no number"),
        choices => format!("`{text}` is none of: {choices}"),
    };
    ConvertError::Option { option, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MaxPoolRule, NeuronRule};

    fn of(pairs: &[(&str, &str)]) -> Result<Options, String> {
        let words = pairs.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned())).collect();
        options(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_absent_is_usual() {
        assert_eq!(of(&[]), Ok(Options::default()));
        assert_eq!(of(&[("anything", "else")]), Ok(Options::default()));
        let integers = Options { weights: Weights::I8, encoding: Encoding::Pixels, ..Options::default() };
        assert_eq!(of(&[("weights", "i8")]), Ok(integers));
    }

    #[test]
    fn words_are_read() {
        let parts = Parts { neuron: Some(NeuronRule::Group), pool: Some(MaxPoolRule::Gate), ..Parts::default() };
        let wanted = Options {
            time_steps: 4,
            base: Base::Fixed(1.5),
            thresholds: Some(Granularity::Neuron),
            half_step: false,
            encoding: Encoding::Poisson { seed: 7 },
            parts,
            ..Options::default()
        };
        let found = of(&[
            ("time_steps", "4"),
            ("base", "1.5"),
            ("thresholds", "neuron"),
            ("half_step", "false"),
            ("encoding", "poisson"),
            ("seed", "7"),
            ("neuron", "group"),
            ("max_pool", "gate"),
        ]);
        assert_eq!(found, Ok(wanted));
    }

    #[test]
    fn what_is_no_choice_is_named() {
        for (name, word, said) in [
            ("time_steps", "-1", "option --time-steps: `-1` is no whole number"),
            ("base", "two", "option --base: `two` is no number"),
            ("half_step", "1", "option --half-step: `1` is neither `true` nor `false`"),
            ("thresholds", "all", "option --thresholds: `all` is none of: layer, channel, neuron"),
            ("encoding", "bits", "option --input: `bits` is none of: analog, pixels, poisson"),
            ("initial", "one", "option --initial: `one` is none of: zero, half, shift"),
        ] {
            let error = of(&[(name, word)]).unwrap_err();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
