fn main() {
    use ten_versus_five::traced::{Recording, What, job};

    let recording = Recording::new();
    recording.watch(|| {
        let pool = ThreadPool::new(2);
        for number in 0..2 {
            pool.execute(move || job(number, || ()));
        }
    });

    let (mut jobs, mut held, mut holder) = (0, 0, None);
    for note in recording.notes().notes {
        match note.what {
            What::Has => holder = Some(note.thread),
            What::Releases => holder = None,
            What::BeginsJob(_) => {
                jobs += 1;
                held += i32::from(holder == Some(note.thread));
            }
            _ => {}
        }
    }
    println!("{} jobs, the lock held during {}", jobs, held);
}
