//! TRANSPOSE and RESHAPE that undo each other.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::ops::layout::{Reshape, permutation};
use crate::ops::{Layout, Op};

pub const NAME: &str = "transposes";

pub fn find(case: &Case) -> Vec<Proposal> {
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| undone(case, i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "Without layers that only move elements there and back".into(),
        why: "TRANSPOSE and RESHAPE compute nothing, but read and write the whole tensor, often against the \
              order of memory. Converters from PyTorch and ONNX leave pairs of them around layers that \
              they do not know in TensorFlow's order of axes (NHWC)."
            .into(),
        instead: "Keep tensors as [batch, height, width, channels] throughout; a converter such as \
                  onnx2tf, or the layers written in Keras, does so."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, leave_out)]
}

/// Two moves with functions of single values between them.
struct Undone {
    first: usize,
    /// What is between, in order.
    between: Vec<usize>,
    last: usize,
    /// Whether the first one alone is gone, since the last one could do it all.
    only_first: bool,
}

fn undone(case: &Case, first: usize) -> Option<(Site, Undone)> {
    let node = &case.graph.nodes[first];
    let Op::Layout(layout) = &node.op else { return None };
    if let Layout::Reshape(Reshape::Reshape(_)) = layout {
        let last = case.sole_consumer(node.outputs[0])?;
        let again =
            matches!(case.graph.nodes[last].op, Op::Layout(Layout::Reshape(Reshape::Reshape(_))));
        let undone = Undone { first, between: Vec::new(), last, only_first: true };
        return again.then(|| (Site::of(case, vec![first, last]), undone));
    }
    let there = axes(case, first)?;
    let mut between = Vec::new();
    let mut last = case.sole_consumer(node.outputs[0])?;
    while matches!(case.graph.nodes[last].op, Op::Unary(_)) {
        between.push(last);
        last = case.sole_consumer(case.graph.nodes[last].outputs[0])?;
    }
    let back = axes(case, last)?;
    let undoes = there.len() == back.len() && back.iter().enumerate().all(|(a, &b)| there[b] == a);
    let nodes = [&[first][..], &between, &[last]].concat();
    let undone = Undone { first, between, last, only_first: false };
    undoes.then(|| (Site::of(case, nodes), undone))
}

/// The axes of a TRANSPOSE.
fn axes(case: &Case, i: usize) -> Option<Vec<usize>> {
    let node = &case.graph.nodes[i];
    let transposes = node.op == Op::Layout(Layout::Transpose);
    let list = case.operand(node, 1).filter(|_| transposes)?.const_integers()?;
    Some(permutation(&list).ok()?[..list.len()].to_vec())
}

fn leave_out(editor: &mut Editor, undone: &Undone) -> Result<()> {
    let x = editor.operand(undone.first, 0)?;
    if undone.only_first {
        editor.node_mut(undone.last)?.inputs[0] = Some(x);
        return Ok(());
    }
    let y = editor.node(undone.last).outputs[0];
    editor.clear(undone.last);
    match (undone.between.first(), undone.between.last()) {
        (Some(&first), Some(&last)) => {
            editor.node_mut(first)?.inputs[0] = Some(x);
            editor.node_mut(last)?.outputs[0] = y;
        }
        _ => editor.read_instead(y, x),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};
    use crate::ops::Unary;

    #[test]
    fn there_and_back_goes() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [8, 6], 4);
            net.conv(8, 3, 1);
            net.transpose(&[0, 3, 1, 2]);
            net.unary(Unary::Relu);
            net.unary(Unary::Tanh);
            net.transpose(&[0, 2, 3, 1]);
            net.transpose(&[0, 3, 1, 2]);
            net.transpose(&[0, 2, 3, 1]);
            net.conv(1, 1, 1);
            let (_, changed) = only(find, net.done());
            assert_eq!(ops(&changed), ["CONV_2D", "RELU", "TANH", "CONV_2D"], "{form:?}");
        }
    }

    #[test]
    fn one_reshape_is_enough() {
        let mut net = Net::new([8, 6], 4);
        net.conv(8, 3, 1);
        for shape in [vec![8, 48], vec![1, 48, 8]] {
            let reshape = Op::Layout(Layout::Reshape(Reshape::Reshape(shape)));
            net.node(reshape, &[net.last]);
        }
        net.unary(Unary::Tanh);
        let (_, changed) = only(find, net.done());
        assert_eq!(ops(&changed), ["CONV_2D", "RESHAPE", "TANH"]);
    }

    #[test]
    fn other_orders_stay() {
        let mut net = Net::new([8, 6], 4);
        net.transpose(&[0, 3, 1, 2]);
        net.transpose(&[0, 3, 1, 2]);
        assert!(net.done().proposals(find).is_empty());
    }
}
