//! NPY, numpy's array file: `\x93NUMPY`, version, header length, a Python dictionary literal, then the numbers.
//!
//! The dictionary is read by a small strict parser rather than a general one for Python literals: numpy always writes
//! the same three keys, and a general parser recurses as deep as a hostile header asks it to.

use std::path::{Path, PathBuf};

use crate::array::{Array, byte_count};
use crate::bytes::Bytes;
use crate::{Element, Error, Result};

/// First bytes of an NPY file.
pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longest header accepted; numpy's own are below 200 bytes for plain arrays.
pub(crate) const MAX_HEADER: usize = 1 << 16;

/// What an NPY header declares.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) element: Element,
    pub(crate) big_endian: bool,
    pub(crate) fortran: bool,
    pub(crate) shape: Vec<usize>,
    /// Bytes before the first number.
    pub(crate) len: usize,
}

impl Header {
    pub(crate) fn data_len(&self) -> u128 {
        byte_count(&self.shape, self.element)
    }

    /// Reads the header from the first bytes of an NPY file (at least [`MAX_HEADER`] of them, or all there are).
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let wrong = |what: &str| Error::malformed(path, "NPY", what);
        let rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or_else(|| wrong("it does not start with the NPY magic"))?;
        let (length, start): (usize, usize) = match rest {
            [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 10),
            [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 12),
            _ => return Err(wrong("its version is not 1, 2 or 3, or the header is cut short")),
        };
        let text = bytes
            .get(start..start.saturating_add(length))
            .ok_or_else(|| wrong("the header is cut short or longer than 64 KiB"))?;
        let text = std::str::from_utf8(text).map_err(|_| wrong("the header is not text"))?;
        let value = |key: &str| {
            let after = ["'", "\""]
                .iter()
                .find_map(|quote| text.split_once(&format!("{quote}{key}{quote}")))
                .map(|(_, after)| after);
            after
                .and_then(|after| after.trim_start().strip_prefix(':'))
                .map(str::trim_start)
                .ok_or_else(|| wrong(&format!("the header has no `{key}`")))
        };
        let (element, big_endian) = element(path, value("descr")?)?;
        let order = value("fortran_order")?;
        let fortran = order.starts_with("True");
        if !fortran && !order.starts_with("False") {
            return Err(wrong("`fortran_order` is neither True nor False"));
        }
        let shape = shape(value("shape")?).ok_or_else(|| wrong("`shape` is no tuple of whole numbers"))?;
        Ok(Self { element, big_endian, fortran, shape, len: start + length })
    }

    /// Puts header and data together. `bytes` holds the whole NPY file; its length must be exactly what the header asks
    /// for.
    pub(crate) fn array(self, path: PathBuf, bytes: Bytes) -> Result<Array> {
        let expected = (self.len as u128).saturating_add(self.data_len());
        if u128::from(bytes.len()) != expected {
            return Err(Error::Length { path, declared: expected, found: bytes.len().to_string() });
        }
        let (mut bytes, mut offset) = (bytes, self.len as u64);
        if self.fortran && self.data_len() > 0 && self.shape.iter().filter(|&&axis| axis > 1).count() > 1 {
            let data = bytes.read(&path, offset, self.data_len() as usize)?;
            bytes = Bytes::Memory(to_row_major(&data, &self.shape, self.element.size()));
            offset = 0;
        }
        Ok(Array { path, element: self.element, big_endian: self.big_endian, shape: self.shape, bytes, offset })
    }
}

/// Opens an NPY file; it stays on disk unless it is in Fortran order.
pub(crate) fn open(path: &Path) -> Result<Array> {
    let (start, _) = crate::bytes::head(path, MAX_HEADER + 12)?;
    Header::parse(path, &start)?.array(path.to_path_buf(), Bytes::file(path)?)
}

