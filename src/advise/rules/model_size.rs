//! Weights in fewer bytes, where the file is large.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Aim, Proposal, Site, Words, constant_bytes};
use crate::error::{Error, Result};
use crate::graph::TensorId;
use crate::ops::Op;
use crate::tensor::{DType, Data, Quantization, View, f16_to_f32, f32_to_f16};

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
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let large = format!("The weights take {}; on phones {limit} is hoped for.", mb(bytes));
    [DType::F32, DType::F16]
        .into_iter()
        .filter_map(|dtype| {
            let sites: Vec<_> =
                case.nodes().filter_map(|(i, _)| stored_as(case, i, dtype)).collect();
            let saved: u64 = sites.iter().map(|(_, weights)| weights.bytes / 2).sum();
            let words = match dtype {
                DType::F32 => Words {
                    title: "Half floats in the file".into(),
                    why: format!(
                        "{large} As half floats they take {}, and nothing else changes: they are widened \
                         when the model is loaded, and masks show no difference.",
                        mb(bytes - saved)
                    ),
                    instead: "converter.optimizations = [tf.lite.Optimize.DEFAULT]; \
                              converter.target_spec.supported_types = [tf.float16]. Without the second line \
                              the weights become int8, half of that again (dynamic range quantization)."
                        .into(),
                },
                _ => Words {
                    title: "int8 weights in the file".into(),
                    why: format!(
                        "{large} As int8 they take {}. Each channel has a scale of its own, so that little \
                         accuracy is lost. It is no faster: they are made floats when the model is \
                         loaded.",
                        mb(bytes - saved)
                    ),
                    instead: "converter.optimizations = [tf.lite.Optimize.DEFAULT] without supported_types \
                              (dynamic range quantization)."
                        .into(),
                },
            };
            let mut proposal = Proposal::at_sites(NAME, words, sites, shrink);
            proposal.aim = Aim::Size;
            (saved > 0).then_some(proposal)
        })
        .collect()
}

struct Weights {
    place: usize,
    /// The constant: the filter, or what is widened to it.
    stored: TensorId,
    bytes: u64,
}

/// The filter of a layer, where the file has it in that type.
fn stored_as(case: &Case, place: usize, dtype: DType) -> Option<(Site, Weights)> {
    let node = &case.graph.nodes[place];
    node.op.bias_operand()?;
    let filter = node.inputs.get(1).copied()??;
    let stored = match case.producer(filter).filter(|_| case.is_weights(filter)) {
        Some(widens) => case.graph.nodes[widens].inputs.first().copied()??,
        None => filter,
    };
    let elements = case.graph.tensor(stored).data.as_ref().filter(|d| d.dtype() == dtype)?.len();
    let weights = Weights { place, stored, bytes: (dtype.size() * elements) as u64 };
    (elements >= MIN_ELEMENTS).then(|| (Site::of(case, vec![place]), weights))
}

/// From float32 to half floats, from those to int8.
fn shrink(editor: &mut Editor, weights: &Weights) -> Result<()> {
    let &Weights { place, stored, .. } = weights;
    let tensor = editor.tensor(stored).clone();
    let shape = tensor.shape.dims();
    let smaller = match tensor.data.as_ref().map(|data| data.view()) {
        Some(View::F32(values)) => {
            let halves = Data::F16(values.iter().map(|&v| f32_to_f16(v)).collect());
            let half = editor.constant(shape, halves)?;
            let wide = editor.add(DType::F32, None);
            editor.insert_before(place, Op::Dequantize, vec![Some(half)], wide);
            wide
        }
        Some(View::F16(halves)) => {
            let axis = if matches!(editor.node(place).op, Op::DepthwiseConv2d(_)) { 3 } else { 0 };
            let values: Vec<f32> = halves.iter().map(|&h| f16_to_f32(h)).collect();
            let (bytes, scales) = quantized(&values, shape, axis);
            let id = editor.constant(shape, Data::I8(bytes))?;
            editor.set_scales(id, scales);
            id
        }
        _ => return Err(Error::unsupported("weights that are no floats")),
    };
    editor.node_mut(place)?.inputs[1] = Some(smaller);
    Ok(())
}

/// The nearest of 255 values, from minus to plus the largest of each slice along an axis.
fn quantized(values: &[f32], shape: &[usize], axis: usize) -> (Vec<i8>, Quantization) {
    let channels = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let channel = |i: usize| i / inner % channels;
    let mut scale = vec![f32::MIN_POSITIVE; channels];
    for (i, v) in values.iter().enumerate() {
        scale[channel(i)] = scale[channel(i)].max(v.abs() / 127.0);
    }
    // What is too large, or no number, ends at the limits, or at 0.
    let bytes = values.iter().enumerate().map(|(i, v)| (v / scale[channel(i)]).round() as i8);
    (bytes.collect(), Quantization { zero_point: vec![0; channels], scale, axis })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only};

    fn large(form: Form) -> Net {
        let mut net = Net::of_form(form, [8, 8], 64);
        net.relu_conv(1024, 3, 4);
        net.depthwise(3, 1);
        net.conv(8, 1, 1);
        net.done()
    }

    #[test]
    fn large_weights_are_halved() {
        let biases = 1024 + 1024 + 8;
        let filters = 9 * 64 * 1024 + 9 * 1024 + 8 * 1024;
        for (form, size) in [(Form::F32, 4), (Form::F16, 2)] {
            let (graph, changed) = only(find, large(form));
            let [before, after] = [&graph, &changed].map(constant_bytes);
            assert_eq!(
                (before, after),
                (size * (filters + biases), size / 2 * filters + size * biases)
            );
        }
    }

    #[test]
    fn bytes_are_near_what_they_stand_for() {
        let values = [0.5, -1.0, 0.25, 100.0, 0.0, -50.0];
        for (shape, axis) in [([2, 1, 1, 3], 0), ([1, 1, 2, 3], 3)] {
            let (bytes, q) = quantized(&values, &shape, axis);
            for (i, v) in values.iter().enumerate() {
                let scale = q.scale[if axis == 0 { i / 3 } else { i % 3 }];
                assert!((f32::from(bytes[i]) * scale - v).abs() <= 0.5001 * scale, "{i}");
            }
        }
    }

    #[test]
    fn small_files_and_integers_stay() {
        let mut net = Net::new([8, 8], 8);
        net.relu_conv(64, 3, 4);
        assert!(net.done().proposals(find).is_empty());
        let mut net = Net::of_form(Form::I8, [8, 8], 64);
        net.relu_conv(2048, 3, 4);
        assert!(net.done().proposals(find).is_empty());
    }
}
