//! A team of threads that enters a piece of work together. The only file that knows rayon.
//!
//! Rayon (in a browser: wasm-bindgen-rayon's pool of workers) only provides the threads. Each
//! enters a loop of ours once and waits there: briefly by spinning, then asleep. A fork-join per
//! operator, as rayon's iterators would make it, costs about 50 µs each in a browser (measured by
//! tract on Chromium); here a whole inference costs one wake-up.
//!
//! Nobody waits for a thread that has not woken up yet: who is late finds the work taken.

use crate::error::{Error, Result};

#[cfg(all(target_arch = "wasm32", feature = "threads", not(target_feature = "atomics")))]
compile_error!(
    "the feature `threads` needs -C target-feature=+atomics and shared memory: see the Makefile"
);

/// More threads than this are refused.
pub const MAX_THREADS: usize = 64;

/// Some threads, the calling one among them.
#[derive(Debug)]
pub struct Team {
    threads: usize,
    #[cfg(feature = "threads")]
    workers: Option<std::sync::Arc<workers::Workers>>,
}

impl Team {
    /// A team of `threads`, of which one is whoever calls [`Team::run`]. In a browser the pool of
    /// the other ones must have been started before.
    pub fn new(threads: usize) -> Result<Team> {
        if threads == 0 || threads > MAX_THREADS {
            return Err(Error::bad_input(format!(
                "{threads} threads: must be between 1 and {MAX_THREADS}"
            )));
        }
        #[cfg(feature = "threads")]
        {
            let others = (threads > 1).then(|| workers::Workers::start(threads - 1)).transpose()?;
            Ok(Team { threads, workers: others.map(Into::into) })
        }
        #[cfg(not(feature = "threads"))]
        if threads == 1 {
            Ok(Team { threads })
        } else {
            Err(Error::bad_input(format!("{threads} threads: this build has one")))
        }
    }

    /// The same threads once more: for models that run in turn. Two teams of their own would disturb each
    /// other, since threads spin for a while after their work, and in a browser the second would get none.
    pub fn share(&self) -> Team {
        Team {
            threads: self.threads,
            #[cfg(feature = "threads")]
            workers: self.workers.clone(),
        }
    }

    /// Number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work(i)` on every thread that is awake in time, `i` being its number; the calling
    /// thread is 0 and always takes part. Returns when all calls have returned. `work(0)` alone
    /// must be able to finish the job.
    pub fn run(&mut self, work: &(dyn Fn(usize) + Sync)) {
        #[cfg(feature = "threads")]
        if let Some(workers) = &self.workers {
            return workers.run(work);
        }
        work(0);
    }
}

/// Rounds of looking at a flag before giving the core away. They should outlast most steps of a
/// network: with 4,000 rounds on wasm, threads slept and missed steps. A pause instruction
/// stretches the rounds natively; wasm has none.
const SPINS: u32 = if cfg!(target_arch = "wasm32") { 100_000 } else { 10_000 };

/// Waits for `ready`: spins for a while, then gives the core away in between.
pub fn wait_until(ready: impl Fn() -> bool) {
    let mut spins = 0;
    while !ready() {
        if spins < SPINS {
            spins += 1;
            std::hint::spin_loop();
        } else {
            pause();
        }
    }
}

/// Lets other threads run. `yield_now` does nothing on wasm32, where a short sleep is a timed
/// `memory.atomic.wait32`.
fn pause() {
    #[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
    std::thread::sleep(std::time::Duration::from_micros(20));
    #[cfg(not(target_arch = "wasm32"))]
    std::thread::yield_now();
}

#[cfg(feature = "threads")]
mod workers {
    use super::{SPINS, wait_until};
    use crate::error::{Error, Result};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
    use std::sync::{Arc, Condvar, Mutex, MutexGuard};

    /// A borrowed job whose lifetime `Workers::run` vouches for.
    #[derive(Clone, Copy)]
    struct Job(*const (dyn Fn(usize) + Sync));

    // SAFETY: the pointee is Sync, and `Workers::run` keeps it alive while any thread holds it.
    unsafe impl Send for Job {}

    struct State {
        /// The work at hand; `None` between jobs, so that a late thread finds nothing.
        job: Option<Job>,
        quit: bool,
    }

    struct Shared {
        state: Mutex<State>,
        wake: Condvar,
        /// Counts jobs (and quitting): what threads spin on. Changed only under the lock.
        epoch: AtomicU32,
        /// Threads inside the job. Raised only under the lock.
        active: AtomicUsize,
    }

    impl Shared {
        fn lock(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
        }

        /// What each worker does for as long as the team exists.
        fn serve(&self, index: usize) {
            let mut seen = 0;
            loop {
                // Frames often follow each other closely: look for a moment before sleeping.
                for _ in 0..SPINS {
                    if self.epoch.load(Ordering::Acquire) != seen {
                        break;
                    }
                    std::hint::spin_loop();
                }
                let mut state = self.lock();
                while self.epoch.load(Ordering::Acquire) == seen {
                    state = self.wake.wait(state).unwrap_or_else(|p| p.into_inner());
                }
                seen = self.epoch.load(Ordering::Acquire);
                if state.quit {
                    return;
                }
                let Some(Job(job)) = state.job else { continue };
                self.active.fetch_add(1, Ordering::Relaxed);
                drop(state);
                // SAFETY: `run` published the job under the lock and does not return before
                // `active`, which was raised under the same lock, is back at zero.
                let work = || unsafe { (*job)(index) };
                // A panicking thread must still be counted out, or `run` would wait for ever.
                let outcome = catch_unwind(AssertUnwindSafe(work));
                self.active.fetch_sub(1, Ordering::Release);
                if outcome.is_err() {
                    std::process::abort();
                }
            }
        }
    }

