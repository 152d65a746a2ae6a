//! Which node is computed how, and where its values lie.

use spikeconverter_graph::ops::{Activation, AvgPool, MaxPool};
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::Population;

use super::dense::Convolution;
use super::finish::{Finish, sent};
use super::layer::{Layer, Sum};
use super::pool::Pool;
use super::simd::lanes;
use super::terms::{Gather, Terms, Weighted};
use super::{Kind, Node};
use crate::EngineError;
use crate::channels_last::{Geometry, Layout};
use crate::folded::PopulationGenerator;
use crate::kernels::tile::Instructions;
use crate::kernels::{Compiled, compile_node};

/// How a node is computed.
pub(super) enum Step {
    /// Not by itself: it is part of what reads it, or nothing reads it.
    Skip,
    Input,
    Layer(Box<Layer>),
    Pool(Box<Pool>),
    /// By a kernel on channels first.
    Plain(Compiled),
    /// The window of neurons on channels first, and the maximum over windows before it.
    Generate {
        pool: Option<Compiled>,
        generator: Box<PopulationGenerator>,
    },
}

/// A network whose nodes have their steps.
pub(super) struct Compiler<'a> {
    instructions: Instructions,
    nodes: &'a [Node<'a>],
    steps: u32,
    /// What is computed by itself, and how.
    plans: Vec<Option<Planned<'a>>>,
    /// Nodes whose values are read, with the vectors of their channels.
    stored: Vec<bool>,
    vectors: Vec<bool>,
    /// Halo: rows and columns before and after.
    before: Vec<[usize; 2]>,
    after: Vec<[usize; 2]>,
}

