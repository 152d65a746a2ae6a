//! Runs a network on images as often as it is told and says how long that took; `bench/speed` asks it.
//!
//!     speed NETWORK IMAGES.npy THREADS
//!
//! NETWORK is an ONNX file, for the runner of trained networks, or a `.snn` file, for the folded engine. The images are
//! float32, in the form that the network takes. The first line on standard output is `{"classes": [...]}`, the position of the
//! largest output for each image. Each line `BATCH REPEATS` on standard input is answered with `{"seconds": ...}`, the
//! time of REPEATS runs of the first BATCH images.

#![allow(clippy::print_stdout)] // a program that answers on standard output

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use ndarray::ArrayD;
use serde_json::json;
use spikeconverter_engine::{Ann, Batch, Engine, FoldedEngine};
use spikeconverter_network::SnnFile;
use spikeconverter_pipeline::Model;

type AnyError = Box<dyn Error>;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
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

/// Answers until standard input ends.
fn serve(images: &Batch, run: impl Fn(&Batch) -> Result<Batch, AnyError>) -> Result<(), AnyError> {
    let classes: Vec<usize> = run(images)?.samples().map(largest).collect();
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

/// Position of the largest value.
fn largest(values: &[f32]) -> usize {
    values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(position, _)| position)
}
