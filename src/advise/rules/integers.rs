//! The network in int8.

use crate::advise::case::Case;
use crate::advise::quantize::{is_possible, quantized};
use crate::advise::{Proposal, Words};
use crate::ops::Op;
use crate::tensor::DType;

pub const NAME: &str = "int8";

pub fn find(case: &Case) -> Vec<Proposal> {
    let nodes: Vec<usize> =
        case.nodes().map(|(i, _)| i).filter(|&i| is_possible(case, i)).collect();
    let is_conv =
        |i: &usize| matches!(case.graph.nodes[*i].op, Op::Conv2d(_) | Op::DepthwiseConv2d(_));
    let quantized_already =
        case.nodes().any(|(_, node)| !node.op.is_cheap() && case.result(node).dtype != DType::F32);
    if quantized_already || !nodes.iter().any(is_conv) {
        return Vec::new();
    }
    let words = Words {
        title: "int8 instead of floats".into(),
        why: "Quantized weights and activations take a quarter of the memory, and functions such as sigmoid \
              are read from tables. Whether that makes a network faster depends on its layers and on the \
              device: here it does. Weights alone in int8 (dynamic range) make only the file smaller."
            .into(),
        instead: "Quantization-aware training (tfmot.quantization.keras.quantize_model), then conversion to \
                  full int8. Full integer post-training quantization with a representative dataset is \
                  quicker to try and costs more accuracy."
            .into(),
    };
    vec![Proposal::of_whole(case, NAME, words, move |graph| quantized(graph, &nodes))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};
    use crate::ops::{BinaryKind, Unary};

    #[test]
    fn float_networks_become_integer_ones() {
        for form in [Form::F32, Form::F16, Form::Dynamic] {
            let mut net = Net::of_form(form, [8, 8], 3);
            let skip = net.relu_conv(8, 3, 2);
            net.depthwise(3, 1);
            net.binary(BinaryKind::Add, skip);
            let half = net.constant(&[8], crate::tensor::Data::F32(vec![0.5; 8]));
            net.binary(BinaryKind::Mul, half);
            net.transpose_conv(4, 2, 2);
            net.enlarge(2);
            net.conv(1, 1, 1);
            net.unary(Unary::Logistic);
            let (_, changed) = only(find, net.done());
            let made = ops(&changed);
            assert_eq!((made[0], made[made.len() - 1]), ("QUANTIZE", "DEQUANTIZE"), "{form:?}");
            assert_eq!(made.iter().filter(|n| n.contains("QUANTIZE")).count(), 2, "{made:?}");
            let inner = changed.nodes.iter().filter(|n| n.op != Op::Dequantize);
            assert!(inner.clone().all(|n| changed.tensor(n.outputs[0]).dtype == DType::I8));
        }
    }

    #[test]
    fn what_has_no_integers_stays_in_floats() {
        let mut net = Net::new([8, 8], 3);
        net.relu_conv(8, 3, 1);
        net.unary(Unary::Sin);
        net.conv(1, 1, 1);
        let (_, changed) = only(find, net.done());
        let expected =
            ["QUANTIZE", "CONV_2D", "DEQUANTIZE", "SIN", "QUANTIZE", "CONV_2D", "DEQUANTIZE"];
        assert_eq!(ops(&changed), expected);
    }

    #[test]
    fn integers_stay() {
        let mut net = Net::of_form(Form::I8, [8, 8], 3);
        net.relu_conv(8, 3, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
