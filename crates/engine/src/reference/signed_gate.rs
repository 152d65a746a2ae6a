use spikeconverter_graph::ops::MaxPool;

use super::gate::windows;

/// The maximum of signed spike trains of base 2, step by step, without delay: what is sent is the largest of what the inputs
/// of a window sent so far.
///
/// ```text
/// p_i ← 2·p_i + s_i(t);   s(t) = max_i p_i − 2·max_i p_i(before)
/// ```
///
/// That is a train, exactly: the largest `p` cannot grow by more than a spike beyond its double, since no `s_i` is more than
/// 1, and cannot fall by more, since the largest so far does not. After the last step the maximum has been sent.
pub(super) struct SignedGate {
    /// For each result, the inputs of its window.
    windows: Vec<Vec<usize>>,
    /// For each code, what each input sent so far, and the largest of each window.
    sent: Vec<(Vec<f64>, Vec<f64>)>,
}

impl SignedGate {
    pub(super) fn new(pool: &MaxPool, shape: &[usize], codes: usize) -> Self {
        let windows = windows(pool, shape);
        let state = (vec![0.0; shape.iter().product()], vec![0.0; windows.len()]);
        Self { windows, sent: vec![state; codes] }
    }

    /// What passes of the amplitudes that arrive.
    pub(super) fn step(&mut self, slot: usize, step: u32, arriving: &[f64]) -> Vec<f64> {
        let (sent, largest) = &mut self.sent[slot];
        if step == 0 {
            sent.fill(0.0);
            largest.fill(0.0);
        }
        sent.iter_mut().zip(arriving).for_each(|(sent, amplitude)| *sent = 2.0 * *sent + amplitude);
        self.windows
            .iter()
            .zip(largest)
            .map(|(window, largest)| {
                let found = window.iter().map(|&i| sent[i]).fold(f64::NEG_INFINITY, f64::max);
                let before = std::mem::replace(largest, found);
                found - 2.0 * before
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::Window;

    use super::*;

    /// 6 = 2·4 − 2 sends 1, 0, −1, 0, and 5 sends 0, 1, 0, 1. So far that is 1, 2, 3, 6 and 0, 1, 2, 5.
    #[test]
    fn the_largest_so_far_is_followed() {
        let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
        let run = |trains: [[f64; 2]; 4]| {
            let mut gate = SignedGate::new(&pool, &[1, 2], 1);
            (0..4).map(|t| gate.step(0, t, &trains[t as usize])[0]).collect::<Vec<_>>()
        };
        assert_eq!(run([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 1.0]]), [1.0, 0.0, -1.0, 0.0]);
        // 8 − 4 − 2 − 1 = 1 is overtaken by 4 + 1: 1, 1, 2 against 0, 1, 2, and 1, 5
        assert_eq!(run([[1.0, 0.0], [-1.0, 1.0], [-1.0, 0.0], [-1.0, 1.0]]), [1.0, -1.0, 0.0, 1.0]);
    }
}
