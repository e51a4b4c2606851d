//! Taking the times: runs a session with a clock again and again.

use super::Stats;
use crate::session::{Clock, Part, Session};
use crate::threads::Team;

/// Times in milliseconds, in running order.
pub(crate) struct Times {
    /// The runs before those that count.
    pub warmup: Vec<f64>,
    /// Whole runs.
    pub total: Vec<f64>,
    /// The same for each step: `[steps][runs]`.
    pub steps: Vec<Vec<f64>>,
    /// The parts of one run, about as long as the median one.
    pub timeline: Vec<Part>,
}

/// Runs `warmup` and then `runs` times.
pub(crate) fn measure(
    session: &mut Session,
    team: &mut Team,
    clock: Clock,
    runs: usize,
    warmup: usize,
) -> Times {
    let mut run = |session: &mut Session| {
        let start = clock();
        session.run(team, Some(clock));
        clock() - start
    };
    let warmup = (0..warmup).map(|_| run(session)).collect();
    let steps = session.plan().steps.len();
    let mut times = Times {
        warmup,
        total: Vec::with_capacity(runs),
        steps: vec![Vec::with_capacity(runs); steps],
        timeline: Vec::new(),
    };
    let mut candidates = Candidates::new(runs, steps * session.plan().threads);
    for _ in 0..runs {
        let ms = run(session);
        times.total.push(ms);
        for (list, ms) in times.steps.iter_mut().zip(session.step_ms()) {
            list.push(ms);
        }
        candidates.offer(ms, session);
    }
    times.timeline = candidates.nearest(Stats::of(&times.total).median);
    times
}

/// Timelines of runs, until it is known which of them was an ordinary one.
struct Candidates {
    kept: Vec<(f64, Vec<Part>)>, // length of the run, and its parts
    seen: usize,
    every: usize,
}

impl Candidates {
    /// Of so many runs, which have at most so many parts: not all of them are kept.
    fn new(runs: usize, parts: usize) -> Candidates {
        const MOST: usize = 100;
        const MOST_BYTES: usize = 4 << 20;
        let room = MOST_BYTES / (parts * size_of::<Part>()).max(1);
        Candidates { kept: Vec::new(), seen: 0, every: runs.div_ceil(room.clamp(1, MOST)) }
    }

    /// Keeps the session's last run, or does not.
    fn offer(&mut self, ms: f64, session: &Session) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push((ms, session.parts().collect()));
        }
        self.seen += 1;
    }

    /// The run whose length is nearest.
    fn nearest(self, ms: f64) -> Vec<Part> {
        let distance = |kept: &(f64, Vec<Part>)| (kept.0 - ms).abs();
        let nearest = self.kept.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.map_or_else(Vec::new, |(_, parts)| parts)
    }
}
