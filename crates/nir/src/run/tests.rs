use super::*;
use crate::{Array, Conv, Leaky, LeakySynaptic, Numbers, Padding, Pool};

fn vector(values: &[f64]) -> Array {
    Array::new(vec![values.len()], values.to_vec(), Numbers::Double).unwrap()
}

/// Input, the nodes one behind the other, output.
fn chain(input: Vec<usize>, nodes: Vec<Node>, output: Vec<usize>) -> Graph {
    let mut graph = Graph::default();
    graph.add("input", Node::Input(input));
    let mut last = "input".to_owned();
    for (n, node) in nodes.into_iter().enumerate() {
        graph.add(n.to_string(), node);
        graph.connect(last, n.to_string());
        last = n.to_string();
    }
    graph.add("output", Node::Output(output));
    graph.connect(last, "output");
    graph
}

fn run(node: Node, semantics: Semantics, inputs: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let graph = chain(vec![1], vec![node], vec![1]);
    let mut run = Interpreter::new(&graph, semantics).unwrap();
    let (mut sent, mut membranes) = (Vec::new(), Vec::new());
    for &input in inputs {
        sent.push(run.step(&[input]).unwrap()[0]);
        membranes.extend(run.membranes("0").unwrap_or_default());
    }
    (sent, membranes)
}

fn integrate_fire() -> Node {
    Node::IntegrateFire { r: vector(&[1.0]), v_threshold: vector(&[1.0]), v_reset: Some(vector(&[-0.25])) }
}

