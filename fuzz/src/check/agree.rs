//! When results agree.

use octomask::graph::{Graph, Node, TensorId};
use octomask::ops::{Binary, BinaryKind, Op, Unary};
use octomask::reference::{self, Input};
use octomask::tensor::{DType, Data, TensorDef, View};
use std::collections::HashMap;
use std::sync::Arc;

/// What a run takes, in multiply-adds or elements.
pub fn work(graph: &Graph) -> u64 {
    graph.nodes.iter().map(|node| node_work(graph, node)).fold(0, u64::saturating_add)
}

fn node_work(graph: &Graph, node: &Node) -> u64 {
    let operands = graph.operands(node);
    let made = node.outputs.iter().map(|&id| graph.tensor(id).shape.elements() as u64);
    let read = operands.iter().flatten().map(|t| t.shape.elements() as u64).sum::<u64>();
    let elements: u64 = made.sum();
    let taps = match &node.op {
        Op::Pool2d(p) | Op::MaxPoolWithArgmax(p) => (p.kernel[0] * p.kernel[1]).min(1 << 20) as u64,
        Op::TransposeConv(_) | Op::Convolution2dTransposeBias(_) => {
            let filter = operands.get(1).copied().flatten();
            filter.map_or(1, |f| f.shape.elements() as u64)
        }
        _ => 1,
    };
    let output = node.outputs.first().map(|&id| graph.tensor(id).shape.clone()).unwrap_or_default();
    node.op.macs(&operands, &output).max(elements.saturating_mul(taps)).max(read)
}

/// The same bits, but for kinds of NaN.
pub fn identical(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::F32(a), Data::F32(b)) => {
            let same = |(x, y): (&f32, &f32)| x == y || x.is_nan() && y.is_nan();
            a.len() == b.len() && a.iter().zip(b).all(same)
        }
        _ => a == b,
    }
}

/// Whether results differ by no more than what last bits of operands make of any node.
pub fn nearly(graph: &Graph, id: TensorId, a: &Data, b: &Data) -> bool {
    let tolerance = graph.nodes.iter().map(|node| jump(&node.op)).fold(0.0, f64::max);
    difference(graph.tensor(id), a, b, tolerance).is_none()
}

/// Holds what each operator made against what the reference makes of the same operands.
pub fn check_each(graph: &Graph, made: &HashMap<TensorId, Data>) {
    let mut known = graph.clone();
    for (id, data) in made {
        known.tensors[id.0].data = Some(Arc::new(data.clone()));
    }
    for node in &graph.nodes {
        let operands = known.operands(node);
        let Some(size) = magnitude(&operands) else { continue };
        let results: Vec<&TensorDef> = node.outputs.iter().map(|&id| graph.tensor(id)).collect();
        let expected = reference::evaluate(&node.op, &operands, &results);
        let terms = node_work(graph, node) / expected[0].len().max(1) as u64;
        for ((tensor, expected), id) in results.iter().zip(&expected).zip(&node.outputs) {
            let tolerance = 2e-6 * size * (8 + terms) as f64 + jump(&node.op);
            if let Some(what) = difference(tensor, expected, &made[id], tolerance) {
                let name = &node.source().name;
                panic!("{name} makes tensor {}: {what}\n{node:?}\n{graph}", id.0);
            }
        }
    }
}

/// How far results may lie apart when operands differ by nearly nothing.
fn jump(op: &Op) -> f64 {
    match op {
        Op::Unary(Unary::Floor | Unary::Ceil | Unary::Round) => 1.0,
        Op::Binary(Binary { kind: BinaryKind::FloorDiv, .. }) => 1.0,
        Op::Binary(Binary { kind: BinaryKind::FloorMod, .. }) => f64::INFINITY,
        Op::FakeQuant(grid) => 1.001 * grid.scale as f64,
        _ => 0.0,
    }
}

/// How large products of an element of each operand are; `None` where rounding says little.
fn magnitude(operands: &[Option<&TensorDef>]) -> Option<f64> {
    let mut size = 1.0;
    for tensor in operands.iter().flatten() {
        let data = tensor.data.as_ref()?;
        if matches!(data.dtype(), DType::I32 | DType::I64 | DType::Bool) {
            continue;
        }
        let input = Input::new(&tensor.shape, tensor.quantization.as_ref(), data.view());
        let largest = (0..input.len()).map(|i| input.get(i).abs());
        let largest =
            largest.fold(
                0.0,
                |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { f64::max(a, b) },
            );
        if largest.is_nan() || largest > 1e12 {
            return None;
        }
        size *= f64::max(1.0, largest);
    }
    Some(size)
}

/// The first element that differs by more than the type's own rounding and `tolerance`.
fn difference(tensor: &TensorDef, expected: &Data, got: &Data, tolerance: f64) -> Option<String> {
    if expected.dtype() != got.dtype() || expected.len() != got.len() {
        return Some(format!("{:?} instead of {:?}", got.dtype(), expected.dtype()));
    }
    if let (View::F32(_), View::F32(_)) | (View::I8(_), _) | (View::U8(_), _) | (View::I16(_), _) =
        (expected.view(), got.view())
    {
        let real = |data: &Data, i: usize| {
            Input::new(&tensor.shape, tensor.quantization.as_ref(), data.view()).get(i)
        };
        let step = match (&tensor.quantization, tensor.dtype.stored_range()) {
            (Some(q), Some(_)) => q.scale[0] as f64,
            _ => 0.0,
        };
        let largest = (0..expected.len()).map(|i| real(expected, i).abs());
        let largest = largest.filter(|x| x.is_finite()).fold(0.0, f64::max);
        let allowed = 1.001 * step + tolerance + 1e-5 * largest;
        return (0..expected.len()).find_map(|i| {
            let (e, g) = (real(expected, i), real(got, i));
            // What overflows, or is not defined, may do so a little earlier.
            let wild = |x: f64| !x.is_finite() || x.abs() > 1e30;
            let agree = (e - g).abs() <= allowed || wild(e) || wild(g) && e.abs() > 1e25;
            (!agree).then(|| format!("element {i} is {g} instead of {e}, allowed {allowed}"))
        });
    }
    (expected != got).then(|| format!("{got:?} instead of {expected:?}"))
}
