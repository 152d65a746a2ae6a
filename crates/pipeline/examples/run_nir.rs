//! Runs a NIR file on the samples that `run_snn` wrote, by the interpreter; the oracle of importers calls it:
//!
//!     cargo run --release -p spikeconverter-pipeline --example run_nir -- NET.nir FOLDER [PROGRAM]
//!
//! Reads `input.npy` of FOLDER and writes `nir_output.npy` and for each node that fires, in the order of the file, its numbers
//! of spikes, `nir_NAME.npy`. PROGRAM is whose semantics (`nir`, `sinabs`, `norse`, `snntorch`, `spikingjelly`); those of the
//! file's metadata unless said.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use ndarray::{Array2, ArrayD};
use spikeconverter_pipeline::formats::nir::Target;
use spikeconverter_pipeline::run_nir;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: run_nir NET.nir FOLDER [PROGRAM]".into());
    };
    let target = match rest.first() {
        None => None,
        Some(name) => Some(Target::ALL.into_iter().find(|t| t.name() == name).ok_or("there is no such program")?),
    };
    let folder = Path::new(folder);
    let input: ArrayD<f32> = ndarray_npy::read_npy(folder.join("input.npy"))?;
    let (values, _) = input.as_standard_layout().into_owned().into_raw_vec_and_offset();
    let count = input.shape()[0];
    let samples: Vec<&[f32]> = values.chunks_exact(values.len() / count).collect();
    let ran = run_nir(Path::new(file), target, &samples)?;
    let mut output = Vec::new();
    let mut codes: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (result, layers) in ran {
        output.extend(result);
        for (name, spikes) in layers {
            codes.entry(name).or_default().extend(spikes);
        }
    }
    let rows = |values: Vec<f64>| Array2::from_shape_vec((count, values.len() / count), values);
    ndarray_npy::write_npy(folder.join("nir_output.npy"), &rows(output)?)?;
    for (name, spikes) in codes {
        ndarray_npy::write_npy(folder.join(format!("nir_{name}.npy")), &rows(spikes)?)?;
    }
    Ok(())
}
