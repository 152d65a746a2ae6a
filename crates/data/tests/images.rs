//! Folders of image files.

mod common;

use common::{all, npy, open, picture, raw, refused, save};
use spikeconverter_data::{ChannelOrder, Dataset, Format, Layout, OpenOptions, Preprocessing, Resize, Split, Stage};
use tempfile::tempdir;

#[test]
fn a_class_per_sub_folder() {
    let dir = tempdir().unwrap();
    picture(dir.path(), "dog/1.png", 2, 2, [4, 5, 6]);
    picture(dir.path(), "cat/b.png", 2, 2, [1, 2, 3]);
    picture(dir.path(), "cat/a.bmp", 2, 2, [7, 8, 9]);
    save(dir.path(), "cat/.hidden.png", "no image");
    let data = open(dir.path()).unwrap();
    assert_eq!((data.format(), data.class_names().join(" ")), (Format::Images, "cat dog".into()));
    assert_eq!(data.labels(), Some(&[0, 0, 1][..]));
    let batch = raw(&data, &[2, 2, 3]);
    assert_eq!([batch.inputs[0], batch.inputs[12], batch.inputs[24]], [7.0, 1.0, 4.0]);
    assert!(batch.integer_range.is_some());
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    refused(open(dir.path()), &["empty", "no samples"]);
    std::fs::remove_dir(dir.path().join("empty")).unwrap();
    picture(dir.path(), "stray.png", 2, 2, [0; 3]);
    refused(open(dir.path()), &["images, sub-folders of images", "--format"]);
}

#[test]
fn a_flat_folder_with_a_table_of_labels() {
    let dir = tempdir().unwrap();
    picture(dir.path(), "test/a.png", 2, 2, [1; 3]);
    picture(dir.path(), "test/b.png", 2, 2, [2; 3]);
    picture(dir.path(), "calibrate/c.png", 2, 2, [3; 3]);
    assert!(open(dir.path().join("test")).unwrap().labels().is_none());
    let table = "file,split,label0based,author\nb.png,test,304,\"Doe, \
        J.\"\na.png,test,7,x\nc.png,calibrate,1,y\nelsewhere.png,test,,\n";
    save(dir.path(), "labels.csv", table);
    assert_eq!(open(dir.path().join("test")).unwrap().labels(), Some(&[7, 304][..]));
    refused(open(dir.path()), &["calibrate, test", "--split"]);
    let split =
        |split| Dataset::open(dir.path(), &OpenOptions { split: Some(split), ..OpenOptions::default() }).unwrap();
    assert_eq!((split(Split::Test).len(), split(Split::Train).labels()), (2, Some(&[1][..])));
    picture(dir.path(), "test/new.png", 2, 2, [2; 3]);
    refused(open(dir.path().join("test")), &["new.png", "labels.csv", "--labels"]);
    let given = |text: &str| {
        let labels = Some(save(dir.path(), "given.csv", text));
        Dataset::open(dir.path().join("calibrate"), &OpenOptions { labels, ..OpenOptions::default() })
    };
    assert_eq!(given("label,FileName\n 5 , c.png \n").unwrap().labels(), Some(&[5][..]));
    refused(given("file,label\nc.png,dog\n"), &["c.png", "`dog`"]);
    refused(given("file,label\nc.png,1\nc.png,2\n"), &["twice"]);
    refused(given("name,label\nc.png,1\n"), &["given.csv", "column"]);
    refused(given(""), &["given.csv", "column"]);
}

