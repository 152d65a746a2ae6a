use spikeconverter_graph::{NodeId, Role};
use spikeconverter_neuron::{PoolRule, Rehearsal, StreamCoding, WindowCode};

use crate::encoding::Encoding;
use crate::node::{Node, NodeKind, Signal};
use crate::streaming::Stream;
use crate::{NetworkError, Population, Simulation, SpikingNetwork, trains};

/// Builds a [`SpikingNetwork`] node by node, checking each.
#[derive(Debug, Clone)]
pub struct NetworkBuilder {
    pub(crate) nodes: Vec<Node>,
    pub(crate) simulation: Simulation,
    pub(crate) coding: StreamCoding,
    pub(crate) rehearsal: Option<Rehearsal>,
    pub(crate) time_steps: u32,
    pub(crate) delay: u32,
}

impl NetworkBuilder {
    /// The longest window.
    pub const MOST_WINDOW_STEPS: u32 = 16;
    /// The longest streaming simulation.
    pub const MOST_STREAMING_STEPS: u32 = 4096;

    /// A windowed network of window length `time_steps` (1..=16) whose samples have the given shape.
    ///
    /// # Errors
    /// When the window length or the shape is out of bounds.
    pub fn new(
        time_steps: u32,
        input_name: impl Into<String>,
        shape: Vec<usize>,
        encoding: Encoding,
    ) -> Result<Self, NetworkError> {
        Self::of(Simulation::Window, time_steps, input_name, shape, encoding)
    }

    /// A streaming network that is simulated for `time_steps` steps (1..=[`MOST_STREAMING_STEPS`]); samples of the given
    /// shape are injected as analog currents in every step.
    ///
    /// [`MOST_STREAMING_STEPS`]: Self::MOST_STREAMING_STEPS
    ///
    /// # Errors
    /// When the number of steps or the shape is out of bounds.
    pub fn streaming(time_steps: u32, input_name: impl Into<String>, shape: Vec<usize>) -> Result<Self, NetworkError> {
        Self::stream(time_steps, input_name, shape, Encoding::Analog)
    }

    /// A streaming network whose samples enter as `encoding` says.
    ///
    /// # Errors
    /// As [`streaming`](Self::streaming).
    pub fn stream(
        time_steps: u32,
        input_name: impl Into<String>,
        shape: Vec<usize>,
        encoding: Encoding,
    ) -> Result<Self, NetworkError> {
        Self::of(Simulation::Stream, time_steps, input_name, shape, encoding)
    }

    /// The same with wires that carry `coding`; to be said before populations are added.
    ///
    /// # Errors
    /// When the network is not streaming, has populations already, or its samples enter as spikes, and `coding` is not
    /// [`StreamCoding::Rate`].
    pub fn coded(mut self, coding: StreamCoding) -> Result<Self, NetworkError> {
        let analog = matches!(self.nodes[0].kind, NodeKind::Input(Encoding::Analog));
        if coding != self.coding && (self.simulation != Simulation::Stream || self.nodes.len() > 1 || !analog) {
            let name = coding.name();
            return Err(NetworkError::Network(format!(
                "{name} coding is for streaming networks that take samples as analog currents, from their first node on"
            )));
        }
        self.coding = coding;
        Ok(self)
    }

    pub(crate) fn of(
        simulation: Simulation,
        time_steps: u32,
        input_name: impl Into<String>,
        shape: Vec<usize>,
        encoding: Encoding,
    ) -> Result<Self, NetworkError> {
        let refused = match simulation {
            Simulation::Window if !(1..=Self::MOST_WINDOW_STEPS).contains(&time_steps) => {
                Some(format!("a window of {time_steps} time steps; 1 to {} are supported", Self::MOST_WINDOW_STEPS))
            }
            Simulation::Stream if !(1..=Self::MOST_STREAMING_STEPS).contains(&time_steps) => Some(format!(
                "a streaming simulation of {time_steps} time steps; 1 to {} are supported",
                Self::MOST_STREAMING_STEPS
            )),
            Simulation::Window if matches!(encoding, Encoding::Poisson { .. }) => {
                Some("a windowed network takes no Poisson trains; use analog currents or pixels".into())
            }
            _ => None,
        };
        if let Some(reason) = refused {
            return Err(NetworkError::Network(reason));
        }
        let volume = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if !matches!(volume, Some(1..=0x8000_0000)) {
            return Err(NetworkError::Network(format!("input of shape {shape:?}")));
        }
        let signal = if encoding.takes_pixels() { Signal::Train } else { Signal::Current };
        let input =
            Node { name: input_name.into(), kind: NodeKind::Input(encoding), inputs: Vec::new(), shape, signal };
        Ok(Self {
            nodes: vec![input],
            simulation,
            coding: StreamCoding::Rate,
            rehearsal: None,
            time_steps,
            delay: time_steps,
        })
    }

