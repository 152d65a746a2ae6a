//! Graphs as files: round trips, damaged bytes, and files that other programs wrote.
#![allow(clippy::print_stderr)] // says when the data folder is not there

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use spikeconverter_nir::{
    Array, Conv, Graph, Interpreter, Leaky, LeakySynaptic, Meta, Node, Numbers, Padding, Pool, Semantics, Shapes,
};

fn name() -> PathBuf {
    PathBuf::from("net.nir")
}

fn array(shape: Vec<usize>) -> impl Strategy<Value = Array> {
    let count: usize = shape.iter().product();
    let integers = (prop::collection::vec(-1000i32..1000, count), Just(Numbers::Integer));
    let reals =
        (prop::collection::vec(-1000i32..1000, count), prop_oneof![Just(Numbers::Single), Just(Numbers::Double)]);
    prop_oneof![integers, reals].prop_map(move |(data, numbers)| {
        let unit = if numbers == Numbers::Integer { 1.0 } else { 0.125 };
        Array::new(shape.clone(), data.into_iter().map(|x| f64::from(x) * unit).collect(), numbers).unwrap()
    })
}

fn extents(count: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1usize..4, count)
}

fn conv(axes: usize) -> impl Strategy<Value = Conv> {
    let padding = prop_oneof![extents(axes).prop_map(Padding::Both), Just(Padding::Same), Just(Padding::Valid)];
    let shape = prop::collection::vec(1usize..3, axes + 2);
    (shape, prop::option::of(extents(axes)), extents(axes), padding, extents(axes), 1usize..3).prop_flat_map(
        |(shape, input, stride, padding, dilation, groups)| {
            let bias = array(vec![shape[0]]);
            (array(shape), bias).prop_map(move |(weight, bias)| Conv {
                input: input.clone(),
                weight,
                stride: stride.clone(),
                padding: padding.clone(),
                dilation: dilation.clone(),
                groups,
                bias,
            })
        },
    )
}

fn pool() -> impl Strategy<Value = Pool> {
    let two = || [1usize..4, 1usize..4];
    (two(), two(), two()).prop_map(|(kernel, stride, padding)| Pool { kernel, stride, padding })
}

fn leaky(shape: &[usize]) -> impl Strategy<Value = Leaky> + use<> {
    let [tau, r, v_leak] = [0; 3].map(|_| array(shape.to_vec()));
    (tau, r, v_leak).prop_map(|(tau, r, v_leak)| Leaky { tau, r, v_leak })
}

fn synaptic(shape: &[usize]) -> impl Strategy<Value = LeakySynaptic> + use<> {
    (leaky(shape), array(shape.to_vec()), prop::option::of(array(shape.to_vec())))
        .prop_map(|(Leaky { tau, r, v_leak }, tau_syn, w_in)| LeakySynaptic { tau_syn, tau_mem: tau, r, v_leak, w_in })
}

/// A node of any kind but a graph; its numbers need not fit each other, which a file does not ask for.
fn node() -> impl Strategy<Value = Node> {
    let shape = || prop::collection::vec(1usize..4, 0..3);
    let fires = |shape: Vec<usize>| (array(shape.clone()), prop::option::of(array(shape)));
    prop_oneof![
        shape().prop_map(Node::Input),
        shape().prop_map(Node::Output),
        (array(vec![2, 3]), array(vec![2])).prop_map(|(weight, bias)| Node::Affine { weight, bias }),
        array(vec![3, 1]).prop_map(Node::Linear),
        shape().prop_flat_map(array).prop_map(Node::Scale),
        conv(1).prop_map(Node::Conv1d),
        conv(2).prop_map(Node::Conv2d),
        (prop::option::of(extents(3)), -3i64..3, -3i64..3).prop_map(|(input, start, end)| Node::Flatten {
            input,
            start,
            end
        }),
        pool().prop_map(Node::AvgPool2d),
        pool().prop_map(Node::SumPool2d),
        shape().prop_flat_map(array).prop_map(Node::Delay),
        shape().prop_flat_map(array).prop_map(Node::Integrator),
        shape().prop_flat_map(array).prop_map(Node::Threshold),
        shape()
            .prop_flat_map(move |s| (array(s.clone()), fires(s)))
            .prop_map(|(r, (v_threshold, v_reset))| { Node::IntegrateFire { r, v_threshold, v_reset } }),
        shape().prop_flat_map(|s| leaky(&s)).prop_map(Node::LeakyIntegrator),
        shape()
            .prop_flat_map(move |s| (leaky(&s), fires(s)))
            .prop_map(|(leaky, (v_threshold, v_reset))| { Node::LeakyIntegrateFire { leaky, v_threshold, v_reset } }),
        shape().prop_flat_map(|s| synaptic(&s)).prop_map(Node::SynapticIntegrator),
        shape().prop_flat_map(move |s| (synaptic(&s), fires(s))).prop_map(|(synaptic, (v_threshold, v_reset))| {
            Node::SynapticIntegrateFire { synaptic, v_threshold, v_reset }
        }),
    ]
}

fn meta() -> impl Strategy<Value = Meta> {
    let flat = prop_oneof!["[ -~é]{0,12}".prop_map(Meta::Text), array(vec![2]).prop_map(Meta::Numbers)];
    let inner = prop::collection::btree_map("[a-z]{1,4}", flat.clone(), 0..3).prop_map(Meta::Group);
    prop_oneof![flat, inner]
}

