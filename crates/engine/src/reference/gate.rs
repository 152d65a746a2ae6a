use spikeconverter_graph::ops::MaxPool;

/// The maximum of spike trains, step by step: a lexicographic maximum, most significant step first.
pub(super) struct Gate {
    /// For each result, the inputs of its window.
    windows: Vec<Vec<usize>>,
    /// For each code, result and input of the window: whether the input has sent what the result sent so far.
    alive: Vec<Vec<Vec<bool>>>,
}

impl Gate {
    pub(super) fn new(pool: &MaxPool, shape: &[usize], codes: usize) -> Self {
        let windows = windows(pool, shape);
        let alive = windows.iter().map(|w| vec![true; w.len()]).collect();
        Self { windows, alive: vec![alive; codes] }
    }

    /// The largest amplitude among the inputs that are still alive passes; those that sent less drop out.
    pub(super) fn step(&mut self, slot: usize, step: u32, arriving: &[f64]) -> Vec<f64> {
        self.windows
            .iter()
            .zip(&mut self.alive[slot])
            .map(|(window, alive)| {
                if step == 0 {
                    alive.fill(true);
                }
                let living = || window.iter().zip(alive.iter()).filter(|(_, alive)| **alive);
                let largest = living().map(|(&i, _)| arriving[i]).fold(f64::NEG_INFINITY, f64::max);
                for (&i, alive) in window.iter().zip(alive.iter_mut()) {
                    *alive &= arriving[i] == largest;
                }
                largest
            })
            .collect()
    }
}

/// The inputs that each result of a pool reads, as positions in the flattened sample.
pub(super) fn windows(pool: &MaxPool, shape: &[usize]) -> Vec<Vec<usize>> {
    let Ok(out) = pool.output_shape(shape) else { return Vec::new() };
    // one spatial axis is two with a first of extent 1
    let axis = |values: &[usize], missing: usize| match *values {
        [only] => [missing, only],
        _ => [values[0], values[1]],
    };
    let (extent, count) = (axis(&shape[1..], 1), axis(&out[1..], 1));
    let window = &pool.window;
    let (kernel, stride) = (axis(&window.kernel, 1), axis(&window.stride, 1));
    let (dilation, pad) = (axis(&window.dilation, 1), axis(&window.pad_begin, 0));
    let taps = |a: usize, position: usize| {
        (0..kernel[a])
            .filter_map(move |tap| (position * stride[a] + tap * dilation[a]).checked_sub(pad[a]))
            .filter(move |&at| at < extent[a])
    };
    let mut windows = Vec::new();
    for channel in 0..out[0] {
        for y in 0..count[0] {
            for x in 0..count[1] {
                let row = |at: usize| (channel * extent[0] + at) * extent[1];
                windows.push(taps(0, y).flat_map(|i| taps(1, x).map(move |j| row(i) + j)).collect());
            }
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::Window;

    use super::*;

    /// 5 = 101 and 6 = 110 in three bits: both alive after step 1, the 6 alone after step 2, so that its 0 passes last.
    #[test]
    fn the_larger_train_passes_whole() {
        let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
        let mut gate = Gate::new(&pool, &[1, 2], 1);
        let trains = [[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]];
        let out: Vec<f64> = (0..3).map(|t| gate.step(0, t, &trains[t as usize])[0]).collect();
        assert_eq!(out, [1.0, 1.0, 0.0]);
    }

    /// −2 = (0, −1, 0) and −1 = (0, 0, −1): the one that goes negative first is smaller.
    #[test]
    fn of_negative_trains_the_smaller_magnitude_passes() {
        let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
        let mut gate = Gate::new(&pool, &[1, 2], 1);
        let trains = [[0.0, 0.0], [-1.0, 0.0], [0.0, -1.0]];
        let out: Vec<f64> = (0..3).map(|t| gate.step(0, t, &trains[t as usize])[0]).collect();
        assert_eq!(out, [0.0, 0.0, -1.0]);
    }

    #[test]
    fn padding_is_no_member_of_a_window() {
        let pool = MaxPool { window: Window::new(vec![3, 3]).padded(1).strided(2), ceil: false };
        let windows = windows(&pool, &[1, 3, 3]);
        assert_eq!(windows[0], [0, 1, 3, 4]);
        assert_eq!(windows[3], [4, 5, 7, 8]);
    }
}
