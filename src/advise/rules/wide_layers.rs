//! Many channels where the image is large.

use crate::advise::case::Case;
use crate::advise::widths::{Widths, with_channels};
use crate::advise::{Proposal, Words};
use std::collections::HashMap;

pub const NAME: &str = "wide-layers";

/// Channels that are plenty at the size of the input; at a half of its sides twice as many are, and so on.
const PLENTY: usize = 16;

/// From this fraction of the input's sides on images are not large any more.
const MAX_FRACTION: usize = 4;

/// Channels come in multiples of this.
const STEP: usize = 8;

pub fn find(case: &Case) -> Vec<Proposal> {
    let widths = Widths::new(case);
    let sides = |graph: &crate::graph::Graph, id| {
        graph.tensor(id).shape.nhwc().ok().map(|[_, h, w, _]| h.max(w))
    };
    let Some(input) = case.graph.inputs.first().and_then(|&id| sides(case.graph, id)) else {
        return Vec::new();
    };
    let fewer = |group: &crate::advise::widths::Group| {
        let largest = group.tensors.iter().filter_map(|&id| sides(case.graph, id)).max()?;
        let fraction = (input / largest.max(1)).max(1);
        let plenty = PLENTY * fraction;
        let half = (group.channels / 2).max(plenty).next_multiple_of(STEP);
        (group.is_free() && fraction <= MAX_FRACTION && half < group.channels).then_some(half)
    };
    let sites: Vec<(usize, usize)> = widths
        .groups
        .iter()
        .enumerate()
        .filter_map(|(g, group)| Some((g, fewer(group)?)))
        .collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "Fewer channels where the image is large".into(),
        why: "The time of a layer grows with height x width x channels, and that of a convolution with the \
              channels squared. Large images show edges and textures, for which few channels are enough; \
              what things are is decided deep inside, where channels are cheap. ENet, Fast-SCNN and \
              others are built so. It may cost some accuracy: train both and compare."
            .into(),
        instead: format!(
            "Half as many filters in these layers, but no fewer than {PLENTY} at the input's own size, {} \
             at half of it and {} at a quarter.",
            2 * PLENTY,
            4 * PLENTY
        ),
    };
    let site = |&(g, channels): &(usize, usize)| {
        let group = &widths.groups[g];
        group.site(case).note(format!("{} to {channels}", group.channels))
    };
    let list = sites.iter().map(site).collect();
    vec![Proposal::at(NAME, words, list, move |graph, chosen| {
        let channels: HashMap<usize, usize> = chosen.iter().map(|&s| sites[s]).collect();
        with_channels(graph, &widths, &channels)
    })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, sound};
    use crate::ops::BinaryKind;

    fn channels(graph: &crate::graph::Graph) -> Vec<usize> {
        let last =
            |n: &crate::graph::Node| *graph.tensor(n.outputs[0]).shape.dims().last().unwrap();
        graph.nodes.iter().filter(|n| !n.op.is_cheap()).map(last).collect()
    }

    #[test]
    fn large_images_get_fewer_channels() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [32, 32], 3);
            let wide = net.relu_conv(48, 3, 1);
            net.depthwise(3, 1);
            net.binary(BinaryKind::Add, wide);
            net.relu_conv(128, 3, 2);
            net.relu_conv(64, 3, 2);
            net.conv(1, 1, 1);
            let (_, changed) = only(find, net.done());
            assert_eq!(channels(&changed), [24, 24, 64, 64, 1], "{form:?}");
        }
    }

    #[test]
    fn joined_channels_follow() {
        let mut net = Net::new([32, 32], 3);
        let a = net.relu_conv(32, 3, 1);
        net.conv(64, 1, 1);
        net.concat(a);
        net.depthwise(3, 1);
        net.conv(1, 1, 1);
        let net = net.done();
        let proposals = net.proposals(find);
        let changed = sound(&proposals[0], &net.graph);
        assert_eq!(channels(&changed), [16, 32, 48, 1]);
    }

    #[test]
    fn few_channels_and_small_images_stay() {
        let mut net = Net::new([64, 64], 3);
        net.relu_conv(16, 3, 1);
        net.relu_conv(32, 3, 2);
        net.relu_conv(64, 3, 2);
        net.relu_conv(512, 3, 2);
        net.conv(1, 1, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
