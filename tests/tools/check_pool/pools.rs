//! Thread pools, right and wrong, of the kinds that beginners write.
//!
//! Most are pools like the Book's, of which the worker's loop and the end are chosen.

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What the pools here ask of a job: less than a check gives them.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

/// What takes a job. Dropping it is dropping the pool.
pub type Pool = Box<dyn Fn(Job)>;

type Shared = Mutex<Receiver<Job>>;

/// Runs a job, whatever becomes of it.
fn run(job: Job) {
    let _ = catch_unwind(AssertUnwindSafe(job));
}

pub struct Channel {
    sender: Option<Sender<Job>>,
    workers: Vec<JoinHandle<()>>,
    end: fn(&mut Channel),
}

impl Drop for Channel {
    fn drop(&mut self) {
        (self.end)(self);
    }
}

/// A pool whose workers share the receiver of a channel.
pub fn channel(size: usize, worker: fn(&Shared), end: fn(&mut Channel)) -> Pool {
    assert!(size > 0);
    let (sender, receiver) = mpsc::channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let start = |_| {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || worker(&receiver))
    };
    let pool = Channel {
        sender: Some(sender),
        workers: (0..size).map(start).collect(),
        end,
    };
    Box::new(move |job| {
        let sender = pool.sender.as_ref().unwrap();
        sender.send(job).expect("a worker should be there");
    })
}

/// Loops of a worker.
pub mod worker {
    use super::*;

    pub fn catches(jobs: &Shared) {
        loop {
            let Ok(job) = jobs.lock().unwrap().recv() else {
                break;
            };
            run(job);
        }
    }

    pub fn dies_of_a_panic(jobs: &Shared) {
        loop {
            let message = jobs.lock().unwrap().recv();
            match message {
                Ok(job) => job(),
                Err(_) => break,
            }
        }
    }

