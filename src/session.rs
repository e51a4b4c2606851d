//! Runs a plan. Everything was decided before: running allocates nothing and cannot fail.

use crate::kernels::Args;
use crate::plan::arena::ALIGNMENT;
use crate::plan::{MAX_OPERANDS, Operand, Plan, Slot, Step};
use crate::tensor::{DType, View, ViewMut};
use crate::threads::{Team, wait_until};
use memory::Memory;
use serde::{Deserialize, Serialize};
use std::array;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Milliseconds from any fixed moment.
pub type Clock = fn() -> f64;

/// Kernels write at most this many tensors.
pub const MAX_OUTPUTS: usize = 32;

/// A plan with its memory.
#[derive(Debug)]
pub struct Session {
    plan: Plan,
    memory: Memory,
    progress: Vec<Progress>,  // [steps][threads]
    ticks: Vec<AtomicU64>,    // bits of the clock before the first step and after each
    intervals: Vec<Interval>, // [threads][steps]; none on one thread
    watched: bool,            // whether runs with a clock leave intervals
}

/// When a thread worked on a step: bits of the clock, of NaN where it did nothing of it.
#[derive(Debug)]
struct Interval {
    start: AtomicU64,
    end: AtomicU64,
}

impl Interval {
    fn empty() -> Interval {
        let nan = || AtomicU64::new(f64::NAN.to_bits());
        Interval { start: nan(), end: nan() }
    }
}

/// What one thread did of one step, in milliseconds from the beginning of the run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// The thread; 0 is the one that called.
    pub thread: usize,
    /// The step, as the plan counts them.
    pub step: usize,
    /// When it began.
    pub start_ms: f64,
    /// When it was through. Waiting for other threads is not part of it.
    pub end_ms: f64,
}

/// How far a thread's share of a step is. A cache line of its own: threads write here all the time.
///
/// The tiles of a step are shared out in equal runs, the first to thread 0, so that each thread
/// finds in its own cache what it wrote in the step before. Who is through with their share takes
/// what others have left.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Progress {
    /// The next tile of the share to take.
    next: AtomicU32,
    /// Tiles of the whole step that are finished; counted in the first share only.
    done: AtomicU32,
}

impl Session {
    /// Allocates the plan's memory, zeroed.
    pub fn new(plan: Plan) -> Session {
        check_spans(&plan);
        let memory = Memory::new(plan.arena.bytes);
        let shares = plan.steps.len() * plan.threads;
        let progress = (0..shares).map(|_| Progress::default()).collect();
        let ticks = (0..=plan.steps.len()).map(|_| AtomicU64::new(0)).collect();
        let intervals = if plan.threads > 1 { shares } else { 0 };
        let intervals = (0..intervals).map(|_| Interval::empty()).collect();
        Session { plan, memory, progress, ticks, intervals, watched: false }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The elements of input `index`, to be written before running. Kept while running.
    pub fn input_mut(&mut self, index: usize) -> Option<ViewMut<'_>> {
        let slot = *self.plan.inputs.get(index)?;
        // SAFETY: the slot lies in the arena (`Arena::check`), and `&mut self` excludes others.
        Some(unsafe { self.memory.view_mut(slot, 0..slot.elements) })
    }

