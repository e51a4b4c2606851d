//! The network between reading and planning: tensors, nodes in running order, and their text form.

use crate::error::{Error, OpRef, Result};
use crate::ops::Op;
use crate::ops::types::settle_result;
use crate::reference;
use crate::tensor::{Grid, MAX_RANK, TensorDef};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// More operators, inputs or outputs than this are refused: passes and the placing of buffers take
/// time with the square of their number.
pub const MAX_NODES: usize = 10_000;

/// Index of a tensor in [`Graph::tensors`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// An operator, what it reads and what it makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The operator with its attributes.
    pub op: Op,
    /// Operands in TFLite's order; `None` where an optional one is left out.
    pub inputs: Vec<Option<TensorId>>,
    /// Results.
    pub outputs: Vec<TensorId>,
    /// What the results, float32, are rounded to: they stand for quantized ones.
    pub grid: Option<Grid>,
    /// The file's operators that this node does the work of: one when read, more after fusion. The
    /// first one names the node.
    pub covers: Vec<OpRef>,
}

impl Node {
    /// The file's operator that names this node.
    pub fn source(&self) -> &OpRef {
        &self.covers[0]
    }
}

/// A network: tensors, and nodes in an order in which they can run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// The file's name of the network.
    pub name: String,
    /// All tensors, in the file's order; passes may add to them, and leave some unused.
    pub tensors: Vec<TensorDef>,
    /// All nodes: each comes after the nodes it reads from.
    pub nodes: Vec<Node>,
    /// What the caller provides.
    pub inputs: Vec<TensorId>,
    /// What the caller gets.
    pub outputs: Vec<TensorId>,
}

impl Graph {
    /// The tensor with that id.
    pub fn tensor(&self, id: TensorId) -> &TensorDef {
        &self.tensors[id.0]
    }

    /// The operands of a node, as [`Op::infer`] takes them.
    pub fn operands(&self, node: &Node) -> Vec<Option<&TensorDef>> {
        node.inputs.iter().map(|id| id.map(|id| self.tensor(id))).collect()
    }

    /// Adds a tensor.
    pub fn add_tensor(&mut self, def: TensorDef) -> TensorId {
        self.tensors.push(def);
        TensorId(self.tensors.len() - 1)
    }