    pub fn parks_after_a_panic(jobs: &Shared) {
        loop {
            let Ok(job) = jobs.lock().unwrap().recv() else {
                break;
            };
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                loop {
                    thread::park();
                }
            }
        }
    }

    fn next(jobs: &Shared) -> Option<Job> {
        jobs.lock().unwrap().recv().ok()
    }

    pub fn asks_a_function(jobs: &Shared) {
        while let Some(job) = next(jobs) {
            run(job);
        }
    }

    pub fn for_with_the_lock(jobs: &Shared) {
        for job in jobs.lock().unwrap().iter() {
            run(job);
        }
    }

    pub fn while_let_with_the_lock(jobs: &Shared) {
        while let Ok(job) = jobs.lock().unwrap().recv() {
            run(job);
        }
    }

    pub fn match_with_the_lock(jobs: &Shared) {
        loop {
            match jobs.lock().unwrap().recv() {
                Ok(job) => run(job),
                Err(_) => return,
            }
        }
    }

    pub fn guard_with_the_lock(jobs: &Shared) {
        loop {
            let jobs = jobs.lock().unwrap();
            let Ok(job) = jobs.recv() else {
                break;
            };
            run(job);
        }
    }

    pub fn does_one_job_and_leaves(jobs: &Shared) {
        let job = jobs.lock().unwrap().recv();
        if let Ok(job) = job {
            run(job);
        }
    }

    fn looks_again_after(jobs: &Shared, pause: fn()) {
        loop {
            let job = jobs.lock().unwrap().try_recv();
            match job {
                Ok(job) => run(job),
                Err(TryRecvError::Empty) => pause(),
                Err(TryRecvError::Disconnected) => break,
            }
        }
    }

    /// Whether this worker is the first of its process that asks. If all workers did what takes a whole processor,
    /// they would only take it from other tests.
    fn is_the_first() -> bool {
        static ASKED: AtomicBool = AtomicBool::new(false);
        !ASKED.swap(true, Ordering::SeqCst)
    }

    pub fn spins(jobs: &Shared) {
        match is_the_first() {
            true => looks_again_after(jobs, std::hint::spin_loop),
            false => polls(jobs),
        }
    }

    pub fn yields(jobs: &Shared) {
        match is_the_first() {
            true => looks_again_after(jobs, thread::yield_now),
            false => polls(jobs),
        }
    }

    pub fn polls(jobs: &Shared) {
        looks_again_after(jobs, || thread::sleep(Duration::from_millis(20)));
    }

    pub fn wakes_up_once_in_a_while(jobs: &Shared) {
        loop {
            let job = jobs.lock().unwrap().recv_timeout(Duration::from_secs(60));
            match job {
                Ok(job) => run(job),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// Once it has had nothing to do for a while, it leaves.
    pub fn leaves_when_idle(jobs: &Shared) {
        loop {
            let job = jobs
                .lock()
                .unwrap()
                .recv_timeout(Duration::from_millis(500));
            match job {
                Ok(job) => run(job),
                Err(_) => break,
            }
        }
    }

    pub fn exits_on_a_panic(jobs: &Shared) {
        loop {
            let Ok(job) = jobs.lock().unwrap().recv() else {
                break;
            };
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                process::exit(1);
            }
        }
    }

    pub fn spins_when_the_channel_has_closed(jobs: &Shared) {
        loop {
            let job = jobs.lock().unwrap().recv();
            match job {
                Ok(job) => run(job),
                Err(_) if is_the_first() => while jobs.lock().unwrap().recv().is_err() {},
                Err(_) => break,
            }
        }
    }

    pub fn starts_a_thread_for_its_job(jobs: &Shared) {
        loop {
            let Ok(job) = jobs.lock().unwrap().recv() else {
                break;
            };
            thread::spawn(job);
        }
    }
}

/// Ends of a pool.
pub mod end {
    use super::*;

    fn join(workers: impl Iterator<Item = JoinHandle<()>>) {
        for worker in workers {
            worker.join().unwrap();
        }
    }

    pub fn joins(pool: &mut Channel) {
        pool.sender = None;
        join(pool.workers.drain(..));
    }

    pub fn sleeps_and_joins(pool: &mut Channel) {
        thread::sleep(Duration::from_millis(700));
        joins(pool);
    }

    pub fn does_nothing(_pool: &mut Channel) {}

    pub fn sleeps(pool: &mut Channel) {
        pool.sender = None;
        thread::sleep(Duration::from_millis(700));
    }

    pub fn joins_the_first(pool: &mut Channel) {
        pool.sender = None;
        join(pool.workers.drain(..).take(1));
    }

    pub fn joins_all_but_the_first(pool: &mut Channel) {
        pool.sender = None;
        join(pool.workers.drain(..).skip(1));
    }

    pub fn joins_all_but_the_last(pool: &mut Channel) {
        pool.sender = None;
        let last = pool.workers.len() - 1;
        join(pool.workers.drain(..).take(last));
    }

    pub fn joins_before_it_closes(pool: &mut Channel) {
        join(pool.workers.drain(..));
        pool.sender = None;
    }

    pub fn panics(_pool: &mut Channel) {
        panic!("there is something wrong with `drop`");
    }

    pub fn aborts(_pool: &mut Channel) {
        process::abort();
    }
}

/// As many workers as `count` makes of the size.
pub fn another_size(size: usize, count: fn(usize) -> usize) -> Pool {
    assert!(size > 0);
    channel(count(size), worker::catches, end::joins)
}

/// Starts four threads when it is asked for none.
pub fn four_instead_of_none(size: usize) -> Pool {
    let size = if size == 0 { 4 } else { size };
    channel(size, worker::catches, end::joins)
}

/// A thread that belongs to no worker looks at something three times a second, and never ends.
pub fn with_a_watcher(size: usize) -> Pool {
    let pool = channel(size, worker::catches, end::joins);
    thread::spawn(|| {
        loop {
            thread::sleep(Duration::from_millis(333));
        }
    });
    pool
}

/// Starts another worker when it has been given many jobs.
pub fn grows(size: usize) -> Pool {
    let (pool, another) = (channel(size, worker::catches, end::joins), OnceCell::new());
    let given = AtomicUsize::new(0);
    Box::new(move |job| match given.fetch_add(1, Ordering::SeqCst) {
        number if number >= 1000 && number % 2 == 0 => {
            another.get_or_init(|| channel(1, worker::catches, end::joins))(job);
        }
        _ => pool(job),
    })
}

/// Does not mind a size of zero.
pub fn accepts_zero(size: usize) -> Pool {
    match size {
        0 => Box::new(drop),
        size => channel(size, worker::catches, end::joins),
    }
}

/// A channel with room for `bound` jobs; `execute` waits for it, or, if it may, throws the job away.
pub fn bounded(size: usize, bound: usize, throws_away: bool) -> Pool {
    struct Bounded(Option<mpsc::SyncSender<Job>>, Vec<JoinHandle<()>>);
    impl Drop for Bounded {
        fn drop(&mut self) {
            self.0 = None;
            self.1.drain(..).for_each(|worker| worker.join().unwrap());
        }
    }
    assert!(size > 0);
    let (sender, receiver) = mpsc::sync_channel(bound);
    let receiver = Arc::new(Mutex::new(receiver));
    let start = |_| {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || worker::catches(&receiver))
    };
    let pool = Bounded(Some(sender), (0..size).map(start).collect());
    Box::new(move |job| {
        let sender = pool.0.as_ref().unwrap();
        if throws_away {
            let _ = sender.try_send(job);
        } else {
            sender.send(job).unwrap();
        }
    })
}

