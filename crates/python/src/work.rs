//! Long work, with Python's lock released: it runs on a thread of its own, while the calling thread hears of signals, tells
//! progress and fetches more samples.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use spikeconverter_data::Dataset;
use spikeconverter_pipeline::{Error, Progress};

use crate::errors::exception;
use crate::samples::Samples;

/// How long a signal may wait to be heard.
const POLL: Duration = Duration::from_millis(50);

/// What the calling thread does in between.
#[derive(Default)]
pub(crate) struct Hooks<'py> {
    /// Called with what is being done, units done, and units in all.
    pub(crate) progress: Option<Bound<'py, PyAny>>,
    /// Called for the next part of the data; gives `None` when there are no more.
    pub(crate) more: Option<Bound<'py, PyAny>>,
}

enum Event {
    Progress { doing: String, done: usize, total: usize },
    More,
}

/// What the work sees of the calling thread.
pub(crate) struct Caller<'a> {
    watched: bool,
    events: Sender<Event>,
    parts: Receiver<Option<Dataset>>,
    stop: &'a AtomicBool,
}

impl Caller<'_> {
    /// Set when the work should stop.
    pub(crate) fn stop(&self) -> &AtomicBool {
        self.stop
    }

    /// Tells how far the work is.
    pub(crate) fn progress(&self, progress: Progress) {
        self.tell(|| progress.phase.doing().to_owned(), progress.done, progress.total);
    }

    /// Tells how far the work is, in words made only if somebody listens.
    pub(crate) fn tell(&self, doing: impl FnOnce() -> String, done: usize, total: usize) {
        if self.watched {
            // nobody listens any more when the work is being stopped
            let _ = self.events.send(Event::Progress { doing: doing(), done, total });
        }
    }

    /// The next part of the data.
    pub(crate) fn more(&self) -> Result<Option<Dataset>, Error> {
        self.events.send(Event::More).map_err(|_| Error::Stopped)?;
        self.parts.recv().map_err(|_| Error::Stopped)
    }
}

/// Does the work. An exception of a hook or of a signal (`KeyboardInterrupt`) stops it and is what comes out.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    hooks: &Hooks<'_>,
    work: impl FnOnce(&Caller<'_>) -> Result<T, Error> + Send,
) -> PyResult<T> {
    let stop = AtomicBool::new(false);
    let (events, incoming) = channel();
    let (parts, waiting) = sync_channel(1);
    let caller = Caller { watched: hooks.progress.is_some(), events, parts: waiting, stop: &stop };
    let (outcome, failure) = thread::scope(|scope| {
        let worker = scope.spawn(move || work(&caller));
        let failure = attend(py, hooks, incoming, parts, &stop);
        (py.detach(move || worker.join()), failure)
    });
    match (outcome, failure) {
        (Err(panic), _) => resume_unwind(panic),
        (_, Some(failure)) => Err(failure),
        (Ok(result), None) => result.map_err(|error| exception(py, &error)),
    }
}

/// Attends to the work until it is over; the exception that stopped it, if one did.
fn attend(
    py: Python<'_>,
    hooks: &Hooks<'_>,
    mut incoming: Receiver<Event>,
    parts: SyncSender<Option<Dataset>>,
    stop: &AtomicBool,
) -> Option<PyErr> {
    let mut parts = Some(parts);
    let mut failure = None;
    loop {
        let (event, receiver) = py.detach(move || (incoming.recv_timeout(POLL), incoming));
        incoming = receiver;
        let attended = match event {
            Err(RecvTimeoutError::Disconnected) => return failure,
            Err(RecvTimeoutError::Timeout) => Ok(()),
            _ if failure.is_some() => Ok(()),
            Ok(Event::Progress { doing, done, total }) => match &hooks.progress {
                Some(progress) => progress.call1((doing, done, total)).map(|_| ()),
                None => Ok(()),
            },
            Ok(Event::More) => next_part(hooks).map(|part| {
                if let Some(parts) = &parts {
                    // the work waits for it, unless it has just ended
                    let _ = parts.send(part);
                }
            }),
        };
        if failure.is_none()
            && let Err(error) = attended.and_then(|()| py.check_signals())
        {
            stop.store(true, Ordering::Relaxed);
            failure = Some(error);
            // whoever waits for a part waits no longer
            parts = None;
        }
    }
}

fn next_part(hooks: &Hooks<'_>) -> PyResult<Option<Dataset>> {
    let Some(more) = &hooks.more else { return Ok(None) };
    let part: Option<PyRef<'_, Samples>> = more.call0()?.extract()?;
    Ok(part.map(|samples| samples.0.clone()))
}
