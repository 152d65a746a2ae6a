//! Data sets and preprocessing as streams of batches.
//!
//! A [`Dataset`] is a file or folder of samples (IDX, CIFAR binary, NPY, NPZ, or image files), labelled or not. A
//! [`Preprocessing`] says how a trained network wants its samples. [`Dataset::batches`] joins the two for a model's
//! per-sample input shape and streams [`Batch`]es, each either as the raw numbers ([`Stage::Raw`]: resized, cropped and
//! laid out as the model wants, but still, say, 8-bit pixels) or as the model is fed ([`Stage::Normalised`]).
//!
//! ```
//! use spikeconverter_data::{Dataset, OpenOptions, Preprocessing, Stage};
//!
//! # fn main() -> Result<(), spikeconverter_data::Error> {
//! let options = OpenOptions { limit: Some(100), ..OpenOptions::default() };
//! let dataset = Dataset::open("../../demo/digits-test.npz", &options)?;
//! let preprocessing = Preprocessing { scale: Some(1.0 / 16.0), ..Preprocessing::default() };
//! let mut samples = 0;
//! for batch in dataset.batches(&preprocessing, &[1, 8, 8], 64, Stage::Normalised)? {
//!     let batch = batch?;
//!     assert_eq!(batch.inputs.len(), batch.count * 8 * 8);
//!     assert!(batch.inputs.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
//!     samples += batch.count;
//! }
//! assert_eq!(samples, 100);
//! # Ok(())
//! # }
//! ```
//!
//! # Formats
//!
//! | format | path | labels |
//! |---|---|---|
//! | IDX, gzip or not | an `…images-idx3-ubyte[.gz]` file, or a folder of them | the sibling `…labels-idx1-ubyte[.gz]` |
//! | CIFAR-10 / -100 binary | a `.bin` file, or a folder of `data_batch_*.bin`, `test_batch.bin`, `train*.bin`, `test*.bin` | in the file (CIFAR-100: the fine label) |
//! | NPZ | arrays `x` and `y`, or `images` and `labels`, or a single array | in the file |
//! | NPY | one array | `x…`/`y…` or `…images…`/`…labels…` sibling |
//! | images (JPEG, PNG, BMP, PNM) | a folder with a sub-folder per class, or a flat folder | sub-folder order, or `labels.csv` in the folder or its parent |
//!
//! A file is never trusted: sizes it declares are checked against what it holds before anything is allocated, and each
//! failure is an [`Error`] that names the file and the remedy.

mod array;
mod batches;
mod bytes;
mod catalogue;
mod cifar;
mod dataset;
mod detect;
mod element;
mod error;
mod fit;
mod folder;
mod idx;
mod images;
mod labels;
mod layout;
mod memory;
mod npy;
mod npz;
mod preprocessing;
mod resize;
mod rows;
pub mod synthetic;

pub use batches::{Batch, Batches, Stage};
pub use catalogue::{DataReference, ModelEntry, PreprocessFile, ReferenceAccuracy};
pub use dataset::Dataset;
pub use detect::{Format, OpenOptions, Split};
pub use element::{Element, IntegerRange};
pub use error::Error;
pub use layout::{ImageShape, Layout};
pub use memory::{MemoryArray, MemoryPart};
pub use preprocessing::{ChannelOrder, Normalisation, Preprocessing, Resize};

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;