    /// The input's id.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// A node added before.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Adds a node that reads earlier ones.
    ///
    /// # Errors
    /// [`NetworkError::Node`] when the node does not accept its inputs or its parameters are out of bounds.
    pub fn add(&mut self, name: impl Into<String>, kind: NodeKind, inputs: &[NodeId]) -> Result<NodeId, NetworkError> {
        let name = name.into();
        match self.infer(&kind, inputs) {
            Ok((shape, signal)) => {
                self.nodes.push(Node { name, kind, inputs: inputs.to_vec(), shape, signal });
                Ok(NodeId(self.nodes.len() - 1))
            }
            Err(reason) => Err(NetworkError::Node { node: name, reason }),
        }
    }

    fn infer(&self, kind: &NodeKind, inputs: &[NodeId]) -> Result<(Vec<usize>, Signal), String> {
        if let Some(late) = inputs.iter().find(|i| i.0 >= self.nodes.len()) {
            return Err(format!("reads node number {}, which does not come before it", late.0));
        }
        let shapes: Vec<&[usize]> = inputs.iter().map(|&i| self.node(i).shape.as_slice()).collect();
        let signals: Vec<Signal> = inputs.iter().map(|&i| self.node(i).signal).collect();
        let all = |wanted: &[Signal]| signals.iter().all(|s| wanted.contains(s));
        let only = || match shapes.as_slice() {
            [shape] => Ok(*shape),
            _ => Err(format!("takes one input, was given {}", shapes.len())),
        };
        match kind {
            NodeKind::Input(_) => Err("a network has one input, which comes first".into()),
            NodeKind::Synapse(op) => {
                let routing = match op.role() {
                    Role::Routing => true,
                    Role::Weighted | Role::Unweighted => false,
                    _ => return Err(format!("{} is not a synaptic operation", op.kind())),
                };
                if !all(&[Signal::Train, Signal::Current]) {
                    return Err("a synapse reads spikes or currents".into());
                }
                let signal = if routing && all(&[Signal::Train]) { Signal::Train } else { Signal::Current };
                Ok((op.output_shape(&shapes)?, signal))
            }
            NodeKind::Population(_) if self.simulation == Simulation::Stream => {
                Err("a population with a window in a streaming network; a network is windowed or streaming, never both"
                    .into())
            }
            NodeKind::Streaming(_) if self.simulation == Simulation::Window => {
                Err("a streaming population in a windowed network; a network is windowed or streaming, never both"
                    .into())
            }
            NodeKind::MaxPool(_) if self.simulation == Simulation::Stream => {
                Err("a maximum in a streaming network needs a rule by which it goes from step to step".into())
            }
            NodeKind::StreamingPool(_) if self.simulation == Simulation::Window => {
                Err("a streaming maximum in a windowed network; a network is windowed or streaming, never both".into())
            }
            NodeKind::StreamingPool(pool) => {
                if !all(&[Signal::Train, Signal::Current]) {
                    return Err("a maximum reads spikes or currents".into());
                }
                if pool.rule == PoolRule::Instantaneous && !self.coding.repeats_constants() {
                    let coding = self.coding.name();
                    return Err(format!("the largest of each step means nothing in {coding} coding; use another rule"));
                }
                Ok((pool.pool.output_shape(only()?)?, signals[0]))
            }
            NodeKind::Streaming(population) => {
                if !all(&[Signal::Train, Signal::Current]) {
                    return Err("a population reads spikes or currents".into());
                }
                let input = only()?;
                population.check(input, self.stream_settings())?;
                Ok((input.to_vec(), Signal::Train))
            }
            NodeKind::Population(population) => {
                if !all(&[Signal::Train, Signal::Current]) {
                    return Err("a population reads spikes or currents".into());
                }
                let input = only()?;
                population.check(input.first().copied().unwrap_or(1), self.time_steps, self.delay)?;
                self.check_digits(population)?;
                Ok((population.output_shape(input)?, Signal::Train))
            }
            NodeKind::MaxPool(pool) => {
                if !all(&[Signal::Train]) {
                    return Err("a maximum of spike trains reads spike trains".into());
                }
                let shape = pool.output_shape(only()?)?;
                self.check_maximum(inputs[0])?;
                Ok((shape, Signal::Train))
            }
            NodeKind::Readout(readout) => {
                if !all(&[Signal::Train, Signal::Current]) {
                    return Err("a read-out reads spikes or currents".into());
                }
                let input = only()?;
                let channels = input.first().copied().unwrap_or(1);
                readout.check(channels, self.simulation, self.stream_settings())?;
                Ok((input.to_vec(), Signal::Value))
            }
            NodeKind::Head(op) => {
                if !all(&[Signal::Value]) {
                    return Err("what follows the read-out reads values".into());
                }
                Ok((op.output_shape(&shapes)?, Signal::Value))
            }
        }
    }

