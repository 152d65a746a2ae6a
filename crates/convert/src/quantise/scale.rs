//! The choice of a membrane unit: the step between integers in a channel's membranes that rounds its constants with the
//! least error.

use super::terms::Row;

/// Largest weight in absolute value.
pub(super) const LARGEST_WEIGHT: f32 = 127.0;
/// Largest bias: half of what `f32` holds exactly, which leaves room for corrections.
const LARGEST_BIAS: f32 = (1 << 23) as f32;
/// Largest initial potential: within what an integer network may have, and beyond 2^24 an integer anyway.
const LARGEST_INITIAL: f32 = (1 << 28) as f32;
/// Largest number of membrane units in a unit of the code: thresholds stay small where weights hardly matter.
const LARGEST_UNIT: f32 = (1 << 13) as f32;
/// The largest weights may be clipped by this factor where that rounds the others better.
const CLIPPING: f32 = 1.4;
/// Units tried.
const CANDIDATES: u32 = 32;

/// The step that suits all constants of a channel without clipping any; 0 where there are none.
///
/// Branches of one channel may read integers of very different magnitude (codes, and sums of codes). The step is small
/// enough for the largest of these; weights on smaller ones then have a [`multiplier`].
pub(super) fn natural(rows: &[Row]) -> f32 {
    let (mut step, mut coarsest, mut magnitude) = (0.0f32, 0.0f32, 1.0f32);
    for row in rows {
        if let Row::Weights(values, inputs) = row {
            let own = largest(values) / LARGEST_WEIGHT;
            if own > 0.0 {
                (step, coarsest, magnitude) = (step.max(own), coarsest.max(own * inputs), magnitude.max(*inputs));
            }
        }
    }
    let weights = step > 0.0;
    let bounds = rows.iter().map(|row| match row {
        Row::Weights(..) => 0.0,
        Row::Multipliers(values) if !weights => largest(values) / LARGEST_WEIGHT,
        Row::Multipliers(values) | Row::Constants(values) => largest(values) / LARGEST_BIAS,
    });
    bounds.fold(step.min(coarsest / magnitude), f32::max)
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0f32, |m, x| m.max(x.abs()))
}

/// The integer by which a branch of weights up to `largest` is multiplied after its sum, where their step would have to
/// be larger than `step`.
pub(super) fn multiplier(largest: f32, step: f32) -> f32 {
    let ratio = largest / (LARGEST_WEIGHT * step);
    if ratio <= 1.01 * CLIPPING || !ratio.is_finite() { 1.0 } else { ratio.ceil().min(LARGEST_BIAS) }
}

/// Sum of squares of what rounding in steps of `step` changes.
fn error(rows: &[Row], step: f32) -> f64 {
    let square = |x: f32, step: f32, most: f32| {
        let difference = f64::from(step * quantised(x, step, most) - x);
        difference * difference
    };
    rows.iter()
        .map(|row| match row {
            Row::Weights(values, inputs) => {
                let step = step * multiplier(largest(values), step);
                let sum: f64 = values.iter().map(|&x| square(x, step, LARGEST_WEIGHT)).sum();
                sum * f64::from(*inputs) * f64::from(*inputs)
            }
            Row::Multipliers(values) => values.iter().map(|&x| square(x, step, LARGEST_BIAS)).sum(),
            // rounded once, not with every spike
            Row::Constants(_) => 0.0,
        })
        .sum()
}

/// A constant in steps, rounded, and clipped at `most`.
pub(super) fn quantised(x: f32, step: f32, most: f32) -> f32 {
    let rounded = (x / step).round().clamp(-most, most);
    // a step of a channel without any constant may be anything
    if rounded.is_finite() { rounded } else { 0.0 }
}

/// A potential that is added once, which may be larger than what is multiplied with.
pub(crate) fn quantised_potential(x: f32, step: f32) -> f32 {
    quantised(x, step, LARGEST_INITIAL)
}

/// A constant that is not a weight.
pub(super) fn quantised_constant(x: f32, step: f32) -> f32 {
    quantised(x, step, LARGEST_BIAS)
}

/// For a channel whose code has the unit `code_unit`: the number of membrane units in it, at least 1, and their size, of
/// least error. The code's unit grows where it is smaller than the step that clips no weight.
pub(super) fn membrane_units(code_unit: f32, rows: &[Row]) -> (f32, f32) {
    let natural = natural(rows);
    if natural <= 0.0 {
        return (LARGEST_WEIGHT, code_unit / LARGEST_WEIGHT);
    }
    if code_unit < natural {
        return (1.0, natural);
    }
    let first = (code_unit / natural).floor().clamp(1.0, LARGEST_UNIT);
    let last = (CLIPPING * first).ceil().min(LARGEST_UNIT);
    let stride = ((last - first) / CANDIDATES as f32).ceil().max(1.0);
    let candidates = (0..=CANDIDATES).map(|i| first + i as f32 * stride).filter(|unit| *unit <= last);
    let unit = least(candidates.map(|unit| (unit, error(rows, code_unit / unit)))).unwrap_or(first);
    (unit, code_unit / unit)
}

/// One step for all constants, of least error.
pub(super) fn common_step(rows: &[Row]) -> f32 {
    let natural = natural(rows);
    if natural <= 0.0 {
        return 1.0;
    }
    let candidates = (0..=CANDIDATES).map(|i| natural / (1.0 + (CLIPPING - 1.0) * i as f32 / CANDIDATES as f32));
    least(candidates.map(|step| (step, error(rows, step)))).unwrap_or(natural)
}

fn least(candidates: impl Iterator<Item = (f32, f64)>) -> Option<f32> {
    candidates.min_by(|a, b| a.1.total_cmp(&b.1)).map(|best| best.0)
}

