use spikeconverter_network::Population;
use spikeconverter_neuron::{Ilif, SignedIlif, SignedTrain, WindowCode};

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

    /// `v ← Σ u·k^-(n-1)` over the codes, with `n` of `steps` that the code has: the pre-activation in its own unit, or what
    /// was heard of it.
    pub(super) fn hand_over(&self, codes: &[WindowCode], steps: u32) -> Vec<f64> {
        let neurons = self.membranes.first().map_or(0, Vec::len);
        let unit = |code: &WindowCode| code.weight(steps.min(code.steps));
        (0..neurons).map(|n| self.membranes.iter().zip(codes).map(|(u, code)| u[n] * unit(code)).sum()).collect()
    }
}

/// The generating half of a population.
pub(super) struct Generator {
    population: Population,
    steps: u32,
    /// Neurons of a channel.
    inner: usize,
    membranes: Vec<f64>,
    /// Where trains are signed, what each neuron sent of the image so far; membranes are then activations of what was heard.
    sent: Option<Vec<f64>>,
    /// Spikes of the last step.
    spikes: Vec<i32>,
    /// Spikes of each image and neuron so far: binary digits with a sign, or a [`SignedTrain`].
    codes: Vec<i32>,
}

impl Generator {
    pub(super) fn new(population: &Population, shape: &[usize], steps: u32, signed: bool, images: usize) -> Self {
        let neurons: usize = shape.iter().product();
        let channels = shape.first().copied().unwrap_or(1);
        Self {
            population: population.clone(),
            steps: population.window(steps),
            inner: (neurons / channels.max(1)).max(1),
            membranes: vec![0.0; neurons],
            sent: signed.then(|| vec![0.0; neurons]),
            spikes: vec![0; neurons],
            codes: vec![0; neurons * images],
        }
    }

    /// Takes over accumulated (and pooled) membranes: of a whole window, or what online neurons heard of it.
    pub(super) fn load(&mut self, membranes: Vec<f64>) {
        self.membranes = membranes;
        for (n, v) in self.membranes.iter_mut().enumerate() {
            let channel = n / self.inner;
            *v = match self.sent {
                Some(_) => self.population.transfer.apply(*v, channel),
                None => self.population.hand_over(*v, channel, self.steps),
            };
        }
    }

    /// One step of generation for `image`: the amplitudes (`θ·s`, unless the population has its own) that are sent.
    pub(super) fn step(&mut self, image: usize, step: u32) -> Vec<f64> {
        let neurons = self.membranes.len();
        let codes = &mut self.codes[image * neurons..][..neurons];
        let weight = self.population.code(self.steps).weight(step + 1);
        let mut amplitudes = Vec::with_capacity(neurons);
        for (n, (v, code)) in self.membranes.iter_mut().zip(codes).enumerate() {
            let channel = n / self.inner;
            let spike = if let Some(sent) = &mut self.sent {
                let before = if step == 0 { 0.0 } else { sent[n] };
                let neuron = SignedIlif { weight: f64::from(self.population.threshold(channel)) * weight };
                let (spike, after) = neuron.generate(*v, before);
                sent[n] = after;
                *code = SignedTrain::push(*code, spike);
                spike
            } else {
                let (spike, after) = self.population.neuron(channel).generate(*v);
                *v = after;
                *code = 2 * *code + i32::from(spike);
                spike
            };
            self.spikes[n] = spike.into();
            amplitudes.push(f64::from(spike) * f64::from(self.population.amplitude(channel)));
        }
        amplitudes
    }

    /// Spikes of the last step.
    pub(super) fn spikes(&self) -> &[i32] {
        &self.spikes
    }

    /// Membranes after the last step; where trains are signed, what is left of the activation of what was heard.
    pub(super) fn rest(&self) -> Vec<f64> {
        match &self.sent {
            None => self.membranes.clone(),
            Some(sent) => self.membranes.iter().zip(sent).map(|(heard, sent)| heard - sent).collect(),
        }
    }

    pub(super) fn into_codes(self) -> Vec<i32> {
        self.codes
    }
}
