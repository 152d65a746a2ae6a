//! Constants of the file: element types, and the check of declared extents against the bytes that are there.

use crate::problem::{Problem, unsupported};
use crate::proto::{TensorProto, data_type as dt};
use crate::value::{Constant, Kind, Number, checked_volume};

/// What can be wrong with a constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Declaration and data differ.
    Mismatch(String),
    /// An element type without a counterpart here.
    Foreign(String),
}

/// Decodes a tensor that is an attribute of a node; it must not lie in another file.
pub(crate) fn decode_inline(tensor: &TensorProto) -> Result<Constant, Problem> {
    if is_external(tensor) {
        return Err(unsupported("its attribute keeps its data in another file")
            .remedy("save the model with its data inside, onnx.save(model, path)"));
    }
    decode(tensor, tensor.raw_data.as_deref()).map_err(|fault| match fault {
        Fault::Mismatch(reason) => Problem::Invalid(format!("its constant {reason}")),
        Fault::Foreign(reason) => unsupported(format!("its constant {reason}")),
    })
}

/// Whether the elements lie in another file.
pub(crate) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location == Some(1)
}

/// Bytes that the elements take, by the declaration; `None` for types that are not read.
pub(crate) fn byte_length(tensor: &TensorProto) -> Result<Option<usize>, Fault> {
    let count = count(tensor)?;
    let Some(bits) = bits(tensor.data_type.unwrap_or(0)) else {
        return Ok(None);
    };
    Ok(Some(count.checked_mul(bits).ok_or_else(|| overflow(tensor))?.div_ceil(8)))
}

/// Decodes a tensor whose elements are `raw` or, without it, in the typed fields.
pub(crate) fn decode(tensor: &TensorProto, raw: Option<&[u8]>) -> Result<Constant, Fault> {
    let code = tensor.data_type.unwrap_or(0);
    let count = count(tensor)?;
    let Some(bytes) = byte_length(tensor)? else {
        return Err(Fault::Foreign(format!("has elements of type {}, which has no counterpart here", dt::name(code))));
    };
    let shape: Vec<usize> = tensor.dims.iter().map(|&d| d as usize).collect();
    if let Some(raw) = raw {
        if raw.len() != bytes {
            return Err(Fault::Mismatch(format!(
                "declares shape {:?} of {}, {bytes} bytes, but holds {}",
                tensor.dims,
                dt::name(code),
                raw.len()
            )));
        }
        return Ok(from_bytes(code, shape, raw, count));
    }
    let found = match code {
        dt::FLOAT => tensor.float_data.len(),
        dt::DOUBLE => tensor.double_data.len(),
        dt::INT64 => tensor.int64_data.len(),
        dt::UINT32 | dt::UINT64 => tensor.uint64_data.len(),
        _ => tensor.int32_data.len(),
    };
    let expected = if matches!(code, dt::UINT4 | dt::INT4) { count.div_ceil(2) } else { count };
    if found != expected {
        return Err(Fault::Mismatch(format!("declares shape {:?}, {count} elements, but holds {found}", tensor.dims)));
    }
    Ok(from_fields(code, shape, tensor, count))
}

fn from_bytes(code: i32, shape: Vec<usize>, raw: &[u8], count: usize) -> Constant {
    fn each<const N: usize, T>(raw: &[u8], f: impl Fn([u8; N]) -> T) -> Vec<T> {
        raw.as_chunks::<N>().0.iter().map(|&chunk| f(chunk)).collect()
    }
    let plain = |x: f64| Number::plain(x);
    match code {
        dt::FLOAT => Constant::floats(shape, each(raw, f32::from_le_bytes)),
        dt::DOUBLE => Constant::floats(shape, each(raw, |b| f64::from_le_bytes(b) as f32)),
        dt::FLOAT16 => Constant::floats(shape, each(raw, |b| half_to_f32(u16::from_le_bytes(b)))),
        dt::BFLOAT16 => Constant::floats(shape, each(raw, |b| bfloat_to_f32(u16::from_le_bytes(b)))),
        dt::UINT8 => Constant::floats(shape, each(raw, |[b]| f32::from(b))),
        dt::INT8 => Constant::floats(shape, each(raw, |b| f32::from(i8::from_le_bytes(b)))),
        dt::UINT16 => Constant::floats(shape, each(raw, |b| f32::from(u16::from_le_bytes(b)))),
        dt::INT16 => Constant::floats(shape, each(raw, |b| f32::from(i16::from_le_bytes(b)))),
        dt::UINT4 | dt::INT4 => Constant::floats(shape, nibbles(raw, code == dt::INT4, count)),
        dt::BOOL => Constant::numbers(shape, each(raw, |[b]| plain(f64::from(b != 0))), Kind::Bool),
        dt::INT32 => Constant::numbers(shape, each(raw, |b| plain(i32::from_le_bytes(b).into())), Kind::Integer),
        dt::UINT32 => Constant::numbers(shape, each(raw, |b| plain(u32::from_le_bytes(b).into())), Kind::Integer),
        dt::UINT64 => Constant::numbers(shape, each(raw, |b| plain(u64::from_le_bytes(b) as f64)), Kind::Integer),
        _ => Constant::numbers(shape, each(raw, |b| plain(i64::from_le_bytes(b) as f64)), Kind::Integer),
    }
}

