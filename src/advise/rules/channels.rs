//! Numbers of channels that are multiples of 8, or of 4.

use crate::advise::case::Case;
use crate::advise::widths::{Widths, with_channels};
use crate::advise::{Proposal, Site, Words};
use std::collections::HashMap;
use std::rc::Rc;

pub const NAME: &str = "channels";

/// In words, and as a function of a number of channels.
type Rounding = (&'static str, fn(usize) -> usize);

pub fn find(case: &Case) -> Vec<Proposal> {
    let widths = Rc::new(Widths::new(case));
    let roundings: [Rounding; 3] = [
        ("up to a multiple of 8", |c| c.next_multiple_of(8)),
        ("up to a multiple of 4", |c| c.next_multiple_of(4)),
        ("down to a multiple of 4 or 8", |c| {
            let below = [c / 8 * 8, c / 4 * 4];
            // More than an eighth of the channels is another network.
            below.into_iter().find(|&b| 8 * (c - b) <= c).unwrap_or(c)
        }),
    ];
    roundings
        .into_iter()
        .filter_map(|(how, round)| {
            let sites: Vec<(usize, usize)> = (0..widths.groups.len())
                .map(|g| (g, round(widths.groups[g].channels)))
                .filter(|&(g, rounded)| {
                    let group = &widths.groups[g];
                    // A few channels at the start or the end have a meaning.
                    group.is_free() && group.channels > 4 && rounded != group.channels && rounded > 0
                })
                .collect();
            let words = Words {
                title: format!("Filters rounded {how}"),
                why: "Vectors hold 4 numbers and products of matrices work on 8 channels at once. Channels \
                      beyond a multiple of them leave lanes empty, or are done one by one, in every \
                      layer that reads or makes them."
                    .into(),
                instead: format!(
                    "Round the number of filters of these layers {how}, as _make_divisible does in \
                     MobileNet's code."
                ),
            };
            let site = |&(g, channels): &(usize, usize)| {
                let group = &widths.groups[g];
                group.site(case).note(format!("{} to {channels}", group.channels))
            };
            let list: Vec<Site> = sites.iter().map(site).collect();
            let widths = widths.clone();
            (!list.is_empty()).then(|| {
                Proposal::at(NAME, words, list, move |graph, chosen| {
                    let channels: HashMap<usize, usize> =
                        chosen.iter().map(|&s| sites[s]).collect();
                    with_channels(graph, &widths, &channels)
                })
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, sound};

    #[test]
    fn channels_are_rounded_up_and_down() {
        for form in Form::ALL {
            let mut net = Net::of_form(form, [16, 16], 3);
            net.relu_conv(35, 3, 1);
            net.depthwise(3, 1);
            net.relu_conv(14, 1, 1);
            net.relu_conv(16, 1, 1);
            net.conv(1, 1, 1);
            let net = net.done();
            let proposals = net.proposals(find);
            let made = proposals.iter().map(|p| {
                let changed = sound(p, &net.graph);
                let widths = changed.nodes.iter().filter(|n| !n.op.is_cheap());
                widths.map(|n| changed.tensor(n.outputs[0]).shape.dims()[3]).collect::<Vec<_>>()
            });
            let made: Vec<_> = made.collect();
            assert_eq!(
                made,
                [[40, 40, 16, 16, 1], [36, 36, 16, 16, 1], [32, 32, 14, 16, 1]],
                "{form:?}"
            );
        }
    }

    #[test]
    fn multiples_of_8_stay() {
        let mut net = Net::new([16, 16], 3);
        net.relu_conv(8, 3, 1);
        net.relu_conv(24, 3, 1);
        net.conv(5, 1, 1);
        assert!(net.done().proposals(find).is_empty());
    }
}
