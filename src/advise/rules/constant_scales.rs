//! Multiplying by constants, and adding them, beside a convolution: part of its weights.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::graph::TensorId;
use crate::ops::{Binary, BinaryKind, Op};
use crate::tensor::DType;

pub const NAME: &str = "constant-scales";

pub fn find(case: &Case) -> Vec<Proposal> {
    let mut taken = vec![false; case.graph.nodes.len()];
    let mut sites = Vec::new();
    for (i, _) in case.nodes() {
        let chain = if taken[i] { None } else { chain(case, i) };
        if let Some(chain) = chain {
            chain.iter().for_each(|&i| taken[i] = true);
            sites.push((Site::of(case, chain.clone()), chain));
        }
    }
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "Scales and offsets as part of the weights".into(),
        why: "Multiplying by a constant for each channel, or adding one, reads and writes the whole image and \
              computes next to nothing: normalized pictures, or batch normalization that was not folded. \
              A convolution next to it can have it in its weights and bias for nothing."
            .into(),
        instead: "Normalize pictures where they are turned into tensors, or multiply the first layer's \
                  weights; put BatchNormalization directly behind a convolution without an activation \
                  between, so that the converter folds it."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, |editor, chain| leave_out(editor, chain))]
}

/// Nodes that scale or shift, one after the other from this one on, next to a convolution.
fn chain(case: &Case, start: usize) -> Option<Vec<usize>> {
    let first = scaled(case, start)?;
    let (mut chain, mut last) = (vec![start], case.graph.nodes[start].outputs[0]);
    while let Some(next) = case.sole_consumer(last).filter(|&next| scaled(case, next).is_some()) {
        chain.push(next);
        last = case.graph.nodes[next].outputs[0];
    }
    let is_conv =
        |i: usize| matches!(case.graph.nodes[i].op, Op::Conv2d(_) | Op::DepthwiseConv2d(_));
    let before = case
        .producer(first)
        .filter(|&i| is_conv(i) && case.graph.nodes[i].op.activation().is_none());
    let behind = before.is_some() && case.sole_consumer(first) == Some(start);
    let in_front = case.sole_consumer(last).is_some_and(is_conv);
    (behind || in_front).then_some(chain)
}

/// What a node multiplies by constants, or adds them to: one, or one for each channel.
fn scaled(case: &Case, i: usize) -> Option<TensorId> {
    let node = &case.graph.nodes[i];
    let Op::Binary(Binary { kind, activation: None }) = node.op else { return None };
    let &[Some(a), Some(b)] = &node.inputs[..] else { return None };
    let (x, constant) = match (case.is_weights(a), case.is_weights(b)) {
        (false, true) => (a, b),
        (true, false) if matches!(kind, BinaryKind::Add | BinaryKind::Mul) => (b, a),
        _ => return None,
    };
    let is_scale =
        matches!(kind, BinaryKind::Add | BinaryKind::Sub | BinaryKind::Mul | BinaryKind::Div);
    let (x_tensor, result) = (case.graph.tensor(x), case.result(node));
    let dims = case.graph.tensor(constant).shape.dims();
    let per_channel = dims.iter().rev().skip(1).all(|&d| d == 1);
    // A step of its own anyway where integers are scaled: their steps change.
    let fits = x_tensor.dtype == DType::F32 && x_tensor.shape == result.shape && per_channel;
    (is_scale && fits).then_some(x)
}

fn leave_out(editor: &mut Editor, chain: &[usize]) -> Result<()> {
    let Some((&first, &last)) = chain.first().zip(chain.last()) else { return Ok(()) };
    let node = editor.node(first);
    // The constant may be either operand.
    let x = node.inputs.iter().flatten().find(|&&id| editor.is_activation(id)).copied();
    let Some(x) = x else { return Ok(()) };
    editor.read_instead(editor.node(last).outputs[0], x);
    chain.iter().for_each(|&place| editor.clear(place));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Net, only, ops};
    use crate::ops::Unary;
    use crate::tensor::Data;

    #[test]
    fn scales_next_to_convolutions_go() {
        let mut net = Net::new([8, 8], 3);
        let mean = net.constant(&[3], Data::F32(vec![0.5; 3]));
        let half = net.constant(&[], Data::F32(vec![0.5]));
        net.binary(BinaryKind::Sub, mean);
        net.binary(BinaryKind::Div, half);
        net.relu_conv(8, 3, 2);
        let scale = net.constant(&[1, 1, 1, 8], Data::F32(vec![0.5; 8]));
        net.binary(BinaryKind::Mul, scale);
        net.unary(Unary::Relu6);
        net.conv(8, 1, 1);
        net.binary(BinaryKind::Add, scale);
        net.unary(Unary::Tanh);
        let (_, changed) = only(find, net.done());
        assert_eq!(ops(&changed), ["CONV_2D", "MUL", "RELU6", "CONV_2D", "TANH"]);
    }

    #[test]
    fn what_differs_from_pixel_to_pixel_stays() {
        let mut net = Net::new([8, 8], 3);
        let each = net.constant(&[1, 8, 8, 3], Data::F32(vec![0.5; 192]));
        net.binary(BinaryKind::Mul, each);
        net.conv(8, 3, 2);
        assert!(net.done().proposals(find).is_empty());
    }
}
