//! What to change in a network so that it runs faster on this device, or becomes smaller.
//!
//! ```text
//! Graph + Profile ─rules─▶ Proposals ─blocks, timed in turn─▶ the layers where each gains
//!                              └─ the whole network with it, timed in turn with the original ─▶ Advice, ranked
//! ```
//!
//! A rule says what could be changed and how the network would look then. It promises nothing: the gain is
//! measured, on this device. [`propose`] and [`Proposal`] only rewrite graphs; [`measure`] runs them;
//! [`advice`] has the words and the ranking.

#![forbid(unsafe_code)]

pub mod advice;
pub mod case;
pub mod edit;
pub mod extract;
pub mod measure;
pub mod quantize;
pub mod rules;
pub mod weights;
pub mod widths;

pub use advice::{Advice, LayerRef, rank};
pub use measure::{Difference, ThisDevice, Timer, advise, advise_on};
pub use rules::{RULES, Rule};

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::input_size;
use crate::profile::Profile;
use case::Case;
use edit::Editor;
use extract::Block;
use std::collections::HashMap;
use std::fmt;

/// Less than this share of the network's time is no gain.
pub const MIN_GAIN: f64 = 0.02;

/// Layers that take less than this share of the network's time are left alone: what all of them together
/// could gain is looked for where they are many.
const MIN_SITE: f64 = 0.003;

/// Places that one proposal changes, at most: the ones that take longest.
const MAX_SITES: usize = 48;

/// What a rule has to say, the same for every network.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// What is to be done, in a few words.
    pub title: String,
    /// Why that is faster, and what it may cost.
    pub why: String,
    /// What to write instead, in Keras's and TensorFlow's words.
    pub instead: String,
}

/// What a proposal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// A faster network. The gain is a matter of measuring.
    Time,
    /// A smaller file.
    Size,
}

/// A place where a proposal changes the network, apart from the other ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Site {
    /// Layers that are other ones afterwards, by their place in [`Graph::nodes`]; none for the network as a
    /// whole.
    pub layers: Vec<usize>,
    /// What is different here, such as a number of channels; may be empty.
    pub note: String,
    /// Milliseconds that these layers take now, with those that read other numbers then.
    pub ms: f64,
}

impl Site {
    /// Some layers.
    pub(crate) fn of(case: &Case, layers: Vec<usize>) -> Site {
        Site { ms: case.ms(&layers), layers, note: String::new() }
    }

    /// Says what is different.
    pub(crate) fn note(self, note: String) -> Site {
        Site { note, ..self }
    }
}

/// Makes the graph with the changes of some sites.
type Apply = Box<dyn Fn(&Graph, &[usize]) -> Result<Graph>>;

/// A change of the network that may be worth it.
pub struct Proposal {
    /// Name of the rule. Of several proposals by one rule one is given: the first, unless a later one saves
    /// much more.
    pub rule: &'static str,
    /// What to say.
    pub words: Words,
    /// What for.
    pub aim: Aim,
    /// Where.
    pub sites: Vec<Site>,
    /// Whether all of the network changes: then there are no blocks.
    pub whole: bool,
    apply: Apply,
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proposal { rule, words, sites, .. } = self;
        write!(f, "{rule}: {} at {sites:?}", words.title)
    }
}

