//! What the cells that are left will take, from what others took: a windowed network's evaluation costs the same at every
//! `T`, a streaming network's grows with `T`, and what a conversion costs shows only when it was done.

use spikeconverter_convert::MethodInfo;
use spikeconverter_network::Simulation;

use super::Cell;

/// A cell, as far as its cost goes.
#[derive(Debug, Clone)]
pub(super) struct Work {
    method: &'static str,
    stream: bool,
    time_steps: f64,
}

impl Work {
    pub(super) fn new(info: &MethodInfo, time_steps: u32) -> Self {
        let stream = info.schedule == Simulation::Stream.name();
        Self { method: info.name, stream, time_steps: time_steps.into() }
    }

    /// Cost in arbitrary units, before anything is measured: a conversion and a window of evaluation cost about as much, and
    /// some steps of a stream as much as a window.
    fn guess(&self) -> f64 {
        if self.stream { 1.0 + self.time_steps / 4.0 } else { 2.0 }
    }
}

/// What a finished cell took, in seconds.
#[derive(Debug, Clone, Copy)]
enum Taken {
    Measured { conversion: f64, evaluation: f64 },
    Failed,
}

/// How far all is, as told to users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Left {
    /// Share of the expected work of this run that is done, 0 to 1.
    pub(super) fraction: f64,
    /// Seconds left; unknown before anything was measured.
    pub(super) seconds: Option<f64>,
}

/// What is known of all cells.
#[derive(Debug, Clone)]
pub(super) struct Forecast {
    works: Vec<Work>,
    taken: Vec<Option<Taken>>,
    /// Seconds spent on finished cells in this run.
    spent: f64,
}

impl Forecast {
    pub(super) fn new(works: Vec<Work>) -> Self {
        let taken = vec![None; works.len()];
        Self { works, taken, spent: 0.0 }
    }

    /// A cell that an earlier run finished.
    pub(super) fn skip(&mut self, at: usize, cell: &Cell) {
        self.taken[at] = Some(match cell.measured() {
            Some(measured) => Taken::Measured {
                conversion: measured.conversion_seconds,
                evaluation: (cell.seconds - measured.conversion_seconds).max(0.0),
            },
            None => Taken::Failed,
        });
    }

    /// A cell that this run finished.
    pub(super) fn learn(&mut self, at: usize, cell: &Cell) {
        self.skip(at, cell);
        self.spent += cell.seconds;
    }

    /// What is left while cell `at` has run for `elapsed` seconds; `evaluated` has the seconds of its evaluation so far and
    /// the share of the samples that they were for.
    pub(super) fn left(&self, at: usize, elapsed: f64, evaluated: Option<(f64, f64)>) -> Left {
        let own = evaluated.filter(|(_, share)| *share > 0.0).map(|(seconds, share)| seconds * (1.0 - share) / share);
        // a cell tells what a unit of the guess is worth before it is finished
        let scale = self.scale().or_else(|| own.map(|own| (elapsed + own) / self.works[at].guess()));
        let rest: Vec<usize> =
            (0..self.works.len()).filter(|&other| other != at && self.taken[other].is_none()).collect();
        let Some(scale) = scale else {
            return Left { fraction: 0.0, seconds: None };
        };
        let own = own.unwrap_or_else(|| (self.expected(at, scale) - elapsed).max(0.0));
        let seconds = own + rest.iter().map(|&other| self.expected(other, scale)).sum::<f64>();
        let done = self.spent + elapsed;
        Left { fraction: done / (done + seconds).max(f64::MIN_POSITIVE), seconds: Some(seconds) }
    }

    /// Seconds that a cell is expected to take.
    fn expected(&self, at: usize, scale: f64) -> f64 {
        let work = &self.works[at];
        let mut done =
            (0..self.works.len()).filter(|&i| self.works[i].method == work.method && self.taken[i].is_some());
        if let Some(Some(Taken::Failed)) = done.next_back().map(|i| self.taken[i]) {
            // what a method cannot do at one T it can hardly at a longer one, and says so at once
            return 0.0;
        }
        if let Some(own) = self.of_method(work.method, work) {
            return own;
        }
        let mut alike: Vec<&str> =
            self.works.iter().filter(|other| other.stream == work.stream).map(|other| other.method).collect();
        alike.sort_unstable();
        alike.dedup();
        let alike: Vec<f64> = alike.into_iter().filter_map(|method| self.of_method(method, work)).collect();
        if alike.is_empty() { scale * work.guess() } else { alike.iter().sum::<f64>() / alike.len() as f64 }
    }

