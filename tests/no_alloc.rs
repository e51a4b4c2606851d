//! `Model::run` allocates nothing: everything it needs was made when the model was planned.

mod common;

use common::{model_bytes, now_ms};
use octomask::{Backend, Model, Options};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting. Threads of the pool are counted too.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of any thread while `work` runs.
fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    work();
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

/// One test, because the counter sees all threads of the process: tests beside it would count.
#[test]
fn running_allocates_nothing() {
    assert!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))) > 0, "the counter works");
    for name in ["selfie_segmentation", "selfie_segmentation_landscape"] {
        let bytes = model_bytes(name);
        for threads in [1, 2] {
            for clock in [None, Some(now_ms as fn() -> f64)] {
                let options = Options { threads, ..Options::default() };
                let mut model = Model::load(&bytes, &options).unwrap();
                model.set_clock(clock);
                // The first run may start threads.
                model.run();
                let made = allocations(|| (0..10).for_each(|_| model.run()));
                assert_eq!(made, 0, "{name}, {threads} threads, clock {}", clock.is_some());
            }
        }
        let options = Options { backend: Backend::Reference, ..Options::default() };
        let mut model = Model::load(&bytes, &options).unwrap();
        model.run();
        assert_eq!(allocations(|| model.run()), 0, "{name}, reference backend");
    }
}