/// Integers `m_i` and a unit `u` with `m_i · u` near the values: the smallest that are about as near as any up to 127.
pub(super) fn common_unit(values: &[f32]) -> (Vec<f32>, f32) {
    let largest = values.iter().filter(|v| !v.is_nan()).fold(0.0f32, |m, v| m.max(v.abs()));
    if largest <= 0.0 {
        return (vec![0.0; values.len()], 1.0);
    }
    let rounded = |unit: f32| values.iter().map(|&v| quantised(v, unit, LARGEST_WEIGHT)).collect::<Vec<_>>();
    let mut best = (f32::INFINITY, 1.0);
    for m in 1..=127u8 {
        let unit = largest / f32::from(m);
        let off = values.iter().zip(rounded(unit)).fold(0.0f32, |most, (v, r)| most.max((r * unit - v).abs()));
        if off < 0.8 * best.0 && best.0 > 1e-4 * largest {
            best = (off, unit);
        }
    }
    (rounded(best.1), best.1)
}

/// For a channel whose threshold is `unit` membrane units, and `slope` on the negative side: a number of units of at least
/// that and a slope near, with which the threshold of negative membranes is an integer too, exactly so in `f32`. `None`
/// where there is none.
pub(super) fn exact_slope(slope: f32, unit: f32) -> Option<(f32, f32)> {
    const TOLERANCE: f32 = 0.005;
    if slope == 0.0 || unit / slope.abs() > LARGEST_BIAS {
        // where no membrane goes far enough below zero, negative ones never fire
        return Some((unit, 0.0));
    }
    let near = (0..8).map(|more| unit + more as f32);
    let far = (1..=20).map(|double| unit * f64::from(double).exp2() as f32);
    near.chain(far).find_map(|unit| {
        let negative = (unit / slope.abs()).round().max(1.0);
        let quotient = unit / negative;
        [quotient, quotient.next_up(), quotient.next_down()]
            .into_iter()
            .find(|q| unit / q == negative && (q / slope.abs() - 1.0).abs() <= TOLERANCE)
            .map(|q| (unit, q.copysign(slope)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_weight_fits() {
        let rows = [Row::Weights(vec![0.5, -2.54, 0.1], 1.0)];
        assert!((natural(&rows) - 0.02).abs() < 1e-6);
        let (unit, step) = membrane_units(1.0, &rows);
        assert!((50.0..=70.0).contains(&unit) && unit * step == 1.0, "{unit} of {step}");
    }

    /// Weights on sums of a hundred codes are a hundred times smaller, and as precise.
    #[test]
    fn branches_on_larger_integers_keep_their_precision() {
        let rows = [Row::Weights(vec![1.27], 1.0), Row::Weights(vec![0.0127, 0.005], 100.0)];
        let step = natural(&rows);
        assert!((step - 1e-4).abs() < 1e-8, "{step}");
        assert_eq!([multiplier(1.27, step), multiplier(0.0127, step)], [100.0, 1.0]);
        // but a branch that matters little has no say
        let rows = [Row::Weights(vec![1.27], 1.0), Row::Weights(vec![0.0127], 1.0)];
        assert!((natural(&rows) - 0.01).abs() < 1e-6);
    }

    #[test]
    fn a_code_finer_than_the_weights_gets_one_unit() {
        let (unit, step) = membrane_units(0.001, &[Row::Weights(vec![12.7], 1.0)]);
        assert_eq!(unit, 1.0);
        assert!((step - 0.1).abs() < 1e-6);
        assert!(membrane_units(0.001, &[Row::Weights(vec![0.0], 1.0)]).0 > 1.0);
    }

    #[test]
    fn no_weight_is_off_by_more_than_half_a_step_unless_clipped() {
        let values: Vec<f32> = (0..200).map(|i| ((i * i % 97) as f32 - 48.0) / 37.0).collect();
        let rows = [Row::Weights(values.clone(), 1.0)];
        for code_unit in [0.02, 0.5, 3.0] {
            let (_, step) = membrane_units(code_unit, &rows);
            for &w in &values {
                let integer = quantised(w, step, LARGEST_WEIGHT);
                let clipped = integer.abs() == LARGEST_WEIGHT;
                assert!(clipped || (integer * step - w).abs() <= 0.5001 * step, "{integer} times {step} for {w}");
            }
        }
    }

    #[test]
    fn common_units_are_near() {
        assert_eq!(common_unit(&[0.5, 0.5]), (vec![1.0, 1.0], 0.5));
        assert_eq!(common_unit(&[0.5, -0.25]), (vec![2.0, -1.0], 0.25));
        let values = [0.731, 0.219];
        let (multipliers, unit) = common_unit(&values);
        for (m, v) in multipliers.iter().zip(values) {
            assert!((m * unit - v).abs() < 2e-3, "{m} times {unit} for {v}");
        }
    }

    #[test]
    fn slopes_become_exact() {
        for slope in [0.01f32, 0.1, 0.25, -0.3, 0.7, 1.0, 1.5, -2.0] {
            for units in [1.0f32, 53.0, 100.0, 127.0, 999.0, 12345.0] {
                let (unit, exact) = exact_slope(slope, units).unwrap();
                assert_eq!((unit / exact.abs()).fract(), 0.0);
                assert!((exact - slope).abs() <= 0.005 * slope.abs() && unit >= units, "{exact} for {slope}");
            }
        }
        assert_eq!(exact_slope(1.0, 77.0), Some((77.0, 1.0)));
        assert_eq!(exact_slope(1e-9, 77.0), Some((77.0, 0.0)));
        assert_eq!(exact_slope(f32::MAX, 77.0), None);
    }
}
