use crate::problem::{Problem, unsupported};

/// A number that may depend on the batch size `N`: `value · N^power`. Shape computations in exported files stay within
/// such monomials, so that they fold though the batch size is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) power: i8,
}

impl Number {
    /// A number that does not depend on the batch size.
    pub(crate) const fn plain(value: f64) -> Self {
        Self { value, power: 0 }
    }

    /// The batch size.
    pub(crate) const BATCH: Self = Self { value: 1.0, power: 1 };

    fn new(value: f64, power: i8) -> Self {
        Self { value, power: if value == 0.0 { 0 } else { power } }
    }

    /// Whether the batch size plays no part.
    pub(crate) fn is_plain(self) -> bool {
        self.power == 0
    }

    /// The value, when the batch size plays no part.
    pub(crate) fn as_plain(self) -> Option<f64> {
        self.is_plain().then_some(self.value)
    }

    pub(crate) fn add(self, other: Self) -> Result<Self, Problem> {
        if self.value == 0.0 {
            Ok(other)
        } else if other.value == 0.0 {
            Ok(self)
        } else if self.power == other.power {
            Ok(Self::new(self.value + other.value, self.power))
        } else {
            Err(depends("it adds the batch size to another number"))
        }
    }

    pub(crate) fn neg(self) -> Self {
        Self { value: -self.value, power: self.power }
    }

    pub(crate) fn mul(self, other: Self) -> Result<Self, Problem> {
        let power = self.power.checked_add(other.power).ok_or_else(|| depends("it raises the batch size too high"))?;
        Ok(Self::new(self.value * other.value, power))
    }

    /// Quotient; of integers it is cut towards zero, as in ONNX.
    pub(crate) fn div(self, other: Self, integer: bool) -> Result<Self, Problem> {
        if integer && other.value == 0.0 {
            return Err(Problem::Invalid("divides an integer by zero".into()));
        }
        let power = self.power.checked_sub(other.power).ok_or_else(|| depends("it raises the batch size too high"))?;
        let mut value = self.value / other.value;
        if integer && value.fract() != 0.0 {
            if power != 0 {
                return Err(depends("it divides the batch size"));
            }
            value = value.trunc();
        }
        if integer && power < 0 && value != 0.0 {
            return Err(depends("it divides by the batch size"));
        }
        Ok(Self::new(value, power))
    }

    /// Order of two numbers, as far as it is the same for every batch size from 1 on.
    pub(crate) fn compare(self, other: Self) -> Result<std::cmp::Ordering, Problem> {
        use std::cmp::Ordering::{Greater, Less};
        let unknown = || depends("it compares the batch size with a number");
        if self.power == other.power {
            return self.value.partial_cmp(&other.value).ok_or_else(unknown);
        }
        // N ≥ 1: a·N against b is decided where a and b differ in sign, and where |a| > |b| with the same sign.
        match (self.as_plain(), other.as_plain()) {
            (None, Some(b)) if self.power > 0 => {
                if self.value > 0.0 && b < self.value {
                    Ok(Greater)
                } else if self.value < 0.0 && b > self.value {
                    Ok(Less)
                } else {
                    Err(unknown())
                }
            }
            (Some(_), None) => other.compare(self).map(std::cmp::Ordering::reverse),
            _ => Err(unknown()),
        }
    }

    /// Applies a function that commutes with an integer multiple of the batch size (rounding), or any function where
    /// the batch size plays no part.
    pub(crate) fn round_by(self, f: impl Fn(f64) -> f64) -> Result<Self, Problem> {
        if self.is_plain() || self.value.fract() == 0.0 {
            Ok(Self::new(f(self.value), self.power))
        } else {
            Err(depends("it rounds a fraction of the batch size"))
        }
    }
}

pub(crate) fn depends(what: &str) -> Problem {
    unsupported(format!("{what}, so its result depends on the batch size"))
        .remedy("export the model with a fixed batch size of 1")
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::*;

    #[test]
    fn arithmetic_keeps_the_batch_size() {
        let n = Number::BATCH;
        let two = Number::plain(2.0);
        assert_eq!(n.mul(two).unwrap().div(n, true).unwrap(), two);
        assert_eq!(n.mul(two).unwrap().div(two, true).unwrap(), n);
        assert!(n.div(two, true).is_err());
        assert!(n.add(two).is_err());
        assert_eq!(n.add(Number::plain(0.0)).unwrap(), n);
        assert_eq!(n.mul(Number::plain(0.0)).unwrap(), Number::plain(0.0));
    }

    #[test]
    fn comparisons_hold_for_every_batch_size() {
        let n = Number::BATCH;
        assert_eq!(n.compare(Number::plain(-1.0)).unwrap(), Ordering::Greater);
        assert_eq!(n.compare(Number::plain(0.0)).unwrap(), Ordering::Greater);
        assert_eq!(Number::plain(0.5).compare(n).unwrap(), Ordering::Less);
        assert!(n.compare(Number::plain(1.0)).is_err());
        assert!(n.compare(Number::plain(4.0)).is_err());
    }
}
