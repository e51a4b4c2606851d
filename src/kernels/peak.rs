//! The device's limits with this build: what a kernel's time is held against.

use crate::simd::{LANES, Native, Vector};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs a piece of work on all threads of a team; see `Team::run`.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// 10^9 floating point operations per second of multiply-adds that stay in registers, on all
/// threads together.
pub fn gflops(threads: usize, clock: fn() -> f64, mut team: impl FnMut(Work)) -> f64 {
    const STEPS: usize = 2_000;
    // As many independent sums as hide the latency of a multiply-add (4 cycles, 2 a cycle) and
    // still fit V8's 15 vector registers beside two factors.
    const SUMS: usize = 12;
    let piece = || {
        let (a, b) = (Native::splat(black_box(0.999)), Native::splat(black_box(0.001)));
        let mut sums = [Native::splat(black_box(1.0)); SUMS];
        for _ in 0..STEPS {
            sums = sums.map(|sum| sum.mul_add(a, b));
        }
        black_box(sums.map(|sum| sum.to_array()));
    };
    let flops_per_piece = (2 * LANES * SUMS * STEPS) as f64;
    pieces_per_ms(threads, clock, &mut team, &|_| piece()) * flops_per_piece / 1e6
}

/// 10^9 bytes per second, read and written, when a working set of about `bytes` is copied, on all
/// threads together.
pub fn gbps(threads: usize, clock: fn() -> f64, bytes: usize, mut team: impl FnMut(Work)) -> f64 {
    // A piece copies a block of a source that all threads read into the thread's own block.
    const BLOCK: usize = 16 << 10; // floats
    let blocks = (bytes / size_of::<f32>() / BLOCK / 2).clamp(1, 64);
    let source = vec![1.0f32; blocks * BLOCK]; // [blocks, BLOCK]
    let targets: Vec<std::sync::Mutex<Vec<f32>>> =
        (0..blocks).map(|_| std::sync::Mutex::new(vec![0.0f32; BLOCK])).collect();
    let copy = |piece: usize| {
        let at = piece % blocks;
        // Threads work on different pieces, and pieces on different blocks, unless there is one.
        let mut target = targets[at].lock().unwrap_or_else(|p| p.into_inner());
        target.copy_from_slice(black_box(&source[at * BLOCK..][..BLOCK]));
        black_box(&mut *target);
    };
    let bytes_per_piece = (2 * BLOCK * size_of::<f32>()) as f64;
    pieces_per_ms(threads, clock, &mut team, &copy) * bytes_per_piece / 1e6
}

/// The best rate of a few tries, each long enough for a coarse clock.
fn pieces_per_ms(
    threads: usize,
    clock: fn() -> f64,
    team: &mut impl FnMut(Work),
    piece: &(dyn Fn(usize) + Sync),
) -> f64 {
    const LONG_ENOUGH_MS: f64 = 8.0;
    // Browsers compile what runs often once more, better, in the background: the first tries are
    // not the best.
    const TRIES: usize = 8;
    const MOST_PIECES: usize = 1 << 20; // for a clock that stands still
    let mut time = |count: usize| {
        let next = AtomicUsize::new(0);
        let start = clock();
        team(&|_| loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                break;
            }
            piece(i);
        });
        clock() - start
    };
    let mut count = 8 * threads;
    let mut ms = time(count);
    while ms < LONG_ENOUGH_MS && count < MOST_PIECES {
        count *= 2;
        ms = time(count);
    }
    for _ in 1..TRIES {
        ms = ms.min(time(count));
    }
    if ms > 0.0 { count as f64 / ms } else { f64::INFINITY }
}
