//! The pools of the stages, from the same files, with the stand-in in the place of `std`.
//!
//! Each module has what the stage's own module has. Its feature has to be on.

/// One stage's file, compiled a second time.
macro_rules! traced {
    ($feature:literal, $name:ident, $file:literal) => {
        #[doc = concat!("`stages/", $file, "`, with this stand-in for `std`.")]
        #[cfg(feature = $feature)]
        #[allow(missing_debug_implementations)] // A stage has no line that is not its lesson.
        pub mod $name {
            use crate::traced as std;
            include!(concat!("../../stages/", $file));
        }
    };
}

traced!("stage1", stage1, "stage1_single_threaded.rs");
traced!("stage2", stage2, "stage2_spawn_per_request.rs");
traced!("stage3", stage3, "stage3_channel_pool.rs");
traced!("stage4", stage4, "stage4_for_loop.rs");
traced!("stage5", stage5, "stage5_busy_counter.rs");
traced!("stage6", stage6, "stage6_bounded_queue.rs");
traced!("stage7", stage7, "stage7_graceful_shutdown.rs");
