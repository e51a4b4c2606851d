//! Models timed in turn: what disturbs the machine for a while disturbs all of them alike.

#![forbid(unsafe_code)]

use crate::model::Model;
use crate::profile::Stats;
use crate::session::Clock;

/// Runs the models one after the other, A B C A B C and so on, `rounds` times (at least once) after
/// one round that does not count, on whatever their inputs hold. Milliseconds of each, in the order
/// of the models.
pub fn in_turn(models: &mut [Model], clock: Clock, rounds: usize) -> Vec<Stats> {
    let rounds = rounds.clamp(1, 100_000);
    let mut times = vec![Vec::with_capacity(rounds); models.len()];
    models.iter_mut().for_each(Model::run);
    for _ in 0..rounds {
        for (model, times) in models.iter_mut().zip(&mut times) {
            let start = clock();
            model.run();
            times.push(clock() - start);
        }
    }
    times.iter().map(|times| Stats::of(times)).collect()
}
