//! What this device can do at best, whatever the network: what plans are held against.

#![forbid(unsafe_code)]

use crate::kernels::peak;
use crate::session::Clock;
use crate::threads::{Team, wait_until};
use serde::Serialize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Working sets whose bandwidth is measured, in bytes: from a part of the first cache to memory.
pub const WORKING_SETS: [usize; 12] = {
    let mut sizes = [16 << 10; 12];
    let mut i = 1;
    while i < sizes.len() {
        sizes[i] = 2 * sizes[i - 1];
        i += 1;
    }
    sizes
};

/// The limits of a device with this build, on all threads of a team together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Threads of the team.
    pub threads: usize,
    /// 10^9 floating point operations per second in registers.
    pub gflops: f64,
    /// What can be read and written by working set, smallest first.
    pub bandwidth: Vec<Bandwidth>,
    /// Microseconds for all threads to meet once. 0 on one thread.
    pub barrier_us: f64,
    /// Microseconds from one piece of work to the next, on threads that spin for it. 0 on one thread.
    pub handover_us: f64,
    /// Microseconds until all threads are at work, of a team that sleeps. 0 on one thread.
    pub wake_us: f64,
}

/// Bytes read and written in a working set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bandwidth {
    /// The working set.
    pub bytes: usize,
    /// 10^9 bytes per second.
    pub gbps: f64,
}

/// Measures everything; takes some seconds.
pub fn measure(team: &mut Team, clock: Clock) -> Limits {
    let threads = team.threads();
    let bandwidth = WORKING_SETS.map(|bytes| Bandwidth {
        bytes,
        gbps: peak::gbps(threads, clock, bytes, &mut |work| team.run(work)),
    });
    Limits {
        threads,
        gflops: peak::gflops(threads, clock, &mut |work| team.run(work)),
        bandwidth: bandwidth.to_vec(),
        barrier_us: barrier_us(team, clock),
        handover_us: handover_us(team, clock),
        wake_us: wake_us(team, clock),
    }
}

/// The least time of a few tries. All threads take part: one that is late is waited for.
fn barrier_us(team: &mut Team, clock: Clock) -> f64 {
    const COUNT: u32 = 2_000;
    const TRIES: usize = 10;
    let threads = team.threads() as u32;
    if threads == 1 {
        return 0.0;
    }
    let mut least = f64::INFINITY;
    for _ in 0..TRIES {
        let arrived = AtomicU32::new(0);
        let spent = AtomicU64::new(0); // bits of ms
        team.run(&|thread| {
            let meet = |n: u32| {
                arrived.fetch_add(1, Ordering::AcqRel);
                wait_until(|| arrived.load(Ordering::Acquire) >= n * threads);
            };
            meet(1);
            let start = (thread == 0).then(clock);
            (2..COUNT + 2).for_each(meet);
            if let Some(start) = start {
                spent.store((clock() - start).to_bits(), Ordering::Release);
            }
        });
        least = least.min(f64::from_bits(spent.into_inner()));
    }
    least * 1e3 / f64::from(COUNT)
}

/// The least time of a few tries from one piece of work to the next, each begun by all threads: they
/// spin in between.
fn handover_us(team: &mut Team, clock: Clock) -> f64 {
    // Browsers' clocks step by 5 µs.
    const COUNT: usize = 500;
    const TRIES: usize = 10;
    let others = team.threads() as u32 - 1;
    if others == 0 {
        return 0.0;
    }
    let mut least = f64::INFINITY;
    for _ in 0..TRIES {
        let start = clock();
        for _ in 0..COUNT {
            start_all(team, others, || ());
        }
        least = least.min(clock() - start);
    }
    least * 1e3 / COUNT as f64
}

/// The median time from giving work to a team that sleeps until the last thread has begun.
fn wake_us(team: &mut Team, clock: Clock) -> f64 {
    const IDLE: Duration = Duration::from_millis(20);
    const TRIES: usize = 21;
    let others = team.threads() as u32 - 1;
    if others == 0 {
        return 0.0;
    }
    let mut times = [0.0; TRIES];
    for time in &mut times {
        std::thread::sleep(IDLE);
        let start = clock();
        *time = start_all(team, others, || clock() - start);
    }
    times.sort_by(f64::total_cmp);
    times[TRIES / 2] * 1e3
}

/// Starts a team and waits until the `others` have begun; returns what `then` says at that moment.
fn start_all<T: Default + Send>(team: &mut Team, others: u32, then: impl Fn() -> T + Sync) -> T {
    let begun = AtomicU32::new(0);
    let result = Mutex::new(T::default());
    team.run(&|thread| {
        if thread == 0 {
            wait_until(|| begun.load(Ordering::Acquire) == others);
            *result.lock().unwrap_or_else(|p| p.into_inner()) = then();
        } else {
            begun.fetch_add(1, Ordering::AcqRel);
        }
    });
    result.into_inner().unwrap_or_else(|p| p.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::OnceLock;
    use std::time::Instant;

    fn clock() -> f64 {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
    }

    #[test]
    fn one_thread_meets_nobody() {
        let mut team = Team::new(1).unwrap();
        assert_eq!(barrier_us(&mut team, clock), 0.0);
        assert_eq!(handover_us(&mut team, clock), 0.0);
        assert_eq!(wake_us(&mut team, clock), 0.0);
    }

    #[test]
    #[cfg(feature = "threads")]
    fn two_threads_take_time_to_meet_and_to_wake() {
        let mut team = Team::new(2).unwrap();
        assert!(barrier_us(&mut team, clock) > 0.0);
        assert!(handover_us(&mut team, clock) > 0.0);
        assert!(wake_us(&mut team, clock) > 0.0);
    }

    #[test]
    fn every_working_set_is_measured() {
        let team = &mut Team::new(1).unwrap();
        for bytes in [WORKING_SETS[0], WORKING_SETS[11]] {
            assert!(peak::gbps(1, clock, bytes, &mut |work| team.run(work)) > 0.0);
        }
        assert_eq!([WORKING_SETS[0], WORKING_SETS[11]], [16 << 10, 32 << 20]);
    }
}
