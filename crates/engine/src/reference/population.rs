use spikeconverter_network::Population;
use spikeconverter_neuron::{Ilif, WindowCode};

/// The accumulating half of a population: one membrane a neuron for each code that arrives.
pub(super) struct Accumulator {
    membranes: Vec<Vec<f64>>,
}

impl Accumulator {
    pub(super) fn new(codes: usize, neurons: usize) -> Self {
        Self { membranes: vec![vec![0.0; neurons]; codes] }
    }

    /// `u ← k·u + i`, with the base of the trains that arrive; a window starts from 0.
    pub(super) fn step(&mut self, slot: usize, code: WindowCode, step: u32, arriving: &[f64]) {
        let base = f64::from(code.base);
        for (u, &input) in self.membranes[slot].iter_mut().zip(arriving) {
            let before = if step == 0 { 0.0 } else { *u };
            *u = Ilif::integrate(base, before, input);
        }
    }

    /// `v ← Σ u·k^-(steps-1)` over the codes: the pre-activation in its own unit.
    pub(super) fn hand_over(&self, codes: &[WindowCode]) -> Vec<f64> {
        let neurons = self.membranes.first().map_or(0, Vec::len);
        (0..neurons).map(|n| self.membranes.iter().zip(codes).map(|(u, code)| u[n] * code.resolution()).sum()).collect()
    }
}

/// The generating half of a population.
pub(super) struct Generator {
    population: Population,
    steps: u32,
    /// Neurons of a channel.
    inner: usize,
    membranes: Vec<f64>,
    /// Spikes of each image and neuron so far, as binary digits with a sign.
    codes: Vec<i32>,
}

impl Generator {
    pub(super) fn new(population: &Population, shape: &[usize], steps: u32, images: usize) -> Self {
        let neurons: usize = shape.iter().product();
        let channels = shape.first().copied().unwrap_or(1);
        Self {
            population: population.clone(),
            steps,
            inner: (neurons / channels.max(1)).max(1),
            membranes: vec![0.0; neurons],
            codes: vec![0; neurons * images],
        }
    }

    /// Takes over accumulated (and pooled) membranes for `image`.
    pub(super) fn load(&mut self, image: usize, membranes: Vec<f64>) {
        self.membranes = membranes;
        for (n, v) in self.membranes.iter_mut().enumerate() {
            *v = self.population.hand_over(*v, n / self.inner, self.steps);
        }
        let neurons = self.membranes.len();
        self.codes[image * neurons..][..neurons].fill(0);
    }

    /// One step of generation for `image`: the amplitudes (`θ·s`, unless the population has its own) that are sent.
    pub(super) fn step(&mut self, image: usize, step: u32) -> Vec<f64> {
        let neurons = self.membranes.len();
        let digit = 1 << (self.steps - 1 - step);
        let codes = &mut self.codes[image * neurons..][..neurons];
        self.membranes
            .iter_mut()
            .zip(codes)
            .enumerate()
            .map(|(n, (v, code))| {
                let channel = n / self.inner;
                let (spike, after) = self.population.neuron(channel).generate(*v);
                *v = after;
                *code += i32::from(spike) * digit;
                f64::from(spike) * f64::from(self.population.amplitude(channel))
            })
            .collect()
    }

    pub(super) fn into_codes(self) -> Vec<i32> {
        self.codes
    }
}
