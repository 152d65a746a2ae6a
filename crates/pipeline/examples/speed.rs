//! Runs a network on images as often as it is told and says how long that took; `bench/speed` asks it.
//!
//!     speed NETWORK IMAGES.npy THREADS
//!
//! NETWORK is an ONNX file, for the runner of trained networks, or a `.snn` file, for the folded engine. The images are
//! float32, in the form that the network takes. The first line on standard output is `{"classes": [...]}`, the position of the
//! largest output for each image. Each line `BATCH REPEATS` on standard input is answered with `{"seconds": ...}`, the
//! time of REPEATS runs of the first BATCH images.
//!
//!     speed --layers SPIKING.snn IMAGES.npy
//!
//! prints where the time of all images goes on one thread, with what the processor's multipliers reach at that moment.

#![allow(clippy::print_stdout)] // a program that answers on standard output

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use ndarray::ArrayD;
use serde_json::json;
use spikeconverter_engine::evaluation::largest;
use spikeconverter_engine::{Ann, Batch, Engine, FoldedEngine, Isa, peak};
use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, SnnFile, SpikingNetwork};
use spikeconverter_pipeline::Model;

type AnyError = Box<dyn Error>;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, network, images] = arguments.as_slice()
        && option == "--layers"
    {
        let file = SnnFile::load(Path::new(network))?;
        println!("{}", layers(&file.network, &read(Path::new(images))?)?);
        return Ok(());
    }
    let [network, images, threads] = arguments.as_slice() else {
        return Err("usage: speed NETWORK IMAGES.npy THREADS".into());
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build_global()?;
    let (network, images) = (Path::new(network), read(Path::new(images))?);
    if network.extension().is_some_and(|extension| extension == "snn") {
        let file = SnnFile::load(network)?;
        let engine = FoldedEngine::new(&file.network)?;
        serve(&images, |batch| Ok(engine.infer(batch)?))
    } else {
        let model = Model::open(network, None)?;
        let ann = Ann::new(model.graph())?;
        serve(&images, |batch| ann.run(std::slice::from_ref(batch))?.pop().ok_or("no result".into()))
    }
}

/// The images of a NumPy file, along its first axis.
fn read(path: &Path) -> Result<Batch, AnyError> {
    let images: ArrayD<f32> = ndarray_npy::read_npy(path)?;
    let shape = images.shape().to_vec();
    let (count, shape) = shape.split_first().ok_or("the images have no axis")?;
    Ok(Batch::new(*count, shape.to_vec(), images.into_iter().collect())?)
}

/// Runs whose times are compared; medians are what is printed.
const PROFILES: usize = 9;

/// What the multipliers reach, and each layer's name, multiply-accumulates an image, and seconds for all images. A layer is all
/// that reaches a listener.
fn layers(network: &SpikingNetwork, images: &Batch) -> Result<serde_json::Value, AnyError> {
    let engine = FoldedEngine::new(network)?;
    let isa = Isa::detect();
    let (mut reals, mut integers) = (peak::of_f32(), peak::of_integers(isa));
    engine.profile(images)?;
    let profiles = (0..PROFILES).map(|_| engine.profile(images)).collect::<Result<Vec<_>, _>>()?;
    reals = reals.max(peak::of_f32());
    integers = integers.zip(peak::of_integers(isa)).map(|(before, after)| before.max(after));
    let median = |id: NodeId| {
        let mut seconds: Vec<f64> = profiles.iter().map(|profile| profile[id.0]).collect();
        seconds.sort_by(f64::total_cmp);
        seconds[PROFILES / 2]
    };
    let inner =
        |id: NodeId| matches!(network.node(id).kind, NodeKind::Synapse(_) | NodeKind::MaxPool(_) | NodeKind::Head(_));
    let consumers = network.consumers();
    let mut rows = Vec::new();
    let mut taken = vec![false; network.nodes().len()];
    for id in network.ids() {
        let node = network.node(id);
        let listener = !inner(id);
        if !listener && !consumers[id.0].is_empty() {
            continue;
        }
        // the listener, and the synapses and maxima in front of it that nothing has taken yet
        let (mut open, mut seconds, mut macs, mut synapses) = (vec![id], 0.0, 0, Vec::new());
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut taken[id.0], true) {
                continue;
            }
            seconds += median(id);
            let node = network.node(id);
            if let NodeKind::Synapse(op) = &node.kind {
                let shapes: Vec<&[usize]> = node.inputs.iter().map(|&i| network.node(i).shape.as_slice()).collect();
                let own = op.macs(&shapes, &node.shape);
                if own > 0 {
                    synapses.push(node.name.clone());
                }
                macs += own;
            }
            open.extend(node.inputs.iter().copied().filter(|&i| inner(i)));
        }
        synapses.reverse();
        let name = if synapses.is_empty() { node.name.clone() } else { synapses.join(" + ") };
        rows.push(json!({ "name": name, "macs": macs, "seconds": seconds, "shape": node.shape }));
    }
    Ok(json!({
        "integers": network.is_integer(),
        "time_steps": network.time_steps(),
        "instructions": format!("{isa:?}"),
        "images": images.count(),
        "peak_f32": reals,
        "peak_integers": integers,
        "layers": rows,
    }))
}

/// Answers until standard input ends.
fn serve(images: &Batch, run: impl Fn(&Batch) -> Result<Batch, AnyError>) -> Result<(), AnyError> {
    let classes: Vec<usize> = run(images)?.samples().map(|values| largest(values).unwrap_or(0)).collect();
    println!("{}", json!({ "classes": classes }));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (count, repeats) = line.split_once(' ').ok_or("each line is to be `BATCH REPEATS`")?;
        let (count, repeats): (usize, usize) = (count.parse()?, repeats.parse()?);
        let values = images.data().get(..count * images.volume()).ok_or("there are fewer images than that")?;
        let batch = Batch::new(count, images.shape().to_vec(), values.to_vec())?;
        let start = Instant::now();
        for _ in 0..repeats {
            run(&batch)?;
        }
        println!("{}", json!({ "seconds": start.elapsed().as_secs_f64() }));
    }
    Ok(())
}
