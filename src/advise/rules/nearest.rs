//! Bilinear resizes as nearest-neighbour ones.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::ops::{Op, ResizeNearest};

pub const NAME: &str = "nearest";

pub fn find(case: &Case) -> Vec<Proposal> {
    let enlarges = |i: usize| {
        let node = &case.graph.nodes[i];
        let ([_, h, w, _], [_, oh, ow, _]) =
            (case.extents(node, 0)?, case.result(node).shape.nhwc().ok()?);
        let inside = case.is_inside(node.outputs[0]);
        let bilinear = matches!(node.op, Op::ResizeBilinear(_));
        (bilinear && inside && oh >= h && ow >= w).then(|| (Site::of(case, vec![i]), i))
    };
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| enlarges(i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "UpSampling2D (nearest) instead of bilinear inside of the network".into(),
        why: "A bilinear resize mixes four pixels for each one that it makes; the nearest neighbour is a copy. \
              The convolutions behind it smooth the result as well. Keep the last one, which makes the \
              mask, bilinear: it would have steps."
            .into(),
        instead: "UpSampling2D(stride), whose interpolation is 'nearest' by default, or \
                  tf.image.resize(method='nearest')."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, take_nearest)]
}

fn take_nearest(editor: &mut Editor, &place: &usize) -> Result<()> {
    let nearest = ResizeNearest { align_corners: false, half_pixel_centers: true };
    editor.node_mut(place)?.op = Op::ResizeNearest(nearest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};
    use crate::ops::Unary;

    #[test]
    fn resizes_inside_take_the_nearest_and_the_last_one_stays() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [8, 8], 4);
            net.conv(4, 1, 1);
            net.enlarge(2);
            net.conv(1, 3, 1);
            net.enlarge(2);
            net.unary(Unary::Logistic);
            let (_, changed) = only(find, net.done());
            let resizes = ["RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"];
            let expected = ["CONV_2D", resizes[0], "CONV_2D", resizes[1], "LOGISTIC"];
            assert_eq!(ops(&changed), expected, "{form:?}");
        }
    }

    #[test]
    fn without_one_inside_there_is_nothing_to_do() {
        let mut net = Net::new([8, 8], 4);
        net.conv(1, 3, 1);
        net.enlarge(2);
        assert!(net.done().proposals(find).is_empty());
    }
}
