//! Numbers for people.

/// A share in percent, with two decimals.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A quantity with a metric prefix and its unit: `40.6 MMAC`, `1.87 µJ`.
pub(crate) fn metric(value: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 7] =
        [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")];
    if value == 0.0 || !value.is_finite() {
        return format!("{value} {unit}");
    }
    let (scale, prefix) = PREFIXES.iter().find(|(scale, _)| value.abs() >= *scale).unwrap_or(&PREFIXES[6]);
    let scaled = value / scale;
    let digits = if scaled.abs() >= 99.95 { 0 } else { 1 + usize::from(scaled.abs() < 9.995) };
    format!("{scaled:.digits$} {prefix}{unit}")
}

/// A whole number with its thousands apart.
pub(crate) fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

/// A shape: `3 × 32 × 32`.
pub(crate) fn shape(extents: &[usize]) -> String {
    extents.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(metric(40_551_040.0, "MAC"), "40.6 MMAC");
        assert_eq!(metric(1.87e-6, "J"), "1.87 µJ");
        assert_eq!(metric(186.2e-6, "J"), "186 µJ");
        assert_eq!(metric(0.0, "J"), "0 J");
        assert_eq!((thousands(1_234_567), thousands(99)), ("1,234,567".into(), "99".into()));
        assert_eq!(percent(0.9173), "91.73 %");
    }
}
