//! The input size at run time: a thousand changes of it hold no more memory than one, on one
//! thread and on several, and what runs afterwards is what a fresh model of that size runs.

mod common;

use common::model_bytes;
use octomask::tensor::{View, ViewMut};
use octomask::{Model, Options};
use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicIsize, Ordering};

/// The system's allocator, counting the bytes that all threads hold.
struct Counting;

static HELD: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size() as isize, Ordering::SeqCst);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as isize, Ordering::SeqCst);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn on(threads: usize, input_size: Option<[usize; 2]>) -> Options {
    Options { threads, input_size, ..Options::default() }
}

/// Fills the input with a pattern that depends on the seed, runs, and gives the first output.
fn run(model: &mut Model, seed: usize) -> Vec<f32> {
    match model.input_mut(0).expect("an input") {
        ViewMut::F32(input) => input
            .iter_mut()
            .enumerate()
            .for_each(|(i, v)| *v = ((i + seed) * 7919 % 1000) as f32 / 1000.0),
        other => panic!("an input of {}", other.as_view().dtype()),
    }
    model.run();
    match model.output(0).expect("an output") {
        View::F32(output) => output.to_vec(),
        View::I64(classes) => classes.iter().map(|&c| c as f32).collect(),
        other => panic!("an output of {}", other.dtype()),
    }
}

/// One test, because the counter sees all threads of the process: tests beside it would count.
#[test]
fn resizing_leaves_nothing_behind() {
    a_thousand_resizes_hold_no_more_than_one();
    a_resized_model_is_the_model_of_that_size();
    refused_sizes_leave_the_model_as_it_was();
}

fn a_thousand_resizes_hold_no_more_than_one() {
    let bytes = model_bytes("selfie_segmentation_landscape");
    let sizes = [[96, 160], [56, 96], [144, 256], [104, 184]];
    for threads in [1, 2] {
        let mut model = Model::load(&bytes, &on(threads, None)).unwrap();
        let (mut first, mut held) = (Vec::new(), 0);
        for i in 0..1000 {
            let [h, w] = sizes[i % sizes.len()];
            model.resize(h, w).unwrap();
            assert!(model.resize(h + 1, w).is_err());
            if i % 100 == 0 {
                let made = run(&mut model, 0);
                if i == 0 {
                    first = made;
                } else {
                    assert_eq!(made, first, "resize {i} on {threads} threads");
                }
            }
            // The same size again, and its vector of results is there both times.
            if i == sizes.len() {
                held = HELD.load(Ordering::SeqCst);
            }
        }
        model.resize(sizes[0][0], sizes[0][1]).unwrap();
        assert_eq!(HELD.load(Ordering::SeqCst), held, "bytes held on {threads} threads");
    }
}

/// All committed networks, of any family, in floats.
fn networks() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/networks");
    let entries = std::fs::read_dir(&folder).expect("models/networks");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path().join("float32.tflite")).collect();
    files.sort();
    files
}

fn a_resized_model_is_the_model_of_that_size() {
    let files = networks();
    assert!(files.len() >= 10, "{} networks", files.len());
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let mut model = Model::load(&bytes, &on(3, None)).unwrap();
        let own = model.own_size().expect("an image");
        for (seed, size) in [[96, 160], [64, 64], own, [136, 72], own].into_iter().enumerate() {
            let what = format!("{} at {size:?}", path.display());
            model.resize(size[0], size[1]).unwrap_or_else(|e| panic!("{what}: {e}"));
            let mut fresh = Model::load(&bytes, &on(1, Some(size))).unwrap();
            assert_eq!(run(&mut model, seed), run(&mut fresh, seed), "{what}");
        }
    }
}

fn refused_sizes_leave_the_model_as_it_was() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models/networks/fast_scnn/float32.tflite");
    let mut model = Model::load(&std::fs::read(path).unwrap(), &on(2, None)).unwrap();
    model.resize(128, 96).unwrap();
    let before = run(&mut model, 5);
    for (size, what) in [
        ([100, 96], "input size 100x96: height and width must be multiples of 8"),
        ([0, 96], "input size 0x96"),
        ([96, 1 << 20], "input size 96x1048576"),
        // A pyramid has a pool of two by two, which needs as many pixels.
        ([8, 8], "operator 29 (AVERAGE_POOL_2D): at an input of 8x8: a window of [2, 2] taps"),
    ] {
        let error = model.resize(size[0], size[1]).unwrap_err().to_string();
        assert!(error.starts_with(what), "{error}");
        assert_eq!(run(&mut model, 5), before, "after {size:?}");
    }
}