    /// Checks that ids exist, that every tensor is made at most once and before it is read, and
    /// that constants have the size of their shape. What a node makes may be a constant: inference
    /// knows its value.
    pub fn validate(&self) -> Result<()> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            Unknown,
            Constant,
            Known,
        }
        let lookup = |id: TensorId| {
            self.tensors
                .get(id.0)
                .ok_or_else(|| Error::malformed(format!("tensor {} does not exist", id.0)))
        };
        let mut state: Vec<State> = self
            .tensors
            .iter()
            .map(|t| if t.is_const() { State::Constant } else { State::Unknown })
            .collect();
        for t in &self.tensors {
            if let Some(data) = &t.data
                && (data.dtype() != t.dtype || data.len() != t.shape.elements())
            {
                return Err(Error::malformed(format!(
                    "constant '{}' has {} elements of {}, its shape is {} of {}",
                    t.name,
                    data.len(),
                    data.dtype(),
                    t.shape,
                    t.dtype
                )));
            }
        }
        for &id in &self.inputs {
            let tensor = lookup(id)?;
            if state[id.0] != State::Unknown {
                return Err(Error::malformed(format!(
                    "input '{}' is a constant or listed twice",
                    tensor.name
                )));
            }
            state[id.0] = State::Known;
        }
        for node in &self.nodes {
            let OpRef { index, name } = node.source();
            let mut check = || -> Result<()> {
                for &id in node.inputs.iter().flatten() {
                    let tensor = lookup(id)?;
                    if state[id.0] == State::Unknown {
                        return Err(Error::malformed(format!(
                            "reads tensor '{}' before anything has made it",
                            tensor.name
                        )));
                    }
                }
                for &id in &node.outputs {
                    let tensor = lookup(id)?;
                    if state[id.0] == State::Known {
                        return Err(Error::malformed(format!(
                            "overwrites tensor '{}'",
                            tensor.name
                        )));
                    }
                    state[id.0] = State::Known;
                }
                Ok(())
            };
            check().map_err(|e| e.at(*index, name))?;
        }
        for &id in &self.outputs {
            let tensor = lookup(id)?;
            if state[id.0] == State::Unknown {
                return Err(Error::malformed(format!("nothing makes output '{}'", tensor.name)));
            }
        }
        Ok(())
    }

    /// Infers shape and type of everything that nodes make, from the inputs on. Stops at the
    /// first node that cannot run, and names it.
    pub fn infer_shapes(&mut self) -> Result<()> {
        for i in 0..self.nodes.len() {
            self.infer_node(i)?;
        }
        Ok(())
    }

    /// Infers what node `i` makes, from what is known of its operands.
    pub fn infer_node(&mut self, i: usize) -> Result<()> {
        let node = &self.nodes[i];
        let at = |e: Error| e.at(node.source().index, &node.source().name);
        let operands = self.operands(node);
        if let Some(empty) = operands.iter().flatten().find(|t| t.shape.elements() == 0) {
            let what = format!("tensor '{}' of shape {} is empty", empty.name, empty.shape);
            return Err(at(Error::unsupported(what)));
        }
        let facts = node.op.infer(&operands).map_err(at)?;
        if facts.len() != node.outputs.len() {
            let what = format!("needs {} outputs, got {}", facts.len(), node.outputs.len());
            return Err(at(Error::malformed(what)));
        }
        if let Some((shape, _)) = facts.iter().find(|(shape, _)| shape.rank() > MAX_RANK) {
            let what = format!("makes {shape}, at most {MAX_RANK} extents are supported");
            return Err(at(Error::unsupported(what)));
        }
        let reads = |t: &&TensorDef| t.dtype.stored_range().is_some() && t.quantization.is_some();
        let quantized = matches!(node.op, Op::Quantize(_)) || operands.iter().flatten().any(reads);
        for (k, (shape, dtype)) in facts.into_iter().enumerate() {
            let node = &self.nodes[i];
            let tensor = &mut self.tensors[node.outputs[k].0];
            tensor.shape = shape;
            settle_result(tensor, dtype, quantized)
                .map_err(|e| e.at(node.source().index, &node.source().name))?;
            tensor.data = None;
        }
        self.fold_node(i);
        Ok(())
    }

    /// Computes what node `i` makes when that is small and depends on constants, or on shapes,
    /// only: sizes and axes that other operators need to know.
    fn fold_node(&mut self, i: usize) {
        /// Lists of sizes and axes are shorter; anything larger waits for the pass.
        const MAX_ELEMENTS: usize = 64;
        let node = &self.nodes[i];
        let small = |t: &TensorDef| t.shape.elements() <= MAX_ELEMENTS;
        let operands = self.operands(node);
        let known = |t: &&TensorDef| t.is_const() && small(t);
        let results: Vec<&TensorDef> = node.outputs.iter().map(|&id| self.tensor(id)).collect();
        let foldable = node.op.reads_only_shapes()
            || !operands.is_empty() && node.op.is_cheap() && operands.iter().flatten().all(known);
        if foldable && results.iter().all(|t| small(t)) {
            let made = reference::evaluate(&node.op, &operands, &results);
            for (id, data) in node.outputs.clone().into_iter().zip(made) {
                self.tensors[id.0].data = Some(Arc::new(data));
            }
        }
    }

    /// How many times each tensor is read by nodes or handed out as an output.
    pub fn use_counts(&self) -> Vec<usize> {
        let mut uses = vec![0; self.tensors.len()];
        let reads = self.nodes.iter().flat_map(|n| n.inputs.iter().flatten());
        for id in reads.chain(&self.outputs) {
            uses[id.0] += 1;
        }
        uses
    }

    /// For each tensor that a node makes, the index of that node.
    pub fn producers(&self) -> HashMap<TensorId, usize> {
        let made = self.nodes.iter().enumerate();
        made.flat_map(|(i, n)| n.outputs.iter().map(move |&id| (id, i))).collect()
    }
}

impl fmt::Display for Graph {
    /// One line per input, node and output; constants are marked with `*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |id: TensorId| {
            let t = self.tensor(id);
            let mark = if t.is_const() { "*" } else { "" };
            format!("%{}{mark} {} {}", id.0, t.shape, t.dtype)
        };
        writeln!(f, "graph '{}'", self.name)?;
        for &id in &self.inputs {
            writeln!(f, "  input  {}  '{}'", show(id), self.tensor(id).name)?;
        }
        for node in &self.nodes {
            let outputs: Vec<String> = node.outputs.iter().map(|&id| show(id)).collect();
            let inputs: Vec<String> = node
                .inputs
                .iter()
                .map(|id| id.map_or("-".to_string(), |id| format!("%{}", id.0)))
                .collect();
            write!(
                f,
                "  {:>4}  {} = {}({})",
                node.source().index,
                outputs.join(", "),
                node.source().name,
                inputs.join(", ")
            )?;
            if let Some(activation) = node.op.activation() {
                write!(f, " + {}", activation.name())?;
            }
            if let Some(Grid { scale, zero_point, .. }) = node.grid {
                write!(f, "  rounded to {scale} * (q - {zero_point})")?;
            }
            let rest: Vec<String> = node.covers[1..].iter().map(|r| r.index.to_string()).collect();
            if !rest.is_empty() {
                write!(f, "  covers {}", rest.join(", "))?;
            }
            writeln!(f)?;
        }
        for &id in &self.outputs {
            writeln!(f, "  output {}  '{}'", show(id), self.tensor(id).name)?;
        }
        Ok(())
    }
}

