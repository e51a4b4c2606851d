//! Which runs count, and how many are taken. Other programs, and a processor that changes its speed, make runs of the
//! same network up to twice as long, for a millisecond or for seconds. What they cost is none of the network's
//! business, and two profiles could not be compared. So a profile takes more runs than it was asked for, and those
//! count that are about as fast as the fastest ones. Where many do not count, the machine is not the same for long, and
//! the fastest ones may be slow, too: then it goes on until most of them count.
//!
//! Measured on a machine that does so (Xeon, two processors; selfie segmentation on one thread and on two, profiles one
//! after the other out of 180 s of runs): the runs that count of neighbouring profiles differed by more than 10 % in
//! 2.7 % of the pairs when a profile took up to 1.5 s, and in 0.1 % when it took 1 to 6 s like this, 1.8 s on average.

#![forbid(unsafe_code)]

/// One of so many runs may be faster than an ordinary one.
const FASTEST: usize = 20;

/// Runs that take more than so many times as long as the slowest of those were disturbed.
const DISTURBED: f64 = 1.1;

/// Of the runs, at least such a part must count.
const MOST_OF_THEM: f64 = 0.8;

/// All runs together take at least so long, in milliseconds, or as many times the number that was asked for,
const LEAST_MS: f64 = 1_000.0;
const LEAST_TIMES: usize = 10;
/// and, while fewer than that part of them count, up to these, but no more than so many beyond what was asked for, for
/// the memory that they take.
const MOST_MS: f64 = 6_000.0;
const MOST_TIMES: usize = 50;
const MOST_MORE: usize = 3_000;

/// Decides whether a profile goes on.
pub(crate) struct Patience {
    asked: usize,
    error: f64,  // of each run's time, in ms
    look: usize, // at so many runs, whether most of them count
}

impl Patience {
    /// Of so many runs that were asked for, each timed to `error` milliseconds.
    pub(crate) fn new(asked: usize, error: f64) -> Patience {
        Patience { asked, error, look: 0 }
    }

    /// Whether there is to be another run after these, which took so many milliseconds together.
    pub(crate) fn goes_on(&mut self, total: &[f64], ms: f64) -> bool {
        let (runs, asked) = (total.len(), self.asked);
        if runs < asked {
            return true;
        }
        if ms >= MOST_MS || runs >= (asked * MOST_TIMES).min(asked + MOST_MORE) {
            return false;
        }
        if ms < LEAST_MS && runs < asked * LEAST_TIMES || runs < self.look {
            return true;
        }
        self.look = runs + runs / 10 + 1; // To sort them after each would disturb the next one.
        (quiet(total, self.error, 1).len() as f64) < MOST_OF_THEM * runs as f64
    }
}

/// Indices of the runs that nothing disturbed, in running order: at least `least` of them and one, if there are as
/// many. Each time is off by up to `error`.
pub(crate) fn quiet(total: &[f64], error: f64, least: usize) -> Vec<usize> {
    let mut sorted = total.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return Vec::new() };
    let limit =
        (sorted[last / FASTEST] * DISTURBED + error).max(sorted[least.clamp(1, last + 1) - 1]);
    (0..total.len()).filter(|&run| total[run] <= limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disturbed_runs_do_not_count() {
        // Half as fast for most of the time.
        let total: Vec<f64> = (0..100).map(|run| if run % 10 < 7 { 2.0 } else { 1.0 }).collect();
        let fast: Vec<usize> = (0..100).filter(|run| run % 10 >= 7).collect();
        assert_eq!(quiet(&total, 0.0, 20), fast);
        // Some ran longer than others, but not much.
        let total: Vec<f64> = (0..100).map(|run| 1.0 + 0.001 * f64::from(run % 100)).collect();
        assert_eq!(quiet(&total, 0.0, 1).len(), 100);
        // A single fast one is luck.
        let mut total = vec![1.0; 100];
        total[50] = 0.5;
        assert_eq!(quiet(&total, 0.0, 1).len(), 100);
        // A clock of whole milliseconds.
        assert_eq!(quiet(&[4.0, 5.0, 4.0, 5.0], 1.0, 1).len(), 4);
    }

    /// How many runs are taken where each is as long as `ms` says of the time since the first one.
    fn taken(asked: usize, ms: impl Fn(f64) -> f64) -> (usize, f64) {
        let mut patience = Patience::new(asked, 0.0);
        let (mut total, mut now) = (Vec::new(), 0.0);
        while patience.goes_on(&total, now) {
            total.push(ms(now));
            now += ms(now);
        }
        (total.len(), now)
    }

    #[test]
    fn a_profile_goes_on_while_the_machine_changes() {
        // As long as a calm machine needs, by time or by number.
        assert_eq!(taken(60, |_| 4.0).0, 250);
        assert_eq!(taken(60, |_| 1.0).0, 600);
        assert_eq!(taken(5, |_| 50.0).0, 20);
        // No longer than was asked for.
        assert_eq!(taken(60, |_| 20.0).0, 60);
        assert_eq!(taken(7, |_| 1_000.0).0, 7);
        // Slow for the first 0.9 s: the fastest are found, and then enough of them.
        let (count, ms) = taken(60, |now| if now < 900.0 { 6.0 } else { 4.0 });
        assert!((3_000.0..4_000.0).contains(&ms), "{count} runs in {ms} ms");
        // Slow every other time, for ever.
        let (_, ms) =
            taken(60, |now| if ((now / 300.0) as usize).is_multiple_of(2) { 9.0 } else { 6.0 });
        assert!((6_000.0..6_010.0).contains(&ms), "{ms} ms");
        let (count, _) =
            taken(
                100_000,
                |now| if ((now / 5.0) as usize).is_multiple_of(2) { 0.02 } else { 0.01 },
            );
        assert!(count <= 103_000, "{count} runs");
        // A clock that stands still.
        assert_eq!(taken(3, |_| 0.0).0, 30);
    }

    #[test]
    fn there_are_always_enough() {
        let total = [3.0, 1.0, 9.0, 2.0];
        for least in 0..=5 {
            let quiet = quiet(&total, 0.0, least);
            assert_eq!(quiet.len(), least.clamp(1, 4), "{least}");
            assert!(quiet.contains(&1));
        }
        assert_eq!(quiet(&[], 0.0, 3), [0; 0]);
    }
}
