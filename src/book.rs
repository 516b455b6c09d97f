//! The pages of `docs/`, as chapters in reading order. This one is the README.
//!
//! Each page is a module without items. In the repository, a link from page to page is a link to a
//! file. Here the definitions in `book/links.md` come first, and the first definition of a link counts.

#![doc = include_str!("book/links.md")]
#![doc = include_str!("book/pictures.md")]
#![doc = include_str!("../README.md")]

macro_rules! chapters {
    ($($chapter:ident: $page:literal)*) => {
        $(
            #[doc = concat!(
                include_str!("book/links.md"),
                include_str!("book/pictures.md"),
                include_str!(concat!("../docs/", $page)),
            )]
            pub mod $chapter {}
        )*
    };
}

chapters! {
    ch01_stage1_single_threaded: "stage1_single_threaded.md"
    ch02_stage2_spawn_per_request: "stage2_spawn_per_request.md"
    ch03_compiler: "compiler.md"
    ch04_stage3_channel_pool: "stage3_channel_pool.md"
    ch05_stage4_for_loop: "stage4_for_loop.md"
    ch06_lock_trace: "lock_trace.md"
    ch07_explore: "explore.md"
    ch08_lock_scope: "lock_scope.md"
    ch09_stage5_busy_counter: "stage5_busy_counter.md"
    ch10_stage6_bounded_queue: "stage6_bounded_queue.md"
    ch11_stage7_graceful_shutdown: "stage7_graceful_shutdown.md"
    ch12_check: "check.md"
    ch13_exercises: "exercises.md"
    ch14_from_the_book: "from_the_book.md"
    ch15_race: "race.md"
    ch16_browsers: "browsers.md"
    ch17_costs: "costs.md"
    ch18_next: "next.md"
    ch19_walkthrough: "walkthrough.md"
    ch20_teacher: "teacher.md"
    ch21_handout: "handout.md"
    ch22_assignment: "assignment.md"
    ch23_glossary: "glossary.md"
}
