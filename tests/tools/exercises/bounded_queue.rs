//! A queue that hands the connection back.

use super::RIGHT;

/// What is done with a connection.
const LOOP: &str = "let accepted = pool.try_execute(move || connection.handle());
        if accepted.is_err() {
            // The queue is full. But where is the connection?
        }";

/// The connection comes back, and is rejected.
const REJECTS: (&str, &str) = (
    LOOP,
    "if let Err(mpsc::TrySendError::Full(connection)) = pool.try_execute(connection) {
            connection.reject();
        }",
);

/// The channel carries connections: this is its type, ...
const CARRIES: (&str, &str) = (
    "type Job = Box<dyn FnOnce() + Send>;",
    "type Job = Connection;",
);

/// ... this sends one, ...
const SENDS: (&str, &str) = (
    "fn try_execute<F>(&self, job: F) -> Result<(), mpsc::TrySendError<Job>>
    where
        F: FnOnce() + Send + 'static,
    {
        self.sender.try_send(Box::new(job))
    }",
    "fn try_execute(&self, job: Job) -> Result<(), mpsc::TrySendError<Job>> {
        self.sender.try_send(job)
    }",
);

/// ... and this handles it.
const HANDLES: (&str, &str) = ("job();", "job.handle();");

variants! {
    "as it stands": "broken every_connection_is_answered", [];
    "the channel carries connections": RIGHT, [REJECTS, CARRIES, SENDS, HANDLES];
    "a slot that both share": RIGHT, [(LOOP, "let slot = Arc::new(Mutex::new(Some(connection)));
        let other = Arc::clone(&slot);
        let job = move || {
            let connection = other.lock().unwrap().take();
            if let Some(connection) = connection {
                connection.handle();
            }
        };
        if pool.try_execute(job).is_err() {
            let connection = slot.lock().unwrap().take();
            if let Some(connection) = connection {
                connection.reject();
            }
        }")];
    "a generic pool": RIGHT, [
        REJECTS, (CARRIES.0, ""),
        ("let pool = ThreadPool::new(workers, queue)",
         "let pool = ThreadPool::new(workers, queue, Connection::handle)"),
        ("struct ThreadPool {
    sender: mpsc::SyncSender<Job>", "struct ThreadPool<T> {
    sender: mpsc::SyncSender<T>"),
        ("impl ThreadPool {
    fn new(size: usize, queue: usize) -> ThreadPool", "impl<T: Send + 'static> ThreadPool<T> {
    fn new(size: usize, queue: usize, handler: fn(T)) -> ThreadPool<T>"),
        ("work(&receiver)", "work(&receiver, handler)"),
        ("fn work(receiver: &Mutex<mpsc::Receiver<Job>>)",
         "fn work<T>(receiver: &Mutex<mpsc::Receiver<T>>, handler: fn(T))"),
        (HANDLES.0, "handler(job);"),
        (SENDS.0, "fn try_execute(&self, job: T) -> Result<(), mpsc::TrySendError<T>> {
        self.sender.try_send(job)
    }")];
    "the workers are joined while the connections are still there": RIGHT, [
        REJECTS, CARRIES, HANDLES,
        ("for connection in connections {", "let mut connections = connections;
    let pool = pool;
    while let Some(connection) = connections.next() {"),
        ("struct ThreadPool {
    sender: mpsc::SyncSender<Job>,
}", "struct ThreadPool {
    workers: Vec<thread::JoinHandle<()>>,
    sender: Option<mpsc::SyncSender<Job>>,
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.sender = None;
        for worker in self.workers.drain(..) {
            worker.join().unwrap();
        }
    }
}"),
        ("for _ in 0..size {", "let workers = (0..size).map(|_| {"),
        ("thread::spawn(move || work(&receiver));
        }
        ThreadPool { sender }", "thread::spawn(move || work(&receiver))
        });
        let workers = workers.collect();
        ThreadPool { workers, sender: Some(sender) }"),
        (SENDS.0, "fn try_execute(&self, job: Job) -> Result<(), mpsc::TrySendError<Job>> {
        self.sender.as_ref().unwrap().try_send(job)
    }")];
    "waits for room": "broken a_full_queue_rejects", [
        ("self.sender.try_send(Box::new(job))",
         "{ self.sender.send(Box::new(job)).unwrap(); Ok(()) }")];
    "handles it on the thread that accepts": "broken every_connection_is_answered", [
        (LOOP,
         "if let Err(mpsc::TrySendError::Full(job)) = pool.try_execute(move || connection.handle()) {
            job();
        }")];
    "handles it on a thread of its own": "broken every_connection_is_answered", [
        (LOOP,
         "if let Err(mpsc::TrySendError::Full(job)) = pool.try_execute(move || connection.handle()) {
            thread::spawn(job);
        }")];
    "a queue without a bound": "broken a_full_queue_rejects", [
        ("mpsc::sync_channel(queue)", "mpsc::channel()"), ("mpsc::SyncSender", "mpsc::Sender"),
        ("Result<(), mpsc::TrySendError<Job>>", "Result<(), mpsc::SendError<Job>>"),
        (".try_send(", ".send(")];
    "room for more than was said": "broken a_full_queue_rejects", [
        REJECTS, CARRIES, SENDS, HANDLES,
        ("mpsc::sync_channel(queue)", "mpsc::sync_channel(queue + 2)")];
    "rejects everything": "broken a_full_queue_rejects", [(LOOP, "connection.reject();
        let _ = &pool;")];
    "no room at all": "broken a_full_queue_rejects", [
        REJECTS, CARRIES, SENDS, HANDLES,
        ("mpsc::sync_channel(queue)", "mpsc::sync_channel(0 * queue)")];
    "tries again and again": "cannot tell every_connection_is_answered", [
        (LOOP, "let mut connection = connection;
        while let Err(mpsc::TrySendError::Full(back)) = pool.try_execute(connection) {
            connection = back;
            thread::yield_now();
        }"),
        CARRIES, SENDS, HANDLES];
}
