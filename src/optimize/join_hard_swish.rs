//! HARD_SWISH spelt out, as converters do for `x * relu6(x + 3) / 6` and `x * clip(x / 6 + 1/2, 0, 1)`,
//! is one function: it costs nothing when it is part of the convolution before it.

use crate::error::Result;
use crate::graph::{Graph, TensorId};
use crate::ops::{Binary, BinaryKind, Op, Unary};
use crate::tensor::DType;
use std::collections::HashMap;

/// Operators between `x` and what it is multiplied by, at most.
const MAX_STEPS: usize = 6;

/// Constants may be this far off, of 1: converters round 1/6 in different places.
const TOLERANCE: f64 = 1e-5;

pub fn run(graph: &mut Graph) -> Result<()> {
    let uses = graph.use_counts();
    let producers = graph.producers();
    let mut gone = vec![false; graph.nodes.len()];
    for i in 0..graph.nodes.len() {
        let mut finder = Finder { graph, uses: &uses, producers: &producers, found: Vec::new() };
        let Some(x) = finder.hard_swish(i) else { continue };
        let found = finder.found;
        for &inner in &found {
            let covers = std::mem::take(&mut graph.nodes[inner].covers);
            graph.nodes[i].covers.extend(covers);
            gone[inner] = true;
        }
        let node = &mut graph.nodes[i];
        node.op = Op::Unary(Unary::HardSwish);
        node.inputs = vec![Some(x)];
    }
    let mut gone = gone.into_iter();
    graph.nodes.retain(|_| !gone.next().expect("one flag per node"));
    Ok(())
}

struct Finder<'a> {
    graph: &'a Graph,
    uses: &'a [usize],
    producers: &'a HashMap<TensorId, usize>,
    /// Nodes whose results only those found after them read.
    found: Vec<usize>,
}

/// `low` to `high` of `slope * x + offset`, whatever is nearest.
#[derive(Debug, Clone, Copy)]
struct Line {
    slope: f64,
    offset: f64,
    low: f64,
    high: f64,
}

