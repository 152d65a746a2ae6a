use crate::{Array, Graph};

/// What a node of a graph computes. Letters are NIR's: `I` input, `v` membrane, `S` input spikes, `z` output spikes.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Where samples enter, of this shape.
    Input(Vec<usize>),
    /// What leaves, of this shape.
    Output(Vec<usize>),
    /// A graph of its own.
    Graph(Graph),
    /// `weight · I + bias`, weight `[out, in]`, on the last axis.
    Affine {
        /// `[out, in]`.
        weight: Array,
        /// `[out]`.
        bias: Array,
    },
    /// `weight · I`, weight `[out, in]`, on the last axis.
    Linear(Array),
    /// `scale · I`, element by element.
    Scale(Array),
    /// Convolution of `[channels, extent]`.
    Conv1d(Conv),
    /// Convolution of `[channels, height, width]`.
    Conv2d(Conv),
    /// Axes `start..=end` become one; negative ones count from the last. No batch axis.
    Flatten {
        /// Shape of what is flattened, where the file says it.
        input: Option<Vec<usize>>,
        /// First axis.
        start: i64,
        /// Last axis.
        end: i64,
    },
    /// Mean over windows of `[channels, height, width]`, padding counted.
    AvgPool2d(Pool),
    /// Sum over windows of `[channels, height, width]`.
    SumPool2d(Pool),
    /// `I(t − delay)`.
    Delay(Array),
    /// `v̇ = r I`; sends `v`.
    Integrator(Array),
    /// `v̇ = r I`; `z = [v > v_threshold]`, then `v = v_reset`.
    IntegrateFire {
        /// Resistance.
        r: Array,
        /// Threshold.
        v_threshold: Array,
        /// Where the membrane returns to; files before version 1.0.5 have none, which is 0.
        v_reset: Option<Array>,
    },
    /// `τ v̇ = v_leak − v + r I`; sends `v`.
    LeakyIntegrator(Leaky),
    /// The same with `z = [v > v_threshold]`, then `v = v_reset`.
    LeakyIntegrateFire {
        /// The membrane.
        leaky: Leaky,
        /// Threshold.
        v_threshold: Array,
        /// Where the membrane returns to; 0 without.
        v_reset: Option<Array>,
    },
    /// `τ_syn İ = −I + w_in S`, `τ_mem v̇ = v_leak − v + r I`; sends `v`.
    SynapticIntegrator(LeakySynaptic),
    /// The same with `z = [v > v_threshold]`, then `v = v_reset`.
    SynapticIntegrateFire {
        /// Synapse and membrane.
        synaptic: LeakySynaptic,
        /// Threshold.
        v_threshold: Array,
        /// Where the membrane returns to; 0 without.
        v_reset: Option<Array>,
    },
    /// `[I > threshold]`.
    Threshold(Array),
}

/// A convolution (cross-correlation).
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Spatial extents of the input, where the file says them.
    pub input: Option<Vec<usize>>,
    /// `[channels out, channels in / groups, kernel…]`.
    pub weight: Array,
    /// Distance between windows, one an axis.
    pub stride: Vec<usize>,
    /// Zeros around the input.
    pub padding: Padding,
    /// Distance between taps, one an axis.
    pub dilation: Vec<usize>,
    /// Groups of channels.
    pub groups: usize,
    /// `[channels out]`.
    pub bias: Array,
}

/// Zeros around an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Padding {
    /// So many on both sides of each axis.
    Both(Vec<usize>),
    /// So many that the extents stay.
    Same,
    /// None.
    Valid,
}

/// A window that slides over `[channels, height, width]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Extents of the window.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Zeros on both sides.
    pub padding: [usize; 2],
}

/// A leaky membrane.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaky {
    /// Time constant.
    pub tau: Array,
    /// Resistance.
    pub r: Array,
    /// Where the membrane leaks to.
    pub v_leak: Array,
}

/// A leaky membrane behind a leaky synapse.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakySynaptic {
    /// Time constant of the synapse.
    pub tau_syn: Array,
    /// Time constant of the membrane.
    pub tau_mem: Array,
    /// Resistance.
    pub r: Array,
    /// Where the membrane leaks to.
    pub v_leak: Array,
    /// Weight of a spike in the synapse's current; 1 without.
    pub w_in: Option<Array>,
}

