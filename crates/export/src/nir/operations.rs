//! What each operation becomes, with a factor on its result and a bias behind it.

use spikeconverter_graph::ops::{Add, Affine, AvgPool, Conv, Linear, Mean, Pad, Select, Window};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::NodeKind;
use spikeconverter_nir::{Node, Pool};

use super::Pooling;
use super::convolution::{Dense, single};
use super::lower::{Each, Lowering, Made, Wanted, convolution, spread};
use crate::ExportError;

impl Lowering<'_> {
    pub(super) fn conv(&mut self, id: NodeId, conv: &Conv, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        let node = self.network.node(id);
        let child = node.inputs[0];
        let shape = self.network.node(child).shape.clone();
        let (out, input) = (conv.out_channels(), conv.in_channels());
        let (factors, natural) = (spread(factor, out), spread(&self.natural(child), input));
        let taps = conv.window.taps();
        let reads = input / conv.groups;
        let mut weight = vec![0.0; out * input * taps];
        for o in 0..out {
            let group = o / (out / conv.groups);
            for within in 0..reads {
                let channel = group * reads + within;
                for tap in 0..taps {
                    let value = f64::from(conv.weight.data()[(o * reads + within) * taps + tap]);
                    weight[(o * input + channel) * taps + tap] = value * factors[o] / natural[channel];
                }
            }
        }
        let bias = biases(conv.bias.as_ref().map(Tensor::data), &factors, bias);
        let dense = Dense { out, input, weight, bias, window: conv.window.clone() };
        let made = convolution(dense, &shape[1..], &node.shape[1..])
            .map_err(|reason| ExportError::node(&node.name, reason))?;
        self.weighted(id, made)
    }

    pub(super) fn linear(&mut self, id: NodeId, linear: &Linear, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        let node = self.network.node(id);
        if node.shape.len() != 1 {
            let reason = format!("a matrix product on values of shape {:?} has no form in NIR", node.shape);
            return Err(ExportError::node(&node.name, reason));
        }
        let (out, input) = (linear.outputs(), linear.inputs());
        let (factors, natural) = (spread(factor, out), spread(&self.natural(node.inputs[0]), input));
        let scaled = |(at, &w): (usize, &f32)| f64::from(w) * factors[at / input] / natural[at % input];
        let weight: Each = linear.weight.data().iter().enumerate().map(scaled).collect();
        let bias = biases(linear.bias.as_ref().map(Tensor::data), &factors, bias);
        let made = Node::Affine { weight: single(vec![out, input], &weight), bias: single(vec![out], &bias) };
        self.weighted(id, made)
    }

    /// A node with weights, which take what its child gives most easily.
    fn weighted(&mut self, id: NodeId, made: Node) -> Made {
        let node = self.network.node(id);
        let child = node.inputs[0];
        let natural = self.natural(child);
        let sources = self.make(child, &natural, None)?;
        let sources = self.distinct(&node.name, sources, &self.network.node(child).shape.clone())?;
        Ok(vec![self.add(&node.name, made, &sources)])
    }

    pub(super) fn sum(&mut self, id: NodeId, add: &Add, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        let node = self.network.node(id);
        let mut sources = Vec::new();
        for (n, (&input, &coefficient)) in node.inputs.iter().zip(&add.coefficients).enumerate() {
            if self.network.node(input).shape != node.shape {
                return Err(ExportError::node(&node.name, "a sum of values of different shapes has no form in NIR"));
            }
            let scaled: Each = factor.iter().map(|f| f * f64::from(coefficient)).collect();
            sources.extend(self.make(input, &scaled, bias.filter(|_| n == 0))?);
        }
        Ok(sources)
    }

    pub(super) fn affine(&mut self, id: NodeId, affine: &Affine, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        let node = self.network.node(id);
        let channels = node.shape.first().copied().unwrap_or(1);
        let each = |tensor: &Option<Tensor>, default: f64| {
            let Some(tensor) = tensor else { return Ok(vec![default]) };
            let whole = tensor.broadcast_to(&node.shape);
            let inner = volume(&node.shape) / channels.max(1);
            let whole = whole.as_ref().map(Tensor::data).unwrap_or_default();
            if whole.chunks(inner.max(1)).any(|channel| channel.iter().any(|&x| x != channel[0])) {
                let reason = "a constant that differs within a channel has no form in NIR that importers read";
                return Err(ExportError::node(&node.name, reason));
            }
            Ok(whole.iter().step_by(inner.max(1)).map(|&x| f64::from(x)).collect())
        };
        let (scale, shift) = (each(&affine.scale, 1.0)?, each(&affine.shift, 0.0)?);
        let factors = spread(factor, channels);
        let shifts: Each = factors.iter().zip(spread(&shift, channels)).map(|(f, s)| f * s).collect();
        let scales: Each = factors.iter().zip(spread(&scale, channels)).map(|(f, s)| f * s).collect();
        let bias = bias.map_or_else(|| vec![0.0; channels], |bias| spread(bias, channels));
        let bias: Each = bias.iter().zip(&shifts).map(|(a, b)| a + b).collect();
        let constant = bias.iter().any(|&b| b != 0.0);
        self.make(node.inputs[0], &scales, constant.then_some(bias.as_slice()))
    }

    /// Positions that a stride tells, of channels in any order.
    pub(super) fn select(&mut self, id: NodeId, select: &Select, wanted: Wanted<'_>) -> Made {
        let node = self.network.node(id);
        let refuse = || ExportError::node(&node.name, "these positions are none that a convolution of NIR can pick");
        let [channels, spatial @ ..] = select.maps.as_slice() else { return Err(refuse()) };
        let mut window = Window::new(vec![1; spatial.len()]);
        for (axis, map) in spatial.iter().enumerate() {
            let Some(map) = map else { continue };
            let step = map.get(1).map_or(Some(1), |second| second.checked_sub(map[0])).filter(|&step| step > 0);
            let step = step.ok_or_else(refuse)?;
            if map.windows(2).any(|pair| pair[0] + step != pair[1]) {
                return Err(refuse());
            }
            (window.kernel[axis], window.stride[axis]) = (map[0] + 1, step);
        }
        let inputs = self.network.node(node.inputs[0]).shape[0];
        let from = channels
            .as_ref()
            .map_or_else(|| (0..inputs).map(Some).collect(), |map| map.iter().copied().map(Some).collect());
        self.route(id, from, window, wanted)
    }

    /// Channels and positions of zeros.
    pub(super) fn pad(&mut self, id: NodeId, pad: &Pad, wanted: Wanted<'_>) -> Made {
        let node = self.network.node(id);
        let inputs = self.network.node(node.inputs[0]).shape[0];
        let mut window = Window::new(vec![1; node.shape.len() - 1]);
        (window.pad_begin, window.pad_end) = (pad.before[1..].to_vec(), pad.after[1..].to_vec());
        let from = (0..node.shape[0]).map(|to| to.checked_sub(pad.before[0]).filter(|&from| from < inputs)).collect();
        self.route(id, from, window, wanted)
    }

    /// A convolution whose last tap passes on one channel, or none.
    fn route(&mut self, id: NodeId, from: Vec<Option<usize>>, window: Window, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        let node = self.network.node(id);
        let child = node.inputs[0];
        let shape = self.network.node(child).shape.clone();
        let (out, input, taps) = (from.len(), shape[0], window.taps());
        if !(2..=3).contains(&shape.len()) {
            return Err(ExportError::node(&node.name, format!("values of shape {shape:?} have no convolution in NIR")));
        }
        let (factors, natural) = (spread(factor, out), spread(&self.natural(child), input));
        let mut weight = vec![0.0; out * input * taps];
        for (to, from) in from.into_iter().enumerate() {
            if let Some(from) = from {
                weight[(to * input + from + 1) * taps - 1] = factors[to] / natural[from];
            }
        }
        let dense = Dense { out, input, weight, bias: biases(None, &factors, bias), window };
        let made = convolution(dense, &shape[1..], &node.shape[1..])
            .map_err(|reason| ExportError::node(&node.name, reason))?;
        self.weighted(id, made)
    }

    /// How many values a mean is of; nothing where that differs from place to place.
    pub(super) fn count(&self, id: NodeId) -> Option<f64> {
        let node = self.network.node(id);
        let spatial = self.network.node(node.inputs[0]).shape.get(1..)?;
        match &node.kind {
            NodeKind::Synapse(Op::AvgPool(AvgPool { window, ceil, count_include_pad })) => {
                let whole = !ceil && (*count_include_pad || !window.is_padded());
                whole.then_some(window.taps() as f64)
            }
            NodeKind::Synapse(Op::Mean(_)) => Some(spatial.iter().product::<usize>() as f64),
            _ => None,
        }
    }

    pub(super) fn mean(&mut self, id: NodeId, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        let node = self.network.node(id);
        let child = node.inputs[0];
        let shape = self.network.node(child).shape.clone();
        let refuse = |reason: &str| ExportError::node(&node.name, reason);
        let (window, flat) = match &node.kind {
            NodeKind::Synapse(Op::AvgPool(pool)) => (pool.window.clone(), false),
            NodeKind::Synapse(Op::Mean(Mean { axes, keep })) if axes.iter().copied().eq(1..shape.len()) => {
                (Window::new(shape[1..].to_vec()), !keep)
            }
            _ => return Err(refuse("a mean over these axes has no form in NIR")),
        };
        let count = self.count(id).ok_or_else(|| {
            refuse("means of different numbers of values have no form in NIR (padding that does not count)")
        })?;
        let wide = if flat { [&shape[..1], &vec![1; shape.len() - 1]].concat() } else { node.shape.clone() };
        let symmetric =
            shape.len() == 3 && window.pad_begin == window.pad_end && window.dilation.iter().all(|&d| d == 1);
        let made = if self.pooling == Pooling::Convolution || !symmetric {
            let natural = spread(&self.natural(child), shape[0]);
            let factors = spread(factor, shape[0]);
            let each: Each = factors.iter().zip(&natural).map(|(f, n)| f / n / count).collect();
            let taps = window.taps();
            let weight = Dense::diagonal(&each, Vec::new(), 0).weight;
            let weight = weight.into_iter().flat_map(|w| std::iter::repeat_n(w, taps)).collect();
            let zeros = vec![0.0; shape[0]];
            let bias = bias.map_or(zeros, |bias| spread(bias, shape[0]));
            let dense = Dense { out: shape[0], input: shape[0], weight, bias, window };
            let made = convolution(dense, &shape[1..], &wide[1..]).map_err(|reason| refuse(&reason))?;
            self.weighted(id, made)?
        } else {
            let per = if self.pooling == Pooling::Sum { count } else { 1.0 };
            let each: Each = factor.iter().map(|f| f / per).collect();
            let sources = self.make(child, &each, None)?;
            let sources = self.distinct(&node.name, sources, &shape)?;
            let two = |values: &[usize]| [values[0], values[1]];
            let pool =
                Pool { kernel: two(&window.kernel), stride: two(&window.stride), padding: two(&window.pad_begin) };
            let pool = if self.pooling == Pooling::Sum { Node::SumPool2d(pool) } else { Node::AvgPool2d(pool) };
            let pooled = self.add(&node.name, pool, &sources);
            match bias {
                Some(bias) => vec![self.scaled(&node.name, &[pooled], &[1.0], Some(bias), &wide)?],
                None => vec![pooled],
            }
        };
        if flat { Ok(vec![self.flat(&node.name, &made, &wide)]) } else { Ok(made) }
    }

    fn flat(&mut self, name: &str, sources: &[String], shape: &[usize]) -> String {
        // importers that keep a batch axis, and those that do not, agree on -1 for the last
        let flatten = Node::Flatten { input: Some(shape.to_vec()), start: 0, end: -1 };
        self.add(&format!("{name}_flatten"), flatten, sources)
    }

    pub(super) fn flatten(&mut self, id: NodeId, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        let node = self.network.node(id);
        let child = node.inputs[0];
        let shape = self.network.node(child).shape.clone();
        if node.shape == shape {
            return self.make(child, factor, bias);
        }
        if node.shape.len() != 1 {
            let reason = format!("NIR has no reshape from {shape:?} to {:?}", node.shape);
            return Err(ExportError::node(&node.name, reason));
        }
        let inner = node.shape[0] / shape.first().copied().unwrap_or(1).max(1);
        let channels: Option<Each> = match factor {
            &[only] => Some(vec![only]),
            all => all
                .chunks(inner.max(1))
                .map(|channel| channel.iter().all(|&x| x == channel[0]).then_some(channel[0]))
                .collect(),
        };
        let each = channels.clone().unwrap_or_else(|| self.natural(child));
        let sources = self.make(child, &each, None)?;
        let sources = self.distinct(&node.name, sources, &shape)?;
        let flat = self.flat(&node.name, &sources, &shape);
        if channels.is_some() && bias.is_none() {
            return Ok(vec![flat]);
        }
        let natural = spread(&self.natural(id), node.shape[0]);
        let rest: Each = match channels {
            Some(_) => vec![1.0],
            None => spread(factor, node.shape[0]).iter().zip(&natural).map(|(f, n)| f / n).collect(),
        };
        Ok(vec![self.scaled(&node.name, &[flat], &rest, bias, &node.shape)?])
    }
}

/// `factor · own + more`.
fn biases(own: Option<&[f32]>, factors: &[f64], more: Option<&[f64]>) -> Each {
    let more = more.map_or_else(|| vec![0.0; factors.len()], |more| spread(more, factors.len()));
    let own = |n: usize| own.map_or(0.0, |own| f64::from(own[n]));
    factors.iter().zip(more).enumerate().map(|(n, (factor, more))| factor * own(n) + more).collect()
}