impl Finder<'_> {
    /// The operand of HARD_SWISH that node `i` is the end of.
    fn hard_swish(&mut self, i: usize) -> Option<TensorId> {
        let is_one = |factor: f64| (factor - 1.0).abs() < TOLERANCE;
        let node = &self.graph.nodes[i];
        if self.graph.tensor(node.outputs[0]).dtype != DType::F32 || node.op.activation().is_some()
        {
            return None;
        }
        if let Some((x, factor)) = self.gated(i) {
            return is_one(factor).then_some(x);
        }
        let (kind, product, constant) = self.with_constant(i)?;
        let maker = self.sole_maker(product)?;
        if self.graph.nodes[maker].op.activation().is_some() {
            return None;
        }
        let (x, factor) = self.gated(maker)?;
        self.found.push(maker);
        let whole = match kind {
            BinaryKind::Mul => factor * constant,
            BinaryKind::Div => factor / constant,
            _ => return None,
        };
        is_one(whole).then_some(x)
    }

    /// `x` and the factor, where node `i` is `x * factor * clip(x / 6 + 1/2, 0, 1)`.
    fn gated(&mut self, i: usize) -> Option<(TensorId, f64)> {
        let node = &self.graph.nodes[i];
        let Op::Binary(Binary { kind: BinaryKind::Mul, .. }) = node.op else { return None };
        let &[Some(a), Some(b)] = &node.inputs[..] else { return None };
        for (x, gate) in [(a, b), (b, a)] {
            let before = self.found.len();
            let factor = self.line(gate, x, MAX_STEPS).and_then(Line::sixths);
            if let Some(factor) = factor {
                return Some((x, factor));
            }
            self.found.truncate(before);
        }
        None
    }

    /// A tensor as a function of `x`.
    fn line(&mut self, id: TensorId, x: TensorId, steps: usize) -> Option<Line> {
        let everything = (f64::NEG_INFINITY, f64::INFINITY);
        if id == x {
            return Some(Line { slope: 1.0, offset: 0.0, low: everything.0, high: everything.1 });
        }
        let maker = self.sole_maker(id).filter(|_| steps > 0)?;
        self.found.push(maker);
        let node = &self.graph.nodes[maker];
        let (line, activation) = match node.op {
            Op::Unary(unary) => (self.line(node.inputs[0]?, x, steps - 1)?, Some(unary)),
            Op::Binary(Binary { activation, .. }) => {
                let (kind, operand, constant) = self.with_constant(maker)?;
                (self.line(operand, x, steps - 1)?.then(kind, constant)?, activation)
            }
            _ => return None,
        };
        let (low, high) = match activation {
            None => everything,
            Some(Unary::Relu) => (0.0, f64::INFINITY),
            Some(Unary::Relu6) => (0.0, 6.0),
            Some(Unary::Relu0To1) => (0.0, 1.0),
            Some(_) => return None,
        };
        line.then(BinaryKind::Maximum, low)?.then(BinaryKind::Minimum, high)
    }

    /// The node that makes a tensor, if only one other reads it and it is not rounded in between.
    fn sole_maker(&self, id: TensorId) -> Option<usize> {
        let maker = *self.producers.get(&id).filter(|_| self.uses[id.0] == 1)?;
        self.graph.nodes[maker].grid.is_none().then_some(maker)
    }

    /// What node `i` does to its other operand with a constant that is one number.
    fn with_constant(&self, i: usize) -> Option<(BinaryKind, TensorId, f64)> {
        let node = &self.graph.nodes[i];
        let Op::Binary(Binary { kind, .. }) = node.op else { return None };
        let &[Some(a), Some(b)] = &node.inputs[..] else { return None };
        let in_any_order = !matches!(kind, BinaryKind::Sub | BinaryKind::Div);
        let (operand, constant) = match (self.constant(a), self.constant(b)) {
            (None, Some(constant)) => (a, constant),
            (Some(constant), None) if in_any_order => (b, constant),
            _ => return None,
        };
        // A longer constant could stretch the operand.
        let same = self.graph.tensor(operand).shape == self.graph.tensor(node.outputs[0]).shape;
        same.then_some((kind, operand, constant))
    }

    /// The only element of a constant.
    fn constant(&self, id: TensorId) -> Option<f64> {
        match self.graph.tensor(id).data.as_ref()?.view().f32()? {
            &[value] => Some(value as f64),
            _ => None,
        }
    }
}

impl Line {
    /// The line after another function, if that is rising.
    fn then(self, kind: BinaryKind, c: f64) -> Option<Line> {
        let each = |f: &dyn Fn(f64) -> f64| Line {
            slope: self.slope,
            offset: self.offset,
            low: f(self.low),
            high: f(self.high),
        };
        let (slope, offset) = (self.slope, self.offset);
        match kind {
            BinaryKind::Add => Some(Line { offset: offset + c, ..each(&|y| y + c) }),
            BinaryKind::Sub => self.then(BinaryKind::Add, -c),
            BinaryKind::Mul if c > 0.0 => {
                Some(Line { slope: slope * c, offset: offset * c, ..each(&|y| y * c) })
            }
            BinaryKind::Div if c > 0.0 => self.then(BinaryKind::Mul, 1.0 / c),
            BinaryKind::Maximum => Some(each(&|y| y.max(c))),
            BinaryKind::Minimum => Some(each(&|y| y.min(c))),
            _ => None,
        }
    }

