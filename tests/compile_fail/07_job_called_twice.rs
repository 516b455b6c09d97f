// A worker has a job, and runs it. Once more, to be sure?
//
// A job is `FnOnce`: it may give away what it holds, its connection for example, and then it cannot
// run again. So to call it is to use it up, and the second call finds nothing: E0382.
//
// The right turn: once is what a job is for.

type Job = Box<dyn FnOnce()>;

fn main() {
    let connection = String::from("a connection");
    let job: Job = Box::new(move || drop(connection));

    job();
    job();
}
