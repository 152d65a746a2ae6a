//! The arguments of all commands.

mod compare;
mod convert;
mod data;
mod export;
mod parts;
mod search;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use compare::CompareArgs;
pub(crate) use convert::ConvertArgs;
use convert::method;
pub(crate) use data::{DataArgs, PreprocessArgs};
pub(crate) use export::{ExportArgs, TargetArg};
pub(crate) use search::SearchArgs;
use values::{Extents, number, positive};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for `check`: everything converts
  1  the answer is no (`check`), or the operation failed: `error: ...` on standard error says why
  2  wrong usage

Start here:
  spikeconverter demo
  spikeconverter check   model.onnx
  spikeconverter convert model.onnx --data train/ -T 8 -o net.snn
  spikeconverter eval    net.snn --data test/
  spikeconverter compare model.onnx --data data/ --report out.html";

/// Turns a trained network (ONNX) into a spiking network that keeps its accuracy, and proves that it did.
#[derive(Debug, Parser)]
#[command(name = "spikeconverter", version, after_help = EXIT_CODES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Threads to compute with; all cores unless said
    #[arg(long, global = true, value_name = "N", value_parser = positive, display_order = 900)]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say for each node of a model whether it converts, and if not, why
    Check(CheckArgs),
    /// Convert a trained network into a spiking network
    Convert(Box<ConvertArgs>),
    /// Run trained and spiking network side by side: accuracy, agreement, spikes, energy, latency
    Eval(EvalArgs),
    /// Say where a converted network loses accuracy, layer by layer, and what would win it back
    Explain(ExplainArgs),
    /// Compare conversion methods over numbers of time steps, in a table and a report
    Compare(Box<CompareArgs>),
    /// Find the cheapest conversion that loses no more accuracy than allowed
    Search(Box<SearchArgs>),
    /// Write a converted network for other programs: ONNX, C, NIR
    Export(ExportArgs),
    /// Show what a converted network is and where it comes from
    Inspect(InspectArgs),
    /// List the conversion methods
    Methods(MethodsArgs),
    /// Convert and evaluate a small network that ships with this program
    Demo(DemoArgs),
    /// Write what a shell needs to complete commands, or manual pages
    Setup(SetupArgs),
}

/// How the model's file is read.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// The trained network, an ONNX file
    #[arg(value_name = "MODEL.onnx")]
    pub(crate) model: PathBuf,

    /// Shape of the input without the batch axis, where the file leaves it open, e.g. 3,224,224
    #[arg(long, value_name = "A,B,...")]
    pub(crate) input_shape: Option<Extents>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Every node of the file is listed, also when some do not convert. Exit code 0: all of it converts; 1: it does not.

Examples:
  spikeconverter check model.onnx
  spikeconverter check model.onnx --json | jq '.nodes[] | select(.verdict == \"unsupported\")'")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The preprocessing is the one stored in net.snn; data are given as for `convert`. Of a folder that holds a training and \
a test part, the test part is taken. Without labels, the two networks are compared with each other only.

T is the window: each layer accumulates for one window and fires in the next, so that a result takes several windows \
(the latency printed). In networks with schedule stream all layers work in every step, and T is the latency. Energy is an estimate for 45 nm (Horowitz, ISSCC 2014): 4.6 pJ a multiply-accumulate, 0.9 pJ a \
synaptic operation; memory traffic is not part of it.

Examples:
  spikeconverter eval net.snn --data cifar10/test.bin
  spikeconverter eval net.snn --data images/ --labels labels.csv --limit 500 --json
  spikeconverter eval net.snn --data test.npz --limit 16 --engine reference
  spikeconverter eval net.nir --data test.npz --semantics sinabs")]
pub(crate) struct EvalArgs {
    /// The converted network; or a NIR file, which is run by itself
    #[arg(value_name = "NET.snn")]
    pub(crate) network: PathBuf,

    /// How the spiking network is run
    #[arg(long, value_enum, default_value_t = EngineArg::Auto)]
    pub(crate) engine: EngineArg,

