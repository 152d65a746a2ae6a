//! Random networks of the engines' test suite as ONNX, with what the reference engine makes of them; `scripts/oracle/exported.py`
//! runs them in ONNX Runtime:
//!
//!     cargo run --release -p spikeconverter-export --example random_networks -- FOLDER COUNT
//!
//! For each network a folder `integer-N`, `dyadic-N`: `input.npy`, `output.npy`, and `folded.onnx` and `unrolled.onnx`. All
//! numbers are integers or small multiples of powers of two, so that no rounding excuses a difference.

#[allow(dead_code)]
#[path = "../../engine/tests/suite/generator.rs"]
mod generator;
#[allow(dead_code)]
#[path = "../../engine/tests/suite/harness.rs"]
mod harness;
#[allow(dead_code)]
#[path = "../../engine/tests/suite/integer_networks.rs"]
mod integer_networks;

use std::error::Error;
use std::path::Path;

use ndarray::ArrayD;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spikeconverter_engine::{Batch, Engine, ReferenceEngine};
use spikeconverter_export::onnx::{Form, to_onnx};
use spikeconverter_graph::GraphBuilder;
use spikeconverter_network::{Provenance, SnnFile, SpikingNetwork};

type AnyError = Box<dyn Error>;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count] = arguments.as_slice() else {
        return Err("usage: random_networks FOLDER COUNT".into());
    };
    let (folder, count): (&Path, usize) = (Path::new(folder), count.parse()?);
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    for number in 0..count {
        let drawn = |reason: proptest::test_runner::Reason| reason.to_string();
        let (network, samples) = integer_networks::recipes().new_tree(&mut runner).map_err(drawn)?.current().grow();
        write(&folder.join(format!("integer-{number}")), network, &samples)?;
        let (network, samples) = generator::recipes(true).new_tree(&mut runner).map_err(drawn)?.current().grow();
        write(&folder.join(format!("dyadic-{number}")), network, &samples)?;
    }
    Ok(())
}

fn write(folder: &Path, network: SpikingNetwork, samples: &Batch) -> Result<(), AnyError> {
    std::fs::create_dir_all(folder)?;
    let output = ReferenceEngine::new(&network).infer(samples)?;
    for (name, batch) in [("input.npy", samples), ("output.npy", &output)] {
        let array = ArrayD::from_shape_vec([&[batch.count()], batch.shape()].concat(), batch.data().to_vec())?;
        ndarray_npy::write_npy(folder.join(name), &array)?;
    }
    // the trained network plays no part in an export
    let mut graph = GraphBuilder::new();
    let input = graph.input("x", vec![1])?;
    let file = SnnFile {
        network,
        ann: graph.finish(vec![input])?,
        preprocessing: serde_json::Value::Null,
        provenance: Provenance::default(),
    };
    for form in [Form::Folded, Form::Unrolled] {
        std::fs::write(folder.join(format!("{}.onnx", form.name())), to_onnx(&file, form)?.bytes)?;
    }
    Ok(())
}