impl Node {
    /// Its kind, as files say it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input(_) => "Input",
            Self::Output(_) => "Output",
            Self::Graph(_) => "NIRGraph",
            Self::Affine { .. } => "Affine",
            Self::Linear(_) => "Linear",
            Self::Scale(_) => "Scale",
            Self::Conv1d(_) => "Conv1d",
            Self::Conv2d(_) => "Conv2d",
            Self::Flatten { .. } => "Flatten",
            Self::AvgPool2d(_) => "AvgPool2d",
            Self::SumPool2d(_) => "SumPool2d",
            Self::Delay(_) => "Delay",
            Self::Integrator(_) => "I",
            Self::IntegrateFire { .. } => "IF",
            Self::LeakyIntegrator(_) => "LI",
            Self::LeakyIntegrateFire { .. } => "LIF",
            Self::SynapticIntegrator(_) => "CubaLI",
            Self::SynapticIntegrateFire { .. } => "CubaLIF",
            Self::Threshold(_) => "Threshold",
        }
    }

    /// Whether it fires.
    pub fn is_spiking(&self) -> bool {
        matches!(
            self,
            Self::IntegrateFire { .. } | Self::LeakyIntegrateFire { .. } | Self::SynapticIntegrateFire { .. }
        )
    }

    /// Whether it remembers anything from step to step.
    pub fn is_stateful(&self) -> bool {
        self.is_spiking()
            || matches!(
                self,
                Self::Delay(_) | Self::Integrator(_) | Self::LeakyIntegrator(_) | Self::SynapticIntegrator(_)
            )
    }

    /// Its arrays by the names that files give them, in their order there.
    pub fn arrays(&self) -> Vec<(&'static str, &Array)> {
        let mut arrays = Vec::new();
        match self {
            Self::Input(_)
            | Self::Output(_)
            | Self::Graph(_)
            | Self::Flatten { .. }
            | Self::AvgPool2d(_)
            | Self::SumPool2d(_) => {}
            Self::Affine { weight, bias } => arrays.extend([("weight", weight), ("bias", bias)]),
            Self::Linear(weight) => arrays.push(("weight", weight)),
            Self::Scale(scale) => arrays.push(("scale", scale)),
            Self::Conv1d(conv) | Self::Conv2d(conv) => arrays.extend([("weight", &conv.weight), ("bias", &conv.bias)]),
            Self::Delay(delay) => arrays.push(("delay", delay)),
            Self::Integrator(r) | Self::IntegrateFire { r, .. } => arrays.push(("r", r)),
            Self::Threshold(threshold) => arrays.push(("threshold", threshold)),
            Self::LeakyIntegrator(leaky) | Self::LeakyIntegrateFire { leaky, .. } => {
                arrays.extend([("tau", &leaky.tau), ("r", &leaky.r), ("v_leak", &leaky.v_leak)]);
            }
            Self::SynapticIntegrator(synaptic) | Self::SynapticIntegrateFire { synaptic, .. } => {
                arrays.extend([("tau_syn", &synaptic.tau_syn), ("tau_mem", &synaptic.tau_mem)]);
                arrays.extend([("r", &synaptic.r), ("v_leak", &synaptic.v_leak)]);
                arrays.extend(synaptic.w_in.as_ref().map(|w_in| ("w_in", w_in)));
            }
        }
        if let Some((v_threshold, v_reset)) = self.threshold() {
            arrays.push(("v_threshold", v_threshold));
            arrays.extend(v_reset.map(|v_reset| ("v_reset", v_reset)));
        }
        arrays
    }

    /// Threshold and reset potential of a node that fires.
    pub fn threshold(&self) -> Option<(&Array, Option<&Array>)> {
        match self {
            Self::IntegrateFire { v_threshold, v_reset, .. }
            | Self::LeakyIntegrateFire { v_threshold, v_reset, .. }
            | Self::SynapticIntegrateFire { v_threshold, v_reset, .. } => Some((v_threshold, v_reset.as_ref())),
            _ => None,
        }
    }
}
