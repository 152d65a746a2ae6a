use num_traits::Num;

use crate::WindowCode;

/// The inverse-leaky neuron that speaks while it still listens: online generation with signed digits.
///
/// A window of [`Ilif`](crate::Ilif) need not be over before its neuron starts. The first `n` steps of trains that send
/// their most significant spike first fix a sum up to what is still to come, `k^-n` of the whole. The neuron starts `δ`
/// steps after its input did, sends what it knows so far, and takes back with negative spikes what proves to be too much:
///
/// ```text
/// listen:    u(n) = Σ_{m≤n} k^-(m-1) i(m)                  i(m): weighted input spikes of step m, and constants in step 1
/// generate:  r = f(u(n)) − a,   n = min(t + δ − 1, T)      in step t = 1..T; f: the activation; a: what it sent so far
///            s(t) = +1 if r ≥ ½ θ k^-(t-1),  −1 if r ≤ −½ θ k^-(t-1),  0 otherwise
///            a ← a + θ k^-(t-1) s(t)
/// ```
///
/// so that a neuron with two variables, what it heard and what it sent, is all there is. A ReLU whose sum turns out to be
/// negative has `f = 0` and takes back all that it sent.
///
/// # What is exact and what is bounded
/// Exact, always: `a = f(u(T)) − r(T)`; what was fired early is no error in itself, only what is left of it in the end.
/// The choice leaves `|r| ≤ ½ θ k^-(t-1)` where `|r|` was within `3/2` of that weight. Later spikes can send
/// `R(t) = θ Σ_{j>t} k^-(j-1)`, so that the neuron can make good whatever changes `f` by at most `R(t) − ½ θ k^-(t-1)`
/// afterwards: ½ the weight of the step for `k = 2` (less one resolution), and more for smaller `k`. Where all changes are
/// within that, `|r(T)| ≤ ½ θ k^-(T-1)`, as of a neuron that heard everything first and rounded. Where they are not, the rest
/// is what the remaining spikes, all of one sign, could not carry.
///
/// The first spikes are the same redundant binary digits that online arithmetic delays its results by
/// (Ercegovac, Trivedi 1977; digits −1, 0, 1). Ours are the choice for neurons, by what was heard instead of by a bound on
/// what is to come, and the argument above.
///
/// `V` is the number type: `f64` in the reference engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignedIlif<V> {
    /// Weight of a spike in the step, `θ k^-(t-1)`.
    pub weight: V,
}

impl<V: Num + Copy + PartialOrd> SignedIlif<V> {
    /// The spike of a step (−1, 0 or 1), for the activation of what was heard and the sum of what was sent; and what is sent
    /// in all then.
    #[inline]
    pub fn generate(&self, activation: V, sent: V) -> (i8, V) {
        let rest = activation - sent;
        if rest + rest >= self.weight {
            return (1, sent + self.weight);
        }
        if rest + rest + self.weight <= V::zero() {
            return (-1, sent - self.weight);
        }
        (0, sent)
    }
}

/// A train of spikes of both signs as one number: balanced ternary, the first step's digit first.
///
/// With both signs in a window several trains stand for one value, so that the value's own digits do not say the train.
pub struct SignedTrain;

impl SignedTrain {
    /// The number with another spike at its end.
    #[inline]
    pub fn push(code: i32, spike: i8) -> i32 {
        3 * code + i32::from(spike)
    }

    /// The spikes of a number of `steps` steps, at most 16, the first step's first.
    pub fn spikes(code: i32, steps: u32) -> impl Iterator<Item = i8> {
        // with 1 for each digit added, digits are 0, 1 and 2
        let ones = (0..steps).fold(0, |sum, _| 3 * sum + 1);
        let raised = code + ones;
        (0..steps).rev().map(move |digit| ((raised / 3i32.pow(digit)) % 3 - 1) as i8)
    }

    /// Spikes in all, and negative ones among these.
    pub fn count(code: i32) -> (u32, u32) {
        let (mut spikes, mut negative, mut rest) = (0, 0, code);
        while rest != 0 {
            let digit = match rest.rem_euclid(3) {
                2 => -1,
                digit => digit,
            };
            spikes += u32::from(digit != 0);
            negative += u32::from(digit < 0);
            rest = (rest - digit) / 3;
        }
        (spikes, negative)
    }

