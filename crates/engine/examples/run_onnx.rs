//! Runs ONNX models on given inputs, for comparison with other programs:
//!
//!     cargo run --release -p spikeconverter-engine --example run_onnx -- DIRECTORY
//!
//! For each folder in it, reads `model.onnx` and `input_0.npy`, `input_1.npy`, … (float32, in the order of the network's
//! inputs) and writes the first result as `output_0.npy`, or `error.txt` with the reason why there is none.
//!
//! Axis 0 of the inputs is taken as the batch; where that fails, each whole tensor as one sample.

use std::error::Error;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use spikeconverter_engine::{Ann, Batch};
use spikeconverter_onnx::{BatchAxis, ImportOptions};

type AnyError = Box<dyn Error>;

fn main() -> Result<(), AnyError> {
    let directory = std::env::args().nth(1).ok_or("give the directory of the cases")?;
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(directory)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    cases.sort();
    for case in cases.iter().filter(|case| case.join("model.onnx").is_file()) {
        match run(case) {
            Ok(output) => ndarray_npy::write_npy(case.join("output_0.npy"), &output)?,
            Err(error) => std::fs::write(case.join("error.txt"), format!("{error}\n"))?,
        }
    }
    Ok(())
}

/// The first result; the reason of the first attempt when no attempt succeeds.
fn run(case: &Path) -> Result<ArrayD<f32>, AnyError> {
    let mut inputs: Vec<ArrayD<f32>> = Vec::new();
    loop {
        let path = case.join(format!("input_{}.npy", inputs.len()));
        if !path.is_file() {
            break;
        }
        inputs.push(ndarray_npy::read_npy(path)?);
    }
    attempt(case, &inputs, BatchAxis::Leading)
        .or_else(|first| attempt(case, &inputs, BatchAxis::None).map_err(|_| first))
}

fn attempt(case: &Path, inputs: &[ArrayD<f32>], batch: BatchAxis) -> Result<ArrayD<f32>, AnyError> {
    let path = case.join("model.onnx");
    let options = ImportOptions { batch, ..ImportOptions::default() };
    let graph = spikeconverter_onnx::import(&path, &options)?.into_graph(&path.display().to_string())?;
    let leading = batch == BatchAxis::Leading;
    let batches = inputs.iter().map(|input| to_batch(input, leading)).collect::<Result<Vec<_>, _>>()?;
    let results = Ann::new(&graph)?.run(&batches)?;
    let result = results.into_iter().next().ok_or("the network has no result")?;
    let mut shape = result.shape().to_vec();
    if leading {
        shape.insert(0, result.count());
    }
    Ok(ArrayD::from_shape_vec(shape, result.into_data())?)
}

fn to_batch(input: &ArrayD<f32>, leading: bool) -> Result<Batch, AnyError> {
    let data = input.iter().copied().collect();
    let (count, shape) = match input.shape() {
        [count, rest @ ..] if leading => (*count, rest.to_vec()),
        whole => (1, whole.to_vec()),
    };
    Ok(Batch::new(count, shape, data)?)
}