/// A step before layouts are known.
enum Planned<'a> {
    Input,
    Sum(Terms, Last<'a>),
    Pool(Pooling<'a>),
    Plain,
}

/// What becomes of a sum.
enum Last<'a> {
    Nothing,
    Activation(&'a Activation),
    Population(&'a Population),
    Initial(&'a [f32]),
}

enum Pooling<'a> {
    Maximum(&'a MaxPool, Option<&'a Population>),
    Mean(&'a AvgPool),
    Whole,
}

impl<'a> Compiler<'a> {
    /// Decides for every node of a network with these results.
    pub(super) fn new(instructions: Instructions, nodes: &'a [Node<'a>], outputs: &[NodeId], steps: u32) -> Self {
        let count = nodes.len();
        let mut readers = vec![0; count];
        for input in nodes.iter().flat_map(|node| node.inputs) {
            readers[input.0] += 1;
        }
        let mut stored = vec![false; count];
        for output in outputs {
            stored[output.0] = true;
        }
        let private: Vec<bool> = (0..count).map(|i| readers[i] == 1 && !stored[i]).collect();
        let plans = (0..count).map(|_| None).collect();
        let mut compiler = Self {
            instructions,
            nodes,
            steps,
            plans,
            stored,
            vectors: vec![false; count],
            before: vec![[0; 2]; count],
            after: vec![[0; 2]; count],
        };
        for id in (0..count).rev().map(NodeId) {
            let shown = matches!(nodes[id.0].kind, Kind::Population(_) | Kind::Input);
            compiler.stored[id.0] |= shown;
            if compiler.stored[id.0] {
                let plan = compiler.plan(&private, id);
                compiler.need(id, &plan);
                compiler.plans[id.0] = Some(plan);
            }
        }
        compiler
    }

    fn plan(&self, private: &[bool], id: NodeId) -> Planned<'a> {
        let node = &self.nodes[id.0];
        let channels = node.shape.first().copied().unwrap_or(1);
        let sum = |last| Planned::Sum(Gather::of_input(self.nodes, private, id), last);
        match node.kind {
            Kind::Input => Planned::Input,
            Kind::Population(population) if Finish::window(population, channels, channels, self.steps).is_none() => {
                Planned::Plain
            }
            Kind::Population(population) => match &population.pool {
                Some(pool) => Planned::Pool(Pooling::Maximum(pool, Some(population))),
                None => sum(Last::Population(population)),
            },
            Kind::Readout(initial) => sum(Last::Initial(initial)),
            Kind::MaxPool(pool) | Kind::Op(Op::MaxPool(pool)) => Planned::Pool(Pooling::Maximum(pool, None)),
            Kind::Op(Op::AvgPool(pool)) => Planned::Pool(Pooling::Mean(pool)),
            Kind::Op(Op::Mean(mean)) => {
                let input = self.nodes[node.inputs[0].0].shape;
                let whole = mean.axes.iter().copied().eq(1..input.len()) && input.len() > 1;
                if whole { Planned::Pool(Pooling::Whole) } else { Planned::Plain }
            }
            Kind::Op(Op::Activation(activation)) => match Finish::activation(activation, node.shape, channels) {
                Some(_) => sum(Last::Activation(activation)),
                None => Planned::Plain,
            },
            Kind::Op(_) => match Gather::of(self.nodes, private, id) {
                Some(terms) => Planned::Sum(terms, Last::Nothing),
                None => Planned::Plain,
            },
        }
    }

    /// Notes what a step reads.
    fn need(&mut self, id: NodeId, plan: &Planned<'_>) {
        match plan {
            Planned::Input => {}
            Planned::Sum(terms, _) => {
                for weighted in &terms.weighted {
                    self.need_around(weighted);
                }
                for (from, _) in &terms.added {
                    self.stored[from.0] = true;
                    self.vectors[from.0] = true;
                }
            }
            Planned::Pool(_) | Planned::Plain => {
                for input in self.nodes[id.0].inputs {
                    self.stored[input.0] = true;
                    self.vectors[input.0] |= matches!(plan, Planned::Pool(_));
                }
            }
        }
    }

    /// The input of a weighted node is read, with padding around it.
    fn need_around(&mut self, weighted: &Weighted) {
        let from = weighted.from.0;
        self.stored[from] = true;
        self.vectors[from] |= weighted.depthwise;
        let geometry = self.geometry(weighted);
        let after = geometry.after(Layout::with_lanes(self.nodes[from].shape, 1, [0; 2], [0; 2]).extents);
        for axis in [0, 1] {
            self.before[from][axis] = self.before[from][axis].max(geometry.before[axis]);
            self.after[from][axis] = self.after[from][axis].max(after[axis]);
        }
    }

    fn geometry(&self, weighted: &Weighted) -> Geometry {
        let node = &self.nodes[weighted.node.0];
        let input = self.nodes[weighted.from.0].shape;
        if let Kind::Op(Op::Conv(conv)) = node.kind {
            return Geometry::conv(conv, input, node.shape);
        }
        // a linear layer on a whole map is a convolution whose window is the map
        let layout = Layout::with_lanes(input, 1, [0; 2], [0; 2]);
        let one = [1; 2];
        let channels = [layout.channels, node.shape.first().copied().unwrap_or(1)];
        let (kernel, output) = (layout.extents, one);
        Geometry { kernel, stride: one, dilation: one, before: [0; 2], groups: 1, channels, output }
    }

    fn convolution<'s>(&'s self, weighted: &'s Weighted, layouts: &[Option<Layout>]) -> Option<Convolution<'s>> {
        let geometry = self.geometry(weighted);
        let Kind::Op(op) = self.nodes[weighted.node.0].kind else { return None };
        let weights = match op {
            Op::Conv(conv) => conv.weight.data(),
            Op::Linear(linear) => linear.weight.data(),
            _ => return None,
        };
        let (inputs, [height, width]) = (geometry.channels[0] / geometry.groups, geometry.kernel);
        let weight = move |o: usize, i: usize, [y, x]: [usize; 2]| {
            weighted.factors[o] * weights[((o * inputs + i) * height + y) * width + x]
        };
        Some(Convolution { geometry, input: layouts[weighted.from.0].clone()?, weight: Box::new(weight) })
    }

    /// Where the values of each node lie, if they are stored.
    ///
    /// # Errors
    /// [`EngineError::Op`] when padding makes a map too large.
    pub(super) fn layouts(&self) -> Result<Vec<Option<Layout>>, EngineError> {
        let all = lanes(self.instructions);
        let layout = |i: usize| {
            let node = &self.nodes[i];
            let lanes = if matches!(node.kind, Kind::Input) && !self.vectors[i] { 1 } else { all };
            let layout = Layout::with_lanes(node.shape, lanes, self.before[i], self.after[i]);
            if layout.is_bounded() {
                return Ok(Some(layout));
            }
            let what = format!("node `{}`", node.name);
            Err(EngineError::Op { what, reason: "what reads it pads it to a map that is too large".into() })
        };
        (0..self.nodes.len()).map(|i| if self.plans[i].is_some() { layout(i) } else { Ok(None) }).collect()
    }

    /// The step of each node.
    ///
    /// # Errors
    /// [`EngineError::Op`] when a node does not fit its inputs.
    pub(super) fn steps(&self, layouts: &[Option<Layout>]) -> Result<Vec<Step>, EngineError> {
        (0..self.nodes.len())
            .map(|i| match (&self.plans[i], &layouts[i]) {
                (Some(plan), Some(to)) => self.step(&self.nodes[i], plan, to, layouts),
                _ => Ok(Step::Skip),
            })
            .collect()
    }

    fn step(
        &self,
        node: &Node<'a>,
        plan: &Planned<'a>,
        to: &Layout,
        layouts: &[Option<Layout>],
    ) -> Result<Step, EngineError> {
        let step = match plan {
            Planned::Input => Some(Step::Input),
            Planned::Plain => return self.plain(node),
            Planned::Sum(terms, last) => {
                self.layer(node.shape, terms, last, to, layouts).map(|layer| Step::Layer(Box::new(layer)))
            }
            Planned::Pool(pooling) => layouts[node.inputs[0].0].as_ref().and_then(|from| {
                let shape = self.nodes[node.inputs[0].0].shape;
                Some(Step::Pool(Box::new(match pooling {
                    Pooling::Mean(pool) => Pool::mean(pool, shape, from, to),
                    Pooling::Whole => Pool::whole_mean(from, to),
                    Pooling::Maximum(pool, None) => Pool::maximum(&pool.window, from, to, &[], Finish::Identity),
                    Pooling::Maximum(pool, Some(population)) => {
                        let bias: Vec<f32> = (0..to.channels).map(|c| population.initial(c)).collect();
                        let finish = Finish::window(population, to.channels, to.stored, self.steps)?;
                        Pool::maximum(&pool.window, from, to, &bias, finish)
                    }
                })))
            }),
        };
        step.ok_or_else(|| misfit(node))
    }

    fn layer(
        &self,
        shape: &[usize],
        terms: &Terms,
        last: &Last<'_>,
        to: &Layout,
        layouts: &[Option<Layout>],
    ) -> Option<Layer> {
        let mut bias = terms.bias.clone();
        let mut initial = |of: &dyn Fn(usize) -> f32| bias.iter_mut().enumerate().for_each(|(c, b)| *b += of(c));
        let finish = match last {
            Last::Nothing => Finish::Identity,
            Last::Activation(activation) => Finish::activation(activation, shape, to.stored)?,
            Last::Population(population) => {
                initial(&|c| population.initial(c));
                Finish::window(population, to.channels, to.stored, self.steps)?
            }
            Last::Initial(values) => {
                initial(&|c| values.get(if values.len() == 1 { 0 } else { c }).copied().unwrap_or(0.0));
                Finish::Identity
            }
        };
        let nodes =
            terms.added.iter().map(|(from, factors)| Some((*from, layouts[from.0].as_ref()?, factors.as_slice())));
        let nodes = nodes.collect::<Option<Vec<_>>>()?;
        let sum = Sum { bias: &bias, nodes, constant: terms.map.as_deref() };
        let convolutions = terms.weighted.iter().map(|weighted| self.convolution(weighted, layouts));
        let convolutions = convolutions.collect::<Option<Vec<_>>>()?;
        match terms.weighted.as_slice() {
            [only] if only.depthwise => {
                Some(Layer::depthwise(self.instructions, &convolutions[0], only.from, &sum, finish, to))
            }
            all => {
                let sources: Vec<NodeId> = all.iter().map(|weighted| weighted.from).collect();
                Some(Layer::dense(self.instructions, &convolutions, &sources, &sum, finish, to))
            }
        }
    }

    /// A step on channels first.
    fn plain(&self, node: &Node<'a>) -> Result<Step, EngineError> {
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|&i| self.nodes[i.0].shape).collect();
        let compiled = |op: &Op| compile_node(node.name, op, &shapes);
        Ok(match node.kind {
            Kind::Op(op) => Step::Plain(compiled(op)?),
            // greedy codes keep the order: the largest value has the lexicographically largest train
            Kind::MaxPool(pool) => Step::Plain(compiled(&Op::MaxPool(pool.clone()))?),
            Kind::Population(population) => Step::Generate {
                pool: population.pool.clone().map(|pool| compiled(&Op::MaxPool(pool))).transpose()?,
                generator: Box::new(PopulationGenerator::new(population, node.shape, self.steps)),
            },
            Kind::Input | Kind::Readout(_) => return Err(misfit(node)),
        })
    }

    /// What a unit of the codes counts, for the channels of each population that has a layer or a pool here.
    pub(super) fn sent(&self) -> Vec<Option<Vec<f32>>> {
        let of = |(node, plan): (&Node<'_>, &Option<Planned<'_>>)| match (node.kind, plan) {
            (Kind::Population(population), Some(Planned::Sum(..) | Planned::Pool(_))) => {
                Some(sent(population, node.shape.first().copied().unwrap_or(1), self.steps))
            }
            _ => None,
        };
        self.nodes.iter().zip(&self.plans).map(of).collect()
    }

    /// For each node the last one that reads its values.
    pub(super) fn last_reads(&self, steps: &[Step]) -> Vec<usize> {
        let mut last: Vec<usize> = (0..steps.len()).collect();
        for (i, step) in steps.iter().enumerate() {
            let mut read = |node: NodeId| last[node.0] = last[node.0].max(i);
            match step {
                Step::Skip | Step::Input => {}
                Step::Layer(layer) => layer.reads().for_each(&mut read),
                _ => self.nodes[i].inputs.iter().copied().for_each(&mut read),
            }
        }
        last
    }

    /// Elements of a sample, channels first, of the largest node that a kernel reads or writes.
    pub(super) fn plain_volume(&self, steps: &[Step]) -> usize {
        let of = |(node, step): (&Node<'_>, &Step)| match step {
            Step::Plain(_) | Step::Generate { .. } => {
                node.inputs.iter().map(|i| volume(self.nodes[i.0].shape)).chain([volume(node.shape)]).max()
            }
            _ => None,
        };
        self.nodes.iter().zip(steps).filter_map(of).max().unwrap_or(0)
    }
}

fn misfit(node: &Node<'_>) -> EngineError {
    let reason = "it does not fit what it reads".to_owned();
    EngineError::Op { what: format!("node `{}`", node.name), reason }
}
