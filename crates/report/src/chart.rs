//! Charts as data. The page's script draws them, and lists the same numbers in a table beside each.

use serde::Serialize;

/// A chart with what is said about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Its title.
    pub title: String,
    /// What to see in it, in a sentence or two; also what a screen reader says.
    pub caption: String,
    /// The chart.
    pub chart: Chart,
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Chart {
    /// Lines over two numeric axes.
    Curves(Curves),
    /// Lines over named places.
    Profiles(Profiles),
    /// Spikes of neurons over time.
    Rasters(Rasters),
}

/// An axis of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Axis {
    /// What it shows.
    pub name: String,
    /// Whether it is logarithmic.
    pub log: bool,
    /// How its numbers are written.
    pub format: AxisFormat,
}

/// How an axis's numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AxisFormat {
    /// As they are.
    Plain,
    /// Shares as percentages.
    Percent,
    /// Joule, with a metric prefix.
    Joule,
}

/// Lines over two numeric axes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines.
    pub series: Vec<Curve>,
    /// Points of the Pareto front, by ascending cost: drawn as steps, since between two points the cheaper is the best.
    pub front: Vec<[f64; 2]>,
    /// What lines are compared with.
    pub reference: Option<Reference>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Its name, one of [`Page::series`](crate::Page::series).
    pub name: String,
    /// Its points, in order.
    pub points: Vec<Point>,
}

/// A point of a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Where, across.
    pub x: f64,
    /// Where, up.
    pub y: f64,
    /// What it is.
    pub label: String,
    /// Whether it is on the Pareto front.
    pub front: bool,
}

/// A level that lines are compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reference {
    /// What it is.
    pub name: String,
    /// Its place across, where it has one.
    pub x: Option<f64>,
    /// Its height.
    pub y: f64,
}

/// Lines over named places, several of them to choose from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profiles {
    /// What the places are.
    pub places: String,
    /// The vertical axis.
    pub y: Axis,
    /// What is chosen between, in a word.
    pub choose: String,
    /// The choices.
    pub choices: Vec<ProfileChoice>,
    /// The choice shown first.
    pub first: usize,
}

/// One choice of [`Profiles`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProfileChoice {
    /// Its name.
    pub name: String,
    /// Names of the places, in order.
    pub places: Vec<String>,
    /// The lines.
    pub series: Vec<Profile>,
}

/// A line over named places.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// Its name, one of [`Page::series`](crate::Page::series).
    pub name: String,
    /// A value for each place that has one.
    pub values: Vec<Option<f64>>,
    /// Smallest value for each place, where a place has a range; empty otherwise.
    pub lows: Vec<Option<f64>>,
}

/// Spikes over time, several networks and samples to choose from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rasters {
    /// The choices.
    pub choices: Vec<RasterChoice>,
    /// The choice shown first.
    pub first: usize,
}

/// One choice of [`Rasters`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RasterChoice {
    /// The network: a name of [`Page::series`](crate::Page::series).
    pub series: String,
    /// What of it, e.g. its `T`.
    pub variant: String,
    /// The sample.
    pub sample: String,
    /// Steps in all.
    pub steps: u32,
    /// Rows, layer by layer.
    pub layers: Vec<RasterRows>,
}

/// Rows of a layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RasterRows {
    /// The layer's name.
    pub name: String,
    /// First and last step in which it can fire.
    pub active: [u32; 2],
    /// For each neuron shown its number and its spikes: step, and 1 or −1.
    pub rows: Vec<(usize, Vec<(u32, i32)>)>,
}
