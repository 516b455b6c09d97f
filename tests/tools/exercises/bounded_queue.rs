//! A queue that hands the connection back.

use super::{Variant, right, variant};

/// What is done with a connection.
const LOOP: &str = r#"        let accepted = pool.try_execute(move || connection.handle());
        if accepted.is_err() {
            // The queue is full. But where is the connection?
        }
"#;

/// The connection comes back, and is rejected.
const REJECTS: (&str, &str) = (
    LOOP,
    r#"        if let Err(mpsc::TrySendError::Full(connection)) = pool.try_execute(connection) {
            connection.reject();
        }
"#,
);

/// The channel carries connections: this is its type, ...
const CARRIES: (&str, &str) = (
    r#"type Job = Box<dyn FnOnce() + Send>;
"#,
    r#"type Job = Connection;
"#,
);

/// ... this sends one, ...
const SENDS: (&str, &str) = (
    r#"    fn try_execute<F>(&self, job: F) -> Result<(), mpsc::TrySendError<Job>>
    where
        F: FnOnce() + Send + 'static,
    {
        self.sender.try_send(Box::new(job))
    }
"#,
    r#"    fn try_execute(&self, job: Job) -> Result<(), mpsc::TrySendError<Job>> {
        self.sender.try_send(job)
    }
"#,
);

/// ... and this handles it.
const HANDLES: (&str, &str) = (
    r#"        job();
"#,
    r#"        job.handle();
"#,
);

pub const VARIANTS: [Variant; 13] = [
    variant("as it stands", "broken every_connection_is_answered", &[]),
    right(
        "the channel carries connections",
        &[REJECTS, CARRIES, SENDS, HANDLES],
    ),
    right(
        "a slot that both share",
        &[(
            LOOP,
            r#"        let slot = Arc::new(Mutex::new(Some(connection)));
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
        }
"#,
        )],
    ),
    right(
        "a generic pool",
        &[
            REJECTS,
            (CARRIES.0, ""),
            (
                "let pool = ThreadPool::new(workers, queue)",
                "let pool = ThreadPool::new(workers, queue, Connection::handle)",
            ),
            (
                r#"struct ThreadPool {
    sender: mpsc::SyncSender<Job>"#,
                r#"struct ThreadPool<T> {
    sender: mpsc::SyncSender<T>"#,
            ),
            (
                r#"impl ThreadPool {
    fn new(size: usize, queue: usize) -> ThreadPool"#,
                r#"impl<T: Send + 'static> ThreadPool<T> {
    fn new(size: usize, queue: usize, handler: fn(T)) -> ThreadPool<T>"#,
            ),
            ("work(&receiver)", "work(&receiver, handler)"),
            (
                "fn work(receiver: &Mutex<mpsc::Receiver<Job>>)",
                "fn work<T>(receiver: &Mutex<mpsc::Receiver<T>>, handler: fn(T))",
            ),
            (
                HANDLES.0,
                r#"        handler(job);
"#,
            ),
            (
                SENDS.0,
                r#"    fn try_execute(&self, job: T) -> Result<(), mpsc::TrySendError<T>> {
        self.sender.try_send(job)
    }
"#,
            ),
        ],
    ),
    right(
        "the workers are joined while the connections are still there",
        &[
            REJECTS,
            CARRIES,
            HANDLES,
            (
                "for connection in connections {",
                "let mut connections = connections;
    let pool = pool;
    while let Some(connection) = connections.next() {",
            ),
            (
                r#"struct ThreadPool {
    sender: mpsc::SyncSender<Job>,
}
"#,
                r#"struct ThreadPool {
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
}
"#,
            ),
            ("for _ in 0..size {", "let workers = (0..size).map(|_| {"),
            (
                r#"            thread::spawn(move || work(&receiver));
        }
        ThreadPool { sender }
"#,
                r#"            thread::spawn(move || work(&receiver))
        });
        let workers = workers.collect();
        ThreadPool { workers, sender: Some(sender) }
"#,
            ),
            (
                SENDS.0,
                r#"    fn try_execute(&self, job: Job) -> Result<(), mpsc::TrySendError<Job>> {
        self.sender.as_ref().unwrap().try_send(job)
    }
"#,
            ),
        ],
    ),
    variant(
        "waits for room",
        "broken a_full_queue_rejects",
        &[(
            "self.sender.try_send(Box::new(job))",
            "{ self.sender.send(Box::new(job)).unwrap(); Ok(()) }",
        )],
    ),
    variant(
        "handles it on the thread that accepts",
        "broken every_connection_is_answered",
        &[(
            LOOP,
            r#"        if let Err(mpsc::TrySendError::Full(job)) = pool.try_execute(move || connection.handle()) {
            job();
        }
"#,
        )],
    ),
    variant(
        "handles it on a thread of its own",
        "broken every_connection_is_answered",
        &[(
            LOOP,
            r#"        if let Err(mpsc::TrySendError::Full(job)) = pool.try_execute(move || connection.handle()) {
            thread::spawn(job);
        }
"#,
        )],
    ),
    variant(
        "a queue without a bound",
        "broken a_full_queue_rejects",
        &[
            ("mpsc::sync_channel(queue)", "mpsc::channel()"),
            ("mpsc::SyncSender", "mpsc::Sender"),
            (
                "Result<(), mpsc::TrySendError<Job>>",
                "Result<(), mpsc::SendError<Job>>",
            ),
            (".try_send(", ".send("),
        ],
    ),
    variant(
        "room for more than was said",
        "broken a_full_queue_rejects",
        &[
            REJECTS,
            CARRIES,
            SENDS,
            HANDLES,
            ("mpsc::sync_channel(queue)", "mpsc::sync_channel(queue + 2)"),
        ],
    ),
    variant(
        "rejects everything",
        "broken a_full_queue_rejects",
        &[(
            LOOP,
            r#"        connection.reject();
        let _ = &pool;
"#,
        )],
    ),
    variant(
        "no room at all",
        "broken a_full_queue_rejects",
        &[
            REJECTS,
            CARRIES,
            SENDS,
            HANDLES,
            ("mpsc::sync_channel(queue)", "mpsc::sync_channel(0 * queue)"),
        ],
    ),
    variant(
        "tries again and again",
        "cannot tell every_connection_is_answered",
        &[
            (
                LOOP,
                r#"        let mut connection = connection;
        while let Err(mpsc::TrySendError::Full(back)) = pool.try_execute(connection) {
            connection = back;
            thread::yield_now();
        }
"#,
            ),
            CARRIES,
            SENDS,
            HANDLES,
        ],
    ),
];
