//! Weights in fewer bytes, where the file is large.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Aim, Proposal, Site, Words, constant_bytes};
use crate::error::{Error, Result};
use crate::ops::Op;
use crate::tensor::{DType, Data, f32_to_f16};

pub const NAME: &str = "model-size";

/// What people hope for, in bytes: at most 10 MB, or even 1 MB.
const LIMITS: [(u64, &str); 2] = [(10_000_000, "10 MB"), (1_000_000, "1 MB")];

/// Smaller constants are left as they are.
const MIN_ELEMENTS: usize = 256;

pub fn find(case: &Case) -> Vec<Proposal> {
    let bytes = constant_bytes(case.graph);
    let Some((_, limit)) = LIMITS.iter().find(|(limit, _)| bytes > *limit) else {
        return Vec::new();
    };
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| stored_in_floats(case, i)).collect();
    let halved: u64 = sites.iter().map(|(_, weights)| weights.bytes / 2).sum();
    if sites.is_empty() {
        return Vec::new();
    }
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let words = Words {
        title: "Half floats in the file".into(),
        why: format!(
            "The weights take {:.1} MB; on phones {limit} are hoped for. As half floats they take {:.1} MB, \
             and nothing else changes: they are widened when the model is loaded, and a mask shows no \
             difference. int8 weights would take about {:.1} MB.",
            mb(bytes),
            mb(bytes - halved),
            mb(bytes - halved - halved / 2)
        ),
        instead: "converter.optimizations = [tf.lite.Optimize.DEFAULT]; \
                  converter.target_spec.supported_types = [tf.float16] (leave the second line out for \
                  int8 weights: dynamic range quantization)."
            .into(),
    };
    let mut proposal = Proposal::at_sites(NAME, words, sites, halve);
    proposal.aim = Aim::Size;
    vec![proposal]
}

struct Weights {
    place: usize,
    bytes: u64,
}

/// The filter of a layer, where the file has it in float32.
fn stored_in_floats(case: &Case, place: usize) -> Option<(Site, Weights)> {
    let node = &case.graph.nodes[place];
    node.op.bias_operand()?;
    let filter = case.operand(node, 1)?;
    let elements = filter.data.as_ref().filter(|data| data.dtype() == DType::F32)?.len();
    let weights = Weights { place, bytes: 4 * elements as u64 };
    (elements >= MIN_ELEMENTS).then(|| (Site::of(case, vec![place]), weights))
}

fn halve(editor: &mut Editor, weights: &Weights) -> Result<()> {
    let filter = editor.operand(weights.place, 1)?;
    let tensor = editor.tensor(filter);
    let values = tensor.data.as_ref().and_then(|data| data.view().f32());
    let values = values.ok_or_else(|| Error::unsupported("weights that are not float32"))?;
    let halves = Data::F16(values.iter().map(|&v| f32_to_f16(v)).collect());
    let shape = tensor.shape.dims().to_vec();
    let half = editor.constant(&shape, halves)?;
    let wide = editor.add(DType::F32, None);
    editor.insert_before(weights.place, Op::Dequantize, vec![Some(half)], wide);
    editor.node_mut(weights.place)?.inputs[1] = Some(wide);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only};

    #[test]
    fn large_weights_are_halved() {
        let mut net = Net::new([8, 8], 64);
        net.relu_conv(512, 3, 4);
        net.conv(8, 1, 1);
        let (graph, changed) = only(find, net.done());
        let (before, after) = (constant_bytes(&graph), constant_bytes(&changed));
        let biases = 4 * (512 + 8);
        assert_eq!(before, 4 * (9 * 64 * 512 + 512 * 8) + biases);
        assert_eq!(after - biases, (before - biases) / 2);
    }

    #[test]
    fn small_files_and_half_floats_stay() {
        let mut net = Net::new([8, 8], 8);
        net.relu_conv(64, 3, 4);
        assert!(net.done().proposals(find).is_empty());
        let mut net = Net::of_form(Form::F16, [8, 8], 64);
        net.relu_conv(1024, 3, 4);
        assert!(net.done().proposals(find).is_empty());
    }
}