    /// The elements of output `index`, valid after running.
    pub fn output(&self, index: usize) -> Option<View<'_>> {
        let slot = *self.plan.outputs.get(index)?;
        // SAFETY: the slot lies in the arena (`Arena::check`); nothing is written through `&self`.
        Some(unsafe { self.memory.view(slot) })
    }

    /// Whether runs with a clock note what each of several threads does, for [`Session::parts`]: two
    /// more looks at the clock a step.
    pub fn watch_threads(&mut self, on: bool) {
        self.watched = on;
    }

    /// Runs all steps. With a clock, [`Session::step_ms`] tells afterwards what each one took: natively
    /// that costs selfie_segmentation less than 0.3 % of its time, on one thread and on two, with what
    /// each thread did of it (1,500 runs each, with and without in turn).
    #[inline(never)]
    pub fn run(&mut self, team: &mut Team, clock: Option<Clock>) {
        assert!(team.threads() <= self.plan.threads, "scratch memory is planned per thread");
        let shares = self.plan.threads;
        for (step, progress) in self.plan.steps.iter().zip(self.progress.chunks_exact_mut(shares)) {
            hand_out(step, progress);
        }
        if clock.is_some() && self.watched {
            // A thread that comes late leaves nothing in its place.
            self.intervals.fill_with(Interval::empty);
        }
        let session = &*self;
        session.tick(0, clock);
        team.run(&|thread| session.walk(thread, &session.progress, None, clock));
        // Again: a thread that comes out late, on a busy machine, belongs to the last step.
        session.tick(session.plan.steps.len(), clock);
    }

    /// Runs one step `times` times, and tells the milliseconds that they took together. After all
    /// steps in order, each at least once, the outputs are those of a run.
    ///
    /// A step shares no memory between what it reads and what it writes (`Arena::check`), and does
    /// the same again; but for one that works in place. That would work on its own result, and for
    /// example halve it until it is denormal, which takes many times as long. Such a step is repeated
    /// on zeros, which operators keep or make ordinary numbers of, and its result is put back.
    pub fn repeat(&mut self, team: &mut Team, step: usize, times: usize, clock: Clock) -> f64 {
        const ROUNDS: usize = 256; // for which the team is woken once
        assert!(team.threads() <= self.plan.threads, "scratch memory is planned per thread");
        let mut progress: Vec<Progress> =
            (0..ROUNDS.min(times) * self.plan.threads).map(|_| Progress::default()).collect();
        let mut rounds = |session: &Session, count: usize| {
            let progress = &mut progress[..count * session.plan.threads];
            for progress in progress.chunks_exact_mut(session.plan.threads) {
                hand_out(&session.plan.steps[step], progress);
            }
            let progress = &*progress;
            team.run(&|thread| session.walk(thread, progress, Some(step), None));
        };
        let result = self.plan.steps[step].in_place().then(|| {
            rounds(self, 1);
            let bytes = self.output_bytes(step);
            let result = bytes.to_vec();
            bytes.fill(0);
            result
        });
        let start = clock();
        let mut left = times;
        while left > 0 {
            rounds(self, left.min(ROUNDS));
            left -= left.min(ROUNDS);
        }
        let ms = clock() - start;
        if let Some(result) = result {
            self.output_bytes(step).copy_from_slice(&result);
        }
        ms
    }

    /// A step's first output, whatever its type.
    fn output_bytes(&mut self, step: usize) -> &mut [u8] {
        let slot = self.plan.steps[step].outputs[0];
        let elements = slot.elements * slot.dtype.size();
        let slot = Slot { elements, dtype: DType::U8, ..slot };
        // SAFETY: the slot lies in the arena (`Arena::check`), and `&mut self` excludes others.
        let bytes = unsafe { self.memory.view_mut(slot, 0..elements) };
        let ViewMut::U8(bytes) = bytes else { unreachable!("asked for bytes") };
        bytes
    }

    /// Goes through all steps, or as often through one as there is `progress` for, taking tiles of
    /// each until there are none left. A step begins when all tiles of the one before are finished,
    /// whoever did them.
    fn walk(
        &self,
        thread: usize,
        progress: &[Progress], // [steps][threads]
        only: Option<usize>,
        clock: Option<Clock>,
    ) {
        let shares = self.plan.threads;
        // Alone, a thread works all the time.
        let own_clock = clock.filter(|_| shares > 1 && self.watched);
        for (i, progress) in progress.chunks_exact(shares).enumerate() {
            let step = &self.plan.steps[only.unwrap_or(i)];
            let start = own_clock.map(|clock| clock());
            let mut took_part = false;
            let done = &progress[0].done;
            for owner in (thread..shares).chain(0..thread) {
                let end = share(step.tiles, owner, shares).end;
                loop {
                    let tile = progress[owner].next.fetch_add(1, Ordering::Relaxed) as usize;
                    if tile >= end {
                        break;
                    }
                    // SAFETY: each tile is in one share and is handed out once, and only after
                    // the steps before it are finished (the wait below), so nobody else touches
                    // this tile's outputs.
                    unsafe { self.run_tile(step, tile, thread) };
                    done.fetch_add(1, Ordering::Release);
                    took_part = true;
                }
            }
            if let (Some(clock), Some(start), true) = (own_clock, start, took_part) {
                let interval = &self.intervals[thread * self.plan.steps.len() + i];
                interval.start.store(start.to_bits(), Ordering::Relaxed);
                interval.end.store(clock().to_bits(), Ordering::Relaxed);
            }
            wait_until(|| done.load(Ordering::Acquire) as usize >= step.tiles);
            if thread == 0 {
                self.tick(i + 1, clock);
            }
        }
    }

    /// # Safety
    /// Nobody else may read or write the outputs of this tile, or write the step's operands.
    unsafe fn run_tile(&self, step: &Step, tile: usize, thread: usize) {
        // Most steps read and write a few tensors: long lists take time to clear.
        match (step.operands.len(), step.outputs.len()) {
            // SAFETY: the caller's promise.
            (0..=3, 1) => unsafe { self.run_tile_of::<3, 1>(step, tile, thread) },
            // SAFETY: the caller's promise.
            _ => unsafe { self.run_tile_of::<MAX_OPERANDS, MAX_OUTPUTS>(step, tile, thread) },
        }
    }

    /// At most `I` operands and `O` outputs.
    ///
    /// # Safety
    /// As [`Session::run_tile`].
    unsafe fn run_tile_of<const I: usize, const O: usize>(
        &self,
        step: &Step,
        tile: usize,
        thread: usize,
    ) {
        let units = tile_units(step, tile);
        let mut inputs = [None; I];
        for (input, operand) in inputs.iter_mut().zip(&step.operands) {
            *input = match operand {
                // SAFETY: the slot lies in the arena, and buffers that are alive in the same step
                // do not overlap (`Arena::check`): this is no output, and nobody writes it now.
                Operand::Slot(slot) => Some(unsafe { self.memory.view(*slot) }),
                Operand::Constant(data) => Some(data.view()),
                Operand::None => None,
            };
        }
        let mut outputs: [ViewMut; O] = array::from_fn(|k| match step.outputs.get(k) {
            // SAFETY: the slot lies in the arena; spans of different tiles are disjoint
            // (`check_spans`), and this tile is ours alone (the caller's promise).
            Some(&slot) => unsafe {
                self.memory.view_mut(slot, step.kernel.span(k, units.clone()))
            },
            None => ViewMut::U8(&mut []),
        });
        let scratch = Slot {
            offset: step.scratch.offset + thread * step.scratch.stride(),
            elements: step.scratch.floats,
            dtype: DType::F32,
        };
        // SAFETY: the scratch buffer has room for every thread of the plan, lives in this step
        // only, and each thread takes its own part.
        let scratch = unsafe { self.memory.view_mut(scratch, 0..scratch.elements) };
        let ViewMut::F32(scratch) = scratch else { unreachable!("asked for floats") };
        step.kernel.run(
            units,
            Args {
                inputs: &inputs[..step.operands.len()],
                outputs: &mut outputs[..step.outputs.len()],
                scratch,
            },
        );
    }

    fn tick(&self, i: usize, clock: Option<Clock>) {
        if let Some(clock) = clock {
            self.ticks[i].store(clock().to_bits(), Ordering::Relaxed);
        }
    }

    /// What each step of the last run with a clock took, in milliseconds. Waiting for other
    /// threads is part of a step, so the steps add up to the run.
    pub fn step_ms(&self) -> impl Iterator<Item = f64> + '_ {
        let at = |i: usize| f64::from_bits(self.ticks[i].load(Ordering::Relaxed));
        (0..self.plan.steps.len()).map(move |i| at(i + 1) - at(i))
    }

    /// What each thread did in the last run with a clock, while threads were watched: thread by thread,
    /// step by step.
    pub fn parts(&self) -> impl Iterator<Item = Part> + '_ {
        let read = |bits: &AtomicU64| f64::from_bits(bits.load(Ordering::Relaxed));
        let (first, steps) = (read(&self.ticks[0]), self.plan.steps.len());
        let alone = self.ticks.windows(2).filter(|_| self.intervals.is_empty());
        let alone = alone.map(move |tick| (read(&tick[0]), read(&tick[1])));
        let together = self.intervals.iter().map(move |i| (read(&i.start), read(&i.end)));
        let place = move |(i, (start, end)): (usize, (f64, f64))| {
            let (thread, step) = (i / steps, i % steps);
            // Another thread's clock may lag behind the first one's by a step of the clock.
            let [start_ms, end_ms] = [start, end].map(|at| (at - first).max(0.0));
            (!end.is_nan()).then_some(Part { thread, step, start_ms, end_ms })
        };
        alone.chain(together).enumerate().filter_map(place)
    }
}

