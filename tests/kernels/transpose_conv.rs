use crate::support::*;
use octomask::kernels::{ConvSpec, DisjointTransposeConv, TransposeConv};
use octomask::ops::{self, Op, Padding};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn windows_that_meet_overlap_and_leave_gaps() {
    let mut seed = 0;
    let mut ran = 0;
    let mut disjoint = 0;
    for padding in [Padding::Same, Padding::Valid] {
        for stride in [[1, 1], [2, 2], [3, 3], [2, 1], [1, 2]] {
            for [kh, kw] in [[1, 1], [2, 2], [3, 3], [4, 4], [2, 3], [3, 2], [1, 5]] {
                for [h, w] in [[1, 1], [2, 3], [4, 4], [3, 9]] {
                    seed += 1;
                    let mut random = Random(seed);
                    let ci = random.pick(&[1, 3, 4, 7, 16]);
                    let co = random.pick(&[1, 2, 3, 5, 9]);
                    let attributes = ops::TransposeConv {
                        stride,
                        padding,
                        activation: random.pick(&ACTIVATIONS),
                        rounds_twice: false,
                    };
                    let op = Op::Convolution2dTransposeBias(attributes);
                    let n = random.pick(&[1, 2]);
                    let input = random.tensor(&[n, h, w, ci]);
                    let filter = random.tensor(&[co, kh, kw, ci]);
                    let bias = random.tensor(&[co]);
                    let operands = [&input, &filter, &bias];
                    // Some combinations of size, stride and kernel cannot be.
                    if op.infer(&operands.map(Some)).is_err() {
                        continue;
                    }
                    let [_, oh, ow, _] = result_shape(&op, &operands).nhwc().unwrap();
                    let spec = ConvSpec {
                        input: [n, h, w, ci],
                        output: [oh, ow],
                        filter: floats(&filter),
                        filter_shape: [co, kh, kw, ci],
                        bias: Some(floats(&bias)),
                        stride,
                        dilation: [1, 1],
                        pad: attributes.pad_before([oh, ow], [kh, kw]),
                        activation: attributes.activation,
                    };
                    compare(&TransposeConv::new(spec), &op, &operands, 1, seed);
                    if DisjointTransposeConv::fits(&spec) {
                        compare(&DisjointTransposeConv::new(spec), &op, &operands, 1, seed);
                        disjoint += 1;
                    }
                    ran += 1;
                }
            }
        }
    }
    assert!(ran > 200 && disjoint > 20, "only {ran} and {disjoint} cases can be");
}