fn from_fields(code: i32, shape: Vec<usize>, tensor: &TensorProto, count: usize) -> Constant {
    let ints = || tensor.int32_data.iter();
    match code {
        dt::FLOAT => Constant::floats(shape, tensor.float_data.clone()),
        dt::DOUBLE => Constant::floats(shape, tensor.double_data.iter().map(|&x| x as f32).collect()),
        dt::FLOAT16 => Constant::floats(shape, ints().map(|&bits| half_to_f32(bits as u16)).collect()),
        dt::BFLOAT16 => Constant::floats(shape, ints().map(|&bits| bfloat_to_f32(bits as u16)).collect()),
        dt::UINT8 | dt::INT8 | dt::UINT16 | dt::INT16 => Constant::floats(shape, ints().map(|&x| x as f32).collect()),
        dt::UINT4 | dt::INT4 => {
            let bytes: Vec<u8> = ints().map(|&x| x as u8).collect();
            Constant::floats(shape, nibbles(&bytes, code == dt::INT4, count))
        }
        dt::BOOL => Constant::numbers(shape, ints().map(|&x| Number::plain(f64::from(x != 0))).collect(), Kind::Bool),
        dt::INT32 => Constant::numbers(shape, ints().map(|&x| Number::plain(x.into())).collect(), Kind::Integer),
        dt::UINT32 | dt::UINT64 => {
            let data = tensor.uint64_data.iter().map(|&x| Number::plain(x as f64)).collect();
            Constant::numbers(shape, data, Kind::Integer)
        }
        _ => {
            let data = tensor.int64_data.iter().map(|&x| Number::plain(x as f64)).collect();
            Constant::numbers(shape, data, Kind::Integer)
        }
    }
}

fn bits(code: i32) -> Option<usize> {
    match code {
        dt::UINT4 | dt::INT4 => Some(4),
        dt::UINT8 | dt::INT8 | dt::BOOL => Some(8),
        dt::UINT16 | dt::INT16 | dt::FLOAT16 | dt::BFLOAT16 => Some(16),
        dt::FLOAT | dt::INT32 | dt::UINT32 => Some(32),
        dt::DOUBLE | dt::INT64 | dt::UINT64 => Some(64),
        _ => None,
    }
}

fn count(tensor: &TensorProto) -> Result<usize, Fault> {
    if tensor.dims.iter().any(|&d| d < 0) {
        return Err(Fault::Mismatch(format!("declares a negative extent in {:?}", tensor.dims)));
    }
    let shape: Option<Vec<usize>> = tensor.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    shape.and_then(|shape| checked_volume(&shape)).ok_or_else(|| overflow(tensor))
}

fn overflow(tensor: &TensorProto) -> Fault {
    Fault::Mismatch(format!("declares shape {:?}, more elements than can be counted", tensor.dims))
}

fn nibbles(bytes: &[u8], signed: bool, count: usize) -> Vec<f32> {
    let value = |nibble: u8| {
        let sign = if signed && nibble >= 8 { 16.0 } else { 0.0 };
        f32::from(nibble) - sign
    };
    bytes.iter().flat_map(|&b| [value(b & 15), value(b >> 4)]).take(count).collect()
}

pub(crate) fn bfloat_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

pub(crate) fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 31);
    let mantissa = f32::from(bits & 1023);
    let magnitude = match exponent {
        0 => mantissa * 2f32.powi(-24),
        31 if mantissa == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (mantissa + 1024.0) * 2f32.powi(exponent - 25),
    };
    sign * magnitude
}

