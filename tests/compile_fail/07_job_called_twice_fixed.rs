// What runs again and again is not the job but the handler from which each job is made. It is `Fn`,
// and `Clone`: compare what `serve` asks of it in stages/stage3_channel_pool.rs.

type Job = Box<dyn FnOnce()>;

fn main() {
    let handle = |connection: String| drop(connection);

    for connection in ["a connection", "another one"].map(String::from) {
        let job: Job = Box::new(move || handle(connection));
        job();
    }
}
