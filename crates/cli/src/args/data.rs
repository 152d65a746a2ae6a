//! Arguments that say which data, and how they are fed.

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use spikeconverter_data::{
    ChannelOrder, Dataset, Error, Format, Layout, OpenOptions, PreprocessFile, Preprocessing, Resize, Split,
};

use super::values::{Size, number, positive, rows};
use crate::Failure;

/// Which data.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    /// Samples: a file or folder (IDX, CIFAR binary, NPZ, NPY, or images)
    #[arg(long, value_name = "PATH", required = true)]
    pub(crate) data: Option<PathBuf>,

    /// The data's format, where it is not recognised
    #[arg(long, alias = "format", value_enum, value_name = "FORMAT")]
    pub(crate) data_format: Option<FormatArg>,

    /// Labels: a CSV table for a flat folder of images; an IDX, NPY or NPZ file for arrays
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,

    /// Which part of a folder that holds both
    #[arg(long, value_enum)]
    pub(crate) split: Option<SplitArg>,

    /// Rows a to b-1 only, counted from 0
    #[arg(long, value_name = "A..B", value_parser = rows)]
    pub(crate) range: Option<Range<usize>>,

    /// The first N samples only
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// The format of MNIST, gzipped or not
    Idx,
    /// CIFAR-10 binary
    Cifar10,
    /// CIFAR-100 binary, fine labels
    Cifar100,
    /// NumPy archive with arrays x and y, or images and labels
    Npz,
    /// NumPy array
    Npy,
    /// Folder of images: a sub-folder for each class, or flat with a labels file
    Images,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitArg {
    Train,
    Test,
}

impl DataArgs {
    /// The file or folder; empty where a command does without and none is given.
    pub(crate) fn path(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(""))
    }

    /// Opens the data; `otherwise` is the split taken of a folder that holds both when none is asked for.
    pub(crate) fn open(&self, otherwise: Split) -> Result<Dataset, Failure> {
        let asked = self.split.map(|split| match split {
            SplitArg::Train => Split::Train,
            SplitArg::Test => Split::Test,
        });
        let options = OpenOptions {
            format: self.format(),
            split: asked,
            labels: self.labels.clone(),
            range: self.range.clone(),
            limit: self.limit,
        };
        Ok(Dataset::open_part(self.path(), &options, otherwise)?)
    }

    /// Opens data of the same format to calibrate on: these rows of `path`, or its training part where it holds both. Without
    /// a path, of the data to test on.
    pub(crate) fn open_calibration(
        &self,
        path: Option<&Path>,
        range: Option<&Range<usize>>,
    ) -> Result<Dataset, Failure> {
        let options =
            |split| OpenOptions { format: self.format(), split, range: range.cloned(), ..OpenOptions::default() };
        let whole = path.is_none() && range.is_none();
        // what is one set has no part to calibrate on that is not tested on
        if whole && !matches!(Dataset::open(self.path(), &options(None)), Err(Error::Ambiguous { .. })) {
            return Err(Failure::Calibration { path: self.path().to_owned() });
        }
        Ok(Dataset::open_part(path.unwrap_or(self.path()), &options(None), Split::Train)?)
    }

    fn format(&self) -> Option<Format> {
        self.data_format.map(|format| match format {
            FormatArg::Idx => Format::Idx,
            FormatArg::Cifar10 => Format::Cifar10,
            FormatArg::Cifar100 => Format::Cifar100,
            FormatArg::Npz => Format::Npz,
            FormatArg::Npy => Format::Npy,
            FormatArg::Images => Format::Images,
        })
    }
}

/// How the trained network wants its samples.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preprocessing: x = ((raw - zero point) * scale - mean) / std, stored in net.snn")]
pub(crate) struct PreprocessArgs {
    /// Read all of it from a TOML file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "scale", "mean", "std", "zero_point", "channels", "resize", "crop", "label_offset", "layout",
    ])]
    pub(crate) preprocess: Option<PathBuf>,

    /// Factor on raw values, e.g. 1/255 (which it is for 8-bit data unless said) or 1
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    pub(crate) scale: Option<f64>,

    /// Mean, one number or one a channel, e.g. 0.485,0.456,0.406
    #[arg(long, value_name = "X,..", value_delimiter = ',', value_parser = number, allow_hyphen_values = true)]
    pub(crate) mean: Vec<f64>,

    /// Standard deviation, one number or one a channel
    #[arg(long, value_name = "X,..", value_delimiter = ',', value_parser = number)]
    pub(crate) std: Vec<f64>,

    /// Subtracted from raw values first
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    pub(crate) zero_point: Option<f64>,

    /// Order of the colour channels that the model wants; RGB unless said
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) channels: Option<ChannelsArg>,

    /// Resize images: N for the shorter side, HxW for exactly that
    #[arg(long, value_name = "N|HxW")]
    pub(crate) resize: Option<Size>,

    /// Then keep the centre
    #[arg(long, value_name = "N|HxW")]
    pub(crate) crop: Option<Size>,

    /// Predicted label = index of the largest output - this; 1 where output 0 is a background class
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) label_offset: Option<i64>,

    /// Axis order of the model's input; read off the model unless said
    #[arg(long, value_enum, ignore_case = true)]
    pub(crate) layout: Option<LayoutArg>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChannelsArg {
    #[value(name = "RGB")]
    Rgb,
    #[value(name = "BGR")]
    Bgr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    #[value(name = "NCHW")]
    Nchw,
    #[value(name = "NHWC")]
    Nhwc,
}

impl PreprocessArgs {
    /// The preprocessing for a model, from the file or the flags.
    pub(crate) fn resolve(&self, model: &Path) -> Result<Preprocessing, Failure> {
        if let Some(file) = &self.preprocess {
            return Ok(PreprocessFile::read(file)?.for_model(model)?.preprocessing);
        }
        let preprocessing = Preprocessing {
            zero_point: self.zero_point.unwrap_or(0.0),
            scale: self.scale,
            mean: self.mean.clone(),
            std: self.std.clone(),
            channel_order: match self.channels {
                Some(ChannelsArg::Bgr) => ChannelOrder::Bgr,
                Some(ChannelsArg::Rgb) | None => ChannelOrder::Rgb,
            },
            resize: match self.resize {
                None => Resize::None,
                Some(Size::One(side)) => Resize::ShorterSide(side),
                Some(Size::Two(sides)) => Resize::Exact(sides),
            },
            crop: self.crop.map(|crop| match crop {
                Size::One(side) => [side, side],
                Size::Two(sides) => sides,
            }),
            layout: self.layout.map(|layout| match layout {
                LayoutArg::Nchw => Layout::Nchw,
                LayoutArg::Nhwc => Layout::Nhwc,
            }),
            label_offset: self.label_offset.unwrap_or(0),
        };
        preprocessing.check()?;
        Ok(preprocessing)
    }
}