/// The nearest 16-bit float of the upper half of a 32-bit one, ties to even.
pub(crate) fn f32_to_bfloat(x: f32) -> u16 {
    if x.is_nan() {
        return 0x7fc0;
    }
    let bits = x.to_bits();
    (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// The nearest half-precision float, ties to even; infinite beyond its range.
pub(crate) fn f32_to_half(x: f32) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let magnitude = x.abs();
    if magnitude.is_nan() {
        return sign | 0x7e00;
    }
    // Values from here on round to 2^16, which half precision does not have.
    if magnitude >= 65520.0 {
        return sign | 0x7c00;
    }
    // Spacing of half-precision numbers of this size; below 2^−14 that of subnormals.
    let exponent = ((magnitude.to_bits() >> 23) as i32 - 127).max(-14);
    let step = 2f32.powi(exponent - 10);
    let units = (magnitude / step).round_ties_even() as u16;
    // `units` counts steps: 1024 to 2048 of them for a normal number, and the carry runs into the exponent by itself.
    sign | (((exponent + 14) as u16) << 10).wrapping_add(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: Vec<i64>, data_type: i32) -> TensorProto {
        TensorProto { dims, data_type: Some(data_type), ..TensorProto::default() }
    }

    #[test]
    fn half_precision() {
        let cases =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x0001, 2f32.powi(-24)), (0x7bff, 65504.0), (0x0400, 2f32.powi(-14))];
        for (bits, value) in cases {
            assert_eq!(half_to_f32(bits), value, "{bits:#x}");
            assert_eq!(f32_to_half(value), bits, "{value}");
        }
        assert!(half_to_f32(0x7c00).is_infinite());
        assert!(half_to_f32(0x7e00).is_nan());
        assert_eq!(bfloat_to_f32(0x3f80), 1.0);
    }

    #[test]
    fn every_half_survives_the_way_there_and_back() {
        for bits in 0..=u16::MAX {
            let value = half_to_f32(bits);
            if !value.is_nan() {
                assert_eq!(f32_to_half(value), bits);
            }
        }
        assert_eq!(f32_to_half(65519.0), 0x7bff);
        assert_eq!(f32_to_half(65520.0), 0x7c00);
        assert_eq!(f32_to_half(1.0 + 2f32.powi(-11)), 0x3c00);
        assert_eq!(f32_to_half(1.0 + 3.0 * 2f32.powi(-11)), 0x3c02);
        assert_eq!(f32_to_bfloat(1.0 + 2f32.powi(-8)), 0x3f80);
        assert_eq!(f32_to_bfloat(1.0 + 3.0 * 2f32.powi(-8)), 0x3f82);
    }

    #[test]
    fn every_width_is_read() {
        let cases: [(i32, &[u8]); 12] = [
            (dt::FLOAT, &[0, 0, 64, 64]),
            (dt::DOUBLE, &[0, 0, 0, 0, 0, 0, 8, 64]),
            (dt::FLOAT16, &[0, 0x42]),
            (dt::BFLOAT16, &[0x40, 0x40]),
            (dt::UINT8, &[3]),
            (dt::INT8, &[3]),
            (dt::UINT16, &[3, 0]),
            (dt::INT16, &[3, 0]),
            (dt::INT32, &[3, 0, 0, 0]),
            (dt::UINT32, &[3, 0, 0, 0]),
            (dt::INT64, &[3, 0, 0, 0, 0, 0, 0, 0]),
            (dt::INT4, &[3]),
        ];
        for (code, bytes) in cases {
            let constant = decode(&tensor(vec![1], code), Some(bytes)).unwrap();
            assert_eq!(constant.to_tensor().unwrap().data(), [3.0], "{}", dt::name(code));
        }
        let packed = decode(&tensor(vec![3], dt::INT4), Some(&[0x8f, 0x07])).unwrap();
        assert_eq!(packed.to_tensor().unwrap().data(), [-1.0, -8.0, 7.0]);
    }

    #[test]
    fn typed_fields_are_read() {
        let float = TensorProto { float_data: vec![1.0, 2.0], ..tensor(vec![2], dt::FLOAT) };
        assert_eq!(decode(&float, None).unwrap().to_tensor().unwrap().data(), [1.0, 2.0]);
        let half = TensorProto { int32_data: vec![0x3c00], ..tensor(vec![], dt::FLOAT16) };
        assert_eq!(decode(&half, None).unwrap().to_tensor().unwrap().data(), [1.0]);
        let int = TensorProto { int64_data: vec![-7], ..tensor(vec![1], dt::INT64) };
        assert_eq!(decode(&int, None).unwrap().to_integers("it").unwrap(), [-7]);
    }

    #[test]
    fn declarations_are_checked_against_the_bytes() {
        let huge = tensor(vec![1 << 40, 3, 3, 3], dt::FLOAT);
        assert!(matches!(decode(&huge, Some(&[0; 864])), Err(Fault::Mismatch(_))));
        let overflowing = tensor(vec![i64::MAX, i64::MAX], dt::FLOAT);
        assert!(matches!(decode(&overflowing, Some(&[])), Err(Fault::Mismatch(_))));
        let negative = tensor(vec![-1], dt::FLOAT);
        assert!(matches!(decode(&negative, Some(&[])), Err(Fault::Mismatch(_))));
        assert!(matches!(decode(&tensor(vec![4], dt::FLOAT), None), Err(Fault::Mismatch(_))));
        assert!(matches!(decode(&tensor(vec![1], dt::STRING), Some(&[])), Err(Fault::Foreign(_))));
    }
}
