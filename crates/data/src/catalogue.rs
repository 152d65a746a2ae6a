//! Preprocessing files: how to feed a model, or each of several, and where its data lie.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{ChannelOrder, Error, Format, Layout, OpenOptions, Preprocessing, Resize, Result};

/// A preprocessing file (`--preprocess FILE`), in TOML. Two schemas are read.
///
/// For one model, the fields of [`Preprocessing`] at the top of the file (unknown ones are refused):
///
/// ```toml
/// scale = 0.00392156862745098
/// mean = [0.485, 0.456, 0.406]
/// std = [0.229, 0.224, 0.225]
/// resize = { shorter_side = 256 }
/// crop = [224, 224]
/// ```
///
/// For several models, a table each, named after the ONNX file without `.onnx`. Beside the fields of [`Preprocessing`],
/// of which `resize` may also be
/// `"bilinear"` (exactly to the spatial size of `shape`), a table may say where the data lie and what is known of the
/// model; other keys are ignored:
///
/// ```toml
/// [model."kws_dscnn"]
/// file = "kws_dscnn.onnx"        # relative to this file
/// shape = [49, 10, 1]            # per-sample input shape
/// layout = "NHWC"
/// zero_point = 83
/// scale = 0.5847029089927673
/// format = "npz"
/// test = "kws/kws01.npz"         # relative to this file's folder or, if it is not there, to the folder above
/// test_range = [200, 1000]       # rows, half-open
/// calibrate = "kws/kws01.npz"
/// calibrate_range = [0, 200]
/// label_file = "…/labels.csv"    # for flat folders of images
/// classes = 12
/// label_offset = 0
/// labels = ["down", "go", "…"]   # names of the classes
/// top1_correct = 730             # what the float model was measured to score on `test`
/// top1_total = 800
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PreprocessFile {
    path: PathBuf,
    /// The top of the file, for files of the first schema.
    single: Option<Preprocessing>,
    /// Entries by model name, in the order of the names.
    models: BTreeMap<String, ModelEntry>,
}

/// What a preprocessing file says of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelEntry {
    /// How the model wants its samples.
    pub preprocessing: Preprocessing,
    /// The ONNX file.
    pub file: Option<PathBuf>,
    /// The model's per-sample input shape.
    pub input_shape: Option<Vec<usize>>,
    /// Data for testing.
    pub test: Option<DataReference>,
    /// Data for calibration.
    pub calibrate: Option<DataReference>,
    /// Number of outputs.
    pub classes: Option<usize>,
    /// Names of the classes in label order; may be empty.
    pub class_names: Vec<String>,
    /// What the trained network was measured to score on `test`.
    pub reference: Option<ReferenceAccuracy>,
}

/// A data set that a preprocessing file refers to: the arguments of [`crate::Dataset::open`].
#[derive(Clone, Debug, PartialEq)]
pub struct DataReference {
    /// File or folder.
    pub path: PathBuf,
    /// Format, labels and rows.
    pub options: OpenOptions,
}

/// A measured accuracy, as counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceAccuracy {
    /// Samples classified right.
    pub correct: u64,
    /// Samples.
    pub total: u64,
}

/// A `[model."…"]` table as written.
#[derive(Deserialize)]
struct Table {
    file: Option<PathBuf>,
    shape: Option<Vec<usize>>,
    format: Option<String>,
    test: Option<PathBuf>,
    test_range: Option<[usize; 2]>,
    calibrate: Option<PathBuf>,
    calibrate_range: Option<[usize; 2]>,
    label_file: Option<PathBuf>,
    classes: Option<usize>,
    #[serde(default)]
    labels: Vec<String>,
    top1_correct: Option<u64>,
    top1_total: Option<u64>,
    #[serde(default)]
    resize: TableResize,
    crop: Option<[usize; 2]>,
    layout: Option<Layout>,
    #[serde(default)]
    channel_order: ChannelOrder,
    #[serde(default)]
    zero_point: f64,
    scale: Option<f64>,
    #[serde(default)]
    mean: Vec<f64>,
    #[serde(default)]
    std: Vec<f64>,
    #[serde(default)]
    label_offset: i64,
}

/// `resize` as a table may write it.
#[derive(Deserialize)]
#[serde(untagged)]
enum TableResize {
    Ours(Resize),
    Named(String),
}

impl Default for TableResize {
    fn default() -> Self {
        Self::Ours(Resize::None)
    }
}

