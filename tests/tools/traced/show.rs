// Ten lines that run the pool above them, and draw what its threads did.

fn main() {
    use std::time::Duration;
    use ten_versus_five::traced::{job, show};

    show(|| {
        let pool = ThreadPool::new(4);
        for number in 1..=2 {
            pool.execute(move || job(number, || std::thread::sleep(Duration::from_millis(300))));
        }
    });
}