    /// The other threads of a team.
    pub struct Workers {
        shared: Arc<Shared>,
        /// Held while there is work: teams may share the threads.
        turn: Mutex<()>,
        /// Dropped after the threads were told to quit.
        #[cfg(not(target_arch = "wasm32"))]
        _pool: rayon::ThreadPool,
    }

    impl std::fmt::Debug for Workers {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Workers")
        }
    }

    impl Workers {
        /// Starts `count` threads, or takes those of the page's pool.
        pub fn start(count: usize) -> Result<Workers> {
            let shared = Arc::new(Shared {
                state: Mutex::new(State { job: None, quit: false }),
                wake: Condvar::new(),
                epoch: AtomicU32::new(0),
                active: AtomicUsize::new(0),
            });
            let served = shared.clone();
            let serve =
                move |context: rayon::BroadcastContext<'_>| served.serve(context.index() + 1);
            #[cfg(not(target_arch = "wasm32"))]
            {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(count)
                    .thread_name(|i| format!("octomask {}", i + 1))
                    .build()
                    .map_err(|e| Error::limit(format!("cannot start {count} threads: {e}")))?;
                pool.spawn_broadcast(serve);
                Ok(Workers { shared, turn: Mutex::new(()), _pool: pool })
            }
            #[cfg(target_arch = "wasm32")]
            {
                let pool = rayon::current_num_threads();
                if pool < count {
                    return Err(Error::limit(format!(
                        "the page's pool has {pool} threads, {count} are needed"
                    )));
                }
                rayon::spawn_broadcast(serve);
                Ok(Workers { shared, turn: Mutex::new(()) })
            }
        }

        /// See [`super::Team::run`].
        pub fn run(&self, work: &(dyn Fn(usize) + Sync)) {
            let _turn = self.turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            // SAFETY: only the lifetime changes. The pointer leaves `state.job` below before this
            // function returns, and no thread still runs it then; nobody else publishes (`turn`).
            let job: *const (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(work) };
            self.publish(|state| state.job = Some(Job(job)));
            let outcome = catch_unwind(AssertUnwindSafe(|| work(0)));
            self.lock_out();
            if let Err(panic) = outcome {
                std::panic::resume_unwind(panic);
            }
        }

        fn publish(&self, change: impl FnOnce(&mut State)) {
            let mut state = self.shared.lock();
            change(&mut state);
            self.shared.epoch.fetch_add(1, Ordering::Release);
            drop(state);
            self.shared.wake.notify_all();
        }

        /// Takes the job back: from here on nobody enters it, and those inside leave.
        fn lock_out(&self) {
            self.shared.lock().job = None;
            wait_until(|| self.shared.active.load(Ordering::Acquire) == 0);
        }
    }

    impl Drop for Workers {
        fn drop(&mut self) {
            self.publish(|state| state.quit = true);
        }
    }
}

#[cfg(all(test, feature = "threads"))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_piece_is_done_once_in_every_run() {
        for threads in [1, 2, 3, 8] {
            let mut team = Team::new(threads).unwrap();
            for _ in 0..300 {
                let next = AtomicUsize::new(0);
                let done: Vec<AtomicUsize> = (0..50).map(|_| AtomicUsize::new(0)).collect();
                team.run(&|thread| {
                    assert!(thread < threads);
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        let Some(piece) = done.get(i) else { break };
                        piece.fetch_add(1, Ordering::Relaxed);
                    }
                });
                assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == 1), "{threads} threads");
            }
        }
    }

    #[test]
    fn the_other_threads_do_take_part() {
        let mut team = Team::new(2).unwrap();
        let helped = AtomicUsize::new(0);
        team.run(&|thread| {
            if thread == 1 {
                helped.store(1, Ordering::Release);
            } else {
                wait_until(|| helped.load(Ordering::Acquire) == 1);
            }
        });
    }

    #[test]
    fn teams_that_share_threads_take_turns() {
        let mut team = Team::new(2).unwrap();
        let mut other = team.share();
        let (inside, runs) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |_: usize| {
            runs.fetch_add(1, Ordering::Relaxed);
        };
        std::thread::scope(|scope| {
            for team in [&mut team, &mut other] {
                scope.spawn(|| {
                    for _ in 0..300 {
                        team.run(&|thread| {
                            if thread == 0 {
                                assert_eq!(inside.fetch_add(1, Ordering::AcqRel), 0);
                                work(thread);
                                inside.fetch_sub(1, Ordering::AcqRel);
                            }
                        });
                    }
                });
            }
        });
        assert_eq!(runs.into_inner(), 600);
    }

    #[test]
    fn impossible_numbers_are_refused() {
        assert!(Team::new(0).is_err());
        assert!(Team::new(MAX_THREADS + 1).is_err());
    }
}
