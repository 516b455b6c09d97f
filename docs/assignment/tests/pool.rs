//! Makes a test of each promise.

ten_versus_five::check_pool!(assignment::pool::ThreadPool);
