// What runs many times is the handler. Every job gets its own. A handler is `Fn` and `Clone`: see
// the bounds of `serve` in stages/stage3_channel_pool.rs.

type Job = Box<dyn FnOnce()>;

fn main() {
    let handler = |connection: String| drop(connection);

    for connection in ["a connection", "another one"].map(String::from) {
        let job: Job = Box::new(move || handler(connection));
        job();
    }
}