/// Gives each thread its share of a step.
fn hand_out(step: &Step, progress: &mut [Progress]) {
    let shares = progress.len();
    for (i, progress) in progress.iter_mut().enumerate() {
        *progress.next.get_mut() = share(step.tiles, i, shares).start as u32;
        *progress.done.get_mut() = 0;
    }
}

/// The tiles that a thread takes first.
fn share(tiles: usize, thread: usize, threads: usize) -> Range<usize> {
    tiles * thread / threads..tiles * (thread + 1) / threads
}

/// The units of a step that belong to a tile.
fn tile_units(step: &Step, tile: usize) -> Range<usize> {
    // The products may pass 32 bits.
    let start =
        |tile: usize| (step.kernel.units() as u64 * tile as u64 / step.tiles as u64) as usize;
    start(tile)..start(tile + 1)
}

/// Panics when a step's tiles do not split its outputs without gap or overlap, or when it has too
/// many operands: unsafe code relies on it.
fn check_spans(plan: &Plan) {
    for step in &plan.steps {
        assert!(step.operands.len() <= MAX_OPERANDS && step.outputs.len() <= MAX_OUTPUTS);
        for (k, slot) in step.outputs.iter().enumerate() {
            let mut end = 0;
            for tile in 0..step.tiles {
                let span = step.kernel.span(k, tile_units(step, tile));
                assert_eq!(
                    span.start,
                    end,
                    "{}: tile {tile} of {}",
                    step.kernel.name(),
                    step.tiles
                );
                end = span.end;
            }
            assert_eq!(end, slot.elements, "{}", step.kernel.name());
        }
    }
}

