use crate::negative::MemoryGate;
use crate::{Comparison, Emission, NegativeSpikes, Phases, Reset, StreamCoding};

/// A neuron that listens and fires in every step. In step `t`, with `w(t)` the [phase's weight](Phases) (1 without phases)
/// and `q` the [emission's quantum](Emission):
///
/// ```text
/// listen:  i ← what the wires stand for                                     (StreamCoding)
/// charge:  u ← u + i                                differential: u ← u + i − m,  m: mean of what was sent so far
/// fire:    n ← quanta of u at threshold θ·w(t)                              (Emission, Comparison)
///          n ← −(quanta of −u at the negative threshold), where u is negative   (NegativeSpikes)
/// reset:   u ← u − n·q·w(t)      by subtraction
///          u ← 0                 to zero, where n ≠ 0
///          u ← u mod q·w(t)      modulo, where n ≠ 0
/// send:    n; as changes n − n(t-1) in switch coding
/// ```
///
/// A negative spike adds the negative threshold's quantum. What is sent counts `q·w(t)` each. With reset by subtraction,
/// without phases and in rate coding, `q Σ n = u(0) − u(T) + Σ i`.
///
/// With everything at its simplest this is [`IntegrateFire`](crate::IntegrateFire); the table of combinations:
///
/// | neuron | emission | negative | more |
/// |---|---|---|---|
/// | integrate-and-fire | binary | never | |
/// | burst, augmented | burst | never, slope 1 | |
/// | ternary, imbalanced threshold | binary | slope | |
/// | signed with memory, Ca-LIF, Fast-SNN, ST-BIF | binary | memory | |
/// | group | group | never | |
/// | multi-threshold | ladder | slope 1, memory | differential coding |
/// | weighted spikes | binary | never | phases |
/// | temporal switch | binary | never | switch coding |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamingNeuron {
    /// Threshold `θ > 0`.
    pub threshold: f64,
    /// What happens to the membrane on a spike.
    pub reset: Reset,
    /// Whether the threshold itself fires.
    pub comparison: Comparison,
    /// What can be sent in a step.
    pub emission: Emission,
    /// What negative membranes do.
    pub negative: NegativeSpikes,
    /// Phases that spikes are weighted by.
    pub phases: Option<Phases>,
    /// What the wires carry.
    pub coding: StreamCoding,
}

/// What a streaming neuron remembers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StreamingState {
    /// Membrane potential `u`.
    pub membrane: f64,
    /// Quanta fired so far, positive less negative ones.
    pub fired: i32,
    /// Whether what it fires is not sent, see [`Rehearsal`](crate::Rehearsal).
    pub muted: bool,
    /// What is expected to arrive next, see [`StreamCoding`].
    received: f64,
    /// What listeners expect next: the quanta of the last step (switch), the mean of all (differential).
    sent: f64,
}

impl StreamingState {
    /// Before the first step.
    pub fn new(membrane: f64) -> Self {
        Self { membrane, ..Self::default() }
    }

    /// The same; what it fires is sent where it is `heard`.
    pub fn rehearsed((membrane, heard): (f64, bool)) -> Self {
        Self { muted: !heard, ..Self::new(membrane) }
    }
}

impl StreamingNeuron {
    /// Step `t`, counted from 1, with what arrived: the quanta that are sent.
    pub fn step(&self, state: &mut StreamingState, input: f64, t: u32) -> i32 {
        let current = self.coding.decode(&mut state.received, input, t);
        let expected = if self.coding == StreamCoding::Differential { state.sent } else { 0.0 };
        let u = state.membrane + current - expected;
        let (n, after) = self.fire(u, self.quanta_sent(state, t), self.weight(t));
        state.membrane = after;
        state.fired += n;
        match self.coding {
            StreamCoding::Rate if state.muted => 0,
            StreamCoding::Rate => n,
            StreamCoding::Switch => n - std::mem::replace(&mut state.sent, f64::from(n)) as i32,
            StreamCoding::Differential => {
                state.sent += f64::from(n) * self.quantum() / f64::from(t);
                n
            }
        }
    }

    /// What one quantum counts for the readers in step `t`: `q·w(t)`.
    pub fn amplitude(&self, t: u32) -> f64 {
        self.quantum() * self.weight(t)
    }

    /// Whether a rehearsal teaches it anything: how its membrane ends tells of spikes too many only where values below 0 are
    /// none.
    pub fn learns(&self) -> bool {
        !matches!(self.negative, NegativeSpikes::Slope(_))
    }

    /// The quantum `q`.
    pub fn quantum(&self) -> f64 {
        self.threshold * self.emission.quantum()
    }

    fn weight(&self, t: u32) -> f64 {
        self.phases.map_or(1.0, |phases| phases.weight(t))
    }

    /// What was sent before step `t`, in quanta of a rate code: those fired, or `t` times the mean that stands.
    fn quanta_sent(&self, state: &StreamingState, t: u32) -> f64 {
        match self.coding {
            // a whole number may come out a little smaller
            StreamCoding::Differential => f64::from(t) * state.sent / self.quantum() + 1e-9,
            StreamCoding::Rate | StreamCoding::Switch => f64::from(state.fired),
        }
    }

    /// The quanta that a membrane fires, and the membrane afterwards.
    fn fire(&self, u: f64, sent: f64, weight: f64) -> (i32, f64) {
        let threshold = self.threshold * weight;
        let room = match self.negative {
            NegativeSpikes::Memory(MemoryGate { high: Some(high), .. }) => whole(f64::from(high) - sent),
            _ => u32::MAX,
        };
        let n = self.emission.multiplicity(u, threshold, self.comparison, 1.0, room);
        if n > 0 {
            return (n as i32, self.after(u, n, threshold));
        }
        let (n, sign, threshold) = match self.negative {
            NegativeSpikes::Never => return (0, u),
            NegativeSpikes::Slope(slope) => {
                let threshold = threshold / slope.abs();
                let n = self.emission.multiplicity(-u, threshold, self.comparison, 1.0, u32::MAX);
                (n, if slope > 0.0 { -1 } else { 1 }, threshold)
            }
            NegativeSpikes::Memory(gate) => {
                // the threshold is a share of θ, quanta above are counted from there
                let first = 1.0 - (1.0 - gate.share) / self.emission.quantum();
                let room = whole(sent - f64::from(gate.low));
                (self.emission.multiplicity(-u, threshold, gate.comparison, first, room), -1, threshold)
            }
        };
        if n > 0 { (sign * n as i32, -self.after(-u, n, threshold)) } else { (0, u) }
    }

    /// A membrane that fired `n` quanta of a threshold, both taken as positive.
    fn after(&self, u: f64, n: u32, threshold: f64) -> f64 {
        let quantum = threshold * self.emission.quantum();
        match self.reset {
            Reset::Subtract => u - f64::from(n) * quantum,
            Reset::Zero => 0.0,
            Reset::Modulo => u % quantum,
        }
    }
}

/// The whole quanta of a number; none of a negative one.
fn whole(quanta: f64) -> u32 {
    quanta.floor().max(0.0) as u32
}
