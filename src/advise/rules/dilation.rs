//! Dilated convolutions as dense ones.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::ops::layout::Blocks;
use crate::ops::{Layout, Op, Padding, Window};

pub const NAME: &str = "dilation";

pub fn find(case: &Case) -> Vec<Proposal> {
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| dilated(case, i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "dilation_rate=1 instead of dilated convolutions".into(),
        why: "The taps of a dilated convolution lie far apart: they share nothing with those of the next \
              pixel, and the fastest kernels (Winograd, sliding windows) do not apply. What it costs \
              to leave it out is reach: each layer sees (k - 1) * dilation + 1 pixels with it, and k \
              without."
            .into(),
        instead: "The same layer with dilation_rate=1; win the reach back by one more stride of 2 before \
                  it, or by pooling (a pyramid, or LR-ASPP's global mean)."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, make_dense)]
}

/// A dilated convolution: itself alone, or with what takes its image apart before and joins it after.
struct Dilated {
    conv: usize,
    around: Option<[usize; 2]>,
}

fn dilated(case: &Case, conv: usize) -> Option<(Site, Dilated)> {
    let window = window_of(&case.graph.nodes[conv].op)?;
    if window.dilation != [1, 1] && window.padding == Padding::Same {
        return Some((Site::of(case, vec![conv]), Dilated { conv, around: None }));
    }
    // TensorFlow's way to write it for kernels that do not know dilation.
    let node = &case.graph.nodes[conv];
    let split = case.producer(node.inputs.first().copied()??)?;
    let merge = case.sole_consumer(node.outputs[0])?;
    let is = |i: usize, kind| case.graph.nodes[i].op == Op::Layout(Layout::Blocks(kind));
    if !is(split, Blocks::SpaceToBatch) || !is(merge, Blocks::BatchToSpace) {
        return None;
    }
    let image = case.extents(&case.graph.nodes[split], 0)?;
    let result = case.result(&case.graph.nodes[merge]).shape.nhwc().ok()?;
    let dilated = Dilated { conv, around: Some([split, merge]) };
    (image[..3] == result[..3]).then(|| (Site::of(case, vec![split, conv, merge]), dilated))
}

fn window_of(op: &Op) -> Option<Window> {
    match op {
        Op::Conv2d(conv) => Some(conv.window),
        Op::DepthwiseConv2d(conv) => Some(conv.window),
        _ => None,
    }
}

fn make_dense(editor: &mut Editor, old: &Dilated) -> Result<()> {
    let mut image = None;
    let mut result = None;
    if let Some([split, merge]) = old.around {
        image = Some(editor.operand(split, 0)?);
        result = Some(editor.node(merge).outputs[0]);
        editor.clear(merge);
    }
    let node = editor.node_mut(old.conv)?;
    let dense = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };
    match &mut node.op {
        Op::Conv2d(conv) => conv.window = Window { stride: conv.window.stride, ..dense },
        Op::DepthwiseConv2d(conv) => conv.window = Window { stride: conv.window.stride, ..dense },
        _ => {}
    }
    node.inputs[0] = image.or(node.inputs[0]);
    node.outputs[0] = result.unwrap_or(node.outputs[0]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops, window};
    use crate::tensor::Data;

    #[test]
    fn dilated_convolutions_become_dense() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [16, 24], 4);
            net.conv_2d(8, 3, window(1, 2), None);
            net.depthwise_2d(3, window(1, 4), None);
            let (_, changed) = only(find, net.done());
            let windows: Vec<_> = changed.nodes.iter().filter_map(|n| window_of(&n.op)).collect();
            assert_eq!(windows, [window(1, 1); 2]);
        }
    }

    #[test]
    fn dilation_spelt_out_goes_with_its_blocks() {
        let mut net = Net::new([16, 16], 4);
        let (block, margin) = (net.list(&[2, 2]), vec![2; 4]);
        let margin = net.constant(&[2, 2], Data::I32(margin));
        let crops = net.constant(&[2, 2], Data::I32(vec![0; 4]));
        let x = net.last;
        net.node(Op::Layout(Layout::Blocks(Blocks::SpaceToBatch)), &[x, block, margin]);
        let valid = Window { padding: Padding::Valid, ..window(1, 1) };
        let y = net.conv_2d(8, 3, valid, None);
        net.node(Op::Layout(Layout::Blocks(Blocks::BatchToSpace)), &[y, block, crops]);
        let (_, changed) = only(find, net.done());
        assert_eq!(ops(&changed), ["CONV_2D"]);
    }

    #[test]
    fn dense_ones_stay() {
        let mut net = Net::new([16, 16], 4);
        net.conv(8, 3, 1);
        net.depthwise(3, 2);
        assert!(net.done().proposals(find).is_empty());
    }
}