#[test]
fn resize_crop_and_channel_order() {
    let dir = tempdir().unwrap();
    picture(dir.path(), "1.png", 8, 12, [10, 20, 30]);
    let data = open(dir.path()).unwrap();
    refused(
        all(&data, &Preprocessing::default(), &[3, 4, 4], Stage::Raw),
        &["1.png", "[8, 12, 3]", "[3, 4, 4]", "4x4"],
    );
    let p = Preprocessing {
        resize: Resize::ShorterSide(5),
        crop: Some([4, 4]),
        channel_order: ChannelOrder::Bgr,
        scale: Some(1.0),
        mean: vec![30.0, 0.0, 0.0],
        ..Preprocessing::default()
    };
    let fed = all(&data, &p, &[3, 4, 4], Stage::Normalised).unwrap();
    assert_eq!([fed.inputs[0], fed.inputs[16], fed.inputs[32]], [0.0, 20.0, 10.0]);
    let flat = Preprocessing { layout: Some(Layout::Nhwc), ..p.clone() };
    assert_eq!(all(&data, &flat, &[48], Stage::Normalised).unwrap().inputs[..4], [0.0, 20.0, 10.0, 0.0]);
    refused(all(&data, &p, &[48], Stage::Raw), &["layout"]);
    refused(all(&data, &Preprocessing { crop: Some([6, 6]), ..p }, &[3, 6, 6], Stage::Raw), &["6x6", "5x7"]);
}

#[test]
fn grey_becomes_colour_but_not_the_reverse() {
    let dir = tempdir().unwrap();
    image::GrayImage::from_pixel(2, 2, image::Luma([9])).save(dir.path().join("g.png")).unwrap();
    let grey = open(dir.path()).unwrap();
    assert_eq!(raw(&grey, &[3, 2, 2]).inputs, [9.0; 12]);
    assert_eq!(raw(&grey, &[1, 2, 2]).inputs, [9.0; 4]);
    assert_eq!(raw(&grey, &[4]).inputs, [9.0; 4]);
    let colour = tempdir().unwrap();
    picture(colour.path(), "c.jpg", 2, 2, [50; 3]);
    refused(
        all(&open(colour.path()).unwrap(), &Preprocessing::default(), &[1, 2, 2], Stage::Raw),
        &["[2, 2, 3] have 3", "[1, 2, 2] has 1"],
    );
}

#[test]
fn broken_images_and_folders() {
    let dir = tempdir().unwrap();
    refused(open(dir.path()), &["no samples"]);
    refused(open(dir.path().join("absent")), &["absent", "check the path"]);
    save(dir.path(), "readme.txt", "hello");
    refused(open(dir.path()), &["known format"]);
    let path = save(dir.path(), "broken.png", b"\x89PNG\r\n\x1a\nnothing");
    refused(
        all(&open(dir.path()).unwrap(), &Preprocessing::default(), &[3, 2, 2], Stage::Raw),
        &["broken.png", "decoded"],
    );
    refused(open(path), &["broken.png"]);
    save(dir.path(), "x.npy", npy("|u1", false, "(1,)", &[1]));
    refused(open(dir.path()), &["NPY files, images", "--format"]);
    let chosen = OpenOptions { format: Some(Format::Npy), ..OpenOptions::default() };
    assert_eq!(Dataset::open(dir.path(), &chosen).unwrap().len(), 1);
    let absent = OpenOptions { format: Some(Format::Idx), ..OpenOptions::default() };
    refused(Dataset::open(dir.path(), &absent), &["no idx data"]);
}

#[test]
fn the_first_bad_row_is_reported() {
    let dir = tempdir().unwrap();
    for i in 0..6 {
        picture(dir.path(), &format!("{i}.png"), 2, 2, [0; 3]);
    }
    save(dir.path(), "2.png", "x");
    save(dir.path(), "4.png", "x");
    let data = open(dir.path()).unwrap();
    let results: Vec<_> = data.batches(&Preprocessing::default(), &[3, 2, 2], 2, Stage::Raw).unwrap().collect();
    assert_eq!(results.len(), 2);
    refused(results.into_iter().nth(1).unwrap(), &["2.png"]);
    refused(all(&data, &Preprocessing::default(), &[3, 2, 2], Stage::Raw), &["2.png"]);
}
