//! Says which promises the pool in `pool.rs` keeps, in the Test Anything Protocol. The exit code is 0 if
//! none is broken, and 1 if one is.

use std::io;
use std::process::ExitCode;

use assignment::pool::ThreadPool;
use ten_versus_five::check::pool::Check;

fn main() -> ExitCode {
    let check = Check::new("pool.rs", |size| {
        let pool = ThreadPool::new(size);
        Box::new(move |job| pool.execute(job))
    });
    match check.report(&mut io::stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
