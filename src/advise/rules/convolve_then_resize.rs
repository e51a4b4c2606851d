//! Convolutions before an image is made larger, not after.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::graph::TensorId;
use crate::ops::{Op, Padding};

pub const NAME: &str = "convolve-then-resize";

pub fn find(case: &Case) -> Vec<Proposal> {
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| chain(case, i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "Convolve before upsampling, not after".into(),
        why: "At twice the height and width a convolution takes four times as long, and what it reads there \
              are interpolated pixels: there is no new detail in them. The mask's edges are as fine as \
              the size at which the last layer works; an enlarged mask is smoother."
            .into(),
        instead: "Move UpSampling2D (tf.image.resize) behind these layers.".into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, move_behind)]
}

/// A resize, and what follows it one by one.
struct Chain {
    resize: usize,
    layers: Vec<usize>,
}

/// What follows the resize at a place, if the same could be done before it.
fn chain(case: &Case, resize: usize) -> Option<(Site, Chain)> {
    let node = &case.graph.nodes[resize];
    if !matches!(node.op, Op::ResizeBilinear(_) | Op::ResizeNearest(_)) {
        return None;
    }
    let ([_, h, w, _], [_, oh, ow, _]) =
        (case.extents(node, 0)?, case.result(node).shape.nhwc().ok()?);
    if oh < 2 * h || ow < 2 * w {
        return None;
    }
    let (mut layers, mut last) = (Vec::new(), node.outputs[0]);
    while let Some(next) = case.sole_consumer(last).filter(|&next| works_on_pixels(case, next)) {
        layers.push(next);
        last = case.graph.nodes[next].outputs[0];
    }
    // Functions of single values alone gain little, and the last ones bend the edges of a mask.
    let is_conv = |i: &usize| !case.graph.nodes[*i].op.is_cheap();
    layers.truncate(layers.iter().rposition(is_conv)? + 1);
    let nodes = std::iter::once(resize).chain(layers.iter().copied()).collect();
    Some((Site::of(case, nodes), Chain { resize, layers }))
}

/// Whether a node makes an image of the same size from its first operand and weights.
fn works_on_pixels(case: &Case, i: usize) -> bool {
    let node = &case.graph.nodes[i];
    let window = match &node.op {
        Op::Conv2d(conv) => Some(conv.window),
        Op::DepthwiseConv2d(conv) => Some(conv.window),
        Op::Unary(_) => None,
        _ => return false,
    };
    let others = node.inputs.iter().skip(1).flatten().all(|&id| case.is_weights(id));
    others && window.is_none_or(|w| w.stride == [1, 1] && w.padding == Padding::Same)
}

fn move_behind(editor: &mut Editor, chain: &Chain) -> Result<()> {
    let resize = editor.node(chain.resize).clone();
    let image = editor.operand(chain.resize, 0)?;
    editor.clear(chain.resize);
    let Some((&last, &first)) = chain.layers.last().zip(chain.layers.first()) else {
        return Ok(());
    };
    let result = editor.node(last).outputs[0];
    let scales = editor.tensor(result).clone();
    let small = editor.add(scales.dtype, scales.quantization);
    editor.node_mut(first)?.inputs[0] = Some(image);
    editor.node_mut(last)?.outputs[0] = small;
    let mut inputs: Vec<Option<TensorId>> = resize.inputs;
    inputs[0] = Some(small);
    editor.insert_into(last, resize.op, &inputs, result);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};
    use crate::ops::Unary;

    #[test]
    fn resizes_go_behind_the_convolutions() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [16, 16], 3);
            net.conv(8, 3, 2);
            net.enlarge(2);
            net.relu_conv(8, 3, 1);
            net.depthwise(3, 1);
            net.conv(1, 1, 1);
            net.unary(Unary::Logistic);
            let (_, changed) = only(find, net.done());
            let order = [
                "CONV_2D",
                "CONV_2D",
                "DEPTHWISE_CONV_2D",
                "CONV_2D",
                "RESIZE_BILINEAR",
                "LOGISTIC",
            ];
            assert_eq!(ops(&changed), order, "{form:?}");
        }
    }

    #[test]
    fn what_reads_fine_detail_as_well_stays() {
        let mut net = Net::new([16, 16], 3);
        let fine = net.conv(8, 3, 1);
        net.conv(8, 3, 2);
        net.enlarge(2);
        net.binary(crate::ops::BinaryKind::Add, fine);
        net.conv(1, 3, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
