//! An integer network as one C99 file and its header, for microcontrollers, FPGA flows and anything else with a C compiler.
//!
//! Nothing but `stdint.h` is needed: no allocation, no floating point, no library. All buffers are static and of fixed size.
//! Weights are `int8_t` arrays; every value has the smallest type that holds all it can be, and every sum 32 bits, or 64
//! where weights and codes allow more.
//!
//! * [`Steps::Folded`]: a window is a code, as the folded engine has it.
//! * [`Steps::Spikes`]: each population listens step by step to single spikes and then fires step by step, as the reference
//!   engine does. Trains are kept as packed bits.
//!
//! Both give every spike and every accumulator of the engines. What follows the read-out (softmax and the like) is the
//! caller's.

mod folded;
mod memory;
mod neuron;
mod ops;
mod spikes;
mod text;

use std::fmt::Write as _;

use serde::Deserialize;
use spikeconverter_graph::volume;
use spikeconverter_network::{Node, NodeKind, SnnFile, SpikingNetwork};

use self::memory::Memory;
use self::ops::Place;
use self::text::{Arrays, Code, Int};
use crate::ExportError;

/// How a window is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Steps {
    /// As one code.
    #[default]
    Folded,
    /// Spike by spike.
    Spikes,
}

impl Steps {
    /// Its name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::Spikes => "spikes",
        }
    }
}

/// A network in C.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSource {
    /// The header.
    pub header: String,
    /// The source file; it includes the header as `NAME.h`.
    pub source: String,
    /// Bytes of its buffers.
    pub buffer_bytes: usize,
    /// Bytes of its constants.
    pub constant_bytes: usize,
}

/// The call of a function that was written down.
type Generated = Result<String, ExportError>;

/// A program under construction.
struct Program<'a> {
    network: &'a SpikingNetwork,
    prefix: &'a str,
    memory: Memory,
    arrays: Arrays,
    functions: Code,
    /// The body of `NAME_run`.
    body: Code,
    /// Where the read-out's accumulators go, once known.
    readout: Option<Place>,
}

/// The network of `file` in C; `name` is the prefix of everything visible, a C identifier.
///
/// # Errors
/// [`ExportError`] when the network is not one of integers, has several read-outs, its sums exceed 64 bits, or `name` is no
/// identifier.
pub fn to_c(file: &SnnFile, name: &str, form: Steps) -> Result<CSource, ExportError> {
    let network = &file.network;
    check(network, name)?;
    let mut program = Program {
        network,
        prefix: name,
        memory: Memory::default(),
        arrays: Arrays::default(),
        functions: Code::default(),
        body: Code::default(),
        readout: None,
    };
    match form {
        Steps::Folded => folded::write(&mut program)?,
        Steps::Spikes => spikes::write(&mut program)?,
    }
    let Some(readout) = program.readout.clone() else {
        return Err(ExportError::Network("the network has no read-out".into()));
    };
    let buffer_bytes = program.memory.bytes();
    Ok(CSource {
        header: header(file, name, form, &readout, buffer_bytes),
        constant_bytes: program.arrays.bytes(),
        source: program.source(&readout),
        buffer_bytes,
    })
}

fn check(network: &SpikingNetwork, name: &str) -> Result<(), ExportError> {
    let refuse = |reason: String| Err(ExportError::Network(reason));
    if !network.is_integer() {
        return refuse("C takes integer networks; convert with --weights i8 (and the data as 8-bit pixels)".into());
    }
    let mut letters = name.chars();
    let starts = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !starts || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return refuse(format!("`{name}` is no name for C; use letters, digits and underscores, a letter first"));
    }
    let readouts = network.nodes().iter().filter(|node| matches!(node.kind, NodeKind::Readout(_))).count();
    if readouts != 1 {
        return refuse(format!("it has {readouts} read-outs; C takes networks with one"));
    }
    for node in network.nodes() {
        let pool = match &node.kind {
            NodeKind::MaxPool(pool) => Some(pool),
            NodeKind::Population(population) => population.pool.as_ref(),
            _ => None,
        };
        if let Some(pool) = pool {
            ops::check_windows(&node.name, pool, &network.node(node.inputs[0]).shape, &node.shape)?;
        }
    }
    Ok(())
}

