//! Which candidates go on to the next round.

use std::cmp::Ordering;

use super::Interval;

/// Where a candidate stands: the cost that is minimised, and the drop that is bounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standing {
    pub(super) cost: f64,
    pub(super) drop: Interval,
}

impl Standing {
    /// At least as good in both, and better in one.
    fn dominates(&self, other: &Self) -> bool {
        let (drop, others) = (self.drop.estimate, other.drop.estimate);
        self.cost <= other.cost && drop <= others && (self.cost < other.cost || drop < others)
    }
}

/// Whether each is on the Pareto front of cost and drop; those without figures are not.
pub(super) fn front(standings: &[Option<Standing>]) -> Vec<bool> {
    let undominated = |one: &Standing| !standings.iter().flatten().any(|other| other.dominates(one));
    standings.iter().map(|one| one.as_ref().is_some_and(undominated)).collect()
}

/// The `keep` candidates that go on. Left behind is who cannot stay within `most`, as far as its interval tells, or is
/// dominated: candidates go on front by front, and of a front that has no room for all first the cheapest that are within
/// `most`, then the nearest to it. Where none can stay within it, the nearest goes on alone.
pub(super) fn survivors(standings: &[Option<Standing>], most: f64, keep: usize) -> Vec<usize> {
    let mut left: Vec<Option<Standing>> =
        standings.iter().map(|one| one.filter(|standing| standing.drop.low <= most)).collect();
    let mut chosen = Vec::new();
    while chosen.len() < keep {
        let mut layer: Vec<(usize, Standing)> =
            front(&left).into_iter().enumerate().filter_map(|(i, is)| left[i].filter(|_| is).map(|s| (i, s))).collect();
        if layer.is_empty() {
            break;
        }
        layer.sort_by(|(_, a), (_, b)| preference(a, b, most));
        layer.truncate(keep - chosen.len());
        for (i, _) in layer {
            left[i] = None;
            chosen.push(i);
        }
    }
    if chosen.is_empty() {
        let measured = standings.iter().enumerate().filter_map(|(i, one)| one.map(|standing| (i, standing)));
        chosen.extend(measured.min_by(|(_, a), (_, b)| preference(a, b, most)).map(|(i, _)| i));
    }
    chosen
}

/// Those within the bound by their costs, then the others by their drops.
fn preference(a: &Standing, b: &Standing, most: f64) -> Ordering {
    let within = |one: &Standing| one.drop.estimate <= most;
    let drops = || a.drop.estimate.total_cmp(&b.drop.estimate);
    match (within(a), within(b)) {
        (true, true) => a.cost.total_cmp(&b.cost).then_with(drops),
        (false, false) => drops().then_with(|| a.cost.total_cmp(&b.cost)),
        (first, _) => {
            if first {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::unnecessary_wraps)] // beside those that stand nowhere
    fn at(cost: f64, estimate: f64, reach: f64) -> Option<Standing> {
        Some(Standing { cost, drop: Interval { estimate, low: estimate - reach, high: estimate + reach } })
    }

    #[test]
    fn fronts_are_not_dominated() {
        let all = [at(1.0, 0.5, 0.1), at(2.0, 0.1, 0.1), at(2.0, 0.2, 0.1), None, at(3.0, 0.1, 0.1)];
        assert_eq!(front(&all), [true, true, false, false, false]);
    }

    #[test]
    fn who_cannot_stay_within_the_bound_stays_behind() {
        // the cheapest is surely too bad; the second may be within 0.05
        let all =
            [at(1.0, 0.5, 0.1), at(2.0, 0.1, 0.08), at(3.0, 0.04, 0.02), at(4.0, 0.03, 0.02), at(5.0, 0.06, 0.02)];
        assert_eq!(survivors(&all, 0.05, 2), [2, 3]);
        assert_eq!(survivors(&all, 0.05, 3), [2, 3, 1]);
        // only what is left after the front
        assert_eq!(survivors(&all, 0.05, 9), [2, 3, 1, 4]);
    }

    #[test]
    fn the_nearest_goes_on_where_none_can() {
        let all = [at(1.0, 0.5, 0.1), None, at(9.0, 0.3, 0.1)];
        assert_eq!(survivors(&all, 0.0, 2), [2]);
        assert!(survivors(&[None], 0.0, 2).is_empty());
    }
}
