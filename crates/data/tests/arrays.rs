//! IDX, CIFAR, NPY and NPZ: what they read, and what they refuse.

mod common;

use common::{all, cifar, gzip, idx, npy, npz, open, raw, refused, save};
use spikeconverter_data::{Dataset, Element, Error, Format, OpenOptions, Preprocessing, Split, Stage};
use tempfile::tempdir;

fn options() -> OpenOptions {
    OpenOptions::default()
}

#[test]
fn idx_with_sibling_labels() {
    let dir = tempdir().unwrap();
    let images = idx(8, &[3, 2, 2], &(0..12).collect::<Vec<u8>>());
    let labels = idx(8, &[3], &[7, 0, 9]);
    for (name, data) in [("a-images-idx3-ubyte", images.clone()), ("b-images-idx3-ubyte.gz", gzip(&images))] {
        let path = save(dir.path(), name, data);
        save(
            dir.path(),
            &name.replace("images-idx3", "labels-idx1"),
            if name.ends_with("gz") { gzip(&labels) } else { labels.clone() },
        );
        let data = open(&path).unwrap();
        assert_eq!((data.len(), data.format(), data.sample_shape()), (3, Format::Idx, Some(&[2, 2][..])));
        assert_eq!(data.label_range(), Some((0, 9)));
        let batch = raw(&data, &[1, 2, 2]);
        assert_eq!(batch.inputs, (0..12u8).map(f32::from).collect::<Vec<_>>());
        assert_eq!(batch.labels, Some(vec![7, 0, 9]));
        assert_eq!(batch.integer_range.map(|r| (r.lo, r.hi)), Some((0, 255)));
        let fed = all(&data, &Preprocessing::default(), &[4], Stage::Normalised).unwrap();
        assert_eq!((fed.inputs[11], fed.integer_range), (11.0 / 255.0, None));
    }
}

#[test]
fn idx_folder_needs_a_split_only_if_it_has_two() {
    let dir = tempdir().unwrap();
    for (name, n) in [("train", 2u8), ("t10k", 1)] {
        save(
            dir.path(),
            &format!("{name}-images-idx3-ubyte.gz"),
            gzip(&idx(8, &[n.into(), 1, 2], &vec![n; 2 * usize::from(n)])),
        );
        save(dir.path(), &format!("{name}-labels-idx1-ubyte.gz"), gzip(&idx(8, &[n.into()], &vec![n; n.into()])));
    }
    refused(open(dir.path()), &["--split train"]);
    let test = Dataset::open(dir.path(), &OpenOptions { split: Some(Split::Test), ..options() }).unwrap();
    let train = Dataset::open(dir.path(), &OpenOptions { split: Some(Split::Train), ..options() }).unwrap();
    assert_eq!((test.labels(), train.len()), (Some(&[1][..]), 2));
    std::fs::remove_file(dir.path().join("train-images-idx3-ubyte.gz")).unwrap();
    assert_eq!(open(dir.path()).unwrap().len(), 1);
    refused(
        Dataset::open(dir.path(), &OpenOptions { split: Some(Split::Train), ..options() }),
        &["no train split", "t10k-images"],
    );
}

#[test]
fn idx_lies_about_its_length() {
    let dir = tempdir().unwrap();
    let huge = idx(8, &[u32::MAX, 28, 28], &[0; 100]);
    refused(open(save(dir.path(), "huge-images-idx3", &huge)), &["huge-images", "3367254359296", "116"]);
    refused(open(save(dir.path(), "huge-images-idx3.gz", gzip(&huge))), &["at most"]);
    let overflowing = idx(0x0E, &[u32::MAX; 8], &[]);
    refused(open(save(dir.path(), "over-images-idx3", overflowing)), &["damaged or incomplete"]);
    let short = idx(8, &[2, 2, 2], &[0; 7]);
    refused(open(save(dir.path(), "short-images-idx3", &short)), &["24 bytes", "23"]);
    refused(open(save(dir.path(), "short-images-idx3.gz", gzip(&short))), &["24 bytes", "23"]);
    let bomb = idx(8, &[1, 2, 2], &vec![0; 1 << 20]);
    refused(open(save(dir.path(), "bomb-images-idx3.gz", gzip(&bomb))), &["20 bytes", "more"]);
    let mut cut = gzip(&idx(8, &[1, 100, 100], &[5; 10_000]));
    cut.truncate(cut.len() - 9);
    refused(open(save(dir.path(), "cut-images-idx3.gz", cut)), &["gzip", "cut-images"]);
    refused(open(save(dir.path(), "none-images-idx3", idx(8, &[0, 2, 2], &[]))), &["holds no samples"]);
    let path = save(dir.path(), "wrong-images-idx3", [1, 2, 3, 4]);
    refused(open(&path), &["no data set known here", "wrong-images"]);
    refused(Dataset::open(path, &OpenOptions { format: Some(Format::Idx), ..options() }), &["IDX", "first bytes"]);
    refused(open(save(dir.path(), "q-labels-idx1-ubyte", idx(8, &[2], &[1, 2]))), &["give the images file"]);
}

