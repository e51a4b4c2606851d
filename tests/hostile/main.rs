//! Broken model files: whatever the bytes are, there is one error or a model that runs, within
//! bounded memory and time.

#[path = "../common/hand_made.rs"]
mod hand_made;
#[path = "../common/network.rs"]
mod network;
mod networks;

use octomask::graph::Graph;
use octomask::tflite;
use octomask::tflite::builder::{Table, finish};
use octomask::tflite::flatbuffer::File;
use octomask::tflite::schema::{
    IDENTIFIER, buffer, model, operator, operator_code, options, subgraph, tensor,
};
use octomask::{Model, Options};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Corruptions of the real model.
const CASES: usize = 10_000;

/// What reading may hold at a time, in bytes: a few times the file, and little more.
fn reading_limit(file: usize) -> usize {
    16 * file + (1 << 20)
}

/// A case that takes longer than this hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Counts the bytes that each thread holds.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // During a thread's end its counters are gone, and nobody asks.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: all calls go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: `ptr` came from `alloc` above, hence from `System`.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` returned, and how many bytes it held at its peak beyond those held before.
fn with_peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = work();
    (result, (PEAK.get() - before).max(0) as usize)
}

/// Reads and, where that works, runs a file. Says what is wrong with us, if anything is.
///
/// A file that says the same as `original` but for weights and names runs on a small image, which
/// is some twenty times as fast.
fn attempt(bytes: &[u8], original: &Graph) -> Result<(), String> {
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let (graph, peak) = with_peak(|| tflite::read(bytes));
        if peak > reading_limit(bytes.len()) {
            return Err(format!("reading held {peak} bytes for a file of {}", bytes.len()));
        }
        match graph {
            Err(error) if error.to_string().contains('\n') => {
                Err(format!("the error has more than one line: {error}"))
            }
            Err(_) => Ok(()),
            Ok(graph) => written(&graph).and_then(|()| match same_structure(&graph, original) {
                true => run(bytes, Some([64, 64])),
                false => run(bytes, None),
            }),
        }
    }));
    tried.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        Err(format!("panicked: {}", message.or(panic.downcast_ref().copied()).unwrap_or("?")))
    })
}

/// What was read can be written, and is the same then. Compared as bytes: corrupted weights may be NaN.
fn written(graph: &Graph) -> Result<(), String> {
    let bytes = tflite::write(graph).map_err(|e| format!("what was read is not written: {e}"))?;
    let again = tflite::read(&bytes).map_err(|e| format!("what was written is not read: {e}"))?;
    match tflite::write(&again) {
        Ok(same) if same == bytes => Ok(()),
        _ => Err("what was written is another network".to_string()),
    }
}

fn same_structure(a: &Graph, b: &Graph) -> bool {
    let shapes = |g: &Graph| -> Vec<_> { g.tensors.iter().map(|t| t.shape.clone()).collect() };
    a.nodes == b.nodes && a.outputs == b.outputs && shapes(a) == shapes(b)
}

/// Runs a file on zeros. What its plan may cost is limited when it is loaded.
fn run(bytes: &[u8], input_size: Option<[usize; 2]>) -> Result<(), String> {
    let options = Options { input_size, ..Options::default() };
    if let Ok(mut model) = Model::load(bytes, &options) {
        model.run();
        for index in 0..model.outputs().len() {
            let output = model.output(index).map_err(|e| e.to_string())?;
            if output.len() != model.outputs()[index].shape.elements() {
                return Err(format!("output {index} has another length than its shape"));
            }
        }
    }
    Ok(())
}