/// The labels file beside a data file, if there is one: in its name `images` becomes `labels`, or a leading or trailing
/// `x` becomes `y`.
pub(crate) fn sibling_labels(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_str()?;
    let mut names = Vec::new();
    for (data, labels) in [("images", "labels"), ("data", "labels")] {
        if stem.contains(data) {
            names.push(stem.replace(data, labels));
        }
    }
    for (data, labels) in [("x", "y"), ("X", "Y"), ("X", "y")] {
        let bounded = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        if let Some(rest) = stem.strip_prefix(data).filter(|rest| bounded(rest.chars().next())) {
            names.push(format!("{labels}{rest}"));
        }
        if let Some(rest) = stem.strip_suffix(data).filter(|rest| bounded(rest.chars().last())) {
            names.push(format!("{rest}{labels}"));
        }
    }
    names.into_iter().map(|name| path.with_file_name(format!("{name}.npy"))).find(|path| path.is_file())
}

/// The element type of a `descr` such as `'<f4'` or `'|u1'`.
fn element(path: &Path, text: &str) -> Result<(Element, bool)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let name = quote.and_then(|q| text[1..].split_once(q)).map_or(text, |(name, _)| name);
    let big_endian = name.starts_with('>') || (name.starts_with('=') && cfg!(target_endian = "big"));
    let element = match name.trim_start_matches(['<', '>', '|', '=']) {
        "u1" => Element::U8,
        "i1" => Element::I8,
        "u2" => Element::U16,
        "i2" => Element::I16,
        "u4" => Element::U32,
        "i4" => Element::I32,
        "u8" => Element::U64,
        "i8" => Element::I64,
        "f4" => Element::F32,
        "f8" => Element::F64,
        _ => {
            let shown: String = name.chars().take(40).collect();
            return Err(Error::Unsupported {
                path: path.to_path_buf(),
                what: format!("numbers of type {shown}"),
                remedy: "store them with numpy as uint8, int8, int16, int32, int64, float32 or float64".into(),
            });
        }
    };
    Ok((element, big_endian))
}

/// The axes of a tuple such as `(1000, 49, 10)`, `(5,)` or `()`.
fn shape(text: &str) -> Option<Vec<usize>> {
    let (inside, _) = text.strip_prefix('(')?.split_once(')')?;
    let inside = inside.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside.split(',').map(|axis| axis.trim().parse().ok()).collect()
}

/// Rearranges column-major data (first axis fastest) to row-major.
fn to_row_major(data: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for &axis in shape {
        strides.push(stride);
        stride *= axis;
    }
    let mut index = vec![0; shape.len()];
    let mut out = Vec::with_capacity(data.len());
    for _ in 0..stride {
        let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
        out.extend_from_slice(&data[at * size..(at + 1) * size]);
        for (i, &axis) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < axis {
                break;
            }
            *i = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(dict: &str) -> Result<Header> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((dict.len() as u16).to_le_bytes());
        bytes.extend(dict.as_bytes());
        Header::parse(Path::new("a.npy"), &bytes)
    }

    #[test]
    fn parses_what_numpy_writes() {
        let h = header("{'descr': '>i2', 'fortran_order': False, 'shape': (1000, 49, 10), }\n").unwrap();
        assert_eq!((h.element, h.big_endian, h.fortran, h.shape), (Element::I16, true, false, vec![1000, 49, 10]));
        assert_eq!(header("{'descr': '|u1', 'fortran_order': True, 'shape': (5,), }").unwrap().shape, [5]);
        assert!(header("{'descr': '|u1', 'fortran_order': True, 'shape': (), }").unwrap().shape.is_empty());
    }

    #[test]
    fn refuses_other_types_and_nonsense() {
        assert!(matches!(
            header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}"),
            Err(Error::Unsupported { .. })
        ));
        assert!(matches!(
            header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"),
            Err(Error::Unsupported { .. })
        ));
        for bad in [
            "",
            "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        ] {
            assert!(matches!(header(bad), Err(Error::Malformed { .. })), "{bad}");
        }
        assert!(Header::parse(Path::new("a"), b"\x93NUMPY\x02\x00\xff\xff\xff\xff").is_err());
    }

    #[test]
    fn column_major_becomes_row_major() {
        assert_eq!(to_row_major(&[0, 3, 1, 4, 2, 5], &[2, 3], 1), [0, 1, 2, 3, 4, 5]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".{0,80}") {
            let _ = header(&text);
            let _ = header(&format!("{{'descr': '{text}', 'fortran_order': False, 'shape': ({text})}}"));
        }
    }
}
