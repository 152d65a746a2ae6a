//! What leaves: converted networks in forms that other programs read.
//!
//! * [`c`]: integer networks as one dependency-free C99 file;
//! * [`nir`]: streaming networks as graphs of the neuromorphic intermediate representation;
//! * [`onnx`]: standard ONNX operators, folded or step by step.
//!
//! A streaming network as NIR, and what Norse makes of the file:
//!
//! ```
//! use spikeconverter_export::nir::{Pooling, Target, Verdict, assess, to_nir};
//! # use spikeconverter_graph::ops::{Linear, Op};
//! # use spikeconverter_graph::{GraphBuilder, Tensor};
//! # use spikeconverter_network::{NetworkBuilder, NodeKind, Provenance, Readout, SnnFile, StreamingPopulation};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let linear = |inputs: usize| Ok::<_, Box<dyn std::error::Error>>(Op::Linear(Linear {
//! #     weight: Tensor::full(vec![2, inputs], 0.5),
//! #     bias: None,
//! # }));
//! # let mut builder = NetworkBuilder::streaming(32, "x", vec![3])?;
//! # let currents = builder.add("fc1", NodeKind::Synapse(linear(3)?), &[builder.input()])?;
//! # let neurons = NodeKind::Streaming(StreamingPopulation { threshold: vec![1.5], ..StreamingPopulation::default() });
//! # let spikes = builder.add("relu", neurons, &[currents])?;
//! # let result = builder.add("fc2", NodeKind::Synapse(linear(2)?), &[spikes])?;
//! # let readout = builder.add("readout", NodeKind::Readout(Readout::default()), &[result])?;
//! # let mut trained = GraphBuilder::new();
//! # let x = trained.input("x", vec![3])?;
//! # let y = trained.add("fc1", linear(3)?, &[x])?;
//! # let file = SnnFile {
//! #     network: builder.finish(readout)?,
//! #     ann: trained.finish(vec![y])?,
//! #     preprocessing: serde_json::Value::Null,
//! #     provenance: Provenance::default(),
//! # };
//! let model = to_nir(&file, Pooling::Sum)?;
//! assert!(model.bytes.starts_with(b"\x89HDF")); // the file, for std::fs::write
//! // the network's neurons are reset by subtraction, Norse's to 0
//! let assessment = assess(Target::Norse, &model.facts);
//! assert_eq!(assessment.verdict, Verdict::Unsupported);
//! println!("{}", assessment.describe());
//! # Ok(())
//! # }
//! ```

mod bounds;
pub mod c;
mod error;
pub mod nir;
pub mod onnx;

pub use error::ExportError;