    /// Samples that are processed together; chosen by memory unless said
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) batch: Option<usize>,

    /// Stop a sample when its class, the read-out's largest membrane, has not changed for N steps (8 unless said) since
    /// spikes reach it; the result is the membranes by the steps used. For schedule `stream`
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "8", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) until_stable: Option<u32>,

    /// As which program a NIR file is run; as its metadata say unless said, or as NIR says
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub(crate) semantics: Option<TargetArg>,

    /// Time steps of a NIR file; those of its metadata unless said
    #[arg(short = 'T', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub(crate) time_steps: Option<u32>,

    /// Length of a step of a NIR file, in the unit of its time constants; 1 unless said
    #[arg(long, value_name = "X", value_parser = number)]
    pub(crate) dt: Option<f64>,

    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  spikeconverter setup --completions bash > ~/.local/share/bash-completion/completions/spikeconverter
  spikeconverter setup --completions zsh > ~/.zfunc/_spikeconverter
  spikeconverter setup --completions fish > ~/.config/fish/completions/spikeconverter.fish
  spikeconverter setup --man ~/.local/share/man/man1")]
pub(crate) struct SetupArgs {
    #[command(flatten)]
    pub(crate) what: SetupWhat,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SetupWhat {
    /// Print the completions of a shell
    #[arg(long, value_enum, value_name = "SHELL")]
    pub(crate) completions: Option<clap_complete::Shell>,

    /// Write a manual page for each command into this folder, which is made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) man: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArg {
    /// The fastest for the network
    Auto,
    /// Whole windows folded into one pass: the same spikes, as fast as the trained network; for schedule `window` without a delay
    Folded,
    /// Step by step; for schedule `stream` at the cost of the spikes
    Clocked,
    /// The literal simulation, step by step: what the other is held to, slow
    Reference,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Of each layer: the error of what it sends, split into what it inherited, what its code clips, cannot tell apart and lost to \
the order of spikes, and what integer weights cost; the parts add up. Then what the layer costs: points lost where only it \
spikes, and points won back where only it does not. Some hundred samples will do; without labels, agreement with the \
trained network stands for accuracy.

What a streaming network lost to the order of spikes is the difference from what its neurons would have sent had all input \
come in the first step. It takes a simulation for each layer: 64 to 128 samples will do.

Other settings are tried at the end: each is converted on the first half of the data, without labels, and measured on the \
second half. --no-advice leaves that out.

Examples:
  spikeconverter explain net.snn --data cifar10/test.bin --limit 512
  spikeconverter explain net.snn --data images/ --limit 128 --no-advice --report out.html
  spikeconverter explain net.snn --data test.npz --json | jq '.layers[].error'")]
pub(crate) struct ExplainArgs {
    /// The converted network
    #[arg(value_name = "NET.snn")]
    pub(crate) network: PathBuf,

    /// Do not try other settings
    #[arg(long)]
    pub(crate) no_advice: bool,

    /// Write a report for people: one HTML file with charts, which needs no network
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,

    /// Print one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  spikeconverter inspect net.snn
  spikeconverter inspect net.snn --json | jq .provenance
  spikeconverter inspect net.nir")]
pub(crate) struct InspectArgs {
    /// The converted network, or a NIR file
    #[arg(value_name = "NET.snn")]
    pub(crate) network: PathBuf,

    /// Print one JSON object instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  spikeconverter methods
  spikeconverter methods li2021-light
  spikeconverter methods --parts
  spikeconverter methods --json")]
pub(crate) struct MethodsArgs {
    /// Show this method only
    #[arg(value_name = "NAME", value_parser = method)]
    pub(crate) method: Option<String>,

    /// List the parts of streaming methods, and which of them combine
    #[arg(long, conflicts_with = "method")]
    pub(crate) parts: bool,

    /// Print one JSON array instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Needs no network and no files: a convolutional network for handwritten digits, its calibration images and 600 test
images are part of the program.

Examples:
  spikeconverter demo
  spikeconverter demo --write digits
  spikeconverter demo --report digits.html")]
pub(crate) struct DemoArgs {
    /// Also write the model and its images to this folder, to try the other commands on; replaces files of these names
    #[arg(long, value_name = "FOLDER")]
    pub(crate) write: Option<PathBuf>,

    /// Also compare all methods on it, and write a report for people: one HTML file with charts
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,

    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}
