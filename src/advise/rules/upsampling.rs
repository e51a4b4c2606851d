//! Transposed convolutions as a convolution of 1x1 and a resize.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::ops::{Conv2d, Op, Padding, ResizeBilinear, ResizeNearest, Unary, Window};
use crate::tensor::DType;

pub const NAME: &str = "upsampling";

/// A way to enlarge an image, and its name in Keras.
type Kind = (fn(DType) -> Op, &'static str);

/// As the reader has it for results of that type.
fn bilinear(dtype: DType) -> Op {
    let fixed_point = matches!(dtype, DType::I8 | DType::I16);
    Op::ResizeBilinear(ResizeBilinear {
        align_corners: false,
        half_pixel_centers: true,
        fixed_point,
    })
}

fn nearest(_: DType) -> Op {
    Op::ResizeNearest(ResizeNearest { align_corners: false, half_pixel_centers: true })
}

pub fn find(case: &Case) -> Vec<Proposal> {
    let kinds: [Kind; 2] = [(bilinear, "bilinear"), (nearest, "nearest")];
    kinds
        .into_iter()
        .filter_map(|(resize, how)| {
            let sites: Vec<_> = case
                .nodes()
                .filter_map(|(i, _)| {
                    let old = transposed(case, i, resize)?;
                    let [stride, filters] = [old.stride, old.channels[0]];
                    let note = format!("Conv2D({filters}, 1), UpSampling2D({stride})");
                    Some((Site::of(case, vec![i]).note(note), old))
                })
                .collect();
            let words = Words {
                title: format!("UpSampling2D ({how}) instead of Conv2DTranspose"),
                why: "A transposed convolution multiplies all of its taps at the small size and adds what \
                      overlaps at the large one; with uneven overlaps it leaves a chequered pattern. \
                      Enlarging has few weights to multiply, and the results are much the same once \
                      the network is trained with it."
                    .into(),
                instead: format!(
                    "Conv2D(filters, 1), then UpSampling2D(stride, interpolation='{how}'). Where edges \
                     get too soft, follow it by a DepthwiseConv2D of 3x3."
                ),
            };
            (!sites.is_empty()).then(|| Proposal::at_sites(NAME, words, sites, enlarge))
        })
        .collect()
}

/// A transposed convolution, and what to resize with instead.
struct Transposed {
    place: usize,
    /// Operands: image, filter, bias.
    operands: [usize; 3],
    /// Channels of the result and of the image.
    channels: [usize; 2],
    /// Height and width of the result.
    output: [usize; 2],
    stride: usize,
    activation: Option<Unary>,
    resize: Op,
}

fn transposed(case: &Case, place: usize, resize: fn(DType) -> Op) -> Option<Transposed> {
    let node = &case.graph.nodes[place];
    let (op, operands) = match &node.op {
        Op::Convolution2dTransposeBias(op) => (op, [0, 1, 2]),
        Op::TransposeConv(op) => (op, [2, 1, 3]),
        _ => return None,
    };
    let [co, _, _, ci] = case.extents(node, operands[1])?;
    let [_, oh, ow, _] = case.result(node).shape.nhwc().ok()?;
    let weights = node.inputs.get(operands[1]).copied()??;
    // Without a stride it is a convolution like any other.
    (op.stride != [1, 1] && case.is_weights(weights)).then_some(Transposed {
        place,
        operands,
        channels: [co, ci],
        output: [oh, ow],
        stride: op.stride[0],
        activation: op.activation,
        resize: resize(case.result(node).dtype),
    })
}

fn enlarge(editor: &mut Editor, old: &Transposed) -> Result<()> {
    let &Transposed { place, operands: [x, filter, bias], channels: [co, ci], .. } = old;
    let (x, filter) = (editor.operand(place, x)?, editor.operand(place, filter)?);
    let bias = editor.operand(place, bias).ok();
    editor.clear(place);
    let output = editor.node(place).outputs[0];
    let point = editor.weights(place, filter, &[co, 1, 1, ci], 0)?;
    let bias = editor.bias(place, [x, point], bias, co)?;
    let window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };
    // Of 1x1: the order makes no difference but to the time.
    let conv = Op::Conv2d(Conv2d { window, activation: old.activation });
    let small = editor.insert(place, conv, &[Some(x), Some(point), Some(bias)], output);
    let size = editor.list(&old.output)?;
    editor.insert_into(place, old.resize.clone(), &[Some(small), Some(size)], output);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, ops, sound};

    #[test]
    fn transposed_convolutions_become_resizes() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [16, 24], 3);
            net.relu_conv(16, 3, 2);
            net.transpose_conv(8, 2, 2);
            net.conv(1, 1, 1);
            let net = net.done();
            let proposals = net.proposals(find);
            let made: Vec<_> =
                proposals.iter().map(|p| ops(&sound(p, &net.graph))[1..3].to_vec()).collect();
            let resizes = ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"];
            assert_eq!(made, resizes.map(|resize| vec!["CONV_2D", resize]), "{form:?}");
        }
    }

    #[test]
    fn what_does_not_enlarge_stays() {
        let mut net = Net::new([16, 16], 3);
        net.transpose_conv(8, 3, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
