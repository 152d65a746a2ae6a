use crate::Comparison;

/// What a negative membrane of a streaming neuron does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NegativeSpikes {
    /// Nothing: a ReLU whose spikes cannot be taken back.
    Never,
    /// It fires at a threshold of its own, `θ⁻ = θ/|α|`, spikes of sign `−sgn α`, each of which adds `θ⁻` to it: so that
    /// the neuron transmits `α·u` from negative membranes.
    ///
    /// `α = 1` is the ternary neuron (Q. Yu et al., "Constructing accurate and efficient deep spiking neural networks with
    /// double-threshold and augmented schemes", TNNLS 2021), others the signed neuron with imbalanced threshold for leaky
    /// ReLU (S. Kim et al., "Spiking-YOLO", AAAI 2020).
    Slope(f64),
    /// It takes back what was sent.
    Memory(MemoryGate<f64>),
}

/// Negative spikes that take back earlier ones. With `c` the quanta sent so far, positive less negative ones:
///
/// ```text
/// −m where u ≤ −share·θ, as long as c − m ≥ low
/// +m as always,          as long as c + m ≤ high
/// ```
///
/// `share = 1, low = 0`: the signed neuron with memory (SNM, IJCAI 2022), and the calcium-gated bipolar neuron (Gao et al.
/// 2023, Ca-LIF; its rule is not confirmed). `share = 10⁻³, low = 0`: Fast-SNN (Hu et al., TPAMI 2023; there the bound is
/// absolute). `share = 0` with `<`, and both bounds: ST-BIF of SpikeZIP (ICML 2024).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MemoryGate<V = f32> {
    /// The threshold of negative spikes as a share of `θ`, at least 0.
    pub share: V,
    /// Whether `−share·θ` itself fires.
    #[serde(default)]
    pub comparison: Comparison,
    /// The least that may have been sent, in quanta.
    #[serde(default)]
    pub low: i32,
    /// The most that may have been sent, in quanta; absent: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<i32>,
}
