//! Activation functions with exponentials as piecewise-linear ones, or nearly.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::graph::TensorId;
use crate::ops::{Binary, BinaryKind, Op, Unary};
use crate::tensor::{DType, Data};

pub const NAME: &str = "activations";

pub fn find(case: &Case) -> Vec<Proposal> {
    let words = |title: &str, instead: &str| {
        Words {
        title: title.into(),
        why: "Exponentials take tens of instructions for each channel of each pixel, hard_swish still takes \
              several. Functions made of straight lines take one or two. Networks trained with them are \
              as good, or nearly."
            .into(),
        instead: instead.into(),
    }
    };
    let gentle = words(
        "Activations without exponentials",
        "ReLU for ELU, hard_swish for GELU and swish (SiLU), tf.clip_by_value(x, -1, 1) for tanh, \
         hard_sigmoid for a sigmoid inside of the network.",
    );
    let plain = words(
        "ReLU instead of curved activations",
        "ReLU for ELU, GELU, swish and hard_swish, tf.clip_by_value(x, -1, 1) for tanh, hard_sigmoid for \
         a sigmoid inside of the network.",
    );
    [(gentle, false), (plain, true)]
        .into_iter()
        .filter_map(|(words, only_lines)| {
            let sites: Vec<_> =
                case.nodes().filter_map(|(i, _)| curved(case, i, only_lines)).collect();
            (!sites.is_empty()).then(|| Proposal::at_sites(NAME, words, sites, straighten))
        })
        .collect()
}

/// What comes instead of a function.
#[derive(Clone, Copy)]
enum Line {
    Function(Unary),
    /// `relu6(x + 3) / 6`.
    HardSigmoid,
}

struct Curved {
    place: usize,
    /// What the function is applied to.
    x: TensorId,
    line: Line,
}

fn curved(case: &Case, place: usize, only_lines: bool) -> Option<(Site, Curved)> {
    let node = &case.graph.nodes[place];
    let x = node.inputs.first().copied()??;
    if case.graph.tensor(x).dtype != DType::F32 {
        return None; // integers read functions from tables
    }
    let smooth = if only_lines { Unary::Relu } else { Unary::HardSwish };
    let at = |line: Unary| {
        Some((Site::of(case, vec![place]), Curved { place, x, line: Line::Function(line) }))
    };
    match &node.op {
        Op::Unary(Unary::Elu) => at(Unary::Relu),
        Op::Unary(Unary::Gelu { .. }) => at(smooth),
        Op::Unary(Unary::Tanh) => at(Unary::ReluN1To1),
        Op::Unary(Unary::HardSwish) if only_lines => at(Unary::Relu),
        Op::Unary(Unary::Logistic) if case.is_inside(node.outputs[0]) => {
            // As a factor of what it was made of it is a part of swish.
            let factor = case.sole_consumer(node.outputs[0]).and_then(|next| swish(case, next));
            let curved = Curved { place, x, line: Line::HardSigmoid };
            factor.is_none().then(|| (Site::of(case, vec![place]), curved))
        }
        Op::Binary(_) => {
            let (logistic, x) = swish(case, place)?;
            let curved = Curved { place, x, line: Line::Function(smooth) };
            Some((Site::of(case, vec![logistic, place]), curved))
        }
        _ => None,
    }
}

/// The LOGISTIC and its operand `x`, where a node is `x * logistic(x)`.
fn swish(case: &Case, product: usize) -> Option<(usize, TensorId)> {
    let node = &case.graph.nodes[product];
    let Op::Binary(Binary { kind: BinaryKind::Mul, activation: None }) = node.op else {
        return None;
    };
    let &[Some(a), Some(b)] = &node.inputs[..] else { return None };
    [(a, b), (b, a)].into_iter().find_map(|(x, gate)| {
        let logistic = case.producer(gate)?;
        let maker = &case.graph.nodes[logistic];
        let is_swish = maker.op == Op::Unary(Unary::Logistic) && maker.inputs == [Some(x)];
        (is_swish && case.sole_consumer(gate) == Some(product)).then_some((logistic, x))
    })
}

fn straighten(editor: &mut Editor, curved: &Curved) -> Result<()> {
    let &Curved { place, x, line } = curved;
    let output = editor.node(place).outputs[0];
    editor.clear(place);
    match line {
        Line::Function(line) => editor.insert_into(place, Op::Unary(line), &[Some(x)], output),
        Line::HardSigmoid => {
            let three = editor.constant(&[1], Data::F32(vec![3.0]))?;
            let sixth = editor.constant(&[1], Data::F32(vec![1.0 / 6.0]))?;
            let add = Binary { kind: BinaryKind::Add, activation: Some(Unary::Relu6) };
            let mul = Binary { kind: BinaryKind::Mul, activation: None };
            let clipped = editor.insert(place, Op::Binary(add), &[Some(x), Some(three)], output);
            editor.insert_into(place, Op::Binary(mul), &[Some(clipped), Some(sixth)], output);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, ops, sound};

    #[test]
    fn curves_become_lines() {
        let mut net = Net::new([8, 8], 4);
        for function in [Unary::Elu, Unary::Gelu { approximate: true }, Unary::Tanh] {
            net.conv(8, 1, 1);
            net.unary(function);
        }
        let x = net.conv(8, 1, 1);
        net.unary(Unary::Logistic);
        net.binary(BinaryKind::Mul, x);
        net.conv(8, 1, 1);
        net.unary(Unary::Logistic);
        net.conv(8, 1, 1);
        net.unary(Unary::HardSwish);
        net.conv(1, 1, 1);
        net.unary(Unary::Logistic);
        let net = net.done();
        let proposals = net.proposals(find);
        let made = proposals.iter().map(|p| {
            let mut made = ops(&sound(p, &net.graph));
            made.retain(|&name| name != "CONV_2D");
            made
        });
        let [gentle, plain] = &made.collect::<Vec<_>>()[..] else { panic!("{proposals:?}") };
        let hard_sigmoid = ["ADD", "MUL"];
        let expected = |smooth| {
            let start = ["RELU", smooth, "RELU_N1_TO_1", smooth];
            [&start[..], &hard_sigmoid].concat()
        };
        assert_eq!(gentle[..6], expected("HARD_SWISH"));
        assert_eq!(gentle[6..], ["HARD_SWISH", "LOGISTIC"]);
        assert_eq!(plain[..6], expected("RELU"));
        assert_eq!(plain[6..], ["RELU", "LOGISTIC"]);
    }

    #[test]
    fn probabilities_lines_and_tables_stay() {
        let mut net = Net::new([8, 8], 4);
        net.relu_conv(8, 3, 1);
        net.unary(Unary::Logistic);
        net.enlarge(2);
        assert!(net.done().proposals(find).is_empty());
        let mut net = Net::of_form(Form::I8, [8, 8], 4);
        net.unary(Unary::Tanh);
        net.conv(8, 3, 1);
        assert!(net.done().proposals(find).is_empty());
    }

    #[test]
    fn a_gate_becomes_a_hard_sigmoid() {
        let mut net = Net::new([8, 8], 4);
        let x = net.conv(4, 3, 1);
        net.conv(4, 1, 1);
        net.unary(Unary::Logistic);
        net.binary(BinaryKind::Mul, x);
        let net = net.done();
        let [gentle, plain] = &net.proposals(find)[..] else { panic!("two proposals") };
        for proposal in [gentle, plain] {
            let made = ops(&sound(proposal, &net.graph));
            assert_eq!(made, ["CONV_2D", "CONV_2D", "ADD", "MUL", "MUL"]);
        }
    }
}
