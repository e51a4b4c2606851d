//! FAKE_QUANT in a network that computes in floats.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::ops::Op;

pub const NAME: &str = "fake-quantization";

pub fn find(case: &Case) -> Vec<Proposal> {
    let is_fake = |node: &crate::graph::Node| matches!(node.op, Op::FakeQuant(_));
    let sites =
        case.nodes().filter(|(_, node)| is_fake(node)).map(|(i, _)| (Site::of(case, vec![i]), i));
    let sites: Vec<_> = sites.collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "No FAKE_QUANT in the finished network".into(),
        why: "Fake quantization rounds floats to what integers could hold: it prepares a network for \
              quantization while it is trained. In a file it computes in floats all the same, rounds on \
              top, and keeps faster kernels from being used."
            .into(),
        instead: "Convert the trained network with full integer quantization, or export the float model \
                  without the quantization wrappers."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, leave_out)]
}

fn leave_out(editor: &mut Editor, &place: &usize) -> Result<()> {
    let (x, y) = (editor.operand(place, 0)?, editor.node(place).outputs[0]);
    editor.clear(place);
    editor.read_instead(y, x);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Net, only, ops};
    use crate::tensor::Grid;

    #[test]
    fn rounding_goes() {
        let mut net = Net::new([8, 8], 3);
        for _ in 0..2 {
            net.relu_conv(8, 3, 1);
            net.node(Op::FakeQuant(Grid::nudged(0.0, 6.0, 8, false)), &[net.last]);
        }
        net.conv(1, 1, 1);
        let (_, changed) = only(find, net.done());
        assert_eq!(ops(&changed), ["CONV_2D"; 3]);
    }

    #[test]
    fn without_it_there_is_nothing_to_do() {
        let mut net = Net::new([8, 8], 3);
        net.relu_conv(8, 3, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
