use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use spikeconverter_data::{Dataset, Preprocessing};

use crate::convert::name_of;

/// What all cells of a comparison have in common, and what tells two comparisons apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Version of the program.
    pub program: String,
    /// Name of the model's file.
    pub source: String,
    /// Its SHA-256.
    pub source_sha256: String,
    /// Shape of a sample.
    pub input_shape: Vec<usize>,
    /// Number of values of the result.
    pub outputs: usize,
    /// Parameters of the trained network.
    pub parameters: usize,
    /// Multiply-accumulate operations a sample of the trained network.
    pub ann_macs: u64,
    /// How samples are preprocessed.
    pub preprocessing: Preprocessing,
    /// The test samples.
    pub data: SampleSet,
    /// The samples calibrated on.
    pub calibration: SampleSet,
    /// The methods' options but for `T`, and the seed of the choice of calibration samples.
    pub options: BTreeMap<String, String>,
    /// Test samples whose spikes are kept.
    pub raster_images: Vec<usize>,
}

/// A set of samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleSet {
    /// Name of its file or folder.
    pub name: String,
    /// Samples taken.
    pub samples: usize,
    /// Samples that there are.
    pub available: usize,
    /// SHA-256 of the samples as the networks take them, and of their labels where they are used.
    pub sha256: String,
}

impl SampleSet {
    pub(super) fn new(data: &Dataset, samples: usize, fingerprint: Fingerprint) -> Self {
        Self { name: name_of(data.path()), samples, available: data.len(), sha256: fingerprint.finish() }
    }
}

/// The SHA-256 of samples.
#[derive(Default)]
pub(super) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(super) fn values(&mut self, values: &[f32]) {
        let mut bytes = Vec::with_capacity(4 * values.len());
        for value in values {
            bytes.extend(value.to_le_bytes());
        }
        self.0.update(bytes);
    }

    pub(super) fn labels(&mut self, labels: &[u32]) {
        for label in labels {
            self.0.update(label.to_le_bytes());
        }
    }

    fn finish(self) -> String {
        self.0.finalize().iter().fold(String::new(), |mut text, byte| {
            // writing to a string does not fail
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl Setting {
    /// What differs between two comparisons, in the user's words; nothing where they are the same.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let samples = |a: &SampleSet, b: &SampleSet| (a.samples, &a.sha256) != (b.samples, &b.sha256);
        [
            (self.source_sha256 != other.source_sha256, "of another model"),
            (self.program != other.program, "by another version of this program"),
            (self.preprocessing != other.preprocessing, "with other preprocessing"),
            (samples(&self.data, &other.data), "on other test samples"),
            (samples(&self.calibration, &other.calibration), "with other calibration samples"),
            (self.options != other.options, "with other options"),
            (self.raster_images != other.raster_images, "with rasters of other images"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}
