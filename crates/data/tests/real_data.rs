//! Real data sets, in the folder that the environment variable `SPIKECONVERTER_DATA` names; skipped where it is not
//! set.

mod common;

use std::path::PathBuf;

use common::{all, open};
use spikeconverter_data::{Dataset, Element, Format, IntegerRange, OpenOptions, PreprocessFile, Split, Stage};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SPIKECONVERTER_DATA").map(PathBuf::from);
    if folder.is_none() {
        #[allow(clippy::print_stderr)] // The one place where a skipped test can say so.
        {
            eprintln!("skipped: SPIKECONVERTER_DATA is not set");
        }
    }
    folder
}

#[test]
fn fashion_mnist() {
    let Some(folder) = folder() else { return };
    for (split, count) in [(Split::Test, 10_000), (Split::Train, 60_000)] {
        let data =
            Dataset::open(folder.join("fashion-mnist"), &OpenOptions { split: Some(split), ..OpenOptions::default() })
                .unwrap();
        assert_eq!((data.len(), data.format(), data.label_range()), (count, Format::Idx, Some((0, 9))));
        assert_eq!(data.sample_shape(), Some(&[28, 28][..]));
        let shape = if split == Split::Test { &[1, 28, 28][..] } else { &[784] };
        let mut seen = 0;
        let mut labels = Vec::new();
        for batch in
            data.batches(&spikeconverter_data::Preprocessing::default(), shape, 999, Stage::Normalised).unwrap()
        {
            let batch = batch.unwrap();
            assert_eq!((batch.first_index, batch.inputs.len()), (seen, batch.count * 784));
            assert!(batch.inputs.iter().all(|x| (0.0..=1.0).contains(x)));
            seen += batch.count;
            labels.extend(batch.labels.unwrap());
        }
        assert_eq!((seen, Some(labels.as_slice())), (count, data.labels()));
    }
}

#[test]
fn cifar10() {
    let Some(folder) = folder() else { return };
    let data = open(folder.join("cifar10/test.bin")).unwrap();
    assert_eq!((data.len(), data.format(), data.label_range()), (9979, Format::Cifar10, Some((0, 9))));
    assert_eq!(data.labels().unwrap()[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    let test =
        Dataset::open(folder.join("cifar10"), &OpenOptions { split: Some(Split::Test), ..OpenOptions::default() })
            .unwrap();
    let train =
        Dataset::open(folder.join("cifar10"), &OpenOptions { split: Some(Split::Train), ..OpenOptions::default() })
            .unwrap();
    assert_eq!((test.len(), train.len()), (9979, 20_000));
}

#[test]
fn kws() {
    let Some(folder) = folder() else { return };
    let data =
        Dataset::open(folder.join("kws/kws01.npz"), &OpenOptions { range: Some(200..1000), ..OpenOptions::default() })
            .unwrap();
    assert_eq!((data.len(), data.element(), data.sample_shape()), (800, Element::I8, Some(&[49, 10][..])));
    assert!(data.label_range().unwrap().1 < 12);
}

#[test]
fn imagenet() {
    let Some(folder) = folder() else { return };
    let data = open(folder.join("imagenet-nips2017/test")).unwrap();
    assert_eq!((data.len(), data.labels().map(<[u32]>::len)), (800, Some(800)));
    assert!(data.label_range().unwrap().1 < 1000);
    let calibrate = OpenOptions { split: Some(Split::Train), ..OpenOptions::default() };
    assert_eq!(Dataset::open(folder.join("imagenet-nips2017"), &calibrate).unwrap().len(), 200);
}

#[test]
fn every_model_of_the_preprocessing_file_can_be_fed() {
    let Some(folder) = folder() else { return };
    let file = PreprocessFile::read(folder.join("models/preprocessing.toml")).unwrap();
    assert_eq!(file.models().len(), 10);
    for (name, entry) in file.models() {
        assert_eq!(entry, &file.for_model(format!("{name}.onnx")).unwrap());
        assert!(entry.file.as_ref().unwrap().is_file(), "{name}");
        let shape = entry.input_shape.as_ref().unwrap();
        assert_eq!(entry.test.is_some(), name != "vww_mobilenet");
        for (data, total) in [(&entry.test, entry.reference.map(|r| r.total)), (&entry.calibrate, None)] {
            let Some(reference) = data else { continue };
            let data = Dataset::open(&reference.path, &reference.options).unwrap();
            assert!(total.is_none_or(|total| total == data.len() as u64), "{name}");
            let data = data.select(0..8).unwrap();
            let raw = all(&data, &entry.preprocessing, shape, Stage::Raw).unwrap();
            let fed = all(&data, &entry.preprocessing, shape, Stage::Normalised).unwrap();
            let Some(IntegerRange { lo, hi }) = raw.integer_range else { panic!("{name} has 8-bit data") };
            assert!(raw.inputs.iter().all(|x| x.fract() == 0.0 && (lo as f32..=hi as f32).contains(x)), "{name}");
            let p = &entry.preprocessing;
            let (last_raw, last_fed) = (*raw.inputs.last().unwrap(), *fed.inputs.last().unwrap());
            let expected = ((f64::from(last_raw) - p.zero_point) * p.scale.unwrap() - p.mean.last().unwrap())
                / p.std.last().unwrap();
            assert!((expected - f64::from(last_fed)).abs() < 1e-5 * expected.abs().max(1.0), "{name}");
        }
    }
}