#[test]
fn labels_must_pair_up() {
    let dir = tempdir().unwrap();
    let path = save(dir.path(), "a-images-idx3", idx(8, &[2, 1, 1], &[0, 1]));
    save(dir.path(), "a-labels-idx1", idx(8, &[3], &[0, 1, 2]));
    refused(open(&path), &["3 labels", "2 samples", "a-labels-idx1"]);
    let given = save(dir.path(), "y.npy", npy("<i4", false, "(2,)", &[5, 0, 0, 0, 6, 0, 0, 0]));
    let data = Dataset::open(&path, &OpenOptions { labels: Some(given), ..options() }).unwrap();
    assert_eq!(data.labels(), Some(&[5, 6][..]));
    let negative = save(dir.path(), "n.npy", npy("|i1", false, "(2,)", &[0xFF, 0]));
    refused(Dataset::open(&path, &OpenOptions { labels: Some(negative), ..options() }), &["label 0", "-1"]);
    let one_hot = save(dir.path(), "h.npy", npy("|u1", false, "(2, 2)", &[0, 1, 1, 0]));
    refused(Dataset::open(&path, &OpenOptions { labels: Some(one_hot), ..options() }), &["argmax"]);
}

#[test]
fn cifar_records() {
    let dir = tempdir().unwrap();
    let ten = [cifar(&[3], [1, 2, 3]), cifar(&[9], [4, 5, 6])].concat();
    let data = open(save(dir.path(), "ten.bin", &ten)).unwrap();
    assert_eq!((data.format(), data.labels()), (Format::Cifar10, Some(&[3, 9][..])));
    let batch = raw(&data, &[3, 32, 32]);
    assert_eq!([batch.inputs[0], batch.inputs[1024], batch.inputs[6143]], [1.0, 2.0, 6.0]);
    assert_eq!(raw(&data, &[32, 32, 3]).inputs[..4], [1.0, 2.0, 3.0, 1.0]);
    let hundred = open(save(dir.path(), "hundred.bin", cifar(&[1, 99], [0; 3]))).unwrap();
    assert_eq!((hundred.format(), hundred.labels()), (Format::Cifar100, Some(&[99][..])));
    refused(open(save(dir.path(), "odd.bin", &ten[1..])), &["odd.bin", "3073", "3074"]);
    refused(open(save(dir.path(), "bad.bin", cifar(&[10], [0; 3]))), &["label 10", "0..10"]);
    refused(open(save(dir.path(), "empty.bin", [])), &["no samples"]);
    let path = save(dir.path(), "both.bin", cifar(&[1], [0; 3]).repeat(3074));
    refused(open(&path), &["--format cifar10"]);
    let given = Dataset::open(path, &OpenOptions { format: Some(Format::Cifar10), ..options() }).unwrap();
    assert_eq!(given.len(), 3074);
    // A black corner after label 0 looks like the start of an IDX header.
    let mut black = cifar(&[0], [0; 3]);
    black[2..5].copy_from_slice(&[8, 1, 0]);
    assert_eq!(open(save(dir.path(), "black.bin", black)).unwrap().format(), Format::Cifar10);
}

#[test]
fn cifar_folder_joins_training_batches() {
    let dir = tempdir().unwrap();
    for i in 1..=3u8 {
        save(dir.path(), &format!("data_batch_{i}.bin"), cifar(&[i], [i; 3]).repeat(2));
    }
    save(dir.path(), "test_batch.bin", cifar(&[0], [0; 3]));
    save(dir.path(), "batches.meta.txt", "airplane\n");
    refused(open(dir.path()), &["--split"]);
    let train =
        Dataset::open(dir.path(), &OpenOptions { split: Some(Split::Train), range: Some(1..5), ..options() }).unwrap();
    assert_eq!(train.labels(), Some(&[1, 2, 2, 3][..]));
    let batches: Vec<_> =
        train.batches(&Preprocessing::default(), &[3, 32, 32], 3, Stage::Raw).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(|b| (b.first_index, b.count)).collect::<Vec<_>>(), [(1, 3), (4, 1)]);
    assert_eq!([batches[0].inputs[0], batches[0].inputs[3072], batches[1].inputs[0]], [1.0, 2.0, 3.0]);
    assert!(train.sample_name(4).ends_with("data_batch_3.bin row 0"));
}

