use std::collections::VecDeque;

use super::Semantics;
use crate::{Array, Node};

/// What a node remembers from step to step.
pub(super) struct State {
    /// Membrane potentials.
    pub(super) v: Vec<f64>,
    /// Currents of the synapses of nodes that have one.
    i: Vec<f64>,
    /// What is on its way through a delay, the oldest first.
    way: VecDeque<Vec<f64>>,
    /// Steps of each delay.
    delays: Vec<usize>,
}

/// Longest delay in steps.
const LONGEST_DELAY: f64 = 65536.0;

impl State {
    /// Before the first step: membranes at 0.
    pub(super) fn new(node: &Node, neurons: usize, semantics: &Semantics) -> Result<Self, String> {
        let mut state = Self { v: Vec::new(), i: Vec::new(), way: VecDeque::new(), delays: Vec::new() };
        if let Node::Delay(delay) = node {
            let steps = delay.data().iter().map(|&delay| (delay / semantics.dt).round());
            for steps in steps {
                if steps.is_nan() || steps > LONGEST_DELAY {
                    return Err(format!("a delay of {steps} steps; at most {LONGEST_DELAY} are supported"));
                }
                state.delays.push(steps as usize);
            }
            let longest = state.delays.iter().copied().max().unwrap_or(0);
            state.way = std::iter::repeat_n(vec![0.0; neurons], longest).collect();
        } else if node.is_stateful() {
            state.v = vec![0.0; neurons];
            state.i = vec![0.0; neurons];
        }
        Ok(state)
    }

    /// One step with input `x`: what is sent.
    pub(super) fn step(&mut self, node: &Node, semantics: &Semantics, x: Vec<f64>) -> Vec<f64> {
        match node {
            Node::Delay(_) => return self.delayed(x),
            Node::Integrator(r) => {
                for ((v, x), r) in self.v.iter_mut().zip(x).zip(r.data()) {
                    *v += semantics.dt * r * x;
                }
            }
            Node::IntegrateFire { r, .. } => {
                for ((v, x), r) in self.v.iter_mut().zip(x).zip(r.data()) {
                    *v = semantics.decay * *v + semantics.dt * r * x;
                }
            }
            Node::LeakyIntegrator(leaky) | Node::LeakyIntegrateFire { leaky, .. } => {
                self.leak(semantics.dt, (&leaky.tau, &leaky.r, &leaky.v_leak), &x);
            }
            Node::SynapticIntegrator(synaptic) | Node::SynapticIntegrateFire { synaptic, .. } => {
                let w_in = synaptic.w_in.as_ref().map(Array::data);
                for (n, (i, x)) in self.i.iter_mut().zip(&x).enumerate() {
                    let w_in = w_in.map_or(1.0, |w| *w.get(n).unwrap_or(&w[0]));
                    *i += semantics.dt / synaptic.tau_syn.data()[n] * (w_in * x - *i);
                }
                let currents = std::mem::take(&mut self.i);
                self.leak(semantics.dt, (&synaptic.tau_mem, &synaptic.r, &synaptic.v_leak), &currents);
                self.i = currents;
            }
            _ => return x,
        }
        let Some((v_threshold, v_reset)) = node.threshold() else { return self.v.clone() };
        let fire = |(n, v): (usize, &mut f64)| {
            let v_reset = v_reset.map_or(0.0, |v_reset| v_reset.data()[n]);
            let (spikes, after) = semantics.fire(*v, v_threshold.data()[n], v_reset);
            *v = after;
            spikes
        };
        self.v.iter_mut().enumerate().map(fire).collect()
    }

    fn leak(&mut self, dt: f64, (tau, r, v_leak): (&Array, &Array, &Array), x: &[f64]) {
        for (n, (v, x)) in self.v.iter_mut().zip(x).enumerate() {
            *v += dt / tau.data()[n] * (v_leak.data()[n] - *v + r.data()[n] * x);
        }
    }

    fn delayed(&mut self, x: Vec<f64>) -> Vec<f64> {
        self.way.push_back(x);
        let last = self.way.len() - 1;
        let sent = self.delays.iter().enumerate().map(|(n, &steps)| self.way[last - steps][n]).collect();
        self.way.pop_front();
        sent
    }
}
