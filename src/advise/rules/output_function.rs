//! SOFTMAX and sigmoid at the end, where only the largest, or what is above a threshold, is asked for.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::graph::TensorId;
use crate::ops::reduce::one_axis;
use crate::ops::{Op, Unary};

pub const NAME: &str = "output-function";

pub fn find(case: &Case) -> Vec<Proposal> {
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| last_function(case, i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "No softmax or sigmoid at the end".into(),
        why: "Both keep the order of their operands: the largest score is also the most probable class, and \
              a probability is above 1/2 where its score is above 0. Exponentials for each pixel and class \
              change nothing in a mask of yes and no. Keep them where soft edges are wanted."
            .into(),
        instead: "Conv2D(classes, 1) without an activation as the last layer, trained with \
                  from_logits=True. Take the argmax of the scores, or compare them with 0."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, leave_out)]
}

/// A function of the scores, and what moves its results to the caller.
struct Last {
    place: usize,
    moved: Vec<usize>,
}

fn last_function(case: &Case, place: usize) -> Option<(Site, Last)> {
    let node = &case.graph.nodes[place];
    let monotonic = match node.op {
        Op::Softmax(op) => op.beta > 0.0,
        Op::Unary(Unary::Logistic) => true,
        _ => false,
    };
    let x = node.inputs.first().copied()??;
    // Of the input itself there is nothing to be left over.
    if !monotonic || case.graph.inputs.contains(&x) {
        return None;
    }
    let mut moved = Vec::new();
    let mut id = node.outputs[0];
    while !case.is_output(id) {
        let next = case.sole_consumer(id)?;
        let node = &case.graph.nodes[next];
        match node.op {
            Op::ArgReduce(_) => {
                let rank = case.operand(node, 0)?.shape.rank();
                let axis = one_axis(case.operand(node, 1)?, rank).ok()?;
                let last = Last { place, moved };
                return (axis + 1 == rank).then(|| (Site::of(case, vec![place]), last));
            }
            Op::ResizeBilinear(_) | Op::ResizeNearest(_) | Op::Dequantize => {}
            _ => return None,
        }
        moved.push(next);
        id = node.outputs[0];
    }
    let last = Last { place, moved };
    case.consumers(id).is_empty().then(|| (Site::of(case, vec![place]), last))
}

fn leave_out(editor: &mut Editor, last: &Last) -> Result<()> {
    let x = editor.operand(last.place, 0)?;
    let y = editor.node(last.place).outputs[0];
    editor.clear(last.place);
    editor.read_instead(y, x);
    // What is moved keeps the scale of what it is now.
    for &place in &last.moved {
        let moved: TensorId = editor.node(place).outputs[0];
        editor.scale_like(moved, x);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};
    use crate::ops::{ArgReduce, Softmax};
    use crate::tensor::DType;

    const SOFTMAX: Op = Op::Softmax(Softmax { beta: 1.0, log: false });

    #[test]
    fn the_last_function_goes() {
        for form in [Form::F32, Form::I8] {
            let mut net = Net::of_form(form, [8, 8], 4);
            net.conv(1, 1, 1);
            net.unary(Unary::Logistic);
            net.enlarge(2);
            let (_, changed) = only(find, net.done());
            assert_eq!(ops(&changed), ["CONV_2D", "RESIZE_BILINEAR"]);
            let scale = |k: usize| changed.tensor(changed.nodes[k].outputs[0]).quantization.clone();
            assert_eq!(scale(0), scale(1), "{form:?}");
        }
        let mut net = Net::new([8, 8], 4);
        net.conv(5, 1, 1);
        net.node(SOFTMAX, &[net.last]);
        let (_, changed) = only(find, net.done());
        assert_eq!(ops(&changed), ["CONV_2D"]);
    }

    #[test]
    fn softmax_before_argmax_goes() {
        for (axis, count) in [(-1, 1), (1, 0)] {
            let mut net = Net::new([8, 8], 4);
            net.conv(5, 1, 1);
            let parts = net.node(SOFTMAX, &[net.last]);
            let axis = net.list(&[axis]);
            let argmax = ArgReduce { min: false, dtype: DType::I64 };
            net.plain_node(Op::ArgReduce(argmax), &[parts, axis]);
            assert_eq!(net.done().proposals(find).len(), count);
        }
    }

    #[test]
    fn functions_inside_stay() {
        let mut net = Net::new([8, 8], 4);
        net.conv(5, 1, 1);
        net.unary(Unary::Logistic);
        net.conv(1, 1, 1);
        net.unary(Unary::Tanh);
        assert!(net.done().proposals(find).is_empty());
    }
}