/// A queue behind a mutex, and a condition variable.
#[derive(Default)]
struct Queue {
    jobs: Mutex<(VecDeque<Job>, bool)>,
    changed: Condvar,
    /// How many it was given.
    given: AtomicUsize,
}

pub enum Flaw {
    None,
    /// The last job in is the first out, which is not wrong.
    Stack,
    /// The lock is held while the job runs.
    Lock,
    /// When the pool is dropped, jobs that wait are forgotten.
    Forgets,
    /// When the pool is dropped, each job that waits gets a thread of its own.
    StartsThreads,
    /// All workers are called for a job, and those that do not get it leave, when thousands have come.
    Leaves,
}

pub fn condvar(size: usize, flaw: Flaw) -> Pool {
    struct Waiting(Arc<Queue>, Vec<JoinHandle<()>>, bool);
    impl Drop for Waiting {
        fn drop(&mut self) {
            let mut jobs = self.0.jobs.lock().unwrap();
            jobs.1 = true;
            if self.2 {
                let jobs = jobs.0.drain(..);
                self.1.extend(jobs.map(|job| thread::spawn(|| run(job))));
            }
            drop(jobs);
            self.0.changed.notify_all();
            self.1.drain(..).for_each(|worker| worker.join().unwrap());
        }
    }
    assert!(size > 0);
    let queue = Arc::new(Queue::default());
    let starts_threads = matches!(flaw, Flaw::StartsThreads);
    let calls_all = matches!(flaw, Flaw::Leaves);
    let flaw = Arc::new(flaw);
    let start = |_| {
        let (queue, flaw) = (Arc::clone(&queue), Arc::clone(&flaw));
        thread::spawn(move || {
            loop {
                let jobs = queue.jobs.lock().unwrap();
                let wait = |state: &mut (VecDeque<Job>, bool)| state.0.is_empty() && !state.1;
                let leaves =
                    matches!(*flaw, Flaw::Leaves) && queue.given.load(Ordering::SeqCst) > 5_000;
                let mut jobs = match jobs.0.is_empty() && leaves {
                    true => queue.changed.wait(jobs).unwrap(),
                    false => queue.changed.wait_while(jobs, wait).unwrap(),
                };
                if jobs.1 && matches!(*flaw, Flaw::Forgets) {
                    break;
                }
                let job = match *flaw {
                    Flaw::Stack => jobs.0.pop_back(),
                    _ => jobs.0.pop_front(),
                };
                let Some(job) = job else {
                    break;
                };
                if matches!(*flaw, Flaw::Lock) {
                    run(job);
                } else {
                    drop(jobs);
                    run(job);
                }
            }
        })
    };
    let workers = (0..size).map(start).collect();
    let pool = Waiting(Arc::clone(&queue), workers, starts_threads);
    Box::new(move |job| {
        pool.0.given.fetch_add(1, Ordering::SeqCst);
        pool.0.jobs.lock().unwrap().0.push_back(job);
        match calls_all {
            true => pool.0.changed.notify_all(),
            false => pool.0.changed.notify_one(),
        }
    })
}