impl PreprocessFile {
    /// Reads a preprocessing file of either schema.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::PreprocessSyntax`], or [`Error::Preprocessing`] for values that make no sense.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
        let syntax = |reason: String| Error::PreprocessSyntax {
            path: path.to_path_buf(),
            reason: reason.trim().replace('\n', " "),
        };
        let document: toml::Table = toml::from_str(&text).map_err(|error| syntax(error.to_string()))?;
        let Some(models) = document.get("model") else {
            let single: Preprocessing = toml::from_str(&text).map_err(|error| syntax(error.to_string()))?;
            single.check()?;
            return Ok(Self { path: path.to_path_buf(), single: Some(single), models: BTreeMap::new() });
        };
        if let Some(schema) = document.get("schema").filter(|schema| schema.as_integer() != Some(1)) {
            return Err(syntax(format!("its schema is {schema}, and schema 1 is read here")));
        }
        let models = models.as_table().ok_or_else(|| syntax("`model` is not a table of models".into()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut entries = BTreeMap::new();
        for (name, value) in models {
            let table: Table = value
                .clone()
                .try_into()
                .map_err(|error: toml::de::Error| syntax(format!("model `{name}`: {error}")))?;
            let entry = table.entry(folder).map_err(|reason| syntax(format!("model `{name}`: {reason}")))?;
            entry.preprocessing.check().map_err(|error| syntax(format!("model `{name}`: {error}")))?;
            entries.insert(name.clone(), entry);
        }
        Ok(Self { path: path.to_path_buf(), single: None, models: entries })
    }

    /// The entry for an ONNX file, chosen by its name without the extension. A file of the first schema serves every
    /// model.
    ///
    /// # Errors
    /// [`Error::NoSuchModel`] naming the entries there are.
    pub fn for_model(&self, onnx: impl AsRef<Path>) -> Result<ModelEntry> {
        if let Some(single) = &self.single {
            return Ok(ModelEntry { preprocessing: single.clone(), ..ModelEntry::default() });
        }
        let onnx = onnx.as_ref();
        let stem = onnx.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Without its extension a name such as `mobilenet_v1_0.25` would lose its end, so a bare model name is tried
        // first.
        let whole = onnx.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = self.models.get(&whole).or_else(|| self.models.get(&stem)).cloned();
        found.ok_or_else(|| Error::NoSuchModel {
            path: self.path.clone(),
            model: stem,
            known: self.models.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// All entries by name; empty for a file of the first schema.
    pub fn models(&self) -> &BTreeMap<String, ModelEntry> {
        &self.models
    }
}

impl Table {
    fn entry(self, folder: &Path) -> std::result::Result<ModelEntry, String> {
        let resize = match self.resize {
            TableResize::Ours(resize) => resize,
            TableResize::Named(name) if name == "bilinear" => {
                let shape = self.shape.as_deref().ok_or("resize = \"bilinear\" needs the model's shape")?;
                let image = crate::ImageShape::of(shape, self.layout).ok_or_else(|| {
                    format!("resize = \"bilinear\" needs an image's shape, not {shape:?}; set layout")
                })?;
                Resize::Exact([image.height, image.width])
            }
            TableResize::Named(name) => {
                return Err(format!(
                    "resize = \"{name}\" is not known; use \"none\", \"bilinear\", {{ shorter_side = N }} or {{ \
                        exact = [H, W] }}"
                ));
            }
        };
        let format: Option<Format> = self.format.as_deref().map(str::parse).transpose()?;
        let locate = |path: &PathBuf| {
            let (beside, above) = (folder.join(path), folder.join("..").join(path));
            if !beside.exists() && above.exists() { above } else { beside }
        };
        let labels = self.label_file.as_ref().map(locate);
        let reference = |path: Option<PathBuf>, range: Option<[usize; 2]>| {
            path.map(|path| DataReference {
                path: locate(&path),
                options: OpenOptions {
                    format,
                    labels: labels.clone(),
                    range: range.map(|[a, b]| a..b),
                    ..OpenOptions::default()
                },
            })
        };
        Ok(ModelEntry {
            preprocessing: Preprocessing {
                zero_point: self.zero_point,
                scale: self.scale,
                mean: self.mean,
                std: self.std,
                channel_order: self.channel_order,
                resize,
                crop: self.crop,
                layout: self.layout,
                label_offset: self.label_offset,
            },
            file: self.file.map(|file| folder.join(file)),
            test: reference(self.test, self.test_range),
            calibrate: reference(self.calibrate, self.calibrate_range),
            input_shape: self.shape,
            classes: self.classes,
            class_names: self.labels,
            reference: self
                .top1_correct
                .zip(self.top1_total)
                .map(|(correct, total)| ReferenceAccuracy { correct, total }),
        })
    }
}
