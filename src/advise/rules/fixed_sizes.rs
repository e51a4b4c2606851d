//! Sizes that are computed, though they are always the same.

use crate::advise::case::Case;
use crate::advise::edit::Editor;
use crate::advise::{Proposal, Site, Words};
use crate::error::Result;
use crate::ops::Op;

pub const NAME: &str = "fixed-sizes";

pub fn find(case: &Case) -> Vec<Proposal> {
    let computed = |i: usize| {
        let node = &case.graph.nodes[i];
        let is_computed = case.producer(node.inputs.first().copied()??).is_some();
        let transposed = matches!(node.op, Op::TransposeConv(_));
        (transposed && is_computed).then(|| (Site::of(case, vec![i]), i))
    };
    let sites: Vec<_> = case.nodes().filter_map(|(i, _)| computed(i)).collect();
    if sites.is_empty() {
        return Vec::new();
    }
    let words = Words {
        title: "A fixed batch size, so that sizes are constants".into(),
        why: "The network computes the output size of these layers from the shape of its input, since it was \
              converted for any number of images. Kernels that want to know sizes beforehand are not \
              used then: TFLite takes slower ones as well. Nothing is lost with a batch of 1."
            .into(),
        instead: "keras.Input(shape, batch_size=1), or a concrete function of a fixed input shape, before the \
                  model is converted. No training is needed."
            .into(),
    };
    vec![Proposal::at_sites(NAME, words, sites, fix)]
}

fn fix(editor: &mut Editor, &place: &usize) -> Result<()> {
    let result = editor.tensor(editor.node(place).outputs[0]).shape.dims().to_vec();
    let size = editor.list(&result)?;
    let node = editor.node_mut(place)?;
    node.inputs[0] = Some(size);
    if let Op::TransposeConv(op) = &mut node.op {
        op.rounds_twice = false;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::rules::testing::{Form, Net, only, ops};
    use crate::tensor::DType;

    /// A transposed convolution whose size is the shape of an image that is as large.
    fn computed(form: Form) -> Net {
        let mut net = Net::of_form(form, [8, 8], 4);
        let large = net.conv(4, 1, 1);
        let size = net.plain_node(Op::Shape(DType::I32), &[large]);
        net.last = large;
        net.conv(4, 1, 2);
        net.transpose_conv(4, 2, 2);
        let node = net.graph.nodes.last_mut().unwrap();
        node.inputs[0] = Some(size);
        if let Op::TransposeConv(op) = &mut node.op {
            op.rounds_twice = true;
        }
        net.done()
    }

    #[test]
    fn sizes_become_constants() {
        for form in Form::ALL {
            let net = computed(form);
            // In the block the size is computed before, and constant after.
            let proposals = net.proposals(find);
            let blocks = proposals[0].blocks(&net.graph).unwrap();
            assert!(ops(&blocks[0].0.before).contains(&"SHAPE"));
            let (_, changed) = only(find, net);
            assert_eq!(ops(&changed), ["CONV_2D", "CONV_2D", "TRANSPOSE_CONV"], "{form:?}");
        }
    }

    #[test]
    fn constants_stay() {
        let mut net = Net::new([8, 8], 4);
        net.transpose_conv(4, 2, 2);
        assert!(net.done().proposals(find).is_empty());
    }
}