/// A channel for each worker, to which jobs go in turn. Those that have nothing to do take from the
/// others' queues, or not.
pub fn a_queue_for_each_worker(size: usize, steals: bool) -> Pool {
    struct Queues(Arc<Queues2>, Vec<JoinHandle<()>>, AtomicUsize);
    type Queues2 = (Mutex<(Vec<VecDeque<Job>>, bool)>, Condvar);
    impl Drop for Queues {
        fn drop(&mut self) {
            self.0.0.lock().unwrap().1 = true;
            self.0.1.notify_all();
            self.1.drain(..).for_each(|worker| worker.join().unwrap());
        }
    }
    assert!(size > 0);
    let queues = (0..size).map(|_| VecDeque::new()).collect();
    let queues: Arc<Queues2> = Arc::new((Mutex::new((queues, false)), Condvar::new()));
    let start = |id: usize| {
        let queues = Arc::clone(&queues);
        thread::spawn(move || {
            let mut state = queues.0.lock().unwrap();
            loop {
                let own = state.0[id].pop_front();
                let mut others = || state.0.iter_mut().find_map(VecDeque::pop_back);
                let job = own.or_else(|| if steals { others() } else { None });
                match job {
                    Some(job) => {
                        drop(state);
                        run(job);
                        state = queues.0.lock().unwrap();
                    }
                    None if state.1 => break,
                    None => state = queues.1.wait(state).unwrap(),
                }
            }
        })
    };
    let workers = (0..size).map(start).collect();
    let pool = Queues(queues, workers, AtomicUsize::new(0));
    Box::new(move |job| {
        let id = pool.2.fetch_add(1, Ordering::Relaxed) % size;
        pool.0.0.lock().unwrap().0[id].push_back(job);
        pool.0.1.notify_all();
    })
}

/// A thread for each job, and a semaphore: `execute` waits for a permit. `drop` waits for all of them. After a
/// panic, the permit is given back, or not.
pub fn permits(size: usize, even_after_a_panic: bool) -> Pool {
    struct Permits(Arc<(Mutex<usize>, Condvar)>, usize);
    impl Drop for Permits {
        fn drop(&mut self) {
            let free = self.0.0.lock().unwrap();
            drop(self.0.1.wait_while(free, |free| *free < self.1));
        }
    }
    assert!(size > 0);
    let pool = Permits(Arc::new((Mutex::new(size), Condvar::new())), size);
    Box::new(move |job| {
        let free = pool.0.0.lock().unwrap();
        let mut free = pool.0.1.wait_while(free, |free| *free == 0).unwrap();
        *free -= 1;
        let permits = Arc::clone(&pool.0);
        thread::spawn(move || {
            let done = catch_unwind(AssertUnwindSafe(job));
            if done.is_ok() || even_after_a_panic {
                *permits.0.lock().unwrap() += 1;
                permits.1.notify_all();
            }
        });
    })
}

/// What becomes of a worker whose job panics.
#[derive(Clone, Copy, PartialEq)]
pub enum Replaced {
    /// It ends, and when it is dropped another one is started: see the crate `threadpool`.
    WhenDropped,
    /// It ends, and a panic hook starts another one.
    InAHook,
    /// Another one is started, and it goes on itself.
    Needlessly,
}

