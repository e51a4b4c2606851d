//! Half the sides: a quarter of the pixels.

use crate::advise::case::Case;
use crate::advise::{Proposal, Words, at_size};
use crate::input_size::STEP;

pub const NAME: &str = "half-input";

/// The longer side, and the shorter one, are not made smaller than this: a person would be a few pixels wide.
const LEAST: [usize; 2] = [128, 64];

pub fn find(case: &Case) -> Vec<Proposal> {
    let Some(input) = case.graph.inputs.first() else { return Vec::new() };
    let Ok([_, h, w, _]) = case.graph.tensor(*input).shape.nhwc() else { return Vec::new() };
    // To the nearest multiple of 8.
    let half = |side: usize| (side + STEP) / (2 * STEP) * STEP;
    let (height, width) = (half(h), half(w));
    if height.max(width) < LEAST[0] || height.min(width) < LEAST[1] {
        return Vec::new();
    }
    let words = Words {
        title: format!("An input of {height}x{width} instead of {h}x{w}"),
        why: "Half the height and width is a quarter of the pixels, and about a quarter of the time. Masks \
              lose little by it in practice; thin parts, such as hair and fingers, suffer first."
            .into(),
        instead: format!(
            "keras.Input(({height}, {width}, channels)), trained on pictures of that size; the mask \
             is resized to the picture afterwards. A sweep over input sizes compares their masks."
        ),
    };
    let resize = move |graph: &_| at_size(graph, [height, width]);
    vec![Proposal::of_whole(case, NAME, words, resize)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Net, only};

    #[test]
    fn large_inputs_are_halved() {
        let mut net = Net::new([256, 272], 3);
        net.conv(8, 3, 2);
        net.conv(1, 1, 1);
        let (graph, changed) = only(find, net.done());
        assert_eq!(graph.tensor(graph.outputs[0]).shape.dims(), [1, 128, 136, 1]);
        assert_eq!(changed.tensor(changed.inputs[0]).shape.dims(), [1, 128, 136, 3]);
        assert_eq!(changed.tensor(changed.outputs[0]).shape.dims(), [1, 64, 68, 1]);
    }

    #[test]
    fn small_inputs_stay() {
        let mut net = Net::new([128, 128], 3);
        net.conv(8, 3, 2);
        assert!(net.done().proposals(find).is_empty());
    }
}
