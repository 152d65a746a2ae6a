//! Runs a converted network on real samples and writes down all that another program needs to do the same; the oracle of
//! exported networks and `bench/nir` call it:
//!
//!     cargo run --release -p spikeconverter-pipeline --example run_snn -- NET.snn DATA FOLDER [SAMPLES] [ENGINE]
//!
//! Writes to FOLDER, as NumPy files: `input.npy`, the samples as the spiking network takes them; `labels.npy`; `output.npy`;
//! and for each population, in topological order, its codes (of streaming networks: its numbers of spikes), `codes_0.npy`,
//! `codes_1.npy`, …. ENGINE is `folded`, `clocked` or `reference`; unless said, the fastest for the network.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use ndarray::{Array1, ArrayD};
use spikeconverter_data::{Dataset, OpenOptions, Split, Stage};
use spikeconverter_engine::{Batch, ClockedEngine, Engine, FoldedEngine, ReferenceEngine};
use spikeconverter_network::{Simulation, SnnFile};
use spikeconverter_pipeline::SampleFeed;

type AnyError = Box<dyn Error>;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [network, data, folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: run_snn NET.snn DATA FOLDER [SAMPLES] [ENGINE]".into());
    };
    let (path, folder) = (Path::new(network), Path::new(folder));
    let limit: usize = rest.first().map_or(Ok(64), |count| count.parse())?;
    let file = SnnFile::load(path)?;
    let network = &file.network;
    let fastest = if network.simulation() == Simulation::Stream { "clocked" } else { "folded" };
    let engine: Box<dyn Engine> = match rest.get(1).map_or(fastest, String::as_str) {
        "folded" => Box::new(FoldedEngine::new(network)?),
        "clocked" => Box::new(ClockedEngine::new(network)?),
        "reference" => Box::new(ReferenceEngine::new(network)),
        other => return Err(format!("there is no engine `{other}`").into()),
    };

    let options = OpenOptions { limit: Some(limit), split: Some(Split::Test), ..OpenOptions::default() };
    let data = Dataset::open(data, &options)?;
    let feed = SampleFeed::of(&file, path)?;
    let stage = if feed.lowest_pixel.is_some() { Stage::Raw } else { Stage::Normalised };
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for batch in data.batches(&feed.preprocessing, network.input_shape(), limit, stage)? {
        let batch = batch?;
        inputs.extend(batch.inputs.iter().map(|x| x - feed.lowest_pixel.unwrap_or(0) as f32));
        labels.extend(batch.labels.into_iter().flatten());
    }
    let count = inputs.len() / network.input_shape().iter().product::<usize>();
    let samples = Batch::new(count, network.input_shape().to_vec(), inputs)?;

    let mut codes: BTreeMap<usize, Vec<i32>> = BTreeMap::new();
    let output = engine.run(&samples, &mut |id, seen| codes.entry(id.0).or_default().extend(seen.data()))?;
    let of = |shape: &[usize]| [&[count], shape].concat();
    let write = |name: &str, batch: &Batch| -> Result<(), AnyError> {
        let array = ArrayD::from_shape_vec(of(batch.shape()), batch.data().to_vec())?;
        Ok(ndarray_npy::write_npy(folder.join(name), &array)?)
    };
    write("input.npy", &samples)?;
    write("output.npy", &output)?;
    ndarray_npy::write_npy(folder.join("labels.npy"), &Array1::from(labels))?;
    for (number, (id, codes)) in codes.into_iter().enumerate() {
        let codes = ArrayD::from_shape_vec(of(&network.nodes()[id].shape), codes)?;
        ndarray_npy::write_npy(folder.join(format!("codes_{number}.npy")), &codes)?;
    }
    Ok(())
}