    /// Seconds that a method takes at the `T` of `work`, from what it took at others.
    fn of_method(&self, method: &str, work: &Work) -> Option<f64> {
        let mut conversions = Vec::new();
        let mut evaluations = Vec::new();
        for (other, taken) in self.works.iter().zip(&self.taken).filter(|(other, _)| other.method == method) {
            if let Some(Taken::Measured { conversion, evaluation }) = taken {
                conversions.push((other.time_steps, *conversion));
                evaluations.push((other.time_steps, *evaluation));
            }
        }
        Some(on_line(&conversions, false, work.time_steps)? + on_line(&evaluations, work.stream, work.time_steps)?)
    }

    /// Seconds that a unit of the guess is worth, from all that was measured.
    fn scale(&self) -> Option<f64> {
        let (mut seconds, mut units) = (0.0, 0.0);
        for (work, taken) in self.works.iter().zip(&self.taken) {
            if let Some(Taken::Measured { conversion, evaluation }) = taken {
                seconds += conversion + evaluation;
                units += work.guess();
            }
        }
        (units > 0.0).then(|| seconds / units)
    }
}

/// The value at `x` of the line through `points` of least squares that neither falls nor begins below 0. A single point says
/// nothing of the slope: the value is the same everywhere, or `proportional` to `x`.
fn on_line(points: &[(f64, f64)], proportional: bool, x: f64) -> Option<f64> {
    let count = points.len() as f64;
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / count;
    let (x_mean, y_mean) = match points {
        [] => return None,
        [(at, value)] => return Some(if proportional { value * x / at } else { *value }),
        _ => (mean(&|p| p.0), mean(&|p| p.1)),
    };
    let spread = mean(&|p| (p.0 - x_mean).powi(2));
    let slope = (mean(&|p| (p.0 - x_mean) * (p.1 - y_mean)) / spread).max(0.0);
    let start = y_mean - slope * x_mean;
    Some(if start < 0.0 { y_mean * x / x_mean } else { start + slope * x })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(method: &'static str, stream: bool, time_steps: u32) -> Work {
        Work { method, stream, time_steps: time_steps.into() }
    }

    fn measured(forecast: &mut Forecast, at: usize, conversion: f64, evaluation: f64) {
        forecast.taken[at] = Some(Taken::Measured { conversion, evaluation });
        forecast.spent += conversion + evaluation;
    }

    #[test]
    fn lines_neither_fall_nor_begin_below_zero() {
        assert_eq!(on_line(&[], true, 4.0), None);
        assert_eq!(on_line(&[(2.0, 6.0)], true, 4.0), Some(12.0));
        assert_eq!(on_line(&[(2.0, 6.0)], false, 4.0), Some(6.0));
        assert_eq!(on_line(&[(1.0, 3.0), (3.0, 7.0)], false, 8.0), Some(17.0));
        assert_eq!(on_line(&[(1.0, 3.0), (3.0, 1.0)], true, 8.0), Some(2.0));
        assert_eq!(on_line(&[(2.0, 1.0), (4.0, 5.0)], false, 6.0), Some(6.0));
    }

    /// A window costs the same at every T, a stream in proportion to T, a failed method nothing more.
    #[test]
    fn cells_to_come_cost_what_cells_like_them_cost() {
        let mut forecast = Forecast::new(vec![
            work("w", false, 1),
            work("s", true, 1),
            work("w", false, 8),
            work("s", true, 8),
            work("other", true, 8),
        ]);
        assert_eq!(forecast.left(0, 3.0, None), Left { fraction: 0.0, seconds: None });
        // half of the samples after 2 + 1 s: one more second here; a unit of the guess is worth 4 s / 2
        let left = forecast.left(0, 3.0, Some((1.0, 0.5)));
        assert_eq!(left.seconds, Some(1.0 + 2.0 * (1.25 + 2.0 + 3.0 + 3.0)));
        measured(&mut forecast, 0, 2.0, 1.0);
        measured(&mut forecast, 1, 1.0, 0.5);
        // w: 3 s again; s: 1 + 8 · 0.5; the other stream as much
        let left = forecast.left(2, 0.0, None);
        assert_eq!(left, Left { fraction: 4.5 / 17.5, seconds: Some(13.0) });
        // longer than expected: what comes after is still to come
        assert_eq!(forecast.left(2, 100.0, None).seconds, Some(10.0));
        forecast.taken[3] = Some(Taken::Failed);
        assert_eq!(forecast.left(2, 0.0, None).seconds, Some(8.0));
    }

    #[test]
    fn what_failed_at_a_short_simulation_costs_nothing_at_a_longer() {
        let mut forecast =
            Forecast::new(vec![work("a", false, 1), work("b", false, 1), work("a", false, 2), work("b", false, 2)]);
        measured(&mut forecast, 0, 1.0, 1.0);
        forecast.taken[1] = Some(Taken::Failed);
        assert_eq!(forecast.left(2, 0.0, None).seconds, Some(2.0));
    }
}
