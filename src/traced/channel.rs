//! Channels that note which thread sends, which waits for a message and which takes one.

use std::collections::VecDeque;
use std::mem;
use std::panic::Location;
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::context::{explored, note, noted, step};
use super::location::{self, Place, seen_if_not_optimized};
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

    /// The messages, if the scheduler decides on each step.
    fn queue(&self) -> Option<MutexGuard<'_, Queue<T>>> {
        let queue = self.queue.as_ref()?;
        Some(queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Once the schedule is over, the other end of the channel is gone.
    #[track_caller]
    fn step(&self, action: Action) -> Outcome {
        step(action, &self.object).unwrap_or(Outcome::Closed)
    }

    /// Sends in a schedule, or by `send`, and has that noted.
    #[track_caller]
    fn send(
        &self,
        action: Action,
        message: T,
        send: impl FnOnce(T) -> Result<(), TrySendError<T>>,
    ) -> Result<(), TrySendError<T>> {
        if self.queue.is_some() {
            return self.send_in_a_schedule(action, message);
        }
        let outcome = |result: &Result<(), TrySendError<T>>| match result {
            Ok(()) => Outcome::Done,
            Err(TrySendError::Full(_)) => Outcome::Refused,
            Err(TrySendError::Disconnected(_)) => Outcome::Closed,
        };
        noted(action, &self.object, outcome, || send(message))
    }

    #[track_caller]
    fn send_in_a_schedule(&self, action: Action, message: T) -> Result<(), TrySendError<T>> {
        match (self.step(action), self.queue()) {
            (Outcome::Done, Some(mut queue)) => {
                queue.sent += 1;
                let number = queue.sent;
                queue.messages.push_back((number, message));
                drop(queue);
                match action {
                    Action::Send if self.bound == Some(0) => self.hand_off(number),
                    _ => Ok(()),
                }
            }
            (Outcome::Refused, _) => Err(TrySendError::Full(message)),
            _ => Err(TrySendError::Disconnected(message)),
        }
    }

    #[track_caller]
    fn hand_off(&self, number: usize) -> Result<(), TrySendError<T>> {
        if let (Outcome::Closed, Some(mut queue)) =
            (self.step(Action::HandOff(number)), self.queue())
        {
            let messages = &mut queue.messages;
            let mine = messages.iter().position(|(other, _)| *other == number);
            if let Some((_, message)) = mine.and_then(|mine| messages.remove(mine)) {
                return Err(TrySendError::Disconnected(message));
            }
        }
        Ok(())
    }

    /// Receives in a schedule, or by `receive`, and has that noted.
    #[track_caller]
    fn receive(
        &self,
        action: Action,
        receive: impl FnOnce() -> Result<T, RecvTimeoutError>,
    ) -> Result<T, RecvTimeoutError> {
        if self.queue.is_some() {
            return self.receive_in_a_schedule(action);
        }
        let outcome = |result: &Result<T, RecvTimeoutError>| match result {
            Ok(_) => Outcome::Done,
            Err(RecvTimeoutError::Timeout) => Outcome::Refused,
            Err(RecvTimeoutError::Disconnected) => Outcome::Closed,
        };
        noted(action, &self.object, outcome, receive)
    }

    #[track_caller]
    fn receive_in_a_schedule(&self, action: Action) -> Result<T, RecvTimeoutError> {
        if action != Action::TryReceive && self.bound == Some(0) {
            self.step(Action::Ask);
        }
        match self.step(action) {
            // `Done` is for a message that is there.
            Outcome::Done => self
                .queue()
                .and_then(|mut queue| queue.messages.pop_front()),
            Outcome::Refused => return Err(RecvTimeoutError::Timeout),
            Outcome::Closed => None,
        }
        .map(|(_, message)| message)
        .ok_or(RecvTimeoutError::Disconnected)
    }

    /// Drops an end of the channel.
    #[inline]
    fn drop_end(&self, action: Action) {
        match self.queue {
            Some(_) => drop(seen_if_not_optimized(|| self.step(action))),
            None => note(action, Outcome::Done, &self.object),
        }
    }
}