    /// What it stands for, in units of the threshold.
    pub fn decode(code: i32, of: WindowCode) -> f64 {
        of.decode(Self::spikes(code, of.steps))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The trains of a ReLU neuron that hears `current`, step by step in decoded units, and starts after `delay` steps.
    fn train(code: WindowCode, delay: u32, current: &[f64]) -> (Vec<i8>, f64) {
        let mut sent = 0.0;
        let spikes = (1..=code.steps)
            .map(|t| {
                let heard: f64 = current.iter().take((t + delay - 1) as usize).sum();
                let (spike, after) = SignedIlif { weight: code.weight(t) }.generate(heard.max(0.0), sent);
                sent = after;
                spike
            })
            .collect();
        (spikes, sent)
    }

    /// Worked by hand: θ = 1, k = 2, T = 4, δ = 1. Two synapses of weights 1 and −1 from neurons of threshold 1 that send
    /// 1, 0, 0, 1 and 0, 1, 0, 1 (1.125 and 0.625): the sum is 1, then 1 − ½, ½, ½.
    ///
    /// Step 1 has heard 1: fires, 1 sent. Step 2 has heard ½, ½ too much was sent, weight ½: takes ½ back. Then nothing is left.
    #[test]
    fn hand_worked_spike_that_is_taken_back() {
        let code = WindowCode { base: 2.0, steps: 4 };
        assert_eq!(train(code, 1, &[1.0, -0.5, 0.0, 0.0]), (vec![1, -1, 0, 0], 0.5));
        // one step later it is known
        assert_eq!(train(code, 2, &[1.0, -0.5, 0.0, 0.0]), (vec![1, -1, 0, 0], 0.5));
        // half a weight fires: 0.5 is ½ of 1, and is then taken back by half
        assert_eq!(train(code, 4, &[0.375, 0.0, 0.0, 0.0]), (vec![0, 1, -1, 1], 0.375));
    }

    /// Worked by hand: heard 1, −½, −¾ (sum −¼): a ReLU that ends at 0 has sent 1, takes back ½, ¼ and ⅛, and ⅛ is left:
    /// the first spike was too early by more than later ones can make good.
    #[test]
    fn hand_worked_sum_that_ends_negative() {
        let code = WindowCode { base: 2.0, steps: 4 };
        assert_eq!(train(code, 1, &[1.0, -0.5, -0.75, 0.0]), (vec![1, -1, -1, -1], 0.125));
        assert_eq!(train(code, 3, &[1.0, -0.5, -0.75, 0.0]), (vec![0, 0, 0, 0], 0.0));
    }

    #[test]
    fn a_signed_train_is_a_number() {
        let train = [1i8, -1, 0, -1, 1];
        let code = train.iter().fold(0, |code, &spike| SignedTrain::push(code, spike));
        assert_eq!(code, 81 - 27 - 3 + 1);
        assert_eq!(SignedTrain::spikes(code, 5).collect::<Vec<_>>(), train);
        assert_eq!(SignedTrain::count(code), (4, 2));
        assert_eq!(SignedTrain::spikes(0, 3).collect::<Vec<_>>(), [0, 0, 0]);
    }

    proptest! {
        /// Changes within what later spikes can carry leave no more than rounding.
        #[test]
        fn what_can_be_made_good_is(
            base in 1.2f32..=2.0,
            steps in 2u32..=12,
            delay in 1u32..=12,
            first in 0.0f64..1.4,
            changes in prop::collection::vec(-1.0f64..1.0, 12),
        ) {
            let code = WindowCode { base, steps };
            let delay = delay.min(steps);
            // what the spikes behind step t can send, beyond the ½ weight that its choice may leave
            let slack = |t: u32| (t + 1..=steps).map(|j| code.weight(j)).sum::<f64>() - 0.5 * code.weight(t);
            let mut heard = first;
            let mut current = vec![first];
            for n in 2..=steps {
                let most = match (n.checked_sub(delay), n + 1 - delay.min(n)) {
                    // first heard in step t = n − δ + 1: all later changes together are within what step t − 1 left room for
                    (Some(before @ 1..), t) => slack(before) - slack(t),
                    // heard before the first spike
                    _ => 1.0,
                };
                let before = heard;
                heard = (heard + most * changes[n as usize - 1]).clamp(0.0, 1.4);
                current.push(heard - before);
            }
            let (_, sent) = train(code, delay, &current);
            prop_assert!((heard - sent).abs() <= 0.5 * code.resolution() + 1e-9, "{heard} {sent}");
        }

        /// Having heard all, it rounds to the nearest of what it can send.
        #[test]
        fn with_all_heard_it_rounds(base in 1.2f32..=2.0, steps in 1u32..=16, share in 0.0f64..=1.0) {
            let code = WindowCode { base, steps };
            let value = share * (code.range() + 0.5 * code.resolution());
            let (_, sent) = train(code, steps, &[value]);
            prop_assert!((value - sent).abs() <= 0.5 * code.resolution() + 1e-9);
        }

        #[test]
        fn numbers_give_their_trains_back(train in prop::collection::vec(-1i8..=1, 1..=16)) {
            let code = train.iter().fold(0, |code, &spike| SignedTrain::push(code, spike));
            prop_assert_eq!(SignedTrain::spikes(code, train.len() as u32).collect::<Vec<_>>(), train.clone());
            let negative = train.iter().filter(|&&s| s < 0).count() as u32;
            prop_assert_eq!(SignedTrain::count(code), (train.iter().filter(|&&s| s != 0).count() as u32, negative));
        }
    }
}
