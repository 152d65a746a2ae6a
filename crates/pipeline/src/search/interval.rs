//! How sure a difference of two networks is that were shown the same samples.

use serde::{Deserialize, Serialize};

/// The normal quantile of a two-sided interval of 95 %.
const Z: f64 = 1.959_963_984_540_054;
/// Halvings of a bracket of length 2: its ends are then closer than an `f64` tells.
const HALVINGS: u32 = 60;

/// A share, or a difference of shares, with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// As observed.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The share of `part` in `whole` independent samples: Wilson's score interval (JASA 22, 1927).
    ///
    /// Its ends are the shares from which the observed one is `z` standard errors away.
    pub fn proportion(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self { estimate: 0.0, low: 0.0, high: 1.0 };
        }
        let (n, share) = (whole as f64, part as f64 / whole as f64);
        let centre = share + Z * Z / (2.0 * n);
        let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let end = |value: f64| (value / (1.0 + Z * Z / n)).clamp(0.0, 1.0);
        // at its bounds the centre and the reach are the same number, but for rounding
        Self {
            estimate: share,
            low: if part == 0 { 0.0 } else { end(centre - reach) },
            high: if part == whole { 1.0 } else { end(centre + reach) },
        }
    }

    /// The loss of accuracy from one network to another on the same `images`: `lost` are right with the first alone, `won`
    /// with the second alone. Tango's score interval for the difference of paired proportions (Statistics in Medicine 17,
    /// 1998).
    ///
    /// Images that both get right, or wrong, say nothing of the difference, so that it is far surer than two accuracies
    /// measured apart would make it. Its ends are the differences `Δ` from which the observed one is `z` standard errors
    /// away, where these are of the likeliest probabilities with difference `Δ`. It holds at `lost = won = 0` too, where an
    /// interval from the observed variance would have no length.
    pub fn paired(lost: u64, won: u64, images: u64) -> Self {
        let (lost, won, n) = (lost as f64, won as f64, images as f64);
        if images == 0 {
            return Self { estimate: 0.0, low: -1.0, high: 1.0 };
        }
        let estimate = (lost - won) / n;
        let errors = |difference: f64| {
            let variance = 2.0 * discordant(lost, won, n, difference) + difference * (1.0 - difference);
            (lost - won - n * difference) / (n * variance).max(f64::MIN_POSITIVE).sqrt()
        };
        // the number of standard errors falls with the difference
        let solve = |mut inside: f64, mut outside: f64| {
            for _ in 0..HALVINGS {
                let middle = 0.5 * (inside + outside);
                if errors(middle).abs() < Z { inside = middle } else { outside = middle }
            }
            inside
        };
        Self { estimate, low: solve(estimate, -1.0), high: solve(estimate, 1.0) }
    }
}

/// The likeliest probability that an image is won, where it is lost with one that is larger by `difference`.
fn discordant(lost: f64, won: f64, n: f64, difference: f64) -> f64 {
    let linear = (2.0 * n - lost + won) * difference - lost - won;
    let constant = won * difference * (1.0 - difference);
    ((linear * linear + 8.0 * n * constant).max(0.0).sqrt() - linear) / (4.0 * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-4
    }

    /// 10 of 100: the interval that textbooks print, 5.52 to 17.44 %.
    #[test]
    fn wilson_by_the_book() {
        let found = Interval::proportion(10, 100);
        assert!(close(found.low, 0.0552) && close(found.high, 0.1744), "{found:?}");
        let none = Interval::proportion(0, 50);
        assert!(none.low == 0.0 && close(none.high, Z * Z / (50.0 + Z * Z)), "{none:?}");
        assert_eq!(Interval::proportion(0, 0), Interval { estimate: 0.0, low: 0.0, high: 1.0 });
    }

    /// At both ends the observed difference is `z` standard errors away, with the likeliest of all probabilities that have
    /// this difference, found here by trying them.
    #[test]
    fn tango_from_the_likelihood() {
        for (lost, won, images) in [(12u64, 2u64, 50u64), (3, 0, 40), (0, 0, 30), (5, 9, 200), (1, 1, 10)] {
            let found = Interval::paired(lost, won, images);
            let (b, c, n) = (lost as f64, won as f64, images as f64);
            assert!(found.low < found.estimate && found.estimate < found.high, "{found:?}");
            for difference in [found.low, found.high] {
                let term = |count: f64, p: f64| if count > 0.0 { count * p.ln() } else { 0.0 };
                let likelihood =
                    |p: f64| term(b, p + difference) + term(c, p) + term(n - b - c, 1.0 - 2.0 * p - difference);
                let (from, to) = ((-difference).max(0.0), 0.5 * (1.0 - difference));
                let tried = (0..=200_000).map(|i| from + (to - from) * f64::from(i) / 200_000.0);
                let p = tried
                    .filter(|p| likelihood(*p).is_finite())
                    .max_by(|p, q| likelihood(*p).total_cmp(&likelihood(*q)))
                    .unwrap();
                let errors = (b - c - n * difference) / (n * (2.0 * p + difference - difference * difference)).sqrt();
                assert!((errors.abs() - Z).abs() < 2e-3, "{lost} {won} {images}: {errors} at {difference}");
            }
        }
    }

    /// Swapping the networks turns the interval round; more images of the same kind make it shorter.
    #[test]
    fn differences_turn_round() {
        let (there, back) = (Interval::paired(7, 3, 100), Interval::paired(3, 7, 100));
        assert!(close(there.low, -back.high) && close(there.high, -back.low));
        let more = Interval::paired(70, 30, 1000);
        assert!(more.high - more.low < 0.5 * (there.high - there.low));
        assert_eq!(Interval::paired(0, 0, 0), Interval { estimate: 0.0, low: -1.0, high: 1.0 });
    }
}
