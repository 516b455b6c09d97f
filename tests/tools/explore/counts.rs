// A pool whose permits are the clones of an `Arc`, which the explorer does not count.

use std::mem;
use std::sync::Arc;
use std::thread;

pub struct CountsClones {
    permits: Arc<()>,
    size: usize,
    threads: Vec<thread::JoinHandle<()>>,
}

impl CountsClones {
    pub fn new(size: usize) -> CountsClones {
        CountsClones {
            permits: Arc::new(()),
            size,
            threads: Vec::new(),
        }
    }

    pub fn execute(&mut self, job: impl FnOnce() + Send + 'static) {
        if Arc::strong_count(&self.permits) > self.size {
            mem::take(&mut self.threads).into_iter().for_each(|it| it.join().unwrap());
        }
        let permit = Arc::clone(&self.permits);
        self.threads.push(thread::spawn(move || {
            job();
            drop(permit);
        }));
    }
}

impl Drop for CountsClones {
    fn drop(&mut self) {
        self.threads.drain(..).for_each(|it| it.join().unwrap());
    }
}
