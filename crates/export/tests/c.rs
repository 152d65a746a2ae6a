//! Networks in C, compiled with every warning an error and with sanitizers, against the engines: every spike and every
//! accumulator.

#[allow(dead_code)]
#[path = "../../engine/tests/suite/generator.rs"]
mod generator;
#[allow(dead_code)]
#[path = "../../engine/tests/suite/harness.rs"]
mod harness;
#[allow(dead_code)]
#[path = "../../engine/tests/suite/integer_networks.rs"]
mod integer_networks;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spikeconverter_engine::{Batch, Engine, FoldedEngine, ReferenceEngine};
use spikeconverter_export::c::{Steps, to_c};
use spikeconverter_graph::GraphBuilder;
use spikeconverter_network::{NodeKind, Provenance, SnnFile, SpikingNetwork};

/// A file of a network without the rest.
fn file(network: SpikingNetwork) -> SnnFile {
    let mut graph = GraphBuilder::new();
    let input = graph.input("x", vec![1]).unwrap();
    let ann = graph.finish(vec![input]).unwrap();
    SnnFile { network, ann, preprocessing: serde_json::Value::Null, provenance: Provenance::default() }
}

/// The same network with its read-out as its result: C leaves what follows to the caller.
fn without_heads(network: &SpikingNetwork) -> SpikingNetwork {
    let mut builder = spikeconverter_network::NetworkBuilder::new(
        network.time_steps(),
        network.nodes()[0].name.clone(),
        network.input_shape().to_vec(),
        network.encoding(),
    )
    .unwrap();
    for node in &network.nodes()[1..] {
        let id = builder.add(node.name.clone(), node.kind.clone(), &node.inputs).unwrap();
        if matches!(node.kind, NodeKind::Readout(_)) {
            return builder.finish(id).unwrap();
        }
    }
    unreachable!("a network has a read-out");
}

/// What a network does in C and in an engine: a line for each sample, accumulators and then all codes.
fn lines(engine: &dyn Engine, network: &SpikingNetwork, samples: &Batch) -> String {
    let populations = network.populations().count();
    let mut codes: Vec<Vec<Vec<i32>>> = vec![Vec::new(); populations];
    let mut shown = 0;
    let output = engine
        .run(samples, &mut |_, batch| {
            codes[shown % populations].extend(batch.samples().map(<[i32]>::to_vec));
            shown += 1;
        })
        .unwrap();
    let mut text = String::new();
    for (number, accumulators) in output.samples().enumerate() {
        for value in accumulators {
            // engines give their results as `f32`, and the program below rounds in the same way
            write!(text, "{:.0} ", f64::from(*value)).unwrap();
        }
        text.push('|');
        for population in &codes {
            for code in &population[number] {
                write!(text, " {code}").unwrap();
            }
        }
        text.push('\n');
    }
    text
}

/// A program that runs the samples through networks `net0`, `net1`, … and prints such lines.
fn program(cases: &[(SpikingNetwork, Batch)], form: Steps, folder: &Path) -> String {
    let mut main =
        String::from("#include <stdio.h>\n#define MOST 2000000\nstatic int codes[MOST];\nstatic int count;\n");
    let mut calls = String::new();
    for (number, (network, samples)) in cases.iter().enumerate() {
        let name = format!("net{number}");
        let code = to_c(&file(network.clone()), &name, form).unwrap();
        std::fs::write(folder.join(format!("{name}.h")), code.header).unwrap();
        std::fs::write(folder.join(format!("{name}.c")), code.source).unwrap();
        // a file a network: functions of different networks have the same names
        let watch = format!(
            "void watch(int code);\n#define NET{number}_WATCH(population, neuron, code) watch(code)\n#include \"{name}.c\"\n"
        );
        std::fs::write(folder.join(format!("watched{number}.c")), watch).unwrap();
        writeln!(main, "#include \"{name}.h\"").unwrap();
        let pixels: Vec<String> = samples.data().iter().map(ToString::to_string).collect();
        writeln!(
            calls,
            "{{ static const uint8_t pixels[] = {{ {} }}; {name}_accumulator out[NET{number}_OUTPUTS]; int largest, i, s;\n\
             for (s = 0; s < {}; s++) {{ count = 0; largest = {name}_run(pixels + s * NET{number}_INPUTS, out);\n\
             for (i = 0; i < NET{number}_OUTPUTS; i++) {{ printf(\"%.0f \", (double)(float)out[i]); if (out[i] > out[largest]) return 1; }}\n\
             printf(\"|\"); for (i = 0; i < count; i++) printf(\" %d\", codes[i]); printf(\"\\n\"); }} }}",
            pixels.join(", "),
            samples.count()
        )
        .unwrap();
    }
    main.push_str("void watch(int code);\nvoid watch(int code) { if (count < MOST) codes[count++] = code; }\n");
    write!(main, "int main(void) {{\n{calls}return 0; }}\n").unwrap();
    main
}

/// Compiles and runs; what it prints.
fn compiled(cases: &[(SpikingNetwork, Batch)], form: Steps, flags: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("main.c"), program(cases, form, path)).unwrap();
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]).args(flags).args(["-o", "program", "main.c"]);
    gcc.args((0..cases.len()).map(|number| format!("watched{number}.c"))).current_dir(path);
    let output = gcc.output().expect("the tests of C need gcc");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = Command::new(path.join("program")).output().unwrap();
    assert!(output.status.success(), "{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn random_integer_networks_agree_in_every_spike_and_accumulator() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let cases: Vec<(SpikingNetwork, Batch)> = (0..48)
        .map(|_| {
            let (network, samples) = integer_networks::recipes().new_tree(&mut runner).unwrap().current().grow();
            (without_heads(&network), samples)
        })
        .collect();
    let wanted: Vec<String> = cases
        .iter()
        .flat_map(|(network, samples)| {
            let lines = lines(&ReferenceEngine::new(network), network, samples);
            lines.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    for form in [Steps::Folded, Steps::Spikes] {
        let found = compiled(&cases, form, &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
        let found: Vec<&str> = found.lines().collect();
        assert_eq!(found.len(), wanted.len());
        for (sample, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            assert_eq!(found, wanted, "{form:?}, line {sample}");
        }
    }
}

#[test]
fn what_is_no_integer_network_is_refused() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (network, _) = generator::recipes(true).new_tree(&mut runner).unwrap().current().grow();
    let error = to_c(&file(network), "net", Steps::Folded).unwrap_err().to_string();
    assert!(error.contains("--weights i8"), "{error}");
    let (network, _) = integer_networks::recipes().new_tree(&mut runner).unwrap().current().grow();
    let error = to_c(&file(network.clone()), "2 nets", Steps::Folded).unwrap_err().to_string();
    assert!(error.contains("`2 nets`"), "{error}");
    // the engines take it, and so does C
    assert!(FoldedEngine::new(&network).is_ok() && to_c(&file(network), "net", Steps::Spikes).is_ok());
}
