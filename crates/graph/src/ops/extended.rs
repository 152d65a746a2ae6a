//! Serialisation of numbers that may be infinite, which JSON cannot write as numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Extended {
    Finite(f32),
    Word(String),
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn serialize<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() { Extended::Finite(*value) } else { Extended::Word(value.to_string()) }.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    match Extended::deserialize(deserializer)? {
        Extended::Finite(value) => Ok(value),
        Extended::Word(word) => word.parse().map_err(serde::de::Error::custom),
    }
}
