//! Channels that note which thread sends, which waits for a message and which takes one.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::context::{explored, note};
use super::location::{self, Place, seen_if_not_optimized};
use super::notes::What;
use super::step::{Action, Object, ObjectKind, Outcome};

/// Stands in for [`std::sync::mpsc::channel`].
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel();
    let shared = Shared::new(None);
    let sender = Sender {
        shared: Arc::clone(&shared),
        inner: sender,
    };
    let inner = receiver;
    (sender, Receiver { shared, inner })
}

/// Stands in for [`std::sync::mpsc::sync_channel`].
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::sync_channel(bound);
    let shared = Shared::new(Some(bound));
    let sender = SyncSender {
        shared: Arc::clone(&shared),
        inner: sender,
    };
    let inner = receiver;
    (sender, Receiver { shared, inner })
}

/// Stands in for [`std::sync::mpsc::Sender`].
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
    inner: mpsc::Sender<T>,
}

/// Stands in for [`std::sync::mpsc::SyncSender`].
pub struct SyncSender<T> {
    shared: Arc<Shared<T>>,
    inner: mpsc::SyncSender<T>,
}

/// Stands in for [`std::sync::mpsc::Receiver`].
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    inner: mpsc::Receiver<T>,
}

/// What both ends of a channel know.
struct Shared<T> {
    object: Object,
    bound: Option<usize>,
    /// The messages, if the channel was made in a schedule of the explorer's: then it is the scheduler
    /// that knows which thread may send and receive, and the channel of `std` stays empty.
    queue: Option<Mutex<Queue<T>>>,
}

struct Queue<T> {
    /// How many have been sent.
    sent: usize,
    /// Those that are in the channel, with their numbers, which count from 1.
    messages: VecDeque<(usize, T)>,
}

/// The channel's side of a step that the explorer decides on.
struct Explored<'a, T> {
    shared: &'a Shared<T>,
    queue: &'a Mutex<Queue<T>>,
}

impl<T> Shared<T> {
    fn new(bound: Option<usize>) -> Arc<Shared<T>> {
        let object = Object::new(ObjectKind::Channel);
        let queue = explored().map(|member| {
            member.add_channel(object.number(), bound);
            Mutex::new(Queue {
                sent: 0,
                messages: VecDeque::new(),
            })
        });
        Arc::new(Shared {
            object,
            bound,
            queue,
        })
    }

    fn explored(&self) -> Option<Explored<'_, T>> {
        let queue = self.queue.as_ref()?;
        Some(Explored {
            shared: self,
            queue,
        })
    }
}

impl<T> Explored<'_, T> {
    /// The schedule is over, and the other end of the channel is gone.
    #[track_caller]
    fn step(&self, action: Action) -> Outcome {
        let objects = [Some(self.shared.object.id()), None];
        let Some(member) = explored() else {
            return Outcome::Closed;
        };
        member.step(action, objects)
    }

    fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[track_caller]
    fn send(&self, action: Action, message: T) -> Result<(), TrySendError<T>> {
        match self.step(action) {
            Outcome::Done => {}
            Outcome::Refused => return Err(TrySendError::Full(message)),
            Outcome::Closed => return Err(TrySendError::Disconnected(message)),
        }
        let mut queue = self.queue();
        queue.sent += 1;
        let number = queue.sent;
        queue.messages.push_back((number, message));
        drop(queue);
        if action == Action::Send && self.shared.bound == Some(0) {
            let outcome = self.step(Action::HandOff(number));
            let messages = &mut self.queue().messages;
            let mine = messages.iter().position(|(other, _)| *other == number);
            if let (Outcome::Closed, Some(mine)) = (outcome, mine) {
                if let Some((_, message)) = messages.remove(mine) {
                    return Err(TrySendError::Disconnected(message));
                }
            }
        }
        Ok(())
    }

    #[track_caller]
    fn receive(&self, action: Action) -> Result<T, RecvTimeoutError> {
        if action != Action::TryReceive && self.shared.bound == Some(0) {
            self.step(Action::Ask);
        }
        match self.step(action) {
            // `Done` is for a message that is there.
            Outcome::Done => self
                .queue()
                .messages
                .pop_front()
                .map(|(_, message)| message),
            Outcome::Refused => return Err(RecvTimeoutError::Timeout),
            Outcome::Closed => None,
        }
        .ok_or(RecvTimeoutError::Disconnected)
    }
}

impl<T> Sender<T> {
    /// As [`std::sync::mpsc::Sender::send`].
    ///
    /// # Errors
    ///
    /// If the receiver is gone; the message is in the error.
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        if let Some(explored) = self.shared.explored() {
            let result = explored.send(Action::Send, message);
            return result.map_err(message_of);
        }
        note(What::WantsToSend, &self.shared.object);
        let result = self.inner.send(message);
        note(sent(result.is_ok()), &self.shared.object);
        result
    }
}

impl<T> SyncSender<T> {
    /// As [`std::sync::mpsc::SyncSender::send`].
    ///
    /// # Errors
    ///
    /// If the receiver is gone; the message is in the error.
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        if let Some(explored) = self.shared.explored() {
            let result = explored.send(Action::Send, message);
            return result.map_err(message_of);
        }
        note(What::WantsToSend, &self.shared.object);
        let result = self.inner.send(message);
        note(sent(result.is_ok()), &self.shared.object);
        result
    }

    /// As [`std::sync::mpsc::SyncSender::try_send`].
    ///
    /// # Errors
    ///
    /// If the channel is full, or the receiver is gone; the message is in the error.
    #[track_caller]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        if let Some(explored) = self.shared.explored() {
            return explored.send(Action::TrySend, message);
        }
        let result = self.inner.try_send(message);
        note(sent(result.is_ok()), &self.shared.object);
        result
    }
}

