//! Random cases, and the one comparison every test goes through.

use octomask::kernels::{Args, Kernel};
use octomask::ops::{Op, Padding, Unary};
use octomask::reference::{self, Input, Output};
use octomask::tensor::{Data, Shape, TensorDef, ViewMut};
use std::ops::Range;
use std::sync::Arc;

/// One activation of each kind that kernels know, and none.
pub const ACTIVATIONS: [Option<Unary>; 8] = [
    None,
    Some(Unary::Relu),
    Some(Unary::Relu6),
    Some(Unary::ReluN1To1),
    Some(Unary::HardSwish),
    Some(Unary::LeakyRelu { alpha: 0.3 }),
    Some(Unary::Logistic),
    Some(Unary::Tanh),
];

/// One padding of each kind; the last one has windows that lie outside of the image.
pub const PADDINGS: [Padding; 4] = [
    Padding::Same,
    Padding::Valid,
    Padding::Explicit { before: [0, 2], after: [1, 0] },
    Padding::Explicit { before: [6, 1], after: [0, 7] },
];

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `range`.
    pub fn below(&mut self, range: Range<usize>) -> usize {
        range.start + (self.next() % range.len() as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(0..of.len())]
    }

    /// Uniform in -2..2: sums reach both ends of every activation.
    pub fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| (self.next() >> 40) as f32 / (1 << 22) as f32 - 2.0).collect()
    }

    pub fn tensor(&mut self, dims: &[usize]) -> TensorDef {
        let shape = Shape::new(dims).unwrap();
        let data = Data::F32(self.floats(shape.elements()));
        tensor(shape, data)
    }
}

/// A tensor with elements.
pub fn tensor(shape: Shape, data: Data) -> TensorDef {
    let (name, dtype) = (String::new(), data.dtype());
    TensorDef { name, shape, dtype, quantization: None, data: Some(Arc::new(data)) }
}

/// Constant int32.
pub fn integers(values: &[i32]) -> TensorDef {
    tensor(Shape::new([values.len()]).unwrap(), Data::I32(values.to_vec()))
}

pub fn floats(t: &TensorDef) -> &[f32] {
    t.data.as_ref().unwrap().view().f32().unwrap()
}

/// The result's shape.
pub fn result_shape(op: &Op, operands: &[&TensorDef]) -> Shape {
    let operands: Vec<_> = operands.iter().copied().map(Some).collect();
    op.infer(&operands).unwrap_or_else(|e| panic!("{e}: {op:?}"))[0].0.clone()
}

/// Runs `octomask::reference`.
fn expected(op: &Op, operands: &[&TensorDef]) -> Vec<f32> {
    let shape = result_shape(op, operands);
    let mut data = vec![f32::NAN; shape.elements()];
    let inputs: Vec<_> = operands
        .iter()
        .map(|t| Some(Input::new(&t.shape, None, t.data.as_ref().unwrap().view())))
        .collect();
    let data_mut = ViewMut::F32(&mut data);
    reference::run(op, &inputs, &mut [Output::new(&shape, None, data_mut)]);
    data
}

/// The tensor without signs.
pub fn magnitudes_of(t: &TensorDef) -> TensorDef {
    match &**t.data.as_ref().unwrap() {
        Data::F32(v) => tensor(t.shape.clone(), Data::F32(v.iter().map(|x| x.abs()).collect())),
        other => tensor(t.shape.clone(), other.clone()),
    }
}

/// For each element, the sum of the absolute values that are added up for it.
fn magnitudes(op: &Op, operands: &[&TensorDef]) -> Vec<f32> {
    let mut op = op.clone();
    if let Some(activation) = op.activation_mut() {
        *activation = None;
    }
    let absolute: Vec<TensorDef> = operands.iter().map(|t| magnitudes_of(t)).collect();
    expected(&op, &absolute.iter().collect::<Vec<_>>())
}

/// Runs a kernel over `ranges` of its units, in that order, each with scratch and outputs full
/// of NaN. Operands listed in `in_place` start out in the output.
fn run(
    kernel: &dyn Kernel,
    operands: &[&TensorDef],
    in_place: Option<usize>,
    elements: usize,
    ranges: &[Range<usize>],
) -> Vec<f32> {
    let mut data = match in_place {
        Some(i) => floats(operands[i]).to_vec(),
        None => vec![f32::NAN; elements],
    };
    let inputs: Vec<_> = operands
        .iter()
        .enumerate()
        .map(|(i, t)| (in_place != Some(i)).then(|| t.data.as_ref().unwrap().view()))
        .collect();
    for range in ranges {
        let mut scratch = vec![f32::NAN; kernel.scratch()];
        let out = &mut data[kernel.span(0, range.clone())];
        let outputs = &mut [ViewMut::F32(out)];
        kernel.run(range.clone(), Args { inputs: &inputs, outputs, scratch: &mut scratch });
    }
    data
}