#[test]
fn npz_stored_and_deflated() {
    let dir = tempdir().unwrap();
    let x = npy("|i1", false, "(2, 2, 3)", &[0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 127]);
    let y = npy("<i8", false, "(2,)", &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    for deflate in [false, true] {
        let path = save(dir.path(), "d.npz", npz(&[("y", y.clone()), ("x", x.clone())], deflate));
        let data = open(&path).unwrap();
        assert_eq!((data.len(), data.element(), data.labels()), (2, Element::I8, Some(&[1, 2][..])));
        let batch = raw(&data, &[2, 3, 1]);
        assert_eq!((batch.inputs[0], batch.inputs[11]), (-128.0, 127.0));
        assert_eq!(batch.integer_range.map(|r| (r.lo, r.hi)), Some((-128, 127)));
        let p = Preprocessing { zero_point: 83.0, scale: Some(0.5), ..Preprocessing::default() };
        assert_eq!(all(&data, &p, &[2, 3, 1], Stage::Normalised).unwrap().inputs[0], (-128.0 - 83.0) * 0.5);
    }
    let only = open(save(dir.path(), "only.npz", npz(&[("anything", x.clone())], true))).unwrap();
    assert!(only.labels().is_none());
    let two = npz(&[("a", x.clone()), ("b", x.clone())], true);
    refused(open(save(dir.path(), "two.npz", two)), &["a, b", "`x`"]);
    refused(
        open(save(dir.path(), "short.npz", npz(&[("x", x[..x.len() - 1].to_vec())], true))),
        &["short.npz", "incomplete"],
    );
    let mut cut = npz(&[("x", x)], true);
    cut.truncate(cut.len() / 2);
    refused(open(save(dir.path(), "cut.npz", cut)), &["NPZ", "cut.npz"]);
    refused(open(save(dir.path(), "zip.npz", npz(&[], false))), &["NPZ"]);
}

#[test]
fn npz_member_that_lies() {
    let dir = tempdir().unwrap();
    let lie = npy("<f8", false, "(1000000000, 1000000000, 1000000000, 1000000000)", &[0; 64]);
    refused(open(save(dir.path(), "lie.npz", npz(&[("x", lie.clone())], true))), &["lie.npz", "bytes of data"]);
    refused(open(save(dir.path(), "lie.npy", lie)), &["lie.npy"]);
}

#[test]
fn npy_types_orders_and_siblings() {
    let dir = tempdir().unwrap();
    let f32s = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let x = save(dir.path(), "x_test.npy", npy("<f4", true, "(2, 3)", &f32s(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])));
    save(dir.path(), "y_test.npy", npy("|u1", false, "(2,)", &[8, 9]));
    for path in [x.as_path(), dir.path()] {
        let data = open(path).unwrap();
        assert_eq!((data.format(), data.labels()), (Format::Npy, Some(&[8, 9][..])));
        assert_eq!(raw(&data, &[3]).inputs, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(raw(&data, &[3]).integer_range, None);
    }
    let big = save(dir.path(), "big.npy", npy(">i2", false, "(2, 1)", &[0xFF, 0xFE, 1, 0]));
    assert_eq!(raw(&open(big).unwrap(), &[1]).inputs, [-2.0, 256.0]);
    let vector = save(dir.path(), "vector.npy", npy("|u1", false, "(3,)", &[1, 2, 3]));
    assert_eq!(raw(&open(vector).unwrap(), &[1]).inputs, [1.0, 2.0, 3.0]);
    refused(open(save(dir.path(), "scalar.npy", npy("|u1", false, "()", &[1]))), &["a single number"]);
    refused(open(save(dir.path(), "none.npy", npy("|u1", false, "(0, 3)", &[]))), &["no samples"]);
    refused(open(save(dir.path(), "hollow.npy", npy("|u1", false, "(3, 0)", &[]))), &["no samples"]);
    refused(open(save(dir.path(), "complex.npy", npy("<c8", false, "(1,)", &[0; 8]))), &["<c8", "float32"]);
}

#[test]
fn nan_is_found_where_it_is() {
    let dir = tempdir().unwrap();
    let values = [0.0f32, 1.0, 2.0, f32::NAN, f32::INFINITY, 5.0];
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let data = open(save(dir.path(), "nan.npy", npy("<f4", false, "(3, 2)", &bytes))).unwrap();
    let mut batches = data.batches(&Preprocessing::default(), &[2], 1, Stage::Raw).unwrap();
    assert_eq!(batches.next().unwrap().unwrap().inputs, [0.0, 1.0]);
    refused(batches.next().unwrap(), &["row 1", "nan.npy", "NaN"]);
    assert!(batches.next().is_none());
    assert!(matches!(all(&data, &Preprocessing::default(), &[2], Stage::Raw), Err(Error::NotFinite { row: 1, .. })));
}

#[test]
fn ranges_and_limits() {
    let dir = tempdir().unwrap();
    let path = save(dir.path(), "x.npy", npy("|u1", false, "(10, 1)", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    let open = |range, limit| Dataset::open(&path, &OpenOptions { range, limit, ..options() });
    assert_eq!(open(Some(4..9), Some(2)).unwrap().rows(), 4..6);
    assert_eq!(open(None, Some(99)).unwrap().len(), 10);
    let part = open(Some(4..9), None).unwrap().select(1..3).unwrap();
    assert_eq!(raw(&part, &[1]).inputs, [5.0, 6.0]);
    refused(open(Some(5..11), None), &["5..11", "10 rows"]);
    refused(open(Some(3..3), None), &["3..3"]);
    refused(open(None, Some(0)), &["0..0"]);
    refused(part.batches(&Preprocessing::default(), &[1], 0, Stage::Raw), &["batch size"]);
}

#[test]
fn disagreements_name_both_shapes() {
    let dir = tempdir().unwrap();
    let p = Preprocessing::default();
    let grey = open(save(dir.path(), "g.npy", npy("|u1", false, "(1, 2, 2)", &[0; 4]))).unwrap();
    refused(grey.batches(&p, &[3, 2, 2], 1, Stage::Raw), &["[2, 2] have 1 channels", "[3, 2, 2] has 3"]);
    refused(grey.batches(&p, &[1, 5, 5], 1, Stage::Raw), &["[2, 2]", "[1, 5, 5]", "resize"]);
    refused(grey.batches(&p, &[], 1, Stage::Raw), &["[2, 2]", "[]"]);
    refused(grey.batches(&p, &[0], 1, Stage::Raw), &["[0]"]);
    let wide = Preprocessing { mean: vec![0.0; 3], ..p.clone() };
    refused(grey.batches(&wide, &[1, 2, 2], 1, Stage::Normalised), &["3 channels", "[1, 2, 2]"]);
    let signed = open(save(dir.path(), "s.npy", npy("|i1", false, "(1, 2, 2)", &[0; 4]))).unwrap();
    let resize = Preprocessing { resize: spikeconverter_data::Resize::Exact([4, 4]), ..p };
    refused(signed.batches(&resize, &[1, 4, 4], 1, Stage::Raw), &["i8", "s.npy"]);
    assert_eq!(all(&grey, &resize, &[1, 4, 4], Stage::Raw).unwrap().inputs, [0.0; 16]);
}

proptest::proptest! {
    /// Whatever happens to a file on its way, opening and reading it ends in data or in an error.
    #[test]
    fn damaged_files_never_panic(
        which in 0usize..5,
        flips in proptest::collection::vec((0usize..400, proptest::prelude::any::<u8>()), 0..4),
        cut in 0usize..400,
    ) {
        let dir = tempdir().unwrap();
        let x = npy("<f4", true, "(2, 2, 1)", &[0; 16]);
        let images = idx(8, &[2, 2, 2], &[1; 8]);
        let mut data = match which {
            0 => images,
            1 => gzip(&images),
            2 => x,
            3 => npz(&[("x", x), ("y", npy("|u1", false, "(2,)", &[0, 1]))], false),
            _ => npz(&[("x", x), ("y", npy("|u1", false, "(2,)", &[0, 1]))], true),
        };
        for (at, value) in flips {
            if let Some(byte) = data.get_mut(at) {
                *byte = value;
            }
        }
        if cut < 100 {
            data.truncate(data.len() * cut / 100);
        }
        if let Ok(data) = open(save(dir.path(), "file", data)) {
            let shape = data.sample_shape().unwrap().to_vec();
            if let Ok(batches) = data.batches(&Preprocessing::default(), &shape, 3, Stage::Normalised) {
                proptest::prop_assert!(batches.take(5).count() > 0);
            }
        }
    }
}

#[test]
fn empty_axes_beside_enormous_ones() {
    let dir = tempdir().unwrap();
    let axes = format!("({0}, {0}, {0}, 0)", 1u64 << 60);
    for fortran in [false, true] {
        refused(open(save(dir.path(), "x.npy", npy("<f4", fortran, &axes, &[]))), &["no samples"]);
    }
}
