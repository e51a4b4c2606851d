//! Convolutions of the same image side by side as one.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::graph::TensorId;
use crate::ops::layout::Join;
use crate::ops::{Layout, Op};
use std::ops::Range;

pub const NAME: &str = "parallel-branches";

pub fn find(case: &Case) -> Vec<Proposal> {
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| branches(case, i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "One convolution instead of several side by side".into(),
        why: "Each branch reads the same image again, and starts and ends a layer of its own, which small \
              layers spend much of their time with: what ShuffleNetV2 calls fragmentation. One convolution \
              with the filters of all of them computes exactly the same."
            .into(),
        instead: "One Conv2D with as many filters as the branches have together, without Concatenate; \
                  weights that are trained already are put side by side along the last axis."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, join)]
}

/// Convolutions that read the same, whose results are joined next to each other.
struct Branches {
    /// In the order of their results.
    convs: Vec<usize>,
    concatenation: usize,
    /// Which of its operands they make.
    operands: Range<usize>,
}

/// The longest run of branches that a CONCATENATION of channels joins.
fn branches(case: &Case, concatenation: usize) -> Option<(Site, Branches)> {
    let node = &case.graph.nodes[concatenation];
    let Op::Layout(Layout::Join(join @ Join::Concatenation(_))) = &node.op else { return None };
    let rank = case.result(node).shape.rank();
    if rank != 4 || join.axis(rank).ok()? != 3 {
        return None;
    }
    let convs: Vec<Option<usize>> = node
        .inputs
        .iter()
        .map(|id| {
            let conv = case.producer((*id)?)?;
            let is_sole = case.sole_consumer((*id)?) == Some(concatenation);
            (is_sole && matches!(case.graph.nodes[conv].op, Op::Conv2d(_))).then_some(conv)
        })
        .collect();
    let alike = |a: usize, b: usize| {
        let [x, y] = [a, b].map(|i| &case.graph.nodes[i]);
        let filter =
            |i: usize| case.extents(&case.graph.nodes[i], 1).map(|[_, kh, kw, d]| [kh, kw, d]);
        let scales = |i: usize| &case.result(&case.graph.nodes[i]).quantization;
        let weights = |i: usize| {
            let inputs = &case.graph.nodes[i].inputs;
            inputs.len() == 3 && inputs[1..].iter().flatten().all(|&id| case.is_weights(id))
        };
        a != b
            && x.op == y.op
            && x.inputs[0] == y.inputs[0]
            && filter(a) == filter(b)
            && scales(a) == scales(b)
            && weights(a)
            && weights(b)
    };
    let mut best = 0..0;
    let mut start = 0;
    for end in 1..=convs.len() {
        let goes_on = end < convs.len()
            && matches!((convs[end - 1], convs[end]), (Some(a), Some(b)) if alike(a, b));
        if !goes_on {
            if end - start > best.len() {
                best = start..end;
            }
            start = end;
        }
    }
    let joined: Vec<usize> = convs[best.clone()].iter().copied().collect::<Option<_>>()?;
    let grouped = |i: usize| {
        let node = &case.graph.nodes[i];
        case.extents(node, 1).zip(case.extents(node, 0)).is_none_or(|(f, x)| f[3] != x[3])
    };
    if joined.len() < 2 || joined.iter().any(|&i| grouped(i)) {
        return None;
    }
    let nodes = [&joined[..], &[concatenation]].concat();
    Some((Site::of(case, nodes), Branches { convs: joined, concatenation, operands: best }))
}

fn join(editor: &mut Editor, branches: &Branches) -> Result<()> {
    let Branches { convs, concatenation, operands } = branches;
    let mut order = convs.clone();
    order.sort_unstable();
    // Weights that are widened must be there: the last branch comes after all of them.
    let Some((&first, &last)) = convs.first().zip(order.last()) else { return Ok(()) };
    let (x, filter) = (editor.operand(first, 0)?, editor.operand(first, 1)?);
    let old_bias = editor.operand(first, 2)?;
    let mut shape = editor.tensor(filter).shape.dims().to_vec();
    shape[0] = 0;
    for &conv in convs {
        shape[0] += editor.tensor(editor.operand(conv, 1)?).shape.dims()[0];
    }
    convs.iter().for_each(|&conv| editor.clear(conv));
    let filter = editor.weights(last, filter, &shape, 0)?;
    let bias = editor.bias(last, [x, filter], Some(old_bias), shape[0])?;
    let (op, like) = (editor.node(first).op.clone(), editor.node(first).outputs[0]);
    let all = editor.insert(last, op, &[Some(x), Some(filter), Some(bias)], like);
    if operands.len() == editor.node(*concatenation).inputs.len() {
        let result: TensorId = editor.node(*concatenation).outputs[0];
        editor.clear(*concatenation);
        editor.read_instead(result, all);
    } else {
        editor.node_mut(*concatenation)?.inputs.splice(operands.clone(), [Some(all)]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};

    #[test]
    fn branches_become_one() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [8, 8], 4);
            let x = net.relu_conv(8, 3, 1);
            let mut parts = Vec::new();
            for (channels, kernel) in [(8, 3), (4, 1), (6, 1), (8, 1)] {
                net.last = x;
                parts.push(net.relu_conv(channels, kernel, 1));
            }
            net.node(Op::Layout(Layout::Join(Join::Concatenation(-1))), &parts);
            net.conv(1, 1, 1);
            let (_, changed) = only(find, net.done());
            let expected = ["CONV_2D", "CONV_2D", "CONV_2D", "CONCATENATION", "CONV_2D"];
            assert_eq!(ops(&changed), expected, "{form:?}");
        }
    }

    #[test]
    fn without_others_there_is_nothing_to_join() {
        let mut net = Net::new([8, 8], 4);
        let x = net.last;
        let one = net.conv(8, 1, 1);
        net.last = x;
        net.conv(4, 1, 1);
        net.concat(one);
        net.conv(1, 1, 1);
        let (_, changed) = only(find, net.done());
        assert_eq!(ops(&changed), ["CONV_2D", "CONV_2D"]);
    }

    #[test]
    fn other_windows_and_images_stay() {
        let mut net = Net::new([8, 8], 4);
        let x = net.last;
        let one = net.conv(8, 1, 1);
        net.last = x;
        net.conv(8, 3, 1);
        net.concat(one);
        net.conv(8, 3, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
