//! Sums instead of tensors side by side.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::widths::{Widths, set_channels};
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::graph::Graph;
use crate::ops::layout::Join;
use crate::ops::{Binary, BinaryKind, Layout, Op};
use std::collections::HashMap;

pub const NAME: &str = "concatenation";

/// Sums of more are not proposed.
const MAX_PARTS: usize = 4;

pub fn find(case: &Case) -> Vec<Proposal> {
    let widths = Widths::new(case);
    let sites: Vec<Joined> = case.nodes().filter_map(|(i, _)| joined(case, &widths, i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "Add instead of Concatenate".into(),
        why: "Concatenation copies all of its parts, and the next convolution multiplies all of their \
              channels. A sum has the channels of one part: half the multiply-adds where two are \
              joined. LinkNet joins its encoder to its decoder so, and is about as accurate as U-Net."
            .into(),
        instead: "layers.Add() where layers.Concatenate() joins tensors of the same shape.".into(),
    };
    let list = sites.iter().map(|joined| {
        let site = widths.groups[joined.group].site(case);
        Site { layers: vec![joined.place], ..site }
    });
    let list = list.collect();
    vec![Proposal::at(NAME, words, list, move |graph, chosen| {
        let chosen: Vec<&Joined> = chosen.iter().map(|&site| &sites[site]).collect();
        add(graph, &widths, &chosen)
    })]
}

struct Joined {
    place: usize,
    /// Of the result, in the widths.
    group: usize,
    /// Channels of each part.
    channels: usize,
}

fn joined(case: &Case, widths: &Widths, place: usize) -> Option<Joined> {
    let node = &case.graph.nodes[place];
    let Op::Layout(Layout::Join(join @ Join::Concatenation(_))) = &node.op else { return None };
    let result = case.result(node);
    let rank = result.shape.rank();
    let parts: Vec<_> = node.inputs.iter().flatten().map(|&id| case.graph.tensor(id)).collect();
    let same = parts.windows(2).all(|pair| pair[0].shape == pair[1].shape);
    let activations = node.inputs.iter().flatten().all(|&id| !case.is_weights(id));
    if !same || !activations || !(2..=MAX_PARTS).contains(&parts.len()) || rank != 4 {
        return None;
    }
    let group = widths.of(node.outputs[0])?;
    let fixed = widths.groups[group].fixed || join.axis(rank).ok()? + 1 != rank;
    let channels = *parts[0].shape.dims().last()?;
    (!fixed).then_some(Joined { place, group, channels })
}

fn add(graph: &Graph, widths: &Widths, sites: &[&Joined]) -> Result<Graph> {
    let mut editor = Editor::new(graph);
    let channels: HashMap<usize, usize> = sites.iter().map(|s| (s.group, s.channels)).collect();
    set_channels(&mut editor, graph, widths, &channels)?;
    for site in sites {
        let node = editor.node(site.place);
        let output = node.outputs[0];
        editor.clear(site.place);
        let op = || Op::Binary(Binary { kind: BinaryKind::Add, activation: None });
        let mut sum = node.inputs[0];
        for (k, &part) in node.inputs.iter().enumerate().skip(1) {
            if k + 1 == node.inputs.len() {
                editor.insert_into(site.place, op(), &[sum, part], output);
            } else {
                sum = Some(editor.insert(site.place, op(), &[sum, part], output));
            }
        }
    }
    editor.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};

    #[test]
    fn what_is_joined_is_added() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [8, 8], 3);
            let skip = net.relu_conv(8, 3, 1);
            net.relu_conv(8, 3, 1);
            net.concat(skip);
            net.depthwise(3, 1);
            net.conv(1, 1, 1);
            let (graph, changed) = only(find, net.done());
            let expected = ["CONV_2D", "CONV_2D", "ADD", "DEPTHWISE_CONV_2D", "CONV_2D"];
            assert_eq!(ops(&changed), expected);
            assert_eq!(ops(&graph)[2], "CONCATENATION");
            let filter = changed.nodes.last().unwrap().inputs[1].unwrap();
            assert_eq!(changed.tensor(filter).shape.dims(), [1, 1, 1, 8], "{form:?}");
        }
    }

    #[test]
    fn parts_that_differ_and_results_that_are_asked_for_stay() {
        let mut net = Net::new([8, 8], 3);
        let skip = net.relu_conv(8, 3, 1);
        net.relu_conv(16, 3, 1);
        net.concat(skip);
        net.conv(1, 1, 1);
        assert!(net.done().proposals(find).is_empty());
        let mut net = Net::new([8, 8], 3);
        let skip = net.relu_conv(8, 3, 1);
        net.relu_conv(8, 3, 1);
        net.concat(skip);
        assert!(net.done().proposals(find).is_empty());
    }
}
