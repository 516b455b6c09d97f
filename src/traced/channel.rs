//! Channels that tell who sends, who waits for a message and who takes one.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};
use std::time::Duration;

use super::context::note;
use super::notes::{Object, ObjectKind, What};

/// Stands in for [`std::sync::mpsc::channel`].
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel();
    let object = Arc::new(Object::new(ObjectKind::Channel));
    let sender = Sender {
        object: Arc::clone(&object),
        inner: sender,
    };
    let inner = receiver;
    (sender, Receiver { object, inner })
}

/// Stands in for [`std::sync::mpsc::sync_channel`].
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::sync_channel(bound);
    let object = Arc::new(Object::new(ObjectKind::Channel));
    let sender = SyncSender {
        object: Arc::clone(&object),
        inner: sender,
    };
    let inner = receiver;
    (sender, Receiver { object, inner })
}

/// Stands in for [`std::sync::mpsc::Sender`].
pub struct Sender<T> {
    object: Arc<Object>,
    inner: mpsc::Sender<T>,
}

/// Stands in for [`std::sync::mpsc::SyncSender`].
pub struct SyncSender<T> {
    object: Arc<Object>,
    inner: mpsc::SyncSender<T>,
}

/// Stands in for [`std::sync::mpsc::Receiver`].
pub struct Receiver<T> {
    object: Arc<Object>,
    inner: mpsc::Receiver<T>,
}

impl<T> Sender<T> {
    /// As [`std::sync::mpsc::Sender::send`].
    ///
    /// # Errors
    ///
    /// If the receiver is gone; the message is in the error.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        note(What::WantsToSend, &self.object);
        let result = self.inner.send(message);
        note(sent(result.is_ok()), &self.object);
        result
    }
}

impl<T> SyncSender<T> {
    /// As [`std::sync::mpsc::SyncSender::send`].
    ///
    /// # Errors
    ///
    /// If the receiver is gone; the message is in the error.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        note(What::WantsToSend, &self.object);
        let result = self.inner.send(message);
        note(sent(result.is_ok()), &self.object);
        result
    }

    /// As [`std::sync::mpsc::SyncSender::try_send`].
    ///
    /// # Errors
    ///
    /// If the channel is full, or the receiver is gone; the message is in the error.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let result = self.inner.try_send(message);
        note(sent(result.is_ok()), &self.object);
        result
    }
}

fn sent(ok: bool) -> What {
    if ok { What::Sent } else { What::CouldNotSend }
}

impl<T> Receiver<T> {
    /// As [`std::sync::mpsc::Receiver::recv`].
    ///
    /// # Errors
    ///
    /// If the channel is empty and has no sender any more.
    pub fn recv(&self) -> Result<T, RecvError> {
        note(What::WantsToReceive, &self.object);
        let result = self.inner.recv();
        note(
            match result {
                Ok(_) => What::Received,
                Err(RecvError) => What::FoundClosed,
            },
            &self.object,
        );
        result
    }

    /// As [`std::sync::mpsc::Receiver::try_recv`].
    ///
    /// # Errors
    ///
    /// If the channel is empty.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let result = self.inner.try_recv();
        note(
            match result {
                Ok(_) => What::Received,
                Err(TryRecvError::Empty) => What::FoundEmpty,
                Err(TryRecvError::Disconnected) => What::FoundClosed,
            },
            &self.object,
        );
        result
    }

    /// As [`std::sync::mpsc::Receiver::recv_timeout`].
    ///
    /// # Errors
    ///
    /// If the channel stays empty for this long, or is empty and has no sender any more.
    pub fn recv_timeout(&self, time: Duration) -> Result<T, RecvTimeoutError> {
        note(What::WantsToReceive, &self.object);
        let result = self.inner.recv_timeout(time);
        note(
            match result {
                Ok(_) => What::Received,
                Err(RecvTimeoutError::Timeout) => What::FoundEmpty,
                Err(RecvTimeoutError::Disconnected) => What::FoundClosed,
            },
            &self.object,
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

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
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
        Sender {
            object: Arc::clone(&self.object),
            inner: self.inner.clone(),
        }
    }
}

impl<T> Clone for SyncSender<T> {
    fn clone(&self) -> SyncSender<T> {
        SyncSender {
            object: Arc::clone(&self.object),
            inner: self.inner.clone(),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        note(What::DropsSender, &self.object);
    }
}

impl<T> Drop for SyncSender<T> {
    fn drop(&mut self) {
        note(What::DropsSender, &self.object);
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        note(What::DropsReceiver, &self.object);
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
