//! Borders that a convolution could have by itself.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::ops::{Layout, Op, Padding, Window};

pub const NAME: &str = "padding";

pub fn find(case: &Case) -> Vec<Proposal> {
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| bordered(case, i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "padding='same' instead of a padding layer".into(),
        why: "A padding layer copies the whole image to put a border around it. A convolution that pads by \
              itself leaves the taps outside of the image out, without a copy. Only the outermost pixels \
              are others."
            .into(),
        instead: "padding='same' in the layer, without ZeroPadding2D, tf.pad or a reflection before it."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, pad_inside)]
}

struct Bordered {
    pad: usize,
    layer: usize,
}

fn bordered(case: &Case, pad: usize) -> Option<(Site, Bordered)> {
    let node = &case.graph.nodes[pad];
    if !matches!(node.op, Op::Layout(Layout::Pad(_))) {
        return None;
    }
    let [n, h, w, c] = case.extents(node, 0)?;
    let layer = case.sole_consumer(node.outputs[0])?;
    let mut op = case.graph.nodes[layer].op.clone();
    let window = window_mut(&mut op).filter(|window| window.padding == Padding::Valid)?;
    let out = case.result(&case.graph.nodes[layer]).shape.nhwc().ok()?;
    let same = [0, 1].map(|a| [h, w][a].div_ceil(window.stride[a].max(1)));
    let only_borders = case.result(node).shape.nhwc().is_ok_and(|[m, .., d]| [m, d] == [n, c]);
    (only_borders && same == [out[1], out[2]])
        .then(|| (Site::of(case, vec![pad, layer]), Bordered { pad, layer }))
}

fn window_mut(op: &mut Op) -> Option<&mut Window> {
    match op {
        Op::Conv2d(conv) => Some(&mut conv.window),
        Op::DepthwiseConv2d(conv) => Some(&mut conv.window),
        Op::Pool2d(pool) => Some(&mut pool.window),
        _ => None,
    }
}

fn pad_inside(editor: &mut Editor, old: &Bordered) -> Result<()> {
    let image = editor.operand(old.pad, 0)?;
    let node = editor.node_mut(old.layer)?;
    node.inputs[0] = Some(image);
    if let Some(window) = window_mut(&mut node.op) {
        window.padding = Padding::Same;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops, window};
    use crate::ops::layout::Pad;

    #[test]
    fn borders_go_into_the_convolution() {
        for form in Form::ALL {
            for pad in [Pad::Zeros, Pad::Mirror { symmetric: false }] {
                let mut net = Net::of_form(form, [9, 12], 4);
                net.conv(8, 1, 1);
                net.pad(pad, [1, 1]);
                net.conv_2d(8, 3, Window { padding: Padding::Valid, ..window(1, 1) }, None);
                let (_, changed) = only(find, net.done());
                assert_eq!(ops(&changed), ["CONV_2D", "CONV_2D"]);
            }
        }
    }

    #[test]
    fn other_sizes_stay() {
        let mut net = Net::new([9, 9], 4);
        net.conv(8, 1, 1);
        net.pad(Pad::Zeros, [2, 2]);
        net.conv_2d(8, 3, Window { padding: Padding::Valid, ..window(1, 1) }, None);
        assert!(net.done().proposals(find).is_empty());
    }
}