fn sent(ok: bool) -> What {
    if ok { What::Sent } else { What::CouldNotSend }
}

/// A `send` waits while the channel is full, so it only ever fails because the receiver is gone.
fn message_of<T>(error: TrySendError<T>) -> SendError<T> {
    match error {
        TrySendError::Full(message) | TrySendError::Disconnected(message) => SendError(message),
    }
}

impl<T> Receiver<T> {
    /// As [`std::sync::mpsc::Receiver::recv`].
    ///
    /// # Errors
    ///
    /// If the channel is empty and has no sender any more.
    #[track_caller]
    pub fn recv(&self) -> Result<T, RecvError> {
        if let Some(explored) = self.shared.explored() {
            let result = explored.receive(Action::Receive { timed: false });
            return result.map_err(|_| RecvError);
        }
        note(What::WantsToReceive, &self.shared.object);
        let result = self.inner.recv();
        note(
            match result {
                Ok(_) => What::Received,
                Err(RecvError) => What::FoundClosed,
            },
            &self.shared.object,
        );
        result
    }

    /// As [`std::sync::mpsc::Receiver::try_recv`].
    ///
    /// # Errors
    ///
    /// If the channel is empty.
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        if let Some(explored) = self.shared.explored() {
            let result = explored.receive(Action::TryReceive);
            return result.map_err(|error| match error {
                RecvTimeoutError::Timeout => TryRecvError::Empty,
                RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
            });
        }
        let result = self.inner.try_recv();
        note(
            match result {
                Ok(_) => What::Received,
                Err(TryRecvError::Empty) => What::FoundEmpty,
                Err(TryRecvError::Disconnected) => What::FoundClosed,
            },
            &self.shared.object,
        );
        result
    }

    /// As [`std::sync::mpsc::Receiver::recv_timeout`].
    ///
    /// # Errors
    ///
    /// If the channel stays empty for this long, or is empty and has no sender any more.
    #[track_caller]
    pub fn recv_timeout(&self, time: Duration) -> Result<T, RecvTimeoutError> {
        if let Some(explored) = self.shared.explored() {
            return explored.receive(Action::Receive { timed: true });
        }
        note(What::WantsToReceive, &self.shared.object);
        let result = self.inner.recv_timeout(time);
        note(
            match result {
                Ok(_) => What::Received,
                Err(RecvTimeoutError::Timeout) => What::FoundEmpty,
                Err(RecvTimeoutError::Disconnected) => What::FoundClosed,
            },
            &self.shared.object,
        );
        result
    }

    /// As [`std::sync::mpsc::Receiver::iter`].
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// As [`std::sync::mpsc::Receiver::try_iter`].
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }
}

/// Stands in for [`std::sync::mpsc::Iter`].
#[derive(Debug)]
pub struct Iter<'a, T: 'a> {
    receiver: &'a Receiver<T>,
}

/// Stands in for [`std::sync::mpsc::TryIter`].
#[derive(Debug)]
pub struct TryIter<'a, T: 'a> {
    receiver: &'a Receiver<T>,
}

/// Stands in for [`std::sync::mpsc::IntoIter`].
#[derive(Debug)]
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

/// Whether a step is to be taken for an iterator of `std`, as in `iter().take(2)`.
#[track_caller]
fn is_called_by_std() -> bool {
    explored().is_some() && location::of_caller(Location::caller()) == Place::Unknown
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<T> {
        match is_called_by_std() {
            true => seen_if_not_optimized(|| self.receiver.recv().ok()),
            false => self.receiver.recv().ok(),
        }
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<T> {
        match is_called_by_std() {
            true => seen_if_not_optimized(|| self.receiver.try_recv().ok()),
            false => self.receiver.try_recv().ok(),
        }
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<T> {
        match is_called_by_std() {
            true => seen_if_not_optimized(|| self.receiver.recv().ok()),
            false => self.receiver.recv().ok(),
        }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        if let (Some(_), Some(member)) = (&self.shared.queue, explored()) {
            member.add_sender(self.shared.object.number());
        }
        Sender {
            shared: Arc::clone(&self.shared),
            inner: self.inner.clone(),
        }
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> SyncSender<T> {
        if let (Some(_), Some(member)) = (&self.shared.queue, explored()) {
            member.add_sender(self.shared.object.number());
        }
        SyncSender {
            shared: Arc::clone(&self.shared),
            inner: self.inner.clone(),
        }
    }
}

impl<T> Drop for Sender<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(explored) = self.shared.explored() {
            seen_if_not_optimized(|| explored.step(Action::DropSender));
        }
        note(What::DropsSender, &self.shared.object);
    }
}

impl<T> Drop for SyncSender<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(explored) = self.shared.explored() {
            seen_if_not_optimized(|| explored.step(Action::DropSender));
        }
        note(What::DropsSender, &self.shared.object);
    }
}

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(explored) = self.shared.explored() {
            seen_if_not_optimized(|| explored.step(Action::DropReceiver));
            // Without capacity, each message belongs to a sender that waits, and goes back to it.
            if self.shared.bound != Some(0) {
                let messages = mem::take(&mut explored.queue().messages);
                drop(messages); // Not under the lock: they may be anything.
            }
        }
        note(What::DropsReceiver, &self.shared.object);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SyncSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("SyncSender").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