/// Small graphs for the tests of everything that takes one.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::tensor::{DType, Data, Quantization, Shape};
    use std::sync::Arc;

    /// The first result of a float32 graph for some image, by the naive loops.
    pub fn evaluate(graph: &Graph) -> Vec<f32> {
        let mut graph = graph.clone();
        let input = graph.inputs[0];
        let count = graph.tensor(input).shape.elements();
        let image = (0..count).map(|i| (i * 7 % 11) as f32 / 4.0 - 1.1).collect();
        graph.tensors[input.0].data = Some(Arc::new(Data::F32(image)));
        for node in graph.nodes.clone() {
            let results: Vec<_> = node.outputs.iter().map(|&id| graph.tensor(id)).collect();
            let made = reference::evaluate(&node.op, &graph.operands(&node), &results);
            for (id, data) in node.outputs.into_iter().zip(made) {
                graph.tensors[id.0].data = Some(Arc::new(data));
            }
        }
        let result = graph.tensor(graph.outputs[0]).data.as_deref();
        result.and_then(|data| data.view().f32()).expect("a float32 result").to_vec()
    }

    /// Builds a graph node by node; shapes are inferred on the way.
    #[derive(Default)]
    pub struct GraphBuilder {
        graph: Graph,
    }

    impl GraphBuilder {
        pub fn new() -> GraphBuilder {
            GraphBuilder::default()
        }

        fn tensor(&mut self, shape: &[usize], dtype: DType, data: Option<Data>) -> TensorId {
            let name = format!("t{}", self.graph.tensors.len());
            let (shape, data) = (Shape::new(shape).unwrap(), data.map(Arc::new));
            self.graph.add_tensor(TensorDef { name, shape, dtype, quantization: None, data })
        }

        pub fn input(&mut self, shape: &[usize]) -> TensorId {
            self.input_of(DType::F32, shape)
        }

        pub fn input_of(&mut self, dtype: DType, shape: &[usize]) -> TensorId {
            let id = self.tensor(shape, dtype, None);
            self.graph.inputs.push(id);
            id
        }

        pub fn constant(&mut self, shape: &[usize], data: Data) -> TensorId {
            self.tensor(shape, data.dtype(), Some(data))
        }

        pub fn node(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
            let output = self.tensor(&[], DType::F32, None);
            self.push(op, inputs, output)
        }

        /// A node whose result is quantized.
        pub fn quantized_node(
            &mut self,
            op: Op,
            inputs: &[TensorId],
            dtype: DType,
            (scale, zero_point): (f32, i64),
        ) -> TensorId {
            let output = self.tensor(&[], dtype, None);
            self.quantize(output, scale, zero_point);
            self.push(op, inputs, output)
        }

        /// Gives a tensor one scale.
        pub fn quantize(&mut self, id: TensorId, scale: f32, zero_point: i64) {
            let quantization = Quantization::per_tensor(scale, zero_point);
            self.graph.tensors[id.0].quantization = Some(quantization);
        }

        /// Gives each slice along an axis its own scale.
        pub fn quantize_along(&mut self, id: TensorId, scale: Vec<f32>, axis: usize) {
            let zero_point = vec![0; scale.len()];
            let quantization = Quantization { scale, zero_point, axis };
            self.graph.tensors[id.0].quantization = Some(quantization);
        }

        fn push(&mut self, op: Op, inputs: &[TensorId], output: TensorId) -> TensorId {
            let index = self.graph.nodes.len();
            let covers = vec![OpRef { index, name: op.name().to_string() }];
            let inputs = inputs.iter().map(|&id| Some(id)).collect();
            self.graph.nodes.push(Node { op, inputs, outputs: vec![output], grid: None, covers });
            self.graph.infer_node(index).unwrap();
            output
        }

        pub fn build(mut self, outputs: &[TensorId]) -> Graph {
            self.graph.outputs = outputs.to_vec();
            self.graph.validate().unwrap();
            self.graph
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::GraphBuilder;
    use crate::ops::{Binary, BinaryKind, Op};
    use crate::tensor::{DType, Data};

    #[test]
    fn what_depends_on_shapes_is_known_after_inference() {
        let mut b = GraphBuilder::new();
        let x = b.input(&[1, 5, 7]);
        let extents = b.node(Op::Shape(DType::I32), &[x]);
        let graph = b.build(&[extents]);
        assert_eq!(graph.tensor(extents).const_integers(), Some(vec![1, 5, 7]));
    }

    #[test]
    fn small_constants_are_joined_while_shapes_are_inferred() {
        let add = Op::Binary(Binary { kind: BinaryKind::Add, activation: None });
        let mut b = GraphBuilder::new();
        let x = b.input(&[2]);
        let small = b.constant(&[2], Data::F32(vec![1.0, 2.0]));
        let large = b.constant(&[100], Data::F32(vec![1.0; 100]));
        let known = b.node(add.clone(), &[small, small]);
        let later = b.node(add.clone(), &[large, large]);
        let unknown = b.node(add, &[x, known]);
        let graph = b.build(&[known, later, unknown]);
        assert_eq!(graph.tensor(known).data.as_deref(), Some(&Data::F32(vec![2.0, 4.0])));
        assert!(!graph.tensor(later).is_const() && !graph.tensor(unknown).is_const());
    }
}
