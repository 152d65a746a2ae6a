use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a spiking network comes from: enough to make it again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this program.
    pub program: String,
    /// Name of the trained network's file, without its folder.
    pub source: String,
    /// SHA-256 of that file, hexadecimal.
    pub source_sha256: String,
    /// Conversion method, by its name in the table of methods.
    pub method: String,
    /// The method's options, by name.
    pub options: BTreeMap<String, String>,
    /// What it was calibrated on.
    pub calibration: CalibrationRecord,
}

/// The calibration set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationRecord {
    /// Name of the data set's file or folder.
    pub data: String,
    /// Number of samples.
    pub samples: usize,
}
