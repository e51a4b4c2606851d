//! The device's limits with this build: what a kernel's time is held against.

use crate::simd::{LANES, Native, Vector};
use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs a piece of work on all threads of a team; see `Team::run`.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// 10^9 floating point operations per second of multiply-adds that stay in registers, on all
/// threads together.
pub fn gflops(threads: usize, clock: fn() -> f64, team: &mut dyn FnMut(Work)) -> f64 {
    let flops_per_piece = (2 * LANES * SUMS * STEPS) as f64;
    pieces_per_ms(threads, clock, team, &|_| multiply_add()) * flops_per_piece / 1e6
}

/// As many independent sums as hide the latency of a multiply-add (4 cycles, 2 a cycle) and still fit V8's 15 vector
/// registers beside two factors.
const SUMS: usize = 12;
const STEPS: usize = 2_000;

/// Not inlined: V8 takes the better code of a function when that is called again, and a function that holds all tries
/// never is. (Chromium, one thread, a Xeon: 11 GFLOP/s when it was inlined, 31 in a function of its own.)
#[inline(never)]
fn multiply_add() {
    let (a, b) = (Native::splat(black_box(0.999)), Native::splat(black_box(0.001)));
    let mut sums = [Native::splat(black_box(1.0)); SUMS];
    for _ in 0..STEPS {
        sums = sums.map(|sum| sum.mul_add(a, b));
    }
    black_box(sums.map(|sum| sum.to_array()));
}

/// 10^9 bytes per second, read and written, when a working set of `bytes` is copied, on all threads
/// together: each has a part of it, and copies one half of the part onto the other.
pub fn gbps(threads: usize, clock: fn() -> f64, bytes: usize, team: &mut dyn FnMut(Work)) -> f64 {
    // A piece moves at least so many floats, so that handing out pieces costs nothing.
    const LEAST: usize = 16 << 10;
    let half = (bytes / size_of::<f32>() / threads / 2).max(LANES).next_multiple_of(LANES);
    let repeats = LEAST.div_ceil(half);
    let parts: Vec<Mutex<Vec<f32>>> = // [threads][2 * half]
        (0..threads).map(|_| Mutex::new(vec![1.0f32; 2 * half])).collect();
    let piece = |thread: usize| {
        // Nobody else asks for this part: the lock only says so to the compiler.
        let mut part = parts[thread].lock().unwrap_or_else(|p| p.into_inner());
        let (from, to) = part.split_at_mut(half);
        for _ in 0..repeats {
            copy(black_box(from), to);
            black_box(&mut *to);
        }
    };
    let bytes_per_piece = (2 * half * repeats * size_of::<f32>()) as f64;
    pieces_per_ms(threads, clock, team, &piece) * bytes_per_piece / 1e6
}

/// Copies with the loads and stores that kernels have, not with the processor's widest ones. Not inlined, as above.
#[inline(never)]
fn copy(from: &[f32], to: &mut [f32]) {
    assert!(from.len() == to.len() && from.len().is_multiple_of(LANES));
    for i in (0..from.len()).step_by(LANES) {
        // SAFETY: both have `len` floats, a multiple of LANES (the line above), and i < len.
        unsafe { Native::load(from.as_ptr().add(i)).store(to.as_mut_ptr().add(i)) };
    }
}

/// The best rate of a few tries, each long enough for a coarse clock.
fn pieces_per_ms(
    threads: usize,
    clock: fn() -> f64,
    team: &mut dyn FnMut(Work),
    piece: &(dyn Fn(usize) + Sync),
) -> f64 {
    // Some browsers' clocks show whole milliseconds.
    const LONG_ENOUGH_MS: f64 = 16.0;
    // Browsers compile what runs often once more, better, in the background: the first tries are
    // not the best, and what was long enough may not be so later.
    const TRIES: usize = 8;
    const MOST_PIECES: usize = 1 << 20; // for a clock that stands still
    let mut time = |count: usize| {
        let next = AtomicUsize::new(0);
        let start = clock();
        team(&|thread| loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= count {
                break;
            }
            piece(thread);
        });
        clock() - start
    };
    let mut count = 8 * threads;
    let mut best = 0.0;
    for _ in 0..TRIES {
        let mut ms = time(count);
        while ms < LONG_ENOUGH_MS && count < MOST_PIECES {
            count *= 2;
            ms = time(count);
        }
        if ms <= 0.0 {
            return f64::INFINITY;
        }
        best = f64::max(best, count as f64 / ms);
    }
    best
}
