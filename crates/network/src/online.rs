//! Populations that generate while they listen.

use crate::{NetworkBuilder, NetworkError, NodeKind, Population, Simulation, SpikingNetwork};

impl SpikingNetwork {
    /// `δ`: steps from the first that a population of a windowed network hears to the first that it sends, in `1..=T`. `T`
    /// is temporal separation: it has heard all then. With fewer it generates while it listens, with signed spikes
    /// ([`SignedIlif`](spikeconverter_neuron::SignedIlif)). A population may have [its own](Population::delay).
    pub fn delay(&self) -> u32 {
        self.delay
    }

    /// The shortest delay of its populations.
    pub fn least_delay(&self) -> u32 {
        self.delays().min().unwrap_or(self.delay)
    }

    /// The longest delay of its populations.
    pub fn most_delay(&self) -> u32 {
        self.delays().max().unwrap_or(self.delay)
    }

    /// The shortest delay of an online network, where others are longer.
    pub fn differing_delay(&self) -> Option<u32> {
        let least = self.least_delay();
        (self.is_online() && least < self.most_delay()).then_some(least)
    }

    /// The shortest window of its populations, where that is shorter than `T`.
    pub fn shorter_window(&self) -> Option<u32> {
        let windows = self.populations().map(|(_, population)| population.window(self.time_steps));
        windows.min().filter(|&least| least < self.time_steps)
    }

    fn delays(&self) -> impl Iterator<Item = u32> {
        self.populations().map(|(_, population)| population.delay.unwrap_or(self.delay))
    }

    /// The same network with populations that all start to generate after `delay` steps; absent: when they have heard all.
    ///
    /// # Errors
    /// When the delay is not one of `1..=T`, the network is streaming, or it has maxima of trains in another base than 2.
    pub fn with_delay(&self, delay: Option<u32>) -> Result<Self, NetworkError> {
        self.rebuilt(delay, |_, kind| match kind {
            NodeKind::Population(population) => NodeKind::Population(Population { delay: None, ..population.clone() }),
            kind => kind.clone(),
        })
    }

    /// Whether populations generate while they listen (`δ < T`).
    pub fn is_online(&self) -> bool {
        self.delay < self.time_steps
    }

    /// Whether a window may hold spikes of both signs, so that engines show trains as
    /// [`SignedTrain`](spikeconverter_neuron::SignedTrain)s: of an online network, or of one whose bases are above 2.
    pub fn has_signed_trains(&self) -> bool {
        self.is_online() || self.populations().any(|(_, population)| population.has_signed_digits())
    }
}

impl NetworkBuilder {
    /// The same with populations that start to generate `delay` steps after their first input (absent: when they have heard
    /// all); to be said before populations are added.
    ///
    /// # Errors
    /// When the network is streaming or has nodes already, or the delay is not one of `1..=T`.
    pub fn delayed(mut self, delay: Option<u32>) -> Result<Self, NetworkError> {
        let Some(delay) = delay else { return Ok(self) };
        if self.simulation != Simulation::Window || self.nodes.len() > 1 {
            return Err(NetworkError::Network("a delay is for windowed networks, from their first node on".into()));
        }
        if !(1..=self.time_steps).contains(&delay) {
            let steps = self.time_steps;
            return Err(NetworkError::Network(format!(
                "a delay of {delay} steps; with windows of {steps} steps it has 1 to {steps}"
            )));
        }
        self.delay = delay;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Encoding, NetworkBuilder};

    #[test]
    fn a_delay_has_at_least_a_step_and_at_most_a_window() {
        let builder = || NetworkBuilder::new(4, "x", vec![1], Encoding::Analog).unwrap();
        let accepted = [0, 1, 4, 5].map(|delay| builder().delayed(Some(delay)).is_ok());
        assert_eq!(accepted, [false, true, true, false]);
        let streaming = NetworkBuilder::streaming(4, "x", vec![1]).unwrap();
        assert!(streaming.clone().delayed(None).is_ok() && streaming.delayed(Some(2)).is_err());
    }
}
