// A worker has a job, and calls it twice.
//
// A job is `FnOnce`: it may move out what it has captured, for example its connection, and then it
// cannot run again. So the call consumes the job, and the second call has no value left: E0382.
//
// The fix: call a job once.

type Job = Box<dyn FnOnce()>;

fn main() {
    let connection = String::from("a connection");
    let job: Job = Box::new(move || drop(connection));

    job();
    job();
}