/// Cuts `0..units` at random and shuffles the pieces.
pub fn cut(units: usize, random: &mut Random) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < units {
        let end = random.below(start + 1..units + 1);
        ranges.push(start..end);
        start = end;
    }
    for i in (1..ranges.len()).rev() {
        ranges.swap(i, random.below(0..i + 1));
    }
    ranges
}

/// The kernel must agree with the reference to 2e-6 of the sum of absolute products, or of the
/// result (builds round and order sums differently); the rest as [`compare_within`].
pub fn compare(kernel: &dyn Kernel, op: &Op, operands: &[&TensorDef], run_time: usize, seed: u64) {
    let mut allowed = magnitudes(op, operands);
    for (allowed, want) in allowed.iter_mut().zip(expected(op, operands)) {
        *allowed = 2e-6 * (allowed.abs().max(want.abs()) + 1.0);
    }
    compare_within(&allowed, kernel, op, operands, run_time, seed);
}

/// The kernel must agree with the reference to `allowed`, one for each element; any split of its
/// units must give the same bits, and so must every allowed way of working in place. `operands`
/// are the reference's, of which the kernel takes the first `run_time`.
pub fn compare_within(
    allowed: &[f32],
    kernel: &dyn Kernel,
    op: &Op,
    operands: &[&TensorDef],
    run_time: usize,
    seed: u64,
) {
    let shapes: Vec<String> = operands.iter().map(|t| t.shape.to_string()).collect();
    let case = format!("{}: seed {seed}, {op:?} of {}", kernel.name(), shapes.join(", "));
    let want = expected(op, operands);
    let inputs = &operands[..run_time];
    let units = kernel.units();
    assert_eq!(kernel.span(0, 0..units), 0..want.len(), "{case}");
    let got = run(kernel, inputs, None, want.len(), std::slice::from_ref(&(0..units)));
    for (i, (&got, &want)) in got.iter().zip(&want).enumerate() {
        assert!((got - want).abs() <= allowed[i], "{case}: element {i} is {got}, should be {want}");
    }
    let bits = |v: &[f32]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let ranges = cut(units, &mut Random(seed));
    let pieces = run(kernel, inputs, None, want.len(), &ranges);
    assert!(bits(&pieces) == bits(&got), "{case}: differs when split into {ranges:?}");
    for &operand in kernel.in_place() {
        let in_place = run(kernel, inputs, Some(operand), want.len(), &ranges);
        assert!(bits(&in_place) == bits(&got), "{case}: differs with operand {operand} in place");
    }
}

/// A kernel without scratch whose results are of any type must give exactly what the reference gives,
/// also when its units are split.
pub fn compare_exactly(kernel: &dyn Kernel, op: &Op, operands: &[&TensorDef], seed: u64) {
    let case = format!("{}: seed {seed}, {op:?} of {:?}", kernel.name(), operands[0].shape);
    let some: Vec<_> = operands.iter().copied().map(Some).collect();
    let (shape, dtype) = op.infer(&some).unwrap_or_else(|e| panic!("{e}: {case}")).remove(0);
    let mut got = Data::zeros(dtype, shape.elements());
    let result = tensor(shape, got.clone());
    let want = reference::evaluate(op, &some, &[&result]).remove(0);
    let inputs: Vec<_> = operands.iter().map(|t| Some(t.data.as_ref().unwrap().view())).collect();
    for units in cut(kernel.units(), &mut Random(seed)) {
        let outputs = &mut [part(&mut got, kernel.span(0, units.clone()))];
        kernel.run(units, Args { inputs: &inputs, outputs, scratch: &mut [] });
    }
    assert!(got == want, "{case}: {got:?}, should be {want:?}");
}

fn part(data: &mut Data, elements: Range<usize>) -> ViewMut<'_> {
    match data {
        Data::F32(v) => ViewMut::F32(&mut v[elements]),
        Data::F16(v) => ViewMut::F16(&mut v[elements]),
        Data::I8(v) => ViewMut::I8(&mut v[elements]),
        Data::U8(v) => ViewMut::U8(&mut v[elements]),
        Data::I16(v) => ViewMut::I16(&mut v[elements]),
        Data::I32(v) => ViewMut::I32(&mut v[elements]),
        Data::I64(v) => ViewMut::I64(&mut v[elements]),
        Data::Bool(v) => ViewMut::Bool(&mut v[elements]),
    }
}