    /// What `clip(x / 6 + 1/2, 0, 1)` is multiplied by, if that is what this is.
    fn sixths(self) -> Option<f64> {
        let Line { slope, offset, low, high } = self;
        let near = |a: f64, b: f64| (a - b).abs() < TOLERANCE * high;
        let same = low == 0.0 && near(6.0 * slope, high) && near(2.0 * offset, high);
        (high.is_finite() && same).then_some(high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::testing::{GraphBuilder, evaluate};
    use crate::tensor::Data;

    fn step(
        b: &mut GraphBuilder,
        kind: BinaryKind,
        activation: Option<Unary>,
        operands: [TensorId; 2],
    ) -> TensorId {
        b.node(Op::Binary(Binary { kind, activation }), &operands)
    }

    fn number(b: &mut GraphBuilder, x: f32) -> TensorId {
        b.constant(&[], Data::F32(vec![x]))
    }

    fn names(graph: &mut Graph) -> Vec<&str> {
        run(graph).unwrap();
        graph.validate().unwrap();
        graph.nodes.iter().map(|n| n.op.name()).collect()
    }

    #[test]
    fn spellings_are_known() {
        use BinaryKind::{Add, Div, Minimum, Mul};
        for spelling in 0..4 {
            let mut b = GraphBuilder::new();
            let x = b.input(&[1, 4, 4, 2]);
            let x = b.node(Op::Unary(Unary::Tanh), &[x]);
            let (sixth, six) = (number(&mut b, 1.0 / 6.0), number(&mut b, 6.0));
            let (three, half, one) =
                (number(&mut b, 3.0), number(&mut b, 0.5), number(&mut b, 1.0));
            let y = match spelling {
                0 => {
                    let gate = step(&mut b, Add, Some(Unary::Relu6), [x, three]);
                    let y = step(&mut b, Mul, None, [gate, x]);
                    step(&mut b, Mul, None, [sixth, y])
                }
                1 => {
                    let gate = step(&mut b, Add, None, [three, x]);
                    let gate = b.node(Op::Unary(Unary::Relu6), &[gate]);
                    let y = step(&mut b, Mul, None, [x, gate]);
                    step(&mut b, Div, None, [y, six])
                }
                2 => {
                    let gate = step(&mut b, Add, Some(Unary::Relu6), [x, three]);
                    let gate = step(&mut b, Div, None, [gate, six]);
                    step(&mut b, Mul, None, [x, gate])
                }
                _ => {
                    let gate = step(&mut b, Mul, None, [x, sixth]);
                    let gate = step(&mut b, Add, None, [gate, half]);
                    let gate = step(&mut b, Minimum, None, [gate, one]);
                    let gate = b.node(Op::Unary(Unary::Relu), &[gate]);
                    step(&mut b, Mul, None, [x, gate])
                }
            };
            let mut graph = b.build(&[y]);
            let (covered, want) = (graph.nodes.len() - 1, evaluate(&graph));
            assert_eq!(names(&mut graph), ["TANH", "HARD_SWISH"], "spelling {spelling}");
            assert_eq!(graph.nodes[1].covers.len(), covered);
            let near = |(a, b): (f32, f32)| (a - b).abs() < 1e-6;
            assert!(evaluate(&graph).into_iter().zip(want).all(near));
        }
    }

    #[test]
    fn others_stay() {
        use BinaryKind::{Add, Div, Mul};
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 4, 4, 2]);
        let (two, three, six) = (number(&mut b, 2.0), number(&mut b, 3.0), number(&mut b, 6.0));
        // x + 2; not divided; the gate is a result of its own.
        let mut results = Vec::new();
        for (offset, divisor) in [(two, Some(six)), (three, None), (three, Some(six))] {
            let gate = step(&mut b, Add, Some(Unary::Relu6), [x, offset]);
            let y = step(&mut b, Mul, None, [gate, x]);
            results.push(divisor.map_or(y, |divisor| step(&mut b, Div, None, [y, divisor])));
            results.push(gate);
        }
        results.remove(1);
        results.remove(2);
        let mut graph = b.build(&results);
        assert!(!names(&mut graph).contains(&"HARD_SWISH"));
    }
}
