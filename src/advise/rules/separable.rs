//! Full convolutions as separable ones: each channel alone, then the channels of each pixel.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::ops::{Conv2d, DepthwiseConv2d, Op, Padding, Window};

pub const NAME: &str = "separable";

/// With fewer channels there is little to separate: the first layer stays as it is.
const MIN_CHANNELS: usize = 8;

const POINT: Window = Window { stride: [1, 1], dilation: [1, 1], padding: Padding::Same };

pub fn find(case: &Case) -> Vec<Proposal> {
    let sites: Vec<_> = case
        .nodes()
        .filter_map(|(i, _)| {
            let full = separated(case, i)?;
            Some((Site::of(case, vec![i]).note(full.written()), full))
        })
        .collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "Separable convolutions instead of full ones".into(),
        why: "A full convolution multiplies every channel by every channel at each of its k x k taps. A \
              separable one filters each channel alone, then mixes the channels of each pixel: about \
              k x k times fewer multiply-adds. Memory is read once more, so that less is saved than \
              that. Networks such as MobileNet lose little accuracy by it when they are trained anew."
            .into(),
        instead: "SeparableConv2D with the same filters, kernel size, strides and padding (or \
                  DepthwiseConv2D, then Conv2D of 1x1)."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, separate)]
}

/// A full convolution and its extents.
struct Full {
    place: usize,
    op: Conv2d,
    /// `[co, kh, kw, ci]`.
    filter: [usize; 4],
}

impl Full {
    /// The separable layer in Keras's words.
    fn written(&self) -> String {
        let Full { op: Conv2d { window, .. }, filter: [co, kh, kw, _], .. } = self;
        let kernel = if kh == kw { kh.to_string() } else { format!("({kh}, {kw})") };
        match window.stride {
            [1, 1] => format!("SeparableConv2D({co}, {kernel})"),
            [stride, _] => format!("SeparableConv2D({co}, {kernel}, strides={stride})"),
        }
    }
}

fn separated(case: &Case, place: usize) -> Option<Full> {
    let node = &case.graph.nodes[place];
    let Op::Conv2d(op) = node.op else { return None };
    let (filter @ [co, kh, kw, depth], [_, _, _, ci]) =
        (case.extents(node, 1)?, case.extents(node, 0)?);
    let weights = node.inputs[1..].iter().flatten().all(|&id| case.is_weights(id));
    let (full, separable) = (kh * kw * co, kh * kw + co);
    let pays = depth == ci && kh * kw > 1 && 2 * separable <= full;
    (pays && weights && ci.min(co) >= MIN_CHANNELS).then_some(Full { place, op, filter })
}

fn separate(editor: &mut Editor, full: &Full) -> Result<()> {
    let &Full { place, op, filter: [co, kh, kw, ci] } = full;
    let [x, filter] = [editor.operand(place, 0)?, editor.operand(place, 1)?];
    let bias = editor.operand(place, 2).ok();
    editor.clear(place);
    let each = editor.weights(place, filter, &[1, kh, kw, ci], 3)?;
    let depthwise = DepthwiseConv2d { window: op.window, activation: None };
    let depthwise = Op::DepthwiseConv2d(depthwise);
    let output = editor.node(place).outputs[0];
    let no_bias = editor.bias(place, [x, each], bias, ci)?;
    let filtered = editor.insert(place, depthwise, &[Some(x), Some(each), Some(no_bias)], output);
    let point = editor.weights(place, filter, &[co, 1, 1, ci], 0)?;
    let bias = editor.bias(place, [filtered, point], bias, co)?;
    let mix = Op::Conv2d(Conv2d { window: POINT, activation: op.activation });
    editor.insert_into(place, mix, &[Some(filtered), Some(point), Some(bias)], output);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};

    #[test]
    fn full_convolutions_are_separated() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [16, 24], 3);
            net.conv(16, 3, 2);
            net.relu_conv(32, 3, 1);
            net.conv(8, 1, 1);
            let net = net.done();
            let (_, changed) = only(find, net.clone());
            let note = &net.proposals(find)[0].sites[0].note;
            assert_eq!(note, "SeparableConv2D(32, 3)");
            assert_eq!(
                ops(&changed),
                ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "CONV_2D"],
                "{form:?}"
            );
        }
    }

    #[test]
    fn first_layers_and_points_stay() {
        let mut net = Net::new([16, 16], 3);
        net.conv(16, 3, 1);
        net.conv(32, 1, 1);
        net.depthwise(3, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
