//! Long work that is stopped from outside.

use std::sync::atomic::{AtomicBool, Ordering};

use spikeconverter_convert::ConvertError;

use crate::{Error, Result};

/// Is never set: for work that nobody stops.
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);

/// Whether somebody asked to stop.
pub(crate) fn check_stop(stop: &AtomicBool) -> Result<()> {
    if stop.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
}

/// The same, where a conversion asks.
pub(crate) fn check_conversion(stop: &AtomicBool) -> std::result::Result<(), ConvertError> {
    if stop.load(Ordering::Relaxed) { Err(ConvertError::Stopped) } else { Ok(()) }
}