/// Tries numbered cases on all cores. Fails with the first case that does, as `describe` has it.
fn attempt_all(
    original: &[u8],
    cases: usize,
    make: impl Fn(usize) -> Vec<u8> + Sync,
    describe: impl Fn(usize) -> String + Sync,
) {
    let original = tflite::read(original).unwrap();
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    // What each thread is at, and since when.
    let current: Vec<Mutex<Option<(usize, Instant)>>> =
        (0..threads).map(|_| Mutex::new(None)).collect();
    let work = |slot: &Mutex<Option<(usize, Instant)>>| {
        loop {
            let case = next.fetch_add(1, Ordering::Relaxed);
            if case >= cases || failed.lock().unwrap().is_some() {
                *slot.lock().unwrap() = None;
                return;
            }
            *slot.lock().unwrap() = Some((case, Instant::now()));
            if let Err(what) = attempt(&make(case), &original) {
                *failed.lock().unwrap() = Some((case, what));
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = current.iter().map(|slot| scope.spawn(move || work(slot))).collect();
        while workers.iter().any(|w| !w.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
            for slot in &current {
                if let Some((case, since)) = *slot.lock().unwrap()
                    && since.elapsed() > HANGS
                {
                    // A thread that hangs cannot be ended, only the process can.
                    eprintln!("{} hangs", describe(case));
                    std::process::exit(1);
                }
            }
        }
    });
    if let Some((case, what)) = failed.into_inner().unwrap() {
        panic!("{}: {what}", describe(case));
    }
}

fn real_model() -> Vec<u8> {
    let path = "target/models/selfie_segmentation.tflite";
    std::fs::read(path).unwrap_or_else(|e| panic!("{path}: {e}; `make {path}` puts it there"))
}

#[test]
fn the_models_are_sound_before_they_are_broken() {
    for bytes in [hand_made::doubled_sum(), real_model()] {
        let graph = tflite::read(&bytes).unwrap();
        attempt(&bytes, &graph).unwrap();
        attempt(&bytes, &Graph::default()).unwrap();
    }
}

#[test]
fn a_model_cut_off_anywhere_is_refused() {
    let bytes = hand_made::doubled_sum();
    for len in 0..bytes.len() {
        let cut = &bytes[..len];
        attempt(cut, &Graph::default()).unwrap_or_else(|what| panic!("first {len} bytes: {what}"));
        let error = tflite::read(cut).expect_err("a part of a model is no model");
        assert_eq!(error.kind().code(), "malformed-model", "first {len} bytes: {error}");
    }
}

#[test]
fn the_real_model_cut_off_is_refused() {
    let bytes = real_model();
    // Prime, so that all residues of the alignments come up.
    let step = 251;
    let lens: Vec<usize> = (0..2048)
        .chain((2048..bytes.len()).step_by(step))
        .chain(bytes.len() - 2048..bytes.len())
        .collect();
    attempt_all(
        &bytes,
        lens.len(),
        |case| bytes[..lens[case]].to_vec(),
        |case| format!("first {} bytes", lens[case]),
    );
}

/// `count` pools, one after the other, over an image of `side` x `side` pixels, with windows of
/// `window` x `window` pixels.
fn pools(count: usize, side: i32, window: i32) -> Vec<u8> {
    use options::pool_2d::*;
    let shape = [1, side, side, 1];
    let options =
        Table::new().set(STRIDE_W, 1).set(STRIDE_H, 1).set(FILTER_W, window).set(FILTER_H, window);
    let pool = |i: usize| {
        Table::new()
            .vector(operator::INPUTS, &[i as i32])
            .vector(operator::OUTPUTS, &[i as i32 + 1])
            .set(operator::BUILTIN_OPTIONS_TYPE, TYPE)
            .table(operator::BUILTIN_OPTIONS, options.clone())
    };
    let graph = Table::new()
        .tables(subgraph::TENSORS, vec![Table::new().vector(tensor::SHAPE, &shape); count + 1])
        .vector(subgraph::INPUTS, &[0])
        .vector(subgraph::OUTPUTS, &[count as i32])
        .tables(subgraph::OPERATORS, (0..count).map(pool));
    let root = Table::new()
        .set(model::VERSION, 3)
        .tables(model::OPERATOR_CODES, [Table::new().set(operator_code::BUILTIN_CODE, 1)])
        .tables(model::SUBGRAPHS, [graph])
        .tables(model::BUFFERS, [Table::new()]);
    finish(&root, IDENTIFIER)
}

#[test]
fn small_files_that_ask_for_much_are_refused() {
    attempt(&pools(3, 64, 5), &Graph::default()).unwrap();
    for (bytes, what) in [
        // Years of work in half a kilobyte, in one operator and in many.
        (pools(1, 8192, 8192), "operator 0 (AVERAGE_POOL_2D): up to here one run takes over"),
        (pools(9000, 4096, 3), "(AVERAGE_POOL_2D): up to here one run takes over"),
        // More memory than any page gets.
        (pools(2, 16384, 1), "MiB for its activations"),
        (pools(20_000, 8, 3), "20000 operators"),
    ] {
        let loaded = Model::load(&bytes, &Options::default());
        let error = loaded.err().unwrap_or_else(|| panic!("not refused: {what}"));
        assert_eq!(error.kind().code(), "limit", "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
}

/// Bytes of the file that are not the contents of buffers: the tables, where a corruption does
/// more than change a weight.
fn tables(bytes: &[u8]) -> Vec<Range<usize>> {
    let file = File::new(bytes);
    let buffers = file.root().unwrap().tables(model::BUFFERS).unwrap();
    let mut data: Vec<Range<usize>> = buffers
        .iter()
        .filter_map(|b| b.unwrap().bytes(buffer::DATA).unwrap())
        .map(|data| {
            let start = data.as_ptr().addr() - bytes.as_ptr().addr();
            start..start + data.len()
        })
        .collect();
    data.sort_by_key(|r| r.start);
    let mut tables = Vec::new();
    let mut end = 0;
    for range in data {
        if range.start > end {
            tables.push(end..range.start);
        }
        end = end.max(range.end);
    }
    tables.push(end..bytes.len());
    tables
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// One to eight edits of 1, 2 or 4 bytes, three in four of them among the tables.
fn edits(seed: u64, len: usize, tables: &[Range<usize>]) -> Vec<(usize, Vec<u8>)> {
    let mut random = Random(seed);
    let all: usize = tables.iter().map(|r| r.len()).sum();
    let place = |random: &mut Random| {
        if random.below(4) == 0 {
            return random.below(len);
        }
        let mut n = random.below(all);
        for range in tables {
            if n < range.len() {
                return range.start + n;
            }
            n -= range.len();
        }
        unreachable!("n is below the sum of all lengths")
    };
    let count = [1, 1, 1, 2, 3, 8][random.below(6)];
    (0..count)
        .map(|_| {
            let at = place(&mut random);
            let size = [1, 1, 2, 4][random.below(4)].min(len - at);
            // Small numbers, extremes and anything.
            let value = match random.below(4) {
                0 => random.below(16) as u32,
                1 => [u32::MAX, 1 << 31, i32::MAX as u32, 0][random.below(4)],
                _ => random.next() as u32,
            };
            (at, value.to_le_bytes()[..size].to_vec())
        })
        .collect()
}

#[test]
fn corruptions_of_a_real_model_do_no_harm() {
    let bytes = real_model();
    let tables = tables(&bytes);
    attempt_all(
        &bytes,
        CASES,
        |seed| {
            let mut broken = bytes.clone();
            for (at, value) in edits(seed as u64, bytes.len(), &tables) {
                broken[at..at + value.len()].copy_from_slice(&value);
            }
            broken
        },
        |seed| {
            format!("seed {seed}, (offset, bytes): {:?}", edits(seed as u64, bytes.len(), &tables))
        },
    );
}