impl Program<'_> {
    /// The smallest type for values of this range.
    fn holding(node: &Node, range: crate::bounds::Range) -> Result<Int, ExportError> {
        Int::holding(range)
            .ok_or_else(|| ExportError::node(&node.name, "its values can exceed the integers of 64 bits"))
    }

    fn source(self, readout: &Place) -> String {
        let Self { prefix, .. } = self;
        let upper = prefix.to_uppercase();
        let mut head = Code::default();
        head.line(&format!("#include \"{prefix}.h\""));
        head.line("");
        head.line("/* Is shown every code that a population sends: its number, the neuron's, and the code. */");
        head.line(&format!("#ifndef {upper}_WATCH"));
        head.line(&format!("#define {upper}_WATCH(population, neuron, code) ((void)0)"));
        head.line("#endif");
        head.line("");
        head.line("/* The sample of this run. */");
        head.line("static const uint8_t *samples;");
        head.line("");
        self.memory.define(&mut head);
        head.line("");
        let mut run = Code::default();
        run.line("");
        run.open(&format!("int {prefix}_run(const uint8_t *pixels, {prefix}_accumulator *accumulators)"));
        run.line("samples = pixels;");
        for line in self.body.text.lines() {
            run.line(line);
        }
        run.line("int largest = 0;");
        run.count("i", volume(&readout.shape));
        run.line(&format!("accumulators[i] = {}[i];", readout.name));
        run.open("if (accumulators[i] > accumulators[largest])");
        run.line("largest = (int)i;");
        run.close_all(2);
        run.line("return largest;");
        run.close();
        [head.text, self.arrays.text, self.functions.text, run.text].concat()
    }
}

fn header(file: &SnnFile, name: &str, form: Steps, readout: &Place, buffer_bytes: usize) -> String {
    let (network, provenance, upper) = (&file.network, &file.provenance, name.to_uppercase());
    let heads: Vec<&str> = network
        .nodes()
        .iter()
        .filter_map(|node| if let NodeKind::Head(op) = &node.kind { Some(op.kind()) } else { None })
        .collect();
    let left = if heads.is_empty() {
        String::new()
    } else {
        format!(" * Left to the caller, after the accumulators: {}.\n", heads.join(", "))
    };
    let mut text = format!(
        "/*\n * A spiking network, written by spikeconverter {}.\n * Source: {} (sha256 {}); method: {}.\n * T = {} steps a \
         window, run {}. Samples: raw values less the lowest one, 0 to 255, of shape {:?}.\n{left} * Not reentrant: its \
         buffers are static.\n */\n",
        env!("CARGO_PKG_VERSION"),
        comment(&provenance.source),
        comment(&provenance.source_sha256),
        comment(&provenance.method),
        network.time_steps(),
        if form == Steps::Folded { "as codes" } else { "spike by spike" },
        network.input_shape(),
    );
    let accumulator = if readout.int == Int::I64 { Int::I64 } else { Int::I32 };
    let _ = write!(
        text,
        "#ifndef {upper}_H\n#define {upper}_H\n\n#include <stdint.h>\n\n#define {upper}_INPUTS {}\n#define {upper}_OUTPUTS \
         {}\n#define {upper}_TIME_STEPS {}\n#define {upper}_BUFFER_BYTES {buffer_bytes}\n\ntypedef {} \
         {name}_accumulator;\n\n/* Runs a sample: {upper}_INPUTS pixels in, {upper}_OUTPUTS accumulators out; gives the \
         position of the largest. */\nint {name}_run(const uint8_t *pixels, {name}_accumulator *accumulators);\n\n#endif\n",
        volume(network.input_shape()),
        volume(&readout.shape),
        network.time_steps(),
        accumulator.name(),
    );
    text
}

/// Text that cannot end the comment it stands in.
fn comment(text: &str) -> String {
    text.replace("*/", "* /").replace(['\n', '\\'], " ")
}
