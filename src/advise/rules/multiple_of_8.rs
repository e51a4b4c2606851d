//! Sides that are multiples of 8.

use crate::advise::case::Case;
use crate::advise::{Proposal, Words, at_size};
use crate::input_size::STEP;

pub const NAME: &str = "multiple-of-8";

pub fn find(case: &Case) -> Vec<Proposal> {
    let Some(input) = case.graph.inputs.first() else { return Vec::new() };
    let Ok([_, h, w, _]) = case.graph.tensor(*input).shape.nhwc() else { return Vec::new() };
    if h % STEP == 0 && w % STEP == 0 || h.min(w) < STEP {
        return Vec::new();
    }
    let down = |side: usize| side / STEP * STEP;
    let up = |side: usize| side.next_multiple_of(STEP);
    [[up(h), up(w)], [down(h), down(w)]]
        .into_iter()
        .map(|[height, width]| {
            let words = Words {
                title: format!("An input of {height}x{width} instead of {h}x{w}"),
                why: "Kernels work on 4 or 8 pixels at once and take what is left over one by one, and odd \
                      sides need another row of padding in every layer with a stride. Sides that \
                      are multiples of 8 come down evenly three times."
                    .into(),
                instead: format!("keras.Input(({height}, {width}, channels))"),
            };
            let resize = move |graph: &_| at_size(graph, [height, width]);
            Proposal::of_whole(case, NAME, words, resize)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::Net;

    #[test]
    fn odd_sides_go_to_the_next_multiples() {
        let mut net = Net::new([100, 64], 3);
        net.conv(8, 3, 2);
        net.conv(1, 1, 1);
        let net = net.done();
        let proposals = net.proposals(find);
        let sizes = proposals.iter().map(|proposal| {
            let changed = proposal.rewrite(&net.graph).unwrap();
            changed.tensor(changed.inputs[0]).shape.dims().to_vec()
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [[1, 104, 64, 3], [1, 96, 64, 3]]);
    }

    #[test]
    fn even_sides_stay() {
        let mut net = Net::new([96, 64], 3);
        net.conv(8, 3, 2);
        assert!(net.done().proposals(find).is_empty());
    }
}