impl Proposal {
    /// A proposal whose sites are changed one by one: `edit` changes the site that a value stands for.
    pub(crate) fn at_sites<S: 'static>(
        rule: &'static str,
        words: Words,
        sites: Vec<(Site, S)>,
        edit: fn(&mut Editor, &S) -> Result<()>,
    ) -> Proposal {
        let (sites, values): (Vec<Site>, Vec<S>) = sites.into_iter().unzip();
        Proposal::at(rule, words, sites, move |graph, chosen| {
            let mut editor = Editor::new(graph);
            chosen.iter().try_for_each(|&site| edit(&mut editor, &values[site]))?;
            editor.finish()
        })
    }

    /// A proposal that changes all chosen sites together: `apply` gets their places in `sites`.
    pub(crate) fn at(
        rule: &'static str,
        words: Words,
        sites: Vec<Site>,
        apply: impl Fn(&Graph, &[usize]) -> Result<Graph> + 'static,
    ) -> Proposal {
        let apply = Box::new(apply);
        Proposal { rule, words, aim: Aim::Time, sites, whole: false, apply }
    }

    /// A proposal that changes the whole network at once.
    pub(crate) fn of_whole(
        case: &Case,
        rule: &'static str,
        words: Words,
        apply: impl Fn(&Graph) -> Result<Graph> + 'static,
    ) -> Proposal {
        let sites = vec![Site { ms: case.total_ms(), ..Site::default() }];
        let apply = Box::new(move |graph: &Graph, _: &[usize]| apply(graph));
        Proposal { rule, words, aim: Aim::Time, sites, whole: true, apply }
    }

    /// The network with the changes of some sites, by their place in [`Proposal::sites`]. `graph` is the one
    /// that was proposed for.
    pub fn rewrite_at(&self, graph: &Graph, sites: &[usize]) -> Result<Graph> {
        let changed = (self.apply)(graph, sites)?;
        let shapes = |graph: &Graph| -> Vec<_> {
            graph.outputs.iter().map(|&id| graph.tensor(id).shape.clone()).collect()
        };
        if self.whole || shapes(graph) == shapes(&changed) {
            return Ok(changed);
        }
        Err(Error::unsupported(format!("{} changes the outputs' shapes", self.rule)))
    }

    /// The network with all changes.
    pub fn rewrite(&self, graph: &Graph) -> Result<Graph> {
        let all: Vec<usize> = (0..self.sites.len()).collect();
        self.rewrite_at(graph, &all)
    }

    /// What to time for each site. Sites whose blocks take the same time share one.
    pub fn blocks(&self, graph: &Graph) -> Result<Vec<(Block, Vec<usize>)>> {
        let mut blocks: Vec<(Block, Vec<usize>)> = Vec::new();
        let mut by_signature: HashMap<String, usize> = HashMap::new();
        for site in 0..self.sites.len() {
            let block = Block::between(graph, &self.rewrite_at(graph, &[site])?)?;
            let at = *by_signature.entry(block.signature()).or_insert_with(|| {
                blocks.push((block, Vec::new()));
                blocks.len() - 1
            });
            blocks[at].1.push(site);
        }
        Ok(blocks)
    }

    /// Leaves only some sites.
    pub fn keep(&mut self, sites: &[usize]) {
        self.sites = sites.iter().map(|&site| self.sites[site].clone()).collect();
        let old = std::mem::replace(&mut self.apply, Box::new(|graph, _| Ok(graph.clone())));
        let kept = sites.to_vec();
        self.apply = Box::new(move |graph, chosen| {
            let chosen: Vec<usize> = chosen.iter().map(|&site| kept[site]).collect();
            old(graph, &chosen)
        });
    }

    /// The layers that are changed, in the file's order; none where it is the network as a whole.
    pub fn layers(&self, graph: &Graph) -> Vec<LayerRef> {
        let mut layers: Vec<usize> = self.sites.iter().flat_map(|s| s.layers.clone()).collect();
        layers.sort_unstable();
        layers.dedup();
        layers.into_iter().map(|i| LayerRef::of(graph, i)).collect()
    }

    /// What to write instead, with what is different at these sites.
    pub fn instead(&self) -> String {
        const MAX_NOTES: usize = 8;
        let mut notes: Vec<&str> = Vec::new();
        for note in self.sites.iter().map(|site| site.note.as_str()) {
            if !note.is_empty() && !notes.contains(&note) {
                notes.push(note);
            }
        }
        let more = if notes.len() > MAX_NOTES { " and so on" } else { "" };
        notes.truncate(MAX_NOTES);
        match notes.is_empty() {
            true => self.words.instead.clone(),
            false => format!("{} Here: {}{more}.", self.words.instead, notes.join(", ")),
        }
    }
}

/// All that could be changed in a network, as read from its file with shapes inferred. Every rewritten graph
/// is sound, and has outputs of the same shapes, unless its input has another size.
pub fn propose(graph: &Graph, profile: &Profile) -> Vec<Proposal> {
    let case = Case::new(graph, profile);
    let found = RULES.iter().flat_map(|rule| (rule.find)(&case));
    found.filter_map(|proposal| checked(proposal, &case)).collect()
}

/// A proposal with those of its sites that are worth a look and can be changed, one by one and together.
fn checked(mut proposal: Proposal, case: &Case) -> Option<Proposal> {
    let total = case.total_ms();
    let works = |sites: &[usize]| proposal.rewrite_at(case.graph, sites).is_ok();
    let mut sites: Vec<usize> = (0..proposal.sites.len()).collect();
    if proposal.aim == Aim::Time {
        let ms = |site: &usize| proposal.sites[*site].ms;
        sites.retain(|site| ms(site) >= MIN_SITE * total);
        sites.sort_by(|a, b| ms(b).total_cmp(&ms(a)));
        sites.truncate(MAX_SITES);
        sites.sort_unstable();
        sites.retain(|&site| works(&[site]));
        if sites.iter().map(ms).sum::<f64>() < MIN_GAIN * total {
            return None;
        }
    }
    if !works(&sites) {
        // Some of them exclude each other: the first one that fits stays.
        let all = std::mem::take(&mut sites);
        for site in all.into_iter().take(MAX_SITES) {
            sites.push(site);
            if !works(&sites) {
                sites.pop();
            }
        }
    }
    if sites.is_empty() {
        return None;
    }
    proposal.keep(&sites);
    Some(proposal)
}

/// The graph at another input size, for proposals.
fn at_size(graph: &Graph, [height, width]: [usize; 2]) -> Result<Graph> {
    input_size::resized(graph, height, width)
}

/// Bytes of all constants that a graph reads: nearly all of its file.
pub fn constant_bytes(graph: &Graph) -> u64 {
    let mut read: Vec<usize> =
        graph.nodes.iter().flat_map(|n| n.inputs.iter().flatten()).map(|id| id.0).collect();
    read.sort_unstable();
    read.dedup();
    let made = graph.producers();
    let of = |&id: &usize| {
        let tensor = &graph.tensors[id];
        let data = tensor.data.as_ref().filter(|_| !made.contains_key(&crate::graph::TensorId(id)));
        data.map_or(0, |data| (data.len() * data.dtype().size()) as u64)
    };
    read.iter().map(of).sum()
}
