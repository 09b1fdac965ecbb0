//! The walk over a layer's upper: directories are judged by several threads, and the verdicts arrive in one place, a
//! batch at a time. What is in memory is bounded by the batches under way, not by the tree.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::Builder;

use super::Bases;
use super::look::{Batch, Task, look};
use crate::error::{Error, Result};

/// Batches that wait to be taken; each holds two directories open.
const WAITING: usize = 16;

/// Bytes; the deepest tree that is walked takes less than half of it.
const STACK: usize = 512 * 1024;

/// More than this a disk does not serve faster.
const THREADS: usize = 4;

/// Judges the whole upper and shows each batch to `see`; the order of directories is not fixed. The first error ends it.
pub(super) fn walk(bases: &Bases<'_>, mut see: impl FnMut(Batch) -> Result<()>) -> Result<()> {
    // The standard library would look for the quota of a control group as well, with 6 KiB of code; the initramfs has none.
    let processors = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count());
    let threads = usize::try_from(processors).unwrap_or(1).clamp(1, THREADS);
    let queue = Queue::starting_with(Task::root());
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        for number in 0..threads {
            let (sender, queue) = (sender.clone(), &queue);
            let thread = Builder::new().stack_size(STACK);
            let started = thread.spawn_scoped(scope, move || work(bases, queue, &sender));
            match started {
                // One is enough.
                Err(error) if number > 0 => log::debug!("no more threads: {error}"),
                other => drop(other.map_err(|source| Error::Walk { source })?),
            }
        }
        // Or the receiver would wait for this one, too.
        drop(sender);
        let mut result = Ok(());
        for batch in &receiver {
            result = batch.and_then(&mut see);
            if result.is_err() {
                break;
            }
        }
        queue.stop();
        // Whoever waits to hand over a batch is told that nobody takes it.
        drop(receiver);
        result
    })
}

fn work(bases: &Bases<'_>, queue: &Queue, sender: &SyncSender<Result<Batch>>) {
    while let Some(task) = queue.take() {
        let more = look(bases, &task, |batch| sender.send(Ok(batch)).is_ok());
        match more {
            Ok(more) => queue.done(more),
            Err(error) => {
                if let Err(unsent) = sender.send(Err(error)) {
                    // The walk has ended already, with another error.
                    log::debug!("{}", unsent.0.err().as_ref().map_or_else(String::new, Error::to_string));
                }
                queue.stop();
            }
        }
    }
}

/// Directories that are still to be judged. The last found comes first, which keeps the list short: as long as the path to
/// it is wide.
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    tasks: Vec<Task>,
    /// How many are being judged now, and may find more.
    busy: usize,
    /// True once nobody wants more.
    stopped: bool,
}

impl Queue {
    fn starting_with(task: Task) -> Self {
        Queue { state: Mutex::new(State { tasks: vec![task], ..State::default() }), changed: Condvar::new() }
    }

    /// The next directory; `None` when there is none and none can be found any more.
    fn take(&self) -> Option<Task> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                state.busy += 1;
                return Some(task);
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, mut found: Vec<Task>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Popped from the end: in the order of names.
        found.reverse();
        state.tasks.append(&mut found);
        state.busy -= 1;
        drop(state);
        self.changed.notify_all();
    }

    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        drop(state);
        self.changed.notify_all();
    }
}