/// Worked by hand: 0.5; 1 does not fire; 1.5 fires and becomes −0.25; 0.25.
#[test]
fn integrate_and_fire_as_nir_has_it() {
    let (spikes, v) = run(integrate_fire(), Semantics::default(), &[0.5; 4]);
    assert_eq!(spikes, [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(v, [0.5, 1.0, -0.25, 0.25]);
}

/// By subtraction, with ≥: 0.5; 1 fires, 0; 0.5; 1 fires, 0.
#[test]
fn integrate_and_fire_by_subtraction() {
    let semantics = Semantics { reset: Reset::Subtract, fires: Fires::AtLeast, ..Semantics::default() };
    let (spikes, v) = run(integrate_fire(), semantics, &[0.5; 4]);
    assert_eq!(spikes, [0.0, 1.0, 0.0, 1.0]);
    assert_eq!(v, [0.5, 0.0, 0.5, 0.0]);
}

/// Several spikes a step and a floor: 2.5 sends two, 0.5; −2.5 becomes −1; 0.5 − 1; a decay of 1/2 leaves half.
#[test]
fn choices_of_importers() {
    let semantics = Semantics {
        reset: Reset::Subtract,
        fires: Fires::AtLeast,
        multiple: true,
        floor: Some(1.0),
        ..Semantics::default()
    };
    let (spikes, v) = run(integrate_fire(), semantics, &[2.5, -3.0, 0.5]);
    assert_eq!((spikes, v), (vec![2.0, 0.0, 0.0], vec![0.5, -1.0, -0.5]));
    let (_, v) = run(integrate_fire(), Semantics { decay: 0.5, ..Semantics::default() }, &[0.5, 0.25, 0.0]);
    assert_eq!(v, [0.5, 0.5, 0.25]);
}

/// τ = 4, leak to 0.5, r = 2, dt = 1: v ← v + (0.5 − v + 2)/4 = 0.625, then 1.09375 fires.
#[test]
fn leaky_neurons() {
    let leaky = || Leaky { tau: vector(&[4.0]), r: vector(&[2.0]), v_leak: vector(&[0.5]) };
    let fires = Node::LeakyIntegrateFire { leaky: leaky(), v_threshold: vector(&[1.0]), v_reset: None };
    assert_eq!(run(fires, Semantics::default(), &[1.0; 3]), (vec![0.0, 1.0, 0.0], vec![0.625, 0.0, 0.625]));
    let sent = run(Node::LeakyIntegrator(leaky()), Semantics { dt: 2.0, ..Semantics::default() }, &[1.0; 2]).0;
    assert_eq!(sent, [1.25, 1.875]);
}

/// τ_syn = 2, w_in = 4, τ_mem = 4, r = 1: i = 2, then 1; v = 0.5, then 0.5 + (1 − 0.5)/4.
#[test]
fn leaky_synapses() {
    let synaptic = || LeakySynaptic {
        tau_syn: vector(&[2.0]),
        tau_mem: vector(&[4.0]),
        r: vector(&[1.0]),
        v_leak: vector(&[0.0]),
        w_in: Some(vector(&[4.0])),
    };
    let sent = run(Node::SynapticIntegrator(synaptic()), Semantics::default(), &[1.0, 0.0]).0;
    assert_eq!(sent, [0.5, 0.625]);
    let fires = Node::SynapticIntegrateFire { synaptic: synaptic(), v_threshold: vector(&[0.5]), v_reset: None };
    let at_least = Semantics { fires: Fires::AtLeast, ..Semantics::default() };
    assert_eq!(run(fires, at_least, &[1.0, 0.0]).0, [1.0, 0.0]);
}

#[test]
fn delays_thresholds_and_integrators() {
    let inputs = [1.0, 2.0, 3.0, 4.0];
    assert_eq!(run(Node::Delay(vector(&[2.0])), Semantics::default(), &inputs).0, [0.0, 0.0, 1.0, 2.0]);
    assert_eq!(run(Node::Delay(vector(&[0.0])), Semantics::default(), &inputs).0, inputs);
    assert_eq!(run(Node::Threshold(vector(&[2.0])), Semantics::default(), &inputs).0, [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(run(Node::Integrator(vector(&[0.5])), Semantics::default(), &inputs).0, [0.5, 1.5, 3.0, 5.0]);
    assert_eq!(run(Node::Scale(vector(&[3.0])), Semantics::default(), &inputs).0, [3.0, 6.0, 9.0, 12.0]);
}

/// A convolution in two groups with stride 2 and padding 1 on a 3×3 map of ones, worked by hand: corners see four ones.
#[test]
fn convolutions_and_pools() {
    let conv = Conv {
        input: Some(vec![3, 3]),
        weight: Array::single(vec![2, 1, 3, 3], &[1.0; 18]).unwrap(),
        stride: vec![2, 2],
        padding: Padding::Both(vec![1, 1]),
        dilation: vec![1, 1],
        groups: 2,
        bias: vector(&[0.0, 0.5]),
    };
    let pool = |kernel| Pool { kernel, stride: [1, 1], padding: [0, 0] };
    let graph = chain(
        vec![2, 3, 3],
        vec![
            Node::Conv2d(conv),
            Node::SumPool2d(pool([1, 2])),
            Node::AvgPool2d(pool([2, 1])),
            Node::Flatten { input: None, start: 0, end: -1 },
            Node::Affine { weight: Array::single(vec![1, 2], &[1.0, 10.0]).unwrap(), bias: vector(&[0.25]) },
        ],
        vec![1],
    );
    let mut run = Interpreter::new(&graph, Semantics::default()).unwrap();
    let input: Vec<f64> = (0..18).map(|n| if n < 9 { 1.0 } else { 2.0 }).collect();
    let result = run.step(&input).unwrap()[0];
    assert_eq!(run.sent("0").unwrap(), [4.0, 4.0, 4.0, 4.0, 8.5, 8.5, 8.5, 8.5]);
    assert_eq!(run.sent("2").unwrap(), [8.0, 17.0]);
    assert_eq!(result, 178.25);
    assert!(run.step(&[0.0]).unwrap_err().to_string().contains("18 are wanted"));
}

/// A dilated convolution that keeps its extent by itself: taps at −2, 0, 2.
#[test]
fn a_convolution_in_one_axis() {
    let conv = Conv {
        input: None,
        weight: Array::single(vec![1, 1, 3], &[1.0, 10.0, 100.0]).unwrap(),
        stride: vec![1],
        padding: Padding::Same,
        dilation: vec![2],
        groups: 1,
        bias: vector(&[0.0]),
    };
    let graph = chain(vec![1, 4], vec![Node::Conv1d(conv)], vec![1, 4]);
    let mut run = Interpreter::new(&graph, Semantics::default()).unwrap();
    assert_eq!(run.step(&[1.0, 2.0, 3.0, 4.0]).unwrap(), [310.0, 420.0, 31.0, 42.0]);
}

/// A neuron that hears itself, in a graph of its own: its spike comes back one step later.
#[test]
fn recurrence_takes_a_step() {
    let mut inner = Graph::default();
    inner.add("input", Node::Input(vec![1]));
    inner.add("neuron", integrate_fire());
    inner.add("weight", Node::Linear(Array::single(vec![1, 1], &[-2.0]).unwrap()));
    inner.add("output", Node::Output(vec![1]));
    for (from, to) in [("input", "neuron"), ("neuron", "weight"), ("weight", "neuron"), ("neuron", "output")] {
        inner.connect(from, to);
    }
    let graph = chain(vec![1], vec![Node::Graph(inner)], vec![1]);
    let semantics = Semantics { reset: Reset::Subtract, ..Semantics::default() };
    let mut run = Interpreter::new(&graph, semantics).unwrap();
    // 1.5 fires, 0.5; then 1.5 − 2 joins: 0; 1.5 fires
    let spikes: Vec<f64> = (0..3).map(|_| run.step(&[1.5]).unwrap()[0]).collect();
    assert_eq!(spikes, [1.0, 0.0, 1.0]);
    assert_eq!(run.membranes("0.neuron").unwrap(), [0.5]);
    run.restart();
    run.set_membranes("0.neuron", &[2.0]).unwrap();
    run.step(&[0.0]).unwrap();
    assert_eq!(run.membranes("0.neuron").unwrap(), [1.0]);
    assert!(run.set_membranes("0.weight", &[2.0]).is_err());
}

#[test]
fn a_cycle_without_memory_is_refused() {
    let mut graph = chain(vec![1], vec![Node::Scale(vector(&[1.0])), Node::Scale(vector(&[1.0]))], vec![1]);
    graph.connect("1", "0");
    let error = Interpreter::new(&graph, Semantics::default()).err().unwrap().to_string();
    assert!(error.contains("nothing takes time"), "{error}");
}

#[test]
fn what_does_not_fit_is_named() {
    let wrong = |graph: &Graph| Interpreter::new(graph, Semantics::default()).err().unwrap().to_string();
    let graph = chain(vec![2], vec![integrate_fire()], vec![1]);
    assert_eq!(wrong(&graph), "node `0`: of `input` it receives [2]: its parameters have shape [1]");
    let mut graph = chain(vec![1], vec![Node::Linear(Array::full(vec![1, 1], 1.0))], vec![1]);
    graph.edges.clear();
    assert_eq!(wrong(&graph), "node `0`: no input reaches it");
    graph.connect("input", "elsewhere");
    assert!(wrong(&graph).contains("no such node"));
}
