//! The number types samples are stored in.

use std::fmt;
use std::str::FromStr;

/// The number type a data set stores its samples in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Element {
    /// Unsigned 8-bit: pixels.
    U8,
    /// Signed 8-bit.
    I8,
    /// Unsigned 16-bit.
    U16,
    /// Signed 16-bit.
    I16,
    /// Unsigned 32-bit.
    U32,
    /// Signed 32-bit.
    I32,
    /// Unsigned 64-bit.
    U64,
    /// Signed 64-bit.
    I64,
    /// IEEE single precision.
    F32,
    /// IEEE double precision; read as `f32`.
    F64,
}

/// A closed range of integers that raw values lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntegerRange {
    /// Smallest possible value.
    pub lo: i32,
    /// Largest possible value.
    pub hi: i32,
}

impl Element {
    /// Bytes per number.
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// The range of an 8-bit type (`U8`: 0..=255, `I8`: −128..=127); `None` for the wider types, whose values eight
    /// bits may not hold.
    pub fn integer_range(self) -> Option<IntegerRange> {
        match self {
            Self::U8 => Some(IntegerRange { lo: 0, hi: 255 }),
            Self::I8 => Some(IntegerRange { lo: -128, hi: 127 }),
            _ => None,
        }
    }

    /// One number as `f64` (64-bit integers beyond 2^53 are rounded), or `None` if `bytes` is too short.
    pub(crate) fn read_one(self, bytes: &[u8], big_endian: bool) -> Option<f64> {
        /// Reads `N` bytes in the given order through one of the `from_*_bytes` pairs.
        macro_rules! number {
            ($t:ty) => {{
                let array = *bytes.first_chunk::<{ size_of::<$t>() }>()?;
                Some((if big_endian { <$t>::from_be_bytes(array) } else { <$t>::from_le_bytes(array) }) as f64)
            }};
        }
        match self {
            Self::U8 => number!(u8),
            Self::I8 => number!(i8),
            Self::U16 => number!(u16),
            Self::I16 => number!(i16),
            Self::U32 => number!(u32),
            Self::I32 => number!(i32),
            Self::U64 => number!(u64),
            Self::I64 => number!(i64),
            Self::F32 => number!(f32),
            Self::F64 => number!(f64),
        }
    }

    /// A whole row as `f32`; the first value that is not a finite `f32` comes back as the error.
    pub(crate) fn read_row(self, bytes: &[u8], big_endian: bool) -> Result<Vec<f32>, f64> {
        match self {
            Self::U8 => Ok(bytes.iter().map(|&b| f32::from(b)).collect()),
            Self::I8 => Ok(bytes.iter().map(|&b| f32::from(b as i8)).collect()),
            _ => bytes
                .chunks_exact(self.size())
                .map(|chunk| {
                    let value = self.read_one(chunk, big_endian).unwrap_or(f64::NAN);
                    let narrow = value as f32;
                    if narrow.is_finite() { Ok(narrow) } else { Err(value) }
                })
                .collect(),
        }
    }
}

impl FromStr for Element {
    type Err = String;

    /// Reads what [`Element`] displays as.
    fn from_str(text: &str) -> Result<Self, String> {
        const ALL: [Element; 10] = [
            Element::U8,
            Element::I8,
            Element::U16,
            Element::I16,
            Element::U32,
            Element::I32,
            Element::U64,
            Element::I64,
            Element::F32,
            Element::F64,
        ];
        let named = ALL.into_iter().find(|element| element.to_string() == text);
        named.ok_or_else(|| format!("`{text}` is no number type; use one of {}", ALL.map(|e| e.to_string()).join(", ")))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_byte_orders() {
        assert_eq!(Element::I16.read_one(&[0xFF, 0xFE], true), Some(-2.0));
        assert_eq!(Element::I16.read_one(&[0xFE, 0xFF], false), Some(-2.0));
        assert_eq!(Element::I64.read_one(&[0; 7], false), None);
        assert_eq!(Element::I8.read_row(&[0x80, 0x7F], false), Ok(vec![-128.0, 127.0]));
    }

    #[test]
    fn names_lead_back() {
        assert_eq!("i16".parse(), Ok(Element::I16));
        assert!("f16".parse::<Element>().unwrap_err().contains("f32, f64"));
    }

    #[test]
    fn refuses_what_float32_cannot_hold() {
        assert_eq!(Element::F64.read_row(&1e300f64.to_le_bytes(), false), Err(1e300));
        assert!(Element::F32.read_row(&f32::NAN.to_le_bytes(), false).is_err());
    }
}
