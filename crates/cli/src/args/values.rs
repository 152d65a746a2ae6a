//! Values of options that clap does not know by itself.

use std::ops::Range;
use std::str::FromStr;

/// A number of at least 1.
pub(crate) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number of at least 1".into()),
    }
}

/// Points, 0 to 100, as a share.
pub(crate) fn points(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(points) if (0.0..=100.0).contains(&points) => Ok(points / 100.0),
        _ => Err("must be a number of points from 0 to 100, e.g. 0.5".into()),
    }
}

/// A base of the code: `auto`, or a number from 1 to 3.
pub(crate) fn base(text: &str) -> Result<spikeconverter_convert::Base, String> {
    use spikeconverter_convert::Base;
    if text == "auto" {
        return Ok(Base::Auto);
    }
    match text.parse::<f32>() {
        Ok(base) if (1.0..=3.0).contains(&base) => Ok(Base::Fixed(base)),
        _ => Err("must be `auto` or a number from 1 (rate code) through 2 (binary code) to 3 (ternary code)".into()),
    }
}

/// Rows `a..b`, half-open.
pub(crate) fn rows(text: &str) -> Result<Range<usize>, String> {
    let parsed = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    match parsed {
        Some(range) if range.start < range.end => Ok(range),
        Some(_) => Err("must hold at least one row: a..b with a < b".into()),
        None => Err("must be a..b, e.g. 200..1000 (the first row is 0, row b is not part of it)".into()),
    }
}

/// One size for both axes, or `HxW`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    One(usize),
    Two([usize; 2]),
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| text.trim().parse::<usize>().ok().filter(|side| (1..=1 << 16).contains(side));
        let wrong = || "must be N or HEIGHTxWIDTH in pixels, e.g. 256 or 224x224".to_owned();
        match text.split_once('x') {
            Some((height, width)) => Ok(Self::Two([side(height).ok_or_else(wrong)?, side(width).ok_or_else(wrong)?])),
            None => side(text).map(Self::One).ok_or_else(wrong),
        }
    }
}

/// A shape: `3,224,224`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extents(pub(crate) Vec<usize>);

impl FromStr for Extents {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let extents: Option<Vec<usize>> =
            text.split([',', 'x']).map(|part| part.trim().parse().ok().filter(|&n| n > 0)).collect();
        extents.map(Self).ok_or_else(|| "must be numbers of at least 1, e.g. 3,224,224".into())
    }
}

/// A number, or a fraction such as `1/255`.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    let value = match text.split_once('/') {
        Some((over, under)) => {
            over.trim().parse::<f64>().ok().zip(under.trim().parse::<f64>().ok()).map(|(a, b)| a / b)
        }
        None => text.trim().parse().ok(),
    };
    value.filter(|v| v.is_finite()).ok_or_else(|| "must be a number or a fraction such as 1/255".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_refused() {
        assert_eq!(rows("200..1000"), Ok(200..1000));
        assert!(rows("5..5").is_err() && rows("5").is_err() && rows("a..b").is_err());
        assert_eq!("224x96".parse(), Ok(Size::Two([224, 96])));
        assert_eq!("256".parse(), Ok(Size::One(256)));
        assert!("0".parse::<Size>().is_err() && "3xx".parse::<Size>().is_err());
        assert_eq!("3,224,224".parse(), Ok(Extents(vec![3, 224, 224])));
        assert!("3,0".parse::<Extents>().is_err());
        assert_eq!(number("1/255"), Ok(1.0 / 255.0));
        assert!(number("1/0").is_err() && number("x").is_err());
        assert!(base("3.5").is_err() && base("0.5").is_err() && base("1.5").is_ok() && base("auto").is_ok());
        assert_eq!(points("0.5"), Ok(0.005));
        assert!(points("-1").is_err() && points("101").is_err() && points("x").is_err());
        assert!(positive("0").is_err() && positive("-1").is_err());
    }
}
