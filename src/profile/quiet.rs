//! Which runs count. Other programs, and a processor that changes its speed, make runs of the same network up to
//! twice as long, for a millisecond or for seconds. What they cost is none of the network's business, and two profiles
//! could not be compared. So a profile takes more runs than it was asked for, and those count that are about as fast
//! as the fastest ones.
//!
//! Measured in Chromium on a machine that does so (Xeon, selfie segmentation, 40 s of profiles of 60 runs one after the
//! other): with the first 60 runs some layer over 0.1 ms differed by more than 10 % in 39 % of neighbouring profiles on
//! two threads and in 40 % on one; with those of 600 that count in 16 % and 32 %, the latter where all 1.5 s were slow.

#![forbid(unsafe_code)]

/// One of so many runs may be faster than an ordinary one.
const FASTEST: usize = 20;

/// Runs that take more than so many times as long as the slowest of those were disturbed.
const DISTURBED: f64 = 1.1;

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
