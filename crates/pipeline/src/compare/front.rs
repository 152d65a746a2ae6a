use std::cmp::Ordering;

use serde::Serialize;

use super::Cell;

/// Where a cell stands among all: on a Pareto front when no other is at least as accurate at no more cost, and better in one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Fronts {
    /// It has the highest accuracy of all; of several, the lowest latency, then the lowest energy.
    pub best: bool,
    /// It is on the front of accuracy and latency.
    pub latency: bool,
    /// It is on the front of accuracy and energy.
    pub energy: bool,
}

/// Where each cell stands; cells that failed stand nowhere.
pub fn fronts(cells: &[Cell]) -> Vec<Fronts> {
    let point = |cell: &Cell| {
        let found = cell.measured()?;
        Some([found.score(), f64::from(found.evaluation.latency_steps), found.evaluation.snn_energy_joule])
    };
    standing(&cells.iter().map(point).collect::<Vec<_>>())
}

/// Where points of score, latency and energy stand.
fn standing(points: &[Option<[f64; 3]>]) -> Vec<Fronts> {
    let rank = |p: &[f64; 3]| [-p[0], p[1], p[2]];
    let best = points.iter().flatten().map(rank).min_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    let undominated = |point: &[f64; 3], cost: usize| {
        !points.iter().flatten().any(|other| {
            other[0] >= point[0] && other[cost] <= point[cost] && (other[0] > point[0] || other[cost] < point[cost])
        })
    };
    let of =
        |p: &[f64; 3]| Fronts { best: best == Some(rank(p)), latency: undominated(p, 1), energy: undominated(p, 2) };
    points.iter().map(|point| point.as_ref().map(of).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_by_hand() {
        let points = [
            Some([0.5, 10.0, 3.0]), // the quickest
            Some([0.5, 20.0, 1.0]), // the cheapest
            Some([0.9, 40.0, 3.0]), // the best: as accurate as the next, quicker
            Some([0.9, 80.0, 3.0]), // no more energy than the best, and as accurate
            None,
            Some([0.8, 50.0, 4.0]), // worse than the best in all
        ];
        let marks = |best, latency, energy| Fronts { best, latency, energy };
        assert_eq!(
            standing(&points),
            [
                marks(false, true, false),
                marks(false, false, true),
                marks(true, true, true),
                marks(false, false, true),
                marks(false, false, false),
                marks(false, false, false),
            ]
        );
        assert_eq!(standing(&[None]), [Fronts::default()]);
    }
}
