//! The state file: the cells that are finished, so that an interrupted comparison goes on from there. Written after every
//! cell, as a whole, so that it is in order whenever the program ends.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use spikeconverter_convert::MethodInfo;
use spikeconverter_network::write_whole;

use super::{Cell, Setting};
use crate::{Error, Result};

/// Version of the file's format.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Record {
    /// Tells the file from any other JSON.
    spikeconverter_comparison: u32,
    setting: Setting,
    cells: Vec<Cell>,
}

/// The cells so far, and the file that keeps them.
pub(super) struct State {
    path: Option<PathBuf>,
    record: Record,
}

impl State {
    /// Finds the cells of an earlier run of the same comparison again, or begins a new file.
    pub(super) fn open(path: Option<&Path>, setting: &Setting) -> Result<Self> {
        let record = Record { spikeconverter_comparison: FORMAT, setting: setting.clone(), cells: Vec::new() };
        let mut state = Self { path: path.map(Path::to_owned), record };
        let Some(path) = path else { return Ok(state) };
        match std::fs::read(path) {
            Ok(bytes) => state.record.cells = read(path, &bytes, setting)?,
            // shows before any work whether it can be written
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => state.save()?,
            Err(source) => return Err(Error::Read { file: path.to_owned(), source }),
        }
        Ok(state)
    }

    /// The cell, if it is finished and has figures: what failed is tried again.
    pub(super) fn measured(&self, method: &str, time_steps: u32) -> Option<&Cell> {
        self.find(method, time_steps).filter(|cell| cell.measured().is_some())
    }

    /// How many of these cells are there.
    pub(super) fn done(&self, keys: &[(MethodInfo, u32)]) -> usize {
        keys.iter().filter(|(info, t)| self.find(info.name, *t).is_some()).count()
    }

    /// Adds a cell, and keeps it.
    pub(super) fn add(&mut self, cell: Cell) -> Result<()> {
        self.record.cells.retain(|other| (&other.method, other.time_steps) != (&cell.method, cell.time_steps));
        self.record.cells.push(cell);
        self.save()
    }

    /// The cells of these methods and numbers of steps, method by method.
    pub(super) fn into_cells(self, methods: &[MethodInfo], steps: &[u32]) -> Vec<Cell> {
        methods.iter().flat_map(|info| steps.iter().filter_map(|&t| self.find(info.name, t).cloned())).collect()
    }

    fn find(&self, method: &str, time_steps: u32) -> Option<&Cell> {
        self.record.cells.iter().find(|cell| cell.method == method && cell.time_steps == time_steps)
    }

    fn save(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let failed = |source| Error::Write { file: path.clone(), source };
        let bytes = serde_json::to_vec(&self.record).map_err(|error| failed(error.into()))?;
        write_whole(path, &bytes).map_err(failed)
    }
}

/// The cells that a state file holds, if it is of this comparison.
fn read(path: &Path, bytes: &[u8], setting: &Setting) -> Result<Vec<Cell>> {
    let refuse = |reason: String| Error::State { file: path.to_owned(), reason };
    let found: Record =
        serde_json::from_slice(bytes).map_err(|error| refuse(format!("is no state of a comparison ({error})")))?;
    if found.spikeconverter_comparison != FORMAT {
        return Err(refuse(format!(
            "has format {}, and this program reads format {FORMAT}",
            found.spikeconverter_comparison
        )));
    }
    match found.setting.difference(setting) {
        Some(what) => Err(refuse(format!("keeps a comparison {what}"))),
        None => Ok(found.cells),
    }
}