mod memory {
    use super::{ALIGNMENT, Slot, View, ViewMut};
    use crate::tensor::DType;
    use std::cell::UnsafeCell;
    use std::ops::Range;
    use std::slice::{from_raw_parts, from_raw_parts_mut};

    #[repr(align(64))]
    struct Line(#[allow(dead_code)] UnsafeCell<[u8; ALIGNMENT]>);

    /// The arena's bytes, aligned to cache lines.
    pub struct Memory(Box<[Line]>);

    // SAFETY: access goes through `view` and `view_mut` only, whose callers exclude conflicts.
    unsafe impl Sync for Memory {}

    impl std::fmt::Debug for Memory {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "Memory({} bytes)", self.0.len() * ALIGNMENT)
        }
    }

    impl Memory {
        /// `bytes` zero bytes.
        pub fn new(bytes: usize) -> Memory {
            let line = || Line(UnsafeCell::new([0; ALIGNMENT]));
            Memory((0..bytes.div_ceil(ALIGNMENT)).map(|_| line()).collect())
        }

        /// First byte of a range of elements, which must lie inside.
        fn start(&self, slot: Slot, elements: &Range<usize>) -> *mut u8 {
            assert!(elements.start <= elements.end && elements.end <= slot.elements);
            let end = slot.offset + slot.elements * slot.dtype.size();
            assert!(end <= self.0.len() * ALIGNMENT && slot.offset.is_multiple_of(ALIGNMENT));
            let base = self.0.as_ptr().cast::<u8>().cast_mut();
            // SAFETY: the assertions above keep the offset inside the allocation.
            unsafe { base.add(slot.offset + elements.start * slot.dtype.size()) }
        }

        /// All elements of a slot.
        ///
        /// # Safety
        /// Nobody may write them while the view lives.
        pub unsafe fn view(&self, slot: Slot) -> View<'_> {
            let p = self.start(slot, &(0..slot.elements));
            let n = slot.elements;
            // SAFETY: `start` checked the bounds; offsets are multiples of 64, so any element type
            // is aligned; every bit pattern is a value of these types; no writer (the caller).
            unsafe {
                match slot.dtype {
                    DType::F32 => View::F32(from_raw_parts(p.cast(), n)),
                    DType::F16 => View::F16(from_raw_parts(p.cast(), n)),
                    DType::I8 => View::I8(from_raw_parts(p.cast(), n)),
                    DType::U8 => View::U8(from_raw_parts(p.cast(), n)),
                    DType::I16 => View::I16(from_raw_parts(p.cast(), n)),
                    DType::I32 => View::I32(from_raw_parts(p.cast(), n)),
                    DType::I64 => View::I64(from_raw_parts(p.cast(), n)),
                    DType::Bool => View::Bool(from_raw_parts(p.cast(), n)),
                }
            }
        }

        /// Some elements of a slot.
        ///
        /// # Safety
        /// Nobody else may read or write them while the view lives.
        #[allow(clippy::mut_from_ref)]
        pub unsafe fn view_mut(&self, slot: Slot, elements: Range<usize>) -> ViewMut<'_> {
            let p = self.start(slot, &elements);
            let n = elements.len();
            // SAFETY: as in `view`; the memory is in UnsafeCells; no other access (the caller).
            unsafe {
                match slot.dtype {
                    DType::F32 => ViewMut::F32(from_raw_parts_mut(p.cast(), n)),
                    DType::F16 => ViewMut::F16(from_raw_parts_mut(p.cast(), n)),
                    DType::I8 => ViewMut::I8(from_raw_parts_mut(p.cast(), n)),
                    DType::U8 => ViewMut::U8(from_raw_parts_mut(p.cast(), n)),
                    DType::I16 => ViewMut::I16(from_raw_parts_mut(p.cast(), n)),
                    DType::I32 => ViewMut::I32(from_raw_parts_mut(p.cast(), n)),
                    DType::I64 => ViewMut::I64(from_raw_parts_mut(p.cast(), n)),
                    DType::Bool => ViewMut::Bool(from_raw_parts_mut(p.cast(), n)),
                }
            }
        }
    }
}
