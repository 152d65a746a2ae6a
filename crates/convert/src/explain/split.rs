use super::ErrorParts;

/// Sums of products of an error's parts with the error.
#[derive(Debug, Clone)]
pub(super) struct Split {
    inherited: f64,
    weight_rounding: f64,
    clipping: f64,
    quantisation: f64,
    unevenness: f64,
    /// `‖a‖²`, `‖q‖²` and `⟨a, q⟩`.
    wanted: f64,
    sent: f64,
    product: f64,
    /// `‖d‖²` of each channel.
    channels: Vec<f64>,
}

impl Split {
    pub(super) fn new(channels: usize) -> Self {
        Self {
            inherited: 0.0,
            weight_rounding: 0.0,
            clipping: 0.0,
            quantisation: 0.0,
            unevenness: 0.0,
            wanted: 0.0,
            sent: 0.0,
            product: 0.0,
            channels: vec![0.0; channels],
        }
    }

    /// Adds a neuron's values: `a`, `f(ṽ)`, `f(v)`, `[f(v)]`, `q°`, and `q`.
    pub(super) fn add(&mut self, channel: usize, [wanted, real, passed, clipped, first]: [f64; 5], sent: f64) {
        let difference = sent - wanted;
        self.inherited += (real - wanted) * difference;
        self.weight_rounding += (passed - real) * difference;
        self.clipping += (clipped - passed) * difference;
        self.quantisation += (first - clipped) * difference;
        self.unevenness += (sent - first) * difference;
        self.wanted += wanted * wanted;
        self.sent += sent * sent;
        self.product += wanted * sent;
        self.channels[channel] += difference * difference;
    }

    /// The parts' shares.
    pub(super) fn parts(&self) -> ErrorParts {
        let share = |product: f64| if self.wanted > 0.0 { product / self.wanted } else { 0.0 };
        ErrorParts {
            total: share(self.channels.iter().sum()),
            clipping: share(self.clipping),
            quantisation: share(self.quantisation),
            unevenness: share(self.unevenness),
            inherited: share(self.inherited),
            weight_rounding: share(self.weight_rounding),
        }
    }

    /// Cosine of the angle between what is sent and the trained activation; 1 where both are silent.
    pub(super) fn cosine(&self) -> f64 {
        let size = (self.wanted * self.sent).sqrt();
        match (size > 0.0, self.wanted == self.sent) {
            (true, _) => self.product / size,
            (false, silent) => f64::from(u8::from(silent)),
        }
    }

    /// The channel with the most error, and its error as a share of the layer's activation power.
    pub(super) fn worst_channel(&self) -> Option<(usize, f64)> {
        let errors = self.channels.iter().copied().enumerate();
        let (channel, error) = errors.max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((channel, if self.wanted > 0.0 { error / self.wanted } else { 0.0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_whole() {
        let mut split = Split::new(2);
        split.add(0, [1.0, 1.5, 1.25, 1.0, 0.5], 0.75);
        split.add(1, [2.0, 2.0, 2.5, 2.5, 3.0], 3.0);
        split.add(1, [0.0, -0.5, 0.0, 0.0, 0.0], 0.25);
        let parts = split.parts();
        let sum = parts.clipping + parts.quantisation + parts.unevenness + parts.inherited + parts.weight_rounding;
        assert!((sum - parts.total).abs() < 1e-12);
        // ‖d‖² = 0.0625 + 1 + 0.0625, ‖a‖² = 5
        assert!((parts.total - 1.125 / 5.0).abs() < 1e-12);
        // by hand: (0.25 · 0.25 clipped) of the first neuron, against the error
        assert!((parts.clipping - 0.0625 / 5.0).abs() < 1e-12);
        // (0.25 · −0.25) of the first, (0.25 · 0.25) of the last
        assert!(parts.unevenness.abs() < 1e-12 && parts.quantisation != 0.0);
        assert_eq!(split.worst_channel().unwrap().0, 1);
    }

    #[test]
    fn silence_is_right_where_it_is_wanted() {
        let mut split = Split::new(1);
        split.add(0, [0.0; 5], 0.0);
        assert_eq!((split.parts().total, split.cosine()), (0.0, 1.0));
        split.add(0, [0.0; 5], 1.0);
        assert_eq!(split.cosine(), 0.0);
    }
}