/// A worker whose job panics is replaced by another.
pub fn replaces_its_dead(size: usize, replaced: Replaced) -> Pool {
    #[derive(Clone)]
    struct Sentinel(Arc<Shared>, #[allow(dead_code)] Sender<()>, Replaced);
    thread_local! {
        static SENTINEL: RefCell<Option<Sentinel>> = const { RefCell::new(None) };
    }
    impl Drop for Sentinel {
        fn drop(&mut self) {
            if thread::panicking() && self.2 == Replaced::WhenDropped {
                self.start();
            }
        }
    }
    impl Sentinel {
        fn start(&self) {
            let sentinel = self.clone();
            thread::spawn(move || match sentinel.2 {
                Replaced::WhenDropped => worker::dies_of_a_panic(&sentinel.0),
                Replaced::InAHook => {
                    SENTINEL.replace(Some(sentinel.clone()));
                    worker::dies_of_a_panic(&sentinel.0);
                }
                Replaced::Needlessly => sentinel.goes_on(),
            });
        }

        fn goes_on(&self) {
            loop {
                let Ok(job) = self.0.lock().unwrap().recv() else {
                    break;
                };
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    self.start();
                }
            }
        }
    }
    struct Replacing(Option<Sender<Job>>, Receiver<()>);
    impl Drop for Replacing {
        fn drop(&mut self) {
            self.0 = None;
            // It fails when the last worker has dropped its sender.
            assert!(self.1.recv().is_err());
        }
    }
    assert!(size > 0);
    if replaced == Replaced::InAHook {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if let Some(sentinel) = SENTINEL.take() {
                sentinel.start();
            }
            before(info);
        }));
    }
    let (sender, receiver) = mpsc::channel();
    let (alive, all_gone) = mpsc::channel();
    let sentinel = Sentinel(Arc::new(Mutex::new(receiver)), alive, replaced);
    (0..size).for_each(|_| sentinel.start());
    drop(sentinel);
    let pool = Replacing(Some(sender), all_gone);
    Box::new(move |job| pool.0.as_ref().unwrap().send(job).unwrap())
}

/// Starts a worker only when a job comes and there are not enough.
pub fn starts_late(size: usize) -> Pool {
    assert!(size > 0);
    let (sender, receiver) = mpsc::channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let pool = Mutex::new(Channel {
        sender: Some(sender),
        workers: Vec::new(),
        end: end::joins,
    });
    Box::new(move |job| {
        let mut pool = pool.lock().unwrap();
        if pool.workers.len() < size {
            let receiver = Arc::clone(&receiver);
            pool.workers
                .push(thread::spawn(move || worker::catches(&receiver)));
        }
        pool.sender.as_ref().unwrap().send(job).unwrap();
    })
}

/// `park` and `unpark` in the place of a condition variable.
pub fn parks(size: usize) -> Pool {
    struct Parking(
        Arc<Mutex<VecDeque<Job>>>,
        Arc<AtomicBool>,
        Vec<JoinHandle<()>>,
    );
    impl Drop for Parking {
        fn drop(&mut self) {
            self.1.store(true, Ordering::SeqCst);
            for worker in self.2.drain(..) {
                worker.thread().unpark();
                worker.join().unwrap();
            }
        }
    }
    assert!(size > 0);
    let jobs: Arc<Mutex<VecDeque<Job>>> = Arc::default();
    let closed = Arc::new(AtomicBool::new(false));
    let start = |_| {
        let (jobs, closed) = (Arc::clone(&jobs), Arc::clone(&closed));
        thread::spawn(move || {
            loop {
                let closed = closed.load(Ordering::SeqCst);
                let job = jobs.lock().unwrap().pop_front();
                match job {
                    Some(job) => run(job),
                    None if closed => break,
                    None => thread::park(),
                }
            }
        })
    };
    let workers = (0..size).map(start).collect();
    let pool = Parking(jobs, closed, workers);
    Box::new(move |job| {
        pool.0.lock().unwrap().push_back(job);
        pool.2.iter().for_each(|worker| worker.thread().unpark());
    })
}

pub fn a_thread_for_each_job(size: usize) -> Pool {
    assert!(size > 0);
    Box::new(|job| drop(thread::spawn(job)))
}

pub fn runs_the_job_in_execute(size: usize) -> Pool {
    assert!(size > 0);
    Box::new(|job| job())
}

/// Another thread runs it, and `execute` waits for that.
pub fn waits_in_execute(size: usize) -> Pool {
    assert!(size > 0);
    Box::new(|job| drop(thread::spawn(job).join()))
}

pub fn is_not_written_yet(_size: usize) -> Pool {
    todo!("the pool")
}

/// A right pool that talks, on both streams, and does not end its lines.
pub fn chatters(size: usize) -> Pool {
    let pool = channel(size, worker::catches, end::joins);
    Box::new(move |job| {
        print!("executing");
        eprint!("executing");
        pool(job);
    })
}