/// What both kinds of senders can do.
macro_rules! sender {
    ($name:ident) => {
        #[doc = concat!("Stands in for [`std::sync::mpsc::", stringify!($name), "`].")]
        pub struct $name<T> {
            shared: Arc<Shared<T>>,
            inner: mpsc::$name<T>,
        }

        impl<T> $name<T> {
            #[doc = concat!("As [`std::sync::mpsc::", stringify!($name), "::send`].")]
            ///
            /// # Errors
            ///
            /// If the receiver is gone; the message is in the error.
            #[track_caller]
            pub fn send(&self, message: T) -> Result<(), SendError<T>> {
                let send = |message| Ok(self.inner.send(message)?);
                let result = self.shared.send(Action::Send, message, send);
                // It waits while the channel is full, so it only ever fails because the receiver is gone.
                result.map_err(|error| match error {
                    TrySendError::Full(message) | TrySendError::Disconnected(message) => {
                        SendError(message)
                    }
                })
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> $name<T> {
                if let (Some(_), Some(member)) = (&self.shared.queue, explored()) {
                    member.add_sender(self.shared.object.number());
                }
                $name {
                    shared: Arc::clone(&self.shared),
                    inner: self.inner.clone(),
                }
            }
        }

        impl<T> Drop for $name<T> {
            #[inline]
            fn drop(&mut self) {
                self.shared.drop_end(Action::DropSender);
            }
        }

        debug_by_name!([T] $name<T>);
    };
}

sender!(Sender);
sender!(SyncSender);

impl<T> SyncSender<T> {
    /// As [`std::sync::mpsc::SyncSender::try_send`].
    ///
    /// # Errors
    ///
    /// If the channel is full, or the receiver is gone; the message is in the error.
    #[track_caller]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let send = |message| self.inner.try_send(message);
        self.shared.send(Action::TrySend, message, send)
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
        let receive = || Ok(self.inner.recv()?);
        let result = self
            .shared
            .receive(Action::Receive { timed: false }, receive);
        result.map_err(|_| RecvError)
    }

    /// As [`std::sync::mpsc::Receiver::try_recv`].
    ///
    /// # Errors
    ///
    /// If the channel is empty.
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let receive = || {
            self.inner.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            })
        };
        let result = self.shared.receive(Action::TryReceive, receive);
        result.map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// As [`std::sync::mpsc::Receiver::recv_timeout`].
    ///
    /// # Errors
    ///
    /// If the channel stays empty for this long, or is empty and has no sender any more.
    #[track_caller]
    pub fn recv_timeout(&self, time: Duration) -> Result<T, RecvTimeoutError> {
        let receive = || self.inner.recv_timeout(time);
        self.shared
            .receive(Action::Receive { timed: true }, receive)
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

/// An iterator over the messages of a receiver that is borrowed.
macro_rules! iterator {
    ($name:ident, $receive:ident) => {
        #[doc = concat!("Stands in for [`std::sync::mpsc::", stringify!($name), "`].")]
        #[derive(Debug)]
        pub struct $name<'a, T: 'a> {
            receiver: &'a Receiver<T>,
        }

        impl<T> Iterator for $name<'_, T> {
            type Item = T;

            #[inline]
            #[track_caller]
            fn next(&mut self) -> Option<T> {
                match is_called_by_std() {
                    true => seen_if_not_optimized(|| self.receiver.$receive().ok()),
                    false => self.receiver.$receive().ok(),
                }
            }
        }
    };
}

iterator!(Iter, recv);
iterator!(TryIter, try_recv);

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<T> {
        self.receiver.iter().next()
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

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        self.shared.drop_end(Action::DropReceiver);
        // Without capacity, each message belongs to a sender that waits, and goes back to it.
        if let (Some(mut queue), true) = (self.shared.queue(), self.shared.bound != Some(0)) {
            let messages = mem::take(&mut queue.messages);
            drop(queue);
            drop(messages); // Not under the lock: they may be anything.
        }
    }
}

debug_by_name!([T] Receiver<T>);