fn graph(depth: u32) -> BoxedStrategy<Graph> {
    let inside = if depth == 0 {
        node().boxed()
    } else {
        prop_oneof![4 => node(), 1 => graph(depth - 1).prop_map(Node::Graph)].boxed()
    };
    let nodes = prop::collection::btree_map("[a-zA-Zé][a-z0-9_. ]{0,6}", inside, 1..6);
    let metadata = prop::collection::btree_map("[a-z]{1,6}", meta(), 0..3);
    (nodes, metadata, prop::collection::vec((0usize..6, 0usize..6), 0..8))
        .prop_map(|(nodes, metadata, pairs)| {
            let mut graph = Graph { metadata, ..Graph::default() };
            for (name, node) in nodes {
                graph.add(name, node);
            }
            for (from, to) in pairs {
                let of = |n: usize| graph.nodes[n % graph.nodes.len()].name.clone();
                let edge = (of(from), of(to));
                if !graph.edges.contains(&edge) {
                    graph.edges.push(edge);
                }
            }
            graph
        })
        .boxed()
}

/// The order of a file's nodes is its names'.
fn sorted(mut graph: Graph) -> Graph {
    graph.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    for element in &mut graph.nodes {
        if let Node::Graph(inner) = &mut element.node {
            *inner = sorted(std::mem::take(inner));
        }
    }
    graph
}

/// A small network with a bit of everything that can go wrong in bytes.
fn small() -> Graph {
    let mut graph = Graph::default();
    graph.add("input", Node::Input(vec![1, 4, 4]));
    let conv = Conv {
        input: Some(vec![4, 4]),
        weight: Array::full(vec![2, 1, 3, 3], 0.25),
        stride: vec![1, 1],
        padding: Padding::Both(vec![1, 1]),
        dilation: vec![1, 1],
        groups: 1,
        bias: Array::full(vec![2], 0.5),
    };
    graph.add("conv", Node::Conv2d(conv));
    let r = Array::full(vec![2, 4, 4], 1.0);
    graph.add("neuron", Node::IntegrateFire { r: r.clone(), v_threshold: r.clone(), v_reset: Some(r) });
    graph.add("output", Node::Output(vec![2, 4, 4]));
    for (from, to) in [("input", "conv"), ("conv", "neuron"), ("neuron", "output")] {
        graph.connect(from, to);
    }
    graph.metadata.insert("reset".into(), Meta::Text("subtract".into()));
    graph
}

/// Whatever is in it, a file is read or refused with its name.
fn survives(bytes: Vec<u8>) {
    match Graph::from_bytes(bytes, &name()) {
        Ok(graph) => {
            if let Ok(mut run) = Interpreter::new(&graph, Semantics::default()) {
                let input = vec![1.0; run.input_shape().iter().product()];
                run.step(&input).unwrap();
            }
        }
        Err(error) => assert!(error.to_string().starts_with("net.nir: "), "{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(graph in graph(1)) {
        let bytes = graph.to_bytes().unwrap();
        let read = Graph::from_bytes(bytes, &name()).unwrap();
        prop_assert_eq!(sorted(read), sorted(graph));
    }

    /// Runs, or says why not.
    #[test]
    fn any_graph_is_checked(graph in graph(1)) {
        if let Ok(mut run) = Interpreter::new(&graph, Semantics::default()) {
            let input = vec![0.5; run.input_shape().iter().product()];
            run.step(&input).unwrap();
        }
    }
}

proptest! {
    // integration tests have no place for regressions files that proptest finds by itself
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_are_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = small().to_bytes().unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(bytes);
    }

    #[test]
    fn truncated_files_are_refused(length in any::<prop::sample::Index>()) {
        let bytes = small().to_bytes().unwrap();
        let length = length.index(bytes.len());
        prop_assert!(Graph::from_bytes(bytes[..length].to_vec(), &name()).is_err());
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let error = Graph::from_bytes(b"not a file".to_vec(), &name()).unwrap_err();
    assert_eq!(error.to_string(), "net.nir: is not an HDF5 file, which NIR files are");
    let error = Graph::read(Path::new("nowhere.nir")).unwrap_err().to_string();
    assert!(error.starts_with("cannot read nowhere.nir: "), "{error}");
}

/// The example files of this folder, if the data are there.
fn examples(folder: &str) -> Vec<PathBuf> {
    let Ok(data) = std::env::var("SPIKECONVERTER_DATA") else {
        eprintln!("SPIKECONVERTER_DATA is not set; example files are not read");
        return Vec::new();
    };
    let folder = Path::new(&data).join("nir").join(folder);
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("{} is not there; example files are not read", folder.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn example_files_load_run_and_round_trip() {
    for file in examples("") {
        let graph = Graph::read(&file).unwrap();
        Shapes::of(&graph).unwrap();
        assert_eq!(Graph::from_bytes(graph.to_bytes().unwrap(), &file).unwrap(), graph);
        // time constants of the examples are in seconds
        let mut run = Interpreter::new(&graph, Semantics { dt: 1e-4, ..Semantics::default() }).unwrap();
        let input = vec![1.0; run.input_shape().iter().product()];
        for _ in 0..3 {
            assert!(run.step(&input).unwrap().iter().all(|x| x.is_finite()), "{}", file.display());
        }
    }
}

#[test]
fn rejected_files_say_why() {
    for file in examples("rejected") {
        let error = match Graph::read(&file) {
            Err(error) => error.to_string(),
            Ok(graph) => Shapes::of(&graph).unwrap_err().to_string(),
        };
        let expected = match file.file_stem().unwrap().to_str().unwrap() {
            "lif_rockpool" => "node `output`: of `1_LIFNeuronTorch` it receives [1]: [1, 1, 1] is wanted",
            _ => "node `lif1.lif`: the edge from `input` to `lif` names it, and there is no such node",
        };
        assert!(error.contains(expected), "{error}");
    }
}
