//! Both schemas of preprocessing files.

mod common;

use common::{refused, save};
use spikeconverter_data::{ChannelOrder, Format, Layout, PreprocessFile, ReferenceAccuracy, Resize};
use tempfile::tempdir;

const MODELS: &str = r#"
schema = 1
[model."net_0.25"]
file = "net_0.25.onnx"
sha256 = "00"
format = "jpeg-folder"
test = "pictures/test"
calibrate = "pictures/calibrate"
calibrate_range = [0, 200]
label_file = "pictures/labels.csv"
resize = "bilinear"
layout = "NCHW"
shape = [3, 128, 96]
channel_order = "BGR"
zero_point = 0
scale = 0.5
mean = [1.0, 2.0, 3.0]
std = [1.0, 1.0, 1.0]
classes = 1001
label_offset = 1
top1_correct = 342
top1_total = 800

[model."bare"]
channel_order = "none"
resize = "none"
"#;

#[test]
fn a_table_per_model() {
    let dir = tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("pictures/test")).unwrap();
    std::fs::create_dir_all(dir.path().join("models/pictures/calibrate")).unwrap();
    let file = PreprocessFile::read(save(dir.path(), "models/p.toml", MODELS)).unwrap();
    let entry = file.for_model("any/where/net_0.25.onnx").unwrap();
    assert_eq!(entry, file.for_model("net_0.25").unwrap());
    let p = &entry.preprocessing;
    assert_eq!(
        (p.resize, p.channel_order, p.layout),
        (Resize::Exact([128, 96]), ChannelOrder::Bgr, Some(Layout::Nchw))
    );
    assert_eq!((p.label_offset, p.scale, entry.classes), (1, Some(0.5), Some(1001)));
    assert_eq!(entry.reference, Some(ReferenceAccuracy { correct: 342, total: 800 }));
    let (test, calibrate) = (entry.test.unwrap(), entry.calibrate.unwrap());
    assert!(test.path.is_dir() && calibrate.path.is_dir(), "found above and beside the file");
    assert_eq!(
        (test.options.format, test.options.range, calibrate.options.range),
        (Some(Format::Images), None, Some(0..200))
    );
    assert!(test.options.labels.unwrap().ends_with("pictures/labels.csv"));
    assert_eq!(file.for_model("bare.onnx").unwrap().preprocessing, spikeconverter_data::Preprocessing::default());
    refused(file.for_model("other.onnx"), &["`other`", "bare, net_0.25"]);
}

#[test]
fn one_for_all() {
    let dir = tempdir().unwrap();
    let file = PreprocessFile::read(save(dir.path(), "p.toml", "scale = 0.25\nresize = { exact = [4, 5] }\n")).unwrap();
    let p = file.for_model("whatever.onnx").unwrap().preprocessing;
    assert_eq!((p.scale, p.resize), (Some(0.25), Resize::Exact([4, 5])));
    assert!(file.models().is_empty());
}

#[test]
fn refusals_name_file_and_model() {
    let dir = tempdir().unwrap();
    let read = |text: &str| PreprocessFile::read(save(dir.path(), "p.toml", text));
    refused(read("sclae = 1"), &["p.toml", "sclae"]);
    refused(read("= 1"), &["p.toml"]);
    refused(read("schema = 2\n[model.a]\n"), &["schema is 2"]);
    refused(read("model = 3"), &["not a table"]);
    refused(read("[model.a]\nresize = \"bicubic\"\n"), &["`a`", "bicubic"]);
    refused(read("[model.a]\nresize = \"bilinear\"\n"), &["`a`", "shape"]);
    refused(read("[model.a]\nstd = [0.0]\n"), &["`a`", "std"]);
    refused(read("[model.a]\nformat = \"hdf5\"\n"), &["`a`", "hdf5"]);
    refused(PreprocessFile::read(dir.path().join("absent.toml")), &["absent.toml"]);
}