    /// Whether a population's spikes have signs as those of the populations before it have: engines show the codes of a
    /// network in one form.
    fn check_digits(&self, population: &Population) -> Result<(), String> {
        let differs = |node: &Node| match &node.kind {
            NodeKind::Population(other) => other.has_signed_digits() != population.has_signed_digits(),
            _ => false,
        };
        match self.nodes.iter().find(|node| differs(node)) {
            Some(other) if self.delay == self.time_steps => Err(format!(
                "has base {}, and `{}` a base on the other side of 2; the populations of a network with whole windows have \
                 spikes of both signs, or none has",
                population.base, other.name
            )),
            _ => Ok(()),
        }
    }

    /// Whether the trains that arrive at a node order as their values do.
    fn check_maximum(&self, input: NodeId) -> Result<(), String> {
        let have = |bases: &[f32]| trains::have_base(&self.nodes, input, self.time_steps, bases);
        // what several sent so far then grows by a spike at most in each step, so that its maximum is a train
        if self.delay < self.time_steps && !have(&[2.0]) {
            return Err(
                "the online maximum of spike trains is for trains of base 2; take the maximum of membranes instead, \
                        or a delay of the whole window"
                    .into(),
            );
        }
        // spikes of one sign, or digits that no other digits can make up for: the larger value has the larger first digit
        let signed = |node: &Node| matches!(&node.kind, NodeKind::Population(p) if p.has_signed_digits());
        if self.nodes.iter().any(signed) && !have(&[2.0, WindowCode::LARGEST_BASE]) {
            return Err(
                "a maximum of spike trains is for bases up to 2, and 3; take the maximum of membranes instead".into()
            );
        }
        if !trains::are_comparable(&self.nodes, input, self.time_steps) {
            return Err(
                "compares spike trains of different bases, lengths or thresholds within a channel, which do not \
                        order as their values do; take the maximum of membranes instead"
                    .into(),
            );
        }
        Ok(())
    }

    fn stream_settings(&self) -> Stream {
        Stream { steps: self.time_steps, coding: self.coding, rehearsal: self.rehearsal }
    }

    /// Finishes the network with its result.
    ///
    /// # Errors
    /// When `output` does not carry a value (a read-out or what follows it).
    pub fn finish(self, output: NodeId) -> Result<SpikingNetwork, NetworkError> {
        match self.nodes.get(output.0) {
            Some(node) if node.signal == Signal::Value => {}
            _ => return Err(NetworkError::Network("its result is not a read-out".into())),
        }
        Ok(SpikingNetwork {
            nodes: self.nodes,
            output,
            simulation: self.simulation,
            coding: self.coding,
            rehearsal: self.rehearsal,
            time_steps: self.time_steps,
            delay: self.delay,
        })
    }
}
