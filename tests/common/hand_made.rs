//! A model of a few hundred bytes, written by hand, whose results are known.

use octomask::tflite::builder::{Table, finish};
use octomask::tflite::schema::{
    IDENTIFIER, buffer, model, operator, operator_code, options, quantization, subgraph, tensor,
};

/// Input `[1, 8, 8, 3]`, output `[1, 8, 8, 1]`: twice the sum of the channels and 0.5.
#[allow(dead_code)]
pub fn doubled_sum() -> Vec<u8> {
    scaled_sum("sum of channels", [1, 8, 8, 3], 0.5)
}

/// What [`doubled_sum`] makes of `[n][3]` values.
#[allow(dead_code)]
pub fn doubled_sum_of(input: &[f32]) -> Vec<f32> {
    input.chunks_exact(3).map(|p| (p[0] + p[1] + p[2] + 0.5) * 2.0).collect()
}

/// A 1x1 convolution that sums the channels of `[n, h, w, c]` and adds `bias`, then times 2.
pub fn scaled_sum(name: &str, shape: [i32; 4], bias: f32) -> Vec<u8> {
    model(name, shape, bias, false)
}

/// The same from int8 to int8, both with 255 steps to 1 and -128 for 0.
#[allow(dead_code)]
pub fn quantized_scaled_sum(name: &str, shape: [i32; 4], bias: f32) -> Vec<u8> {
    model(name, shape, bias, true)
}

fn model(name: &str, [n, h, w, c]: [i32; 4], bias: f32, quantized: bool) -> Vec<u8> {
    /// The schema's numbers of types.
    const INT32: i8 = 2;
    const INT8: i8 = 9;
    let tensor = |name: &str, shape: &[i32], buffer: u32, dtype: i8, scale: f32, zero: i64| {
        let table = Table::new()
            .vector(tensor::SHAPE, shape)
            .set(tensor::BUFFER, buffer)
            .text(tensor::NAME, name);
        if !quantized {
            return table;
        }
        let scales = Table::new()
            .vector(quantization::SCALE, &[scale])
            .vector(quantization::ZERO_POINT, &[zero]);
        table.set(tensor::TYPE, dtype).table(tensor::QUANTIZATION, scales)
    };
    let step = 1.0 / 255.0;
    let operator = |code: u32, inputs: &[i32], outputs: &[i32], kind: u8, options: Table| {
        Table::new()
            .set(operator::OPCODE_INDEX, code)
            .vector(operator::INPUTS, inputs)
            .vector(operator::OUTPUTS, outputs)
            .set(operator::BUILTIN_OPTIONS_TYPE, kind)
            .table(operator::BUILTIN_OPTIONS, options)
    };
    let floats = |values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Table::new().bytes(buffer::DATA, &bytes)
    };
    let code = |number: i32| Table::new().set(operator_code::BUILTIN_CODE, number);
    let stride_1 =
        Table::new().set(options::conv_2d::STRIDE_W, 1).set(options::conv_2d::STRIDE_H, 1);
    let graph = Table::new()
        .text(subgraph::NAME, name)
        .tables(
            subgraph::TENSORS,
            [
                tensor("image", &[n, h, w, c], 0, INT8, step, -128),
                tensor("filter", &[1, 1, 1, c], 1, INT8, 1.0, 0),
                tensor("bias", &[1], 2, INT32, step, 0),
                tensor("sum", &[n, h, w, 1], 0, INT8, 4.0 * step, -64),
                tensor("two", &[1], 3, INT8, 2.0, 0),
                tensor("mask", &[n, h, w, 1], 0, INT8, step, -128),
            ],
        )
        .vector(subgraph::INPUTS, &[0])
        .vector(subgraph::OUTPUTS, &[5])
        .tables(
            subgraph::OPERATORS,
            [
                operator(0, &[0, 1, 2], &[3], options::conv_2d::TYPE, stride_1),
                operator(1, &[3, 4], &[5], options::mul::TYPE, Table::new()),
            ],
        );
    let root = Table::new()
        .set(model::VERSION, 3)
        .tables(model::OPERATOR_CODES, [code(3), code(18)])
        .tables(model::SUBGRAPHS, [graph])
        .tables(
            model::BUFFERS,
            match quantized {
                false => {
                    [Table::new(), floats(&vec![1.0; c as usize]), floats(&[bias]), floats(&[2.0])]
                }
                true => [
                    Table::new(),
                    Table::new().bytes(buffer::DATA, &vec![1; c as usize]),
                    Table::new()
                        .bytes(buffer::DATA, &((bias * 255.0).round() as i32).to_le_bytes()),
                    Table::new().bytes(buffer::DATA, &[1]),
                ],
            },
        );
    finish(&root, IDENTIFIER)
}
